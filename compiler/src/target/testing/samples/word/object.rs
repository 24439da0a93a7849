// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that name objects, and the objects.

use ringwall_ir::fields::Word;
use ringwall_ir::words::{Family, Hook, Protocol, TableFamily};
use ringwall_ir::{
    Counts, Data, DataType, Datatype, Element, Elements, Field, KeyType, Limit, Match, Object, ObjectBody, ObjectKind,
    ObjectRef, OriginId, Per, Quota, Set, SetSpec, Statement, TableParts, Tuple, Verdict,
};

use super::{Sample, bytes, limit};
use crate::target::testing::Parts;

const NOWHERE: OriginId = OriginId(0);

pub(super) fn samples(word: Word) -> Vec<Sample> {
    match word {
        Word::CtHelper => [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6].map(helpers).to_vec(),
        Word::CtTimeout => [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6].map(timeouts).to_vec(),
        _ => vec![counted()],
    }
}

fn object(name: &str, body: ObjectBody) -> Object {
    Object::new(name, body, NOWHERE).unwrap()
}

/// The families that an object of a table may be for.
fn families(table: TableFamily) -> Vec<Option<Family>> {
    let said = Family::ALL.into_iter().filter(|&family| table.sees(family)).map(Some);
    said.chain([None]).collect()
}

fn helpers(table: TableFamily) -> Sample {
    let known = [("ftp", Protocol::TCP), ("tftp", Protocol::UDP), ("sip", Protocol::UDP), ("Q.931", Protocol::TCP)];
    let mut objects = Vec::new();
    for family in families(table) {
        for (helper, protocol) in known {
            let body = ObjectBody::CtHelper { helper: helper.to_owned(), family, protocol };
            objects.push(object(&format!("helper{}", objects.len()), body));
        }
    }
    let set = |object: &Object| -> Parts { (vec![Statement::CtHelper(object.name().to_owned()).into()], None) };
    let rules = objects.iter().map(set).collect();
    Sample::filter(Hook::Prerouting, rules).of(table).with(TableParts { objects, ..TableParts::default() })
}

fn timeouts(table: TableFamily) -> Sample {
    let known: [(Protocol, &[(&str, u32)]); 3] = [
        (Protocol::TCP, &[("established", 123), ("close", 12)]),
        (Protocol::UDP, &[("unreplied", 5), ("replied", 90)]),
        (
            Protocol::TCP,
            &[("syn_sent", 1), ("syn_recv", 2), ("fin_wait", 3), ("close_wait", 4), ("last_ack", 5), ("time_wait", 6)],
        ),
    ];
    let mut objects = Vec::new();
    for family in families(table) {
        for (protocol, timeouts) in known {
            let timeouts = timeouts.iter().map(|&(state, seconds)| (state.to_owned(), seconds)).collect();
            let body = ObjectBody::CtTimeout { family, protocol, timeouts };
            objects.push(object(&format!("timeout{}", objects.len()), body));
        }
    }
    let set = |object: &Object| -> Parts { (vec![Statement::CtTimeout(object.name().to_owned()).into()], None) };
    let rules = objects.iter().map(set).collect();
    Sample::filter(Hook::Prerouting, rules).of(table).with(TableParts { objects, ..TableParts::default() })
}

fn rate() -> Limit {
    match limit(10, Per::Minute, 5) {
        Match::Limit(limit) => limit,
        other => panic!("{other}"),
    }
}

/// Counters, limits and quotas, by name and by a map; and objects that no rule names.
fn counted() -> Sample {
    let quota = |bytes, used, over| ObjectBody::Quota(Quota { bytes, used, over });
    let objects = vec![
        object("http", ObjectBody::Counter(Counts::default())),
        object("counter", ObjectBody::Counter(Counts { packets: 7, bytes: 420 })),
        object("slow", ObjectBody::Limit(rate())),
        object("fast", ObjectBody::Limit(Limit { over: true, ..rate() })),
        object("wide", ObjectBody::Limit(bytes(1 << 20, Per::Second, 4096))),
        object("narrow", ObjectBody::Limit(bytes(10, Per::Day, 0))),
        object("cheap", quota(1_000_000, 0, false)),
        object("spent", quota(25 << 20, 4096, true)),
        object("limit", quota(1, 0, false)),
    ];
    let named = |name: &str| ObjectRef::Named(name.to_owned());
    let by = |map: &str| ObjectRef::Map { key: vec![Field::TcpDport.into()], map: map.to_owned() };
    let count = |object: ObjectRef| -> Parts { (vec![Statement::Object(object).into()], None) };
    let within =
        |kind, object: ObjectRef| -> Parts { (vec![Match::Object { kind, object }.into()], Some(Verdict::Accept)) };
    let rules = vec![
        count(named("http")),
        count(named("counter")),
        count(by("counters")),
        within(ObjectKind::Limit, named("slow")),
        within(ObjectKind::Limit, named("fast")),
        within(ObjectKind::Limit, named("wide")),
        within(ObjectKind::Quota, named("cheap")),
        within(ObjectKind::Quota, named("limit")),
        within(ObjectKind::Limit, by("limits")),
        within(ObjectKind::Quota, by("quotas")),
    ];
    let sets = vec![
        map("counters", ObjectKind::Counter, &["http", "counter"]),
        map("limits", ObjectKind::Limit, &["slow", "wide"]),
        map("quotas", ObjectKind::Quota, &["cheap", "limit"]),
    ];
    Sample::filter(Hook::Input, rules).with(TableParts { objects, sets, ..TableParts::default() })
}

fn map(name: &str, kind: ObjectKind, objects: &[&str]) -> Set {
    let spec = SetSpec { data: Some(DataType::Object(kind)), ..SetSpec::of(vec![KeyType::Of(Datatype::InetService)]) };
    let elements = (80..).zip(objects).map(|(port, &name)| Element {
        data: Some(Data::Object(name.to_owned())),
        ..Element::of(Tuple::of(&[port]), NOWHERE)
    });
    Set::new(name, spec, Elements::List(elements.collect()), NOWHERE).unwrap()
}
