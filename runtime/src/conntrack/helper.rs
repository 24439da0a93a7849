// SPDX-License-Identifier: GPL-3.0-or-later
//! Helpers: they read the payload of a conversation for others that it announces, and expect them
//! (`nf_conntrack_helper.c`).
//!
//! One file a helper. A helper reads packets at their last hook, before their entry is confirmed, and only where a rule
//! assigned it. It sees one packet at a time: what is cut in two between packets, it either drops or does not see.

mod amanda;
mod ftp;
mod irc;
mod netbios_ns;
mod pptp;
mod sip;
#[cfg(test)]
mod tests;
mod text;
mod tftp;

use std::ops::Range;
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtState, CtStatus, Family, Protocol};

use super::entries::EntryId;
use super::expectation::{Class, Destination, Expectation, Follow, Refused, Saved, Source};
use super::sequence::Sequence;
use super::table::Table;
use super::tuple::{Layers, Tuple};
use super::{Conntrack, Entry, Tracked};
use crate::nat;
use crate::packet::Packet;
use crate::packet::wire::{byte, number32};

/// A helper of connection tracking (`ct helper` in nft(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Helper {
    /// Data connections of FTP, active and passive (RFC 959, RFC 2428).
    Ftp,
    /// What a TFTP server sends from another port (RFC 1350).
    Tftp,
    /// Direct connections that IRC clients offer each other (DCC).
    Irc,
    /// Calls of SIP (RFC 3261) and the media that their descriptions name (RFC 8866).
    Sip,
    /// The GRE of PPTP calls (RFC 2637).
    Pptp,
    /// What an Amanda client offers to a backup server.
    Amanda,
    /// Answers to name queries that the host itself broadcast (RFC 1002).
    NetbiosNs,
}

impl Helper {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Ftp, Self::Tftp, Self::Irc, Self::Sip, Self::Pptp, Self::Amanda, Self::NetbiosNs];

    /// Its name in the kernel, which rulesets and `/proc/net/nf_conntrack_expect` say.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Tftp => "tftp",
            Self::Irc => "irc",
            Self::Sip => "sip",
            Self::Pptp => "pptp",
            Self::Amanda => "amanda",
            Self::NetbiosNs => "netbios-ns",
        }
    }

    /// The helper of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| helper.name() == name)
    }

    /// Whether there is such a helper for conversations of the family and protocol.
    #[must_use]
    pub fn knows(self, family: Family, protocol: Protocol) -> bool {
        let protocols: &[Protocol] = match self {
            Self::Ftp | Self::Irc | Self::Pptp => &[Protocol::TCP],
            Self::Tftp | Self::Amanda | Self::NetbiosNs => &[Protocol::UDP],
            Self::Sip => &[Protocol::TCP, Protocol::UDP],
        };
        let both_families = matches!(self, Self::Ftp | Self::Tftp | Self::Sip | Self::Amanda);
        protocols.contains(&protocol) && (both_families || family == Family::Ipv4)
    }

    /// The helper as an entry has it that it has not helped yet.
    pub(super) fn start(self) -> Assigned {
        let memory = match self {
            Self::Ftp => Memory::Ftp(ftp::Newlines::default()),
            Self::Sip => Memory::Sip(sip::Dialogue::default()),
            Self::Pptp => Memory::Pptp(pptp::Session::default()),
            Self::Tftp | Self::Irc | Self::Amanda | Self::NetbiosNs => Memory::Nothing,
        };
        Assigned { helper: self, memory }
    }
}

/// The helper of an entry, and what it remembers (`struct nf_conn_help`).
#[derive(Clone, Debug)]
pub struct Assigned {
    helper: Helper,
    memory: Memory,
}

#[derive(Clone, Debug)]
enum Memory {
    Nothing,
    Ftp(ftp::Newlines),
    Sip(sip::Dialogue),
    Pptp(pptp::Session),
}

/// What becomes of a packet that a helper has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Help {
    /// It passes.
    Accept,
    /// It passes with another payload, in which it says where the translated conversation is to be met.
    Rewritten(Vec<u8>),
    /// It is gone: the helper could not read it whole, or could not expect what it announces.
    Drop,
}

/// The packet must not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dropped;

