// SPDX-License-Identifier: GPL-3.0-or-later
//! FTP (`nf_conntrack_ftp.c`): PORT and EPRT of the client, and the answers to PASV and EPSV, each at the start of a
//! segment that starts a line. A segment that may be the front of such a command does not pass: it could not be followed.

use std::ops::Range;
use std::time::Duration;

use ringwall_ir::words::{CtDirection, Family, Protocol};

use super::text::{decimal, low16, starts_with, v6};
use super::{Aid, Dropped};
use crate::conntrack::expectation::{Class, Destination, Source};
use crate::conntrack::sequence::Sequence;
use crate::packet::wire::{self, byte};

const CLASS: Class = Class { name: None, most: 1, timeout: Duration::from_secs(300) };

/// The numbers behind the newlines that were seen last, two for each direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Newlines {
    original: [Option<Sequence>; 2],
    reply: [Option<Sequence>; 2],
}

impl Newlines {
    const fn of(&mut self, direction: CtDirection) -> &mut [Option<Sequence>; 2] {
        match direction {
            CtDirection::Original => &mut self.original,
            CtDirection::Reply => &mut self.reply,
        }
    }
}

/// Remembers a number behind a newline, in the place of the older one, if that is not the newer (`update_nl_seq`).
fn remember(places: &mut [Option<Sequence>; 2], number: Sequence) {
    if places.contains(&Some(number)) {
        return;
    }
    match places {
        [first @ None, _] | [Some(_), first @ None] => *first = Some(number),
        [Some(one), Some(other)] => {
            let oldest = if one.is_before(*other) { one } else { other };
            if number.is_after(*oldest) {
                *oldest = number;
            }
        }
    }
}

/// How a command or an answer writes address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `10,0,0,1,4,1`, of PORT and of the answer to PASV.
    Commas,
    /// `|1|10.0.0.1|1025|` of EPRT.
    ExtendedPort,
    /// `|||1025|`, of the answer to EPSV.
    ExtendedPassive,
}

impl Form {
    /// Address and port in this form (`nf_nat_ftp_fmt_cmd`).
    fn written(self, family: Family, address: u128, port: u16) -> String {
        match (self, family) {
            (Self::Commas, _) => {
                // Four bytes are said of an address of either family.
                let front = if family == Family::Ipv4 { address } else { address >> 96 };
                let [.., a, b, c, d] = front.to_be_bytes();
                let [high, low] = port.to_be_bytes();
                format!("{a},{b},{c},{d},{high},{low}")
            }
            (Self::ExtendedPort, Family::Ipv4) => format!("|1|{}|{port}|", wire::address(family, address)),
            (Self::ExtendedPort, Family::Ipv6) => {
                let groups = std::net::Ipv6Addr::from_bits(address).segments().map(|group| format!("{group:04x}"));
                format!("|2|{}|{port}|", groups.join(":"))
            }
            (Self::ExtendedPassive, _) => format!("|||{port}|"),
        }
    }
}

/// What a command or an answer names.
struct Named {
    form: Form,
    place: Range<usize>,
    address: u128,
    port: u16,
}

pub fn help(aid: &mut Aid<'_>, newlines: &mut Newlines) -> Result<(), Dropped> {
    let Some(data) = aid.tcp().filter(|_| aid.is_established()) else { return Ok(()) };
    let places = newlines.of(aid.direction);
    let mut result = Ok(());
    if places.contains(&Some(data.sequence))
        && let Some(named) = read(aid, data.bytes)?
    {
        result = expect(aid, named);
    }
    if data.bytes.last() == Some(&b'\n') {
        remember(places, data.sequence.plus(u32::try_from(data.bytes.len()).unwrap_or(0)));
    }
    result
}

fn expect(aid: &mut Aid<'_>, named: Named) -> Result<(), Dropped> {
    // What names a third host expects nothing: a client could open ways to others.
    if named.address != aid.here().source {
        return Ok(());
    }
    let back = *aid.back();
    let to = Destination { family: back.family, protocol: Protocol::TCP, address: back.destination, end: named.port };
    let expectation = aid.expectation(&CLASS, Source::address(back.source), to);
    aid.announce(expectation, named.place, |port| named.form.written(back.family, back.destination, port))
}

