// SPDX-License-Identifier: GPL-3.0-or-later
//! What the lines of all packets have in common: their ends, and the words of the IP header.

use std::net::SocketAddr;

use ringwall_ir::words::{Family, Protocol};

use super::packet::Context;
use super::words::{End, Problem, Words, data, once};
use crate::packet::build::Build;
use crate::packet::wire::{address, byte, family, number16, put};
use crate::packet::{Packet, checksum};

/// The words that may follow a packet in its line.
const BEHIND: [&str; 3] = ["as", "refused", "expect"];

/// A packet in the making.
pub struct Line<'a, 'w> {
    /// What follows in the line.
    pub words: &'a mut Words<'w>,
    pub context: &'a Context,
    source: End,
    destination: End,
    hop_limit: Option<u8>,
    traffic_class: Option<u8>,
    id: Option<u16>,
    dont_fragment: bool,
    checksum: Option<u16>,
}

impl<'a, 'w> Line<'a, 'w> {
    /// Reads the ends.
    pub fn read(words: &'a mut Words<'w>, context: &'a Context) -> Result<Self, Problem> {
        let source = End::read(words.expect("the source")?)?;
        let arrow = words.expect("`>`")?;
        if arrow != ">" {
            return Err(Problem::new(format!("`>` is expected between the ends, not `{arrow}`")));
        }
        let destination = End::read(words.expect("the destination")?)?;
        if source.address.is_ipv4() != destination.address.is_ipv4() {
            return Err(Problem::new("the ends are of different families"));
        }
        Ok(Self {
            words,
            context,
            source,
            destination,
            hop_limit: None,
            traffic_class: None,
            id: None,
            dont_fragment: false,
            checksum: None,
        })
    }

    pub const fn family(&self) -> Family {
        family(self.source.address)
    }

    /// The ends of a packet whose protocol has ports.
    pub fn sockets(&self, protocol: &str) -> Result<(SocketAddr, SocketAddr), Problem> {
        let socket = |end: End| {
            let port = end.port.ok_or_else(|| {
                let example = if end.address.is_ipv4() { "10.0.0.1:80" } else { "[fd00::1]:80" };
                Problem::new(format!("`{}` needs a port, as {protocol} has them", end.address))
                    .help(format!("as in {example}"))
            })?;
            Ok(SocketAddr::new(end.address, port))
        };
        Ok((socket(self.source)?, socket(self.destination)?))
    }

    /// Sees to it that there are no ports.
    pub fn addresses_alone(&self) -> Result<(), Problem> {
        match self.source.port.or(self.destination.port) {
            None => Ok(()),
            Some(port) => {
                Err(Problem::new(format!("port {port} does not belong here: packets of this protocol have none")))
            }
        }
    }

