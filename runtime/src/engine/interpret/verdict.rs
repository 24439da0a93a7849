// SPDX-License-Identifier: GPL-3.0-or-later
//! What verdicts do with a packet.

use ringwall_ir::words::NatFlags;
use ringwall_ir::{Data, Nat, NatEnd, Verdict};

use super::{At, Halt, Passes};
use crate::engine::Action;
use crate::nat::{NewEnd, Translation};

impl At<'_, '_, '_> {
    /// What a verdict that ends the walk does with the packet; it leaves the rule where that does not concern it.
    pub(super) fn action(&mut self, verdict: &Verdict) -> Passes<Action> {
        Ok(match verdict {
            Verdict::Accept => Action::Accept,
            Verdict::Drop => Action::Drop,
            // No program listens: `nf_queue` in `net/netfilter/nf_queue.c`.
            Verdict::Queue(queue) if queue.bypass => Action::Accept,
            Verdict::Queue(_) => Action::Drop,
            Verdict::Reject(refusal) => Action::Reject(*refusal),
            Verdict::Snat(nat) | Verdict::Dnat(nat) => Action::Translate(self.translation(nat)?),
            Verdict::Masquerade { ports, flags } => to(NewEnd::Departure, *ports, *flags),
            Verdict::Redirect { ports, flags } => to(NewEnd::Arrival, *ports, *flags),
            Verdict::Continue | Verdict::Goto(_) | Verdict::Jump(_) | Verdict::Map(_) | Verdict::Return => {
                return Err(Halt::Leave);
            }
        })
    }

    /// Packets of another family than the translation's go on, and those for which its map has nothing
    /// (`nft_nat_inet_eval`).
    fn translation(&mut self, nat: &Nat) -> Passes<Translation> {
        if nat.family.is_some_and(|family| family != self.view.packet.family()) {
            return Err(Halt::Leave);
        }
        match &nat.end {
            NatEnd::Range { addresses, ports } => {
                let end = addresses.map_or(NewEnd::Unchanged, |(first, last)| NewEnd::Addresses(first, last));
                Ok(Translation { end, ports: *ports, flags: nat.flags })
            }
            NatEnd::Map { key, map, ports } => {
                let Data::Values(parts) = self.mapped(key, map)? else { return Err(Halt::Leave) };
                let mut parts = parts.0.iter().copied();
                let address = nat.family.and_then(|_| parts.next());
                let port = parts
                    .next()
                    .and_then(|(first, last)| Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?)));
                let end = address.map_or(NewEnd::Unchanged, |(first, last)| NewEnd::Addresses(first, last));
                Ok(Translation { end, ports: port.or(*ports), flags: nat.flags })
            }
        }
    }
}

const fn to(end: NewEnd, ports: Option<(u16, u16)>, flags: NatFlags) -> Action {
    Action::Translate(Translation { end, ports, flags })
}
