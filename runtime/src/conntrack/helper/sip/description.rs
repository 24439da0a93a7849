// SPDX-License-Identifier: GPL-3.0-or-later
//! Descriptions of media (SDP, RFC 8866): where each medium is received.

use std::ops::Range;

use ringwall_ir::words::{Family, Protocol};

use super::header::{Search, next_line, number};
use super::{AUDIO, IMAGE, Message, VIDEO};
use crate::conntrack::expectation::{Class, Destination, Expectation, Refused, Source};
use crate::conntrack::helper::text::{address, starts_with};
use crate::conntrack::helper::{Aid, Dropped, Form};
use crate::conntrack::tuple::{Ends, Tuple};

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
pub fn process(aid: &mut Aid<'_>, message: &Message<'_>) -> Result<(), Dropped> {
    let text = message.text;
    let Search::Found(version) = get(message, 0, Line::Version, None) else { return Ok(()) };
    let common = address_of(message, version.start, Line::Connection);
    let mut at = version.start;
    let mut expected = 0;
    while expected < MEDIA.len() {
        let Search::Found(line) = get(message, at, Line::Media, None) else { break };
        let said = text.get(line.clone()).unwrap_or_default();
        let Some((word, class)) = MEDIA.into_iter().find(|(word, _)| said.starts_with(word)) else {
            at = line.end;
            continue;
        };
        at = line.start + word.len();
        // Port zero says that the medium is not wanted.
        let Some(port @ 1..) = number(text.get(at..).unwrap_or_default()) else { continue };
        let port = u16::try_from(port).ok().filter(|port| *port >= 1024).ok_or(Dropped)?;
        let own = address_of(message, at, Line::Connection);
        let (address, _) = own.clone().or_else(|| common.clone()).ok_or(Dropped)?;
        expect(aid, message, Medium { class, address, port, place: at..line.end })?;
        if let Some((_, place)) = own {
            aid.found(Form::SdpAddress, message.place(place));
        }
        expected += 1;
    }
    if common.is_some() || expected > 0 {
        let owner = address_of(message, version.start, Line::Owner);
        for (_, place) in owner.into_iter().chain(common) {
            aid.found(Form::SdpAddress, message.place(place));
        }
    }
    Ok(())
}

/// The address that a line says, before the next medium, and where it stands.
fn address_of(message: &Message<'_>, from: usize, line: Line) -> Option<(u128, Range<usize>)> {
    let Search::Found(place) = get(message, from, line, Some(Line::Media)) else { return None };
    let (address, _) = address(message.family, message.text.get(place.clone())?)?;
    Some((address, place))
}

/// Looks for a line from an offset on, up to another kind of line (`ct_sip_get_sdp_header`).
fn get(message: &Message<'_>, from: usize, line: Line, until: Option<Line>) -> Search {
    let text = message.text;
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
fn find(message: &Message<'_>, value: usize, line: Line) -> Option<Range<usize>> {
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

/// Expects a medium (RTP) and its control (RTCP), from the other end of the conversation only
/// (`set_expected_rtp_rtcp` with `sip_direct_media`).
fn expect(aid: &mut Aid<'_>, message: &Message<'_>, medium: Medium) -> Result<(), Dropped> {
    if medium.address != aid.here().source {
        return Ok(());
    }
    let source = aid.back().source;
    if is_expected(aid, &medium, source) {
        return Ok(());
    }
    aid.found(Form::SdpPort, message.place(medium.place.clone()));
    let even = medium.port & !1;
    let expectation = |aid: &Aid<'_>, port| {
        let to = Destination { family: message.family, protocol: Protocol::UDP, address: medium.address, end: port };
        aid.expectation(medium.class, Source::address(source), to)
    };
    let (media, control) = (expectation(aid, even), expectation(aid, even + 1));
    let tuple = media.tuple;
    let first = add(aid, media)?;
    let second = add(aid, control);
    if second.is_err() && first == Added::Now {
        aid.table.expectations.remove(&tuple);
    }
    second.map(|_| ())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Added {
    Now,
    Already,
}

/// Adds an expectation, whoever else it is that expects the same.
fn add(aid: &mut Aid<'_>, expectation: Expectation) -> Result<Added, Dropped> {
    match aid.table.expectations.add(expectation, true, aid.limit, aid.now) {
        Ok(()) => Ok(Added::Now),
        Err(Refused::Already) => Ok(Added::Already),
        Err(Refused::Busy | Refused::Full) => Err(Dropped),
    }
}

/// Whether another conversation under the same helper announced the medium already.
fn is_expected(aid: &Aid<'_>, medium: &Medium, source: u128) -> bool {
    let tuple = Tuple {
        family: aid.original.family,
        protocol: Protocol::UDP,
        source,
        destination: medium.address,
        ends: Ends::Ports { source: 0, destination: medium.port },
    };
    let protocol = |id| aid.table.get(id).map(|entry| entry.original.protocol);
    aid.table.expectations.find(&tuple, aid.now).is_some_and(|found| {
        found.master != aid.id
            && (found.helper, found.class) == (aid.helper, medium.class)
            && protocol(found.master) == Some(aid.original.protocol)
    })
}
