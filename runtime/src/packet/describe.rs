// SPDX-License-Identifier: GPL-3.0-or-later
//! A packet in one line: `tcp 10.0.0.1:40000 > 10.0.0.99:80 syn`.

use std::fmt;
use std::net::IpAddr;

use ringwall_ir::words::{IcmpClass, TcpFlags, icmp};

use super::{Packet, wire};

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination) = self.addresses();
        let ports = self.ports();
        match self.protocol().name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "protocol {}", self.protocol().0)?,
        }
        let end = |bits, port| End { address: wire::address(self.family(), bits), port };
        write!(f, " {} > {}", end(source, ports.map(|(port, _)| port)), end(destination, ports.map(|(_, port)| port)))?;
        if let Some(flags) = self.tcp_flags() {
            write_flags(f, flags)?;
        }
        if let Some((kind, code)) = self.icmp() {
            write_kind(f, self, kind, code)?;
        }
        match self.fragment() {
            Some(fragment) => write!(f, " fragment at {}", fragment.offset),
            None => Ok(()),
        }
    }
}

/// An address, perhaps with a port.
struct End {
    address: IpAddr,
    port: Option<u16>,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.port) {
            (address, None) => write!(f, "{address}"),
            (IpAddr::V4(address), Some(port)) => write!(f, "{address}:{port}"),
            (IpAddr::V6(address), Some(port)) => write!(f, "[{address}]:{port}"),
        }
    }
}

fn write_flags(f: &mut fmt::Formatter<'_>, flags: TcpFlags) -> fmt::Result {
    f.write_str(if flags.0 == 0 { " no flags" } else { " " })?;
    for (i, name) in flags.names().enumerate() {
        write!(f, "{}{name}", if i == 0 { "" } else { "," })?;
    }
    Ok(())
}

fn write_kind(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, kind: u8, code: u8) -> fmt::Result {
    let family = packet.family();
    match icmp::name(family, kind) {
        Some(name) => write!(f, " {name}")?,
        None => write!(f, " type {kind}")?,
    }
    if code != 0 || icmp::class(family, kind) == IcmpClass::Error { write!(f, " code {code}") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use ringwall_ir::words::{Protocol, TcpFlags};

    use crate::packet::Packet;
    use crate::packet::build::{Build, Segment};

    fn line(build: impl FnOnce(Build) -> Vec<u8>, source: &str, destination: &str) -> String {
        let bytes = build(Build::between(source.parse().unwrap(), destination.parse().unwrap()));
        Packet::parse(&bytes).unwrap().to_string()
    }

    #[test]
    fn one_line_a_packet() {
        let segment = Segment {
            source_port: 40000,
            destination_port: 80,
            flags: TcpFlags::SYN.with(TcpFlags::ACK),
            ..Segment::default()
        };
        assert_eq!(
            line(|build| build.tcp(&segment), "10.0.0.1", "10.0.0.99"),
            "tcp 10.0.0.1:40000 > 10.0.0.99:80 syn,ack"
        );
        assert_eq!(line(|build| build.udp(1, 2, b""), "::1", "fe80::2"), "udp [::1]:1 > [fe80::2]:2");
        assert_eq!(
            line(|build| build.icmp(8, 0, 7, b""), "10.0.0.1", "10.0.0.2"),
            "icmp 10.0.0.1 > 10.0.0.2 echo-request"
        );
        assert_eq!(
            line(|build| build.icmp(3, 0, 0, b""), "10.0.0.1", "10.0.0.2"),
            "icmp 10.0.0.1 > 10.0.0.2 destination-unreachable code 0"
        );
        assert_eq!(
            line(|build| build.protocol(Protocol(200), b""), "10.0.0.1", "10.0.0.2"),
            "protocol 200 10.0.0.1 > 10.0.0.2"
        );
    }
}
