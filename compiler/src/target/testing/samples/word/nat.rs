// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that translate.

use ringwall_ir::fields::Word;
use ringwall_ir::words::{Family, Hook, NatFlags, TableFamily};
use ringwall_ir::{
    Data, DataType, Datatype, Element, Elements, Field, KeyType, MapRef, Nat, NatEnd, OriginId, OwnPorts, Selector,
    Set, SetFlags, SetSpec, Step, TableParts, Tuple, Verdict,
};

use super::{Sample, one};
use crate::target::testing::Parts;

const NOWHERE: OriginId = OriginId(0);
const NONE: NatFlags = NatFlags { random: false, fully_random: false, persistent: false, netmap: false };

pub(super) fn samples(word: Word) -> Vec<Sample> {
    match word {
        Word::Masquerade => {
            let verdicts = own_ends().into_iter().map(|(ports, flags)| Verdict::Masquerade { ports, flags });
            vec![Sample::nat(Hook::Postrouting, rules(verdicts)).with(ports_map())]
        }
        Word::Redirect => {
            let verdicts = own_ends().into_iter().map(|(ports, flags)| Verdict::Redirect { ports, flags });
            [Hook::Prerouting, Hook::Output]
                .map(|hook| Sample::nat(hook, rules(verdicts.clone())).with(ports_map()))
                .to_vec()
        }
        Word::Dnat => [Hook::Prerouting, Hook::Output].into_iter().flat_map(|hook| ends(hook, Verdict::Dnat)).collect(),
        _ => [Hook::Postrouting, Hook::Input].into_iter().flat_map(|hook| ends(hook, Verdict::Snat)).collect(),
    }
}

fn tcp() -> Vec<Step> {
    vec![one(Field::TcpDport, 443).into()]
}

fn rules(verdicts: impl IntoIterator<Item = Verdict>) -> Vec<Parts> {
    verdicts.into_iter().map(|verdict| (tcp(), Some(verdict))).collect()
}

/// Every set of flags that the kernel takes, without and with ports.
fn own_ends() -> Vec<(Option<OwnPorts>, NatFlags)> {
    let random = NatFlags { random: true, ..NONE };
    let fully = NatFlags { fully_random: true, ..NONE };
    let looked_up = |field: Field, map| Some(OwnPorts::Map { key: vec![field.into()], map });
    let named = || MapRef::Named("ports".to_owned());
    vec![
        (None, NONE),
        (None, random),
        (None, fully),
        (None, NatFlags { persistent: true, ..NONE }),
        (None, NatFlags { persistent: true, ..random }),
        (Some(OwnPorts::Range(8080, 8080)), NONE),
        (Some(OwnPorts::Range(1024, 65_535)), random),
        (Some(OwnPorts::Range(1, 2)), NatFlags { persistent: true, ..fully }),
        (looked_up(Field::TcpDport, named()), NONE),
        (looked_up(Field::TcpSport, named()), NatFlags { persistent: true, ..random }),
        (looked_up(Field::IpSaddr, MapRef::Inline(port_elements())), fully),
    ]
}

/// A map of ports by ranges of ports.
fn ports_map() -> TableParts {
    let port = KeyType::Of(Datatype::InetService);
    let flags = SetFlags { interval: true, ..SetFlags::default() };
    let spec = SetSpec { data: Some(DataType::Values(vec![port])), flags, ..SetSpec::of(vec![port]) };
    let element = |first, last, to| Element {
        data: Some(Data::Values(Tuple::of(&[to]))),
        ..Element::of(Tuple(vec![(first, last)]), NOWHERE)
    };
    let elements = vec![element(80, 89, 8080), element(443, 443, 8443)];
    let set = Set::new("ports", spec, Elements::List(elements), NOWHERE).unwrap();
    TableParts { sets: vec![set], ..TableParts::default() }
}

fn address(family: Family, host: u128) -> u128 {
    match family {
        Family::Ipv4 => 0xc000_0200 | host,
        Family::Ipv6 => 0x2001_0db8 << 96 | host,
    }
}

fn ends(hook: Hook, verdict: fn(Nat) -> Verdict) -> Vec<Sample> {
    let mut samples = Vec::new();
    for family in Family::ALL {
        for table in [TableFamily::Inet, family.table()] {
            let mut nats = ranges(family);
            nats.extend(maps(family));
            let rules = rules(nats.into_iter().map(|(end, flags)| verdict(Nat { family: Some(family), end, flags })));
            let sets = [addresses(family), sockets(family), ranges_map(family)].to_vec();
            samples.push(Sample::nat(hook, rules).of(table).with(TableParts { sets, ..TableParts::default() }));
        }
    }
    let ports_alone = [(None, (80, 80)), (None, (8000, 8010))].map(|(addresses, ports)| Nat {
        family: None,
        end: NatEnd::Range { addresses, ports: Some(ports) },
        flags: NONE,
    });
    let by_source = NatEnd::Map { key: vec![Field::IpSaddr.into()], map: MapRef::Inline(port_elements()), ports: None };
    let looked_up = Nat { family: None, end: by_source, flags: NONE };
    samples.push(Sample::nat(hook, rules(ports_alone.into_iter().chain([looked_up]).map(verdict))));
    samples
}

