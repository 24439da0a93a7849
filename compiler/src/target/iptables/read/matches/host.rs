// SPDX-License-Identifier: GPL-3.0-or-later
//! What the host knows about a packet: sockets, routes, devices, IPsec.

use ringwall_ir::fields::{Fib, FibResult};
use ringwall_ir::words::Family;
use ringwall_ir::{Field, IntervalSet, Match, Symbol, Values};

use super::super::Known;
use super::super::block::{Block, Opt};
use super::{number_of, one, some, span_of, under_mask, with_mask, within};
use crate::target::iptables::words::address_type;

/// `-m owner`. When negated it passes packets of no socket too (`xt_owner.c`).
pub(super) fn owner(option: &Opt<'_>) -> Known<Match> {
    let field = match option.name {
        "--uid-owner" => Field::Skuid,
        "--gid-owner" => Field::Skgid,
        _ => return Err(option.not_modelled()),
    };
    option.plain("passes packets of no socket too, for which there is no test")?;
    let text = option.value();
    if text.is_empty() {
        return Err(option.is_no("name or number"));
    }
    if let Some((first, last)) = span_of(text, '-', u128::from(u32::MAX)) {
        return Ok(within(option, field, IntervalSet::range(first, last)));
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(option.is_no("name or number, and no range `FIRST-LAST` of numbers"));
    }
    let symbol = Symbol { name: text.to_owned(), number: None };
    Ok(Match::within(field, Values::Symbols(vec![symbol])))
}

/// `-m cgroup`. The path's depth is the level at which it is looked for.
pub(super) fn cgroup(block: &Block<'_>) -> Known<Match> {
    let option = block.only()?;
    if option.name == "--cgroup" {
        return Ok(one(option, Field::MetaCgroup, number_of(option)?));
    }
    option.plain("passes packets of no socket too, for which there is no test")?;
    let name = option.value().trim_matches('/');
    let level = u8::try_from(name.split('/').count()).ok().filter(|_| !name.is_empty());
    let level = level.ok_or_else(|| option.is_no("path of a control group"))?;
    let symbol = Symbol { name: name.to_owned(), number: None };
    Ok(Match::within(Field::SocketCgroupv2(level), Values::Symbols(vec![symbol])))
}

/// `-m devgroup`
pub(super) fn device_group(option: &Opt<'_>) -> Known<Match> {
    let field = if option.name == "--src-group" { Field::Iifgroup } else { Field::Oifgroup };
    let (value, mask) = numbered(option, "default")?;
    // The mask is for the value too (`match_entry` in `xt_devgroup.c`).
    Ok(under_mask(option, field, (value & mask, mask)))
}

/// `-m realm`
pub(super) fn realm(option: &Opt<'_>) -> Known<Match> {
    numbered(option, "cosmos").map(|numbers| under_mask(option, Field::Rtclassid, numbers))
}

/// `VALUE/MASK`. `zero` is the name that iproute2 has for number 0 (`/etc/iproute2/group`, `/etc/iproute2/rt_realms`); the
/// host has given the other names, and only it knows them.
fn numbered(option: &Opt<'_>, zero: &str) -> Known<(u128, u128)> {
    match option.value() {
        text if text == zero => Ok((0, u128::from(u32::MAX))),
        text if text.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Err(format!("`{text}` is a name of the host's /etc/iproute2: write the number"))
        }
        _ => with_mask(option),
    }
}

/// `-m addrtype`. For IPv6 it looks most types up in the address, not in the routes (`addrtype_mt6` in `xt_addrtype.c`).
pub(super) fn address_type(block: &Block<'_>, family: Family) -> Known<Vec<Match>> {
    let (iif, oif) = (block.has("--limit-iface-in"), block.has("--limit-iface-out"));
    let mut tests = Vec::new();
    for option in block.options.iter().filter(|option| matches!(option.name, "--src-type" | "--dst-type")) {
        let daddr = option.name == "--dst-type";
        let types = option.value().split(',').map(|name| address_type::named(name).map(|value| (value, value)));
        let set = types.collect::<Option<IntervalSet>>();
        let set = set.ok_or_else(|| option.is_no("list of types of addresses: write LOCAL,BROADCAST"))?;
        let field = Field::Fib(Fib { daddr, mark: false, iif, oif, result: FibResult::Type });
        match family {
            Family::Ipv4 => tests.push(within(option, field, set)),
            Family::Ipv6 if set.single() == Some(address_type::LOCAL) => tests.push(within(option, field, set)),
            Family::Ipv6 if set.single() == Some(address_type::MULTICAST) => {
                let address = if daddr { Field::Ip6Daddr } else { Field::Ip6Saddr };
                tests.push(within(option, address, IntervalSet::prefix(0xff << 120, 8, 128)));
            }
            Family::Ipv6 => {
                return Err(format!("`{}` is not modelled for IPv6: LOCAL or MULTICAST alone is", option.value()));
            }
        }
    }
    some(tests)
}

/// `-m policy`: whether the packet came, or will go, by IPsec at all.
pub(super) fn policy(block: &Block<'_>) -> Known<Match> {
    if let Some(other) = block.options.iter().find(|option| !matches!(option.name, "--pol" | "--dir")) {
        return Err(other.not_modelled());
    }
    let (policy, direction) = (block.need("--pol")?, block.need("--dir")?);
    let exists = match policy.value() {
        "ipsec" => 1,
        "none" => 0,
        _ => return Err(policy.is_no("policy: there are ipsec and none")),
    };
    let field = match direction.value() {
        "in" => Field::MetaIpsec,
        "out" => Field::RtIpsec,
        _ => return Err(direction.is_no("direction: there are in and out")),
    };
    Ok(Match::within(field, Values::one(exists)))
}

/// `-m rpfilter`, as nft's own translation of it has it. The two differ for packets that routing drops whatever becomes of
/// them here, and in that the field takes 0.0.0.0 to 255.255.255.255 for routed (`ipt_rpfilter.c`, `nft_fib_ipv4.c`).
pub(super) fn reverse_path(block: &Block<'_>) -> Known<Match> {
    if let Some(option) = block.option("--accept-local") {
        return Err(option.not_modelled());
    }
    let (mark, iif) = (block.has("--validmark"), !block.has("--loose"));
    let field = Field::Fib(Fib { daddr: false, mark, iif, oif: false, result: FibResult::Exists });
    Ok(Match::within(field, Values::one(u128::from(!block.has("--invert")))))
}

/// `-m socket`. Without `--nowildcard` it does not see sockets that are bound to no address (`xt_socket.c`).
pub(super) fn socket(block: &Block<'_>) -> Known<Vec<Match>> {
    if let Some(option) = block.option("--restore-skmark") {
        return Err(option.not_modelled());
    }
    let transparent = block.has("--transparent").then(|| Match::within(Field::SocketTransparent, Values::one(1)));
    let bound = (!block.has("--nowildcard")).then(|| Match::within(Field::SocketWildcard, Values::one(0)));
    let tests: Vec<_> = transparent.into_iter().chain(bound).collect();
    if tests.is_empty() {
        return Err("`--nowildcard` alone asks whether there is any socket, for which there is no test".to_owned());
    }
    Ok(tests)
}
