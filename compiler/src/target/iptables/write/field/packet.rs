// SPDX-License-Identifier: GPL-3.0-or-later
//! What stands in the packet beside addresses and ports.

use ringwall_ir::fields::Exthdr;
use ringwall_ir::words::{Family, Hook, Protocol};
use ringwall_ir::{Datatype, Field, IntervalSet, Selector};

use super::super::clauses::Clauses;
use super::super::line::Test;
use super::super::place::Place;
use super::address;
use super::port::text;
use super::spelling::{Spelling, Write};
use crate::target::iptables::selection::Selection;
use crate::target::iptables::words::{hops, icmp};

/// The length of the IPv6 header, in bytes (RFC 8200 §3), which `-m length` counts too.
const HEADER: u128 = 40;

/// How a field is tested that has one option.
pub(super) fn spelling<'a>(place: &'a Place<'a>, field: Field) -> Result<Spelling<'a>, String> {
    let all = IntervalSet::range(0, field.max());
    Ok(match field {
        Field::EtherSaddr => {
            place.only_at(&[Hook::Prerouting, Hook::Input, Hook::Forward], "the Ethernet source")?;
            let test = |(address, _), negated| {
                let text = Datatype::EtherAddr.value_text(address);
                Ok(Test::of("mac", "--mac-source", negated, text))
            };
            Spelling { negatable: true, domain: all, write: Write::Values(Box::new(test)) }
        }
        Field::Exthdr(header) => {
            let word = match header {
                Exthdr::Dst => "ipv6-opts",
                Exthdr::Frag => "ipv6-frag",
                Exthdr::Hbh => "hop-by-hop",
                Exthdr::Rt => "ipv6-route",
                Exthdr::Mh => return Err("iptables does not look for the mobility header".to_owned()),
            };
            let test = move |(exists, _), negated| {
                Ok(Test::of("ipv6header", "--header", (exists == 0) != negated, format!("{word} --soft")))
            };
            Spelling { negatable: true, domain: all, write: Write::Values(Box::new(test)) }
        }
        Field::IpDscp | Field::Ip6Dscp => {
            let test = |(value, _), negated| Ok(Test::of("dscp", "--dscp", negated, format!("{value:#04x}")));
            Spelling { negatable: true, domain: all, write: Write::Values(Box::new(test)) }
        }
        Field::IpLength => {
            let test = |span, negated| Ok(Test::of("length", "--length", negated, text(span)));
            Spelling { negatable: true, domain: all, write: Write::Ranges(Box::new(test)) }
        }
        Field::Ip6Length => Spelling { negatable: false, domain: all, write: Write::Ranges(Box::new(payload_length)) },
        Field::MetaMark => {
            let test = |span, negated| Ok(Test::of("mark", "--mark", negated, prefix(span)));
            Spelling { negatable: true, domain: all, write: Write::Prefixes(Box::new(test)) }
        }
        Field::Pkttype => {
            let test = |(value, _), negated| {
                let word = match value {
                    0 => "unicast",
                    1 => "broadcast",
                    2 => "multicast",
                    3 => "otherhost",
                    _ => return Err(format!("iptables has no word for the packet type {value}")),
                };
                Ok(Test::of("pkttype", "--pkt-type", negated, word))
            };
            Spelling { negatable: true, domain: all, write: Write::Values(Box::new(test)) }
        }
        _ => {
            let test = |span, _| Ok(Test::of("tcpmss", "--mss", false, text(span)).beside(Some(Protocol::TCP)));
            Spelling { negatable: false, domain: all, write: Write::Ranges(Box::new(test)) }
        }
    })
}

/// The length of the payload, with that of the header. The option takes 16 bits.
fn payload_length((first, last): (u128, u128), _: bool) -> Result<Test, String> {
    let most = Field::Ip6Length.max();
    if last == most && (1..=most - HEADER + 1).contains(&first) {
        return Ok(Test::of("length", "--length", true, format!("0:{}", first + HEADER - 1)));
    }
    if last + HEADER > most {
        return Err(format!("ip6tables tests the length of payloads up to {} bytes", most - HEADER));
    }
    let span = (if first == 0 { 0 } else { first + HEADER }, last + HEADER);
    Ok(Test::of("length", "--length", false, text(span)))
}

/// `0x10/0xf0`: the values with their first bits in common.
pub(super) fn prefix((first, last): (u128, u128)) -> String {
    match last - first {
        0 => format!("{first:#x}"),
        host => format!("{first:#x}/{:#x}", !host & u128::from(u32::MAX)),
    }
}

