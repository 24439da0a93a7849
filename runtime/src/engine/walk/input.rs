// SPDX-License-Identifier: GPL-3.0-or-later
//! What happens to a packet between the hooks: the checks of IP input, and what a router does.

use ringwall_ir::words::Family;

use super::{Step, Walk};
use crate::engine::Ruling;
use crate::engine::routing::v6;
use crate::packet::answer::IcmpError;
use crate::packet::wire::{self, byte, put};
use crate::packet::{OptionArea, Packet, ipv4_options, option_area_is_sound, write_header_checksum};

impl<R: Ruling> Walk<'_, R> {
    /// The checks in front of hook prerouting (`ip_rcv_core`, `ip6_rcv_core`). Padding of the link is cut off.
    pub(super) fn take_in(&mut self, interface: &str) -> Step {
        self.read();
        let length = match self.packet() {
            Ok(packet) if packet.family() == Family::Ipv6 && !is_welcome(&packet, interface) => None,
            Ok(packet) => Some(packet.bytes().len()),
            Err(_) => None,
        };
        match length {
            Some(length) => {
                self.bytes.truncate(length);
                Ok(())
            }
            None => Err(self.lost("ip input")),
        }
    }

    /// The options of an IPv4 header, which are looked at behind hook prerouting (`ip_rcv_options`). Source routes are
    /// not accepted, as is the default.
    pub(super) fn check_options(&mut self) -> Step {
        match ipv4_options(&self.bytes) {
            OptionArea::Sound => Ok(()),
            OptionArea::SourceRoute => Err(self.lost("ip options")),
            OptionArea::Malformed { at } => {
                self.answer_icmp(IcmpError::parameter_problem(at));
                Err(self.lost("ip options"))
            }
        }
    }

    /// What a router checks and changes in front of hook forward (`ip_forward`, `ip6_forward`).
    pub(super) fn leave_for_another(&mut self, mtu: u32) -> Step {
        let packet = self.packet()?;
        let (family, hop_limit, source) = (packet.family(), packet.hop_limit(), packet.source());
        let traffic_class = packet.traffic_class();
        if hop_limit <= 1 {
            self.answer_icmp(IcmpError::time_exceeded(family));
            return Err(self.lost("hop limit"));
        }
        // Sources are looked at where the packet changes the link (`ip6_forward`).
        let changes_link = self.iif != self.oif;
        if family == Family::Ipv6 && changes_link && source == 0 {
            return Err(self.lost("routing"));
        }
        if family == Family::Ipv6 && changes_link && wire::is_link_local(source) {
            const BEYOND_SCOPE: u8 = 2;
            self.answer_icmp(IcmpError::unreachable(family, BEYOND_SCOPE));
            return Err(self.lost("routing"));
        }
        if self.is_too_big(mtu) {
            self.answer_icmp(IcmpError::too_big(family, mtu));
            return Err(self.lost("packet too big"));
        }
        match family {
            Family::Ipv4 => {
                self.carried.priority = priority_of(traffic_class);
                put(&mut self.bytes, 8, &[hop_limit - 1]);
                write_header_checksum(&mut self.bytes);
            }
            Family::Ipv6 => put(&mut self.bytes, 7, &[hop_limit - 1]),
        }
        Ok(())
    }

    /// Whether the packet may not be cut, and does not fit. What came in fragments leaves in fragments.
    fn is_too_big(&self, mtu: u32) -> bool {
        const DONT_FRAGMENT: u8 = 0x40;
        let long = u32::try_from(self.bytes.len()).map_or(true, |length| length > mtu);
        let whole = match self.family() {
            Family::Ipv4 => byte(&self.bytes, 6).is_some_and(|flags| flags & DONT_FRAGMENT != 0),
            Family::Ipv6 => true,
        };
        long && whole && !self.reassembled
    }
}

/// The traffic class of a packet that is forwarded, by its type of service (`ip_tos2prio` in `net/ipv4/route.c`).
const fn priority_of(type_of_service: u8) -> u32 {
    const BULK: u32 = 2;
    const INTERACTIVE_BULK: u32 = 4;
    const INTERACTIVE: u32 = 6;
    match type_of_service & 0x1e {
        0..8 => 0,
        8..16 => BULK,
        16..24 => INTERACTIVE,
        _ => INTERACTIVE_BULK,
    }
}

/// Whether IPv6 input takes the packet in: no group or loopback address where none can be, and no option that forbids it.
fn is_welcome(packet: &Packet<'_>, interface: &str) -> bool {
    let (source, destination) = packet.addresses();
    let scope = destination >> 112 & 0xf;
    let foreign =
        source != v6::LOOPBACK && destination != v6::LOOPBACK && !(v6::is_multicast(destination) && scope <= 1);
    !v6::is_multicast(source) && (interface == super::LOOPBACK || foreign) && option_area_is_sound(packet.bytes())
}
