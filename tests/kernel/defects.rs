// SPDX-License-Identifier: GPL-3.0-or-later
//! Defects put in on purpose, and caught.
//!
//! A verification that finds nothing is worth what it would have found. Five defects, each a slip that such compilers
//! have had: a mask, a port's edge, a family, a state's bit, an order. Each is put into the lowering (the IR), the writers
//! (nft text, iptables text) and the installation (what goes over netlink) of one policy, and `verify` must see it there.

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::target::{iptables, nft};
use ringwall_compiler::verify::{Batch, Subject, verify};
use ringwall_compiler::{Compiled, compile, probe};
use ringwall_ir::words::{CtState, Family};
use ringwall_ir::{Chain, Elements, Field, IntervalSet, Match, Rule, Ruleset, Set, Step, Table, TableParts, Values};
use ringwall_kernel::namespace::{Form, KernelBackend, Load};
use ringwall_runtime::compare::draw::draw;

use super::loads;
use crate::support::{skip, test};

const POLICY: &str = "policy sound edition 1
network lan = 192.168.1.0/24, fd00:1::/64
allow inbound icmpv6 nd-redirect
drop invalid inbound
allow outbound
permit established inbound
allow inbound ssh from lan
";

/// One slip.
struct Defect {
    name: &'static str,
    /// In the IR.
    rule: fn(&Rule) -> Vec<Step>,
    set: fn(&Set) -> Elements,
    /// Rules of chain input that change places.
    swapped: Option<(usize, usize)>,
    /// In the text of nft: what is found, and what stands in its place.
    nft: (&'static str, &'static str),
    /// In the text of iptables, or ip6tables.
    iptables: (&'static str, &'static str),
}

const SOUND: Defect = Defect {
    name: "none",
    rule: |rule| rule.steps().to_vec(),
    set: |set| set.elements().clone(),
    swapped: None,
    nft: ("", ""),
    iptables: ("", ""),
};

const DEFECTS: [Defect; 5] = [
    Defect {
        name: "a mask",
        set: |set| {
            if set.name() == "lan_v4" {
                Elements::Intervals(IntervalSet::prefix(0xc0a8_0000, 23, 32))
            } else {
                set.elements().clone()
            }
        },
        nft: ("192.168.1.0/24", "192.168.0.0/23"),
        iptables: ("192.168.1.0/24", "192.168.0.0/23"),
        ..SOUND
    },
    Defect {
        name: "a port's edge",
        rule: |rule| changed(rule, Field::TcpDport, IntervalSet::range(22, 23)),
        nft: ("dport 22 ", "dport 22-23 "),
        iptables: ("--dport 22 ", "--dport 22:23 "),
        ..SOUND
    },
    Defect {
        name: "a family",
        set: |set| if set.name() == "lan_v6" { Elements::NONE } else { set.elements().clone() },
        nft: ("fd00:1::/64", "fd00:2::/64"),
        iptables: ("fd00:1::/64", "fd00:2::/64"),
        ..SOUND
    },
    Defect {
        name: "a state's bit",
        rule: more_states,
        nft: ("ct state established accept", "ct state new,established accept"),
        iptables: ("--ctstate ESTABLISHED -j", "--ctstate NEW,ESTABLISHED -j"),
        ..SOUND
    },
    Defect {
        name: "an order",
        swapped: Some((0, 1)),
        nft: ("icmpv6 type nd-redirect accept", "ct state invalid drop; icmpv6 type nd-redirect accept"),
        iptables: ("-A INPUT -p ipv6-icmp", "-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -p ipv6-icmp"),
        ..SOUND
    },
];

/// A test for each defect at each place.
pub fn tests() -> Vec<Trial> {
    let mut tests = vec![test("kernel::defects", "the policy without a defect verifies", sound)];
    for defect in &DEFECTS {
        let name = |place: &str| format!("{} in {place} is caught", defect.name);
        tests.push(test("kernel::defects", &name("the lowering"), move || in_lowering(defect)));
        tests.push(test("kernel::defects", &name("nft text"), move || in_nft(defect)));
        tests.push(test("kernel::defects", &name("iptables text"), move || in_iptables(defect)));
        tests.push(test("kernel::defects", &name("the installation"), move || in_installation(defect)));
    }
    tests
}

fn changed(rule: &Rule, field: Field, values: IntervalSet) -> Vec<Step> {
    let change = |step: &Step| match step.test() {
        Some(Match::In { selector, negated, .. }) if selector.field() == field => {
            Match::In { selector: *selector, values: Values::Inline(values.clone()), negated: *negated }.into()
        }
        _ => step.clone(),
    };
    rule.steps().iter().map(change).collect()
}

fn more_states(rule: &Rule) -> Vec<Step> {
    let established = u128::from(CtState::Established.bit());
    let change = |step: &Step| match step.test().and_then(Match::bits) {
        Some((field, bits)) if bits == established => {
            Match::any_of(field, established | u128::from(CtState::New.bit())).into()
        }
        _ => step.clone(),
    };
    rule.steps().iter().map(change).collect()
}

fn compiled() -> Compiled {
    let (compiled, findings) = compile("sound", POLICY);
    compiled.unwrap_or_else(|| panic!("{findings:?}"))
}

