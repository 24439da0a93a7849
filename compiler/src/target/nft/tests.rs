// SPDX-License-Identifier: GPL-3.0-or-later
//! nft text as nft itself takes it.

use proptest::prelude::*;
use ringwall_ir::fields::{Cell, FIELDS, WORDS};
use ringwall_ir::words::{ChainPolicy, Family, Hook, Protocol, Refusal};
use ringwall_ir::{Field, IntervalSet, LogTarget, Match, Origin, Per, Ruleset, Values, Verdict};

use super::write;
use crate::target::testing::samples::{self, inline, limit, log};
use crate::target::testing::{Parts, assert_snapshot, founding, kernel, laptop, ruleset, strategy};

fn accept(matches: Vec<Match>) -> Parts {
    (matches, Vec::new(), Some(Verdict::Accept))
}

fn one_chain(hook: Hook, rules: Vec<Parts>) -> Ruleset {
    ruleset(vec![(hook, ChainPolicy::Drop, rules)])
}

#[test]
fn founding_policy() {
    assert_snapshot("nft-founding", &write(&founding()).unwrap());
}

#[test]
fn laptop_policy() {
    assert_snapshot("nft-laptop", &write(&laptop()).unwrap());
}

#[test]
fn every_row_is_written_and_loads_twice() {
    let Some(kernel) = kernel() else { return };
    for row in FIELDS {
        let hook = if row.at(Hook::Input) { Hook::Input } else { Hook::Output };
        check_row(kernel, row.cells.nft, row.name, hook, samples::rules_of_field(*row));
    }
    for row in WORDS {
        check_row(kernel, row.cells.nft, row.name, Hook::Input, samples::rules_of_word(row.word));
    }
}

