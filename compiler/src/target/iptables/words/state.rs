// SPDX-License-Identifier: GPL-3.0-or-later
//! What conntrack says of a packet and of its entry.

use ringwall_ir::words::{CtState, CtStates, CtStatus};

use super::begins;

/// Which of the two matches tests the ct state. They mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CtMatch {
    /// `-m state --state`, as it began.
    State,
    /// `-m conntrack --ctstate`.
    #[default]
    Conntrack,
}

impl CtMatch {
    /// The match and its option.
    pub(in crate::target::iptables) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::State => ("state", "--state"),
            Self::Conntrack => ("conntrack", "--ctstate"),
        }
    }
}

/// The ct states in the order in which iptables-save prints them.
const STATES: [(CtState, &str); 5] = [
    (CtState::Invalid, "INVALID"),
    (CtState::New, "NEW"),
    (CtState::Related, "RELATED"),
    (CtState::Established, "ESTABLISHED"),
    (CtState::Untracked, "UNTRACKED"),
];

/// `NEW,ESTABLISHED`
pub(in crate::target::iptables) fn states(states: CtStates) -> String {
    let names: Vec<_> = STATES.into_iter().filter(|(state, _)| states.contains(*state)).map(|(_, name)| name).collect();
    names.join(",")
}

/// The ct state of a name.
pub(in crate::target::iptables) fn state(name: &str) -> Option<CtState> {
    STATES.into_iter().find(|(_, known)| begins(known, name)).map(|(state, _)| state)
}

/// The states of packets without an entry (`xt_conntrack.c`: it looks at the state first, and at nothing else then).
pub(in crate::target::iptables) fn without_entry() -> CtStates {
    CtStates::of(&[CtState::Invalid, CtState::Untracked])
}

/// What `--ctstate` tests of the status, in its order.
pub(in crate::target::iptables) const TRANSLATED: [(&str, CtStatus); 2] =
    [("SNAT", CtStatus::SRC_NAT), ("DNAT", CtStatus::DST_NAT)];

/// What `--ctstatus` tests, in its order.
pub(in crate::target::iptables) const STATUS: [(&str, CtStatus); 4] = [
    ("EXPECTED", CtStatus::EXPECTED),
    ("SEEN_REPLY", CtStatus::SEEN_REPLY),
    ("ASSURED", CtStatus::ASSURED),
    ("CONFIRMED", CtStatus::CONFIRMED),
];

/// The names of the bits in one of the two lists; none where one has no name there.
pub(in crate::target::iptables) fn names(list: &[(&str, CtStatus)], bits: u32) -> Option<String> {
    let known = list.iter().fold(0, |known, (_, status)| known | status.0);
    let names: Vec<_> = list.iter().filter(|(_, status)| bits & status.0 != 0).map(|&(name, _)| name).collect();
    (bits & !known == 0).then(|| names.join(","))
}

/// The bit of a name in one of the two lists.
pub(in crate::target::iptables) fn bit(list: &[(&str, CtStatus)], name: &str) -> Option<u32> {
    list.iter().find(|(known, _)| begins(known, name)).map(|(_, status)| status.0)
}
