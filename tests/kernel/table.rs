// SPDX-License-Identifier: GPL-3.0-or-later
//! The walk over the declared table: every row, in every back end, against the kernel.
//!
//! Each sample of a row is a ruleset of one rule a hook. It is loaded into the kernel as nft text, as iptables text and
//! over netlink, and met with packets from the edges of the rule. Machine and kernel must say the same of each, and the
//! rule must have decided some of them and left others alone: an agreement about nothing proves nothing.

mod fields;
mod variety;
mod words;

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::probe;
use ringwall_ir::fields::{Cell, Cells, FIELDS, WORDS};
use ringwall_ir::words::{ChainPolicy, Direction, Hook, Priority, TableFamily};
use ringwall_ir::{BaseChain, Chain, Match, Origin, OriginId, Ruleset, Step, Table, TableParts, Verdict};
use ringwall_runtime::compare::Backend;
use ringwall_runtime::compare::difference::{Difference, differences};
use ringwall_runtime::compare::draw::draw;
use ringwall_runtime::compare::region::Region;
use ringwall_runtime::engine::{Interpreter, MachineBackend};
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::Observation;
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::Traffic;

use super::loads;
use crate::support::{skip, test};

/// The rule of a sample; `POLICY` is the origin of the chain policy.
const POLICY: OriginId = OriginId(0);
const RULE: OriginId = OriginId(1);

/// A test for each row that the machine can run, and one that says which it cannot.
pub fn tests() -> Vec<Trial> {
    let fields = FIELDS.iter().filter(|row| row.cells.machine == Cell::Handled);
    let fields =
        fields.map(|row| test("kernel::table", row.name, move || walk(row.name, &row.cells, fields::samples(row))));
    let words = WORDS.iter().filter(|row| row.cells.machine == Cell::Handled);
    let words =
        words.map(|row| test("kernel::table", row.name, move || walk(row.name, &row.cells, words::samples(row.word))));
    fields.chain(words).chain([test("kernel::table", "every cell has a reason", reasons)]).collect()
}

