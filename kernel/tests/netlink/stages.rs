// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets that come into force in stages: what is kept, what is taken back, and what others do in between.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use ringwall_ir::fields::Field;
use ringwall_ir::words::{ChainPolicy, ChainType, Hook, TableFamily};
use ringwall_ir::{
    Counts, Datatype, Elements, IntervalSet, KeyType, Match, Milliseconds, OriginId, Ruleset, Set, SetFlags, SetSpec,
    SetUpdate, Statement, Step, Table, Values, Verdict,
};
use ringwall_kernel::install::{InstallError, Part, apply, normal, read_back};
use ringwall_kernel::netlink::{AttributeWriter, Query, Socket, Transaction, commit, dump, generation};
use rustables::{MsgType, sys};

use crate::private::{in_namespace, list, load};
use crate::rulesets::{Draft, Parts, accept_from, accept_one, refused, ruleset_of, set4};

/// The family number of `inet`.
const INET: u8 = 1;
/// The comment of the rule behind which rules are not in force yet.
const GUARD: &str = "being replaced";

/// Whether the table is as if nothing had been there before.
fn is_there(ruleset: &Ruleset) -> bool {
    let table = &ruleset.tables[0];
    let read = read_back(table.family(), table.name()).unwrap().unwrap();
    vec![read] == normal(ruleset).unwrap()[..1]
}

fn ranges() -> Parts {
    let ports = [(1000, 1001), (2000, 2002)].into_iter().collect();
    (vec![Match::within(Field::UdpDport, Values::Inline(ports)).into()], Some(Verdict::Accept))
}

fn jump(chain: &str) -> Parts {
    (vec![], Some(Verdict::Jump(chain.to_owned())))
}

/// A base chain under a name of its own, and a regular one that it leads to.
fn drafts(hook: Hook, policy: ChainPolicy, mut rules: Vec<Parts>) -> Vec<Draft> {
    rules.extend([ranges(), jump("web")]);
    let bound = Some((ChainType::Filter, hook, 0));
    vec![
        Draft { name: "main", bound, policy, rules },
        Draft { policy: ChainPolicy::Drop, ..Draft::closed(Hook::Forward, vec![ranges()]) },
        Draft { name: "web", bound: None, policy, rules: vec![accept_from(Field::IpSaddr, "lan")] },
    ]
}

fn one() -> Ruleset {
    let drafts = drafts(Hook::Input, ChainPolicy::Drop, vec![accept_one(Field::TcpDport, 22)]);
    ruleset_of(TableFamily::Inet, "ringwall", vec![set4("lan", &[("10.0.0.0", 8)])], drafts)
}

/// A ruleset that differs from the first one in everything that takes stages.
fn other(more: Vec<Parts>, mut sets: Vec<Set>) -> Ruleset {
    sets.push(set4("lan", &[("172.16.0.0", 12), ("10.0.0.0", 9)]));
    let mut drafts = drafts(Hook::Output, ChainPolicy::Accept, more);
    drafts[1].policy = ChainPolicy::Accept;
    ruleset_of(TableFamily::Inet, "ringwall", sets, drafts)
}

#[test]
fn a_refusal_of_the_first_stage_changes_nothing() {
    in_namespace("stages::a_refusal_of_the_first_stage_changes_nothing", || {
        apply(&one()).unwrap();
        let before = list();
        let (rule, set) = refused();
        let error = apply(&other(vec![rule], vec![set])).unwrap_err();
        let InstallError::Refused { first, .. } = &error else { panic!("{error}") };
        assert!(matches!(&first.part, Part::Rule { chain, .. } if chain == "main"), "{error}");
        assert_eq!(list(), before);
        assert!(is_there(&one()));
    });
}

#[test]
fn a_refusal_of_the_second_stage_takes_the_first_one_back() {
    in_namespace("stages::a_refusal_of_the_second_stage_takes_the_first_one_back", || {
        // A table without intervals is replaced in one transaction, along with the second stage of the other.
        let plain = |rules, sets| ruleset_of(TableFamily::Ip, "plain", sets, vec![Draft::closed(Hook::Input, rules)]);
        let both = |ruleset: Ruleset, plain: Ruleset| Ruleset {
            tables: ruleset.tables.into_iter().chain(plain.tables).collect::<Vec<Table>>(),
            ..ruleset
        };
        apply(&both(one(), plain(vec![accept_one(Field::TcpDport, 22)], vec![]))).unwrap();
        let before = list();
        let (rule, set) = refused();
        let generations = || generation(&mut Socket::open().unwrap()).unwrap();
        let start = generations();
        let error = apply(&both(other(vec![], vec![]), plain(vec![rule], vec![set]))).unwrap_err();
        let InstallError::Refused { first, .. } = &error else { panic!("{error}") };
        assert!(matches!(&first.part, Part::Rule { chain, .. } if chain == "input"), "{error}");
        assert!(generations() - start > 3, "it was begun and taken back");
        assert_eq!(list(), before);
        assert!(is_there(&one()));
    });
}