/// The ruleset with the defect in it.
fn broken(ruleset: &Ruleset, defect: &Defect) -> Ruleset {
    let remade = |table: &Table| {
        let sets = table.sets().iter().map(|set| {
            Set::new(set.name(), set.spec().clone(), (defect.set)(set), set.origin()).expect("the set was good before")
        });
        let chains = table.chains().iter().map(|chain| remade_chain(chain, defect));
        let parts = TableParts { sets: sets.collect(), chains: chains.collect(), ..TableParts::default() };
        Table::new(table.family(), table.name(), parts).expect("the table was good before")
    };
    Ruleset { tables: ruleset.tables.iter().map(remade).collect(), ..ruleset.clone() }
}

fn remade_chain(chain: &Chain, defect: &Defect) -> Chain {
    let mut rules: Vec<_> = chain.rules().iter().collect();
    if let Some((one, other)) = defect.swapped.filter(|_| chain.name() == "input") {
        rules.swap(one, other);
    }
    let base = chain.bound().expect("a policy has base chains only");
    let mut remade = Chain::base(chain.name(), *base).expect("good before");
    for rule in rules {
        remade.push(rule.origin(), (defect.rule)(rule), rule.verdict().cloned()).expect("the defect is legal");
    }
    remade
}

/// How many packets `verify` finds decided otherwise, and by whom; none where there is no kernel to ask.
fn found(compiled: &Compiled, kernel: Option<Load>) -> Result<Option<usize>, Failed> {
    let regions = probe::regions(&compiled.policy);
    let host = probe::host(&regions);
    let traffic = draw(&host, &regions, 0, 1);
    let mut others: Vec<_> = kernel.map(|load| KernelBackend::new("kernel", load)).into_iter().collect();
    let subject = Subject { ruleset: &compiled.ruleset, policy: Some(&compiled.policy) };
    let report = verify(subject, &[Batch { host, traffic }], &mut others, &mut |_| ())?;
    if let Some(reason) = report.backends.iter().find_map(|backend| backend.unavailable.as_ref()) {
        skip("defects in the kernel", reason);
        return Ok(None);
    }
    Ok(Some(report.differences()))
}

fn must_be_caught(found: Option<usize>) -> Result<(), Failed> {
    if found == Some(0) { Err("nothing was found".into()) } else { Ok(()) }
}

fn sound() -> Result<(), Failed> {
    let compiled = compiled();
    for load in
        [nft_load(&compiled, ("", ""))?, iptables_load_of(&compiled, ("", ""))?, Load::netlink(&compiled.ruleset)]
    {
        if let Some(differences @ 1..) = found(&compiled, Some(load))? {
            return Err(format!("{differences} differences").into());
        }
    }
    Ok(())
}

fn in_lowering(defect: &Defect) -> Result<(), Failed> {
    let compiled = compiled();
    let ruleset = broken(&compiled.ruleset, defect);
    must_be_caught(found(&Compiled { ruleset, ..compiled }, None)?)
}

fn in_nft(defect: &Defect) -> Result<(), Failed> {
    let compiled = compiled();
    let load = nft_load(&compiled, defect.nft)?;
    must_be_caught(found(&compiled, Some(load))?)
}

fn in_iptables(defect: &Defect) -> Result<(), Failed> {
    let compiled = compiled();
    let load = iptables_load_of(&compiled, defect.iptables)?;
    must_be_caught(found(&compiled, Some(load))?)
}

fn in_installation(defect: &Defect) -> Result<(), Failed> {
    let compiled = compiled();
    let load = Load::netlink(&broken(&compiled.ruleset, defect));
    must_be_caught(found(&compiled, Some(load))?)
}

fn nft_load(compiled: &Compiled, (right, wrong): (&str, &str)) -> Result<Load, Failed> {
    let text = nft::write(&compiled.ruleset).map_err(|refused| format!("{refused:?}"))?;
    let text = replaced(&text, right, wrong)?;
    let mut load = Load::nft(&text, &compiled.ruleset);
    if wrong.contains(';') {
        // One rule more than the IR has: the origins behind it would be those of their neighbours.
        load.chains.clear();
    }
    Ok(load)
}

fn iptables_load_of(compiled: &Compiled, (right, wrong): (&str, &str)) -> Result<Load, Failed> {
    let [v4, v6] = Family::ALL.map(|family| iptables::write(&compiled.ruleset, family, iptables::Options::default()));
    let (v4, v6) = (v4.map_err(|refused| format!("{refused:?}"))?, v6.map_err(|refused| format!("{refused:?}"))?);
    let mut load = Load::iptables(loads::restored(v4, Family::Ipv4), loads::restored(v6, Family::Ipv6));
    if let Form::Iptables { v4, v6, .. } = &mut load.form {
        let both = replaced(&format!("{v4}\0{v6}"), right, wrong)?;
        let (first, second) = both.split_once('\0').unwrap_or_default();
        (*v4, *v6) = (first.to_owned(), second.to_owned());
    }
    if wrong.contains('\n') {
        load.chains.clear();
    }
    Ok(load)
}

/// The text with the defect in it. A defect that finds no place is no defect.
fn replaced(text: &str, right: &str, wrong: &str) -> Result<String, Failed> {
    if text.contains(right) {
        Ok(text.replace(right, wrong))
    } else {
        Err(format!("`{right}` is not in\n{text}").into())
    }
}
