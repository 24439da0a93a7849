// SPDX-License-Identifier: GPL-3.0-or-later
//! Samples of the rows of fields: tests of values that some packets of the walk have and others do not.

use ringwall_ir::fields::{Exthdr, Fib, FibResult, FieldRow};
use ringwall_ir::words::{CtState, CtStatus, Family, Hook, TcpFlags};
use ringwall_ir::{
    Datatype, Elements, Field, InterfacePattern, IntervalSet, KeyType, Match, Selector, Set, SetSpec, Symbol,
    TableParts, Values,
};

use super::{RULE, Sample, words};

/// The samples of a field's row.
pub fn samples(row: &FieldRow) -> Vec<Sample> {
    match row.field {
        Field::Exthdr(_) => headers(),
        Field::CtMark | Field::CtZone(_) | Field::MetaMark | Field::MetaPriority => written(row.field),
        Field::CtExpiration => expirations(),
        Field::CtProtoDst(_) | Field::CtProtoSrc(_) | Field::ThDport | Field::ThSport => ends(row.field),
        Field::DccpDport | Field::DccpSport => headers_of_dccp(row.field),
        Field::Iifgroup | Field::Oifgroup => groups(row.field),
        Field::IpFragOff => fragments(),
        Field::Numgen(_) => numbers(row.field),
        Field::Skgid | Field::Skuid => senders(row.field),
        Field::Fib(_) => questions().into_iter().flat_map(answers).collect(),
        Field::Iif | Field::Oif => devices(row.field),
        Field::CtStatus => statuses(),
        // No packet of the walk belongs to a conversation that a helper expected.
        Field::CtHelper => {
            let ftp = Datatype::String.parse_value("ftp").expect("a name");
            let sample = Sample::dropping(within(row.field, IntervalSet::one(ftp), false));
            vec![Sample { may_be_idle: true, ..sample }]
        }
        Field::IpId => identifications(),
        field => match varied(field) {
            Some(sets) => both(field, &sets),
            None => of_datatype(row),
        },
    }
}

/// Values that the packets of the walk have in a field that regions do not narrow.
fn varied(field: Field) -> Option<Vec<IntervalSet>> {
    let last = field.max();
    Some(match field {
        Field::CtAvgpkt(_) | Field::CtBytes(_) => vec![set(&[(1, 60)]), set(&[(61, last)])],
        Field::CtDirection => vec![set(&[(0, 0)]), set(&[(1, 1)])],
        Field::CtPackets(_) => vec![set(&[(1, 1)]), set(&[(2, last)])],
        Field::CtProtocol(_) => vec![set(&[(6, 6)]), set(&[(17, 17)])],
        Field::SctpDport | Field::UdpliteDport => vec![set(&[(80, 80)]), set(&[(1000, 2000)])],
        Field::SctpSport | Field::UdpliteSport => vec![set(&[(4000, 4000)]), set(&[(1, 4001)])],
        Field::IpDscp | Field::Ip6Dscp => vec![set(&[(0, 0)]), set(&[(10, 10)]), set(&[(1, 46)])],
        Field::IpLength | Field::Ip6Length | Field::MetaLength | Field::UdpLength => {
            vec![set(&[(1, 80)]), set(&[(81, last)])]
        }
        Field::IpTtl | Field::Ip6HopLimit => vec![set(&[(64, 64)]), set(&[(2, 63), (65, 255)])],
        Field::Iiftype | Field::Oiftype => vec![set(&[(1, 1)]), set(&[(772, 772)])],
        Field::MetaProtocol => vec![set(&[(0x0800, 0x0800)]), set(&[(0x86dd, 0x86dd)])],
        Field::Pkttype => vec![set(&[(0, 0)]), set(&[(1, 1)]), set(&[(2, 2)]), set(&[(1, 2)])],
        Field::TcpMaxseg => vec![set(&[(1460, 1460)]), set(&[(0, 1299)])],
        _ => return None,
    })
}

fn both(field: Field, sets: &[IntervalSet]) -> Vec<Sample> {
    let signs =
        |values: &IntervalSet| [false, true].map(|negated| Sample::dropping(within(field, values.clone(), negated)));
    sets.iter().flat_map(signs).collect()
}

/// Of what arrives: the kernel numbers what the host sends without a number, at random.
fn identifications() -> Vec<Sample> {
    let samples = || both(Field::IpId, &[set(&[(64, 64)]), set(&[(1, 63)])]).into_iter();
    let at = |hook| move |sample| Sample { hook: Some(hook), may_be_idle: true, ..sample };
    samples().map(at(Hook::Input)).chain(samples().map(at(Hook::Forward))).collect()
}

/// Whether something is there.
fn flag(field: Field) -> Vec<Sample> {
    [1, 0].map(|value| Sample::dropping(within(field, IntervalSet::one(value), false))).into_iter().collect()
}

/// Behind a test of the protocol, without which nft 1.0.6 or iptables does not know what they are.
fn ends(field: Field) -> Vec<Sample> {
    let tcp = || within(Field::L4proto, IntervalSet::one(6), false);
    let sample = |values| Sample::dropping([tcp(), within(field, values, false)].concat());
    vec![sample(set(&[(0, 32_767)])), sample(set(&[(32_768, 65_535)]))]
}

fn headers_of_dccp(field: Field) -> Vec<Sample> {
    let sets = match field {
        Field::DccpSport => [set(&[(4000, 4000)]), set(&[(1, 4001)])],
        _ => [set(&[(80, 80)]), set(&[(1000, 2000)])],
    };
    let not_in_iptables = Some("the match dccp drops what has no whole header");
    both(field, &sets).into_iter().map(|sample| Sample { not_in_iptables, ..sample }).collect()
}

