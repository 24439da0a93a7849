// SPDX-License-Identifier: GPL-3.0-or-later
//! Samples of the rows of statements, verdicts, and tests that are not of a field.

use std::num::{NonZeroU32, NonZeroU64};

use ringwall_ir::fields::Word;
use ringwall_ir::words::{
    ChainPolicy, ChainType, CtState, CtStatus, Family, Hook, LogLevel, NatFlags, Priority, Protocol, Refusal,
};
use ringwall_ir::{
    Assignment, BaseChain, Chain, ConnLimit, Counts, Data, DataType, Datatype, Element, Elements, Field, IntervalSet,
    KeyType, Limit, LimitUnit, Log, LogTarget, MapRef, Match, Meter, Milliseconds, Mss, Nat, NatEnd, Object,
    ObjectBody, ObjectKind, ObjectRef, OwnPorts, Per, Queue, Quota, Set, SetFlags, SetOperation, SetSpec, SetUpdate,
    Source, Statement, Step, TableParts, Target, Tuple, Values, Verdict, VerdictMap,
};

use super::fields::within;
use super::{POLICY, RULE, Sample};

/// TCP to port 80: what the samples of statements and verdicts are about.
fn some_traffic() -> Vec<Match> {
    within(Field::TcpDport, IntervalSet::one(80), false)
}

