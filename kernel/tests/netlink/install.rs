// SPDX-License-Identifier: GPL-3.0-or-later
//! Installing, and replacing what is there.

use std::process::Command;
use std::thread;

use ringwall_ir::fields::Field;
use ringwall_ir::words::{ChainPolicy, Hook, Refusal, TableFamily};
use ringwall_ir::{Datatype, IntervalSet, Ruleset, Step, Verdict};
use ringwall_kernel::install::{InstallError, Part, apply, normal, read_back};

use crate::private::{flush, in_namespace, list, load};
use crate::rulesets::{Draft, accept_from, accept_one, founding, intervals, refused, ruleset, ruleset_of, set4};

const FOUNDING: &str = r#"
table inet ringwall {
    chain output {
        type filter hook output priority -10; policy drop;
        ct state established,new accept comment "s1"
        drop comment "closing"
    }
    chain input {
        type filter hook input priority -10; policy drop;
        ct state established accept comment "s3"
        drop comment "closing"
    }
}
"#;

/// Installs a ruleset of one table, and expects it to be there as if nothing had been there before.
fn install(ruleset: &Ruleset) {
    apply(ruleset).unwrap();
    let table = &ruleset.tables[0];
    let read = read_back(table.family(), table.name()).unwrap().unwrap();
    assert_eq!(vec![read], normal(ruleset).unwrap());
}

/// The handle of the table: another one after it was deleted.
fn table_handle() -> String {
    let listed = Command::new("nft").args(["-a", "list", "ruleset"]).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    text.lines().find(|line| line.starts_with("table inet ringwall")).unwrap().to_owned()
}

#[test]
fn the_founding_policy_is_what_nft_loads() {
    in_namespace("install::the_founding_policy_is_what_nft_loads", || {
        load(FOUNDING);
        let through_nft = list();
        flush();
        assert_eq!(apply(&founding()).unwrap().rules, 4);
        assert_eq!(list(), through_nft);
        install(&founding());
    });
}

#[test]
fn the_same_again_changes_nothing() {
    in_namespace("install::the_same_again_changes_nothing", || {
        let rules = vec![accept_from(Field::IpSaddr, "lan"), accept_one(Field::TcpDport, 22)];
        let ruleset = ruleset(vec![set4("lan", &[("10.0.0.0", 8), ("192.168.0.0", 24)])], vec![(Hook::Input, rules)]);
        install(&ruleset);
        let (listed, handle) = (list(), table_handle());
        install(&ruleset);
        assert_eq!(list(), listed);
        assert_eq!(table_handle(), handle);
    });
}

#[test]
fn what_was_there_is_replaced_and_other_tables_stay() {
    in_namespace("install::what_was_there_is_replaced_and_other_tables_stay", || {
        let foreign = "table inet other {\n\tset ringwall {\n\t\ttype ipv4_addr\n\t}\n\n\tchain input {\n\t\ttype filter \
                       hook input priority filter; policy accept;\n\t\ttcp dport { 1, 2 } accept\n\t}\n}\n";
        load(foreign);
        let before = ruleset(
            vec![set4("lan", &[("10.0.0.0", 8)]), set4("old", &[("10.0.0.0", 9)])],
            vec![(Hook::Input, vec![accept_from(Field::IpSaddr, "lan"), accept_from(Field::IpSaddr, "old")])],
        );
        install(&before);
        let handle = table_handle();
        let after = ruleset(
            vec![set4("lan", &[("172.16.0.0", 12)]), set4("new", &[])],
            vec![
                (Hook::Input, vec![accept_from(Field::IpDaddr, "lan")]),
                (Hook::Forward, vec![accept_from(Field::IpDaddr, "new")]),
            ],
        );
        install(&after);
        assert_eq!(table_handle(), handle);
        assert!(list().starts_with(foreign), "{}", list());
        install(&founding());
        assert_eq!(list().matches("set ").count(), 1, "{}", list());
    });
}

