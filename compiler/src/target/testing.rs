// SPDX-License-Identifier: GPL-3.0-or-later
//! What the tests of the targets share: rulesets of all kinds, and the programs that must load their texts.

mod kernel;
pub mod packet;
pub mod samples;
pub mod strategy;

use ringwall_ir::words::{ChainPolicy, Hook, Priority, TableFamily};
use ringwall_ir::{Chain, IntervalSet, Match, Origin, OriginId, Ruleset, Set, SetKind, Statement, Table, Verdict};

use crate::compile;

pub use kernel::{Kernel, kernel};

/// The matches, statements and verdict of a rule.
pub type Parts = (Vec<Match>, Vec<Statement>, Option<Verdict>);

/// A ruleset of the own table's form. Each rule has a sentence of its own; illegal rules are left out.
pub fn ruleset(chains: Vec<(Hook, ChainPolicy, Vec<Parts>)>) -> Ruleset {
    let mut origins = vec![origin("networks", "network lan = 10.0.0.0/8, fd00::/8"), origin("end", "otherwise drop")];
    let mut built = Vec::new();
    for (hook, policy, rules) in chains {
        let mut chain = Chain::new(hook.name(), hook, Priority::RINGWALL_FILTER, policy, OriginId(1)).unwrap();
        for (matches, statements, verdict) in rules {
            let place = u32::try_from(origins.len()).unwrap();
            if chain.push(OriginId(place), matches, statements, verdict).is_ok() {
                origins.push(origin(&format!("s{place}"), &format!("sentence {place}")));
            }
        }
        built.push(chain);
    }
    let table = Table::new(TableFamily::Inet, "ringwall", sets(), built).unwrap();
    Ruleset { title: "policy test, edition 1".to_owned(), origins, tables: vec![table] }
}

fn origin(id: &str, text: &str) -> Origin {
    Origin { id: id.to_owned(), text: text.to_owned(), line: 1, because: None }
}

/// A short set, a long one and an empty one.
fn sets() -> Vec<Set> {
    let long: IntervalSet = (0..9).map(|i| (0xfd00_0000 << 96 | i << 64, 0xfd00_0000 << 96 | i << 64 | i)).collect();
    [
        ("ip4", SetKind::Ipv4, IntervalSet::prefix(10 << 24, 8, 32)),
        ("lan6", SetKind::Ipv6, long),
        ("none4", SetKind::Ipv4, IntervalSet::EMPTY),
    ]
    .map(|(name, kind, elements)| Set::new(name, kind, elements, OriginId(0)).unwrap())
    .to_vec()
}

/// The ruleset without the rules of some sentences.
pub fn without(ruleset: &Ruleset, origins: &[OriginId]) -> Ruleset {
    let table = &ruleset.tables[0];
    let chains = table.chains().iter().map(|chain| {
        let mut left =
            Chain::new(chain.name(), chain.hook(), chain.priority(), chain.policy(), chain.closing()).unwrap();
        for rule in chain.rules().iter().filter(|rule| !origins.contains(&rule.origin())) {
            left.push(rule.origin(), rule.matches().to_vec(), rule.statements().to_vec(), rule.verdict()).unwrap();
        }
        left
    });
    let chains = chains.collect();
    let table = Table::new(table.family(), table.name(), table.sets().to_vec(), chains).unwrap();
    Ruleset { tables: vec![table], ..ruleset.clone() }
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