/// The samples of a row.
pub fn samples(word: Word) -> Vec<Sample> {
    let drop = Sample::dropping(some_traffic());
    let log = |target| recording(Statement::Log(Log { prefix: Some("in-drop ".to_owned()), target }));
    match word {
        Word::Accept => {
            // A rule that does nothing decides about no packet.
            let nothing = Sample { verdict: None, may_be_idle: true, ..Sample::dropping(some_traffic()) };
            vec![Sample { verdict: Some(Verdict::Accept), policy: ChainPolicy::Drop, ..drop }, nothing]
        }
        Word::Counter => vec![recording(Statement::Counter(Counts::default()))],
        Word::Drop => vec![drop],
        Word::Goto => vec![leading(Verdict::Goto("web".to_owned()), Verdict::Drop)],
        Word::Jump => vec![leading(Verdict::Jump("web".to_owned()), Verdict::Drop)],
        Word::Connlimit => counted(),
        Word::CtMarkSet => vec![marking(Target::CtMark, Field::CtMark)],
        Word::CtZoneSet => vec![zoned(), apart()],
        Word::Dnat => vec![to_port(Verdict::Dnat), redirected_to_host()],
        Word::Limit => [3, 5].map(limited).into_iter().chain([limited_bytes()]).collect(),
        Word::MarkSet => vec![marking(Target::Mark, Field::MetaMark)],
        Word::Masquerade => vec![masqueraded(Verdict::Masquerade { ports: None, flags: NatFlags::default() })],
        Word::MssSet => vec![bounded(Mss::Value(1300)), bounded(Mss::Path)],
        Word::Notrack => vec![untracked()],
        Word::Object => objects(),
        Word::PrioritySet => vec![marking(Target::Priority, Field::MetaPriority), classified()],
        Word::Queue => [true, false].map(queued).into_iter().collect(),
        Word::Quota => [true, false].map(|over| with(Match::Quota(quota(over)))).into_iter().collect(),
        Word::Redirect => vec![to_port(|nat| match nat.end {
            NatEnd::Range { ports, .. } => {
                let ports = ports.map(|(first, last)| OwnPorts::Range(first, last));
                Verdict::Redirect { ports, flags: nat.flags }
            }
            NatEnd::Map { .. } => Verdict::Dnat(nat),
        })],
        Word::SetUpdate => updates(),
        Word::Snat => vec![masqueraded(Verdict::Snat(Nat {
            family: Some(Family::Ipv4),
            end: NatEnd::Range { addresses: Some((0xc612_6301, 0xc612_6301)), ports: None },
            flags: NatFlags::default(),
        }))],
        Word::Log => LogLevel::ALL.into_iter().map(|level| log(LogTarget::kernel(level))).collect(),
        Word::LogGroup => [0, 5, u16::MAX].map(|group| log(LogTarget::group(group))).into_iter().collect(),
        Word::Reject => Refusal::ALL.into_iter().map(refusing).collect(),
        Word::Return => vec![returning()],
        Word::Vmap => mapping(),
        Word::CtHelper => helped(),
        Word::CtTimeout => Vec::new(),
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

/// The traffic of one family that passes a test, for iptables and ip6tables count each on their own.
fn with(test: Match) -> Sample {
    Sample::dropping([of_family(Family::Ipv4), some_traffic(), vec![test]].concat())
}

fn limited_bytes() -> Sample {
    let amount = NonZeroU64::new(100).expect("not zero");
    with(Match::Limit(Limit { amount, per: Per::Week, unit: LimitUnit::Bytes, burst: 100, over: false }))
}

const fn quota(over: bool) -> Quota {
    Quota { bytes: 150, used: 0, over }
}

/// Every conversation is one too many: how soon the kernel forgets those that were never let in is a matter of its ticks,
/// so that other numbers are held against it one packet at a time, in the recorded cases.
fn counted() -> Vec<Sample> {
    let datagrams = || [of_family(Family::Ipv4), within(Field::L4proto, IntervalSet::one(17), false)].concat();
    let new = || vec![Match::any_of(Field::CtState, u128::from(CtState::New.bit()))];
    let limit = |count| vec![Match::ConnLimit(ConnLimit { count, over: true })];
    vec![Sample::dropping([datagrams(), new(), limit(0)].concat()), Sample::dropping([datagrams(), limit(0)].concat())]
}

/// Writes a mark, and drops what has it.
fn marking(target: Target, field: Field) -> Sample {
    let mut sample = recording(Statement::Assign(Assignment::value(target, 5)));
    sample.steps.push(Match::within(field, Values::one(5)).into());
    sample
}

/// The two hooks where packets are seen first.
fn at_first(steps: &[Step]) -> Vec<super::Earlier> {
    let chain = |hook| BaseChain::filter(hook, Priority::RAW, ChainPolicy::Accept, POLICY);
    [Hook::Prerouting, Hook::Output].map(|hook| (chain(hook), steps.to_vec(), None)).into_iter().collect()
}

/// Before `field` is tested, it is written for some packets: each marks what it can be read from.
pub fn written_for_some(field: Field) -> Vec<super::Earlier> {
    let target = match field {
        Field::CtMark => Target::CtMark,
        Field::CtZone(direction) => Target::CtZone(direction),
        Field::MetaPriority => Target::Priority,
        _ => Target::Mark,
    };
    let mut steps: Vec<Step> = some_traffic().into_iter().map(Step::from).collect();
    steps.push(Statement::Assign(Assignment::value(target, 5)).into());
    match target {
        Target::CtMark => {
            let chain = |hook| BaseChain::filter(hook, Priority::MANGLE, ChainPolicy::Accept, POLICY);
            [Hook::Prerouting, Hook::Output].map(|hook| (chain(hook), steps.clone(), None)).into_iter().collect()
        }
        _ => at_first(&steps),
    }
}

fn zoned() -> Sample {
    let mut steps: Vec<Step> = some_traffic().into_iter().map(Step::from).collect();
    steps.push(Statement::Assign(Assignment::value(Target::CtZone(None), 7)).into());
    Sample { earlier: at_first(&steps), ..Sample::dropping(within(Field::CtZone(None), IntervalSet::one(7), false)) }
}

/// Each direction in a zone of its own: answers are not known there. Without a test of the zone, which iptables lacks.
fn apart() -> Sample {
    let mut steps: Vec<Step> = some_traffic().into_iter().map(Step::from).collect();
    steps.push(Statement::Assign(Assignment::value(Target::CtZone(None), 7)).into());
    Sample { earlier: at_first(&steps), ..Sample::dropping(states_of_answers()) }
}

fn states_of_answers() -> Vec<Match> {
    vec![Match::any_of(Field::CtState, u128::from(CtState::Established.bit()))]
}

/// At hook output, where iptables gives classes too.
fn classified() -> Sample {
    let sample = recording(Statement::Assign(Assignment::value(Target::Priority, 5)));
    Sample { hook: Some(Hook::Output), ..sample }
}

/// Conversations get a helper, where nft gives it and where iptables does. It announces nothing in the traffic of the walk;
/// what it does is compared conversation by conversation elsewhere.
fn helped() -> Vec<Sample> {
    let body = ObjectBody::CtHelper { helper: "ftp".to_owned(), family: None, protocol: Protocol::TCP };
    let sample = |priority| {
        let base = BaseChain::filter(Hook::Prerouting, priority, ChainPolicy::Accept, POLICY);
        let mut steps: Vec<Step> = some_traffic().into_iter().map(Step::from).collect();
        steps.push(Statement::CtHelper("help".to_owned()).into());
        let object = Object::new("help", body.clone(), POLICY).expect("a good object");
        let parts = TableParts { objects: vec![object], ..TableParts::default() };
        Sample { earlier: vec![(base, steps, None)], parts, ..Sample::dropping(some_traffic()) }
    };
    let early =
        Sample { not_in_nf_tables: Some("it has no effect before connection tracking"), ..sample(Priority::RAW) };
    vec![sample(Priority::MANGLE), early]
}

fn untracked() -> Sample {
    let mut steps: Vec<Step> = some_traffic().into_iter().map(Step::from).collect();
    steps.push(Statement::Notrack.into());
    let state = Match::any_of(Field::CtState, u128::from(CtState::Untracked.bit()));
    Sample { earlier: at_first(&steps), ..Sample::dropping([some_traffic(), vec![state]].concat()) }
}

fn translated(hook: Hook, steps: Vec<Match>, verdict: Verdict) -> super::Earlier {
    let priority = if hook == Hook::Postrouting { Priority::SRCNAT } else { Priority::DSTNAT };
    let base = BaseChain { kind: ChainType::Nat, ..BaseChain::filter(hook, priority, ChainPolicy::Accept, POLICY) };
    (base, steps.into_iter().map(Step::from).collect(), Some(verdict))
}

/// Leads to another port, and drops what was led there.
fn to_port(verdict: impl FnOnce(Nat) -> Verdict) -> Sample {
    let end = NatEnd::Range { addresses: None, ports: Some((8080, 8080)) };
    let verdict = verdict(Nat { family: None, end, flags: NatFlags::default() });
    let earlier = vec![translated(Hook::Prerouting, some_traffic(), verdict)];
    Sample { earlier, ..Sample::dropping(within(Field::TcpDport, IntervalSet::one(8080), false)) }
}

fn redirected_to_host() -> Sample {
    let flags = NatFlags::default();
    let end = NatEnd::Range { addresses: Some((0xc612_0001, 0xc612_0001)), ports: Some((8080, 8090)) };
    let verdict = Verdict::Dnat(Nat { family: Some(Family::Ipv4), end, flags });
    let earlier = vec![translated(Hook::Prerouting, [of_family(Family::Ipv4), some_traffic()].concat(), verdict)];
    Sample { earlier, ..Sample::dropping(vec![Match::any_of(Field::CtStatus, u128::from(CtStatus::DST_NAT.0))]) }
}

/// Drops what follows of conversations that got another source.
fn masqueraded(verdict: Verdict) -> Sample {
    let earlier = vec![translated(Hook::Postrouting, of_family(Family::Ipv4), verdict)];
    let dropped = vec![Match::any_of(Field::CtStatus, u128::from(CtStatus::SRC_NAT.0))];
    Sample { earlier, ..Sample::dropping(dropped) }
}

/// Bounds what a SYN offers, and drops those that offer less than before.
fn bounded(mss: Mss) -> Sample {
    let mut sample = Sample::dropping(vec![Match::masked(Field::TcpFlags, 2, 2)]);
    sample.not_in_iptables = Some("the target TCPMSS also gives an offer to a segment that has none");
    sample.steps.push(Statement::Mss(mss).into());
    sample.steps.push(Match::within(Field::TcpMaxseg, Values::Inline(IntervalSet::range(0, 1300))).into());
    sample
}

/// No program listens, so that what is not let by is gone.
fn queued(bypass: bool) -> Sample {
    let policy = if bypass { ChainPolicy::Drop } else { ChainPolicy::Accept };
    let queue = Queue { numbers: (3, 3), bypass, fanout: false };
    let module = Some("nft_queue");
    Sample { verdict: Some(Verdict::Queue(queue)), policy, module, ..Sample::dropping(some_traffic()) }
}

/// A limit and a quota with names, and one of two quotas by port.
fn objects() -> Vec<Sample> {
    let limit = Limit::packets(NonZeroU32::MIN, Per::Week, NonZeroU32::new(3).expect("not zero"));
    let object = |name: &str, body| Object::new(name, body, RULE).expect("a good object");
    let all = || {
        vec![
            object("few", ObjectBody::Limit(limit)),
            object("some", ObjectBody::Quota(quota(false))),
            object("all", ObjectBody::Quota(quota(true))),
            object("seen", ObjectBody::Counter(Counts::default())),
        ]
    };
    let named = |kind, name: &str| Match::Object { kind, object: ObjectRef::Named(name.to_owned()) };
    let by_port = |port: u128, name: &str| Element {
        data: Some(Data::Object(name.to_owned())),
        ..Element::of(Tuple::of(&[port]), RULE)
    };
    let spec = SetSpec {
        data: Some(DataType::Object(ObjectKind::Quota)),
        ..SetSpec::of(vec![KeyType::Of(Datatype::InetService)])
    };
    let elements = Elements::List(vec![by_port(80, "some"), by_port(443, "all")]);
    let map = Set::new("quotas", spec, elements, RULE).expect("a good map");
    let parts = || TableParts { objects: all(), sets: vec![map.clone()], ..TableParts::default() };
    let mapped = Match::Object {
        kind: ObjectKind::Quota,
        object: ObjectRef::Map { key: vec![Field::TcpDport.into()], map: "quotas".to_owned() },
    };
    let mut counted = Sample { parts: parts(), ..recording(Statement::Object(ObjectRef::Named("seen".to_owned()))) };
    counted.steps.push(named(ObjectKind::Quota, "all").into());
    [named(ObjectKind::Limit, "few"), named(ObjectKind::Quota, "some")]
        .map(|test| Sample { parts: parts(), ..Sample::dropping([some_traffic(), vec![test]].concat()) })
        .into_iter()
        .chain([Sample { parts: parts(), ..Sample::dropping(vec![mapped]) }, counted])
        .collect()
}

/// Sets that packets fill: with room for all or for two, with a time, with meters, as a map, and one that is emptied.
fn updates() -> Vec<Sample> {
    let dynamic = SetFlags { dynamic: true, ..SetFlags::default() };
    let timed = SetFlags { timeout: true, ..dynamic };
    let hour = Some(Milliseconds(3_600_000));
    let ports = || vec![KeyType::Of(Datatype::InetService)];
    let spec = |flags, size| SetSpec { flags, size: Some(size), ..SetSpec::of(ports()) };
    let once = Limit { over: true, ..Limit::packets(NonZeroU32::MIN, Per::Week, NonZeroU32::MIN) };
    let update = |operation, timeout, meters: Vec<Meter>| SetUpdate {
        operation,
        set: "seen".to_owned(),
        key: vec![Field::ThSport.into()],
        data: None,
        timeout,
        meters,
    };
    let listed =
        |ports: &[u128]| Elements::List(ports.iter().map(|&port| Element::of(Tuple::of(&[port]), RULE)).collect());
    let sample = |spec: SetSpec, elements, update: SetUpdate| {
        let set = Set::new("seen", spec, elements, RULE).expect("a good set");
        let mut sample = Sample::dropping(within(Field::L4proto, IntervalSet::one(17), false));
        sample.steps.push(Statement::SetUpdate(Box::new(update)).into());
        Sample { parts: TableParts { sets: vec![set], ..TableParts::default() }, ..sample }
    };
    let add = SetOperation::Add;
    let mut full = sample(spec(dynamic, 2), Elements::NONE, update(add, None, Vec::new()));
    full.not_in_iptables = Some("the target SET lets a packet on where the set is full");
    let mut deleting = sample(spec(dynamic, 9), listed(&[4000]), update(SetOperation::Delete, None, Vec::new()));
    deleting.steps.insert(1, Match::within(Field::ThSport, Values::Set("seen".to_owned())).into());
    let mut timed_out = sample(spec(timed, 3), listed(&[4000]), update(SetOperation::Update, hour, Vec::new()));
    timed_out.not_in_iptables = full.not_in_iptables;
    let mut mapped = update(SetOperation::Update, hour, Vec::new());
    mapped.data = Some(Source::Field { selector: Field::ThDport.into(), xor: 0 });
    let map = SetSpec { data: Some(DataType::Values(ports())), ..spec(timed, 3) };
    let metered = SetSpec { meters: vec![Meter::Quota(quota(false))], ..spec(dynamic, 9) };
    vec![
        sample(spec(dynamic, 65_535), Elements::NONE, update(add, None, Vec::new())),
        full,
        timed_out,
        sample(spec(dynamic, 65_535), Elements::NONE, update(add, None, vec![Meter::Limit(once)])),
        sample(spec(dynamic, 65_535), Elements::NONE, update(add, None, vec![Meter::Quota(quota(true))])),
        sample(metered, listed(&[4000]), update(add, None, Vec::new())),
        sample(map, Elements::NONE, mapped),
        deleting,
    ]
}
