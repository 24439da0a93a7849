// SPDX-License-Identifier: GPL-3.0-or-later
//! Finding things in the headers of a SIP message, as far as the kernel reads them: one header a line, lines that start with
//! a blank go on with the one before, names in letters of either case and some in one letter (RFC 3261 §7.3).

use std::ops::Range;

use ringwall_ir::words::Family;

use crate::conntrack::helper::text::{address, decimal, low16, starts_with};

/// The port that is meant where none is said.
const DEFAULT_PORT: u16 = 5060;

/// One header, and what is looked for in its value.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    name: &'static [u8],
    letter: Option<u8>,
    /// What stands before the thing.
    before: Option<&'static [u8]>,
    thing: Thing,
}

#[derive(Clone, Copy, Debug)]
enum Thing {
    Digits,
    /// An address and perhaps a port.
    Endpoint,
    /// The same, behind the user's name if there is one.
    EndpointOfUser,
}

pub const CSEQ: Header = Header { name: b"CSeq", letter: None, before: None, thing: Thing::Digits };
pub const CONTACT: Header =
    Header { name: b"Contact", letter: Some(b'm'), before: Some(b"sip:"), thing: Thing::EndpointOfUser };
pub const FROM: Header =
    Header { name: b"From", letter: Some(b'f'), before: Some(b"sip:"), thing: Thing::EndpointOfUser };
pub const TO: Header = Header { name: b"To", letter: Some(b't'), before: Some(b"sip:"), thing: Thing::EndpointOfUser };
pub const VIA_UDP: Header = Header { name: b"Via", letter: Some(b'v'), before: Some(b"UDP "), thing: Thing::Endpoint };
pub const VIA_TCP: Header = Header { before: Some(b"TCP "), ..VIA_UDP };
pub const EXPIRES: Header = Header { name: b"Expires", letter: None, before: None, thing: Thing::Digits };
pub const CONTENT_LENGTH: Header =
    Header { name: b"Content-Length", letter: Some(b'l'), before: None, thing: Thing::Digits };

/// What a search comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    Found(Range<usize>),
    /// There is such a header, but not what is looked for. The search may go on from there.
    Wrong(usize),
    Nothing,
}

/// An address and a port in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub place: Range<usize>,
    pub address: u128,
    pub port: u16,
}

/// Whether an offset is at the end of a line; then where the next one starts.
pub fn next_line(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at..) {
        Some([b'\r', b'\n', ..]) => Some(at + 2),
        Some([b'\r' | b'\n', ..]) => Some(at + 1),
        _ => None,
    }
}

/// Looks for a header from an offset on (`ct_sip_get_header`). The first line has none.
pub fn get(text: &[u8], from: usize, header: &Header, family: Family) -> Search {
    let mut at = from;
    while at < text.len() {
        let Some(line) = next_line(text, at) else {
            at += 1;
            continue;
        };
        at = line;
        let rest = text.get(at..).unwrap_or_default();
        let Some(name) = header.named_by(rest) else {
            at += 1;
            continue;
        };
        return header.value(text, at + name).map_or(Search::Nothing, |value| header.find(text, value, family));
    }
    Search::Nothing
}

/// Looks for a header from an offset on, until it has what is looked for.
pub fn get_right(text: &[u8], mut from: usize, header: &Header, family: Family) -> Option<Range<usize>> {
    loop {
        match get(text, from, header, family) {
            Search::Found(place) => return Some(place),
            Search::Wrong(at) => from = at,
            Search::Nothing => return None,
        }
    }
}

/// Looks for the next value behind a comma (`ct_sip_next_header`).
fn next_value(text: &[u8], from: usize, header: &Header, family: Family) -> Search {
    let end = text.len();
    let start = search(text, from, end, b",").zip(header.before).and_then(|(comma, before)| {
        let at = search(text, comma, end, before)?;
        Some(at + before.len())
    });
    match start {
        Some(start) => header.thing_at(text, start, family).map_or(Search::Wrong(start), Search::Found),
        None => Search::Nothing,
    }
}

/// The endpoints that the headers of one kind name, one after the other (`ct_sip_parse_header_uri`).
pub struct Endpoints<'a> {
    pub text: &'a [u8],
    pub header: Header,
    pub family: Family,
    position: Position,
}

