// SPDX-License-Identifier: GPL-3.0-or-later
//! The walk over the declared table: every row, in every back end, against the kernel.
//!
//! Each sample of a row is a ruleset of one rule a hook. It is loaded into the kernel as nft text, as iptables text and
//! over netlink, and met with packets from the edges of the rule. Machine and kernel must say the same of each, and the
//! rule must have decided some of them and left others alone: an agreement about nothing proves nothing.

use std::num::NonZeroU32;

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::probe;
use ringwall_ir::fields::{Cell, Cells, FIELDS, FieldRow, Kind, WORDS, Word};
use ringwall_ir::words::{
    ChainPolicy, CtState, Direction, Family, LogLevel, Priority, Protocol, Refusal, TableFamily, TcpFlags,
};
use ringwall_ir::{
    Chain, Field, InterfacePattern, IntervalSet, Limit, Log, LogTarget, Match, Origin, OriginId, Per, Ruleset, Set,
    SetKind, Statement, Table, Values, Verdict,
};
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

/// A test for each row.
pub fn tests() -> Vec<Trial> {
    let fields =
        FIELDS.iter().map(|row| test("kernel::table", row.name, move || walk(row.name, &row.cells, of_field(row))));
    let words =
        WORDS.iter().map(|row| test("kernel::table", row.name, move || walk(row.name, &row.cells, of_word(row.word))));
    fields.chain(words).collect()
}

/// One rule, for every hook that it is legal at.
struct Sample {
    matches: Vec<Match>,
    statements: Vec<Statement>,
    verdict: Option<Verdict>,
    sets: Vec<Set>,
    policy: ChainPolicy,
}

impl Sample {
    fn dropping(matches: Vec<Match>) -> Self {
        let policy = ChainPolicy::Accept;
        Self { matches, statements: Vec::new(), verdict: Some(Verdict::Drop), sets: Vec::new(), policy }
    }

    fn ruleset(&self) -> Ruleset {
        let mut chains = Vec::new();
        for direction in Direction::ALL {
            let hook = direction.hook();
            let mut chain =
                Chain::new(hook.name(), hook, Priority::RINGWALL_FILTER, self.policy, POLICY).expect("a good name");
            let rule = (self.matches.clone(), self.statements.clone());
            if chain.push(RULE, rule.0, rule.1, self.verdict).is_ok() {
                chains.push(chain);
            }
        }
        let table = Table::new(TableFamily::Inet, "ringwall", self.sets.clone(), chains).expect("a good table");
        let origin = |id: &str| Origin { id: id.to_owned(), text: id.to_owned(), line: 1, because: None };
        Ruleset { title: "sample".to_owned(), origins: vec![origin("policy"), origin("rule")], tables: vec![table] }
    }
}

fn walk(name: &str, cells: &Cells, samples: Vec<Sample>) -> Result<(), Failed> {
    for (column, cell) in cells.columns() {
        if let Cell::Unsupported(reason) = cell
            && reason.is_empty()
        {
            return Err(format!("`{name}` is unsupported in {column} without a reason").into());
        }
    }
    let mut said = 0;
    for sample in &samples {
        let ruleset = sample.ruleset();
        said += usize::from(agree(name, &ruleset, cells)?);
    }
    if cells.iptables == Cell::Handled && said == 0 {
        return Err(format!("no sample of `{name}` could be said in iptables").into());
    }
    Ok(())
}