/// A packet as a helper sees it, and what the helper may do.
struct Aid<'a> {
    table: &'a mut Table,
    /// The entry that it belongs to.
    id: EntryId,
    helper: Helper,
    state: CtState,
    direction: CtDirection,
    /// The packet as it came.
    packet: &'a [u8],
    /// The packet with what a translation wrote into its payload.
    rewritten: Option<Vec<u8>>,
    /// The places in the payload that were written anew: where each ended, and by how much it grew.
    edits: Vec<(usize, isize)>,
    /// The packet from its transport header on.
    segment: &'a [u8],
    original: Tuple,
    reply: Tuple,
    /// How many bits of the address belong to the network, if the host itself sends the packet to that network's
    /// broadcast address.
    broadcast: Option<u8>,
    /// How many expectations the table holds at most.
    limit: usize,
    now: Duration,
}

/// The data of a TCP segment.
#[derive(Clone, Copy, Debug)]
struct Data<'a> {
    /// The number of its first byte.
    sequence: Sequence,
    bytes: &'a [u8],
}

impl<'a> Aid<'a> {
    /// Whether the packet belongs to a conversation that was answered.
    fn is_established(&self) -> bool {
        self.state == CtState::Established
    }

    /// The data of the TCP segment; none if it has none.
    fn tcp(&self) -> Option<Data<'a>> {
        const HEADER: usize = 20;
        self.segment.get(..HEADER)?;
        let header = usize::from(byte(self.segment, 12)? >> 4) * 4;
        let bytes = self.segment.get(header..).filter(|bytes| !bytes.is_empty())?;
        Some(Data { sequence: Sequence(number32(self.segment, 4)?), bytes })
    }

    /// The data of the UDP datagram; none if it has none.
    fn udp(&self) -> Option<&'a [u8]> {
        const HEADER: usize = 8;
        self.segment.get(HEADER..).filter(|bytes| !bytes.is_empty())
    }

    /// The tuple of packets in the packet's direction.
    const fn here(&self) -> &Tuple {
        match self.direction {
            CtDirection::Original => &self.original,
            CtDirection::Reply => &self.reply,
        }
    }

    /// The tuple of packets in the other direction.
    const fn back(&self) -> &Tuple {
        match self.direction {
            CtDirection::Original => &self.reply,
            CtDirection::Reply => &self.original,
        }
    }

    /// Lets the entry live for `timeout` from now on (`nf_ct_refresh`).
    fn refresh(&mut self, timeout: Duration) {
        if let Some(entry) = self.table.get_mut(self.id) {
            entry.expires = (self.now + timeout).into();
        }
    }

    /// An expectation of the helper's, not yet in the table.
    fn expectation(&self, class: &'static Class, from: Source, to: Destination) -> Expectation {
        let mut expectation = Expectation::new(self.id, self.helper, class, from, to);
        expectation.saved = Saved { direction: self.direction.reversed(), ..expectation.saved };
        expectation
    }

    /// Puts an expectation into the table.
    fn expect(&mut self, expectation: Expectation) -> Result<(), Refused> {
        self.table.expectations.add(expectation, false, self.limit, self.now)
    }

    /// Whether the conversation has other ends than its packets say.
    fn is_translated(&self) -> bool {
        let translated = CtStatus::SRC_NAT.with(CtStatus::DST_NAT);
        self.table.get(self.id).is_some_and(|entry| entry.status.intersects(translated))
    }

    /// Puts an expectation into the table. Where the conversation is translated, what is expected will be too: then the
    /// port is one at which nothing else is expected, and a text that says it is put in the place of the one in the payload.
    fn announce(
        &mut self,
        mut expectation: Expectation,
        place: Range<usize>,
        text: impl FnOnce(u16) -> String,
    ) -> Result<(), Dropped> {
        if !self.is_translated() {
            return self.expect(expectation).map_err(|_| Dropped);
        }
        expectation.follow = Some(Follow::Master);
        let tuple = self.expect_at_free_port(expectation)?;
        let (_, port) = tuple.ends.parted();
        let written = self.write(place, text(port).as_bytes());
        if written.is_err() {
            self.table.expectations.remove(&tuple);
        }
        written
    }

    /// Puts an expectation into the table, at its own port or at one behind it where something is expected there already
    /// (`nf_nat_exp_find_port`). The kernel draws the others at random.
    fn expect_at_free_port(&mut self, mut expectation: Expectation) -> Result<Tuple, Dropped> {
        const ATTEMPTS: u16 = 128;
        let (_, own) = expectation.tuple.ends.parted();
        let last = own.saturating_add(ATTEMPTS).min(u16::MAX - 1).max(own);
        for port in (own..=last).filter(|port| *port != 0) {
            expectation.set_port(port);
            match self.expect(expectation.clone()) {
                Ok(()) => {
                    if let Some(entry) = self.table.get_mut(self.id) {
                        entry.port_drawn |= port != own;
                    }
                    return Ok(expectation.tuple);
                }
                Err(Refused::Busy) => {}
                Err(Refused::Already | Refused::Full) => break,
            }
        }
        Err(Dropped)
    }

    /// Puts a text in the place of a part of the payload, and moves the sequence numbers behind it on.
    fn write(&mut self, place: Range<usize>, text: &[u8]) -> Result<(), Dropped> {
        let grown = self.rewrite(place, text)?;
        self.move_sequence(grown);
        Ok(())
    }

    /// Puts a text in the place of a part of the payload as it came. By how much it grew.
    fn rewrite(&mut self, place: Range<usize>, text: &[u8]) -> Result<isize, Dropped> {
        let before = self.edits.iter().filter(|(end, _)| *end <= place.start);
        let moved = before.map(|(_, grown)| grown).sum::<isize>();
        let now = |at: usize| at.checked_add_signed(moved).ok_or(Dropped);
        let grown = text.len().cast_signed() - place.len().cast_signed();
        let packet = self.rewritten.get_or_insert_with(|| self.packet.to_vec());
        if !nat::replace_payload(packet, self.original.protocol, now(place.start)?..now(place.end)?, text) {
            return Err(Dropped);
        }
        self.edits.push((place.end, grown));
        Ok(grown)
    }

    /// Notes that the segment grew: what follows it is moved on (`nf_ct_seqadj_set`).
    fn move_sequence(&mut self, grown: isize) {
        let (Ok(by), Some(sequence)) = (i32::try_from(grown), number32(self.segment, 4)) else { return };
        if by == 0 || self.original.protocol != Protocol::TCP {
            return;
        }
        if let Some(entry) = self.table.get_mut(self.id) {
            entry.rare_mut().adjustment.note(self.direction, Sequence(sequence), by.cast_unsigned());
            entry.status = entry.status.with(CtStatus::SEQ_ADJUST);
        }
    }

    /// Sends the packet to another port.
    fn redirect(&mut self, port: u16) {
        nat::redirect(self.rewritten.get_or_insert_with(|| self.packet.to_vec()), port);
    }

    fn help(&mut self, memory: &mut Memory) -> Result<(), Dropped> {
        match (self.helper, memory) {
            (Helper::Ftp, Memory::Ftp(newlines)) => ftp::help(self, newlines),
            (Helper::Sip, Memory::Sip(dialogue)) => sip::help(self, dialogue),
            (Helper::Pptp, Memory::Pptp(session)) => pptp::help(self, session),
            (Helper::Tftp, _) => tftp::help(self),
            (Helper::Irc, _) => irc::help(self),
            (Helper::Amanda, _) => amanda::help(self),
            (Helper::NetbiosNs, _) => {
                netbios_ns::help(self);
                Ok(())
            }
            (Helper::Ftp | Helper::Sip | Helper::Pptp, _) => Ok(()),
        }
    }
}

