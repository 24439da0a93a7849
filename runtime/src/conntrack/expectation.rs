// SPDX-License-Identifier: GPL-3.0-or-later
//! Expectations: conversations that a helper read of in another one, and that will be related to it
//! (`nf_conntrack_expect.c`).

use std::fmt::{self, Write};
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus, Family, Protocol};

use super::entries::EntryId;
use super::entry::Entry;
use super::helper::Helper;
use super::print;
use super::table::Table;
use super::tuple::{Ends, Tuple};
use super::zone::Zone;
use crate::nat;

/// Which of a helper's expectations belong together: each class has a limit and a lifetime of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name; none where a helper has one class only.
    pub name: Option<&'static str>,
    /// How many an entry may expect at once. One more pushes the oldest out.
    pub most: usize,
    /// How long one is waited for.
    pub timeout: Duration,
}

/// Which packets an expectation is about. Protocol and destination must be as the tuple says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The bits of the source address that count.
    pub source: u128,
    /// Whether the source port or key counts.
    pub source_end: bool,
}

/// What becomes of the entry that an expectation brings about, besides being related.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    #[default]
    Nothing,
    /// It is helped too.
    Help(Helper),
    /// The same conversation is expected in the other direction too, which is then done with (`pptp_expectfn`).
    CallEnds,
}

/// How the entry that an expectation brings about is translated (`expectfn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// As its master is.
    Master,
    /// To what stood in the payload, and from what its master sends to.
    Signalling,
    /// The same; where its source is expected too, from what is expected of that.
    Media,
    /// As the control connection of its call is, with the call id that the payload said.
    Call,
}

/// What a translation must know of the destination that stood in the payload (`saved_addr`, `saved_proto` and `dir`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The address; IPv4 in the low 32 bits.
    pub address: u128,
    /// The port.
    pub port: u16,
    /// The direction of the master's packets that go where the expected ones come from.
    pub direction: CtDirection,
}

/// A conversation that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    pub tuple: Tuple,
    pub mask: Mask,
    /// The entry whose helper expects it.
    pub master: EntryId,
    /// The helper.
    pub helper: Helper,
    pub class: &'static Class,
    /// When it is no longer waited for.
    pub expires: Duration,
    /// It brings about any number of entries, not one only.
    pub permanent: bool,
    /// It does not count yet.
    pub inactive: bool,
    pub then: Then,
    /// None where the master is not translated.
    pub follow: Option<Follow>,
    pub saved: Saved,
}

/// Why an expectation cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another master, or class, expects the very same.
    Already,
    /// It would overlap with another one.
    Busy,
    /// The table is full.
    Full,
}

/// The expectations of all entries, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Expectations(Vec<Expectation>);

impl Mask {
    const fn both(self, other: Self) -> Self {
        Self { source: self.source & other.source, source_end: self.source_end && other.source_end }
    }

    /// Whether two tuples are the same as far as the mask goes (`nf_ct_tuple_mask_cmp`).
    fn equal(self, one: &Tuple, other: &Tuple) -> bool {
        let (one_end, other_end) = (one.ends.parted(), other.ends.parted());
        one.family == other.family
            && one.protocol == other.protocol
            && one.destination == other.destination
            && one_end.1 == other_end.1
            && (one.source ^ other.source) & self.source == 0
            && (!self.source_end || one_end.0 == other_end.0)
    }
}

impl Expectation {
    /// An expectation of packets from a source, where one is given, to a destination (`nf_ct_expect_init`).
    pub fn new(master: EntryId, helper: Helper, class: &'static Class, from: Source, to: Destination) -> Self {
        let source_end = from.end.unwrap_or(0);
        let ends = match to.protocol {
            Protocol::GRE => Ends::Keys { source: source_end, destination: to.end },
            _ => Ends::Ports { source: source_end, destination: to.end },
        };
        let tuple = Tuple {
            family: to.family,
            protocol: to.protocol,
            source: from.address.unwrap_or(0),
            destination: to.address,
            ends,
        };
        Self {
            tuple,
            mask: Mask { source: from.address.map_or(0, |_| u128::MAX), source_end: from.end.is_some() },
            master,
            helper,
            class,
            expires: Duration::ZERO,
            permanent: false,
            inactive: false,
            then: Then::Nothing,
            follow: None,
            saved: Saved { address: to.address, port: to.end, direction: CtDirection::Original },
        }
    }

    /// Expects the packets at another port.
    pub const fn set_port(&mut self, port: u16) {
        if let Ends::Ports { destination, .. } = &mut self.tuple.ends {
            *destination = port;
        }
    }

    fn fits(&self, tuple: &Tuple) -> bool {
        self.mask.equal(&self.tuple, tuple)
    }
}

/// Where expected packets come from, as far as that is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source {
    pub address: Option<u128>,
    /// The port or key.
    pub end: Option<u16>,
}

/// Where expected packets go.
#[derive(Clone, Copy, Debug)]
pub struct Destination {
    pub family: Family,
    pub protocol: Protocol,
    pub address: u128,
    /// The port or key.
    pub end: u16,
}

