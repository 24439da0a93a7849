// SPDX-License-Identifier: GPL-3.0-or-later
//! However many lines a rule becomes: together they match what the rule matches.

use proptest::prelude::*;
use ringwall_ir::arbitrary::{Options as Wanted, Row, handled, rule_for};
use ringwall_ir::fields::{FIELDS, FibResult, Needs};
use ringwall_ir::words::{ChainPolicy, ChainType, CtDirection, Family, Hook, TableFamily};
use ringwall_ir::{Field, Match, Place, Rule, Step, Table, Verdict};

use super::CONNTRACK;
use crate::target::iptables::{Written, read, write};
use crate::target::testing::packet::{Packet, choices};
use crate::target::testing::ruleset;

/// Tests of fields that iptables has words for.
fn tests_alone(row: &Row) -> bool {
    match row {
        // A number that is drawn is another one for each rule that draws it.
        Row::Field(row) => handled(row.cells.iptables) && !matches!(row.field, Field::Numgen(_)),
        Row::Word(row) => row.name == "accept",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_with_the_same_meaning(
        rule in prop_oneof![Just(Hook::Forward), Just(Hook::Input), Just(Hook::Output)].prop_flat_map(|hook| {
            let place = Place::new(ChainType::Filter, hook).unwrap();
            let wanted = Wanted { named: false, symbols: false, ..Wanted::loadable() }.wanting(tests_alone);
            rule_for(wanted, place, TableFamily::Inet).prop_map(move |rule| (hook, rule))
        }),
        choices in proptest::collection::vec(choices(), 64),
        v6 in any::<bool>(),
    ) {
        let (hook, rule) = rule;
        let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
        let ruleset = ruleset(vec![(hook, ChainPolicy::Drop, vec![(rule.steps().to_vec(), Some(Verdict::Accept))])]);
        let Ok(written) = write(&ruleset, family, CONNTRACK) else { return Ok(()) };
        prop_assume!(written.text.len() < 100_000);
        let (table, rule) = (&ruleset.tables[0], &ruleset.tables[0].chains()[0].rules()[0]);
        let again = lines(&written, family);
        for choices in &choices {
            let packet = Packet::near(table, rule, family, choices);
            if is_real(&packet, rule, hook) {
                let accepted = is_accepted(&again, hook_name(hook), &packet);
                prop_assert_eq!(accepted, packet.passes(table, rule), "{}\n{:?}\n{}", rule, packet, written.text);
            }
        }
    }
}

/// The table that is read from the text.
fn lines(written: &Written, family: Family) -> Table {
    let (ruleset, errors) = read(&written.text, family);
    assert_eq!(errors, [], "{}", written.text);
    assert_eq!(ruleset.unknowns().next(), None, "{}", written.text);
    ruleset.tables.into_iter().next().unwrap()
}

const fn hook_name(hook: Hook) -> &'static str {
    match hook {
        Hook::Forward => "FORWARD",
        Hook::Input => "INPUT",
        _ => "OUTPUT",
    }
}

/// Whether the packet has only values that fields can have there. The model gives every packet an entry.
fn is_real(packet: &Packet, rule: &Rule, hook: Hook) -> bool {
    let of_entry = |field: Field| matches!(field.row().needs, Needs::Entry | Needs::EntryOf(_));
    let asks_entry = rule.matches().flat_map(Match::selectors).any(|selector| of_entry(selector.field()));
    if asks_entry && matches!(packet.value(Field::CtState), Some(1 | 64)) {
        return false;
    }
    let fields = rule.matches().flat_map(Match::selectors).map(|selector| selector.field());
    fields.chain(FIELDS.iter().map(|row| row.field)).all(|field| {
        let value = packet.value(field).unwrap_or_default();
        match field {
            Field::MetaDay => value < 7,
            Field::MetaHour => value < 86_400,
            Field::Skuid | Field::Skgid => value < u128::from(u32::MAX),
            Field::CtState => [1, 2, 4, 8, 64].contains(&value),
            Field::CtDirection => value < 2,
            Field::CtProtocol(_) => Some(value) == packet.value(Field::CtProtocol(CtDirection::Original)),
            Field::Fib(fib) if fib.result == FibResult::Type => value < 12,
            _ => true,
        }
    }) && !(hook == Hook::Output && tests(rule, Field::Iifname) || hook == Hook::Input && tests(rule, Field::Oifname))
}

fn tests(rule: &Rule, field: Field) -> bool {
    rule.matches().flat_map(Match::selectors).any(|selector| selector.field() == field)
}

/// What a chain does with a packet.
#[derive(PartialEq, Eq)]
enum Fate {
    Accepted,
    Back,
}

fn is_accepted(table: &Table, chain: &str, packet: &Packet) -> bool {
    walk(table, chain, packet) == Fate::Accepted
}

fn walk(table: &Table, chain: &str, packet: &Packet) -> Fate {
    for rule in table.chain(chain).unwrap().rules() {
        if !packet.passes(table, rule) || rule.steps().iter().any(|step| matches!(step, Step::Unknown(_))) {
            continue;
        }
        match rule.verdict().unwrap() {
            Verdict::Accept => return Fate::Accepted,
            Verdict::Return => return Fate::Back,
            Verdict::Jump(target) => {
                if walk(table, target, packet) == Fate::Accepted {
                    return Fate::Accepted;
                }
            }
            Verdict::Goto(target) => return walk(table, target, packet),
            other => panic!("{other}"),
        }
    }
    Fate::Back
}
