// SPDX-License-Identifier: GPL-3.0-or-later
//! Translations.

use ringwall_ir::words::{Family, Hook, NatFlags};
use ringwall_ir::{Field, Match, Nat, NatEnd, OwnPorts, Values, Verdict};

use super::super::Known;
use super::super::address::{address_test, no_address, strict};
use super::super::block::Block;
use super::super::place::has_ports;
use super::super::rule::Reading;
use super::port_range;
use crate::target::iptables::table::Hooks;

/// `SNAT` and `DNAT`: `10.0.0.1-10.0.0.9:80-90`, `[fd00::1]:80`, `:80`.
pub(super) fn translation(block: &Block<'_>, reading: &Reading<'_>, option: &str) -> Known<Nat> {
    let family = reading.family;
    let text = block.need(option)?.value();
    let (addresses, ports) = match text.strip_prefix('[') {
        Some(rest) => {
            let (addresses, behind) = rest.split_once(']').ok_or("`[` has no end")?;
            (addresses, behind.strip_prefix(':'))
        }
        None if family == Family::Ipv6 => (text, None),
        None => text.split_once(':').map_or((text, None), |(addresses, ports)| (addresses, Some(ports))),
    };
    let end = |text| strict(family, text).ok_or_else(|| no_address(family, text));
    let addresses = match addresses {
        "" => None,
        _ => {
            let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
            Some((end(first)?, end(last)?))
        }
    };
    let ports = match ports {
        None => None,
        Some(ports) if ports.contains('/') => return Err(format!("`{ports}` shifts ports, which is not modelled")),
        Some(ports) => {
            has_ports(reading)?;
            Some(port_range(ports)?)
        }
    };
    let family = addresses.is_some().then_some(family);
    Ok(Nat { family, end: NatEnd::Range { addresses, ports }, flags: flags(block) })
}

/// `MASQUERADE` and `REDIRECT`.
pub(super) fn ports(block: &Block<'_>, reading: &Reading<'_>) -> Known<(Option<OwnPorts>, NatFlags)> {
    let ports = match block.option("--to-ports") {
        Some(option) => {
            has_ports(reading)?;
            let (first, last) = port_range(option.value())?;
            Some(OwnPorts::Range(first, last))
        }
        None => None,
    };
    Ok((ports, flags(block)))
}

/// `NETMAP` writes the destination where packets arrive or are made, and the source where they end or leave
/// (`xt_NETMAP.c`). A chain that packets come to from both sides has no one translation.
pub(super) fn map(block: &Block<'_>, reading: &Reading<'_>) -> Known<Verdict> {
    let (family, option) = (reading.family, block.need("--to")?);
    let no_net = || option.is_no("net that is a prefix");
    let net = address_test(family, Field::destination(family), option.value(), false, strict)?.ok_or_else(no_net)?;
    let Match::In { selector, values: Values::Inline(set), .. } = net else { return Err(no_net()) };
    let &[range] = set.intervals() else { return Err(no_net()) };
    if selector.mask().is_some() {
        return Err(no_net());
    }
    let flags = NatFlags { netmap: true, ..NatFlags::default() };
    let nat = Nat { family: Some(family), end: NatEnd::Range { addresses: Some(range), ports: None }, flags };
    match reading.hooks {
        hooks if hooks.is_empty() => {
            Err("no packet comes to its chain, and so it has no direction: no built-in chain leads there".to_owned())
        }
        hooks if hooks.within(Hooks::of(&[Hook::Prerouting, Hook::Output])) => Ok(Verdict::Dnat(nat)),
        hooks if hooks.within(Hooks::of(&[Hook::Input, Hook::Postrouting])) => Ok(Verdict::Snat(nat)),
        _ => Err("packets come to it on their way in and out, and it translates another address of each".to_owned()),
    }
}

fn flags(block: &Block<'_>) -> NatFlags {
    NatFlags {
        random: block.has("--random"),
        fully_random: block.has("--random-fully"),
        persistent: block.has("--persistent"),
        netmap: false,
    }
}