/// How far a search for endpoints is, and whether it is in a header.
pub type Position = (usize, bool);

impl<'a> Endpoints<'a> {
    /// Where a search starts.
    pub const START: Position = (0, false);

    pub const fn new(text: &'a [u8], header: Header, family: Family) -> Self {
        Self::resumed(text, header, family, Self::START)
    }

    /// A search that goes on where another one was.
    pub const fn resumed(text: &'a [u8], header: Header, family: Family, position: Position) -> Self {
        Self { text, header, family, position }
    }

    /// How far the search is.
    pub const fn position(&self) -> Position {
        self.position
    }

    fn next_place(&mut self) -> Option<Range<usize>> {
        while let (at, true) = self.position {
            match next_value(self.text, at, &self.header, self.family) {
                Search::Found(place) => return Some(place),
                Search::Wrong(at) => self.position = (at, true),
                Search::Nothing => self.position = (at, false),
            }
        }
        get_right(self.text, self.position.0, &self.header, self.family)
    }
}

impl Iterator for Endpoints<'_> {
    type Item = Endpoint;

    fn next(&mut self) -> Option<Endpoint> {
        let place = self.next_place()?;
        let (address, port, length) = endpoint(self.family, self.text.get(place.start..)?)?;
        self.position = (place.start + length, true);
        Some(Endpoint { place, address, port })
    }
}

impl Header {
    /// How long the header's name is, if the line starts with it.
    fn named_by(&self, line: &[u8]) -> Option<usize> {
        if starts_with(line, self.name) {
            return Some(self.name.len());
        }
        let letter = self.letter?;
        match line {
            [first, second, ..] if first.eq_ignore_ascii_case(&letter) && !second.is_ascii_alphabetic() => Some(1),
            _ => None,
        }
    }

    /// Where the value starts, behind blanks and a colon.
    fn value(&self, text: &[u8], at: usize) -> Option<usize> {
        let colon = skip_blanks(text, at)?;
        let behind = (text.get(colon) == Some(&b':')).then_some(colon + 1)?;
        skip_blanks(text, behind).filter(|_| behind < text.len())
    }

    /// Looks for the thing in the value at an offset.
    fn find(&self, text: &[u8], value: usize, family: Family) -> Search {
        let start = match self.before {
            None => Some(value),
            Some(before) => search(text, value, text.len(), before).map(|at| at + before.len()),
        };
        let place = start.and_then(|start| self.thing_at(text, start, family));
        place.map_or(Search::Wrong(value), Search::Found)
    }

    fn thing_at(&self, text: &[u8], at: usize, family: Family) -> Option<Range<usize>> {
        let rest = text.get(at..)?;
        let (start, length) = match self.thing {
            Thing::Digits => (0, rest.iter().take_while(|byte| byte.is_ascii_digit()).count()),
            Thing::Endpoint => (0, endpoint(family, rest)?.2),
            Thing::EndpointOfUser => behind_user(family, rest)?,
        };
        (length > 0).then_some(at + start..at + start + length)
    }
}

/// Skips blanks, and one line break if the line goes on behind it (`sip_skip_whitespace`).
fn skip_blanks(text: &[u8], at: usize) -> Option<usize> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let at = at + text.get(at..)?.iter().take_while(|byte| blank(byte)).count();
    if next_line(text, at).is_some() { continuation(text, at) } else { Some(at) }
}

