// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets that others wrote in nft's own text: read from the kernel, installed, and the same to nft.

use ringwall_ir::{OriginId, Ruleset, Unknown};
use ringwall_kernel::install::{InstallError, apply, read_ruleset};

use crate::private::{flush, in_namespace, list, load};

fn read(text: &str) -> Ruleset {
    flush();
    load(text);
    read_ruleset().unwrap()
}

fn unknowns(ruleset: &Ruleset) -> Vec<String> {
    ruleset.unknowns().map(|(_, unknown)| unknown.text.clone()).collect()
}

#[test]
fn translations_by_maps_of_ports_and_idle_rules_come_again() {
    in_namespace("others::translations_by_maps_of_ports_and_idle_rules_come_again", || {
        let text = "table inet t {
            map m { type inet_service : inet_service; flags interval; elements = { 80-90 : 8080 }; }
            chain in {
                type nat hook prerouting priority dstnat
                meta l4proto tcp redirect to :tcp dport map { 80 : 8080, 81 : 8081 }
                meta l4proto tcp redirect to :tcp dport map @m fully-random,persistent
                meta l4proto udp redirect to :udp sport map { 5 : 6 } random
                ip saddr 10.0.0.1
                tcp dport { 22, 80-90 } ct state new
            }
            chain out {
                type nat hook postrouting priority srcnat
                meta l4proto tcp masquerade to :tcp sport map { 80 : 8080 } random
            }
        }\n";
        let ruleset = read(text);
        let wanted = list();
        assert_eq!(unknowns(&ruleset), [""; 0]);
        let printed = ruleset.to_string();
        assert!(printed.contains("redirect to :tcp dport map { 80 : 8080, 81 : 8081 }"), "{printed}");
        let idle = ruleset.chains().flat_map(|(_, chain)| chain.rules()).filter(|rule| !rule.acts());
        assert_eq!(idle.count(), 2, "{printed}");
        flush();
        apply(&ruleset).unwrap();
        assert_eq!(list(), wanted);
        assert_eq!(read_ruleset().unwrap(), ruleset);
    });
}

#[test]
fn an_element_that_is_bound_otherwise_than_its_set_is_unknown() {
    in_namespace("others::an_element_that_is_bound_otherwise_than_its_set_is_unknown", || {
        let text = |bound| {
            let elements = format!("elements = {{ 10.0.0.1 limit rate {bound}, 10.0.0.2 }}");
            format!("table ip t {{\nset s {{ type ipv4_addr; limit rate 5/second; {elements}; }}\n}}\n")
        };
        assert_eq!(unknowns(&read(&text("5/second"))), [""; 0]);
        assert_eq!(unknowns(&read(&text("9/second"))).len(), 1);
    });
}

#[test]
fn a_table_with_rules_of_iptables_is_left_alone() {
    in_namespace("others::a_table_with_rules_of_iptables_is_left_alone", || {
        let rule = ["-A", "INPUT", "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP"];
        let Ok(true) = std::process::Command::new("iptables-nft").args(rule).status().map(|status| status.success())
        else {
            eprintln!("skipped: no iptables-nft");
            return;
        };
        let before = list();
        let mine = |name: &str| {
            let table = ringwall_ir::Table::new(ringwall_ir::words::TableFamily::Ip, name, Default::default());
            apply(&Ruleset { tables: vec![table.unwrap()], ..Ruleset::default() })
        };
        assert!(matches!(mine("filter"), Err(InstallError::Iptables(_))));
        assert_eq!(list(), before);
        mine("nat").unwrap();
    });
}

#[test]
fn a_ruleset_with_an_unknown_is_refused_with_the_reason() {
    let unknown =
        |reason: &str| Unknown { name: "match x".to_owned(), text: "-m x".to_owned(), reason: reason.to_owned() };
    let refusal = |reason| {
        let ruleset = Ruleset { unknowns: vec![(OriginId(0), unknown(reason))], ..Ruleset::default() };
        apply(&ruleset).unwrap_err().to_string()
    };
    let plain = "the ruleset holds something that is not known: match x `-m x`";
    assert_eq!(refusal(""), plain);
    assert_eq!(refusal("it has no y"), format!("{plain}: it has no y"));
}

/// nft makes a set of a `meter` that belongs to its rule, and to the kernel it is a set as any.
#[test]
fn a_meter_is_a_set_that_its_rule_fills() {
    in_namespace("others::a_meter_is_a_set_that_its_rule_fills", || {
        let rule = "meter flood { ip saddr limit rate over 10/second } drop";
        let ruleset = read(&format!(
            "table inet t {{\nchain in {{\ntype filter hook input priority 0\ntcp dport {{ 1, 2 }} {rule}\n}}\n}}\n"
        ));
        assert_eq!(unknowns(&ruleset), [""; 0]);
        let [set] = ruleset.tables[0].sets() else { panic!("{ruleset}") };
        assert_eq!((set.name(), set.spec().flags.dynamic, set.spec().size), ("flood", true, Some(65535)));
        let printed = ruleset.to_string();
        assert!(
            printed.contains("add @flood { ip saddr limit rate over 10/second burst 5 packets } drop"),
            "{printed}"
        );
        flush();
        apply(&ruleset).unwrap();
        assert_eq!(read_ruleset().unwrap(), ruleset);
    });
}
