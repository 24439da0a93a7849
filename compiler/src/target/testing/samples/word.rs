// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules with a statement, a verdict, or a test that is not of a field.

mod assign;
mod nat;
mod object;
mod update;

use ringwall_ir::fields::Word;
use ringwall_ir::words::{Family, Hook, LogFlags, LogLevel, Protocol, Refusal, TableFamily};
use ringwall_ir::{
    Chain, ConnLimit, Counts, Field, IntervalSet, Limit, LogTarget, Match, Mss, Per, Queue, Quota, Statement, Step,
    TableParts, Verdict,
};

use super::{Sample, bytes, inline, ipv4, limit, log, one};
use crate::target::testing::Parts;

/// Samples of a row that is not a field.
pub fn samples_of_word(word: Word) -> Vec<Sample> {
    match word {
        Word::Accept => decisions(Verdict::Accept),
        Word::Drop => decisions(Verdict::Drop),
        Word::Return => decisions(Verdict::Return),
        Word::Goto => calls(Verdict::Goto),
        Word::Jump => calls(Verdict::Jump),
        Word::Connlimit => tests(
            [(1, false), (0, true), (200, true), (u32::MAX, false)]
                .map(|(count, over)| Match::ConnLimit(ConnLimit { count, over })),
        ),
        Word::Counter => {
            statements([(0, 0), (3, 180)].map(|(packets, bytes)| Statement::Counter(Counts { packets, bytes })))
        }
        Word::Limit => tests(limits()),
        Word::Quota => tests(
            [(0, 0, false), (25_000_000, 0, true), (1 << 40, 4096, false), (1000, 1000, true)]
                .map(|(bytes, used, over)| Match::Quota(Quota { bytes, used, over })),
        ),
        Word::Log => statements(logs()),
        Word::LogGroup => statements(log_groups()),
        Word::Notrack => vec![Sample::filter(Hook::Prerouting, vec![(vec![Statement::Notrack.into()], None)])],
        Word::MssSet => vec![segment_sizes()],
        Word::Queue => vec![Sample::filter(Hook::Input, queues().map(|queue| (Vec::new(), Some(queue))).to_vec())],
        Word::Reject => refusals(),
        Word::CtMarkSet | Word::CtZoneSet | Word::MarkSet | Word::PrioritySet => assign::samples(word),
        Word::CtHelper | Word::CtTimeout | Word::Object => object::samples(word),
        Word::Dnat | Word::Masquerade | Word::Redirect | Word::Snat => nat::samples(word),
        Word::SetUpdate => update::samples(),
        Word::Vmap => update::verdict_maps(),
    }
}

fn decisions(verdict: Verdict) -> Vec<Sample> {
    let some = vec![one(Field::TcpDport, 22).into()];
    let rules = vec![(some, Some(verdict.clone())), (Vec::new(), Some(verdict))];
    [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6]
        .map(|family| Sample::filter(Hook::Input, rules.clone()).of(family))
        .to_vec()
}

fn calls(verdict: fn(String) -> Verdict) -> Vec<Sample> {
    let names = ["later", "policy", "accept", "a.b-c_d/e"];
    let chains: Vec<_> = names.iter().map(|name| Chain::regular(name).unwrap()).collect();
    let rules = names.iter().map(|&name| (Vec::new(), Some(verdict(name.to_owned())))).collect();
    vec![Sample::filter(Hook::Forward, rules).with(TableParts { chains, ..TableParts::default() })]
}

/// Each test before a verdict, and before none.
fn tests(tests: impl IntoIterator<Item = Match>) -> Vec<Sample> {
    let rules = tests.into_iter().flat_map(|test| {
        let steps: Vec<Step> = vec![ipv4().into(), test.clone().into()];
        [(steps, Some(Verdict::Accept)), (vec![test.into()], None)]
    });
    vec![Sample::filter(Hook::Input, rules.collect())]
}

/// Each statement alone, behind a test, and before a verdict.
fn statements(statements: impl IntoIterator<Item = Statement>) -> Vec<Sample> {
    let rules = statements.into_iter().flat_map(|statement| -> Vec<Parts> {
        let alone: Vec<Step> = vec![statement.into()];
        let behind = [vec![one(Field::UdpDport, 53).into()], alone.clone()].concat();
        vec![(alone, None), (behind, Some(Verdict::Drop))]
    });
    vec![Sample::filter(Hook::Input, rules.collect())]
}

