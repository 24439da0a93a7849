// SPDX-License-Identifier: GPL-3.0-or-later
//! Reassembly of fragments, as it precedes connection tracking: `net/ipv4/ip_fragment.c` and
//! `net/ipv6/netfilter/nf_conntrack_reasm.c`, on the queues of `net/ipv4/inet_fragment.c`.
//!
//! Left out: limits of memory, and the ICMP error that a host sends when the first fragment's time is up.

mod queue;

use std::collections::BTreeMap;
use std::time::Duration;

use ringwall_ir::words::{Family, Hook};

use crate::packet::wire::{IPV6_HEADER, byte, number16, put};
use crate::packet::{Fragment, Packet, lacks_headers, write_header_checksum};
use queue::{Piece, Queue, Queued};

/// The packets that wait for the rest of their fragments.
#[derive(Clone, Debug, Default)]
pub struct Defragmenter {
    queues: BTreeMap<Key, Queue>,
}

/// What the fragments of one packet have in common. Those that arrive and those that are sent are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    family: Family,
    hook: Hook,
    source: u128,
    destination: u128,
    /// IPv4 only.
    protocol: Option<u8>,
    id: u32,
}

/// What becomes of a packet that meets reassembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reassembly {
    /// It goes on as it is.
    Untouched,
    /// It completes a packet, which goes on.
    Whole(Vec<u8>),
    /// It waits, or was there already.
    Queued,
    /// It is gone, perhaps with the fragments before it.
    Dropped,
}

impl Defragmenter {
    /// Takes in a packet. `hook` is prerouting or output.
    pub fn take(&mut self, packet: &Packet<'_>, hook: Hook, now: Duration) -> Reassembly {
        let Some(fragment) = packet.fragment() else { return Reassembly::Untouched };
        self.queues.retain(|_, queue| !queue.is_late(now));
        match packet.family() {
            Family::Ipv4 => self.take_v4(packet, fragment, hook, now),
            Family::Ipv6 => self.take_v6(packet, fragment, hook, now),
        }
    }

    fn take_v4(&mut self, packet: &Packet<'_>, fragment: Fragment, hook: Hook, now: Duration) -> Reassembly {
        const TIMEOUT: Duration = Duration::from_secs(30);
        let (source, destination) = packet.addresses();
        let key = Key {
            family: Family::Ipv4,
            hook,
            source,
            destination,
            protocol: Some(packet.protocol().0),
            id: fragment.id,
        };
        let (header, payload) = packet.bytes().split_at(packet.transport_offset().min(packet.bytes().len()));
        let mut payload = payload;
        if fragment.more {
            // A length that is no multiple of eight is cut down to one.
            payload = payload.get(..payload.len() / 8 * 8).unwrap_or_default();
        }
        let queue = self.queues.entry(key).or_insert_with(|| Queue::opened(now + TIMEOUT));
        let piece = Piece { offset: fragment.offset, more: fragment.more, payload };
        match queue.insert(piece, header) {
            Queued::Waiting | Queued::Duplicate => Reassembly::Queued,
            Queued::Misplaced | Queued::Overlap => {
                self.queues.remove(&key);
                Reassembly::Dropped
            }
            Queued::Complete(header, payload) => {
                self.queues.remove(&key);
                whole_v4(header, &payload)
            }
        }
    }

    fn take_v6(&mut self, packet: &Packet<'_>, fragment: Fragment, hook: Hook, now: Duration) -> Reassembly {
        const TIMEOUT: Duration = Duration::from_secs(60);
        const FRAGMENT_HEADER: usize = 8;
        const LONGEST: usize = 65535;
        let bytes = packet.bytes();
        let data = fragment.header + FRAGMENT_HEADER;
        let (Some(header), Some(payload), Some(protocol)) =
            (bytes.get(..fragment.header), bytes.get(data..), byte(bytes, fragment.header))
        else {
            return Reassembly::Dropped;
        };
        // A jumbogram is not reassembled, nor a first fragment that does not hold its headers (RFC 8200 §4.5).
        if number16(bytes, 4) == Some(0) || fragment.offset == 0 && lacks_headers(bytes) {
            return Reassembly::Untouched;
        }
        let (source, destination) = packet.addresses();
        let key = Key { family: Family::Ipv6, hook, source, destination, protocol: None, id: fragment.id };
        // The end is counted with the extension headers in front, as the payload length of the whole will be.
        let end = fragment.offset + bytes.len() - IPV6_HEADER - FRAGMENT_HEADER;
        if end > LONGEST {
            return Reassembly::Dropped;
        }
        if fragment.more && !payload.len().is_multiple_of(8) {
            self.queues.remove(&key);
            return Reassembly::Untouched;
        }
        let queue = self.queues.entry(key).or_insert_with(|| Queue::opened(now + TIMEOUT));
        let mut header = header.to_vec();
        put(&mut header, fragment.named_at, &[protocol]);
        match queue.insert(Piece { offset: fragment.offset, more: fragment.more, payload }, &header) {
            Queued::Waiting | Queued::Duplicate => Reassembly::Queued,
            Queued::Misplaced => Reassembly::Dropped,
            Queued::Overlap => {
                self.queues.remove(&key);
                Reassembly::Dropped
            }
            Queued::Complete(header, payload) => {
                self.queues.remove(&key);
                whole_v6(header, &payload)
            }
        }
    }
}

fn whole_v4(mut bytes: Vec<u8>, payload: &[u8]) -> Reassembly {
    bytes.extend_from_slice(payload);
    let Ok(length) = u16::try_from(bytes.len()) else { return Reassembly::Dropped };
    put(&mut bytes, 2, &length.to_be_bytes());
    put(&mut bytes, 6, &[0, 0]);
    write_header_checksum(&mut bytes);
    Reassembly::Whole(bytes)
}

fn whole_v6(mut bytes: Vec<u8>, payload: &[u8]) -> Reassembly {
    bytes.extend_from_slice(payload);
    let Ok(length) = u16::try_from(bytes.len().saturating_sub(IPV6_HEADER)) else { return Reassembly::Dropped };
    put(&mut bytes, 4, &length.to_be_bytes());
    Reassembly::Whole(bytes)
}
