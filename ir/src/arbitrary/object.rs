// SPDX-License-Identifier: GPL-3.0-or-later
//! Named objects.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{legal, origin_id, test, value};
use crate::object::{Object, ObjectBody};
use crate::rule::Counts;
use crate::words::{Family, Protocol, TableFamily};

/// Helpers with their protocols, and whether they know IPv6 (`net/netfilter/nf_conntrack_*.c`).
const HELPERS: [(&str, Protocol, bool); 12] = [
    ("ftp", Protocol::TCP, true),
    ("sip", Protocol::TCP, true),
    ("sip", Protocol::UDP, true),
    ("tftp", Protocol::UDP, true),
    ("amanda", Protocol::UDP, true),
    ("sane", Protocol::TCP, true),
    ("RAS", Protocol::UDP, true),
    ("Q.931", Protocol::TCP, true),
    ("irc", Protocol::TCP, false),
    ("pptp", Protocol::TCP, false),
    ("netbios-ns", Protocol::UDP, false),
    ("snmp", Protocol::UDP, false),
];

/// nft's words for the states of TCP that have a timeout.
const TCP_STATES: [&str; 10] = [
    "syn_sent",
    "syn_recv",
    "established",
    "fin_wait",
    "close_wait",
    "last_ack",
    "time_wait",
    "close",
    "retrans",
    "unack",
];

/// nft's words for the states of UDP.
const UDP_STATES: [&str; 2] = ["unreplied", "replied"];

/// A number of objects of a table, each with a name of its own.
pub(super) fn objects(table: TableFamily, most: usize) -> impl Strategy<Value = Vec<Object>> {
    vec((body(table), value::comment(), origin_id()), 0..=most).prop_flat_map(|bodies| {
        let names: Vec<_> = (0..bodies.len()).map(value::name).collect();
        names.prop_map(move |names| {
            let parts = names.iter().zip(bodies.clone());
            let object = |(name, (body, comment, origin)): (&String, _)| {
                legal(Object::new(name, body, origin)).with_comment(comment)
            };
            parts.map(object).collect()
        })
    })
}

fn body(table: TableFamily) -> impl Strategy<Value = ObjectBody> {
    prop_oneof![
        2 => counts().prop_map(ObjectBody::Counter),
        1 => helper(table),
        1 => timeouts(table),
        2 => test::limit().prop_map(ObjectBody::Limit),
        2 => test::quota().prop_map(ObjectBody::Quota),
    ]
}

/// What a counter has counted.
pub(super) fn counts() -> impl Strategy<Value = Counts> {
    let counts = (any::<u32>(), any::<u64>()).prop_map(|(packets, bytes)| Counts { packets: packets.into(), bytes });
    prop_oneof![2 => Just(Counts::default()), 1 => counts]
}

/// The families that objects of a table can be for; none is that of the table.
fn families(table: TableFamily) -> Vec<Option<Family>> {
    std::iter::once(None).chain(Family::ALL.into_iter().filter(|family| table.sees(*family)).map(Some)).collect()
}

fn helper(table: TableFamily) -> impl Strategy<Value = ObjectBody> {
    (select(families(table)), select(HELPERS.to_vec())).prop_map(move |(family, (helper, protocol, ipv6))| {
        // Of a table of both families, the kernel looks for the helper of either.
        let alone = family == Some(Family::Ipv6) || table == TableFamily::Ip6;
        let (helper, protocol) = if alone && !ipv6 { ("ftp", Protocol::TCP) } else { (helper, protocol) };
        ObjectBody::CtHelper { helper: helper.to_owned(), family, protocol }
    })
}

fn timeouts(table: TableFamily) -> impl Strategy<Value = ObjectBody> {
    let tcp = subsequence(TCP_STATES.to_vec(), 1..=3).prop_map(|states| (Protocol::TCP, states));
    let udp = subsequence(UDP_STATES.to_vec(), 1..=2).prop_map(|states| (Protocol::UDP, states));
    (select(families(table)), prop_oneof![tcp, udp], 1..100_000_u32).prop_map(
        |(family, (protocol, states), seconds)| {
            let timeouts =
                states.into_iter().zip(seconds..).map(|(state, seconds)| (state.to_owned(), seconds)).collect();
            ObjectBody::CtTimeout { family, protocol, timeouts }
        },
    )
}
