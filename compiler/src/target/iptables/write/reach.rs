// SPDX-License-Identifier: GPL-3.0-or-later
//! Which protocols the packets that come to a step can have. iptables has one `-p` a line, and all that is known of
//! protocols goes into it.

use ringwall_ir::fields::Needs;
use ringwall_ir::words::{Family, Protocol, TcpFlags};
use ringwall_ir::{Field, IntervalSet, Match, Selector, Table};

/// The protocols that packets of one family can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    family: Family,
    pub(super) protocols: IntervalSet,
    /// Only packets that open a TCP conversation, or answer that, are left.
    pub(super) syn: bool,
}

impl Reach {
    /// All of them.
    pub(super) fn all(family: Family) -> Self {
        Self { family, protocols: IntervalSet::full(8), syn: false }
    }

    /// The only one, if there is exactly one.
    pub(super) fn only(&self) -> Option<Protocol> {
        self.protocols.single().and_then(|number| u8::try_from(number).ok()).map(Protocol)
    }

    /// Narrows it to the packets that can pass the test. Whether there are any.
    pub(super) fn narrow(&mut self, table: &Table, test: &Match) -> bool {
        for selector in test.selectors() {
            let needs = selector.field().row().needs;
            if needs.family().is_some_and(|family| family != self.family) {
                return false;
            }
            if let Needs::Protocol(protocol) = needs {
                self.demand(protocol);
            }
        }
        if let Match::In { selector, values, negated } = test {
            self.syn |= demands_syn(*selector, &table.values(values), *negated);
        }
        if let Match::In { selector, values, negated } = test
            && selector.mask().is_none()
        {
            match selector.field() {
                Field::Nfproto => {
                    return table.values(values).contains(u128::from(self.family.number())) != *negated;
                }
                // Of IPv4, the header's own protocol is the transport protocol.
                Field::L4proto | Field::IpProtocol => {
                    let set = table.values(values);
                    self.protocols =
                        if *negated { self.protocols.difference(&set) } else { self.protocols.intersection(&set) };
                }
                _ => {}
            }
        }
        !self.protocols.is_empty()
    }

    /// Only packets of the protocol are left. Whether there are any.
    pub(super) fn demand(&mut self, protocol: Protocol) -> bool {
        self.protocols = self.protocols.intersection(&IntervalSet::one(u128::from(protocol.0)));
        !self.protocols.is_empty()
    }
}

/// Whether a test demands that the flag SYN is set.
fn demands_syn(selector: Selector, values: &IntervalSet, negated: bool) -> bool {
    let syn = u128::from(TcpFlags::SYN.0);
    let bits = selector.field() == Field::TcpFlags && !negated && selector.bits() & syn != 0;
    bits && !values.is_empty() && values.values().iter().all(|(value, _)| value & syn != 0)
}

/// Whether packets of the family can pass all tests of a rule, as far as families and protocols tell.
pub(super) fn is_met(
    table: &Table,
    family: Family,
    tests: impl IntoIterator<Item = impl std::borrow::Borrow<Match>>,
) -> bool {
    let mut reach = Reach::all(family);
    table.family().sees(family) && tests.into_iter().all(|test| reach.narrow(table, test.borrow()))
}
