// SPDX-License-Identifier: GPL-3.0-or-later
//! What the host knows about a packet: sockets, routes, devices, IPsec.

use ringwall_ir::fields::{Fib, FibResult};
use ringwall_ir::words::{Family, Hook};
use ringwall_ir::{Field, IntervalSet, Symbol};

use super::super::clauses::Clauses;
use super::super::line::Test;
use super::super::place::Place;
use super::packet::prefix;
use super::spelling::{Spelling, Write, is_true};
use crate::target::iptables::selection::Selection;
use crate::target::iptables::table::XtTable;
use crate::target::iptables::words::{address_type, quoted};

/// The largest number of a user (`UID_MAX` less the one that is nobody's).
const UID_MAX: u128 = 0xffff_fffe;

/// How a field is tested that has one option.
pub(super) fn spelling<'a>(place: &'a Place<'a>, field: Field) -> Result<Spelling<'a>, String> {
    use Hook::{Forward, Input, Output, Postrouting, Prerouting};
    let all = IntervalSet::range(0, field.max());
    Ok(match field {
        Field::Fib(fib) => return routes(place, fib),
        Field::Iifgroup | Field::Oifgroup | Field::Rtclassid => {
            let (module, option) = grouped(place, field)?;
            let test = move |span, negated| Ok(Test::of(module, option, negated, prefix(span)));
            Spelling { negatable: true, domain: all, write: Write::Prefixes(Box::new(test)) }
        }
        Field::MetaCgroup => {
            place.only_at(&[Input, Output, Postrouting], "the control group of a packet's socket")?;
            let test =
                |(value, _): (u128, u128), negated| Ok(Test::of("cgroup", "--cgroup", negated, value.to_string()));
            Spelling { negatable: true, domain: all, write: Write::Values(Box::new(test)) }
        }
        Field::MetaCpu => {
            let test = |(value, _): (u128, u128), negated| Ok(Test::of("cpu", "--cpu", negated, value.to_string()));
            Spelling { negatable: true, domain: all, write: Write::Values(Box::new(test)) }
        }
        Field::MetaIpsec => {
            place.only_at(&[Prerouting, Input, Forward], "IPsec of a packet that came")?;
            policy("in", all)
        }
        Field::RtIpsec => {
            place.only_at(&[Forward, Output, Postrouting], "IPsec of a packet that will go")?;
            policy("out", all)
        }
        Field::Skuid | Field::Skgid => {
            place.only_at(&[Output, Postrouting], "the user of a packet")?;
            let option = if field == Field::Skuid { "--uid-owner" } else { "--gid-owner" };
            // When negated it would pass packets of no socket too.
            let test = move |(first, last): (u128, u128), _| {
                let value = if first == last { first.to_string() } else { format!("{first}-{last}") };
                Ok(Test::of("owner", option, false, value))
            };
            let domain = IntervalSet::range(0, UID_MAX);
            Spelling { negatable: false, domain, write: Write::Ranges(Box::new(test)) }
        }
        _ => return Err(format!("iptables has no test of `{field}`")),
    })
}

/// The match and option of the groups of devices, and of the realm.
pub(super) fn grouped(place: &Place<'_>, field: Field) -> Result<(&'static str, &'static str), String> {
    use Hook::{Forward, Input, Output, Postrouting, Prerouting};
    match field {
        Field::Iifgroup => {
            place.only_at(&[Prerouting, Input, Forward], "the group of the device that a packet arrived on")?;
            Ok(("devgroup", "--src-group"))
        }
        Field::Oifgroup => {
            place.only_at(&[Forward, Output, Postrouting], "the group of the device that a packet leaves by")?;
            Ok(("devgroup", "--dst-group"))
        }
        _ if place.family == Family::Ipv6 => Err("ip6tables knows no realms".to_owned()),
        _ => {
            place.only_at(&[Input, Forward, Output, Postrouting], "the realm")?;
            Ok(("realm", "--realm"))
        }
    }
}

fn policy<'a>(direction: &'static str, domain: IntervalSet) -> Spelling<'a> {
    let test = move |(exists, _): (u128, u128), negated: bool| {
        let word = if (exists == 1) == negated { "none" } else { "ipsec" };
        Ok(Test::of("policy", "--dir", false, format!("{direction} --pol {word}")))
    };
    Spelling { negatable: true, domain, write: Write::Values(Box::new(test)) }
}

