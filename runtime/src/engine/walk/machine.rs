// SPDX-License-Identifier: GPL-3.0-or-later
//! The machine: a host, what it knows of conversations, and the ruling that packets meet in it.

use super::Walk;
use crate::conntrack::Conntrack;
use crate::defrag::Defragmenter;
use crate::engine::Ruling;
use crate::host::Host;
use crate::observation::Observation;
use crate::packet::Packet;
use crate::traffic::{Entry, TimedPacket};

/// A host that packets are walked through, under a ruling.
#[derive(Clone, Debug)]
pub struct Machine<R> {
    host: Host,
    ruling: R,
    conntrack: Conntrack,
    fragments: Defragmenter,
    /// Memory for the bytes of the next packet.
    spare: Vec<u8>,
}

impl<R: Ruling> Machine<R> {
    /// A host as it has just started: no conversation is known.
    pub fn new(host: &Host, ruling: R) -> Self {
        let conntrack = Conntrack::new(host.sysctls.clone());
        Self { host: host.clone(), ruling, conntrack, fragments: Defragmenter::default(), spare: Vec::new() }
    }

    /// Walks packets through the host, one after the other, and shows what is seen of each. Of some at a time it is looked
    /// up beforehand to which entries they belong: where the host knows many, that is faster.
    pub fn run_packets(&mut self, packets: &[TimedPacket], mut show: impl FnMut(&mut Observation)) {
        const HANDFUL: usize = 32;
        let mut seen = Observation::unseen();
        let mut foreseen = Vec::with_capacity(HANDFUL);
        for handful in packets.chunks(HANDFUL) {
            foreseen.clear();
            let parsed = handful.iter().filter_map(|packet| Packet::parse(&packet.bytes).ok());
            foreseen.extend(parsed.map(|packet| Conntrack::foresee(&packet)));
            self.conntrack.approach(&foreseen);
            for packet in handful {
                self.observe(packet, &mut seen);
                show(&mut seen);
            }
        }
    }

    /// Walks one packet through the host. Packets come in the order of time.
    pub fn run_packet(&mut self, packet: &TimedPacket) -> Observation {
        let mut seen = Observation::unseen();
        self.observe(packet, &mut seen);
        seen
    }

    /// As [`Self::run_packet`], but puts what is seen in the place of what was seen of another packet, whose memory is used
    /// again.
    pub fn observe(&mut self, packet: &TimedPacket, seen: &mut Observation) {
        let mut bytes = seen.left.take().unwrap_or_else(|| std::mem::take(&mut self.spare));
        seen.forget();
        if !matches!(packet.bytes.first().map(|first| first >> 4), Some(4 | 6)) {
            return;
        }
        bytes.clear();
        bytes.extend_from_slice(&packet.bytes);
        let Self { host, ruling, conntrack, fragments, spare } = self;
        let parts = Parts { host, ruling, conntrack, fragments };
        let mut walk = Walk::new(parts, packet.at, bytes, seen);
        walk.refused = packet.refused;
        *spare = match &packet.entry {
            Entry::Arrives(interface) => walk.run(|walk| walk.arrive(interface)),
            Entry::Sent => {
                walk.sender = Some(packet.sender);
                walk.run(Walk::send)
            }
        };
    }

    /// Puts another ruling in the place of the one that there was. Conversations stay known.
    pub fn replace(&mut self, ruling: R) {
        self.ruling = ruling;
    }

    /// What connection tracking knows.
    #[must_use]
    pub const fn conntrack(&self) -> &Conntrack {
        &self.conntrack
    }

    /// The ruling.
    #[must_use]
    pub const fn ruling(&self) -> &R {
        &self.ruling
    }
}

/// The parts of a machine, each by itself.
pub(super) struct Parts<'m, R> {
    pub host: &'m Host,
    pub ruling: &'m mut R,
    pub conntrack: &'m mut Conntrack,
    pub fragments: &'m mut Defragmenter,
}

impl<R> Parts<'_, R> {
    /// The same for a packet that is walked in between.
    pub const fn lent(&mut self) -> Parts<'_, R> {
        Parts { host: self.host, ruling: self.ruling, conntrack: self.conntrack, fragments: self.fragments }
    }
}
