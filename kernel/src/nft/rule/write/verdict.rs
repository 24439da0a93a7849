// SPDX-License-Identifier: GPL-3.0-or-later
//! What becomes of a packet.

use ringwall_ir::Verdict;

use super::{RuleWriter, Unsayable};
use crate::nft::expression::{Expression, Immediate, Lookup, Own, Reject, Wanted};
use crate::nft::register::Register;
use crate::nft::set::DataShape;
use crate::nft::verdict::Code;

impl<'a> RuleWriter<'a> {
    /// Writes a verdict.
    pub(super) fn verdict(&mut self, verdict: &'a Verdict) -> Result<(), Unsayable> {
        if let Some(code) = Code::of(verdict) {
            self.out.push(Expression::Immediate(Immediate::Verdict(code)));
            return Ok(());
        }
        match verdict {
            Verdict::Dnat(nat) => return self.nat(nat, true),
            Verdict::Snat(nat) => return self.nat(nat, false),
            Verdict::Map(map) => {
                let set = self.map(&map.key, &map.map, |_| DataShape::Verdict, Register::FIRST)?;
                let wanted = Wanted::Verdict;
                self.out.push(Expression::Lookup(Lookup { from: Register::FIRST, set, wanted }));
            }
            Verdict::Masquerade { ports, flags } => {
                let ports = self.own_ports(ports.as_ref())?;
                self.out.push(Expression::Masq(Own { ports, flags: *flags }));
            }
            Verdict::Redirect { ports, flags } => {
                let ports = self.own_ports(ports.as_ref())?;
                self.out.push(Expression::Redir(Own { ports, flags: *flags }));
            }
            Verdict::Queue(queue) => self.out.push(Expression::Queue(*queue)),
            Verdict::Reject(refusal) => self.out.push(Expression::Reject(Reject::of(self.table.family(), *refusal))),
            Verdict::Accept
            | Verdict::Continue
            | Verdict::Drop
            | Verdict::Goto(_)
            | Verdict::Jump(_)
            | Verdict::Return => {}
        }
        Ok(())
    }
}
