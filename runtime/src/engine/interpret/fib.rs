// SPDX-License-Identifier: GPL-3.0-or-later
//! What the routes say of a packet's addresses (`nft_fib_ipv4.c`, `nft_fib_ipv6.c`).

use ringwall_ir::Datatype;
use ringwall_ir::fields::{Fib, FibResult};
use ringwall_ir::words::{Family, Hook, Protocol};

use crate::engine::View;
use crate::engine::routing::{AddressKind, LOOPBACK, Routing};

/// The answer to a question. A host's routes are the same for every mark.
pub(super) fn answer(question: Fib, view: &View<'_>) -> Option<u128> {
    let (source, destination) = view.packet.addresses();
    let address = if question.daddr { destination } else { source };
    if question.result == FibResult::Type {
        return Some(kind(question, address, view).number().into());
    }
    let found = interface(question, address, view);
    Some(match question.result {
        FibResult::Exists => u128::from(found.is_some()),
        FibResult::Oif => found.and_then(|name| view.host.number(name)).unwrap_or_default().into(),
        _ => found.and_then(|name| Datatype::Ifname.parse_value(name)).unwrap_or_default(),
    })
}

/// The interface that counts, if one was asked for.
fn asked<'v>(question: Fib, view: &View<'v>) -> Option<&'v str> {
    if question.iif {
        view.iif
    } else if question.oif {
        view.oif
    } else {
        None
    }
}

/// `nft_fib4_eval_type`, `nft_fib6_eval_type`
fn kind(question: Fib, address: u128, view: &View<'_>) -> AddressKind {
    let here = view.iif.or(view.oif);
    Routing::of(view.host).kind_of(view.packet.family(), address, asked(question, view), here)
}

/// The interface that the route to an address leads to; none where there is no route, or where it leads to the host itself
/// (`nft_fib4_eval`, `nft_fib6_eval`).
fn interface<'v>(question: Fib, address: u128, view: &View<'v>) -> Option<&'v str> {
    let (family, (source, destination)) = (view.packet.family(), view.packet.addresses());
    let arrives = matches!(view.hook, Hook::Prerouting | Hook::Input);
    if arrives && (view.iif == Some(LOOPBACK) || is_nobodys(view, source, destination)) {
        return view.iif;
    }
    let wanted = asked(question, view);
    let here = wanted.or(view.iif);
    let found = Routing::of(view.host).way_to(family, address, here)?;
    wanted.is_none_or(|wanted| wanted == found).then_some(found)
}

/// Whether the packet may have no source: it asks for an address, or whether an address is free.
fn is_nobodys(view: &View<'_>, source: u128, destination: u128) -> bool {
    let link_local = Routing::is_for_the_link(view.packet.family(), destination);
    match view.packet.family() {
        Family::Ipv4 => source == 0 && link_local,
        Family::Ipv6 => source == 0 && link_local && view.packet.protocol() == Protocol::ICMPV6,
    }
}
