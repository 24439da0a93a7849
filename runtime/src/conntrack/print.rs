// SPDX-License-Identifier: GPL-3.0-or-later
//! Entries as lines of text, as the kernel prints them (`ct_seq_show` in `nf_conntrack_standalone.c`).

use std::fmt::{self, Write};
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus, Family, Protocol};

use super::entry::{Counter, Entry, ProtocolState};
use super::gre;
use super::tuple::{Ends, Tuple};
use crate::packet::wire;

/// How an entry is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As `/proc/net/nf_conntrack`, without counters (`nf_conntrack_acct=0`, the default).
    NfConntrack,
    /// As the older `/proc/net/ip_conntrack`: without the columns of the family, with counters.
    IpConntrack,
}

/// The line of an entry that brought about so many others.
pub fn line(entry: &Entry, style: Style, related: usize, now: Duration) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut line, entry, style, related, now);
    line
}

fn write(line: &mut String, entry: &Entry, style: Style, related: usize, now: Duration) -> fmt::Result {
    let [original, reply] = &entry.counters;
    let left = entry.expires.get().saturating_sub(now).as_secs();
    if style == Style::NfConntrack {
        write!(line, "{:<8} {} ", entry.original().family.name(), entry.original().family.number())?;
    }
    write!(line, "{:<8} {} {left} ", protocol_name(entry.original().protocol), entry.original().protocol.0)?;
    write_state(line, &entry.protocol)?;
    write_tuple(line, &entry.original())?;
    write_counter(line, style, original)?;
    if entry.zone.only() == Some(CtDirection::Original) {
        write!(line, "zone-orig={} ", entry.zone.id())?;
    }
    if !entry.status.contains(CtStatus::SEEN_REPLY) {
        line.push_str("[UNREPLIED] ");
    }
    write_tuple(line, &entry.reply())?;
    write_counter(line, style, reply)?;
    if entry.zone.only() == Some(CtDirection::Reply) {
        write!(line, "zone-reply={} ", entry.zone.id())?;
    }
    if entry.status.contains(CtStatus::ASSURED) {
        line.push_str("[ASSURED] ");
    }
    write!(line, "mark={} ", entry.mark)?;
    // The table and the reader hold the entry, and whatever it brought about.
    match (style, entry.zone.only()) {
        (Style::NfConntrack, None) => write!(line, "zone={} use={}", entry.zone.id(), 2 + related),
        (Style::NfConntrack, Some(_)) => write!(line, "use={}", 2 + related),
        (Style::IpConntrack, _) => write!(line, "use={}", 1 + related),
    }
}

/// Only the protocols with a tracker of their own have names here (`l4proto_name`).
fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol.0 {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        47 => "gre",
        58 => "icmpv6",
        132 => "sctp",
        136 => "udplite",
        _ => "unknown",
    }
}

fn write_state(line: &mut String, state: &ProtocolState) -> fmt::Result {
    match state {
        ProtocolState::Tcp(connection) => write!(line, "{} ", connection.state().name()),
        ProtocolState::Sctp(association) => write!(line, "{} ", association.state().name()),
        ProtocolState::Gre => {
            let (timeout, stream) = (gre::TIMEOUT.as_secs(), gre::STREAM_TIMEOUT.as_secs());
            write!(line, "timeout={timeout}, stream_timeout={stream} ")
        }
        ProtocolState::Udp(_) | ProtocolState::Icmp | ProtocolState::Generic => Ok(()),
    }
}

/// Writes a tuple, with a blank behind it (`print_tuple`).
pub fn write_tuple(line: &mut String, tuple: &Tuple) -> fmt::Result {
    for (word, address) in [("src", tuple.source), ("dst", tuple.destination)] {
        write!(line, "{word}=")?;
        write_address(line, tuple.family, address)?;
        line.push(' ');
    }
    match tuple.ends {
        Ends::Nothing => Ok(()),
        Ends::Ports { source, destination } => write!(line, "sport={source} dport={destination} "),
        Ends::Query { kind, code, id } => write!(line, "type={kind} code={code} id={id} "),
        Ends::Keys { source, destination } => write!(line, "srckey=0x{source:x} dstkey=0x{destination:x} "),
    }
}

/// The kernel writes IPv6 addresses in full here.
fn write_address(line: &mut String, family: Family, address: u128) -> fmt::Result {
    match family {
        Family::Ipv4 => write!(line, "{}", wire::address(family, address)),
        Family::Ipv6 => {
            for (i, group) in (0..8).zip((0..8).rev().map(|place| address >> (place * 16) & 0xffff)) {
                write!(line, "{}{group:04x}", if i == 0 { "" } else { ":" })?;
            }
            Ok(())
        }
    }
}

fn write_counter(line: &mut String, style: Style, counter: &Counter) -> fmt::Result {
    match style {
        Style::NfConntrack => Ok(()),
        Style::IpConntrack => write!(line, "packets={} bytes={} ", counter.packets, counter.bytes),
    }
}
