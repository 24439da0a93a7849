// SPDX-License-Identifier: GPL-3.0-or-later
//! The lines of a conversation that are packets.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ringwall_ir::words::{Family, Protocol, TcpFlags};
use ringwall_runtime::packet::build::{Build, Segment};
use ringwall_runtime::packet::{Packet, checksum};

/// The packet, where it comes from, and the interface that it arrives on if it is not the host's own.
pub fn read(line: &str) -> (Vec<u8>, IpAddr, String) {
    let (text, interface) = match line.rsplit_once(" on ") {
        Some((text, interface)) if !interface.contains('"') => (text, interface),
        _ => (line, "eth0"),
    };
    let (head, data) = match text.split_once(" \"") {
        Some((head, data)) => (head, unescape(data.strip_suffix('"').unwrap())),
        None => (text, Vec::new()),
    };
    let words: Vec<&str> = head.split_whitespace().collect();
    let [from, ">", to, kind, ref rest @ ..] = words[..] else { unreachable!("{line}") };
    let ((source, source_port), (destination, destination_port)) = (end(from), end(to));
    let build = Build::between(source, destination);
    let number = |at: usize| rest[at].parse::<u32>().unwrap();
    let options = rest.iter().position(|word| *word == "options").map(|at| hex(rest[at + 1])).unwrap_or_default();
    let small = |at: usize| rest[at].parse::<u8>().unwrap();
    let bytes = match kind {
        "tcp" => build.tcp(&Segment {
            source_port,
            destination_port,
            sequence: number(1),
            acknowledgement: number(2),
            flags: flags(rest[0]),
            window: 64240,
            options: &options,
            payload: &data,
        }),
        "udp" => build.udp(source_port, destination_port, &data),
        "icmp" => build.icmp(small(0), small(1), 0, &data),
        "proto" => build.protocol(Protocol(small(0)), &data),
        other => unreachable!("{other}"),
    };
    (bytes, source, interface.to_owned())
}

/// An address, perhaps with a port.
fn end(text: &str) -> (IpAddr, u16) {
    match text.parse::<SocketAddr>() {
        Ok(socket) => (socket.ip(), socket.port()),
        Err(_) => (text.parse().unwrap(), 0),
    }
}

fn flags(letters: &str) -> TcpFlags {
    let bit = |letter: char| 1 << "FSRPAU".find(letter).unwrap();
    TcpFlags(letters.chars().map(bit).sum())
}

/// Text with the escapes `\r`, `\n`, `\"`, `\\` and `\x00`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            bytes.push(u8::try_from(letter).unwrap());
            continue;
        }
        bytes.push(match letters.next().unwrap() {
            'r' => b'\r',
            'n' => b'\n',
            'x' => {
                let digits: String = letters.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap()
            }
            other => u8::try_from(other).unwrap(),
        });
    }
    bytes
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A packet in the words of a line.
pub fn describe(bytes: &[u8]) -> String {
    let packet = Packet::parse(bytes).unwrap();
    let (segment, payload) = (packet.transport().unwrap(), packet.payload());
    let number = |at: usize| u32::from_be_bytes(segment[at..at + 4].try_into().unwrap());
    let address = |bits| match packet.family() {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap())),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    };
    let (source, destination) = (address(packet.source()), address(packet.destination()));
    let mut line = match packet.ports() {
        Some((from, to)) => format!("{} > {}", SocketAddr::new(source, from), SocketAddr::new(destination, to)),
        None => format!("{source} > {destination}"),
    };
    let mut data = payload.unwrap_or(segment);
    match packet.protocol() {
        Protocol::TCP => {
            let flags = packet.tcp_flags().unwrap().0;
            let letters: String =
                "FSRPAU".chars().enumerate().filter(|(at, _)| flags >> at & 1 == 1).map(|(_, letter)| letter).collect();
            let _ = write!(line, " tcp {letters} {} {}", number(4), number(8));
            let options = &segment[20..segment.len() - data.len()];
            if !options.is_empty() {
                line += " options ";
                options.iter().for_each(|byte| line += &format!("{byte:02x}"));
            }
        }
        Protocol::UDP => line += " udp",
        Protocol::ICMP | Protocol::ICMPV6 => {
            let _ = write!(line, " icmp {} {}", segment[0], segment[1]);
        }
        Protocol(other) => {
            data = segment;
            let _ = write!(line, " proto {other}");
        }
    }
    if !data.is_empty() || packet.protocol() != Protocol::TCP {
        line += " \"";
        data.iter().for_each(|&byte| line += &escape(byte));
        line += "\"";
    }
    let summed = matches!(packet.protocol(), Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::ICMPV6);
    if summed && checksum::transport(bytes, packet.family(), packet.protocol(), segment) != 0 {
        line += " spoiled";
    }
    line
}

fn escape(byte: u8) -> String {
    match byte {
        b'\r' => "\\r".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'"' => "\\\"".to_owned(),
        b'\\' => "\\\\".to_owned(),
        32..127 => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}