/// Where a line goes on that breaks at an offset; none if it does not (`sip_follow_continuation`).
fn continuation(text: &[u8], at: usize) -> Option<usize> {
    let line = next_line(text, at)?;
    let blanks = text.get(line..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (blanks > 0).then_some(line + blanks)
}

/// Where a word stands in a value, before an end and in letters of either case (`ct_sip_header_search`). The kernel does not
/// find one that ends where the text does.
fn search(text: &[u8], from: usize, end: usize, word: &[u8]) -> Option<usize> {
    let last = end.checked_sub(word.len())?;
    let mut at = from;
    while at < last {
        if next_line(text, at).is_some() {
            at = continuation(text, at)? + 1;
            continue;
        }
        if starts_with(text.get(at..)?, word) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The endpoint behind the name of a user, which ends in `@`: where it starts, and its length (`skp_epaddr_len`).
fn behind_user(family: Family, text: &[u8]) -> Option<(usize, usize)> {
    let line = text.iter().position(|byte| matches!(byte, b'@' | b'\r' | b'\n'));
    let start = line.filter(|&at| text.get(at) == Some(&b'@')).map_or(0, |at| at + 1);
    let (_, _, length) = endpoint(family, text.get(start..)?)?;
    Some((start, length))
}

/// Where the endpoint at an offset stands, behind the name of a user if there is one.
pub fn endpoint_at(text: &[u8], at: usize, family: Family) -> Option<Endpoint> {
    let (start, length) = behind_user(family, text.get(at..)?)?;
    let (address, port, _) = endpoint(family, text.get(at + start..)?)?;
    Some(Endpoint { place: at + start..at + start + length, address, port })
}

/// Address, port and length of the endpoint at the front. IPv6 addresses stand in brackets (RFC 3986 §3.2.2).
fn endpoint(family: Family, text: &[u8]) -> Option<(u128, u16, usize)> {
    let (address, length) = match family {
        Family::Ipv4 => address(family, text)?,
        Family::Ipv6 => {
            let inside = text.strip_prefix(b"[")?;
            let (bits, length) = address(family, inside)?;
            (inside.get(length) == Some(&b']')).then_some((bits, length + 2))?
        }
    };
    let (port, digits) = port(text.get(length..)?)?;
    Some((address, port, length + digits))
}

/// The port at the front, if there is one, and the length of what says so (`sip_parse_port`). Something must follow.
fn port(text: &[u8]) -> Option<(u16, usize)> {
    const RESERVED: u32 = 1024;
    let Some(number) = text.strip_prefix(b":") else {
        return (!text.is_empty()).then_some((DEFAULT_PORT, 0));
    };
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value: u32 = std::str::from_utf8(number.get(..digits).filter(|_| digits <= 5)?).ok()?.parse().ok()?;
    let follows = digits < number.len() && value >= RESERVED;
    Some((u16::try_from(value).ok().filter(|_| follows)?, 1 + digits))
}

/// The number at the front; none if there are no digits, or too many (`sip_strtouint`).
pub fn number(text: &[u8]) -> Option<u32> {
    const MOST: usize = 11;
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(text.get(..digits).filter(|_| digits <= MOST)?).ok()?.parse().ok()
}

/// Where the value of a parameter starts that follows in the same value of a header, and where the value of the header
/// ends.
fn parameter(text: &[u8], from: usize, name: &[u8]) -> Option<Range<usize>> {
    let end = search(text, from, text.len(), b",").unwrap_or(text.len());
    Some(search(text, from, end, name)? + name.len()..end)
}

/// The text that a parameter starts with (`ct_sip_parse_param`).
pub fn text_parameter<'a>(text: &'a [u8], from: usize, name: &[u8]) -> Option<&'a [u8]> {
    text.get(parameter(text, from, name)?.start..)
}

/// The number of a parameter; none if it is not there, an error if it is none (`ct_sip_parse_numerical_param`).
pub fn number_parameter(text: &[u8], from: usize, name: &[u8]) -> Option<Result<u32, ()>> {
    let place = parameter(text, from, name)?;
    Some(number(text.get(place).unwrap_or_default()).ok_or(()))
}

/// The address of a parameter, and where it stands (`ct_sip_parse_address_param`). Brackets around it belong to it.
pub fn address_parameter(text: &[u8], from: usize, name: &[u8], family: Family) -> Option<(u128, Range<usize>)> {
    let value = parameter(text, from, name)?;
    let rest = text.get(value.clone())?;
    let open = usize::from(family == Family::Ipv6 && rest.first() == Some(&b'['));
    let (bits, length) = address(family, rest.get(open..)?)?;
    let close = usize::from(open == 1 && rest.get(open + length) == Some(&b']'));
    Some((bits, value.start..value.start + open + length + close))
}

/// The port of a parameter, and where it stands. A number that is too large is cut off at the top.
pub fn port_parameter(text: &[u8], from: usize, name: &[u8]) -> Option<(Range<usize>, u16)> {
    let value = parameter(text, from, name)?;
    let (port, digits) = decimal(text.get(value.clone())?);
    (digits > 0).then_some((value.start..value.start + digits, low16(port)))
}