fn limits() -> Vec<Match> {
    let packets =
        [(5, Per::Second, 10), (1, Per::Second, 5), (7, Per::Minute, 1), (10, Per::Hour, 10_000), (1, Per::Day, 2)];
    let bytes = [
        bytes(1, Per::Second, 0),
        bytes(1024, Per::Second, 5),
        bytes(10_240, Per::Minute, 2048),
        bytes(3 << 20, Per::Hour, 1 << 20),
        bytes(1000, Per::Week, 1),
    ];
    let packets = packets.map(|(amount, per, burst)| limit(amount, per, burst));
    let week = limit(3, Per::Week, 4);
    packets
        .into_iter()
        .chain([week])
        .chain(bytes.map(Match::Limit))
        .flat_map(|test| [test.clone(), over(test)])
        .collect()
}

fn over(test: Match) -> Match {
    match test {
        Match::Limit(limit) => Match::Limit(Limit { over: true, ..limit }),
        other => other,
    }
}

fn logs() -> Vec<Statement> {
    let prefixes = ["", "in-drop ", "it's {a} #1; 100% "];
    let levels =
        LogLevel::ALL.into_iter().flat_map(|level| prefixes.map(|prefix| log(prefix, LogTarget::kernel(level))));
    let bits = (0..64).filter_map(LogFlags::from_bits);
    let flags = bits.map(|flags| log("", LogTarget::Kernel { level: LogLevel::Warn, flags }));
    let both = log("seen ", LogTarget::Kernel { level: LogLevel::Info, flags: LogFlags::ALL });
    levels.chain(flags).chain([both, log(&"x".repeat(127), LogTarget::default())]).collect()
}

fn log_groups() -> Vec<Statement> {
    let groups = [0, 5, u16::MAX].map(LogTarget::group);
    let more = [(Some(0), None), (Some(128), None), (None, Some(1)), (Some(u32::MAX), Some(u16::MAX)), (None, Some(0))];
    let more = more.map(|(snaplen, threshold)| LogTarget::Group { group: 1, snaplen, threshold });
    groups.into_iter().chain(more).flat_map(|target| ["refused: ", ""].map(|prefix| log(prefix, target))).collect()
}

fn segment_sizes() -> Sample {
    let opens = Match::masked(Field::TcpFlags, 2, 2);
    let rules = [Mss::Path, Mss::Value(1), Mss::Value(1360), Mss::Value(u16::MAX)]
        .map(|mss| (vec![opens.clone().into(), Statement::Mss(mss).into()], None));
    Sample::filter(Hook::Forward, rules.to_vec())
}

fn queues() -> [Verdict; 6] {
    [
        ((0, 0), false, false),
        ((3, 3), true, false),
        ((0, 3), false, true),
        ((1, 65_535), true, true),
        ((7, 8), false, false),
        ((65_535, 65_535), false, false),
    ]
    .map(|(numbers, bypass, fanout)| Verdict::Queue(Queue { numbers, bypass, fanout }))
}

fn refusals() -> Vec<Sample> {
    let tcp = inline(Field::L4proto, IntervalSet::one(u128::from(Protocol::TCP.0)));
    let rule =
        |tests: Vec<Match>, refusal| (tests.into_iter().map(Step::from).collect(), Some(Verdict::Reject(refusal)));
    let of = |family: TableFamily| {
        let mut rules = Vec::new();
        for refusal in Refusal::ALL {
            let lacking = Family::ALL
                .into_iter()
                .filter(|&seen| family.sees(seen))
                .find(|&seen| refusal.icmp_code(seen).is_none());
            match (refusal, lacking) {
                (Refusal::TcpReset, _) => {
                    rules.push(rule(vec![tcp.clone()], refusal));
                    rules.push(rule(vec![one(Field::TcpDport, 113)], refusal));
                }
                (_, None) => rules.push(rule(Vec::new(), refusal)),
                (_, Some(_)) if family.sees(Family::Ipv4) => rules.push(rule(vec![ipv4()], refusal)),
                (_, Some(_)) => {}
            }
        }
        Sample::filter(Hook::Input, rules).of(family)
    };
    [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6].map(of).to_vec()
}
