// SPDX-License-Identifier: GPL-3.0-or-later
//! SIP over UDP and TCP (`nf_conntrack_sip.c`), with the kernel's own settings: calls come in from the registrar only
//! (`sip_direct_signalling`), and media flow between the ends of the conversation only (`sip_direct_media`).

mod addresses;
mod description;
mod header;
mod registration;

use std::ops::Range;
use std::time::Duration;

use ringwall_ir::words::{Family, Protocol};

use super::text::starts_with;
use super::{Aid, Dropped};
use crate::conntrack::expectation::Class;
use header::{Endpoints, Search};

const fn class(name: &'static str, most: usize) -> Class {
    Class { name: Some(name), most, timeout: Duration::from_secs(180) }
}

const SIGNALLING: Class = class("signalling", 1);
const AUDIO: Class = class("audio", 4);
const VIDEO: Class = class("video", 4);
const IMAGE: Class = class("image", 2);

/// How long a conversation lives on (`sip_timeout`).
const TIMEOUT: Duration = Duration::from_secs(3600);

const VERSION: &[u8] = b"SIP/2.0 ";

/// The numbers of the requests that answers are awaited for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialogue {
    register: u32,
    invite: u32,
    /// The port at which the client waits for answers, if it said another than it sends from (`forced_dport`).
    forced: Option<u16>,
}

/// One message.
#[derive(Clone, Debug)]
struct Message {
    text: Vec<u8>,
    /// A translation wrote something anew.
    written: bool,
    family: Family,
}

impl Message {
    /// Puts a text in the place of another.
    fn write(&mut self, place: Range<usize>, text: &str) {
        if place.start <= place.end && place.end <= self.text.len() {
            self.text.splice(place, text.bytes());
            self.written = true;
        }
    }
}

pub fn help(aid: &mut Aid<'_>, dialogue: &mut Dialogue) -> Result<(), Dropped> {
    if aid.original.protocol == Protocol::TCP {
        return match aid.tcp().filter(|_| aid.is_established()) {
            Some(data) => stream(aid, dialogue, data.bytes),
            None => Ok(()),
        };
    }
    let Some(text) = aid.udp() else { return Ok(()) };
    aid.refresh(TIMEOUT);
    if is_too_short(text) {
        return Ok(());
    }
    process(aid, dialogue, text, 0).map(|_| ())
}

fn is_response(text: &[u8]) -> bool {
    starts_with(text, b"SIP/2.0")
}

fn is_too_short(text: &[u8]) -> bool {
    text.len() < b"SIP/2.0 200".len()
}

/// Reads the messages of a segment one after the other, by the length that each says (`sip_help_tcp`). What follows
/// the last whole one is not read.
fn stream(aid: &mut Aid<'_>, dialogue: &mut Dialogue, data: &[u8]) -> Result<(), Dropped> {
    aid.refresh(TIMEOUT);
    if is_too_short(data) {
        return Ok(());
    }
    let family = aid.original.family;
    let (mut start, mut grown) = (0, 0);
    while let Some(rest) = data.get(start..) {
        let Some(length) = length(rest, family) else { break };
        // Where the last message goes on in the next segment, the kernel forgets to move the numbers behind this one.
        let Some(text) = rest.get(..length) else { return Ok(()) };
        grown += process(aid, dialogue, text, start)?;
        start += length;
    }
    aid.move_sequence(grown);
    Ok(())
}

/// How long the message at the front is.
fn length(text: &[u8], family: Family) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let Search::Found(place) = header::get(text, 0, &header::CONTENT_LENGTH, family) else { return None };
    let body = usize::try_from(header::number(text.get(place.start..)?)?).ok()?;
    let end = text.get(place.end..)?.windows(END.len()).position(|window| window == END)?;
    Some(place.end + end + END.len() + body)
}

/// Reads a message that starts at an offset of the payload. By how much it grew.
fn process(aid: &mut Aid<'_>, dialogue: &mut Dialogue, text: &[u8], start: usize) -> Result<isize, Dropped> {
    let mut message = Message { text: text.to_vec(), written: false, family: aid.original.family };
    if starts_with(text, VERSION) {
        response(aid, dialogue, &mut message)?;
    } else {
        note_forced_port(aid, dialogue, &message);
        request(aid, dialogue, &mut message)?;
    }
    if aid.is_translated() {
        addresses::translate(aid, *dialogue, &mut message)?;
    }
    if message.written { aid.rewrite(start..start + text.len(), &message.text) } else { Ok(0) }
}

/// Some phones send from one port and wait for the answers at another, which they say.
fn note_forced_port(aid: &Aid<'_>, dialogue: &mut Dialogue, message: &Message) {
    let (port, _) = aid.here().ends.parted();
    let via = Endpoints::new(&message.text, header::VIA_UDP, message.family).next();
    if let Some(via) = via.filter(|via| via.port != port && via.address == aid.here().source) {
        dialogue.forced = Some(via.port);
    }
}

/// The number of a request or response, and where what follows it starts.
fn sequence(message: &Message) -> Result<(u32, usize), Dropped> {
    let Search::Found(place) = header::get(&message.text, 0, &header::CSEQ, message.family) else {
        return Err(Dropped);
    };
    let number = message.text.get(place.start..).and_then(header::number).ok_or(Dropped)?;
    Ok((number, place.end + 1))
}

fn request(aid: &mut Aid<'_>, dialogue: &mut Dialogue, message: &mut Message) -> Result<(), Dropped> {
    const METHODS: [&[u8]; 6] = [b"INVITE", b"UPDATE", b"ACK", b"PRACK", b"BYE", b"REGISTER"];
    let is = |method: &&[u8]| {
        let behind = message.text.get(method.len()..);
        let letter = behind.and_then(|behind| behind.strip_prefix(b" ")).and_then(<[u8]>::first);
        starts_with(&message.text, method) && letter.is_some_and(u8::is_ascii_alphabetic)
    };
    let Some(method) = METHODS.into_iter().find(is) else { return Ok(()) };
    let (number, _) = sequence(message)?;
    match method {
        b"INVITE" => {
            forget_media(aid);
            description::process(aid, message)?;
            dialogue.invite = number;
            Ok(())
        }
        b"BYE" => {
            forget_media(aid);
            Ok(())
        }
        b"REGISTER" => {
            if registration::request(aid, *dialogue, message)? {
                dialogue.register = number;
            }
            Ok(())
        }
        _ => description::process(aid, message),
    }
}

fn response(aid: &mut Aid<'_>, dialogue: &Dialogue, message: &mut Message) -> Result<(), Dropped> {
    if is_too_short(&message.text) {
        return Ok(());
    }
    let code = message.text.get(VERSION.len()..).and_then(header::number);
    let code = code.filter(|code| *code != 0).ok_or(Dropped)?;
    let (number, method) = sequence(message)?;
    let is = |word: &[u8]| message.text.get(method..).is_some_and(|rest| starts_with(rest, word));
    if is(b"INVITE") || is(b"UPDATE") || is(b"PRACK") {
        if (100..300).contains(&code) {
            return description::process(aid, message);
        }
        if dialogue.invite == number {
            forget_media(aid);
        }
    } else if is(b"REGISTER") && dialogue.register == number {
        return registration::response(aid, message, code);
    }
    Ok(())
}

/// The call is new or over: its media are not expected any more (`flush_expectations`).
fn forget_media(aid: &mut Aid<'_>) {
    aid.table.expectations.forget_some(aid.id, |expectation| *expectation.class != SIGNALLING);
}
