// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets as ipset itself takes and lists them.

use proptest::collection::vec;
use proptest::prelude::*;
use ringwall_ir::words::{ChainPolicy, Family, Hook, Protocol};
use ringwall_ir::{
    BaseChain, Chain, Datatype, Element, Elements, Field, IntervalSet, Key, KeyType, Match, Milliseconds, OriginId,
    Ruleset, Selector, Set, SetFlags, SetOperation, SetSpec, SetUpdate, Statement, Step, Table, TableParts, Tuple,
    Tuples, Values, Verdict,
};

use super::{SetText, read};
use crate::target::iptables::{Options, Written, write};
use crate::target::testing::kernel;

const NOWHERE: OriginId = OriginId(0);

/// A ruleset of one table with one chain.
fn ruleset(hook: Hook, sets: Vec<Set>, rules: Vec<(Vec<Step>, Option<Verdict>)>) -> Ruleset {
    let priority = ringwall_ir::words::Priority::RINGWALL_FILTER;
    let mut chain = Chain::base("chain", BaseChain::filter(hook, priority, ChainPolicy::Drop, NOWHERE)).unwrap();
    for (steps, verdict) in rules {
        chain.push(NOWHERE, steps, verdict).unwrap();
    }
    let parts = TableParts { sets, chains: vec![chain], ..TableParts::default() };
    let table = Table::new(ringwall_ir::words::TableFamily::Inet, "ringwall", parts).unwrap();
    Ruleset { tables: vec![table], ..Ruleset::default() }
}

fn written(ruleset: &Ruleset, family: Family) -> Written {
    write(ruleset, family, Options::default()).unwrap_or_else(|unsayable| panic!("{unsayable:#?}"))
}

fn static_set(name: &str, family: Family, intervals: IntervalSet) -> Set {
    let spec = SetSpec::intervals(KeyType::Of(Datatype::address(family)));
    Set::new(name, spec, Elements::Intervals(intervals), NOWHERE).unwrap()
}

fn in_set(field: Field, name: &str) -> Match {
    Match::within(field, Values::Set(name.to_owned()))
}

/// Prefixes that do not touch each other.
fn prefixes(count: u128) -> IntervalSet {
    (0..count).map(|i| (10 << 24 | i << 9, 10 << 24 | i << 9 | 0xff)).collect()
}

#[test]
fn only_a_large_set_is_a_set_of_ipset() {
    let text = |count| {
        let set = static_set("lan_v4", Family::Ipv4, prefixes(count));
        let rules = vec![(vec![in_set(Field::IpSaddr, "lan_v4").into()], Some(Verdict::Accept))];
        written(&ruleset(Hook::Input, vec![set], rules), Family::Ipv4)
    };
    let small = text(64);
    assert_eq!((small.text.matches("-A INPUT").count(), small.sets.as_str()), (64, ""));
    let large = text(65);
    let lines: Vec<_> = large.text.lines().collect();
    assert_eq!(lines[1], "# its sets must be there before: load them with ipset restore");
    assert_eq!(lines[7], "-A INPUT -m set --match-set ringwall.lan_v4 src -j ACCEPT");
    let commands: Vec<_> =
        large.sets.lines().filter(|line| !line.starts_with('#') && !line.starts_with("add")).collect();
    assert_eq!(
        commands,
        [
            "create ringwall.lan_v4 hash:net family inet maxelem 65536 -exist",
            "destroy ringwall.tmp -exist",
            "create ringwall.tmp hash:net family inet maxelem 65536",
            "swap ringwall.lan_v4 ringwall.tmp",
            "destroy ringwall.tmp",
        ]
    );
    assert_eq!(large.sets.matches("add ringwall.tmp 10.").count(), 65);
}

