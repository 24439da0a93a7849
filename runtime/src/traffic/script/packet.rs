// SPDX-License-Identifier: GPL-3.0-or-later
//! What a line says of a packet itself: protocol, ends, and the words of its headers.
//!
//! Each protocol has its file, where reading stands beside writing. What its words cannot say is written as `raw`.

use std::collections::BTreeMap;

use ringwall_ir::words::Protocol;

use super::flows::Flows;
use super::line::{Line, addresses, describe_header, icmp_name, sockets};
use super::words::{Problem, Words, hexadecimal, once, write_data, write_hexadecimal};
use super::{icmp, sctp, tcp};
use crate::packet::Packet;

/// A frame that is not IP.
const FRAME: &str = "frame";
/// A packet as hexadecimal digits.
const RAW: &str = "raw";
/// What a line may refer to.
#[derive(Default)]
pub struct Context {
    /// The TCP numbers so far.
    pub flows: Flows,
    /// The packets with a label.
    pub labels: BTreeMap<String, Vec<u8>>,
}

impl Context {
    /// The packet with a label.
    pub fn labelled(&self, label: &str) -> Result<&[u8], Problem> {
        let packet = self.labels.get(label).map(Vec::as_slice);
        packet.ok_or_else(|| {
            Problem::new(format!("no earlier packet has the label `{label}`"))
                .help(format!("write `as {label}` behind that packet"))
        })
    }
}

/// Reads a packet, to the end of the line or to what may follow it.
pub fn read(words: &mut Words<'_>, context: &Context) -> Result<Vec<u8>, Problem> {
    let word = words.expect("a protocol")?;
    match word {
        FRAME => return Ok(Vec::new()),
        RAW => return raw(words.expect("the bytes of the packet")?),
        _ => {}
    }
    let protocol = protocol(word, words)?;
    let mut line = Line::read(words, context)?;
    let bytes = match protocol {
        Protocol::TCP => tcp::read(&mut line),
        Protocol::UDP => udp(&mut line),
        Protocol::SCTP => sctp::read(&mut line),
        Protocol::ICMP | Protocol::ICMPV6 if word == icmp_name(line.family()) => icmp::read(&mut line),
        // A stray one is written `protocol 58`, so that nobody gets it by mistake.
        Protocol::ICMP | Protocol::ICMPV6 if word != PROTOCOL => {
            let right = icmp_name(line.family());
            Err(Problem::new(format!("`{word}` between addresses of the other family"))
                .help(format!("write `{right}`")))
        }
        protocol => other(&mut line, protocol, word),
    }?;
    let bytes = line.finish(bytes)?;
    // The builders write lengths as long as they fit.
    match Packet::parse(&bytes) {
        Ok(packet) if packet.bytes().len() == bytes.len() => Ok(bytes),
        _ => Err(Problem::new("the packet is longer than an ip packet can be")),
    }
}

/// The word in front of a protocol number.
const PROTOCOL: &str = "protocol";

fn protocol(word: &str, words: &mut Words<'_>) -> Result<Protocol, Problem> {
    if word == PROTOCOL {
        return words.number(word).map(Protocol);
    }
    Protocol::named(word).ok_or_else(|| {
        let names: Vec<_> = Protocol::NAMES.iter().map(|&(name, _)| name).collect();
        let problem = Problem::new(format!("`{word}` is not a protocol")).help(format!(
            "protocols are {}, `protocol` and a number; `raw` and `frame` stand in their place",
            names.join(", ")
        ));
        problem.instead_of(word, names.into_iter().chain(["on", PROTOCOL, "raw", "frame"]))
    })
}

fn raw(digits: &str) -> Result<Vec<u8>, Problem> {
    let bytes = hexadecimal(digits).filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| Problem::new("`raw` needs pairs of hexadecimal digits, in one word"))
}

fn udp(line: &mut Line<'_, '_>) -> Result<Vec<u8>, Problem> {
    let (source, destination) = line.sockets("udp")?;
    let data = data_alone(line, "udp")?;
    Ok(line.build().udp(source.port(), destination.port(), &data))
}

fn other(line: &mut Line<'_, '_>, protocol: Protocol, name: &str) -> Result<Vec<u8>, Problem> {
    line.addresses_alone()?;
    let data = data_alone(line, name)?;
    Ok(line.build().protocol(protocol, &data))
}

fn data_alone(line: &mut Line<'_, '_>, protocol: &str) -> Result<Vec<u8>, Problem> {
    let mut said = None;
    while let Some(word) = line.next_word()? {
        match word {
            "data" => once(&mut said, word, line.data()?)?,
            _ => return Err(line.unknown(protocol, word, "data")),
        }
    }
    Ok(said.unwrap_or_default())
}

/// Writes a packet as [`read`] reads it.
pub fn write(bytes: &[u8], context: &Context) -> String {
    if bytes.is_empty() {
        return FRAME.to_owned();
    }
    // The reader judges: what it would not read as these very bytes is written raw.
    let says_it = |line: &String| read(&mut Words::of(line), context).is_ok_and(|read| read == bytes);
    describe(bytes, context).filter(says_it).unwrap_or_else(|| format!("{RAW} {}", write_hexadecimal(bytes)))
}

fn describe(bytes: &[u8], context: &Context) -> Option<String> {
    let packet = Packet::parse(bytes).ok()?;
    let (name, own) = match packet.protocol() {
        Protocol::TCP => ("tcp", tcp::write(&packet, &context.flows)?),
        Protocol::UDP => ("udp", write_data_word(packet.payload()?)),
        Protocol::SCTP => ("sctp", sctp::write(&packet)?),
        _ if packet.icmp().is_some() => (icmp_name(packet.family()), icmp::write(&packet)?),
        _ => return describe_other(&packet),
    };
    let ends = match sockets(&packet) {
        Some((source, destination)) => format!("{source} > {destination}"),
        None => addresses(&packet),
    };
    Some(join(&[name, &ends, &own, &describe_header(&packet)]))
}

fn describe_other(packet: &Packet<'_>) -> Option<String> {
    let protocol = packet.protocol();
    let name = match protocol.name() {
        Some(name) if !matches!(protocol, Protocol::ICMP | Protocol::ICMPV6) => name.to_owned(),
        _ => format!("{PROTOCOL} {}", protocol.0),
    };
    Some(join(&[&name, &addresses(packet), &write_data_word(packet.transport()?), &describe_header(packet)]))
}

fn write_data_word(data: &[u8]) -> String {
    if data.is_empty() { String::new() } else { format!("data {}", write_data(data)) }
}

fn join(parts: &[&str]) -> String {
    let said: Vec<_> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    said.join(" ")
}
