// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule must tell nft 1.0.6 itself, for nft would ask it of the packet at the head of the rule, before all that
//! counts there (`expr_evaluate_exthdr` and `stmt_reject_gen_dependency` in its `src/evaluate.c`).

use ringwall_ir::fields::Load;
use ringwall_ir::words::{Family, Protocol, TableFamily};
use ringwall_ir::{Field, Match, Selector, Step, Values};

use super::order::looked_at;

/// A test of one value that stands for nothing in the rule but for what nft must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::target) struct Asked {
    /// The field: that of the family, or that of the protocol.
    pub(in crate::target) field: Field,
    /// The value.
    pub(in crate::target) value: u128,
}

/// What the words that are written so far tell.
#[derive(Default)]
pub(super) struct Told {
    families: Vec<Family>,
    transport: bool,
}

impl Told {
    /// What is to be written before a look at a family's headers, for it is not told yet.
    pub(super) fn family(&mut self, table: TableFamily, family: Family) -> Option<Asked> {
        if table != TableFamily::Inet || self.families.contains(&family) {
            return None;
        }
        self.families.push(family);
        Some(Asked { field: Field::Nfproto, value: u128::from(family.number()) })
    }

    /// What is to be written before an answer of tcp.
    pub(super) fn transport(&self) -> Option<Asked> {
        (!self.transport).then(|| Asked { field: Field::L4proto, value: u128::from(Protocol::TCP.0) })
    }

    /// The same before a look at the headers behind that of IPv6.
    pub(super) fn headers(&mut self, table: TableFamily, selectors: &[Selector]) -> Option<Asked> {
        let behind = |selector: &Selector| selector.field().row().load == Load::Exthdr;
        selectors.iter().any(behind).then(|| self.family(table, Family::Ipv6)).flatten()
    }

    /// Takes in what a step tells.
    pub(super) fn hear(&mut self, step: &Step) {
        for selector in looked_at(step) {
            let row = selector.field().row();
            if matches!(row.load, Load::Payload(..)) {
                self.families.extend(row.needs.family());
                self.transport |= row.needs.protocol().is_some();
            }
        }
        if let Step::Match(Match::In { selector, values: Values::Inline(_), negated: false }) = step {
            self.transport |= *selector == Selector::of(Field::L4proto);
        }
    }
}
