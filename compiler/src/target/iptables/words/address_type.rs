// SPDX-License-Identifier: GPL-3.0-or-later
//! The types of addresses of `-m addrtype`, by their numbers `RTN_*` (`include/uapi/linux/rtnetlink.h`).

use super::begins;

/// `RTN_LOCAL`
pub const LOCAL: u128 = 2;
/// `RTN_MULTICAST`
pub const MULTICAST: u128 = 5;

/// The names in the order of the numbers.
const NAMES: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

/// The name of a number.
pub fn name(number: u128) -> Option<&'static str> {
    usize::try_from(number).ok().and_then(|number| NAMES.get(number)).copied()
}

/// The number of the first type that begins so.
pub fn named(word: &str) -> Option<u128> {
    (0..).zip(NAMES).find(|(_, known)| begins(known, word)).map(|(number, _)| number)
}
