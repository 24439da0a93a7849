// SPDX-License-Identifier: GPL-3.0-or-later
//! What verdicts do with a packet.

use ringwall_ir::words::NatFlags;
use ringwall_ir::{Data, Nat, NatEnd, OwnPorts, Table, Verdict};

use super::lookup;
use crate::engine::{Action, View};
use crate::nat::{NewEnd, Translation};

/// What a verdict does with the packet; none where it leaves it to the next rule, or is not modelled.
pub(super) fn action(table: &Table, verdict: &Verdict, view: &View<'_>) -> Option<Action> {
    match verdict {
        Verdict::Accept => Some(Action::Accept),
        Verdict::Drop => Some(Action::Drop),
        Verdict::Reject(refusal) => Some(Action::Reject(*refusal)),
        Verdict::Snat(nat) | Verdict::Dnat(nat) => translation(table, nat, view).map(Action::Translate),
        Verdict::Masquerade { ports, flags } => to(NewEnd::Departure, table, ports.as_ref(), *flags, view),
        Verdict::Redirect { ports, flags } => to(NewEnd::Arrival, table, ports.as_ref(), *flags, view),
        _ => None,
    }
}

/// To an address of the host; none where a map has no port for the packet.
fn to(end: NewEnd, table: &Table, ports: Option<&OwnPorts>, flags: NatFlags, view: &View<'_>) -> Option<Action> {
    let ports = match ports {
        None => None,
        Some(OwnPorts::Range(first, last)) => Some((*first, *last)),
        Some(OwnPorts::Map { key, map }) => {
            let Data::Values(parts) = lookup::data(table, key, map, view)? else { return None };
            Some(port(*parts.0.first()?)?)
        }
    };
    Some(Action::Translate(Translation { end, ports, flags }))
}

fn port((first, last): (u128, u128)) -> Option<(u16, u16)> {
    Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?))
}

/// Packets of another family than the translation's go on, and those for which its map has nothing (`nft_nat_inet_eval`).
fn translation(table: &Table, nat: &Nat, view: &View<'_>) -> Option<Translation> {
    if nat.family.is_some_and(|family| family != view.packet.family()) {
        return None;
    }
    match &nat.end {
        NatEnd::Range { addresses, ports } => {
            let end = addresses.map_or(NewEnd::Unchanged, |(first, last)| NewEnd::Addresses(first, last));
            Some(Translation { end, ports: *ports, flags: nat.flags })
        }
        NatEnd::Map { key, map, ports } => {
            let Data::Values(parts) = lookup::data(table, key, map, view)? else { return None };
            let mut parts = parts.0.iter().copied();
            let address = nat.family.and_then(|_| parts.next());
            let port =
                parts.next().and_then(|(first, last)| Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?)));
            let end = address.map_or(NewEnd::Unchanged, |(first, last)| NewEnd::Addresses(first, last));
            Some(Translation { end, ports: port.or(*ports), flags: nat.flags })
        }
    }
}
