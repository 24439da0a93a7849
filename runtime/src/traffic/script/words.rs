// SPDX-License-Identifier: GPL-3.0-or-later
//! The words of a line, and what is wrong with them.

use std::net::{IpAddr, SocketAddr};

use crate::host::UnknownWord;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub help: Option<String>,
    /// A word that is none of those that may stand there.
    pub unknown: Option<UnknownWord>,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, unknown: None }
    }

    /// Names the words of which one may have been meant.
    pub fn instead_of<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known = known.into_iter().map(str::to_owned).collect();
        Self { unknown: Some(UnknownWord { word: word.to_owned(), known }), ..self }
    }

    /// Adds to the words of which one may have been meant.
    pub fn or<'a>(mut self, more: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(unknown) = &mut self.unknown {
            unknown.known.extend(more.into_iter().map(str::to_owned));
        }
        self
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// The words of a line, one after the other: separated by blanks, a text in double quotes being one word. A word that
/// starts with `#` starts a comment.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub const fn of(line: &'a str) -> Self {
        Self { rest: line }
    }

    /// The next word; it stays.
    pub fn peek(&self) -> Option<&'a str> {
        let mut ahead = *self;
        ahead.next()
    }

    /// Takes the next word if it is this one.
    pub fn eat(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        if found {
            self.next();
        }
        found
    }

    /// The next word, which has to be there.
    pub fn expect(&mut self, what: &str) -> Result<&'a str, Problem> {
        self.next().ok_or_else(|| Problem::new(format!("the line ends where {what} is expected")))
    }

    /// The number behind the word `name`.
    pub fn number<T: TryFrom<u64>>(&mut self, name: &str) -> Result<T, Problem> {
        let word = self.expect(&format!("the number of `{name}`"))?;
        number(word, name)
    }

    /// Words with a comma behind each but the last.
    pub fn list(&mut self, what: &str) -> Result<Vec<&'a str>, Problem> {
        let mut items = Vec::new();
        loop {
            let word = self.expect(what)?;
            let item = word.strip_suffix(',');
            items.push(item.unwrap_or(word));
            if item.is_none() {
                return Ok(items);
            }
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let line = self.rest.trim_start();
        if line.is_empty() || line.starts_with('#') {
            self.rest = "";
            return None;
        }
        let end = match line.strip_prefix('"') {
            Some(text) => text.find('"').map_or(line.len(), |end| end + 2),
            None => line.find(char::is_whitespace).unwrap_or(line.len()),
        };
        let (word, rest) = line.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

/// A decimal number, for the word `name`.
pub fn number<T: TryFrom<u64>>(word: &str, name: &str) -> Result<T, Problem> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(Problem::new(format!("`{name}` needs a number, not `{word}`")));
    }
    let number = word.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| Problem::new(format!("`{word}` is too large for `{name}`")))
}

/// Keeps what a word says; twice is a mistake.
pub fn once<T>(place: &mut Option<T>, word: &str, value: T) -> Result<(), Problem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::new(format!("`{word}` is said twice"))),
    }
}

/// An address, perhaps with a port: `10.0.0.1`, `10.0.0.1:80`, `fd00::1`, `[fd00::1]:80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub address: IpAddr,
    pub port: Option<u16>,
}

impl End {
    pub fn read(word: &str) -> Result<Self, Problem> {
        let with_port = |end: SocketAddr| Self { address: end.ip(), port: Some(end.port()) };
        let alone = |address: IpAddr| Self { address, port: None };
        // A scope (`fe80::1%2`) would be lost.
        let scoped = word.contains('%');
        let end = word.parse().map(alone).or_else(|_| word.parse().map(with_port)).ok().filter(|_| !scoped);
        end.ok_or_else(|| {
            Problem::new(format!("`{word}` is not an address"))
                .help("ends are written 10.0.0.1, 10.0.0.1:80, fd00::1 or [fd00::1]:80")
        })
    }
}

/// The bytes of hexadecimal digits.
pub fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut pairs = digits.as_bytes().chunks_exact(2);
    let bytes =
        pairs.by_ref().map(|pair| pair.iter().try_fold(0, |byte, &digit| Some(byte << 4 | value(digit)?))).collect();
    if pairs.remainder().is_empty() { bytes } else { None }
}

