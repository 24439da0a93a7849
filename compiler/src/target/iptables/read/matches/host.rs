// SPDX-License-Identifier: GPL-3.0-or-later
//! What the host knows about a packet: sockets, routes, devices, IPsec.

use ringwall_ir::fields::{Fib, FibResult};
use ringwall_ir::words::Family;
use ringwall_ir::{Datatype, Field, IntervalSet, Match, Selector, Symbol, Values};

use super::super::block::{Block, Opt};
use super::{number, one, span, with_mask, within};

/// `-m owner`. When negated it passes packets of no socket too (`xt_owner.c`).
pub(super) fn owner(option: &Opt<'_>) -> Option<Match> {
    let field = match option.name {
        "--uid-owner" => Field::Skuid,
        "--gid-owner" => Field::Skgid,
        _ => return None,
    };
    let text = option.value();
    if option.negated || text.is_empty() {
        return None;
    }
    if let Some((first, last)) = span(text, '-', u128::from(u32::MAX)) {
        return Some(within(option, field, IntervalSet::range(first, last)));
    }
    let symbol = Symbol { name: text.to_owned(), number: None };
    Some(Match::within(field, Values::Symbols(vec![symbol])))
}

/// `-m cgroup`. The path's depth is the level at which it is looked for.
pub(super) fn cgroup(block: &Block<'_>) -> Option<Vec<Match>> {
    let [option] = block.options.as_slice() else { return None };
    match option.name {
        "--cgroup" => one(option, Field::MetaCgroup, number(option.value())?).map(|test| vec![test]),
        "--path" if !option.negated => {
            let name = option.value().trim_matches('/');
            let level = u8::try_from(name.split('/').count()).ok().filter(|_| !name.is_empty())?;
            let symbol = Symbol { name: name.to_owned(), number: None };
            Some(vec![Match::within(Field::SocketCgroupv2(level), Values::Symbols(vec![symbol]))])
        }
        _ => None,
    }
}

/// `-m devgroup`
pub(super) fn device_group(option: &Opt<'_>) -> Option<Match> {
    let field = if option.name == "--src-group" { Field::Iifgroup } else { Field::Oifgroup };
    numbered(option, field, "default")
}

/// `-m realm`
pub(super) fn realm(option: &Opt<'_>) -> Option<Match> {
    numbered(option, Field::Rtclassid, "cosmos")
}

/// `VALUE/MASK`. `zero` is the name that iproute2 has for number 0 (`/etc/iproute2/group`, `/etc/iproute2/rt_realms`); the
/// host has given the other names, and only it knows them.
fn numbered(option: &Opt<'_>, field: Field, zero: &str) -> Option<Match> {
    let text = if option.value() == zero { "0" } else { option.value() };
    let (value, mask) = with_mask(text)?;
    Some(Match::In { selector: Selector::masked(field, mask), values: Values::one(value), negated: option.negated })
}

/// `-m addrtype`. For IPv6 it looks most types up in the address, not in the routes (`addrtype_mt6` in `xt_addrtype.c`).
pub(super) fn address_type(block: &Block<'_>, family: Family) -> Option<Vec<Match>> {
    let (iif, oif) = (block.has("--limit-iface-in"), block.has("--limit-iface-out"));
    let mut tests = Vec::new();
    for option in block.options.iter().filter(|option| matches!(option.name, "--src-type" | "--dst-type")) {
        let daddr = option.name == "--dst-type";
        let types = option.value().split(',').map(|name| address_type_named(name).map(|value| (value, value)));
        let set = types.collect::<Option<IntervalSet>>()?;
        let field = Field::Fib(Fib { daddr, mark: false, iif, oif, result: FibResult::Type });
        match family {
            Family::Ipv4 => tests.push(within(option, field, set)),
            Family::Ipv6 if set.single() == Some(LOCAL) => tests.push(within(option, field, set)),
            Family::Ipv6 if set.single() == Some(MULTICAST) => {
                let address = if daddr { Field::Ip6Daddr } else { Field::Ip6Saddr };
                tests.push(within(option, address, IntervalSet::prefix(0xff << 120, 8, 128)));
            }
            Family::Ipv6 => return None,
        }
    }
    Some(tests).filter(|tests| !tests.is_empty())
}

/// `RTN_LOCAL`
const LOCAL: u128 = 2;
/// `RTN_MULTICAST`
const MULTICAST: u128 = 5;

/// The names of nft in capitals, and three that it has no word for (`RTN_*` of `include/uapi/linux/rtnetlink.h`).
fn address_type_named(name: &str) -> Option<u128> {
    match name {
        "THROW" => Some(9),
        "NAT" => Some(10),
        "XRESOLVE" => Some(11),
        _ => Datatype::FibAddrtype.named_value(&name.to_lowercase()),
    }
}

/// `-m policy`: whether the packet came, or will go, by IPsec at all.
pub(super) fn policy(block: &Block<'_>) -> Option<Vec<Match>> {
    let exists = match block.option("--pol")?.value() {
        "ipsec" => 1,
        "none" => 0,
        _ => return None,
    };
    let field = match block.option("--dir")?.value() {
        "in" => Field::MetaIpsec,
        "out" => Field::RtIpsec,
        _ => return None,
    };
    (block.options.len() == 2).then(|| vec![Match::within(field, Values::one(exists))])
}

/// `-m rpfilter`, as nft's own translation of it has it. The two differ for packets that routing drops whatever becomes of
/// them here, and in that the field takes 0.0.0.0 to 255.255.255.255 for routed (`ipt_rpfilter.c`, `nft_fib_ipv4.c`).
pub(super) fn reverse_path(block: &Block<'_>) -> Option<Vec<Match>> {
    if block.has("--accept-local") {
        return None;
    }
    let (mark, iif) = (block.has("--validmark"), !block.has("--loose"));
    let field = Field::Fib(Fib { daddr: false, mark, iif, oif: false, result: FibResult::Exists });
    Some(vec![Match::within(field, Values::one(u128::from(!block.has("--invert"))))])
}

/// `-m socket`. Without `--nowildcard` it does not see sockets that are bound to no address (`xt_socket.c`).
pub(super) fn socket(block: &Block<'_>) -> Option<Vec<Match>> {
    if block.has("--restore-skmark") {
        return None;
    }
    let transparent = block.has("--transparent").then(|| Match::within(Field::SocketTransparent, Values::one(1)));
    let bound = (!block.has("--nowildcard")).then(|| Match::within(Field::SocketWildcard, Values::one(0)));
    let tests: Vec<_> = transparent.into_iter().chain(bound).collect();
    Some(tests).filter(|tests| !tests.is_empty())
}