#[test]
fn all_that_takes_stages_at_once() {
    in_namespace("stages::all_that_takes_stages_at_once", || {
        let rulesets = [one(), other(vec![], vec![])];
        for ruleset in rulesets.iter().cycle().take(6) {
            let applied = apply(ruleset).unwrap();
            assert_eq!(applied.tries, 1);
            let chains = ruleset.tables[0].chains().iter();
            let closing =
                chains.clone().filter(|chain| chain.bound().is_some_and(|base| base.policy == ChainPolicy::Drop));
            assert_eq!(applied.rules, chains.clone().map(|chain| chain.rules().len()).sum::<usize>() + closing.count());
            assert!(is_there(ruleset), "{}", list());
        }
    });
}

/// Whether a guard stands in the table: in its shortest chain, for that is told soonest.
fn is_begun(socket: &mut Socket) -> bool {
    let chain = AttributeWriter::new().text(sys::NFTA_RULE_TABLE, "ringwall").text(sys::NFTA_RULE_CHAIN, "forward");
    let query = chain.finish();
    let Ok(dump) = dump(socket, Query::nf_tables(sys::NFT_MSG_GETRULE, INET, &query)) else { return false };
    dump.messages().any(|message| {
        let (_, attributes) = message.unwrap().netfilter().unwrap();
        let comment = attributes.get(sys::NFTA_RULE_USERDATA).map(|value| value.bytes().to_vec()).unwrap_or_default();
        comment.windows(GUARD.len()).any(|text| text == GUARD.as_bytes())
    })
}

/// Makes tables that nobody minds, and deletes them, between the stages of others; but not each time, so that they come
/// to an end.
fn intrude(done: &AtomicBool, between: &AtomicUsize) {
    let mut socket = Socket::open().unwrap();
    while !done.load(Ordering::Relaxed) {
        let now = generation(&mut socket).unwrap();
        if !is_begun(&mut socket) {
            continue;
        }
        let count = between.load(Ordering::Relaxed);
        let kind = if count.is_multiple_of(2) { MsgType::Add } else { MsgType::Del };
        let mut change = Transaction::new(now);
        let table = rustables::Table::default().with_name("intruder");
        change.table(INET, kind, &table, |writer| writer);
        if commit(&mut socket, &change.finish().unwrap()).unwrap().is_empty() {
            between.store(count + 1, Ordering::Relaxed);
            // What was begun is taken back in two transactions, and then begun again.
            let end = now + 5;
            while !done.load(Ordering::Relaxed) && generation(&mut socket).unwrap() < end {}
        }
    }
}

#[test]
fn a_change_between_the_stages_is_noticed() {
    in_namespace("stages::a_change_between_the_stages_is_noticed", || {
        let many = || (1..600).map(|port| accept_one(Field::TcpDport, port)).collect::<Vec<_>>();
        let rulesets = [other(many(), vec![]), other([many(), vec![ranges()]].concat(), vec![])];
        apply(&rulesets[1]).unwrap();
        let (done, between) = (AtomicBool::new(false), AtomicUsize::new(0));
        let tries = thread::scope(|scope| {
            scope.spawn(|| intrude(&done, &between));
            let mut tries = Vec::new();
            for ruleset in rulesets.iter().cycle().take(100) {
                tries.push(apply(ruleset).unwrap().tries);
                assert!(is_there(ruleset), "{}", list());
                if between.load(Ordering::Relaxed) >= 4 {
                    break;
                }
            }
            done.store(true, Ordering::Relaxed);
            tries
        });
        let between = between.into_inner();
        eprintln!("{between} changes between the stages, and so many tries: {tries:?}");
        assert!(between > 0 && tries.iter().any(|&tries| tries > 1));
        assert!(!list().contains(GUARD) && !list().contains("/old") && !list().contains("/new"));
    });
}

#[test]
fn what_a_killed_process_left_goes() {
    in_namespace("stages::what_a_killed_process_left_goes", || {
        load(
            r#"table inet ringwall {
                set lan { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }
                }
                set lan/new { type ipv4_addr; flags interval; elements = { 10.0.0.0/9 }
                }
                chain main { type filter hook input priority 0; policy accept;
                    ip saddr @lan accept
                    jump web/old
                    drop comment "being replaced"
                    ip saddr @lan/new accept
                    jump web
                }
                chain gone { type filter hook output priority 0; policy accept;
                    udp dport 1-5 accept
                    drop comment "being replaced"
                }
                chain web/old { tcp dport 1 accept
                }
                chain web { ip saddr @lan/new accept
                }
            }"#,
        );
        for _ in 0..2 {
            apply(&one()).unwrap();
            assert!(is_there(&one()), "{}", list());
        }
    });
}