/// A static set is replaced whole, under the rules that look into it; a set that packets fill keeps what it holds.
#[test]
fn sets_load_on_an_empty_and_on_a_loaded_kernel() {
    let Some(kernel) = kernel() else { return };
    let text = |count| {
        let dynamic = SetFlags { dynamic: true, timeout: true, ..SetFlags::default() };
        let spec = SetSpec {
            flags: dynamic,
            timeout: Some(Milliseconds(3_600_000)),
            size: Some(1000),
            ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)])
        };
        let banned = Set::new("banned", spec, Elements::NONE, NOWHERE).unwrap();
        let update = SetUpdate {
            operation: SetOperation::Update,
            set: "banned".to_owned(),
            key: vec![Field::IpSaddr.into()],
            data: None,
            timeout: Some(Milliseconds(60_000)),
            meters: Vec::new(),
        };
        let rules = vec![
            (vec![in_set(Field::IpSaddr, "lan").into()], Some(Verdict::Accept)),
            (vec![Statement::SetUpdate(Box::new(update)).into()], Some(Verdict::Drop)),
        ];
        written(
            &ruleset(Hook::Input, vec![static_set("lan", Family::Ipv4, prefixes(count)), banned], rules),
            Family::Ipv4,
        )
    };
    let (first, second) = (text(70), text(80));
    assert!(
        first.text.contains("-A INPUT -j SET --add-set ringwall.banned src --exist --timeout 60\n"),
        "{}",
        first.text
    );
    assert!(first.text.contains("-A INPUT -m set --match-set ringwall.banned src -j DROP\n"), "{}", first.text);
    let load = |written: &Written| {
        let Written { text, sets, .. } = written;
        format!(
            "ipset restore <<'=== sets ==='\n{sets}=== sets ===\niptables-restore <<'=== text ==='\n{text}=== text ===\n"
        )
    };
    let script = format!(
        "{}ipset add ringwall.banned 203.0.113.9\n{}{}ipset save\n",
        load(&first),
        load(&second),
        load(&second)
    );
    let listed = kernel.run(&script).unwrap();
    assert_eq!(listed.matches("add ringwall.lan ").count(), 80, "{listed}");
    assert!(listed.contains("add ringwall.banned 203.0.113.9 timeout 3"), "{listed}");
    assert!(!listed.contains("ringwall.tmp"), "{listed}");
}

/// A net without bits is two, and the address of zeros is a net.
#[test]
fn what_ipset_refuses_is_said_otherwise() {
    for family in Family::ALL {
        let everything = IntervalSet::full(family.address_bits());
        let set = static_set("all", family, everything);
        let kind = super::Kind::named("hash:net").unwrap();
        let text = SetText::of("all", kind, family, &set, &IntervalSet::EMPTY).unwrap().text;
        let halves: Vec<_> = text.lines().filter(|line| line.starts_with("add")).collect();
        match family {
            Family::Ipv4 => assert_eq!(halves, ["add ringwall.tmp 0.0.0.0/1", "add ringwall.tmp 128.0.0.0/1"]),
            Family::Ipv6 => assert_eq!(halves, ["add ringwall.tmp ::/1", "add ringwall.tmp 8000::/1"]),
        }
        if let Some(kernel) = kernel() {
            kernel.run(&format!("ipset restore <<'=== sets ==='\n{text}=== sets ===\n")).unwrap();
        }
    }
}

#[test]
fn long_names_lose_their_end_for_a_hash() {
    assert_eq!(SetText::name("ringwall", "lan_v4"), "ringwall.lan_v4");
    let long = SetText::name("ringwall", "a-network-with-a-very-long-name_v4");
    assert_eq!(long.len(), 31);
    assert!(long.starts_with("ringwall.a-network-wit."));
    assert_ne!(long, SetText::name("ringwall", "a-network-with-a-very-long-name_v6"));
}

/// A set that packets fill must be ipset's, so what ipset cannot hold of it is an error of the rules that speak of it.
#[test]
fn what_ipset_cannot_hold_is_an_error() {
    let flags = SetFlags { dynamic: true, timeout: true, ..SetFlags::default() };
    let address = KeyType::Of(Datatype::Ipv4Addr);
    let error = |spec: SetSpec, elements: Vec<Element>, key: Vec<Field>| {
        let set = Set::new("s", spec, Elements::List(elements), NOWHERE).unwrap();
        let test: Match = match key.as_slice() {
            [only] => in_set(*only, "s"),
            _ => Match::Concat {
                key: key.iter().copied().map(Selector::of).collect(),
                values: Tuples::Set("s".to_owned()),
                negated: false,
            },
        };
        let ruleset = ruleset(Hook::Input, vec![set], vec![(vec![test.into()], Some(Verdict::Accept))]);
        write(&ruleset, Family::Ipv4, Options::default()).unwrap_err()[0].reason.clone()
    };
    let spec = |key: Vec<KeyType>| SetSpec { flags, ..SetSpec::of(key) };
    let timed = |time| Element { timeout: Some(Milliseconds(time)), ..Element::of(Tuple::of(&[1]), NOWHERE) };
    assert_eq!(
        error(spec(vec![address]), vec![timed(2_147_484_000)], vec![Field::IpSaddr]),
        "the timeout 24d20h31m24s is longer than 2147483 seconds"
    );
    assert_eq!(
        error(spec(vec![address]), vec![timed(1500)], vec![Field::IpSaddr]),
        "ipset counts timeouts in whole seconds, and 1s500ms are none"
    );
    assert_eq!(
        error(spec(vec![KeyType::Of(Datatype::Mark)]), Vec::new(), vec![Field::MetaMark]),
        "ipset has no type for the elements of `s`"
    );
    let any = Element { key: Key::Any, ..Element::of(Tuple(Vec::new()), NOWHERE) };
    assert_eq!(error(spec(vec![address]), vec![any], vec![Field::IpSaddr]), "ipset has no element for every other key");
}