#[test]
fn what_cannot_stay_is_made_anew() {
    in_namespace("install::what_cannot_stay_is_made_anew", || {
        load(
            "table inet ringwall {
                flags dormant;
                set lan { type inet_service; elements = { 22 }
                }
                set met { type ipv4_addr; flags dynamic,timeout; timeout 1h;
                }
                map to { type ipv4_addr : verdict;
                }
                chain input { type nat hook input priority 100; policy accept;
                }
                chain output { type filter hook output priority 5; policy accept;
                }
                chain helper { tcp dport @lan accept
                }
                chain forward { type filter hook forward priority -10; policy accept; jump helper
                }
            }",
        );
        let drafts = [Hook::Input, Hook::Output, Hook::Forward].map(|hook| {
            Draft::closed(hook, vec![accept_from(Field::IpSaddr, "lan"), accept_from(Field::IpDaddr, "met")])
        });
        let sets = vec![set4("lan", &[("10.0.0.0", 8)]), set4("met", &[])];
        install(&ruleset_of(TableFamily::Inet, "ringwall", sets, drafts.into()));
        assert!(!list().contains("dormant") && !list().contains("helper"), "{}", list());
    });
}

#[test]
fn chain_policies_change_in_their_place() {
    in_namespace("install::chain_policies_change_in_their_place", || {
        for policy in [ChainPolicy::Accept, ChainPolicy::Drop, ChainPolicy::Accept] {
            let draft = Draft { policy, ..Draft::closed(Hook::Input, vec![accept_one(Field::UdpDport, 53)]) };
            install(&ruleset_of(TableFamily::Inet, "ringwall", vec![], vec![draft]));
            assert_eq!(list().contains("closing"), policy == ChainPolicy::Drop);
        }
    });
}

#[test]
fn tables_of_one_family() {
    in_namespace("install::tables_of_one_family", || {
        let reject = |steps: Vec<Step>, refusal| (steps, Some(Verdict::Reject(refusal)));
        let shared = || {
            let kinds =
                [Refusal::PortUnreachable, Refusal::HostUnreachable, Refusal::NetUnreachable, Refusal::AdminProhibited];
            let mut rules: Vec<_> = kinds.into_iter().map(|kind| reject(vec![], kind)).collect();
            rules.push(accept_one(Field::TcpDport, 22));
            rules.push(reject(accept_one(Field::TcpDport, 113).0, Refusal::TcpReset));
            rules
        };
        let (mut v4, mut v6) = (shared(), shared());
        v4.push(reject(vec![], Refusal::HostProhibited));
        v4.push(accept_one(Field::IpSaddr, 1));
        v4.push(accept_one(Field::IcmpType, 8));
        v6.push(accept_one(Field::Ip6Saddr, 1));
        v6.push(accept_one(Field::Icmpv6Type, 128));
        load(
            r#"table ip ringwall { chain input { type filter hook input priority -10; policy drop;
                reject with icmp port-unreachable comment "s1"
                reject with icmp host-unreachable comment "s2"
                reject with icmp net-unreachable comment "s3"
                reject with icmp admin-prohibited comment "s4"
                tcp dport 22 accept comment "s5"
                tcp dport 113 reject with tcp reset comment "s6"
                reject with icmp host-prohibited comment "s7"
                ip saddr 0.0.0.1 accept comment "s8"
                icmp type echo-request accept comment "s9"
                drop comment "closing"
            }
            }
            table ip6 ringwall { chain input { type filter hook input priority -10; policy drop;
                reject with icmpv6 port-unreachable comment "s1"
                reject with icmpv6 addr-unreachable comment "s2"
                reject with icmpv6 no-route comment "s3"
                reject with icmpv6 admin-prohibited comment "s4"
                tcp dport 22 accept comment "s5"
                tcp dport 113 reject with tcp reset comment "s6"
                ip6 saddr ::1 accept comment "s7"
                icmpv6 type echo-request accept comment "s8"
                drop comment "closing"
            }
            }"#,
        );
        let through_nft = list();
        flush();
        install(&ruleset_of(TableFamily::Ip, "ringwall", vec![], vec![Draft::closed(Hook::Input, v4)]));
        install(&ruleset_of(TableFamily::Ip6, "ringwall", vec![], vec![Draft::closed(Hook::Input, v6)]));
        assert_eq!(list(), through_nft);
    });
}