impl Expectations {
    /// Adds one, which lives as long as its class says (`nf_ct_expect_related_report`). One that is there already starts
    /// anew. `whoever` says that it matters that somebody expects it, not who (`NF_CT_EXP_F_SKIP_MASTER`).
    pub fn add(&mut self, mut new: Expectation, whoever: bool, limit: usize, now: Duration) -> Result<(), Refused> {
        self.0.retain(|old| old.expires > now);
        let same = |old: &Expectation| old.tuple == new.tuple && old.mask == new.mask;
        if let Some(at) = self.0.iter().position(|old| (whoever || old.master == new.master) && same(old)) {
            let old = self.0.get(at).ok_or(Refused::Busy)?;
            if old.class != new.class || old.master != new.master {
                return Err(Refused::Already);
            }
            self.0.remove(at);
        } else if self.0.iter().any(|old| old.mask.both(new.mask).equal(&old.tuple, &new.tuple)) {
            return Err(Refused::Busy);
        }
        let mut alike = self.0.iter().enumerate().filter(|(_, old)| old.master == new.master && old.class == new.class);
        if let Some((oldest, _)) = alike.next()
            && alike.count() + 1 >= new.class.most
        {
            self.0.remove(oldest);
        }
        if self.0.len() >= limit {
            return Err(Refused::Full);
        }
        new.expires = now + new.class.timeout;
        self.0.push(new);
        Ok(())
    }

    /// Whether nothing is expected.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that a packet is about, whether or not it counts yet (`nf_ct_expect_find_get`).
    pub fn find(&self, tuple: &Tuple, now: Duration) -> Option<&Expectation> {
        self.0.iter().find(|expectation| expectation.expires > now && expectation.fits(tuple))
    }

    /// The one that a packet fulfils, which is then gone, if it is not permanent.
    /// `in_zone` tells of a master whether it is in the packet's ct zone, `table_has` whether it is in the table.
    fn take(
        &mut self,
        tuple: &Tuple,
        now: Duration,
        in_zone: impl Fn(EntryId) -> bool,
        table_has: impl Fn(EntryId) -> bool,
    ) -> Option<Expectation> {
        let counts = |one: &Expectation| !one.inactive && one.expires > now && one.fits(tuple) && in_zone(one.master);
        let at = self.0.iter().position(counts)?;
        let found = self.0.get(at).filter(|found| table_has(found.master))?.clone();
        if !found.permanent {
            self.0.remove(at);
        }
        Some(found)
    }

    /// Removes the one that a packet is about.
    pub fn remove(&mut self, tuple: &Tuple) -> bool {
        let at = self.0.iter().position(|expectation| expectation.fits(tuple));
        at.map(|at| self.0.remove(at)).is_some()
    }

    /// Removes those of an entry.
    pub fn forget(&mut self, master: EntryId) {
        self.0.retain(|expectation| expectation.master != master);
    }

    /// Removes those of an entry that are chosen.
    pub fn forget_some(&mut self, master: EntryId, chosen: impl Fn(&Expectation) -> bool) {
        self.0.retain(|expectation| expectation.master != master || !chosen(expectation));
    }

    /// Those of an entry, the newest first.
    pub fn of_mut(&mut self, master: EntryId) -> impl Iterator<Item = &mut Expectation> {
        self.0.iter_mut().rev().filter(move |expectation| expectation.master == master)
    }

    /// The entries that expect something.
    pub fn masters(&self) -> impl Iterator<Item = EntryId> {
        self.0.iter().map(|expectation| expectation.master)
    }

    /// All that are waited for.
    pub fn alive(&self, now: Duration) -> impl Iterator<Item = &Expectation> {
        self.0.iter().filter(move |expectation| expectation.expires > now)
    }
}

impl Table {
    /// Makes the entry of a tuple that is in no entry yet. If it was expected, it is related (`init_conntrack`).
    pub fn open(&mut self, tuple: &Tuple, zone: Zone, now: Duration) -> Option<EntryId> {
        let mut entry = Entry::new(*tuple, zone, now)?;
        let Some(expected) = self.take_expectation(tuple, zone, now) else { return self.add(entry, now) };
        entry.status = entry.status.with(CtStatus::EXPECTED);
        entry.rare_mut().master = Some(expected.master);
        entry.mark = self.get(expected.master).map_or(0, |master| master.mark);
        if let Then::Help(helper) = expected.then {
            entry.rare_mut().help = Some(helper.start());
        }
        let id = self.add(entry, now)?;
        if expected.then == Then::CallEnds {
            self.calls.carry(id);
            let other = expected.follow.map_or_else(|| expected.tuple.inverted(), |_| self.other_way(&expected));
            if let Some(other) = other {
                self.expectations.remove(&other);
            }
        }
        nat::follow(self, id, &expected, now);
        Some(id)
    }

    /// The expectation that a packet fulfils. Nobody can know yet of one whose master is not in the table.
    fn take_expectation(&mut self, tuple: &Tuple, zone: Zone, now: Duration) -> Option<Expectation> {
        if self.expectations.is_empty() {
            return None;
        }
        self.end_masters(now);
        let mut expectations = std::mem::take(&mut self.expectations);
        let alive = |master: &Entry| master.is_confirmed() && !master.status.contains(CtStatus::DYING);
        let in_zone = |master| self.get(master).is_some_and(|master| master.zone.id() == zone.id());
        let expected = expectations.take(tuple, now, in_zone, |master| self.get(master).is_some_and(alive));
        self.expectations = expectations;
        expected
    }
}

/// An expectation as `/proc/net/nf_conntrack_expect` prints it (`exp_seq_show`).
pub fn line(expectation: &Expectation, now: Duration) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut line, expectation, now);
    line
}

fn write(line: &mut String, expectation: &Expectation, now: Duration) -> fmt::Result {
    let left = expectation.expires.saturating_sub(now).as_secs();
    let Expectation { tuple, helper, class, .. } = expectation;
    write!(line, "{left} l3proto = {} proto={} ", tuple.family.number(), tuple.protocol.0)?;
    print::write_tuple(line, tuple)?;
    let flags = [(expectation.permanent, "PERMANENT"), (expectation.inactive, "INACTIVE")];
    let said: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|&(_, word)| word).collect();
    let space = if said.is_empty() { "" } else { " " };
    write!(line, "{}{space}{}", said.join(","), helper.name())?;
    class.name.map_or(Ok(()), |name| write!(line, "/{name}"))
}
