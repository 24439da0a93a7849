// SPDX-License-Identifier: GPL-3.0-or-later
//! Why a packet did not pass a test, in words: `destination port is 80, not 22`.

use ringwall_ir::words::{Family, Protocol};
use ringwall_ir::{Datatype, Field, Match, Selector, Step, Table, Tuples, Values};
use ringwall_runtime::engine::interpret::Failed;
use ringwall_runtime::host::Host;

use super::table::squeezed;

/// More values than this are counted.
const MOST_VALUES: usize = 6;

/// Longer tests are cut.
const LONGEST_TEST: usize = 80;

/// Why a packet of this family and protocol did not pass a rule of the table on the host.
pub fn why(failed: &Failed<'_>, table: &Table, host: &Host, (family, protocol): (Family, Protocol)) -> String {
    let test = match failed.step {
        Some(Step::Match(test)) => test,
        None => return "the map has nothing for it".to_owned(),
        Some(Step::Statement(_)) => return "it does not go on there".to_owned(),
        Some(Step::Unknown(unknown)) => return format!("{} is not modelled", unknown.name),
    };
    let missing = test.selectors().iter().zip(&failed.seen).find(|(_, seen)| seen.is_none());
    if let Some((selector, _)) = missing {
        return lacks(*selector, family, protocol);
    }
    match test {
        Match::In { selector, values, negated } => {
            let seen = failed.seen.first().copied().flatten().unwrap_or_default();
            if let Some((field, bits)) = test.bits() {
                let datatype = field.datatype();
                let wanted = datatype.value_text(bits).replace(',', " or ");
                return format!("{} is {}, not {wanted}", name(field), datatype.value_text(seen));
            }
            one_field(table, host, *selector, values, *negated, seen)
        }
        Match::Concat { key, values, negated } => {
            let parts = key.iter().zip(&failed.seen).map(|(selector, seen)| {
                let text = value_text(host, selector.field(), seen.unwrap_or_default());
                format!("{} {text}", name(selector.field()))
            });
            let among = match values {
                Tuples::Inline(tuples) => format!("the {} listed", tuples.len()),
                Tuples::Set(set) => set.clone(),
            };
            let all = parts.collect::<Vec<_>>().join(" with ");
            if *negated { format!("{all} is among {among}") } else { format!("{all} is not among {among}") }
        }
        Match::Limit(limit) if limit.over => format!("it is within `{test}`"),
        Match::Limit(_) => format!("`{test}` is used up"),
        Match::ConnLimit(_) | Match::Object { .. } | Match::Quota(_) => format!("`{test}` does not hold"),
    }
}

/// The packet does not have the field.
fn lacks(selector: Selector, family: Family, protocol: Protocol) -> String {
    let needs = selector.field().row().needs;
    match (needs.family(), needs.protocol()) {
        (Some(needed), _) if needed != family => format!("family is {}, not {}", family.name(), needed.name()),
        (_, Some(needed)) if needed != protocol => format!("protocol is {protocol}, not {needed}"),
        _ => format!("it has no {}", name(selector.field())),
    }
}