#[test]
fn a_refusal_names_the_sentence_and_changes_nothing() {
    in_namespace("install::a_refusal_names_the_sentence_and_changes_nothing", || {
        install(&founding());
        let before = list();
        let (wrong, met) = refused();
        let rules = vec![accept_one(Field::TcpDport, 22), wrong];
        let refusing = ruleset(vec![met], vec![(Hook::Postrouting, rules)]);
        let error = apply(&refusing).unwrap_err();
        let InstallError::Refused { first, .. } = &error else { panic!("{error}") };
        let sentence = "sentence 1 of postrouting".to_owned();
        let origin = first.part.origin();
        assert_eq!(first.part, Part::Rule { chain: "postrouting".to_owned(), id: "s2".to_owned(), sentence, origin });
        assert_eq!(origin.and_then(|origin| refusing.origin(origin)).unwrap().id, "s2");
        let text = "the kernel refuses `sentence 1 of postrouting` (in chain `postrouting`): ";
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(list(), before);
    });
}

#[test]
fn a_rule_with_too_many_steps_is_refused_before_it_is_sent() {
    in_namespace("install::a_rule_with_too_many_steps_is_refused_before_it_is_sent", || {
        let test = accept_one(Field::TcpDport, 22).0.remove(0);
        let rule = (vec![test; 70], Some(Verdict::Accept));
        let error = apply(&ruleset(vec![], vec![(Hook::Input, vec![rule])])).unwrap_err();
        assert!(matches!(error, InstallError::TooLong(_)), "{error}");
    });
}

#[test]
fn without_the_capability_nothing_is_tried() {
    in_namespace("install::without_the_capability_nothing_is_tried", || {
        let nobody = nix::unistd::Uid::from_raw(65534);
        if let Err(error) = nix::unistd::setresuid(nobody, nobody, nobody) {
            eprintln!("skipped: an ordinary user cannot become another: {error}");
            return;
        }
        let error = apply(&founding()).unwrap_err();
        assert!(matches!(error, InstallError::NotPermitted), "{error}");
        let error = read_back(TableFamily::Inet, "ringwall").unwrap_err();
        assert!(error.to_string().contains("CAP_NET_ADMIN"), "{error}");
    });
}

#[test]
fn others_may_install_at_the_same_time() {
    in_namespace("install::others_may_install_at_the_same_time", || {
        let tables = ["one", "two"].map(|name| {
            let rules = (1..200).map(|port| accept_one(Field::TcpDport, port)).collect();
            ruleset_of(TableFamily::Inet, name, vec![], vec![Draft::closed(Hook::Input, rules)])
        });
        let tries: Vec<_> = thread::scope(|scope| {
            let installers: Vec<_> = tables
                .iter()
                .map(|table| scope.spawn(|| (0..50).map(|_| apply(table).unwrap().tries).sum::<u32>()))
                .collect();
            installers.into_iter().map(|installer| installer.join().unwrap()).collect()
        });
        eprintln!("tries for 50 times each: {tries:?}");
        tables.iter().for_each(install);
    });
}

#[test]
fn many_rules_and_elements_are_installed_and_come_back() {
    in_namespace("install::many_rules_and_elements_are_installed_and_come_back", || {
        let many = |more: u128| {
            let rules = (0..20_000).map(|i| accept_one(Field::IpSaddr, i * 7 + more)).collect();
            let elements: IntervalSet = (0..30_000u128).map(|i| (i * 16, i * 16 + 3 + more)).collect();
            ruleset(vec![intervals("many", Datatype::Ipv4Addr, elements)], vec![(Hook::Input, rules)])
        };
        // The first time, the same again, and then everything is another.
        let ruleset = many(1);
        for ruleset in [&many(0), &many(0), &ruleset] {
            let start = std::time::Instant::now();
            let applied = apply(ruleset).unwrap();
            eprintln!("{} rules and 60,000 elements in {:?}", applied.rules, start.elapsed());
        }
        let start = std::time::Instant::now();
        let read = read_back(TableFamily::Inet, "ringwall").unwrap().unwrap();
        eprintln!("read back in {:?}", start.elapsed());
        assert_eq!(vec![read], normal(&ruleset).unwrap());
    });
}
