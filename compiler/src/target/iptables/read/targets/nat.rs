// SPDX-License-Identifier: GPL-3.0-or-later
//! Translations.

use ringwall_ir::words::{Family, Hook, NatFlags};
use ringwall_ir::{Field, Match, Nat, NatEnd, OwnPorts, Values, Verdict};

use super::super::block::Block;
use super::super::rule::{Reading, address, address_test};
use crate::target::iptables::table::Hooks;

/// First and last.
type Ports = Option<(u16, u16)>;

/// `SNAT` and `DNAT`: `10.0.0.1-10.0.0.9:80-90`, `[fd00::1]:80`, `:80`.
pub(super) fn translation(block: &Block<'_>, family: Family, option: &str) -> Option<Nat> {
    let text = block.option(option)?.value();
    let (addresses, ports) = match text.strip_prefix('[') {
        Some(rest) => {
            let (addresses, behind) = rest.split_once(']')?;
            (addresses, behind.strip_prefix(':'))
        }
        None if family == Family::Ipv6 => (text, None),
        None => text.split_once(':').map_or((text, None), |(addresses, ports)| (addresses, Some(ports))),
    };
    let addresses = match addresses {
        "" => None,
        _ => {
            let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
            Some((address(family, first)?, address(family, last)?))
        }
    };
    let ports = match ports {
        None | Some("") => None,
        Some(ports) => Some(port_range(ports)?),
    };
    let family = addresses.is_some().then_some(family);
    Some(Nat { family, end: NatEnd::Range { addresses, ports }, flags: flags(block) })
}

/// `MASQUERADE` and `REDIRECT`.
pub(super) fn ports(block: &Block<'_>) -> Option<(Option<OwnPorts>, NatFlags)> {
    let ports = match block.option("--to-ports") {
        Some(option) => {
            let (first, last) = port_range(option.value())?;
            Some(OwnPorts::Range(first, last))
        }
        None => None,
    };
    Some((ports, flags(block)))
}

/// `NETMAP` writes the destination where packets arrive or are made, and the source where they end or leave
/// (`xt_NETMAP.c`). A chain that packets come to from both sides has no one translation.
pub(super) fn map(block: &Block<'_>, reading: &Reading<'_>) -> Option<Verdict> {
    let family = reading.family;
    let net = address_test(family, Field::destination(family), block.option("--to")?.value(), false)??;
    let Match::In { selector, values: Values::Inline(set), .. } = net else { return None };
    let &[range] = set.intervals() else { return None };
    if selector.mask().is_some() {
        return None;
    }
    let flags = NatFlags { netmap: true, ..NatFlags::default() };
    let nat = Nat { family: Some(family), end: NatEnd::Range { addresses: Some(range), ports: None }, flags };
    match reading.hooks {
        hooks if hooks.is_empty() => None,
        hooks if hooks.within(Hooks::of(&[Hook::Prerouting, Hook::Output])) => Some(Verdict::Dnat(nat)),
        hooks if hooks.within(Hooks::of(&[Hook::Input, Hook::Postrouting])) => Some(Verdict::Snat(nat)),
        _ => None,
    }
}

/// `80`, `80-90`; not `80-90/80`, which shifts ports.
fn port_range(text: &str) -> Ports {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn flags(block: &Block<'_>) -> NatFlags {
    NatFlags {
        random: block.has("--random"),
        fully_random: block.has("--random-fully"),
        persistent: block.has("--persistent"),
        netmap: false,
    }
}
