// SPDX-License-Identifier: GPL-3.0-or-later
//! What verdicts do with a packet.

use ringwall_ir::words::{NatFlags, Refusal};
use ringwall_ir::{Data, Nat, NatEnd, OwnPorts, Verdict};

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
            // An answer that the other family alone has: the rule is not for this packet.
            Verdict::Reject(refusal)
                if *refusal != Refusal::TcpReset && refusal.icmp_code(self.view.packet.family()).is_none() =>
            {
                return Err(Halt::Leave);
            }
            Verdict::Reject(refusal) => Action::Reject(*refusal),
            Verdict::Snat(nat) | Verdict::Dnat(nat) => Action::Translate(self.translation(nat)?),
            Verdict::Masquerade { ports, flags } => self.to(NewEnd::Departure, ports.as_ref(), *flags)?,
            Verdict::Redirect { ports, flags } => self.to(NewEnd::Arrival, ports.as_ref(), *flags)?,
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
                let port = parts.next().and_then(self::port);
                let end = address.map_or(NewEnd::Unchanged, |(first, last)| NewEnd::Addresses(first, last));
                Ok(Translation { end, ports: port.or(*ports), flags: nat.flags })
            }
        }
    }

    /// To an address of the host.
    fn to(&mut self, end: NewEnd, ports: Option<&OwnPorts>, flags: NatFlags) -> Passes<Action> {
        let ports = match ports {
            None => None,
            Some(OwnPorts::Range(first, last)) => Some((*first, *last)),
            Some(OwnPorts::Map { key, map }) => {
                let Data::Values(parts) = self.mapped(key, map)? else { return Err(Halt::Leave) };
                Some(parts.0.first().copied().and_then(port).ok_or(Halt::Leave)?)
            }
        };
        Ok(Action::Translate(Translation { end, ports, flags }))
    }
}

fn port((first, last): (u128, u128)) -> Option<(u16, u16)> {
    Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?))
}