fn ranges(family: Family) -> Vec<(NatEnd, NatFlags)> {
    let host = |host| address(family, host);
    let flags = [
        NONE,
        NatFlags { random: true, ..NONE },
        NatFlags { persistent: true, ..NONE },
        NatFlags { fully_random: true, persistent: true, ..NONE },
    ];
    let ends = [
        (Some((host(1), host(1))), None),
        (Some((host(1), host(9))), None),
        (Some((host(1), host(1))), Some((8443, 8443))),
        (Some((host(1), host(9))), Some((1024, 2047))),
    ];
    let mut ranges: Vec<_> = ends
        .into_iter()
        .flat_map(|(addresses, ports)| flags.map(|flags| (NatEnd::Range { addresses, ports }, flags)))
        .collect();
    let netmap = NatFlags { netmap: true, ..NONE };
    ranges.push((NatEnd::Range { addresses: Some((host(0), host(255))), ports: None }, netmap));
    ranges
}

fn maps(family: Family) -> Vec<(NatEnd, NatFlags)> {
    let port: Vec<Selector> = vec![Field::TcpDport.into()];
    let source: Vec<Selector> = vec![Field::source(family).into()];
    let map = |key: &[Selector], map, ports| (NatEnd::Map { key: key.to_vec(), map, ports }, NONE);
    let named = |name: &str| MapRef::Named(name.to_owned());
    vec![
        map(&source, named("addresses"), None),
        map(&source, named("addresses"), Some((443, 443))),
        map(&port, named("sockets"), None),
        map(&port, MapRef::Inline(socket_elements(family)), None),
        map(&source, MapRef::Inline(address_elements(family)), None),
        map(&source, named("ranges"), None),
        map(&source, MapRef::Inline(range_elements(family)), None),
    ]
}

fn address_elements(family: Family) -> Vec<Element> {
    (1..4)
        .map(|host| Element {
            data: Some(Data::Values(Tuple::of(&[address(family, 100 + host)]))),
            ..Element::of(Tuple::of(&[address(family, host)]), NOWHERE)
        })
        .collect()
}

fn port_elements() -> Vec<Element> {
    (1..4)
        .map(|host| Element {
            data: Some(Data::Values(Tuple::of(&[8000 + host]))),
            ..Element::of(Tuple::of(&[address(Family::Ipv4, host)]), NOWHERE)
        })
        .collect()
}

/// Ranges of addresses, one of which is a single one.
fn range_elements(family: Family) -> Vec<Element> {
    [(1, 50, 50), (2, 60, 69)]
        .map(|(host, first, last)| Element {
            data: Some(Data::Values(Tuple(vec![(address(family, first), address(family, last))]))),
            ..Element::of(Tuple::of(&[address(family, host)]), NOWHERE)
        })
        .to_vec()
}

fn ranges_map(family: Family) -> Set {
    let key = KeyType::Of(Datatype::address(family));
    let spec = SetSpec { data: Some(DataType::Values(vec![key])), ..SetSpec::of(vec![key]) };
    Set::new("ranges", spec, Elements::List(range_elements(family)), NOWHERE).unwrap()
}

fn socket_elements(family: Family) -> Vec<Element> {
    (1..4)
        .map(|host| Element {
            data: Some(Data::Values(Tuple::of(&[address(family, 100 + host), 8000 + host]))),
            ..Element::of(Tuple::of(&[440 + host]), NOWHERE)
        })
        .collect()
}

fn addresses(family: Family) -> Set {
    let key = KeyType::Of(Datatype::address(family));
    let spec = SetSpec {
        data: Some(DataType::Values(vec![key])),
        flags: SetFlags { interval: true, ..SetFlags::default() },
        ..SetSpec::of(vec![key])
    };
    Set::new("addresses", spec, Elements::List(address_elements(family)), NOWHERE).unwrap()
}

fn sockets(family: Family) -> Set {
    let port = KeyType::Of(Datatype::InetService);
    let data = DataType::Values(vec![KeyType::Of(Datatype::address(family)), port]);
    let spec = SetSpec { data: Some(data), ..SetSpec::of(vec![port]) };
    Set::new("sockets", spec, Elements::List(socket_elements(family)), NOWHERE).unwrap()
}
