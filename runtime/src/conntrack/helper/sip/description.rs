// SPDX-License-Identifier: GPL-3.0-or-later
//! Descriptions of media (SDP, RFC 8866): where each medium is received.

use std::ops::Range;

use ringwall_ir::words::{Family, Protocol};

use super::header::{self, CONTENT_LENGTH, Search, next_line, number};
use super::{AUDIO, IMAGE, Message, VIDEO};
use crate::conntrack::expectation::{Class, Destination, Expectation, Follow, Refused, Saved, Source};
use crate::conntrack::helper::text::{address, starts_with};
use crate::conntrack::helper::{Aid, Dropped};
use crate::conntrack::tuple::{Ends, Tuple};
use crate::packet::wire;

/// What a line of a description starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Version,
    Owner,
    Connection,
    Media,
}

impl Line {
    const fn start(self) -> &'static [u8] {
        match self {
            Self::Version => b"v=",
            Self::Owner => b"o=",
            Self::Connection => b"c=",
            Self::Media => b"m=",
        }
    }
}

/// The media that are received, and how their lines go on.
const MEDIA: [(&[u8], &Class); 3] = [(b"audio ", &AUDIO), (b"video ", &VIDEO), (b"image ", &IMAGE)];

/// Where a medium is received.
struct Medium {
    class: &'static Class,
    address: u128,
    port: u16,
    /// Where the port stands.
    place: Range<usize>,
}

/// Expects the media of a description, if the message has one (`process_sdp`).
pub fn process(aid: &mut Aid<'_>, message: &mut Message) -> Result<(), Dropped> {
    let Search::Found(version) = get(message, 0, Line::Version, None) else { return Ok(()) };
    let common = address_of(message, version.start, Line::Connection);
    let translated = aid.is_translated();
    let mut met = common;
    let mut at = version.start;
    let mut expected = 0;
    while expected < MEDIA.len() {
        let Search::Found(line) = get(message, at, Line::Media, None) else { break };
        let said = message.text.get(line.clone()).unwrap_or_default();
        let Some((word, class)) = MEDIA.into_iter().find(|(word, _)| said.starts_with(word)) else {
            at = line.end;
            continue;
        };
        at = line.start + word.len();
        // Port zero says that the medium is not wanted.
        let Some(port @ 1..) = number(message.text.get(at..).unwrap_or_default()) else { continue };
        let port = u16::try_from(port).ok().filter(|port| *port >= 1024).ok_or(Dropped)?;
        let own = address_of(message, at, Line::Connection);
        let address = own.or(common).ok_or(Dropped)?;
        let new = expect(aid, message, Medium { class, address, port, place: at..line.end })?;
        if translated && own.is_some() {
            if !write_address(message, at, Line::Connection, new) {
                return Err(Dropped);
            }
            write_length(message)?;
        }
        met = Some(new);
        expected += 1;
    }
    match met.filter(|_| translated) {
        Some(address) => write_session(message, version.start, address),
        None => Ok(()),
    }
}

/// Writes address and owner of the whole description anew (`nf_nat_sdp_session`).
fn write_session(message: &mut Message, from: usize, address: u128) -> Result<(), Dropped> {
    if !write_address(message, from, Line::Owner, address) {
        return Err(Dropped);
    }
    write_address(message, from, Line::Connection, address);
    write_length(message)
}

/// Writes the address of a line anew, before the next medium. False if there is none.
fn write_address(message: &mut Message, from: usize, line: Line, address: u128) -> bool {
    let Search::Found(place) = get(message, from, line, Some(Line::Media)) else { return false };
    message.write(place, &wire::address(message.family, address).to_string());
    true
}

/// Writes the port of a medium anew (`nf_nat_sdp_port`).
fn write_port(message: &mut Message, place: Range<usize>, port: u16) -> Result<(), Dropped> {
    message.write(place, &port.to_string());
    write_length(message)
}

/// Writes how long the description is (`mangle_content_len`).
fn write_length(message: &mut Message) -> Result<(), Dropped> {
    let Search::Found(version) = get(message, 0, Line::Version, None) else { return Err(Dropped) };
    let length = message.text.len() - version.start + Line::Version.start().len();
    let Search::Found(place) = header::get(&message.text, 0, &CONTENT_LENGTH, message.family) else {
        return Err(Dropped);
    };
    message.write(place, &length.to_string());
    Ok(())
}

/// The address that a line says, before the next medium.
fn address_of(message: &Message, from: usize, line: Line) -> Option<u128> {
    let Search::Found(place) = get(message, from, line, Some(Line::Media)) else { return None };
    let (address, _) = address(message.family, message.text.get(place)?)?;
    Some(address)
}

/// Looks for a line from an offset on, up to another kind of line (`ct_sip_get_sdp_header`).
fn get(message: &Message, from: usize, line: Line, until: Option<Line>) -> Search {
    let text = message.text.as_slice();
    let mut at = from;
    while at < text.len() {
        let Some(start) = next_line(text, at) else {
            at += 1;
            continue;
        };
        let rest = text.get(start..).unwrap_or_default();
        if until.is_some_and(|until| starts_with(rest, until.start())) {
            break;
        }
        if !starts_with(rest, line.start()) {
            at = start + 1;
            continue;
        }
        let value = start + line.start().len();
        return find(message, value, line).map_or(Search::Wrong(value), Search::Found);
    }
    Search::Nothing
}

