// SPDX-License-Identifier: GPL-3.0-or-later
//! What a packet has in each field.

use ringwall_ir::fields::Needs;
use ringwall_ir::{Datatype, Field};

use crate::engine::View;
use crate::packet::Packet;

/// A field's value in this packet; none where the packet does not have it.
pub(super) fn value(field: Field, view: &View<'_>) -> Option<u128> {
    let packet: &Packet<'_> = view.packet;
    let needs: Needs = field.row().needs;
    if needs.family().is_some_and(|family| family != packet.family())
        || needs.protocol().is_some_and(|protocol| protocol != packet.protocol())
    {
        return None;
    }
    let (from_port, to_port) = packet.ports().unzip();
    let (kind, code) = packet.icmp().unzip();
    match field {
        Field::CtState => Some(u128::from(view.state.bit())),
        Field::IcmpType | Field::Icmpv6Type => kind.map(u128::from),
        Field::IcmpCode | Field::Icmpv6Code => code.map(u128::from),
        Field::Ip6Saddr | Field::IpSaddr => Some(packet.source()),
        Field::Ip6Daddr | Field::IpDaddr => Some(packet.destination()),
        Field::Ip6HopLimit | Field::IpTtl => Some(u128::from(packet.hop_limit())),
        Field::IpProtocol | Field::L4proto => Some(u128::from(packet.protocol().0)),
        Field::Nfproto => Some(u128::from(packet.family().number())),
        Field::SctpDport | Field::TcpDport | Field::UdpDport => to_port.map(u128::from),
        Field::SctpSport | Field::TcpSport | Field::UdpSport => from_port.map(u128::from),
        Field::TcpFlags => packet.tcp_flags().map(|flags| u128::from(flags.0)),
        // A packet without an interface has the empty name (`nft_meta_store_ifname`).
        Field::Iifname => Some(name(view.iif)),
        Field::Oifname => Some(name(view.oif)),
        _ => None,
    }
}

fn name(interface: Option<&str>) -> u128 {
    interface.and_then(|name| Datatype::Ifname.parse_value(name)).unwrap_or_default()
}
