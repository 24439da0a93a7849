// SPDX-License-Identifier: GPL-3.0-or-later
//! However many lines and chains a rule becomes: a packet meets the same tests that count, the same records and the same
//! marks in the same order, and goes on where it went on.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ringwall_ir::words::{ChainPolicy, Family, Hook, TableFamily};
use ringwall_ir::{
    Assignment, BaseChain, Chain, Field, Limit, LogTarget, Match, OriginId, Per, Ruleset, Source, Statement, Step,
    Table, TableParts, Target, Values, Verdict,
};

use super::CONNTRACK;
use crate::target::iptables::table::XtTable;
use crate::target::iptables::{Written, read, write};
use crate::target::testing::packet::{Packet, choices};
use crate::target::testing::samples::{interface, limit, log};

const NOWHERE: OriginId = OriginId(0);

/// Steps that do not exclude each other, of which every kind makes the lines of the others harder.
fn step() -> impl Strategy<Value = Step> {
    let tests = vec![
        Match::within(Field::TcpDport, Values::Inline([(22, 22), (80, 90), (443, 443)].into_iter().collect())),
        Match::within(Field::TcpSport, Values::Inline((0..20).map(|port| (4 * port, 4 * port)).collect())),
        Match::within(Field::IpSaddr, Values::Inline([(1, 5), (9, 9)].into_iter().collect())),
        Match::within(Field::MetaMark, Values::Inline([(1, 1), (3, 3), (8, 12)].into_iter().collect())),
        Match::masked(Field::MetaMark, 0xf, 3),
        interface(Field::Iifname, &["eth0", "eth1"], true),
        interface(Field::Iifname, &["eth*", "lo"], false),
        Match::masked(Field::IpSaddr, 0x0000_00ff, 5),
    ];
    let over = |rate: Match| match rate {
        Match::Limit(limit) => Match::Limit(Limit { over: true, ..limit }),
        other => other,
    };
    let marks = [(0, 3), (0, 1), (u32::MAX, 2), (0xff, 8)];
    prop_oneof![
        4 => select(tests).prop_map(Step::from),
        2 => (1..8_u32).prop_map(|amount| limit(amount, Per::Minute, 5).into()),
        1 => (1..8_u32).prop_map(move |amount| over(limit(amount, Per::Minute, 5)).into()),
        2 => "[a-z]{3}".prop_map(|prefix| log(&prefix, LogTarget::default()).into()),
        2 => select(marks.to_vec()).prop_map(|(keep, value)| {
            let assignment = Assignment { target: Target::Mark, keep, source: Source::Value(value) };
            Statement::Assign(assignment).into()
        }),
    ]
}

fn verdict() -> impl Strategy<Value = Option<Verdict>> {
    let other = || "other".to_owned();
    let verdicts = [Verdict::Accept, Verdict::Drop, Verdict::Return, Verdict::Jump(other()), Verdict::Goto(other())];
    proptest::option::of(select(verdicts.to_vec()))
}