/// One value of a field under a mask.
pub(super) fn masked(place: &Place<'_>, selector: Selector, value: u128, negated: bool) -> Result<Test, String> {
    let (field, mask) = (selector.field(), selector.bits());
    let hex = || format!("{value:#x}/{mask:#x}");
    match field {
        Field::MetaMark => Ok(Test::of("mark", "--mark", negated, hex())),
        Field::CtMark => Ok(Test::of("connmark", "--mark", negated, hex())),
        Field::Iifgroup | Field::Oifgroup | Field::Rtclassid => {
            let (module, option) = super::host::grouped(place, field)?;
            Ok(Test::of(module, option, negated, hex()))
        }
        Field::IpDscp | Field::Ip6Dscp => {
            Ok(Test::of("tos", "--tos", negated, format!("{:#04x}/{:#04x}", value << 2, mask << 2)))
        }
        Field::IpFragOff if (value, mask) == (0, 0x1fff) => Ok(Test::own("-f", !negated, "")),
        Field::IpSaddr | Field::Ip6Saddr | Field::IpDaddr | Field::Ip6Daddr => {
            let option = if field == Field::source(place.family) { "-s" } else { "-d" };
            let text = |bits| address::text(place.family, bits);
            Ok(Test::own(option, negated, format!("{}/{}", text(value), text(mask))))
        }
        // iptables-save loses the mask of an entry's address, where its ones do not come first.
        _ => Err(format!("iptables tests `{field}` under no mask")),
    }
}

/// The type and the code of ICMP in one option.
pub(super) fn icmp(family: Family, kind: Selection, code: Selection, clauses: &mut Clauses) -> Result<(), String> {
    let words = icmp::words(family);
    let protocol = if family == Family::Ipv4 { Protocol::ICMP } else { Protocol::ICMPV6 };
    let test = |negated, value: String| Test::of(words.module, words.option, negated, value).beside(Some(protocol));
    let few = |selection: Selection| selection.with_few_exceptions(8, |set| numbers(set).count());
    match (few(kind), few(code)) {
        (Selection::Any, Selection::Any) => {}
        (Selection::In(kinds), codes) => {
            check_icmp(&kinds, family)?;
            let alternatives = numbers(&kinds).flat_map(|kind| match &codes {
                Selection::Any => vec![vec![test(false, kind.to_string())]],
                Selection::In(codes) => {
                    numbers(codes).map(|code| vec![test(false, format!("{kind}/{code}"))]).collect()
                }
                Selection::NotIn(codes) => {
                    let others = numbers(codes).map(|code| test(true, format!("{kind}/{code}")));
                    vec![std::iter::once(test(false, kind.to_string())).chain(others).collect()]
                }
            });
            clauses.alternatives(alternatives.collect());
        }
        (Selection::NotIn(kinds), Selection::Any) => {
            check_icmp(&kinds, family)?;
            clauses.all_of(numbers(&kinds).map(|kind| test(true, kind.to_string())));
        }
        (Selection::Any | Selection::NotIn(_), _) => {
            return Err("iptables tests an icmp code only beside a single type".to_owned());
        }
    }
    Ok(())
}

/// Whether iptables takes one of the types for any.
pub(in crate::target::iptables::write) fn check_icmp(kinds: &IntervalSet, family: Family) -> Result<(), String> {
    if family == Family::Ipv4 && kinds.contains(icmp::ANY_TYPE) {
        return Err(format!("iptables takes icmp type {} for any type", icmp::ANY_TYPE));
    }
    Ok(())
}

/// The hop limit: equal, or between two others.
pub(super) fn hops(family: Family, selection: Selection, clauses: &mut Clauses) {
    let hops::HopWords { module, options: [equal, less, greater], field } = hops::words(family);
    let within = match selection.with_few_exceptions(8, |set| numbers(set).count()) {
        Selection::Any => return,
        Selection::In(set) => set,
        Selection::NotIn(set) => {
            clauses.all_of(numbers(&set).map(|number| Test::of(module, equal, true, number.to_string())));
            return;
        }
    };
    let alternatives = within.intervals().iter().map(|&(first, last)| {
        if first == last {
            return vec![Test::of(module, equal, false, first.to_string())];
        }
        let above = (first > 0).then(|| Test::of(module, greater, false, (first - 1).to_string()));
        let below = (last < field.max()).then(|| Test::of(module, less, false, (last + 1).to_string()));
        above.into_iter().chain(below).collect()
    });
    clauses.alternatives(alternatives.collect());
}

/// The numbers of a small set, one by one.
fn numbers(set: &IntervalSet) -> impl Iterator<Item = u128> {
    set.intervals().iter().flat_map(|&(first, last)| first..=last)
}
