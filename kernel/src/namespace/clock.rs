// SPDX-License-Identifier: GPL-3.0-or-later
//! Virtual time: conntrack entries are aged through ctnetlink, so that days pass in no time.
//!
//! Entries are aged by whole seconds, for the kernel tells and takes timeouts in seconds: an entry may live up to a second
//! less than it should. Besides its timeout a UDP entry keeps the moment, 2 s after its first packet, from which on packets
//! both ways make it a stream: assured, with 120 s instead of 30 s (`nf_conntrack_udp_packet`). That moment cannot be
//! set; but an entry that ctnetlink makes has none, and is a stream from then on. So entries that come of age are made anew.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::census::{Census, exchange, exchange_if_full};
use super::entry::Entry;
use super::job::Failure;
use crate::netlink::{Messages, NetlinkError, Socket};

/// After so many packets events are taken in: they must find room until then.
const OFTEN: u64 = 256;
/// The age, in seconds, beyond which a UDP entry may be a stream.
const YOUTH: u64 = 2;

/// The clock of a namespace's connection tracking.
pub(super) struct Clock {
    socket: Socket,
    census: Census,
    /// Seconds since the start of the traffic.
    now: u64,
    /// How many packets have passed.
    packets: u64,
    /// The kernel's tick in which the last packet passed.
    tick: Option<Duration>,
    /// The second in which each UDP entry began that is no stream yet, by its id.
    young: BTreeMap<u32, u64>,
}

impl Clock {
    /// A clock at the start of the traffic.
    ///
    /// # Errors
    /// What the system says to the socket.
    pub(super) fn new() -> Result<Self, Failure> {
        let socket = Socket::open().map_err(Failure::at("netlink socket"))?;
        Ok(Self { socket, census: Census::open()?, now: 0, packets: 0, tick: None, young: BTreeMap::new() })
    }

    /// A packet has passed; entries may have new timeouts.
    ///
    /// # Errors
    /// Events of connection tracking that were lost.
    pub(super) fn packet_passed(&mut self) -> Result<(), Failure> {
        self.tick = tick();
        self.packets += 1;
        if self.packets.is_multiple_of(OFTEN) {
            self.census.update().map_err(Failure::at("counting conntrack entries"))?;
        }
        Ok(())
    }

    /// Makes it `now`.
    ///
    /// # Errors
    /// What ctnetlink says to it.
    pub(super) fn advance(&mut self, now: Duration) -> Result<(), Failure> {
        if now.as_secs() <= self.now {
            return Ok(());
        }
        self.await_tick();
        self.age(now.as_secs()).map_err(Failure::at("ageing the conntrack table"))?;
        self.now = now.as_secs();
        Ok(())
    }

    /// Waits for the kernel's next tick. A timeout of n seconds reads as n in the tick in which it was set and as n - 1
    /// in the next: only then it is known which of the two it is.
    fn await_tick(&self) {
        while self.tick.is_some() && self.tick == tick() {
            sleep(Duration::from_micros(200));
        }
    }

    fn age(&mut self, now: u64) -> Result<(), NetlinkError> {
        let entries = self.census.ask(&mut self.socket)?;
        let known = std::mem::take(&mut self.young);
        let mut requests = Vec::new();
        for message in Messages::new(&entries) {
            let Some(entry) = Entry::read(&message?)? else { continue };
            let left = (u64::from(entry.timeout) + 1).saturating_sub(now.saturating_sub(self.now));
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            if left == 0 {
                entry.write_end(&mut requests);
            } else if !entry.may_become_stream()? {
                entry.write_timeout(&mut requests, left);
            } else {
                let began = known.get(&entry.id).copied().unwrap_or(self.now);
                self.young.insert(entry.id, began);
                if now.saturating_sub(began) > YOUTH {
                    entry.write_anew(&mut requests, left)?;
                } else {
                    entry.write_timeout(&mut requests, left);
                }
            }
            exchange_if_full(&mut self.socket, &mut requests, |_| {})?;
        }
        exchange(&mut self.socket, &requests, |_| {})
    }
}

/// The kernel's current tick: this clock moves with its jiffies.
fn tick() -> Option<Duration> {
    clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).ok().map(Duration::from)
}
