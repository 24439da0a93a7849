// SPDX-License-Identifier: GPL-3.0-or-later
//! Translation of addresses and ports.

/// How a translation chooses among several ends (`NF_NAT_RANGE_*` in `include/uapi/linux/netfilter/nf_nat.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NatFlags {
    /// The port is taken at random, hashed with a secret.
    pub random: bool,
    /// The port is taken wholly at random.
    pub fully_random: bool,
    /// A client gets the same address for each of its conversations.
    pub persistent: bool,
    /// The network part of the address is replaced, the host part stays.
    pub netmap: bool,
}

impl NatFlags {
    /// Each flag that is set, in nft's words.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.random, "random"),
            (self.fully_random, "fully-random"),
            (self.persistent, "persistent"),
            (self.netmap, "netmap"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
    }
}
