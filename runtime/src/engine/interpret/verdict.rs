// SPDX-License-Identifier: GPL-3.0-or-later
//! What verdicts do with a packet.

use ringwall_ir::words::NatFlags;
use ringwall_ir::{Data, Nat, NatEnd, Table, Verdict};

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
        Verdict::Masquerade { ports, flags } => Some(to(NewEnd::Departure, *ports, *flags)),
        Verdict::Redirect { ports, flags } => Some(to(NewEnd::Arrival, *ports, *flags)),
        _ => None,
    }
}

const fn to(end: NewEnd, ports: Option<(u16, u16)>, flags: NatFlags) -> Action {
    Action::Translate(Translation { end, ports, flags })
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