#[test]
fn elements_and_counts_are_kept_through_all_stages() {
    in_namespace("stages::elements_and_counts_are_kept_through_all_stages", || {
        load(
            r#"table inet ringwall {
                set lan { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }
                }
                set met { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1h
                    elements = { 192.0.2.1 timeout 30m, 192.0.2.2 }
                }
                set same { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 1h
                    elements = { 192.0.2.3 timeout 30m }
                }
                chain main { type filter hook input priority 0; policy drop;
                    udp dport 5 accept comment "s1"
                    ip saddr @lan counter packets 5 bytes 6 accept comment "s2"
                    add @met { ip saddr } comment "s3"
                    add @same { ip saddr } comment "s4"
                    drop comment "closing"
                }
            }"#,
        );
        let flags = SetFlags { dynamic: true, timeout: true, ..SetFlags::default() };
        let filled = |name, size| {
            let timeout = Some(Milliseconds(3_600_000));
            let spec = SetSpec { flags, size, timeout, ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)]) };
            Set::new(name, spec, Elements::NONE, OriginId(0)).unwrap()
        };
        let add = |set: &str| {
            let (Step::Statement(Statement::SetUpdate(update)), _) = (refused().0.0.remove(0), ()) else { panic!() };
            (vec![Statement::SetUpdate(Box::new(SetUpdate { set: set.to_owned(), ..*update })).into()], None)
        };
        let (mut tests, verdict) = accept_from(Field::IpSaddr, "lan");
        tests.push(Statement::Counter(Counts::default()).into());
        let rules = vec![ranges(), (tests, verdict), add("met"), add("same")];
        let bound = Some((ChainType::Filter, Hook::Input, 0));
        let main = Draft { name: "main", bound, policy: ChainPolicy::Drop, rules };
        // A set whose elements are to count is made anew.
        let mut met = filled("met", None).spec().clone();
        met.meters.push(ringwall_ir::Meter::Counter(Counts::default()));
        let met = Set::new("met", met, Elements::NONE, OriginId(0)).unwrap();
        let sets = vec![set4("lan", &[("172.16.0.0", 12)]), met, filled("same", None)];
        let ruleset = ruleset_of(TableFamily::Inet, "ringwall", sets, vec![main]);
        for _ in 0..2 {
            apply(&ruleset).unwrap();
            let listed = list();
            for kept in [
                "192.0.2.1 counter packets 0 bytes 0 timeout 30m",
                "192.0.2.2",
                "192.0.2.3 timeout 30m expires 29m",
                "172.16.0.0/12",
                "counter packets 5 bytes 6 accept",
            ] {
                assert!(listed.contains(kept), "no {kept} in {listed}");
            }
            assert!(!listed.contains("10.0.0.0/8") && !listed.contains("/new"), "{listed}");
        }
    });
}

#[test]
fn other_contents_of_a_set_leave_the_rules_alone() {
    in_namespace("stages::other_contents_of_a_set_leave_the_rules_alone", || {
        let handles = || {
            let listed =
                Command::new("nft").args(["-a", "list", "chain", "inet", "ringwall", "main"]).output().unwrap();
            String::from_utf8(listed.stdout).unwrap()
        };
        let with =
            |lan: &[(&str, u8)], drafts| ruleset_of(TableFamily::Inet, "ringwall", vec![set4("lan", lan)], drafts);
        let drafts = || drafts(Hook::Input, ChainPolicy::Drop, vec![]);
        let first = apply(&with(&[("10.0.0.0", 8)], drafts())).unwrap();
        let before = handles();
        let again = with(&[("10.0.0.0", 9), ("192.168.0.0", 16)], drafts());
        assert_eq!(apply(&again).unwrap().rules, first.rules);
        assert_eq!(handles(), before);
        assert!(is_there(&again));
        // All values, and none.
        for lan in [IntervalSet::full(32), IntervalSet::EMPTY] {
            let lan = crate::rulesets::intervals("lan", Datatype::Ipv4Addr, lan);
            let again = ruleset_of(TableFamily::Inet, "ringwall", vec![lan], drafts());
            apply(&again).unwrap();
            assert!(is_there(&again));
        }
        assert_eq!(handles(), before);
    });
}
