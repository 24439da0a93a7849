// SPDX-License-Identifier: GPL-3.0-or-later
//! The choice of a new end (`get_unique_tuple` in `net/netfilter/nf_nat_core.c`).
//!
//! Addresses are chosen as the kernel chooses them, by a hash without a secret. Where the kernel draws a port at random,
//! the machine counts up from the first, so that the same traffic gives the same packets.

use std::time::Duration;

use ringwall_ir::words::{CtDirection, Family, Protocol};

use super::{End, Range};
use crate::conntrack::{Ends, EntryId, Table, Tuple};

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The tuple.
    pub tuple: Tuple,
    /// The kernel would have drawn the port at random.
    pub port_drawn: bool,
    /// The conversation that had the tuple and makes way.
    pub gone: Option<EntryId>,
}

/// The tuple that the packets of a conversation shall have, if it is at all possible one that no other conversation has.
/// `current` is the one that they would have.
pub fn tuple(table: &Table, id: EntryId, current: &Tuple, end: End, range: &Range, now: Duration) -> Chosen {
    let as_told = |tuple| Chosen { tuple, port_drawn: false, gone: None };
    let random = range.flags.random || range.flags.fully_random;
    let is_used = |tuple: &Tuple| tuple.inverted().is_some_and(|reply| table.is_taken(&reply, id, now));
    if end == End::Source && !random {
        if is_in(current, end, range) {
            if !is_used(current) {
                return as_told(*current);
            }
        } else if let Some(known) = of_same_source(table, id, current, range, now)
            && !is_used(&known.tuple)
        {
            return known;
        }
    }
    let mut tuple = *current;
    choose_address(&mut tuple, end, range, table.get(id).map_or(0, |entry| entry.zone.id()));
    if !random {
        let fits = match range.ports {
            Some((first, last)) => has_port_in(&tuple, end, first, last) && (first == last || !is_used(&tuple)),
            None => !is_used(&tuple),
        };
        if fits {
            return as_told(tuple);
        }
    }
    let called = table.get(id).is_some_and(|entry| entry.master().is_some());
    let gives_way = |tuple: &Tuple| table.gives_way(&tuple.inverted()?, id, now);
    let Some((first, last)) = ports(&tuple, end, range, called) else { return as_told(tuple) };
    let mut gone = None;
    for port in first..=last {
        set_port(&mut tuple, end, port);
        // At the last attempts even what is only nearly free is taken.
        gone = Some(&tuple).filter(|_| last - port < LAST_ATTEMPTS).and_then(gives_way);
        if gone.is_some() || !is_used(&tuple) {
            break;
        }
    }
    Chosen { tuple, port_drawn: first < last, gone }
}

/// So many of the attempts to find a free port take one whose conversation is over (`NF_NAT_HARDER_THRESH`).
const LAST_ATTEMPTS: u16 = 32;

/// Whether the end of the tuple is in the range (`in_range`).
fn is_in(tuple: &Tuple, end: End, range: &Range) -> bool {
    let address = match end {
        End::Source => tuple.source,
        End::Destination => tuple.destination,
    };
    range.addresses.is_none_or(|(first, last)| (first..=last).contains(&address))
        && range.ports.is_none_or(|(first, last)| has_port_in(tuple, end, first, last))
}

/// Whether the part of the tuple that can be chosen is between two (`l4proto_in_range`).
fn has_port_in(tuple: &Tuple, end: End, first: u16, last: u16) -> bool {
    port(tuple, end).is_none_or(|port| (first..=last).contains(&port))
}

fn port(tuple: &Tuple, end: End) -> Option<u16> {
    match (tuple.ends, end) {
        (Ends::Nothing, _) => None,
        (Ends::Query { id, .. }, _) => Some(id),
        (Ends::Ports { source, .. } | Ends::Keys { source, .. }, End::Source) => Some(source),
        (Ends::Ports { destination, .. } | Ends::Keys { destination, .. }, End::Destination) => Some(destination),
    }
}

fn set_port(tuple: &mut Tuple, end: End, port: u16) {
    match (&mut tuple.ends, end) {
        (Ends::Nothing, _) => {}
        (Ends::Query { id, .. }, _) => *id = port,
        (Ends::Ports { source, .. } | Ends::Keys { source, .. }, End::Source) => *source = port,
        (Ends::Ports { destination, .. } | Ends::Keys { destination, .. }, End::Destination) => *destination = port,
    }
}

/// What another conversation of the same source was mapped to, if that is in the range (`find_appropriate_src`).
fn of_same_source(table: &Table, id: EntryId, current: &Tuple, range: &Range, now: Duration) -> Option<Chosen> {
    let zone = table.get(id)?.zone;
    let mapped = table
        .of_source(current, now)
        .filter(|other| other.zone.of(CtDirection::Original) == zone.of(CtDirection::Original))
        .filter_map(|other| {
            let seen = other.reply().inverted()?;
            let ends = match (seen.ends, current.ends) {
                (Ends::Ports { source, .. }, Ends::Ports { destination, .. }) => Ends::Ports { source, destination },
                (Ends::Keys { source, .. }, Ends::Keys { destination, .. }) => Ends::Keys { source, destination },
                (Ends::Query { id, .. }, Ends::Query { kind, code, .. }) => Ends::Query { kind, code, id },
                _ => current.ends,
            };
            let tuple = Tuple { source: seen.source, ends, ..*current };
            Some(Chosen { tuple, port_drawn: other.port_drawn, gone: None })
        });
    mapped.into_iter().find(|chosen| is_in(&chosen.tuple, End::Source, range))
}

