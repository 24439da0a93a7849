// SPDX-License-Identifier: GPL-3.0-or-later
//! Changes of the ruleset, and who made them.

use nix::unistd::gettid;
use ringwall_kernel::install::apply;
use ringwall_kernel::netlink::Wait;
use ringwall_kernel::watch::{Change, Deed, Thing, Watch};

use crate::private::{in_namespace, load, try_load};
use crate::rulesets::founding;

const TEXT: &str = "table ip t {
    set s { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
    chain c { type filter hook input priority 0; ip saddr @s drop; accept; }
}";

fn changes(watch: &mut Watch) -> Vec<Change> {
    std::iter::from_fn(|| watch.next_change(Wait::No).unwrap()).collect()
}

fn deed(added: bool, thing: Thing, name: &str, count: usize) -> Deed {
    Deed { added, thing, family: 2, table: "t".to_owned(), name: name.to_owned(), count }
}

#[test]
fn each_transaction_is_told_with_what_it_did_and_who_asked() {
    in_namespace("watch::each_transaction_is_told_with_what_it_did_and_who_asked", || {
        let mut watch = Watch::open().unwrap();
        assert_eq!(watch.next_change(Wait::No).unwrap(), None);
        load(TEXT);
        load("delete element ip t s { 10.0.0.2 }\nflush chain ip t c\n");
        assert!(try_load("add rule ip t absent accept").is_err());
        let seen = changes(&mut watch);
        let [first, second] = seen.as_slice() else { panic!("{seen:#?}") };
        assert_eq!((first.process.name.as_str(), second.generation), ("nft", first.generation + 1));
        let first: Vec<_> = first.deeds.clone();
        assert_eq!(
            first,
            [
                deed(true, Thing::Table, "", 1),
                deed(true, Thing::Chain, "c", 1),
                deed(true, Thing::Set, "s", 1),
                deed(true, Thing::Element, "s", 2),
                deed(true, Thing::Rule, "c", 2),
            ]
        );
        assert_eq!(second.deeds, [deed(false, Thing::Element, "s", 1), deed(false, Thing::Rule, "c", 2)]);
    });
}

#[test]
fn an_interval_is_one_element() {
    in_namespace("watch::an_interval_is_one_element", || {
        let mut watch = Watch::open().unwrap();
        load("table ip t {\nset s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 }; }\n}\n");
        load("delete element ip t s { 10.0.0.0/8 }\n");
        let [first, second] = &changes(&mut watch)[..] else { panic!("two changes") };
        assert_eq!(first.deeds.last(), Some(&deed(true, Thing::Element, "s", 2)));
        assert_eq!(second.deeds, [deed(false, Thing::Element, "s", 1)]);
    });
}

#[test]
fn sets_that_are_part_of_a_rule_are_not_told() {
    in_namespace("watch::sets_that_are_part_of_a_rule_are_not_told", || {
        load("table ip t {\nchain c { }\n}\n");
        let mut watch = Watch::open().unwrap();
        load(
            "add rule ip t c tcp dport { 1, 2 } accept\nadd chain ip t d\nadd rule ip t c ip saddr vmap { 10.0.0.1 : drop }\n",
        );
        load("flush chain ip t c\n");
        let [first, second] = &changes(&mut watch)[..] else { panic!("two changes") };
        assert_eq!(first.deeds, [deed(true, Thing::Rule, "c", 2), deed(true, Thing::Chain, "d", 1)]);
        assert_eq!(second.deeds, [deed(false, Thing::Rule, "c", 2)]);
    });
}

#[test]
fn what_is_there_already_is_not_told_as_added() {
    in_namespace("watch::what_is_there_already_is_not_told_as_added", || {
        load(TEXT);
        let mut watch = Watch::open().unwrap();
        let again = "add table ip t\nadd chain ip t c\nadd set ip t s { type ipv4_addr; }\n";
        load(again);
        load(&format!("{again}add rule ip t c drop\n"));
        load("add chain ip t c { policy drop; }\n");
        load("add chain ip t c { policy drop; }\n");
        load("delete table ip t\n");
        load(TEXT);
        let seen = changes(&mut watch);
        let [rule, policy, gone, anew] = &seen[..] else { panic!("{seen:#?}") };
        assert_eq!(rule.deeds, [deed(true, Thing::Rule, "c", 1)]);
        assert_eq!(policy.deeds, [deed(true, Thing::Chain, "c", 1)]);
        assert!(gone.deeds.contains(&deed(false, Thing::Table, "", 1)));
        assert!(anew.deeds.contains(&deed(true, Thing::Chain, "c", 1)), "{anew:#?}");
    });
}

#[test]
fn an_installation_is_told_as_that_of_this_thread() {
    in_namespace("watch::an_installation_is_told_as_that_of_this_thread", || {
        let mut watch = Watch::open().unwrap();
        apply(&founding()).unwrap();
        let seen = changes(&mut watch);
        assert!(!seen.is_empty());
        for change in seen {
            assert_eq!(change.process.pid, u32::try_from(gettid().as_raw()).unwrap());
            assert!(!change.deeds.is_empty());
        }
    });
}