    /// The next word that is the protocol's own, after those of the IP header; none at the end of the packet.
    pub fn next_word(&mut self) -> Result<Option<&'w str>, Problem> {
        while let Some(word) = self.words.peek().filter(|word| !BEHIND.contains(word)) {
            self.words.next();
            match word {
                "hop" if self.words.eat("limit") => {
                    once(&mut self.hop_limit, "hop limit", self.words.number("hop limit")?)?
                }
                "class" => once(&mut self.traffic_class, word, self.words.number(word)?)?,
                "ip-id" if self.family() == Family::Ipv4 => once(&mut self.id, word, self.words.number(word)?)?,
                "df" if self.family() == Family::Ipv4 => self.dont_fragment = true,
                "checksum" => once(&mut self.checksum, word, self.words.number(word)?)?,
                _ => return Ok(Some(word)),
            }
        }
        Ok(None)
    }

    /// What follows `data`.
    pub fn data(&mut self) -> Result<Vec<u8>, Problem> {
        data(self.words.expect("the data")?)
    }

    /// The IP header as it was said.
    pub fn build(&self) -> Build {
        let build = Build::between(self.source.address, self.destination.address)
            .hop_limit(self.hop_limit.unwrap_or(HOP_LIMIT))
            .traffic_class(self.traffic_class.unwrap_or(0))
            .id(self.id.unwrap_or(0));
        if self.dont_fragment { build.dont_fragment() } else { build }
    }

    /// Writes the checksum that was said over the right one.
    pub fn finish(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>, Problem> {
        let Some(said) = self.checksum else { return Ok(bytes) };
        let field = Packet::parse(&bytes).ok().and_then(|packet| checksum_field(&packet));
        let field =
            field.ok_or_else(|| Problem::new("`checksum` does not belong here: only tcp, udp and icmp say theirs"))?;
        put(&mut bytes, field, &said.to_be_bytes());
        Ok(bytes)
    }

    /// A word that the protocol does not know; `known` are those that it knows.
    pub fn unknown(&self, protocol: &str, word: &str, known: &str) -> Problem {
        let single = |listed: &str| !listed.contains(char::is_whitespace);
        let header = match self.family() {
            Family::Ipv4 => "hop limit, class, ip-id, df, checksum",
            Family::Ipv6 => "hop limit, class, checksum",
        };
        Problem::new(format!("{protocol} has no word `{word}`"))
            .help(format!("words are {known}; {header}; then {}", BEHIND.join(", ")))
            .instead_of(word, known.split(", ").chain(header.split(", ")).chain(BEHIND).filter(|word| single(word)))
    }
}

/// The hop limit where none is said: that of a Linux host.
const HOP_LIMIT: u8 = 64;

/// The name of the family's ICMP.
pub const fn icmp_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "icmp",
        Family::Ipv6 => "icmpv6",
    }
}

/// Where the checksum of a packet stands, of the protocols whose words say it.
fn checksum_field(packet: &Packet<'_>) -> Option<usize> {
    let within = match packet.protocol() {
        Protocol::TCP => 16,
        Protocol::UDP => 6,
        _ if packet.icmp().is_some() => 2,
        _ => return None,
    };
    Some(packet.bytes().len() - packet.transport()?.len() + within)
}

/// The addresses of a packet, as a line says them.
pub fn addresses(packet: &Packet<'_>) -> String {
    let end = |bits| address(packet.family(), bits);
    format!("{} > {}", end(packet.source()), end(packet.destination()))
}

/// The ends of a packet of a protocol with ports.
pub fn sockets(packet: &Packet<'_>) -> Option<(SocketAddr, SocketAddr)> {
    let (source, destination) = packet.ports()?;
    let end = |bits, port| SocketAddr::new(address(packet.family(), bits), port);
    Some((end(packet.source(), source), end(packet.destination(), destination)))
}

/// The words of the IP header that have to be said.
pub fn describe_header(packet: &Packet<'_>) -> String {
    const DONT_FRAGMENT: u8 = 0x40;
    let mut words = Vec::new();
    if packet.hop_limit() != HOP_LIMIT {
        words.push(format!("hop limit {}", packet.hop_limit()));
    }
    if packet.traffic_class() != 0 {
        words.push(format!("class {}", packet.traffic_class()));
    }
    if packet.family() == Family::Ipv4 {
        words.extend(number16(packet.bytes(), 4).filter(|&id| id != 0).map(|id| format!("ip-id {id}")));
        words.extend(byte(packet.bytes(), 6).filter(|&flags| flags == DONT_FRAGMENT).map(|_| "df".to_owned()));
    }
    if let Some(at) = checksum_field(packet).filter(|_| !checksum_is_right(packet)) {
        words.extend(number16(packet.bytes(), at).map(|checksum| format!("checksum {checksum}")));
    }
    words.join(" ")
}

fn checksum_is_right(packet: &Packet<'_>) -> bool {
    let sum = |segment| checksum::transport(packet.bytes(), packet.family(), packet.protocol(), segment);
    packet.transport().is_none_or(|segment| sum(segment) == 0)
}
