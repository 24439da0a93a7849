// SPDX-License-Identifier: GPL-3.0-or-later
//! TCP segments (RFC 9293).

use ringwall_ir::words::TcpFlags;

use super::flows::Flows;
use super::line::{Line, sockets};
use super::words::{Problem, hexadecimal, once, write_data, write_hexadecimal};
use crate::packet::Packet;
use crate::packet::build::Segment;
use crate::packet::wire::{number16, number32};

const WORDS: &str = "flags as in `syn,ack`, `none` for no flags, seq, ack, win, mss, wscale, options, data";

/// The window where none is said: that of a Linux host.
const WINDOW: u16 = 64240;

/// What the words of a segment say.
#[derive(Default)]
struct Said {
    flags: Option<TcpFlags>,
    sequence: Option<u32>,
    acknowledgement: Option<u32>,
    window: Option<u16>,
    options: Vec<u8>,
    data: Option<Vec<u8>>,
}

impl Said {
    /// The flags; unsaid, those of a segment that opens, or that only acknowledges.
    fn flags(&self) -> TcpFlags {
        let unsaid = if self.acknowledgement.is_some() { TcpFlags::ACK } else { TcpFlags::SYN };
        self.flags.unwrap_or(unsaid)
    }
}

/// Reads the words behind the ends of a segment.
pub fn read(line: &mut Line<'_, '_>) -> Result<Vec<u8>, Problem> {
    let (source, destination) = line.sockets("tcp")?;
    let mut said = Said::default();
    while let Some(word) = line.next_word()? {
        let words = &mut *line.words;
        match word {
            "seq" => once(&mut said.sequence, word, words.number(word)?)?,
            "ack" if words.peek().is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())) => {
                once(&mut said.acknowledgement, word, words.number(word)?)?;
            }
            "win" => once(&mut said.window, word, words.number(word)?)?,
            "mss" => said.options.extend(mss(words.number(word)?)),
            "wscale" => said.options.extend(window_scale(words.number(word)?)),
            "options" => said.options.extend(options(words.expect("the bytes of the options")?)?),
            "data" => once(&mut said.data, word, line.data()?)?,
            _ => {
                let flags = flags(word).ok_or_else(|| unknown(line, word))?;
                once(&mut said.flags, "flags", flags)?;
            }
        }
    }
    if said.options.len() > LONGEST_OPTIONS {
        return Err(Problem::new(format!("tcp options are at most {LONGEST_OPTIONS} bytes long")));
    }
    let flags = said.flags();
    let flows = &line.context.flows;
    Ok(line.build().tcp(&Segment {
        source_port: source.port(),
        destination_port: destination.port(),
        sequence: said.sequence.unwrap_or_else(|| flows.sequence(source, destination)),
        acknowledgement: said.acknowledgement.unwrap_or_else(|| flows.acknowledgement(source, destination, flags)),
        flags,
        window: said.window.unwrap_or(WINDOW),
        options: &said.options,
        payload: &said.data.unwrap_or_default(),
    }))
}

/// What fits between the fixed header and the longest that a header can be.
const LONGEST_OPTIONS: usize = 40;

/// The words of a segment, as [`read`] reads them; none where they cannot say it.
pub fn write(packet: &Packet<'_>, flows: &Flows) -> Option<String> {
    let header = packet.transport()?;
    let (source, destination) = sockets(packet)?;
    let flags = packet.tcp_flags()?;
    let mut words = write_flags(flags);
    let sequence = number32(header, 4)?;
    if sequence != flows.sequence(source, destination) {
        words += &format!(" seq {sequence}");
    }
    let acknowledgement = number32(header, 8)?;
    if acknowledgement != flows.acknowledgement(source, destination, flags) {
        words += &format!(" ack {acknowledgement}");
    }
    let window = number16(header, 14)?;
    if window != WINDOW {
        words += &format!(" win {window}");
    }
    let data = packet.payload()?;
    words += &write_options(header.get(20..header.len().checked_sub(data.len())?)?);
    if !data.is_empty() {
        words += &format!(" data {}", write_data(data));
    }
    Some(words)
}

/// The word for a segment without flags.
const NO_FLAGS: &str = "none";

fn unknown(line: &Line<'_, '_>, word: &str) -> Problem {
    line.unknown("tcp", word, WORDS).or(TcpFlags::NAMES).or([NO_FLAGS])
}

fn flags(word: &str) -> Option<TcpFlags> {
    if word == NO_FLAGS {
        return Some(TcpFlags::default());
    }
    word.split(',').try_fold(TcpFlags::default(), |flags, name| Some(flags.with(TcpFlags::named(name)?)))
}

fn write_flags(flags: TcpFlags) -> String {
    match flags.names().collect::<Vec<_>>().as_slice() {
        [] => NO_FLAGS.to_owned(),
        names => names.join(","),
    }
}

/// RFC 9293 §3.7.1.
fn mss(size: u16) -> [u8; 4] {
    let [high, low] = size.to_be_bytes();
    [2, 4, high, low]
}

/// RFC 7323 §2.2, with a no-operation in front, as hosts write it.
const fn window_scale(shift: u8) -> [u8; 4] {
    [1, 3, 3, shift]
}

fn options(word: &str) -> Result<Vec<u8>, Problem> {
    let bytes = word.strip_prefix("0x").and_then(hexadecimal);
    bytes.ok_or_else(|| Problem::new(format!("options are written 0x and hexadecimal digits, not `{word}`")))
}

fn write_options(mut options: &[u8]) -> String {
    let mut words = String::new();
    while let Some((option, rest)) = options.split_first_chunk::<4>() {
        match *option {
            [2, 4, high, low] => words += &format!(" mss {}", u16::from_be_bytes([high, low])),
            [1, 3, 3, shift] => words += &format!(" wscale {shift}"),
            _ => break,
        }
        options = rest;
    }
    if !options.is_empty() {
        words += &format!(" options 0x{}", write_hexadecimal(options));
    }
    words
}
