// SPDX-License-Identifier: GPL-3.0-or-later
//! The tables of xtables and their built-in chains: what each is in the IR's words.

use ringwall_ir::BaseChain;
use ringwall_ir::words::{ChainType, Hook, Priority};

/// A table of iptables (`net/ipv4/netfilter/iptable_*.c`), in the order in which packets meet them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum XtTable {
    Raw,
    Mangle,
    Nat,
    Filter,
    Security,
}

/// Where packets meet a rule: a set of hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hooks(u8);

impl Hooks {
    /// None of them.
    pub(super) const NONE: Self = Self(0);

    /// These hooks.
    pub(super) const fn of(hooks: &[Hook]) -> Self {
        let mut bits = 0;
        let mut rest = hooks;
        while let [hook, behind @ ..] = rest {
            bits |= 1 << hook.number();
            rest = behind;
        }
        Self(bits)
    }

    /// These and those.
    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of these are among those.
    pub(super) const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there is none.
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub(super) fn iter(self) -> impl Iterator<Item = Hook> {
        Hook::ALL.into_iter().filter(move |&hook| Self::of(&[hook]).within(self))
    }
}

impl XtTable {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [Self::Raw, Self::Mangle, Self::Nat, Self::Filter, Self::Security];

    /// The name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
            Self::Filter => "filter",
            Self::Security => "security",
        }
    }

    /// The table of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The hooks of its built-in chains, in the order in which iptables-save lists them.
    pub(super) const fn hooks(self) -> &'static [Hook] {
        use Hook::{Forward, Input, Output, Postrouting, Prerouting};
        match self {
            Self::Raw => &[Prerouting, Output],
            Self::Mangle => &[Prerouting, Input, Forward, Output, Postrouting],
            Self::Nat => &[Prerouting, Input, Output, Postrouting],
            Self::Filter | Self::Security => &[Input, Forward, Output],
        }
    }

    /// What the built-in chain at a hook is for. The packets of mangle OUTPUT are routed anew where a rule changed their
    /// mark (`ipt_mangle_out` in `net/ipv4/netfilter/iptable_mangle.c`).
    pub(super) const fn kind(self, hook: Hook) -> ChainType {
        match (self, hook) {
            (Self::Nat, _) => ChainType::Nat,
            (Self::Mangle, Hook::Output) => ChainType::Route,
            _ => ChainType::Filter,
        }
    }

    /// The priority of the built-in chain at a hook (`NF_IP_PRI_*`).
    pub(super) const fn priority(self, hook: Hook) -> Priority {
        match (self, hook) {
            (Self::Raw, _) => Priority::RAW,
            (Self::Mangle, _) => Priority::MANGLE,
            (Self::Nat, Hook::Prerouting | Hook::Output) => Priority::DSTNAT,
            (Self::Nat, _) => Priority::SRCNAT,
            (Self::Filter, _) => Priority::FILTER,
            (Self::Security, _) => Priority::SECURITY,
        }
    }

    /// The table whose built-in chain is what a base chain is: of its type, at its hook, and at its priority or at
    /// Ringwall's own beside it. None where iptables has no such chain.
    pub(super) fn of(base: &BaseChain) -> Option<Self> {
        Self::ALL.into_iter().find(|table| {
            let hook = base.hook;
            let kind = table.kind(hook);
            // What filters may stand where packets could be routed anew, as long as it does not change their mark.
            let fits = kind == base.kind || (kind == ChainType::Route && base.kind == ChainType::Filter);
            table.hooks().contains(&hook)
                && fits
                && (table.priority(hook) == base.priority || table.own_priority(hook) == Some(base.priority))
        })
    }

    /// Ringwall's priority beside that of the built-in chain.
    const fn own_priority(self, hook: Hook) -> Option<Priority> {
        match (self, hook) {
            (Self::Nat, Hook::Prerouting | Hook::Output) => Some(Priority::RINGWALL_DSTNAT),
            (Self::Nat, _) => Some(Priority::RINGWALL_SRCNAT),
            (Self::Filter, _) => Some(Priority::RINGWALL_FILTER),
            (Self::Raw | Self::Mangle | Self::Security, _) => None,
        }
    }

    /// Whether the base chain is the built-in chain at its hook.
    pub(super) fn is(self, base: &BaseChain) -> bool {
        self.hooks().contains(&base.hook)
            && self.kind(base.hook) == base.kind
            && self.priority(base.hook) == base.priority
    }
}

/// The name of the built-in chains at a hook.
pub(super) const fn built_in(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "PREROUTING",
        Hook::Input => "INPUT",
        Hook::Forward => "FORWARD",
        Hook::Output => "OUTPUT",
        Hook::Postrouting => "POSTROUTING",
    }
}

/// The hook of the built-in chain of a name.
pub(super) fn hook(name: &str) -> Option<Hook> {
    Hook::ALL.into_iter().find(|&hook| built_in(hook) == name)
}

#[cfg(test)]
mod tests {
    use ringwall_ir::OriginId;
    use ringwall_ir::words::ChainPolicy;

    use super::*;

    #[test]
    fn every_built_in_chain_is_found_by_what_it_is() {
        for table in XtTable::ALL {
            for &hook in table.hooks() {
                let (kind, priority) = (table.kind(hook), table.priority(hook));
                let base = BaseChain { kind, hook, priority, policy: ChainPolicy::Accept, closing: OriginId(0) };
                assert_eq!(XtTable::of(&base), Some(table));
                assert!(table.is(&base));
                assert_eq!(super::hook(built_in(hook)), Some(hook));
            }
        }
    }

    #[test]
    fn the_own_priorities_have_a_table_and_others_have_none() {
        let base = |hook, priority| BaseChain::filter(hook, priority, ChainPolicy::Accept, OriginId(0));
        assert_eq!(XtTable::of(&base(Hook::Input, Priority::RINGWALL_FILTER)), Some(XtTable::Filter));
        assert_eq!(XtTable::of(&base(Hook::Output, Priority::MANGLE)), Some(XtTable::Mangle));
        assert_eq!(XtTable::of(&base(Hook::Input, Priority(5))), None);
        assert_eq!(XtTable::of(&base(Hook::Prerouting, Priority::FILTER)), None);
    }

    #[test]
    fn sets_of_hooks() {
        let hooks = Hooks::of(&[Hook::Input, Hook::Output]);
        assert!(Hooks::of(&[Hook::Input]).within(hooks) && !hooks.within(Hooks::of(&[Hook::Input])));
        assert_eq!(hooks.iter().collect::<Vec<_>>(), [Hook::Input, Hook::Output]);
        assert!(Hooks::NONE.is_empty() && Hooks::NONE.union(hooks) == hooks);
    }
}