fn check_row(kernel: crate::target::testing::Kernel, cell: Cell, name: &str, hook: Hook, rules: Vec<Parts>) {
    let ruleset = one_chain(hook, rules);
    let count = ruleset.chains().map(|(_, chain)| chain.rules().len()).sum::<usize>();
    let written = write(&ruleset);
    assert_eq!(written.is_ok(), cell == Cell::Handled, "{name}: {written:?}");
    let text = written.unwrap();
    let listed = kernel.nft(&[&text, &text]);
    assert_eq!(listed[0], listed[1], "{name}: loaded twice");
    assert_eq!(listed[0].matches("comment \"s").count(), count, "{name}: {}", listed[0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_loads_over_anything_that_was_loaded_before(before in strategy::rulesets(), after in strategy::rulesets()) {
        let Some(kernel) = kernel() else { return Ok(()) };
        let (Ok(before), Ok(after)) = (write(&sayable(before)), write(&sayable(after))) else {
            return Err(TestCaseError::fail("a ruleset of sayable rules could not be written"));
        };
        let replaced = kernel.nft(&[&before, &after, &after]);
        let fresh = kernel.nft(&[&after]);
        prop_assert_eq!(&replaced[1], &replaced[2]);
        prop_assert_eq!(sorted(&replaced[1]), sorted(&fresh[0]));
    }
}

/// The ruleset without the rules that nft cannot say.
fn sayable(ruleset: Ruleset) -> Ruleset {
    let unsayable: Vec<_> = write(&ruleset).err().unwrap_or_default().into_iter().map(|each| each.origin).collect();
    crate::target::testing::without(&ruleset, &unsayable)
}

/// Chains are listed in the order in which they were made, so the lines are compared and not their order.
fn sorted(listed: &str) -> Vec<&str> {
    let mut lines: Vec<_> = listed.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_nft_cannot_say_is_an_error() {
    let tcp = |port| inline(Field::TcpDport, IntervalSet::one(port));
    let v6 = |family: Family| inline(Field::Nfproto, IntervalSet::one(u128::from(family.number())));
    let not = |field| Match::In { field, values: Values::Inline(IntervalSet::one(5)), negated: true };
    let many_protocols = inline(Field::L4proto, IntervalSet::from_iter([(6, 6), (17, 17)]));
    let rules: Vec<(Parts, &str)> = vec![
        (accept(vec![tcp(22), inline(Field::UdpDport, IntervalSet::one(53))]), "its tests contradict each other"),
        (accept(vec![v6(Family::Ipv6), inline(Field::IpTtl, IntervalSet::one(1))]), "its tests contradict each other"),
        (accept(vec![Match::AnyOf { field: Field::CtState, bits: 0x10 }]), "no name for the bits 0x10 of `ct state`"),
        (accept(vec![many_protocols, limit(5, Per::Second, 5), tcp(22)]), "a limit stands between"),
        (accept(vec![limit(1, Per::Day, 213_504)]), "a burst of 213504 at 1/day"),
        (accept(vec![not(Field::UdpDport), not(Field::UdpSport)]), "nft 1.0.6 merges the tests of `udp sport`"),
        (
            accept(vec![tcp(22), limit(5, Per::Second, 5), inline(Field::TcpSport, IntervalSet::one(5))]),
            "nft 1.0.6 moves a limit between `tcp sport` and `tcp dport`",
        ),
        ((Vec::new(), vec![log("costs $5 ", LogTarget::default())], None), "nft takes the `$`"),
        ((Vec::new(), Vec::new(), Some(Verdict::Reject(Refusal::HostProhibited))), "ipv6 has no host-prohibited"),
    ];
    let (rules, reasons): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
    let unsayable = write(&one_chain(Hook::Input, rules)).unwrap_err();
    assert_eq!(unsayable.len(), reasons.len(), "{unsayable:#?}");
    for (each, reason) in unsayable.iter().zip(reasons) {
        assert!(each.reason.starts_with(reason), "{} is not {reason}", each.reason);
    }
    let refused = (Vec::new(), Vec::new(), Some(Verdict::Reject(Refusal::PortUnreachable)));
    assert_eq!(write(&one_chain(Hook::Postrouting, vec![refused])).unwrap_err().len(), 1);
}

/// The kernel takes the largest burst that is written, and no larger one.
#[test]
fn the_largest_burst_loads() {
    let Some(kernel) = kernel() else { return };
    let text = write(&one_chain(Hook::Input, vec![accept(vec![limit(1, Per::Day, 213_503)])])).unwrap();
    kernel.nft(&[&text]);
}

#[test]
fn a_test_that_a_field_implies_is_left_out() {
    let protocols = inline(Field::L4proto, IntervalSet::from_iter([(6, 6), (17, 17)]));
    let families = Match::In {
        field: Field::Nfproto,
        values: Values::Inline(IntervalSet::one(u128::from(Family::Ipv6.number()))),
        negated: true,
    };
    let rule = vec![
        protocols,
        families,
        inline(Field::TcpDport, IntervalSet::one(22)),
        inline(Field::IpTtl, IntervalSet::one(1)),
    ];
    let text = write(&one_chain(Hook::Input, vec![accept(rule)])).unwrap();
    assert!(text.contains("\t\ttcp dport 22 ip ttl 1 accept comment \"s2\"\n"), "{text}");
}

#[test]
fn one_rule_more_is_two_lines_more() {
    let rule = |protocol: Protocol| accept(vec![inline(Field::L4proto, IntervalSet::one(u128::from(protocol.0)))]);
    let protocols = [Protocol::TCP, Protocol::UDP, Protocol::SCTP];
    let whole = one_chain(Hook::Input, protocols.map(rule).to_vec());
    let middle = whole.tables[0].chains()[0].rules()[1].origin();
    let (more, less) = (write(&whole).unwrap(), write(&crate::target::testing::without(&whole, &[middle])).unwrap());
    let left: Vec<_> = less.lines().collect();
    let added: Vec<_> = more.lines().filter(|line| !left.contains(line)).collect();
    assert_eq!(added, ["\t\t# sentence 3", "\t\tmeta l4proto udp accept comment \"s3\""]);
    assert_eq!(more.lines().count(), left.len() + 2);
}

#[test]
fn sentences_stand_above_the_first_of_their_rules() {
    let origin = |id: &str, text: &str, because: Option<&str>| Origin {
        id: id.to_owned(),
        text: text.to_owned(),
        line: 1,
        because: because.map(str::to_owned),
    };
    let rules = (0..3).map(|port| accept(vec![inline(Field::TcpDport, IntervalSet::one(port))])).collect();
    let mut ruleset = one_chain(Hook::Input, rules);
    ruleset.origins[2] = origin("ssh", "allow inbound \\\n  ssh", Some("say \"admin\""));
    ruleset.origins[3] = origin("", "", None);
    let text = write(&ruleset).unwrap();
    assert!(
        text.contains(
            "# allow inbound ssh\n\t\ttcp dport 0 accept comment \"ssh say 'admin'\"\n\t\ttcp dport 1 accept\n"
        ),
        "{text}"
    );
}
