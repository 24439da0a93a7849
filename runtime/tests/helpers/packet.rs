// SPDX-License-Identifier: GPL-3.0-or-later
//! The lines of a conversation that are packets.

use std::net::{IpAddr, SocketAddr};

use ringwall_ir::words::{Protocol, TcpFlags};
use ringwall_runtime::packet::build::{Build, Segment};

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
    let small = |at: usize| rest[at].parse::<u8>().unwrap();
    let bytes = match kind {
        "tcp" => build.tcp(&Segment {
            source_port,
            destination_port,
            sequence: number(1),
            acknowledgement: number(2),
            flags: flags(rest[0]),
            window: 64240,
            options: &[],
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
