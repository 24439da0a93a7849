// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets and objects in the form in which they are compared.

use ringwall_ir::fields::FIELDS;
use ringwall_ir::words::{Family, Protocol, TableFamily};
use ringwall_ir::{
    Counts, DataType, Datatype, Element, Elements, Illegal, Key, KeyType, Meter, Milliseconds, Object, ObjectBody,
    Quota, Selector, Set, SetFlags, SetOperation, SetSpec, Statement, Table, Tuple,
};

use super::NOWHERE;

/// The helpers that IPv4 alone has (`nf_conntrack_*.c` and `nf_nat_pptp.c` of the kernel).
const IPV4_HELPERS: [&str; 4] = ["irc", "netbios-ns", "pptp", "snmp"];

/// The timeouts of nft that it does not print (`timeout_protocol` in nft's `src/rule.c`).
const USUAL: [(Protocol, &str, u32); 12] = [
    (Protocol::TCP, "syn_sent", 120),
    (Protocol::TCP, "syn_recv", 60),
    (Protocol::TCP, "established", 432_000),
    (Protocol::TCP, "fin_wait", 120),
    (Protocol::TCP, "close_wait", 60),
    (Protocol::TCP, "last_ack", 30),
    (Protocol::TCP, "time_wait", 120),
    (Protocol::TCP, "close", 10),
    (Protocol::TCP, "retrans", 300),
    (Protocol::TCP, "unack", 300),
    (Protocol::UDP, "unreplied", 30),
    (Protocol::UDP, "replied", 120),
];

/// The size that nft gives to a set that packets add to (`stmt_evaluate_set` and `set_evaluate` in its `src/evaluate.c`).
const USUAL_SIZE: u32 = 0xffff;

pub(super) fn of_object(table: TableFamily, object: &Object) -> Result<Object, Illegal> {
    let own = |family: Family| family.table() != table;
    let body = match object.body() {
        ObjectBody::CtHelper { helper, family, protocol } => {
            // The kernel tells the family that it found.
            let found = |family: &Family| *family == Family::Ipv4 && IPV4_HELPERS.contains(&helper.as_str());
            let family = family.filter(|family| own(*family) && !found(family));
            ObjectBody::CtHelper { helper: helper.clone(), family, protocol: *protocol }
        }
        ObjectBody::CtTimeout { family, protocol, timeouts } => {
            let usual = |(state, seconds): &&(String, u32)| USUAL.contains(&(*protocol, state.as_str(), *seconds));
            let mut timeouts: Vec<_> = timeouts.iter().filter(|timeout| !usual(timeout)).cloned().collect();
            timeouts.sort();
            ObjectBody::CtTimeout { family: family.filter(|family| own(*family)), protocol: *protocol, timeouts }
        }
        body => body.clone(),
    };
    Object::new(object.name(), body, NOWHERE)
}

pub(super) fn of_set(table: &Table, set: &Set) -> Result<Set, Illegal> {
    let spec = set.spec();
    let dynamic = operations(table, set.name()).any(|operation| operation != SetOperation::Delete);
    let usual = operations(table, set.name()).next().map(|_| USUAL_SIZE);
    let normal = SetSpec {
        key: spec.key.iter().map(|part| of_part(*part)).collect(),
        data: spec.data.as_ref().map(|data| match data {
            DataType::Values(parts) => DataType::Values(parts.iter().map(|part| of_part(*part)).collect()),
            other => other.clone(),
        }),
        flags: SetFlags { dynamic, ..spec.flags },
        timeout: spec.timeout.map(seconds),
        gc_interval: spec.gc_interval.map(seconds),
        size: spec.size.or(usual).filter(|_| !spec.flags.constant),
        auto_merge: false,
        meters: meters(&spec.meters),
    };
    Set::new(set.name(), normal, elements(spec, set.elements()), NOWHERE)
}

/// What rules do with the set.
fn operations<'a>(table: &'a Table, name: &'a str) -> impl Iterator<Item = SetOperation> + 'a {
    let statements = table.chains().iter().flat_map(|chain| chain.rules()).flat_map(|rule| rule.statements());
    statements.filter_map(move |statement| match statement {
        Statement::SetUpdate(update) if update.set == name => Some(update.operation),
        _ => None,
    })
}

