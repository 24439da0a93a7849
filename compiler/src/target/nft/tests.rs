// SPDX-License-Identifier: GPL-3.0-or-later
//! nft text as nft itself takes it.

mod bytecode;
mod cannot;
mod comments;
mod random;
mod rows;

use proptest::strategy::Strategy;
use ringwall_ir::arbitrary::{self, Options, Row, handled};
use ringwall_ir::fields::{Exthdr, Word};
use ringwall_ir::words::{ChainPolicy, CtDirection, Family, Hook, Protocol, Refusal};
use ringwall_ir::{Counts, Field, IntervalSet, Match, Origin, Per, Ruleset, Statement, Step, Values, Verdict};

use super::write;
use crate::target::testing::samples::{accept, inline, limit};
use crate::target::testing::{Parts, assert_snapshot, founding, kernel, laptop, ruleset};

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

/// Rulesets over all rows that nft text has, but for what this kernel may not have (`nft_queue`).
fn random() -> impl Strategy<Value = Ruleset> {
    let wanted = |row: &Row| handled(row.cells().nft) && row.name() != Word::Queue.row().name;
    arbitrary::ruleset(Options::loadable().wanting(wanted))
}

/// The ruleset without what nft cannot say.
fn sayable(ruleset: Ruleset) -> Ruleset {
    crate::target::testing::sayable(ruleset, |ruleset| write(ruleset).err().unwrap_or_default())
}

/// The kernel takes the largest burst that is written, and no larger one.
#[test]
fn the_largest_burst_loads() {
    let Some(kernel) = kernel() else { return };
    let rule = |burst| vec![accept(vec![limit(1, Per::Day, burst)])];
    let text = write(&one_chain(Hook::Input, rule(213_503))).unwrap();
    assert!(text.contains("burst 213503"), "{text}");
    assert_eq!(one_chain(Hook::Input, rule(213_504)).tables[0].chains()[0].rules(), []);
    kernel.nft(&[&text]);
}

#[test]
fn a_test_that_a_field_implies_is_left_out() {
    let protocols = inline(Field::L4proto, IntervalSet::from_iter([(6, 6), (17, 17)]));
    let families = Match::outside(Field::Nfproto, Values::one(Family::Ipv6.number().into()));
    let rule = vec![
        protocols,
        families,
        inline(Field::TcpDport, IntervalSet::one(22)),
        inline(Field::IpTtl, IntervalSet::one(1)),
    ];
    let text = write(&one_chain(Hook::Input, vec![accept(rule)])).unwrap();
    assert!(text.contains("\t\ttcp dport 22 ip ttl 1 accept comment \"s2\" # sentence 2\n"), "{text}");
}

/// nft would ask at the head of the rule, and count less.
#[test]
fn what_nft_needs_to_know_is_asked_where_it_is_needed() {
    let counter = || Step::from(Statement::Counter(Counts::default()));
    let one = |field, value| Match::within(field, Values::one(value)).into();
    let source = one(Field::CtIpSaddr(CtDirection::Original), 1);
    let rules = vec![
        (vec![counter(), one(Field::Exthdr(Exthdr::Frag), 1)], Some(Verdict::Accept)),
        (vec![counter(), source], Some(Verdict::Reject(Refusal::ProtocolUnreachable))),
        (vec![counter(), one(Field::TcpMaxseg, 9)], Some(Verdict::Reject(Refusal::TcpReset))),
    ];
    let text = write(&one_chain(Hook::Input, rules)).unwrap();
    for rule in [
        "\t\tcounter meta nfproto ipv6 exthdr frag exists accept ",
        "\t\tcounter ct original ip saddr 0.0.0.1 meta nfproto ipv4 reject with icmp prot-unreachable ",
        "\t\tcounter tcp option maxseg size 9 meta l4proto tcp reject with tcp reset ",
    ] {
        assert!(text.contains(rule), "{text}");
    }
}

#[test]
fn one_rule_more_is_one_line_more() {
    let rule = |protocol: Protocol| accept(vec![inline(Field::L4proto, IntervalSet::one(u128::from(protocol.0)))]);
    let protocols = [Protocol::TCP, Protocol::UDP, Protocol::SCTP];
    let whole = one_chain(Hook::Input, protocols.map(rule).to_vec());
    let middle = whole.tables[0].chains()[0].rules()[1].origin();
    let (more, less) = (write(&whole).unwrap(), write(&crate::target::testing::without(&whole, &[middle])).unwrap());
    let left: Vec<_> = less.lines().collect();
    let added: Vec<_> = more.lines().filter(|line| !left.contains(line)).collect();
    assert_eq!(added, ["\t\tmeta l4proto udp accept comment \"s3\" # sentence 3"]);
    assert_eq!(more.lines().count(), left.len() + 1);
}

#[test]
fn sentences_stand_behind_their_rules() {
    let origin = |id: &str, text: &str, because: Option<&str>| Origin {
        id: id.to_owned(),
        text: text.to_owned(),
        line: 1,
        because: because.map(str::to_owned),
        spot: None,
    };
    let rules = (0..3).map(|port| accept(vec![inline(Field::TcpDport, IntervalSet::one(port))])).collect();
    let mut ruleset = one_chain(Hook::Input, rules);
    ruleset.origins[2] = origin("ssh", "allow inbound \\\n  ssh", Some("say \"admin\""));
    ruleset.origins[3] = origin("", "", None);
    let text = write(&ruleset).unwrap();
    assert!(
        text.contains(
            "\t\ttcp dport 0 accept comment \"ssh say 'admin'\" # allow inbound ssh\n\t\ttcp dport 1 accept\n"
        ),
        "{text}"
    );
}