/// Bytes in hexadecimal digits.
pub fn write_hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &str = "0123456789abcdef";
    let digit = |value: u8| DIGITS.chars().nth(value.into());
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).flatten().collect()
}

/// The bytes that `data` and its kind name: a number of zeroes, `"a text"`, or `0x` and hexadecimal digits.
pub fn data(word: &str) -> Result<Vec<u8>, Problem> {
    /// No packet is longer.
    const LONGEST: u16 = u16::MAX;
    if let Some(text) = word.strip_prefix('"') {
        let text = text.strip_suffix('"').ok_or_else(|| Problem::new("a text does not end in this line"))?;
        return Ok(text.as_bytes().to_vec());
    }
    if let Some(digits) = word.strip_prefix("0x") {
        return hexadecimal(digits).ok_or_else(|| Problem::new("`0x` needs pairs of hexadecimal digits"));
    }
    let zeroes: u16 = number(word, "data").map_err(|problem| {
        problem.help(format!("data is a number of zeroes up to {LONGEST}, \"a text\", or 0x and hexadecimal digits"))
    })?;
    Ok(vec![0; zeroes.into()])
}

/// Bytes as [`data`] reads them.
pub fn write_data(bytes: &[u8]) -> String {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'"';
    if bytes.iter().all(|&byte| byte == 0) {
        bytes.len().to_string()
    } else if let (true, Ok(text)) = (bytes.iter().all(is_text), str::from_utf8(bytes)) {
        format!("\"{text}\"")
    } else {
        format!("0x{}", write_hexadecimal(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_blanks_and_at_comments() {
        let words: Vec<_> = Words::of("  a\tb#c \"two words\" d # \"e\" f").collect();
        assert_eq!(words, ["a", "b#c", "\"two words\"", "d"]);
        assert_eq!(Words::of("\"no end").collect::<Vec<_>>(), ["\"no end"]);
    }

    #[test]
    fn lists_end_behind_the_last_comma() {
        let mut words = Words::of("a, b, c d");
        assert_eq!(words.list("an item"), Ok(vec!["a", "b", "c"]));
        assert_eq!(words.next(), Some("d"));
        assert_eq!(Words::of("a,").list("an item").unwrap_err().message, "the line ends where an item is expected");
    }

    #[test]
    fn numbers_have_their_range() {
        assert_eq!(number::<u8>("255", "x"), Ok(255));
        assert_eq!(number::<u8>("256", "x").unwrap_err().message, "`256` is too large for `x`");
        assert_eq!(
            number::<u32>("99999999999999999999", "x").unwrap_err().message,
            "`99999999999999999999` is too large for `x`"
        );
        assert_eq!(number::<u8>("+5", "x").unwrap_err().message, "`x` needs a number, not `+5`");
    }

    #[test]
    fn ends_have_a_port_or_none() {
        let end = |word: &str| End::read(word).map(|end| (end.address.to_string(), end.port));
        assert_eq!(end("10.0.0.1"), Ok(("10.0.0.1".to_owned(), None)));
        assert_eq!(end("10.0.0.1:80"), Ok(("10.0.0.1".to_owned(), Some(80))));
        assert_eq!(end("fd00::1:80"), Ok(("fd00::1:80".to_owned(), None)));
        assert_eq!(end("[fd00::1]:80"), Ok(("fd00::1".to_owned(), Some(80))));
        for bad in ["", "10.0.0", "10.0.0.1:", "10.0.0.1:70000", "[fe80::1%2]:80", "fe80::1%2", "eth0"] {
            assert!(End::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn data_reads_what_it_writes() {
        for bytes in [&b""[..], &[0; 5], b"GET / HTTP/1.0", b"a \"quote\"", b"line\r\n", &[0, 1, 0xff]] {
            assert_eq!(data(&write_data(bytes)), Ok(bytes.to_vec()));
        }
        assert_eq!(write_data(b"# text"), "\"# text\"");
        assert_eq!(write_data(&[0, 0x1f]), "0x001f");
        for bad in ["0x1", "0xzz", "\"open", "-1", "70000", "x"] {
            assert!(data(bad).is_err(), "{bad}");
        }
    }
}
