// SPDX-License-Identifier: GPL-3.0-or-later
//! A conversation: its two ends, and what each knows of the other.

use fastrand::Rng;
use ringwall_ir::words::{Family, Protocol};

use super::datagram::Datagram;
use super::invite;
use super::place::{Places, choose};
use super::tcp::Tcp;
use crate::packet::Packet;
use crate::packet::build::Build;
use crate::traffic::Entry;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It spoke first.
    Opener,
    /// It was spoken to.
    Answerer,
}

impl Side {
    pub const fn other(self) -> Self {
        match self {
            Self::Opener => Self::Answerer,
            Self::Answerer => Self::Opener,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Opener => 0,
            Self::Answerer => 1,
        }
    }
}

/// An address and a port, as an end knows them.
pub type Name = (u128, u16);

/// What an end knows.
#[derive(Clone, Debug)]
struct End {
    own: Name,
    /// The other end, as the packets name it that reached this one.
    other: Name,
    /// How its packets come in.
    entry: Option<Entry>,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Talk {
    family: Family,
    /// The opener; and the answerer once something reached it.
    ends: [Option<End>; 2],
    words: Words,
    said: u16,
}

/// What is spoken.
#[derive(Clone, Debug)]
enum Words {
    Tcp(Tcp),
    Datagram(Datagram),
}

impl Talk {
    /// A conversation between two ends; `number` keeps its ports apart from those of others. One that is `helped` is mostly
    /// of a service that helpers read.
    pub fn draw(rng: &mut Rng, places: &Places, number: u16, helped: bool) -> Self {
        const SERVICES: [u16; 10] = [21, 22, 53, 69, 80, 123, 443, 8080, 1024, 40000];
        let (family, from, to) = places.pair(rng).unwrap_or((Family::Ipv4, 0x7f00_0001, 0x7f00_0001));
        let protocol = *choose(&Datagram::PROTOCOLS, rng).unwrap_or(&Protocol::UDP);
        let (words, port) = match (helped, rng.u8(..4)) {
            (true, 0 | 1) => (Words::Tcp(Tcp::draw(rng)), invite::FTP),
            (true, 2) => (Words::Datagram(Datagram::new(Protocol::UDP)), invite::TFTP),
            (_, 0 | 1) => (Words::Tcp(Tcp::draw(rng)), *choose(&SERVICES, rng).unwrap_or(&80)),
            _ => (Words::Datagram(Datagram::new(protocol)), *choose(&SERVICES, rng).unwrap_or(&80)),
        };
        Self::between(family, (from, 1024 + number % 60_000), (to, port), words, places)
    }

    fn between(family: Family, own: Name, other: Name, words: Words, places: &Places) -> Self {
        let entry = places.entry(family, own.0);
        Self { family, ends: [Some(End { own, other, entry }), None], words, said: 0 }
    }

    /// The end that speaks next.
    pub fn speaker(&self, rng: &mut Rng) -> Side {
        if self.end(Side::Answerer).is_some() && rng.bool() { Side::Answerer } else { Side::Opener }
    }

    /// How packets of an end come in.
    pub fn entry(&self, side: Side) -> Option<Entry> {
        self.end(side)?.entry.clone()
    }

    /// The next packet of an end.
    pub fn say(&mut self, side: Side, rng: &mut Rng) -> Option<Vec<u8>> {
        let end = self.end(side)?;
        let (own, other) = (end.own, end.other);
        self.said = self.said.wrapping_add(1);
        let build = Build::from_bits(self.family, own.0, other.0).id(rng.u16(..));
        let control = if side == Side::Opener { other.1 } else { own.1 };
        match &mut self.words {
            Words::Tcp(tcp) => {
                let line = (control == invite::FTP).then(|| invite::ftp_line(side, self.family, own.0, rng));
                Some(tcp.say(side, build, own.1, other.1, line, rng))
            }
            Words::Datagram(datagram) => datagram.say(side, self.family, build, own.1, other.1, rng),
        }
    }

    /// A packet reached an end, which may open another conversation because of it.
    pub fn hear(&mut self, side: Side, bytes: &[u8], places: &Places, rng: &mut Rng) -> Option<Self> {
        let packet = Packet::parse(bytes).ok()?;
        let (source, destination) = packet.addresses();
        // Where there are no ports, the ends keep those that they know: they say them in other ways.
        let known = self.end(side.other()).map_or((0, 0), |end| (end.own.1, end.other.1));
        let (from_port, port) = packet.ports().unwrap_or(known);
        let heard =
            End { own: (destination, port), other: (source, from_port), entry: places.entry(self.family, destination) };
        match self.ends.get_mut(side.index()) {
            Some(Some(end)) if end.own.0 != destination => return None,
            Some(Some(end)) if side == Side::Answerer => *end = heard,
            Some(end @ None) => *end = Some(heard),
            _ => {}
        }
        match &mut self.words {
            Words::Tcp(tcp) => tcp.hear(side, &packet),
            Words::Datagram(datagram) => datagram.hear(side, &packet),
        }
        self.invited(side, &packet, places, rng)
    }

    /// The conversation that the end that heard a packet opens because of it.
    fn invited(&self, side: Side, packet: &Packet<'_>, places: &Places, rng: &mut Rng) -> Option<Self> {
        let end = self.end(side)?;
        let control = if side == Side::Answerer { end.own.1 } else { end.other.1 };
        match &self.words {
            Words::Tcp(_) if control == invite::FTP => {
                let to = invite::invitation(packet.payload()?, end.other)?;
                let own = (end.own.0, invite::invited_from(side, to.1));
                Some(Self::between(self.family, own, to, Words::Tcp(Tcp::draw(rng)), places))
            }
            Words::Datagram(_) if control == invite::TFTP && side == Side::Answerer => {
                packet.payload().filter(|payload| *payload == invite::READ_REQUEST)?;
                let own = (end.own.0, rng.u16(1024..));
                let words = Words::Datagram(Datagram::new(Protocol::UDP));
                Some(Self::between(self.family, own, end.other, words, places))
            }
            _ => None,
        }
    }

    /// Whether nothing more is said.
    pub fn is_over(&self, rng: &mut Rng) -> bool {
        self.said > 40 || self.said > 6 && rng.u8(..24) == 0
    }

    fn end(&self, side: Side) -> Option<&End> {
        self.ends.get(side.index())?.as_ref()
    }
}
