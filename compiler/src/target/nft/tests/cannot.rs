// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft text cannot say is an error that names the sentence.

use ringwall_ir::words::{Family, Hook, Refusal};
use ringwall_ir::{Field, IntervalSet, LogTarget, Match, Per, Values, Verdict};

use super::one_chain;
use crate::target::nft::write;
use crate::target::testing::Parts;
use crate::target::testing::samples::{accept, inline, limit, log};

#[test]
fn what_nft_cannot_say_is_an_error() {
    let tcp = |port| inline(Field::TcpDport, IntervalSet::one(port));
    let v6 = |family: Family| inline(Field::Nfproto, IntervalSet::one(u128::from(family.number())));
    let not = |field| Match::outside(field, Values::one(5));
    let many_protocols = inline(Field::L4proto, IntervalSet::from_iter([(6, 6), (17, 17)]));
    let rules: Vec<(Parts, &str)> = vec![
        (accept(vec![tcp(22), inline(Field::UdpDport, IntervalSet::one(53))]), "its tests contradict each other"),
        (accept(vec![v6(Family::Ipv6), inline(Field::IpTtl, IntervalSet::one(1))]), "its tests contradict each other"),
        (accept(vec![Match::any_of(Field::CtState, 0x10)]), "nft has no names for the bits 0x10 of ct_state"),
        (
            accept(vec![many_protocols, limit(5, Per::Second, 5), tcp(22)]),
            "nft 1.0.6 takes the last value of `meta l4proto`",
        ),
        (accept(vec![not(Field::UdpDport), not(Field::UdpSport)]), "nft 1.0.6 merges the tests of `udp sport`"),
        (
            accept(vec![tcp(22), limit(5, Per::Second, 5), inline(Field::TcpSport, IntervalSet::one(5))]),
            "nft 1.0.6 moves what stands between `tcp sport` and `tcp dport`",
        ),
        ((vec![log("costs $5 ", LogTarget::default()).into()], None), "nft takes the `$`"),
        ((Vec::new(), Some(Verdict::Reject(Refusal::HostProhibited))), "ipv6 has no host-prohibited"),
    ];
    let (rules, reasons): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
    let unsayable = write(&one_chain(Hook::Input, rules)).unwrap_err();
    assert_eq!(unsayable.len(), reasons.len(), "{unsayable:#?}");
    for (each, reason) in unsayable.iter().zip(reasons) {
        assert!(each.reason.starts_with(reason), "{} is not {reason}", each.reason);
    }
    // What no hook has cannot even be built.
    let refused = (Vec::new(), Some(Verdict::Reject(Refusal::PortUnreachable)));
    assert_eq!(one_chain(Hook::Postrouting, vec![refused]).tables[0].chains()[0].rules(), []);
}