/// A table in which a packet that comes to the end of the rule is seen to go on.
fn table(steps: Vec<Step>, verdict: Option<Verdict>, in_base: bool) -> Option<Table> {
    let seen = |prefix: &str| vec![log(prefix, LogTarget::default()).into()];
    let base = BaseChain::filter(Hook::Forward, XtTable::Filter.priority(Hook::Forward), ChainPolicy::Accept, NOWHERE);
    let mut forward = Chain::base("FORWARD", base).unwrap();
    let mut regular = Chain::regular("regular").unwrap();
    let mut other = Chain::regular("other").unwrap();
    let place = if in_base { &mut forward } else { &mut regular };
    place.push(NOWHERE, steps, verdict).ok()?;
    place.push(NOWHERE, seen("behind"), None).unwrap();
    if !in_base {
        forward.push(NOWHERE, Vec::new(), Some(Verdict::Jump("regular".to_owned()))).unwrap();
        forward.push(NOWHERE, seen("back"), None).unwrap();
    }
    // What the other chain does, the rule's own tests would see.
    let mark = Assignment { target: Target::Mark, keep: 0, source: Source::Value(3) };
    other.push(NOWHERE, seen("there"), None).unwrap();
    other.push(NOWHERE, vec![Statement::Assign(mark).into()], None).unwrap();
    let chains = vec![forward, regular, other];
    Table::new(TableFamily::Ip, "filter", TableParts { chains, ..TableParts::default() }).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_rule_does_is_done_in_its_order(
        steps in vec(step(), 0..6),
        verdict in verdict(),
        in_base in any::<bool>(),
        choices in vec(choices(), 32),
    ) {
        // What only counts, and never says so, need not be written.
        if verdict.is_none() && steps.iter().all(|step| matches!(step, Step::Match(_))) {
            return Ok(());
        }
        let Some(table) = table(steps, verdict, in_base) else { return Ok(()) };
        let ruleset = Ruleset { tables: vec![table], ..Ruleset::default() };
        let Ok(Written { text, .. }) = write(&ruleset, Family::Ipv4, CONNTRACK) else { return Ok(()) };
        let (again, errors) = read(&text, Family::Ipv4);
        prop_assert!(errors.is_empty() && again.unknowns().next().is_none(), "{:?}\n{}", errors, text);
        let (said, held) = (&ruleset.tables[0], &again.tables[0]);
        let rule = said.chains()[usize::from(!in_base)].rules()[0].clone();
        for choices in &choices {
            let packet = Packet::near(said, &rule, Family::Ipv4, choices);
            prop_assert_eq!(way(held, packet.clone()), way(said, packet), "{}\n{}", rule, text);
        }
    }
}

/// All that a packet meets, and its fate.
fn way(table: &Table, packet: Packet) -> (Vec<String>, Fate) {
    let mut walk = Walk { table, packet, met: Vec::new() };
    let fate = walk.chain("FORWARD");
    (walk.met, fate)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    Back,
    Dropped,
}

struct Walk<'a> {
    table: &'a Table,
    packet: Packet,
    met: Vec<String>,
}

impl Walk<'_> {
    fn chain(&mut self, name: &str) -> Fate {
        for rule in self.table.chain(name).unwrap().rules() {
            if !rule.steps().iter().all(|step| self.step(step)) {
                continue;
            }
            match rule.verdict() {
                None => {}
                Some(Verdict::Accept) => return Fate::Accepted,
                Some(Verdict::Drop) => return Fate::Dropped,
                Some(Verdict::Return) => return Fate::Back,
                Some(Verdict::Goto(target)) => return self.chain(target),
                Some(Verdict::Jump(target)) => match self.chain(target) {
                    Fate::Back => {}
                    fate => return fate,
                },
                Some(other) => panic!("{other}"),
            }
        }
        Fate::Back
    }

    /// Whether the packet goes on in the rule. A rate lets a packet through or not by its amount alone.
    fn step(&mut self, step: &Step) -> bool {
        match step {
            Step::Match(Match::Limit(limit)) => {
                self.met.push(format!("{}/{}", limit.amount, limit.per.name()));
                (limit.amount.get() % 2 == 0) != limit.over
            }
            Step::Statement(Statement::Counter(_)) => true,
            Step::Match(test) => self.packet.passes_test(self.table, test),
            Step::Statement(Statement::Assign(Assignment { keep, source: Source::Value(value), .. })) => {
                let mark = self.packet.value(Field::MetaMark).unwrap() & u128::from(*keep) ^ u128::from(*value);
                self.packet.set(Field::MetaMark, mark);
                self.met.push(format!("mark {mark}"));
                true
            }
            Step::Statement(Statement::Log(log)) => {
                self.met.push(log.prefix.clone().unwrap());
                true
            }
            other => panic!("{other}"),
        }
    }
}