/// A family, the fields of a key, and elements part by part.
type Keys = (Family, Vec<Field>, Vec<Vec<(u128, u128)>>);

/// Which part of an element is which, and that ranges become what the type has.
fn keys() -> impl Strategy<Value = Keys> {
    let family = prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)];
    (family, 0..5_usize).prop_flat_map(|(family, form)| {
        let (source, destination) = (Field::source(family), Field::destination(family));
        let fields = match form {
            0 => vec![source],
            1 => vec![destination, Field::TcpDport],
            2 => vec![source, Field::L4proto, Field::ThDport],
            3 => vec![source, Field::UdpSport, destination],
            _ => vec![Field::TcpDport],
        };
        let bits = family.address_bits();
        let part = move |field: Field| -> BoxedStrategy<(u128, u128)> {
            match field {
                Field::L4proto => prop_oneof![Just(Protocol::TCP), Just(Protocol::UDP), Just(Protocol::SCTP)]
                    .prop_map(|protocol| (u128::from(protocol.0), u128::from(protocol.0)))
                    .boxed(),
                _ if field.row().bits == 16 => {
                    (0..=u16::MAX).prop_map(|port| (u128::from(port), u128::from(port))).boxed()
                }
                _ => {
                    let largest = field.max();
                    prop_oneof![
                        3 => any::<u128>().prop_map(move |value| (value & largest, value & largest)),
                        1 => Just((0, 0)),
                        2 => (any::<u128>(), bits / 2..=bits).prop_map(move |(value, length)| {
                            IntervalSet::prefix(value & largest, length, bits).intervals()[0]
                        }),
                    ]
                    .boxed()
                }
            }
        };
        let element: Vec<_> = fields.iter().map(|field| part(*field)).collect();
        (Just(family), Just(fields), vec(element, 66..90))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// What ipset lists of a set that was written holds what the set holds.
    #[test]
    fn sets_come_back_from_the_kernel((family, fields, elements) in keys()) {
        let Some(kernel) = kernel() else { return Ok(()) };
        let key: Vec<_> = fields.iter().map(|field| KeyType::of(*field)).collect();
        let spec = SetSpec { flags: SetFlags { interval: true, ..SetFlags::default() }, ..SetSpec::of(key) };
        let (elements, test) = match fields.as_slice() {
            [only] => {
                let set: IntervalSet = elements.iter().map(|parts| parts[0]).collect();
                (Elements::Intervals(set), in_set(*only, "s"))
            }
            _ => {
                // Elements that are alike are one.
                let mut tuples: Vec<Tuple> = elements.into_iter().map(Tuple).collect();
                tuples.sort();
                tuples.dedup();
                let elements = tuples.into_iter().map(|tuple| Element::of(tuple, NOWHERE)).collect();
                let key = fields.iter().copied().map(Selector::of).collect();
                (Elements::List(elements), Match::Concat { key, values: Tuples::Set("s".to_owned()), negated: false })
            }
        };
        let set = Set::new("s", spec, elements, NOWHERE).unwrap();
        let ruleset = ruleset(Hook::Input, vec![set], vec![(vec![test.into()], Some(Verdict::Accept))]);
        // Nets of this kernel stand at one end of a key, the last.
        let Ok(written) = write(&ruleset, family, Options::default()) else { return Ok(()) };
        prop_assume!(!written.sets.is_empty() && !written.sets.contains("hash:net,port,net"));
        let sets = &written.sets;
        let listed = kernel.run(&format!("ipset restore <<'=== sets ==='\n{sets}=== sets ===\nipset save\n")).unwrap();
        let content = |text: &str| {
            let (sets, errors) = read(text);
            assert_eq!(errors, [], "{text}");
            let set = sets.set("ringwall.s", false, NOWHERE).unwrap().unwrap();
            let mut elements = match set.elements() {
                Elements::Intervals(set) => set.intervals().iter().map(|&interval| Tuple(vec![interval])).collect(),
                Elements::List(list) => list.iter().filter_map(|element| match &element.key {
                    Key::Tuple(tuple) => Some(tuple.clone()),
                    Key::Any => None,
                }).collect::<Vec<_>>(),
            };
            elements.sort();
            elements
        };
        prop_assert_eq!(content(&listed), content(sets), "{}\n{}", listed, sets);
    }
}
