// SPDX-License-Identifier: GPL-3.0-or-later
//! What the host knows of a packet beside its bytes (`net/netfilter/nft_meta.c`).

use ringwall_ir::words::{Family, Hook};
use ringwall_ir::{Datatype, Field};

use crate::engine::View;
use crate::engine::routing::{LOOPBACK, Routing};

/// The value of a field that is loaded by `meta`; none where the packet does not have it.
pub(super) fn value(field: Field, view: &View<'_>) -> Option<u128> {
    let packet = view.packet;
    match field {
        Field::Iif => Some(number(view.iif, view)),
        Field::Iifgroup => view.iif.map(|_| DEFAULT_GROUP),
        Field::Iifname => Some(name(view.iif)),
        Field::Iiftype => view.iif.map(kind),
        Field::L4proto => Some(u128::from(packet.protocol().0)),
        Field::MetaLength => u128::try_from(packet.bytes().len()).ok(),
        Field::MetaMark => Some(view.carried.mark.into()),
        Field::MetaPriority => Some(view.carried.priority.into()),
        Field::MetaProtocol => Some(ether_type(packet.family())),
        Field::Nfproto => Some(u128::from(packet.family().number())),
        Field::Oif => Some(number(view.oif, view)),
        Field::Oifgroup => view.oif.map(|_| DEFAULT_GROUP),
        Field::Oifname => Some(name(view.oif)),
        Field::Oiftype => view.oif.map(kind),
        Field::Pkttype => Some(packet_type(view)),
        Field::Skgid => view.sender.map(|sender| sender.gid.into()),
        Field::Skuid => view.sender.map(|sender| sender.uid.into()),
        _ => None,
    }
}

/// The group of every interface: the host puts none into another.
const DEFAULT_GROUP: u128 = 0;

const fn ether_type(family: Family) -> u128 {
    match family {
        Family::Ipv4 => 0x0800,
        Family::Ipv6 => 0x86dd,
    }
}

/// A packet without an interface has the empty name (`nft_meta_store_ifname`).
fn name(interface: Option<&str>) -> u128 {
    interface.and_then(|name| Datatype::Ifname.parse_value(name)).unwrap_or_default()
}

/// A packet without an interface has the number zero (`nft_meta_store_ifindex`).
fn number(interface: Option<&str>, view: &View<'_>) -> u128 {
    interface.and_then(|name| view.host.number(name)).unwrap_or_default().into()
}

/// `ARPHRD_LOOPBACK` and `ARPHRD_ETHER` of `include/uapi/linux/if_arp.h`: the host has no other kind.
fn kind(interface: &str) -> u128 {
    if interface == LOOPBACK { 772 } else { 1 }
}

/// To whom the frame was sent, `PACKET_*` of `include/uapi/linux/if_packet.h`, as `eth_type_trans` tells it: a neighbour
/// sends to all or to a group what is for all or for a group. What the host sends is its own.
fn packet_type(view: &View<'_>) -> u128 {
    const HOST: u128 = 0;
    const BROADCAST: u128 = 1;
    const MULTICAST: u128 = 2;
    let arrived = view.hook != Hook::Output && view.iif.is_some_and(|iif| iif != LOOPBACK);
    let (family, to) = (view.packet.family(), view.packet.destination());
    let routing = Routing::of(view.host);
    match view.iif {
        Some(iif) if arrived && routing.is_broadcast_on(iif, family, to) => BROADCAST,
        Some(_) if arrived && Routing::is_multicast(family, to) => MULTICAST,
        _ => HOST,
    }
}
