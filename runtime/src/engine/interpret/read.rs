// SPDX-License-Identifier: GPL-3.0-or-later
//! What a packet has in each field.

use ringwall_ir::fields::{Base, Load, Needs};
use ringwall_ir::words::{CtDirection, CtStatus, Family};
use ringwall_ir::{Datatype, Field, Selector};

use super::{At, Halt, Passes, fib, meta};
use crate::conntrack::{Ends, Entry, Tuple};
use crate::engine::View;
use crate::packet::{has_extension_header, options};

impl At<'_, '_, '_> {
    /// The bits of a field that a selector looks at; the packet leaves the rule where it does not have the field. `part` is
    /// the selector's number among those of its step.
    pub(super) fn selected(&mut self, selector: Selector, part: usize) -> Passes<u128> {
        let value = match selector.field() {
            Field::Numgen(numgen) => {
                let number = self.state.next_number(self.place, part, numgen.modulus);
                Some(u128::from(number) + u128::from(numgen.offset))
            }
            field => value(field, self.view),
        };
        value.map(|value| value & selector.bits()).ok_or(Halt::Leave)
    }
}

/// A field's value in this packet; none where the packet does not have it.
pub fn value(field: Field, view: &View<'_>) -> Option<u128> {
    if field == Field::CtState {
        return Some(view.state.bit().into());
    }
    let packet = view.packet;
    let row = field.row();
    let needs: Needs = row.needs;
    if needs.family().is_some_and(|family| family != packet.family())
        || needs.protocol().is_some_and(|protocol| protocol != packet.protocol())
    {
        return None;
    }
    match (field, row.load) {
        (_, Load::Payload(Base::Network, at)) => bits(packet.bytes(), at, row.bits),
        (_, Load::Payload(Base::Transport, at)) => bits(packet.transport()?, at, row.bits),
        (_, Load::Ct(_)) => of_entry(field, view),
        (_, Load::Meta(_)) => meta::value(field, view),
        (Field::Exthdr(header), _) => Some(has_extension_header(packet.bytes(), header.name().1).into()),
        (Field::Fib(question), _) => fib::answer(question, view),
        (Field::TcpMaxseg, _) => {
            let (_, offered) = options::offered_mss(packet).ok()??;
            Some(view.carried.mss.unwrap_or(offered).into())
        }
        _ => None,
    }
}

/// The bits of a header from a bit on, the first of a byte being its highest; none where it is cut short.
fn bits(header: &[u8], at: u16, width: u8) -> Option<u128> {
    let (first, width) = (usize::from(at) / 8, u32::from(width));
    let inside = u32::from(at % 8);
    let bytes = header.get(first..first + usize::try_from((inside + width).div_ceil(8)).ok()?)?;
    let number = bytes.iter().fold(0_u128, |number, &byte| number << 8 | u128::from(byte));
    let behind = (8 - (inside + width) % 8) % 8;
    let mask = if width >= u128::BITS { u128::MAX } else { (1 << width) - 1 };
    Some(number >> behind & mask)
}

/// What the packet's conntrack entry has in a field (`nft_ct_get_eval`).
fn of_entry(field: Field, view: &View<'_>) -> Option<u128> {
    let tracked = view.tracked?;
    let entry = view.conntrack.entry(tracked)?;
    let of = |direction: CtDirection| entry.tuple(direction);
    let address = |tuple: &Tuple, family, address| (tuple.family == family).then_some(address);
    match field {
        Field::CtDirection => tracked.direction.map(|direction| u128::from(direction == CtDirection::Reply)),
        // What is not in the table yet has a time that the kernel counts from its own start, and so is over.
        Field::CtExpiration if !entry.status.contains(CtStatus::CONFIRMED) => Some(0),
        Field::CtExpiration => Some(entry.expires.get().saturating_sub(view.now).as_millis()),
        // That of the conversation which announced this one.
        Field::CtHelper => {
            let helper = view.conntrack.helper_of_master(entry)?;
            Datatype::String.parse_value(helper.name())
        }
        Field::CtMark => Some(entry.mark.into()),
        Field::CtStatus => Some(entry.status.0.into()),
        Field::CtZone(None) => Some(entry.zone.id().into()),
        Field::CtZone(Some(direction)) => Some(entry.zone.of(direction).into()),
        Field::CtIpSaddr(direction) => address(&of(direction), Family::Ipv4, of(direction).source),
        Field::CtIpDaddr(direction) => address(&of(direction), Family::Ipv4, of(direction).destination),
        Field::CtIp6Saddr(direction) => address(&of(direction), Family::Ipv6, of(direction).source),
        Field::CtIp6Daddr(direction) => address(&of(direction), Family::Ipv6, of(direction).destination),
        Field::CtProtocol(direction) => Some(of(direction).protocol.0.into()),
        Field::CtProtoSrc(direction) => Some(ends(&of(direction)).0.into()),
        Field::CtProtoDst(direction) => Some(ends(&of(direction)).1.into()),
        Field::CtPackets(direction) => Some(counted(entry, direction).0.into()),
        Field::CtBytes(direction) => Some(counted(entry, direction).1.into()),
        Field::CtAvgpkt(direction) => {
            let (packets, bytes) = counted(entry, direction);
            Some(bytes.checked_div(packets).unwrap_or_default().into())
        }
        _ => None,
    }
}

/// The ports of a tuple, or what stands in their place (`union nf_conntrack_man_proto`).
fn ends(tuple: &Tuple) -> (u16, u16) {
    match tuple.ends {
        Ends::Nothing => (0, 0),
        Ends::Ports { source, destination } | Ends::Keys { source, destination } => (source, destination),
        Ends::Query { kind, code, id } => (id, u16::from_be_bytes([kind, code])),
    }
}

fn counted(entry: &Entry, direction: Option<CtDirection>) -> (u64, u64) {
    let [original, reply] = entry.counters;
    match direction {
        Some(CtDirection::Original) => (original.packets, original.bytes),
        Some(CtDirection::Reply) => (reply.packets, reply.bytes),
        None => (original.packets + reply.packets, original.bytes + reply.bytes),
    }
}
