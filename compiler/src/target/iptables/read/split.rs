// SPDX-License-Identifier: GPL-3.0-or-later
//! A line into words, as iptables-restore does it (`add_param_to_argv` in `iptables/xshared.c`): blanks part words but
//! between quotes, where a backslash keeps the character behind it.

use std::borrow::Cow;

use super::Problem;

/// The words of a line.
pub(in crate::target) fn split(line: &str) -> Result<Vec<Cow<'_, str>>, Problem> {
    if !line.contains('"') {
        return Ok(line.split_whitespace().map(Cow::Borrowed).collect());
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => word.get_or_insert_default().extend(characters.next()),
            blank if blank.is_whitespace() && !quoted => words.extend(word.take().map(Cow::Owned)),
            other => word.get_or_insert_default().push(other),
        }
    }
    if quoted {
        return Err(Problem::new("a quote has no end").help("end it with `\"`"));
    }
    words.extend(word.map(Cow::Owned));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_read_as_iptables_restore_reads_them() {
        let words = |line| split(line).ok().map(|words| words.into_iter().map(Cow::into_owned).collect::<Vec<_>>());
        assert_eq!(words("-A  INPUT\t-j ACCEPT"), Some(["-A", "INPUT", "-j", "ACCEPT"].map(str::to_owned).to_vec()));
        assert_eq!(
            words(r#"--log-prefix "it\'s \"x\" ""#),
            Some(vec!["--log-prefix".to_owned(), "it's \"x\" ".to_owned()])
        );
        assert_eq!(words(r#"--log-prefix """#), Some(vec!["--log-prefix".to_owned(), String::new()]));
        assert_eq!(words(r#"--comment "never ends"#), None);
    }
}