/// Whether the ruleset could be said in iptables. An error where machine and kernel differ.
fn agree(name: &str, ruleset: &Ruleset, cells: &Cells) -> Result<bool, Failed> {
    let host = host();
    let traffic = draw(&host, &Region::of_ruleset(ruleset), 0, 1);
    let mut machine = MachineBackend::new("machine", || Interpreter::new(ruleset));
    let reference = machine.run(&host, &traffic)?;
    let by_rule = reference.iter().filter(|seen| seen.origin == Some(RULE)).count();
    if by_rule == 0 || by_rule == reference.len() {
        return Err(
            format!("vacuous: {by_rule} of {} packets were decided by the rule\n{ruleset}", reference.len()).into()
        );
    }
    let (mut backends, in_iptables) = loads::kernel(ruleset, cells)?;
    for backend in &mut backends {
        let seen = match backend.run(&host, &traffic) {
            Ok(seen) => seen,
            Err(error) if error.unavailable => {
                skip(&format!("{name} in {}", backend.name()), error);
                continue;
            }
            Err(error) => return Err(format!("{error}\n{ruleset}").into()),
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
    probe::host(&compiled.unwrap_or_else(|| panic!("{findings:?}")).policy)
}

fn within(field: Field, values: IntervalSet, negated: bool) -> Vec<Match> {
    vec![Match::In { field, values: Values::Inline(values), negated }]
}

/// A set from closed intervals.
fn set(intervals: &[(u128, u128)]) -> IntervalSet {
    intervals.iter().copied().collect()
}

fn of_field(row: &FieldRow) -> Vec<Sample> {
    let field = row.field;
    let both = |sets: &[IntervalSet]| {
        let signs = |values: &IntervalSet| {
            [false, true].map(|negated| Sample::dropping(within(field, values.clone(), negated)))
        };
        sets.iter().flat_map(signs).collect::<Vec<_>>()
    };
    match row.kind {
        Kind::Address(family) => [both(&addresses(family)), named(field, family)].into_iter().flatten().collect(),
        Kind::Bits if field == Field::TcpFlags => flags(),
        Kind::Bits => states(),
        Kind::Family => both(&Family::ALL.map(|family| IntervalSet::one(u128::from(family.number())))),
        Kind::IcmpType(Family::Ipv4) => both(&[set(&[(8, 8)]), set(&[(3, 3), (11, 12)]), set(&[(0, 0), (13, 18)])]),
        Kind::IcmpType(Family::Ipv6) => {
            both(&[set(&[(128, 128)]), set(&[(133, 137)]), set(&[(1, 4), (129, 129), (143, 143)])])
        }
        Kind::InterfaceName => interfaces(field),
        Kind::Number if matches!(field, Field::IcmpCode | Field::Icmpv6Code) => codes(field),
        Kind::Number => {
            both(&[set(&[(0, 0)]), set(&[(64, 64)]), set(&[(1, 63)]), set(&[(0, 0), (64, 65), (255, 255)])])
        }
        Kind::Port => both(&[
            set(&[(80, 80)]),
            set(&[(6000, 6100)]),
            set(&[(22, 22), (80, 90), (443, 443)]),
            set(&[(0, 1023)]),
            set(&[(1024, 65535)]),
        ]),
        Kind::Protocol => both(&[set(&[(6, 6)]), set(&[(17, 17)]), set(&[(47, 47)]), set(&[(6, 6), (17, 17)])]),
    }
}

/// Prefixes of every shape that has an encoding of its own, ranges and lists.
fn addresses(family: Family) -> Vec<IntervalSet> {
    let bits = family.address_bits();
    let base = match family {
        Family::Ipv4 => 0xc000_0200,
        Family::Ipv6 => 0x2001_0db8 << 96,
    };
    let lengths: &[u8] = match family {
        Family::Ipv4 => &[7, 8, 9, 16, 23, 24, 31, 32],
        Family::Ipv6 => &[7, 8, 10, 32, 63, 64, 127, 128],
    };
    let mut sets: Vec<_> = lengths.iter().map(|&length| IntervalSet::prefix(base, length, bits)).collect();
    sets.push(set(&[(base + 1, base + 9)]));
    sets.push(set(&[(base, base), (base + 2, base + 2), (base + 64, base + 127)]));
    sets.push(IntervalSet::range(base, Field::source(family).max()));
    sets
}

/// Named sets: several elements, one, none.
fn named(field: Field, family: Family) -> Vec<Sample> {
    let kind = if family == Family::Ipv4 { SetKind::Ipv4 } else { SetKind::Ipv6 };
    let samples =
        addresses(family).into_iter().skip(4).flat_map(|elements| [(elements.clone(), false), (elements, true)]);
    let named = |(elements, negated)| {
        let matches = vec![Match::In { field, values: Values::Set("lan".to_owned()), negated }];
        let lan = Set::new("lan", kind, elements, RULE).expect("a good name");
        Sample { sets: vec![lan], ..Sample::dropping(matches) }
    };
    samples.map(named).collect()
}

/// Codes of destination-unreachable: iptables says a code behind its type only.
fn codes(field: Field) -> Vec<Sample> {
    let (kind, number) = if field == Field::IcmpCode { (Field::IcmpType, 3) } else { (Field::Icmpv6Type, 1) };
    let codes = [set(&[(0, 0)]), set(&[(1, 1), (3, 4)])];
    let coded = |codes| [within(kind, IntervalSet::one(number), false), within(field, codes, false)].concat();
    codes.map(coded).map(Sample::dropping).into_iter().collect()
}

fn flags() -> Vec<Sample> {
    let flag = |name| u32::from(TcpFlags::named(name).expect("a flag").0);
    let (syn, ack, rst, fin) = (flag("syn"), flag("ack"), flag("rst"), flag("fin"));
    let pairs = [(syn | ack | rst | fin, syn), (rst, rst), (syn | ack, syn | ack), (0xff, ack), (syn | rst, 0)];
    let masked = |(mask, value)| Sample::dropping(vec![Match::Masked { field: Field::TcpFlags, mask, value }]);
    pairs.into_iter().map(masked).collect()
}

fn states() -> Vec<Sample> {
    let bit = |state: CtState| u32::from(state.bit());
    let mut sets: Vec<u32> = CtState::ALL.map(bit).to_vec();
    sets.push(bit(CtState::New) | bit(CtState::Established));
    sets.push(bit(CtState::Related) | bit(CtState::Invalid) | bit(CtState::Untracked));
    sets.into_iter().map(|bits| Sample::dropping(vec![Match::AnyOf { field: Field::CtState, bits }])).collect()
}

fn interfaces(field: Field) -> Vec<Sample> {
    let lists: [&[&str]; 4] = [&["eth1"], &["wlan*"], &["eth1", "wlan0"], &["eth0", "wlan*"]];
    let signs = lists.into_iter().flat_map(|names| [(names, false), (names, true)]);
    let named = |(names, negated): (&[&str], bool)| {
        let names = names.iter().map(|name| InterfacePattern::new(name).expect("a good name")).collect();
        Sample::dropping(vec![Match::Interface { field, names, negated }])
    };
    signs.map(named).collect()
}

/// TCP to port 80: what the samples of statements and verdicts are about.
fn some_traffic() -> Vec<Match> {
    within(Field::TcpDport, IntervalSet::one(80), false)
}

fn of_word(word: Word) -> Vec<Sample> {
    let drop = Sample::dropping(some_traffic());
    let log = |target| Sample {
        statements: vec![Statement::Log(Log { prefix: Some("in-drop ".to_owned()), target })],
        ..Sample::dropping(some_traffic())
    };
    match word {
        Word::Accept => vec![Sample { verdict: Some(Verdict::Accept), policy: ChainPolicy::Drop, ..drop }],
        Word::Drop => vec![drop],
        Word::Limit => [3, 5].map(limited).into_iter().collect(),
        Word::Log => LogLevel::ALL.into_iter().map(|level| log(LogTarget::Kernel(level))).collect(),
        Word::LogGroup => [0, 5, u16::MAX].map(|group| log(LogTarget::Group(group))).into_iter().collect(),
        Word::Reject => Refusal::ALL.into_iter().map(refusing).collect(),
    }
}

/// So slow a rate that only its burst counts. Of one family, for iptables and ip6tables count each on their own.
fn limited(burst: u32) -> Sample {
    let count = |number| NonZeroU32::new(number).expect("not zero");
    let limit = Match::Limit(Limit { amount: count(1), per: Per::Day, burst: count(burst) });
    Sample::dropping([of_family(Family::Ipv4), some_traffic(), vec![limit]].concat())
}

fn of_family(family: Family) -> Vec<Match> {
    within(Field::Nfproto, IntervalSet::one(u128::from(family.number())), false)
}

fn refusing(refusal: Refusal) -> Sample {
    let protocol = |number: Protocol| within(Field::L4proto, IntervalSet::one(u128::from(number.0)), false);
    let matches = match refusal {
        Refusal::TcpReset => protocol(Protocol::TCP),
        _ if refusal.icmp_code(Family::Ipv6).is_none() => [of_family(Family::Ipv4), protocol(Protocol::UDP)].concat(),
        _ => protocol(Protocol::UDP),
    };
    Sample { verdict: Some(Verdict::Reject(refusal)), ..Sample::dropping(matches) }
}