/// Numbers of one width and byte order are called by the first field that has such.
fn of_part(part: KeyType) -> KeyType {
    let KeyType::Like(field) = part else { return part };
    let part = KeyType::of(field);
    let alike = FIELDS.iter().map(|row| KeyType::Like(row.field)).find(|other| part.is_like(*other));
    match part {
        KeyType::Like(_) => alike.unwrap_or(part),
        KeyType::Of(_) => part,
    }
}

pub(super) fn seconds(span: Milliseconds) -> Milliseconds {
    Milliseconds(span.0 / 1000 * 1000)
}

/// What was counted is left out.
pub(super) fn meters(meters: &[Meter]) -> Vec<Meter> {
    let meter = |meter: &Meter| match meter {
        Meter::Counter(_) => Meter::Counter(Counts::default()),
        Meter::Quota(quota) => Meter::Quota(Quota { used: 0, ..*quota }),
        other => *other,
    };
    meters.iter().map(meter).collect()
}

fn elements(spec: &SetSpec, elements: &Elements) -> Elements {
    let mut list: Vec<Element> = match elements {
        Elements::List(list) => list.iter().map(|element| of_element(&spec.key, spec.timeout, element)).collect(),
        Elements::Intervals(set) => {
            let part = spec.key.first().map_or(Datatype::Integer, |part| part.datatype());
            // Without the flag, a set has no room for an interval.
            let intervals = if spec.flags.interval { set.intervals().to_vec() } else { set.values() };
            let intervals = intervals.into_iter().map(|interval| of_interval(part, interval));
            intervals.map(|interval| Element::of(Tuple(vec![interval]), NOWHERE)).collect()
        }
    };
    list.sort_by(|one, other| one.key.cmp(&other.key));
    list.dedup();
    Elements::List(if spec.flags.interval { merged(list) } else { list })
}

/// Neighbours of which there is no more to say are one interval.
fn merged(list: Vec<Element>) -> Vec<Element> {
    let mut merged: Vec<Element> = Vec::with_capacity(list.len());
    for element in list {
        match (merged.last_mut().filter(|before| before.is_plain()).map(|before| &mut before.key), &element.key) {
            (Some(Key::Tuple(Tuple(before))), Key::Tuple(Tuple(parts))) if element.is_plain() => {
                match (before.as_mut_slice(), parts.as_slice()) {
                    // What is cut off a duration may make them overlap.
                    ([(_, end)], [(first, last)]) if end.saturating_add(1) >= *first => *end = (*end).max(*last),
                    _ => merged.push(element),
                }
            }
            _ => merged.push(element),
        }
    }
    merged
}

/// nft prints the seconds of a duration.
pub(super) fn of_interval(datatype: Datatype, (first, last): (u128, u128)) -> (u128, u128) {
    let floor = |value| if datatype == Datatype::Duration { value / 1000 * 1000 } else { value };
    (floor(first), floor(last))
}

/// The same of each part.
pub(super) fn of_tuple(parts: &[KeyType], tuple: &Tuple) -> Tuple {
    Tuple(parts.iter().zip(&tuple.0).map(|(part, interval)| of_interval(part.datatype(), *interval)).collect())
}

fn of_element(key: &[KeyType], usual: Option<Milliseconds>, element: &Element) -> Element {
    Element {
        key: match &element.key {
            Key::Any => Key::Any,
            Key::Tuple(tuple) => Key::Tuple(of_tuple(key, tuple)),
        },
        timeout: element.timeout.map(seconds).filter(|timeout| Some(*timeout) != usual.map(seconds)),
        expires: None,
        meters: Vec::new(),
        origin: NOWHERE,
        ..element.clone()
    }
}

/// The elements of a map that a rule holds.
pub(super) fn inline(key: &[Selector], list: &[Element]) -> Vec<Element> {
    let key: Vec<_> = key.iter().map(|selector| KeyType::Like(selector.field())).collect();
    let mut list: Vec<Element> = list.iter().map(|element| of_element(&key, None, element)).collect();
    list.sort_by(|one, other| one.key.cmp(&other.key));
    list
}