/// Chooses an address (`find_best_ips_proto`): a hash of both ends, so that a client meets the same address again.
fn choose_address(tuple: &mut Tuple, end: End, range: &Range, zone: u16) {
    let Some((first, last)) = range.addresses else { return };
    let chosen = if first == last { first } else { spread(tuple, end, range, zone) };
    match end {
        End::Source => tuple.source = chosen,
        End::Destination => tuple.destination = chosen,
    }
}

fn spread(tuple: &Tuple, end: End, range: &Range, zone: u16) -> u128 {
    let (first, last) = range.addresses.unwrap_or_default();
    let words = if tuple.family == Family::Ipv4 { 1 } else { 4 };
    let (source, mut destination) = (words_of(tuple.source, words), words_of(tuple.destination, words));
    let (low, high) = (words_of(first, words), words_of(last, words));
    let seed = match destination.get(words - 1) {
        Some(&word) if !range.flags.persistent => word.swap_bytes() ^ u32::from(zone),
        _ => 0,
    };
    let mut hash = jhash2(source.map(u32::swap_bytes), seed);
    let mut chosen = [0_u32; 4];
    let mut full = false;
    for at in 0..words {
        let at_word = |words: &[u32; 4]| words.get(at).copied().unwrap_or_default();
        // The first words that are the last's keep within the distance, those behind are free.
        let (least, distance) = if full {
            (0, u32::MAX)
        } else {
            (at_word(&low), at_word(&high).wrapping_sub(at_word(&low)).wrapping_add(1))
        };
        let word = least.wrapping_add(scaled(hash, distance));
        if let Some(place) = chosen.get_mut(at) {
            *place = word;
        }
        if end == End::Destination
            && let Some(place) = destination.get_mut(at)
        {
            *place = word;
        }
        full |= word != at_word(&high);
        if !range.flags.persistent {
            hash ^= at_word(&destination).swap_bytes();
        }
    }
    chosen.into_iter().take(words).fold(0, |number, word| number << 32 | u128::from(word))
}

/// The words of an address, the first first, as numbers. IPv4 is the first alone.
fn words_of(address: u128, words: usize) -> [u32; 4] {
    let bytes = if words == 1 { (address << 96).to_be_bytes() } else { address.to_be_bytes() };
    let mut numbers = [0; 4];
    for (number, chunk) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = chunk.iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
    }
    numbers
}

/// A number below `end`, in the proportion of `value` to all numbers (`reciprocal_scale`).
fn scaled(value: u32, end: u32) -> u32 {
    u32::try_from((u64::from(value) * u64::from(end)) >> 32).unwrap_or(u32::MAX)
}

/// Bob Jenkins' hash of four words (`jhash2` in `include/linux/jhash.h`). The kernel reads the words of an address in the
/// processor's order; this is that of the usual, little-endian ones.
pub(super) fn jhash2(words: [u32; 4], seed: u32) -> u32 {
    const START: u32 = 0xdead_beef;
    let [first, second, third, fourth] = words;
    let start = START.wrapping_add(4 << 2).wrapping_add(seed);
    let (mut a, mut b, mut c) = (start.wrapping_add(first), start.wrapping_add(second), start.wrapping_add(third));
    let step = |x: u32, y: u32, z: u32, by: u32| (x.wrapping_sub(z) ^ z.rotate_left(by), z.wrapping_add(y));
    (a, c) = step(a, b, c, 4);
    (b, a) = step(b, c, a, 6);
    (c, b) = step(c, a, b, 8);
    (a, c) = step(a, b, c, 16);
    (b, a) = step(b, c, a, 19);
    (c, b) = step(c, a, b, 4);
    a = a.wrapping_add(fourth);
    let last = |x: u32, y: u32, by: u32| (x ^ y).wrapping_sub(y.rotate_left(by));
    c = last(c, b, 14);
    a = last(a, c, 11);
    b = last(b, a, 25);
    c = last(c, b, 16);
    a = last(a, c, 4);
    b = last(b, a, 14);
    last(c, b, 24)
}

/// The ports, or what stands for them, that may be chosen (`nf_nat_l4proto_unique_tuple`), first and last; none where it stays. Call ids of GRE are chosen for the calls of PPTP only.
fn ports(tuple: &Tuple, end: End, range: &Range, called: bool) -> Option<(u16, u16)> {
    let ordered = |(first, last): (u16, u16)| if first <= last { (first, last) } else { (last, first) };
    match tuple.protocol {
        Protocol::ICMP | Protocol::ICMPV6 => Some(range.ports.unwrap_or((0, u16::MAX))),
        Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP | Protocol::DCCP => {
            // Ports keep to their class: credentials, privileged, all others.
            let own = port(tuple, end).map(|port| match port {
                ..512 => (1, 511),
                512..1024 => (600, 1023),
                1024.. => (1024, u16::MAX),
            });
            range.ports.map(ordered).or_else(|| own.filter(|_| end == End::Source))
        }
        Protocol::GRE if called => Some(range.ports.unwrap_or((1, u16::MAX))),
        _ => None,
    }
}
