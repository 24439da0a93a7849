// SPDX-License-Identifier: GPL-3.0-or-later
//! IRC (`nf_conntrack_irc.c`): a client that offers another a direct connection says where, in a private message to it.

use std::time::Duration;

use ringwall_ir::words::{CtDirection, Protocol};

use super::text::{decimal, low16, starts_with};
use super::{Aid, Dropped};
use crate::conntrack::expectation::{Class, Destination, Source};
use crate::packet::wire::byte;

/// As many as `max_dcc_channels` and `dcc_timeout` say, if nobody changes them.
const CLASS: Class = Class { name: None, most: 8, timeout: Duration::from_secs(300) };

/// How much of a segment is read at most (`MAX_SEARCH_SIZE`).
const LONGEST: usize = 4095;
/// What may be offered.
const OFFERS: [&[u8]; 5] = [b"SEND ", b"CHAT ", b"MOVE ", b"TSEND ", b"SCHAT "];

/// Where a client offers to be reached.
struct Offer {
    address: u32,
    port: u16,
    start: usize,
    end: usize,
}

pub fn help(aid: &mut Aid<'_>) -> Result<(), Dropped> {
    if aid.direction == CtDirection::Reply || !aid.is_established() {
        return Ok(());
    }
    let Some(data) = aid.tcp() else { return Ok(()) };
    let text = data.bytes.get(..LONGEST).unwrap_or(data.bytes);
    let Some(mut at) = message(text) else { return Ok(()) };
    // The shortest offer: " :", "\1DCC ", a word of five letters, "t", an address of eight digits, a port, "\1\n".
    const SHORTEST: usize = 26;
    while at + SHORTEST < text.len() {
        let here = text.get(at..).unwrap_or_default();
        if !here.starts_with(b" :") {
            at += 1;
            continue;
        }
        if !here.starts_with(b" :\x01DCC ") {
            return Ok(());
        }
        at += 7;
        let Some(word) = OFFERS.into_iter().find(|word| text.get(at..).is_some_and(|rest| rest.starts_with(word)))
        else {
            continue;
        };
        return match offer(text, at + word.len()).filter(|offer| is_own(aid, offer)) {
            Some(offer) => expect(aid, &offer),
            None => Ok(()),
        };
    }
    Ok(())
}

/// Where the message may start, behind the command that sends it; none if the segment is another command.
fn message(text: &[u8]) -> Option<usize> {
    const PRIVATE: &[u8] = b"PRIVMSG ";
    // A receiver and a blank must follow the command.
    const SHORTEST: usize = 10;
    let last = text.len().saturating_sub(SHORTEST);
    let blanks = text.iter().take(last).take_while(|byte| matches!(byte, b' ' | b'\r' | b'\n')).count();
    if blanks >= last {
        return Some(blanks);
    }
    starts_with(text.get(blanks..)?, PRIVATE).then_some(blanks + PRIVATE.len())
}

/// Reads `name 167772161 1025`, somewhere before a newline (`parse_dcc`).
fn offer(text: &[u8], from: usize) -> Option<Offer> {
    // An address, a port, "\1\n".
    const SHORTEST: usize = 12;
    let mut start = from;
    loop {
        let blank = byte(text, start)? == b' ';
        start += 1;
        if blank {
            break;
        }
        if start + SHORTEST > text.len() {
            return None;
        }
    }
    let rest = text.get(start..).filter(|rest| rest.contains(&b'\n'))?;
    let (address, length) = decimal(rest);
    let behind = rest.get(length..)?;
    let blanks = behind.iter().take_while(|byte| **byte == b' ').count();
    let (port, digits) = decimal(behind.get(blanks..)?);
    Some(Offer { address, port: low16(port), start, end: start + length + blanks + digits })
}

/// Whether the client offers itself, by the address that it has or by the one that it is translated to.
fn is_own(aid: &Aid<'_>, offer: &Offer) -> bool {
    let address = u128::from(offer.address);
    (aid.here().source == address || aid.back().destination == address) && offer.port != 0
}

fn expect(aid: &mut Aid<'_>, offer: &Offer) -> Result<(), Dropped> {
    let back = *aid.back();
    let to = Destination { family: back.family, protocol: Protocol::TCP, address: back.destination, end: offer.port };
    let expectation = aid.expectation(&CLASS, Source::ANYWHERE, to);
    aid.announce(expectation, offer.start..offer.end, |port| format!("{} {port}", back.destination))
}