/// What a line is about, in the value at an offset.
fn find(message: &Message, value: usize, line: Line) -> Option<Range<usize>> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = message.text.get(value..)?;
    let place = match line {
        Line::Version => 0..digits(text),
        Line::Owner | Line::Connection => {
            let word: &[u8] = match message.family {
                Family::Ipv4 => b"IN IP4 ",
                Family::Ipv6 => b"IN IP6 ",
            };
            let line = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
            // The kernel does not find a word that ends where the text does.
            let last = text.len().saturating_sub(word.len()).min(line);
            let start = (0..last).find(|&at| text.get(at..).is_some_and(|rest| rest.starts_with(word)))? + word.len();
            let (_, length) = address(message.family, text.get(start..)?)?;
            start..start + length
        }
        Line::Media => {
            let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let port = text.get(letters..)?.strip_prefix(b" ")?;
            0..letters + 1 + digits(port)
        }
    };
    (!place.is_empty()).then_some(value + place.start..value + place.end)
}

/// Expects a medium (RTP) and its control (RTCP), from the other end of the conversation only (`set_expected_rtp_rtcp` with
/// `sip_direct_media`). The address at which it is met.
fn expect(aid: &mut Aid<'_>, message: &mut Message, mut medium: Medium) -> Result<u128, Dropped> {
    if medium.address != aid.here().source {
        return Ok(medium.address);
    }
    let source = aid.back().source;
    let translated = aid.is_translated();
    // What another translated conversation announced too is met where it is: both ends are inside.
    let mut direct = false;
    let mut known = announced(aid, &medium, source);
    if let Some(inside) = known.filter(|known| translated && known.translated) {
        (medium.address, medium.port) = (inside.address, inside.port);
        direct = true;
        known = announced(aid, &medium, source);
    }
    let even = medium.port & !1;
    if direct {
        write_port(message, medium.place.clone(), even)?;
    }
    if known.is_some() {
        return Ok(medium.address);
    }
    let expectation = |aid: &Aid<'_>, port| {
        let to = Destination { family: message.family, protocol: Protocol::UDP, address: medium.address, end: port };
        aid.expectation(medium.class, Source::address(source), to)
    };
    let (media, control) = (expectation(aid, even), expectation(aid, even + 1));
    if translated && !direct {
        return announce(aid, message, medium, (media, control));
    }
    let tuple = media.tuple;
    let first = add(aid, &media)?;
    let second = add(aid, &control);
    if second.is_err() && first == Added::Now {
        aid.table.expectations.remove(&tuple);
    }
    second.map(|_| medium.address)
}

/// Expects a translated medium and its control at the next two ports that are free, and writes in the message which that
/// is (`nf_nat_sdp_media`).
fn announce(
    aid: &mut Aid<'_>,
    message: &mut Message,
    medium: Medium,
    (mut media, mut control): (Expectation, Expectation),
) -> Result<u128, Dropped> {
    let outside = if aid.here().source == aid.back().destination { medium.address } else { aid.back().destination };
    for expectation in [&mut media, &mut control] {
        expectation.tuple.destination = outside;
        expectation.follow = Some(Follow::Media);
    }
    let own = media.saved.port;
    for port in (own..u16::MAX).step_by(2) {
        media.set_port(port);
        control.set_port(port + 1);
        match put(aid, &media) {
            Ok(()) => {}
            Err(Refused::Busy) => continue,
            Err(_) => break,
        }
        let second = put(aid, &control);
        if second.is_ok() {
            if port != own && write_port(message, medium.place, port).is_err() {
                aid.table.expectations.remove(&media.tuple);
                aid.table.expectations.remove(&control.tuple);
                break;
            }
            return Ok(outside);
        }
        aid.table.expectations.remove(&media.tuple);
        if second != Err(Refused::Busy) {
            break;
        }
    }
    Err(Dropped)
}

/// Adds an expectation, whoever else expects the same.
fn put(aid: &mut Aid<'_>, expectation: &Expectation) -> Result<(), Refused> {
    aid.table.expectations.add(expectation.clone(), true, aid.limit, aid.now)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Added {
    Now,
    Already,
}

/// Adds an expectation, if it is not there.
fn add(aid: &mut Aid<'_>, expectation: &Expectation) -> Result<Added, Dropped> {
    match put(aid, expectation) {
        Ok(()) => Ok(Added::Now),
        Err(Refused::Already) => Ok(Added::Already),
        Err(Refused::Busy | Refused::Full) => Err(Dropped),
    }
}

/// Where a medium is that another conversation under the same helper announced already.
fn announced(aid: &Aid<'_>, medium: &Medium, source: u128) -> Option<Announced> {
    let tuple = Tuple {
        family: aid.original.family,
        protocol: Protocol::UDP,
        source,
        destination: medium.address,
        ends: Ends::Ports { source: 0, destination: medium.port },
    };
    let protocol = |id| aid.table.get(id).map(|entry| entry.original().protocol);
    let found = aid.table.expectations.find(&tuple, aid.now).filter(|found| {
        found.master != aid.id
            && (found.helper, found.class) == (aid.helper, medium.class)
            && protocol(found.master) == Some(aid.original.protocol)
    })?;
    let (_, port) = found.tuple.ends.parted();
    let Saved { address, port: saved, .. } = found.saved;
    Some(Announced { address, port: saved, translated: (address, saved) != (found.tuple.destination, port) })
}

/// A medium as its receiver announced it.
#[derive(Clone, Copy, Debug)]
struct Announced {
    address: u128,
    port: u16,
    /// It is announced to others at another address or port.
    translated: bool,
}