/// What the segment names; none if it is something else (`find_pattern`).
fn read(aid: &Aid<'_>, bytes: &[u8]) -> Result<Option<Named>, Dropped> {
    type Read = fn(&Aid<'_>, &[u8], usize) -> Option<Named>;
    let patterns: [(&[u8], Option<u8>, Read); 2] = match aid.direction {
        CtDirection::Original => [(b"PORT", Some(b' '), port), (b"EPRT", Some(b' '), extended_port)],
        CtDirection::Reply => [(b"227 ", None, passive), (b"229 ", Some(b'('), extended_passive)],
    };
    for (word, skipped, read) in patterns {
        if bytes.len() <= word.len() {
            if starts_with(word, bytes) {
                return Err(Dropped);
            }
            continue;
        }
        if !starts_with(bytes, word) {
            continue;
        }
        let rest = bytes.get(word.len()..).unwrap_or_default();
        let behind = match skipped {
            None => Some(0),
            Some(skipped) => rest.iter().position(|byte| *byte == skipped).map(|at| at + 1),
        };
        let start = word.len() + behind.ok_or(Dropped)?;
        return read(aid, bytes, start).map(Some).ok_or(Dropped);
    }
    Ok(None)
}

/// `10,0,0,1,4,1` and a carriage return.
fn port(aid: &Aid<'_>, bytes: &[u8], start: usize) -> Option<Named> {
    commas(aid, bytes, start, Some(b'\r'))
}

/// `10,0,0,1,4,1` and whatever ends it, behind whatever is no digit (RFC 1123 §4.1.2.6).
fn passive(aid: &Aid<'_>, bytes: &[u8], start: usize) -> Option<Named> {
    let digit = bytes.get(start..)?.iter().position(u8::is_ascii_digit)?;
    commas(aid, bytes, start + digit, None)
}

fn commas(aid: &Aid<'_>, bytes: &[u8], start: usize, end: Option<u8>) -> Option<Named> {
    let ([a, b, c, d, high, low], length) = numbers::<6>(bytes.get(start..)?, b',', end)?;
    let address = u128::from(joined([a, b, c, d]));
    // The kernel writes the four bytes over the front of the source's address.
    let address = match aid.here().family {
        Family::Ipv4 => address,
        Family::Ipv6 => address << 96 | aid.here().source & (u128::MAX >> 32),
    };
    Some(Named { form: Form::Commas, place: start..start + length, address, port: low16(high << 8 | low) })
}

/// `|1|10.0.0.1|1025|` or `|2|2001:db8::1|1025|`, with any delimiter (RFC 2428 §2).
fn extended_port(aid: &Aid<'_>, bytes: &[u8], start: usize) -> Option<Named> {
    let text = bytes.get(start..)?;
    let &[delimiter, kind, again, ref rest @ ..] = text else { return None };
    if rest.is_empty() || !delimits(delimiter) || again != delimiter {
        return None;
    }
    let (address, length) = match (aid.here().family, kind) {
        (Family::Ipv4, b'1') => {
            let (octets, length) = numbers::<4>(rest, b'.', Some(delimiter))?;
            (u128::from(joined(octets)), length)
        }
        (Family::Ipv6, b'2') => v6(rest, Some(delimiter))?,
        _ => return None,
    };
    let (port, length) = port_until(text, 3 + length + 1, delimiter)?;
    Some(Named { form: Form::ExtendedPort, place: start..start + length, address, port })
}

/// `|||1025|`, with any delimiter (RFC 2428 §3). The address is the server's.
fn extended_passive(aid: &Aid<'_>, bytes: &[u8], start: usize) -> Option<Named> {
    let text = bytes.get(start..)?;
    let &[delimiter, second, third, _, ..] = text else { return None };
    if !delimits(delimiter) || second != delimiter || third != delimiter {
        return None;
    }
    let (port, length) = port_until(text, 3, delimiter)?;
    let address = aid.here().source;
    Some(Named { form: Form::ExtendedPassive, place: start..start + length, address, port })
}

fn delimits(byte: u8) -> bool {
    byte.is_ascii_graphic() && !byte.is_ascii_digit()
}

/// A port other than zero up to its delimiter, and where the text goes on behind it (`get_port`).
fn port_until(text: &[u8], start: usize, delimiter: u8) -> Option<(u16, usize)> {
    let (number, length) = decimal(text.get(start..)?);
    let port = low16(number);
    let ends = byte(text, start + length) == Some(delimiter);
    (ends && port != 0).then_some((port, start + length + 1))
}

/// So many numbers with a separator between them, and their length (`try_number`). Something must follow, the given byte
/// if one is given. There may be no digits where a number should be.
fn numbers<const N: usize>(text: &[u8], separator: u8, end: Option<u8>) -> Option<([u32; N], usize)> {
    let mut found = [0; N];
    let mut at = 0;
    for (i, place) in found.iter_mut().enumerate() {
        let (number, length) = decimal(text.get(at..)?);
        *place = number;
        at += length;
        let follows = byte(text, at)?;
        if i + 1 < N {
            if follows != separator {
                return None;
            }
            at += 1;
        } else if follows == separator || end.is_some_and(|end| follows != end) {
            return None;
        }
    }
    // A length of zero is none at all.
    Some((found, at)).filter(|(_, length)| *length > 0)
}

/// Four numbers as an address: what is too large for its byte spills over.
fn joined([a, b, c, d]: [u32; 4]) -> u32 {
    a << 24 | b << 16 | c << 8 | d
}