impl Source {
    /// From this address, whatever the port.
    const fn address(address: u128) -> Self {
        Self { address: Some(address), end: None }
    }

    /// From anywhere.
    const ANYWHERE: Self = Self { address: None, end: None };
}

impl Conntrack {
    /// Gives a packet's entry a helper (`nft_ct_helper_obj_eval` in `nft_ct.c`). False if it cannot have it: it is in the
    /// table already, has a helper, or the helper does not know its protocol.
    pub fn assign_helper(&mut self, tracked: Tracked, helper: Helper) -> bool {
        let Some(entry) = tracked.entry.and_then(|id| self.table.get_mut(id)) else { return false };
        if entry.is_confirmed()
            || entry.help().is_some()
            || !helper.knows(entry.original().family, entry.original().protocol)
        {
            return false;
        }
        entry.rare_mut().help = Some(helper.start());
        entry.status = entry.status.with(CtStatus::HELPER);
        true
    }

    /// Whether a packet's entry has a helper.
    #[must_use]
    pub fn is_helped(&self, tracked: Tracked) -> bool {
        tracked.entry.and_then(|id| self.table.get(id)).is_some_and(|entry| entry.help().is_some())
    }

    /// The helper of the conversation that announced an entry.
    pub(crate) fn helper_of_master(&self, entry: &Entry) -> Option<Helper> {
        self.table.get(entry.master()?)?.help().map(|assigned| assigned.helper)
    }

