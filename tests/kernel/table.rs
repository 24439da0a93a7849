// SPDX-License-Identifier: GPL-3.0-or-later
//! The walk over the declared table: every row, in every back end, against the kernel.
//!
//! Each sample of a row is a ruleset of one rule a hook. It is loaded into the kernel as nft text, as iptables text and
//! over netlink, and met with packets from the edges of the rule. Machine and kernel must say the same of each, and the
//! rule must have decided some of them and left others alone: an agreement about nothing proves nothing.

use std::num::NonZeroU32;

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::probe;
use ringwall_ir::fields::{Cell, Cells, FIELDS, FieldRow, WORDS, Word};
use ringwall_ir::words::{
    ChainPolicy, CtState, Direction, Family, LogLevel, Priority, Protocol, Refusal, TableFamily, TcpFlags,
};
use ringwall_ir::{
    BaseChain, Chain, Counts, Data, Datatype, Element, Elements, Field, InterfacePattern, IntervalSet, KeyType, Limit,
    Log, LogTarget, MapRef, Match, Origin, OriginId, Per, Ruleset, Selector, Set, SetSpec, Statement, Step, Table,
    TableParts, Tuple, Values, Verdict, VerdictMap,
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

/// A test for each row that the machine can run, and one that says which it cannot.
pub fn tests() -> Vec<Trial> {
    let fields = FIELDS.iter().filter(|row| row.cells.machine == Cell::Handled);
    let fields = fields.map(|row| test("kernel::table", row.name, move || walk(row.name, &row.cells, of_field(row))));
    let words = WORDS.iter().filter(|row| row.cells.machine == Cell::Handled);
    let words = words.map(|row| test("kernel::table", row.name, move || walk(row.name, &row.cells, of_word(row.word))));
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

/// One rule, for every hook that it is legal at.
struct Sample {
    steps: Vec<Step>,
    verdict: Option<Verdict>,
    parts: TableParts,
    policy: ChainPolicy,
}

impl Sample {
    fn dropping(matches: Vec<Match>) -> Self {
        let steps = matches.into_iter().map(Step::from).collect();
        Self { steps, verdict: Some(Verdict::Drop), parts: TableParts::default(), policy: ChainPolicy::Accept }
    }

    fn ruleset(&self) -> Ruleset {
        let mut parts = self.parts.clone();
        for direction in Direction::ALL {
            let hook = direction.hook();
            let base = BaseChain::filter(hook, Priority::RINGWALL_FILTER, self.policy, POLICY);
            let mut chain = Chain::base(hook.name(), base).expect("a good name");
            if chain.push(RULE, self.steps.clone(), self.verdict.clone()).is_ok() {
                parts.chains.push(chain);
            }
        }
        let table = Table::new(TableFamily::Inet, "ringwall", parts).expect("a good table");
        let origin = |id: &str| Origin { id: id.to_owned(), text: id.to_owned(), line: 1, because: None };
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
    probe::host(&probe::regions(&compiled.unwrap_or_else(|| panic!("{findings:?}")).policy))
}

fn within(field: Field, values: IntervalSet, negated: bool) -> Vec<Match> {
    vec![Match::In { selector: Selector::of(field), values: Values::Inline(values), negated }]
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
    match row.datatype {
        Datatype::Ipv4Addr => {
            [both(&addresses(Family::Ipv4)), named(field, Family::Ipv4)].into_iter().flatten().collect()
        }
        Datatype::Ipv6Addr => {
            [both(&addresses(Family::Ipv6)), named(field, Family::Ipv6)].into_iter().flatten().collect()
        }
        Datatype::TcpFlag => flags(),
        Datatype::CtState => states(),
        Datatype::NfProto => both(&Family::ALL.map(|family| IntervalSet::one(u128::from(family.number())))),
        Datatype::IcmpType => both(&[set(&[(8, 8)]), set(&[(3, 3), (11, 12)]), set(&[(0, 0), (13, 18)])]),
        Datatype::Icmpv6Type => both(&[set(&[(128, 128)]), set(&[(133, 137)]), set(&[(1, 4), (129, 129), (143, 143)])]),
        Datatype::Ifname => interfaces(field),
        Datatype::IcmpCode | Datatype::Icmpv6Code => codes(field),
        Datatype::InetService => both(&[
            set(&[(80, 80)]),
            set(&[(6000, 6100)]),
            set(&[(22, 22), (80, 90), (443, 443)]),
            set(&[(0, 1023)]),
            set(&[(1024, 65535)]),
        ]),
        Datatype::InetProto => both(&[set(&[(6, 6)]), set(&[(17, 17)]), set(&[(47, 47)]), set(&[(6, 6), (17, 17)])]),
        _ => both(&[set(&[(0, 0)]), set(&[(64, 64)]), set(&[(1, 63)]), set(&[(0, 0), (64, 65), (255, 255)])]),
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
    let spec = SetSpec::intervals(KeyType::Of(Datatype::address(family)));
    let samples =
        addresses(family).into_iter().skip(4).flat_map(|elements| [(elements.clone(), false), (elements, true)]);
    let named = |(elements, negated)| {
        let values = Values::Set("lan".to_owned());
        let matches = vec![Match::In { selector: Selector::of(field), values, negated }];
        let lan = Set::new("lan", spec.clone(), Elements::Intervals(elements), RULE).expect("a good set");
        let parts = TableParts { sets: vec![lan], ..TableParts::default() };
        Sample { parts, ..Sample::dropping(matches) }
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
    let flag = |name| u128::from(TcpFlags::named(name).expect("a flag").0);
    let (syn, ack, rst, fin) = (flag("syn"), flag("ack"), flag("rst"), flag("fin"));
    let pairs = [(syn | ack | rst | fin, syn), (rst, rst), (syn | ack, syn | ack), (0xff, ack), (syn | rst, 0)];
    let masked = |(mask, value)| Sample::dropping(vec![Match::masked(Field::TcpFlags, mask, value)]);
    pairs.into_iter().map(masked).collect()
}

fn states() -> Vec<Sample> {
    let bit = |state: CtState| u128::from(state.bit());
    let mut sets: Vec<u128> = CtState::ALL.map(bit).to_vec();
    sets.push(bit(CtState::New) | bit(CtState::Established));
    sets.push(bit(CtState::Related) | bit(CtState::Invalid) | bit(CtState::Untracked));
    sets.into_iter().map(|bits| Sample::dropping(vec![Match::any_of(Field::CtState, bits)])).collect()
}

fn interfaces(field: Field) -> Vec<Sample> {
    let lists: [&[&str]; 4] = [&["eth1"], &["wlan*"], &["eth1", "wlan0"], &["eth0", "wlan*"]];
    let signs = lists.into_iter().flat_map(|names| [(names, false), (names, true)]);
    let named = |(names, negated): (&[&str], bool)| {
        let names: Vec<_> = names.iter().map(|name| InterfacePattern::new(name).expect("a good name")).collect();
        Sample::dropping(within(field, InterfacePattern::values(&names), negated))
    };
    signs.map(named).collect()
}

/// TCP to port 80: what the samples of statements and verdicts are about.
fn some_traffic() -> Vec<Match> {
    within(Field::TcpDport, IntervalSet::one(80), false)
}

fn of_word(word: Word) -> Vec<Sample> {
    let drop = Sample::dropping(some_traffic());
    let log = |target| recording(Statement::Log(Log { prefix: Some("in-drop ".to_owned()), target }));
    match word {
        Word::Accept => {
            let nothing = Sample { verdict: None, ..Sample::dropping(some_traffic()) };
            vec![Sample { verdict: Some(Verdict::Accept), policy: ChainPolicy::Drop, ..drop }, nothing]
        }
        Word::Counter => vec![recording(Statement::Counter(Counts::default()))],
        Word::Drop => vec![drop],
        Word::Goto => vec![leading(Verdict::Goto("web".to_owned()), Verdict::Drop)],
        Word::Jump => vec![leading(Verdict::Jump("web".to_owned()), Verdict::Drop)],
        Word::Limit => [3, 5].map(limited).into_iter().collect(),
        Word::Log => LogLevel::ALL.into_iter().map(|level| log(LogTarget::kernel(level))).collect(),
        Word::LogGroup => [0, 5, u16::MAX].map(|group| log(LogTarget::group(group))).into_iter().collect(),
        Word::Reject => Refusal::ALL.into_iter().map(refusing).collect(),
        Word::Return => vec![returning()],
        Word::Vmap => mapping(),
        other => panic!("no sample of {other:?}"),
    }
}

/// A statement on the way to a drop.
fn recording(statement: Statement) -> Sample {
    let mut sample = Sample::dropping(some_traffic());
    sample.steps.push(statement.into());
    sample
}

/// A rule that leads to a chain whose only rule decides.
fn leading(verdict: Verdict, decision: Verdict) -> Sample {
    let mut web = Chain::regular("web").expect("a good name");
    web.push(RULE, Vec::new(), Some(decision)).expect("a good rule");
    let parts = TableParts { chains: vec![web], ..TableParts::default() };
    Sample { verdict: Some(verdict), parts, ..Sample::dropping(some_traffic()) }
}

/// A chain that drops all but what it returns.
fn returning() -> Sample {
    let mut others = Chain::regular("others").expect("a good name");
    let steps = some_traffic().into_iter().map(Step::from).collect();
    others.push(RULE, steps, Some(Verdict::Return)).expect("a good rule");
    others.push(RULE, Vec::new(), Some(Verdict::Drop)).expect("a good rule");
    let parts = TableParts { chains: vec![others], ..TableParts::default() };
    Sample { verdict: Some(Verdict::Jump("others".to_owned())), parts, ..Sample::dropping(Vec::new()) }
}

/// Ports that are mapped to verdicts, in the rule and by name.
fn mapping() -> Vec<Sample> {
    let element =
        |port: u128, verdict| Element { data: Some(Data::Verdict(verdict)), ..Element::of(Tuple::of(&[port]), RULE) };
    let elements = || vec![element(80, Verdict::Drop), element(443, Verdict::Accept), element(22, Verdict::Continue)];
    let verdict = |map| Verdict::Map(Box::new(VerdictMap { key: vec![Field::TcpDport.into()], map }));
    let spec =
        SetSpec { data: Some(ringwall_ir::DataType::Verdict), ..SetSpec::of(vec![KeyType::Of(Datatype::InetService)]) };
    let named = Set::new("ports", spec, Elements::List(elements()), RULE).expect("a good map");
    let parts = TableParts { sets: vec![named], ..TableParts::default() };
    let inline = Sample { verdict: Some(verdict(MapRef::Inline(elements()))), ..Sample::dropping(Vec::new()) };
    let by_name =
        Sample { verdict: Some(verdict(MapRef::Named("ports".to_owned()))), parts, ..Sample::dropping(Vec::new()) };
    vec![inline, by_name]
}

/// So slow a rate that only its burst counts. Of one family, for iptables and ip6tables count each on their own.
fn limited(burst: u32) -> Sample {
    let count = |number| NonZeroU32::new(number).expect("not zero");
    let limit = Match::Limit(Limit::packets(count(1), Per::Day, count(burst)));
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