/// What the routes say: `-m addrtype` of the kind of address, `-m rpfilter` of whether there is a way back.
fn routes<'a>(place: &'a Place<'a>, fib: Fib) -> Result<Spelling<'a>, String> {
    match fib.result {
        FibResult::Type if fib.mark => Err("iptables asks for the kind of an address without the mark".to_owned()),
        FibResult::Type => {
            let test = move |values: &[u128], negated| kinds_of_address(place, fib, values, negated);
            let domain = IntervalSet::range(0, 11);
            Ok(Spelling { negatable: true, domain, write: Write::Whole(Box::new(test)) })
        }
        FibResult::Exists if !fib.daddr && !fib.oif => {
            place.only_at(&[Hook::Prerouting], "the way back of a packet")?;
            if !matches!(place.xt, XtTable::Raw | XtTable::Mangle) {
                return Err("iptables has the way back of a packet in the tables raw and mangle alone".to_owned());
            }
            let test = move |(exists, _): (u128, u128), negated: bool| {
                let flags = [(!fib.iif, "--loose"), (fib.mark, "--validmark"), ((exists == 1) == negated, "--invert")];
                let words: Vec<_> = flags.into_iter().filter_map(|(set, flag)| set.then_some(flag)).collect();
                Ok(Test::of("rpfilter", "", false, words.join(" ")))
            };
            let domain = IntervalSet::range(0, 1);
            Ok(Spelling { negatable: true, domain, write: Write::Values(Box::new(test)) })
        }
        FibResult::Exists | FibResult::Oif | FibResult::Oifname => {
            Err("iptables asks the routes for the kind of an address and for the way back alone".to_owned())
        }
    }
}

/// `-m addrtype`. For IPv6 it looks other types than this up in the address, not in the routes.
fn kinds_of_address(place: &Place<'_>, fib: Fib, values: &[u128], negated: bool) -> Result<Test, String> {
    if place.family == Family::Ipv6 && values != [address_type::LOCAL] {
        return Err("ip6tables asks the routes only whether an address is local".to_owned());
    }
    let names: Vec<_> = values.iter().filter_map(|&value| address_type::name(value)).collect();
    let option = if fib.daddr { "--dst-type" } else { "--src-type" };
    let limit = match (fib.iif, fib.oif) {
        (true, _) => " --limit-iface-in",
        (_, true) => " --limit-iface-out",
        _ => "",
    };
    Ok(Test::of("addrtype", option, negated, format!("{}{limit}", names.join(","))))
}

/// The socket that a packet is of.
pub(super) fn socket(place: &Place<'_>, transparent: &Selection, wildcard: &Selection) -> Result<[Test; 1], String> {
    place.only_at(&[Hook::Prerouting, Hook::Input], "the socket of a packet")?;
    let words = match (is_true(transparent), is_true(wildcard)) {
        (Some(true), None) => "--transparent --nowildcard",
        (Some(true), Some(false)) => "--transparent",
        (None, Some(false)) => "",
        _ => return Err("iptables sees sockets that are transparent, or bound to an address, not others".to_owned()),
    };
    Ok([Test::of("socket", "", false, words)])
}

/// The control group, by its path below the root. The level is the path's depth.
pub(super) fn cgroup_path(
    place: &Place<'_>,
    field: Field,
    symbols: &[Symbol],
    negated: bool,
) -> Result<Clauses, String> {
    place.only_at(&[Hook::Output], "the control group of a packet's socket")?;
    let mut tests = Vec::new();
    for Symbol { name, .. } in symbols {
        let path = name.trim_matches('/');
        let depth = if path.is_empty() { 0 } else { path.split('/').count() };
        if field != Field::SocketCgroupv2(u8::try_from(depth).unwrap_or(u8::MAX)) {
            return Err(format!("iptables looks for the control group `{name}` at its own level"));
        }
        tests.push(Test::of("cgroup", "--path", false, quoted(path)));
    }
    if negated {
        return Err("iptables takes packets of no socket for those of another control group".to_owned());
    }
    let mut clauses = Clauses::default();
    clauses.one_of(tests);
    Ok(clauses)
}