fn reasons() -> Result<(), Failed> {
    let fields = FIELDS.iter().map(|row| (row.name, row.cells));
    for (name, cells) in fields.chain(WORDS.iter().map(|row| (row.name, row.cells))) {
        for (column, cell) in cells.columns() {
            match cell.reason() {
                Some("") => return Err(format!("`{name}` is unsupported in {column} without a reason").into()),
                Some(reason) if column == "machine" => println!("not walked: `{name}`, for {reason}"),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A rule on the way to the rule of a sample.
type Earlier = (BaseChain, Vec<Step>, Option<Verdict>);

/// One rule, for every hook that it is legal at.
struct Sample {
    steps: Vec<Step>,
    verdict: Option<Verdict>,
    parts: TableParts,
    policy: ChainPolicy,
    /// What packets meet before, each in a chain of its own.
    earlier: Vec<Earlier>,
    /// Where it stands alone, instead of at every hook.
    hook: Option<Hook>,
    /// It may decide about no packet, or about all.
    may_be_idle: bool,
    /// What the kernel may be built without.
    module: Option<&'static str>,
    /// Why iptables text, which can be written of it, does something else.
    not_in_iptables: Option<&'static str>,
    /// Why nf_tables does not take it.
    not_in_nf_tables: Option<&'static str>,
}

impl Sample {
    fn dropping(matches: Vec<Match>) -> Self {
        let steps = matches.into_iter().map(Step::from).collect();
        Self {
            steps,
            verdict: Some(Verdict::Drop),
            parts: TableParts::default(),
            policy: ChainPolicy::Accept,
            earlier: Vec::new(),
            hook: None,
            may_be_idle: false,
            module: None,
            not_in_iptables: None,
            not_in_nf_tables: None,
        }
    }

    fn ruleset(&self) -> Ruleset {
        let mut parts = self.parts.clone();
        for direction in Direction::ALL {
            let hook = direction.hook();
            let base = BaseChain::filter(hook, Priority::RINGWALL_FILTER, self.policy, POLICY);
            let mut chain = Chain::base(hook.name(), base).expect("a good name");
            let stands = self.hook.is_none_or(|only| only == hook);
            if stands && chain.push(RULE, self.steps.clone(), self.verdict.clone()).is_ok() {
                parts.chains.push(chain);
            }
        }
        for (number, (base, steps, verdict)) in self.earlier.iter().enumerate() {
            let mut chain = Chain::base(&format!("earlier{number}"), *base).expect("a good name");
            chain.push(POLICY, steps.clone(), verdict.clone()).expect("a good rule");
            parts.chains.push(chain);
        }
        let table = Table::new(TableFamily::Inet, "ringwall", parts).expect("a good table");
        let origin = |id: &str| Origin { id: id.to_owned(), text: id.to_owned(), line: 1, ..Origin::default() };
        Ruleset {
            title: "sample".to_owned(),
            origins: vec![origin("policy"), origin("rule")],
            tables: vec![table],
            unknowns: Vec::new(),
        }
    }
}

fn walk(name: &str, cells: &Cells, samples: Vec<Sample>) -> Result<(), Failed> {
    let mut said = 0;
    for sample in &samples {
        let ruleset = sample.ruleset();
        said += usize::from(agree(name, &ruleset, cells, sample)?);
    }
    if cells.iptables == Cell::Handled && said == 0 {
        return Err(format!("no sample of `{name}` could be said in iptables").into());
    }
    Ok(())
}

/// Whether the ruleset could be said in iptables. An error where machine and kernel differ.
fn agree(name: &str, ruleset: &Ruleset, cells: &Cells, sample: &Sample) -> Result<bool, Failed> {
    let host = host();
    let mut traffic = draw(&host, &Region::of_ruleset(ruleset), 0, 1);
    traffic.packets.extend(variety::packets(&host));
    let mut machine = MachineBackend::new("machine", || Interpreter::new(ruleset));
    let reference = machine.run(&host, &traffic)?;
    let by_rule = reference.iter().filter(|seen| seen.origin == Some(RULE)).count();
    if !sample.may_be_idle && (by_rule == 0 || by_rule == reference.len()) {
        return Err(
            format!("vacuous: {by_rule} of {} packets were decided by the rule\n{ruleset}", reference.len()).into()
        );
    }
    let mut cells = *cells;
    if let Some(reason) = sample.not_in_nf_tables {
        println!("not walked in nft and over netlink: {reason}");
        (cells.nft, cells.netlink) = (Cell::Unsupported(reason), Cell::Unsupported(reason));
    }
    let (mut backends, in_iptables) = loads::kernel(ruleset, &cells)?;
    if let Some(reason) = sample.not_in_iptables.filter(|_| in_iptables) {
        println!("not walked in iptables: {reason}");
        backends.retain(|backend| backend.name() != "iptables");
    }
    for backend in &mut backends {
        let seen = match backend.run(&host, &traffic) {
            Ok(seen) => seen,
            Err(error) if error.unavailable => {
                skip(&format!("{name} in {}", backend.name()), error);
                continue;
            }
            Err(error) => match sample.module {
                Some(module) if error.problem.to_lowercase().contains("no such file or directory") => {
                    skip(&format!("{name} in {}", backend.name()), format!("the kernel has no {module}"));
                    continue;
                }
                _ => return Err(format!("{error}\n{ruleset}").into()),
            },
        };
        let found = differences(&reference, &seen);
        if !found.is_empty() {
            return Err(format!("{}:\n{}\nunder {ruleset}", backend.name(), told(&found, &traffic)).into());
        }
    }
    Ok(in_iptables)
}

/// The first few differences, a packet each.
fn told(found: &[Difference], traffic: &Traffic) -> String {
    const MOST: usize = 5;

    let seen = |observation: &Observation| {
        let answers = observation.answers.iter().map(|answer| format!("{:?} {:?}", answer.fate, answer.state));
        let answers: Vec<_> = answers.collect();
        let Observation { fate, state, origin, reason, hooks, .. } = observation;
        format!("{fate:?} {state:?} {origin:?} {reason:?} {hooks:?} answers {answers:?}")
    };
    let one = |difference: &Difference| {
        let Some(packet) = traffic.packets.get(difference.packet) else { return String::new() };
        let words = Packet::parse(&packet.bytes).map_or_else(|error| error.to_string(), |parsed| parsed.to_string());
        let (left, right) = (seen(&difference.left), seen(&difference.right));
        format!("{} of {words} {:?}\n  machine {left}\n  kernel  {right}", difference.what.name(), packet.entry)
    };
    let first: Vec<_> = found.iter().take(MOST).map(one).collect();
    format!("{} differences\n{}", found.len(), first.join("\n"))
}

/// A host with two named interfaces and the addresses that the samples name.
fn host() -> Host {
    const POLICY: &str = "network own = 192.0.2.0/31, 2001:db8::/127, 10.1.0.0/30, fec0::/126\n\
        allow inbound on eth1 to own, allow inbound to multicast, allow outbound on wlan*, drop forwarded";
    let (compiled, findings) =
        ringwall_compiler::compile("host", &POLICY.replace("on eth1 to own", "from any on eth1 to own"));
    probe::host(&probe::regions(&compiled.unwrap_or_else(|| panic!("{findings:?}")).policy))
}