fn one_field(table: &Table, host: &Host, selector: Selector, values: &Values, negated: bool, seen: u128) -> String {
    let field = selector.field();
    let text = |value| value_text(host, field, value);
    let (what, seen) = match selector.mask() {
        None => (name(field), text(seen)),
        Some(mask) => (format!("{} & {}", name(field), text(mask)), text(seen & mask)),
    };
    let listed = || {
        let intervals = field.elements(&table.values(values));
        let shown = intervals.iter().take(MOST_VALUES);
        let shown = shown.map(|(first, last)| field.datatype().interval_text(*first, *last)).collect::<Vec<_>>();
        let more = intervals.len().saturating_sub(MOST_VALUES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (intervals.len(), format!("{}{more}", shown.join(", ")))
    };
    let (count, wanted) = match values {
        Values::Set(set) => match listed() {
            (0, _) => (usize::MAX, set.clone()),
            (_, values) => (usize::MAX, format!("{set} ({values})")),
        },
        Values::Symbols(names) => {
            (names.len(), names.iter().map(|symbol| symbol.name.as_str()).collect::<Vec<_>>().join(", "))
        }
        Values::Inline(_) => listed(),
    };
    let wanted = squeezed(&wanted, LONGEST_TEST);
    match (negated, count) {
        (false, 0 | 1) => format!("{what} is {seen}, not {wanted}"),
        (false, usize::MAX) => format!("{what} is {seen}, which is not in {wanted}"),
        (false, _) => format!("{what} is {seen}, not one of {wanted}"),
        (true, _) => format!("{what} is {seen}, and may not be {wanted}"),
    }
}

/// A value; of an interface its name, which the numbers of a host stand for.
fn value_text(host: &Host, field: Field, value: u128) -> String {
    let is_it = |name: &&str| host.number(name).is_some_and(|number| u128::from(number) == value);
    let mut names = host.interfaces.iter().map(|interface| interface.name.as_str()).chain(["lo"]);
    let name = names.find(is_it).filter(|_| field.datatype() == Datatype::IfaceIndex);
    name.map_or_else(|| field.datatype().value_text(value), str::to_owned)
}

/// A field in the words of people.
fn name(field: Field) -> String {
    match field {
        Field::TcpDport | Field::UdpDport | Field::SctpDport => "destination port".to_owned(),
        Field::TcpSport | Field::UdpSport | Field::SctpSport => "source port".to_owned(),
        Field::IpDaddr | Field::Ip6Daddr => "destination".to_owned(),
        Field::IpSaddr | Field::Ip6Saddr => "source".to_owned(),
        Field::Iifname => "arriving interface".to_owned(),
        Field::Oifname => "leaving interface".to_owned(),
        Field::L4proto | Field::IpProtocol => "protocol".to_owned(),
        Field::Nfproto => "family".to_owned(),
        Field::IcmpType | Field::Icmpv6Type => "icmp type".to_owned(),
        Field::IcmpCode | Field::Icmpv6Code => "icmp code".to_owned(),
        Field::IpTtl | Field::Ip6HopLimit => "hop limit".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use ringwall_ir::words::TableFamily;
    use ringwall_ir::{IntervalSet, Symbol, TableParts};

    use super::*;

    fn told(test: Match, seen: Option<u128>) -> String {
        let step = Step::Match(test);
        let table = Table::new(TableFamily::Inet, "t", TableParts::default()).unwrap();
        let host = Host::with_addresses(&[]);
        why(&Failed { place: 0, step: Some(&step), seen: vec![seen] }, &table, &host, (Family::Ipv4, Protocol::UDP))
    }

    fn ports(ports: &[u128]) -> Values {
        Values::Inline(ports.iter().map(|port| (*port, *port)).collect())
    }

    #[test]
    fn what_is_and_what_should_be() {
        assert_eq!(told(Match::within(Field::UdpDport, ports(&[22])), Some(80)), "destination port is 80, not 22");
        assert_eq!(
            told(Match::within(Field::UdpDport, ports(&[22, 53])), Some(80)),
            "destination port is 80, not one of 22, 53"
        );
        assert_eq!(
            told(Match::outside(Field::UdpDport, ports(&[22])), Some(22)),
            "destination port is 22, and may not be 22"
        );
        assert_eq!(
            told(Match::within(Field::UdpDport, Values::Set("web".to_owned())), Some(80)),
            "destination port is 80, which is not in web"
        );
        assert_eq!(told(Match::any_of(Field::CtState, 2 | 4), Some(8)), "ct state is new, not established or related");
    }

    #[test]
    fn a_number_of_an_interface_is_told_by_its_name() {
        let symbol = Symbol { name: "lo".to_owned(), number: None };
        let test = Match::within(Field::Iif, Values::Symbols(vec![symbol]));
        assert_eq!(told(test, Some(2)), "iif is eth0, not lo");
        assert_eq!(told(Match::within(Field::Iif, Values::one(9)), Some(7)), "iif is 7, not 9");
    }

    #[test]
    fn what_a_packet_does_not_have() {
        assert_eq!(told(Match::within(Field::TcpDport, ports(&[22])), None), "protocol is udp, not tcp");
        let v6 = Match::within(Field::Ip6Saddr, Values::one(1));
        assert_eq!(told(v6, None), "family is ipv4, not ipv6");
        assert_eq!(told(Match::within(Field::CtMark, Values::one(1)), None), "it has no ct mark");
    }

    #[test]
    fn many_values_are_counted() {
        let many: IntervalSet = (0..20_u128).map(|port| (port * 2, port * 2)).collect();
        assert_eq!(
            told(Match::within(Field::UdpDport, Values::Inline(many)), Some(81)),
            "destination port is 81, not one of 0, 2, 4, 6, 8, 10 and 14 more"
        );
    }
}