/// Everywhere, and where iptables has them: every packet there is of the group.
fn groups(field: Field) -> Vec<Sample> {
    let sample = || Sample::dropping(within(field, set(&[(0, 0)]), false));
    let hook = if field == Field::Iifgroup { Hook::Input } else { Hook::Output };
    vec![sample(), Sample { hook: Some(hook), may_be_idle: true, ..sample() }]
}

/// The flag that forbids to fragment; and later fragments, which do not meet the rule, as iptables tells them.
fn fragments() -> Vec<Sample> {
    let later = Sample::dropping(vec![Match::any_of(Field::IpFragOff, 0x1fff)]);
    let mut samples = both(Field::IpFragOff, &[set(&[(0, 0)]), set(&[(0x4000, 0x4000)])]);
    samples.push(Sample { may_be_idle: true, ..later });
    samples
}

/// Some headers are in packets, the others in none: fragments are whole when they meet the rule.
fn headers() -> Vec<Sample> {
    let test = |header| {
        let samples = flag(Field::Exthdr(header));
        let found = matches!(header, Exthdr::Dst | Exthdr::Hbh);
        samples.into_iter().map(move |sample| Sample { may_be_idle: !found, ..sample })
    };
    Exthdr::ALL.into_iter().flat_map(test).collect()
}

/// A field that is written for some packets before.
fn written(field: Field) -> Vec<Sample> {
    let sets = [set(&[(0, 0)]), set(&[(5, 5)])];
    let before = |sample| Sample { earlier: words::written_for_some(field), ..sample };
    both(field, &sets).into_iter().map(before).collect()
}

/// Between the times of an unanswered datagram and of a stream; and what is not in the table yet. In whole seconds, for
/// iptables.
fn expirations() -> Vec<Sample> {
    both(Field::CtExpiration, &[set(&[(20_000, 200_999)]), set(&[(0, 0)])])
}

/// Of one family, for iptables and ip6tables count each on their own.
fn numbers(field: Field) -> Vec<Sample> {
    let v4 = || within(Field::Nfproto, IntervalSet::one(u128::from(Family::Ipv4.number())), false);
    let sample = |number| Sample::dropping([v4(), within(field, IntervalSet::one(number), false)].concat());
    vec![sample(0), sample(1)]
}

/// Everywhere, and at hook output alone, where iptables has them too.
fn senders(field: Field) -> Vec<Sample> {
    let sets = [set(&[(0, 0)]), set(&[(1000, 1000)]), set(&[(100, 100)]), set(&[(1, 4000)])];
    let idle = |sample| Sample { may_be_idle: true, ..sample };
    let sent = |sample| Sample { hook: Some(Hook::Output), ..idle(sample) };
    both(field, &sets).into_iter().map(idle).chain(both(field, &sets).into_iter().map(sent)).collect()
}

fn devices(field: Field) -> Vec<Sample> {
    let symbol = |name: &str| Symbol { name: name.to_owned(), number: None };
    let named = Match::within(field, Values::Symbols(vec![symbol("eth1"), symbol("lo")]));
    let mut samples = both(field, &[set(&[(2, 2)]), set(&[(1, 1), (3, 3)])]);
    samples.push(Sample::dropping(vec![named]));
    samples
}

fn statuses() -> Vec<Sample> {
    [CtStatus::SEEN_REPLY, CtStatus::CONFIRMED, CtStatus::ASSURED.with(CtStatus::SEEN_REPLY)]
        .into_iter()
        .map(|bits| Sample::dropping(vec![Match::any_of(Field::CtStatus, u128::from(bits.0))]))
        .collect()
}

/// Every question that the kernel takes.
fn questions() -> Vec<Fib> {
    let mut questions = Vec::new();
    for daddr in [false, true] {
        for (mark, iif, oif) in
            [(false, false, false), (true, false, false), (false, true, false), (false, false, true)]
        {
            for result in [FibResult::Exists, FibResult::Oif, FibResult::Oifname, FibResult::Type] {
                if !oif || result == FibResult::Type {
                    questions.push(Fib { daddr, mark, iif, oif, result });
                }
            }
        }
    }
    questions
}

/// Some questions have one answer for all that arrives: every address has a route.
fn answers(question: Fib) -> Vec<Sample> {
    let idle = |sample| Sample { may_be_idle: true, ..sample };
    possible_answers(question).into_iter().map(idle).collect()
}

fn possible_answers(question: Fib) -> Vec<Sample> {
    let field = Field::Fib(question);
    let name = |name: &str| InterfacePattern::values(&[InterfacePattern::new(name).expect("a good name")]);
    match question.result {
        FibResult::Exists => flag(field),
        FibResult::Oif => both(field, &[set(&[(2, 2)]), set(&[(0, 0)])]),
        FibResult::Oifname => both(field, &[name("eth1")]),
        FibResult::Type => {
            let kinds = if question.daddr { &[1, 2, 3, 5][..] } else { &[1, 2] };
            kinds.iter().flat_map(|&kind| both(field, &[IntervalSet::one(kind)])).collect()
        }
    }
}

pub fn within(field: Field, values: IntervalSet, negated: bool) -> Vec<Match> {
    vec![Match::In { selector: Selector::of(field), values: Values::Inline(values), negated }]
}

/// A set from closed intervals.
pub fn set(intervals: &[(u128, u128)]) -> IntervalSet {
    intervals.iter().copied().collect()
}

fn of_datatype(row: &FieldRow) -> Vec<Sample> {
    let field = row.field;
    let both = |sets: &[IntervalSet]| both(field, sets);
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
