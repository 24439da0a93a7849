// SPDX-License-Identifier: GPL-3.0-or-later
//! What the tests of the targets share: rulesets of all kinds, and the programs that must load their texts.

pub mod bytecode;
mod kernel;
pub mod packet;
pub mod samples;
mod tally;

use std::collections::BTreeSet;

use ringwall_ir::words::{ChainPolicy, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Datatype, Elements, IntervalSet, KeyType, Origin, OriginId, Rule, Ruleset, Set, SetSpec, Step,
    Table, TableParts, Verdict,
};

use super::Unsayable;
use crate::compile;

pub use kernel::{Kernel, kernel};
pub use tally::Tally;

/// The steps and the verdict of a rule.
pub type Parts = (Vec<Step>, Option<Verdict>);

/// A ruleset of the own table's form. Each rule has a sentence of its own; illegal rules are left out.
pub fn ruleset(chains: Vec<(Hook, ChainPolicy, Vec<Parts>)>) -> Ruleset {
    let mut origins = vec![origin("networks", "network lan = 10.0.0.0/8, fd00::/8"), origin("end", "otherwise drop")];
    let mut built = Vec::new();
    for (hook, policy, rules) in chains {
        let base = BaseChain::filter(hook, Priority::RINGWALL_FILTER, policy, OriginId(1));
        let mut chain = Chain::base(hook.name(), base).unwrap();
        for (steps, verdict) in rules {
            let place = u32::try_from(origins.len()).unwrap();
            if chain.push(OriginId(place), steps, verdict).is_ok() {
                origins.push(origin(&format!("s{place}"), &format!("sentence {place}")));
            }
        }
        built.push(chain);
    }
    let parts = TableParts { sets: sets(), chains: built, ..TableParts::default() };
    let table = Table::new(TableFamily::Inet, "ringwall", parts).unwrap();
    Ruleset { title: "policy test, edition 1".to_owned(), origins, tables: vec![table], unknowns: Vec::new() }
}

/// A sentence with no more than an id and words.
pub fn origin(id: &str, text: &str) -> Origin {
    Origin { id: id.to_owned(), text: text.to_owned(), line: 1, ..Origin::default() }
}

/// A short set, a long one and an empty one.
fn sets() -> Vec<Set> {
    let long: IntervalSet = (0..9).map(|i| (0xfd00_0000 << 96 | i << 64, 0xfd00_0000 << 96 | i << 64 | i)).collect();
    [
        ("ip4", Datatype::Ipv4Addr, IntervalSet::prefix(10 << 24, 8, 32)),
        ("lan6", Datatype::Ipv6Addr, long),
        ("none4", Datatype::Ipv4Addr, IntervalSet::EMPTY),
    ]
    .map(|(name, datatype, elements)| {
        let spec = SetSpec::intervals(KeyType::Of(datatype));
        Set::new(name, spec, Elements::Intervals(elements), OriginId(0)).unwrap()
    })
    .to_vec()
}

/// The ruleset without the rules of some sentences.
pub fn without(ruleset: &Ruleset, origins: &[OriginId]) -> Ruleset {
    only(ruleset, |_, _| true, |_, rule| !origins.contains(&rule.origin()))
}

/// The ruleset without the sets that a target cannot say, the rules that speak of them, and the other rules that it
/// cannot say.
pub fn sayable(ruleset: Ruleset, unsayable: impl Fn(&Ruleset) -> Vec<Unsayable>) -> Ruleset {
    let mut refused = BTreeSet::new();
    for table in &ruleset.tables {
        for set in table.sets() {
            let parts = TableParts {
                sets: vec![set.clone()],
                chains: table.chains().iter().filter_map(|chain| Chain::regular(chain.name()).ok()).collect(),
                objects: table.objects().to_vec(),
                ..TableParts::default()
            };
            let alone = Table::new(table.family(), table.name(), parts).unwrap();
            let alone = Ruleset { tables: vec![alone], ..ruleset.clone() };
            if !unsayable(&alone).is_empty() {
                refused.insert((table.name().to_owned(), set.name().to_owned()));
            }
        }
    }
    let speaks_of_refused = |table: &Table, rule: &Rule| {
        let words = format!("{rule} ");
        refused
            .iter()
            .any(|(of, set)| of == table.name() && [" ", ":"].iter().any(|end| words.contains(&format!("@{set}{end}"))))
    };
    let is_refused = |table: &Table, set: &Set| refused.contains(&(table.name().to_owned(), set.name().to_owned()));
    let left = only(&ruleset, |table, set| !is_refused(table, set), |table, rule| !speaks_of_refused(table, rule));
    let origins: Vec<_> = unsayable(&left).into_iter().map(|each| each.origin).collect();
    without(&left, &origins)
}

/// The ruleset with only some of its sets and rules.
fn only(
    ruleset: &Ruleset,
    set_stays: impl Fn(&Table, &Set) -> bool,
    rule_stays: impl Fn(&Table, &Rule) -> bool,
) -> Ruleset {
    let tables = ruleset.tables.iter().map(|table| {
        let left = |chain: &Chain| {
            let mut left = match chain.bound() {
                Some(base) => Chain::base(chain.name(), *base).unwrap(),
                None => Chain::regular(chain.name()).unwrap(),
            };
            for rule in chain.rules().iter().filter(|rule| rule_stays(table, rule)) {
                left.add(rule.clone()).unwrap();
            }
            left
        };
        let chains = table.chains().iter().map(left).collect();
        let sets = table.sets().iter().filter(|set| set_stays(table, set)).cloned().collect();
        let parts = TableParts { chains, sets, ..table.clone().into_parts() };
        Table::new(table.family(), table.name(), parts).unwrap()
    });
    Ruleset { tables: tables.collect(), ..ruleset.clone() }
}

/// The founding example of stateful filtering.
pub fn founding() -> Ruleset {
    compiled("seed", "permit new, established outbound\npermit established inbound\n")
}

/// A policy with a bit of everything.
pub fn laptop() -> Ruleset {
    compiled("laptop", LAPTOP)
}

const LAPTOP: &str = r#"policy laptop edition 1

network lan = 192.168.1.0/24, fd00:1::/64
network servers = 10.0.0.1, 10.0.0.5-10.0.0.9, 10.0.1.0/24, 10.0.3.0/24, 10.0.5.0/24

[loopback] permit new, established, related, invalid, untracked inbound on lo
[neighbours] allow inbound icmpv6 nd-neighbor-solicit, icmpv6 nd-neighbor-advert hop limit 255
[errors] permit related inbound icmp destination-unreachable, icmp time-exceeded, icmp parameter-problem
allow outbound
permit established inbound
allow inbound ssh from lan               because "remote admin from home"
[web] allow inbound tcp 80, 443, 8000-8080 from servers on eth0, wlan*
reject with admin-prohibited inbound udp 53 from not lan, log as "dns"
otherwise drop inbound, log as "in-drop"
"#;

fn compiled(name: &str, text: &str) -> Ruleset {
    let (compiled, findings) = compile(name, text);
    compiled.unwrap_or_else(|| panic!("{findings:#?}")).ruleset
}

/// Compares a text with its snapshot in the directory for targets.
pub fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/target"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