    /// Lets the helper of a packet's entry read it (`nf_confirm` in `nf_conntrack_proto.c`): at its last hook, before
    /// [`Conntrack::confirm`]. `broadcast` says how many bits of the destination belong to the network, if the host itself
    /// sends the packet to the broadcast address of the interface that it leaves by.
    pub fn help(&mut self, tracked: Tracked, packet: &Packet<'_>, broadcast: Option<u8>, now: Duration) -> Help {
        self.helped(tracked, packet, broadcast, now).unwrap_or(Help::Accept)
    }

    fn helped(&mut self, tracked: Tracked, packet: &Packet<'_>, broadcast: Option<u8>, now: Duration) -> Option<Help> {
        let (id, direction) = (tracked.entry?, tracked.direction?);
        if (tracked.state, direction) == (CtState::Related, CtDirection::Reply) {
            return None;
        }
        let layers = Layers::of(packet.bytes(), packet.family())?;
        let entry = self.table.get_mut(id)?;
        entry.help()?;
        let Assigned { helper, mut memory } = entry.rare_mut().help.take()?;
        let mut aid = Aid {
            id,
            helper,
            state: tracked.state,
            direction,
            packet: packet.bytes(),
            rewritten: None,
            edits: Vec::new(),
            segment: layers.segment,
            original: entry.original(),
            reply: entry.reply(),
            broadcast,
            limit: self.sysctls.expect_max,
            now,
            table: &mut self.table,
        };
        aid.table.end_masters(now);
        let help = match aid.help(&mut memory) {
            Ok(()) => aid.rewritten.take().map_or(Help::Accept, Help::Rewritten),
            Err(Dropped) => Help::Drop,
        };
        if let Some(entry) = self.table.get_mut(id) {
            entry.rare_mut().help = Some(Assigned { helper, memory });
        }
        Some(help)
    }
}

impl Table {
    /// Does away with what goes with an entry that ends: what it expects, and the calls of a PPTP session.
    pub fn abandon(&mut self, id: EntryId) {
        let Some(entry) = self.get_mut(id).filter(|entry| entry.is_confirmed()) else { return };
        if entry.rare().is_none() {
            return self.release(id);
        }
        let tuples = (entry.original(), entry.reply());
        if let Some(Assigned { memory: Memory::Pptp(session), .. }) = entry.rare_mut().help.take() {
            session.hang_up(self, id, tuples);
        }
        self.release(id);
    }

    /// Does away with what an entry expects, whether or not it ever was in the table.
    pub fn release(&mut self, id: EntryId) {
        self.expectations.forget(id);
        if let Some(master) = self.get(id).and_then(Entry::master) {
            self.calls.drop_carried(id, master);
        }
    }

    /// Ends the entries whose time is up and that expect something, with what they expect.
    pub fn end_masters(&mut self, now: Duration) {
        if self.expectations.is_empty() {
            return;
        }
        let masters: Vec<_> = self.expectations.masters().collect();
        self.end_late(&masters, now);
    }

    /// Ends the entries whose time is up and that have to do with calls of PPTP: where one goes, others go too.
    pub fn end_calls(&mut self, now: Duration) {
        if self.calls.is_empty() {
            return;
        }
        let entries: Vec<_> = self.calls.entries().collect();
        self.end_late(&entries, now);
    }

    fn end_late(&mut self, entries: &[EntryId], now: Duration) {
        for &id in entries {
            if self.get(id).is_some_and(|entry| entry.is_confirmed() && !entry.expires.is_after(now)) {
                self.end(id);
            }
        }
    }
}
