// SPDX-License-Identifier: GPL-3.0-or-later
//! Drawing traffic from the edges of regions, in conversations that lead to each ct state.

use fastrand::Rng;
use ringwall_ir::words::{CtState, Direction, Family, IcmpClass, Protocol, TcpFlags, icmp};
use ringwall_ir::{Field, IntervalSet};

use super::region::{Region, edges, is_named};
use super::sketch::{Sketch, Turn};
use crate::host::Host;
use crate::packet::wire;
use crate::traffic::{TimedPacket, Traffic};

/// Draws at least `count` packets: first every edge of every dimension of every region, in every ct state that can be
/// reached, then mixtures. The same seed draws the same packets.
#[must_use]
pub fn draw(host: &Host, regions: &[Region], count: usize, seed: u64) -> Traffic {
    let mut drawer = Drawer { host, regions, rng: Rng::with_seed(seed), packets: Vec::new() };
    for region in regions {
        drawer.every_edge(region);
    }
    while drawer.packets.len() < count && !regions.is_empty() {
        drawer.mixture();
    }
    Traffic { packets: drawer.packets }
}

/// Draws a conversation from inside each region: as many as there are, so that every rule has its chance. The same seed
/// draws the same packets.
#[must_use]
pub fn draw_inside(host: &Host, regions: &[Region], seed: u64) -> Traffic {
    let mut drawer = Drawer { host, regions, rng: Rng::with_seed(seed), packets: Vec::new() };
    for region in regions {
        let sketch = drawer.inside(region);
        let state = region.states.iter().next().unwrap_or(CtState::New);
        drawer.converse(&sketch, region, state);
    }
    Traffic { packets: drawer.packets }
}

/// One dimension of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    Interface,
    Onward,
    Source,
    Destination,
    Protocol,
    FromPort,
    Port,
    IcmpType,
    IcmpCode,
    HopLimit,
    Flags,
}

impl Dimension {
    const ALL: [Self; 11] = [
        Self::Protocol,
        Self::Interface,
        Self::Onward,
        Self::Source,
        Self::Destination,
        Self::FromPort,
        Self::Port,
        Self::IcmpType,
        Self::IcmpCode,
        Self::HopLimit,
        Self::Flags,
    ];
}

/// A place in one dimension: a number, or an interface by its place among the Host's.
type Value = u128;

struct Drawer<'a> {
    host: &'a Host,
    regions: &'a [Region],
    rng: Rng,
    packets: Vec<TimedPacket>,
}

impl Drawer<'_> {
    /// One dimension after the other moves over all its edges, while the others stay inside the region.
    fn every_edge(&mut self, region: &Region) {
        for dimension in Dimension::ALL {
            let (inside, outside) = self.values(region, dimension);
            for value in inside.into_iter().chain(outside) {
                let mut sketch = self.inside(region);
                self.place(&mut sketch, dimension, value);
                for state in CtState::ALL {
                    self.converse(&sketch, region, state);
                }
            }
        }
    }

    /// A packet of some region with some dimensions outside of it, in some ct state.
    fn mixture(&mut self) {
        let Some(region) = self.regions.get(self.rng.usize(..self.regions.len())) else { return };
        let mut sketch = self.inside(region);
        for dimension in Dimension::ALL {
            if self.rng.u8(..8) == 0 {
                let (_, outside) = self.values(region, dimension);
                if let Some(value) = self.pick(&outside) {
                    self.place(&mut sketch, dimension, value);
                }
            }
        }
        let state = CtState::ALL.get(self.rng.usize(..5)).copied().unwrap_or(CtState::New);
        self.converse(&sketch, region, state);
    }

    /// A packet inside the region.
    fn inside(&mut self, region: &Region) -> Sketch {
        let first = self.host.interfaces.first().map(|interface| interface.name.clone()).unwrap_or_default();
        // Where nothing of the region is worth trying, packets at least have addresses of somebody.
        let (own, far) = (self.own(region.family), self.far_away(region.family));
        let own = own.first().copied().unwrap_or(far);
        let mut sketch = Sketch {
            direction: if region.is_loopback() { Direction::Outbound } else { region.direction },
            family: region.family,
            looped: region.is_loopback(),
            interface: first.clone(),
            onward: first,
            source: if region.direction == Direction::Outbound { own } else { far },
            destination: if region.direction == Direction::Inbound { own } else { far },
            protocol: Protocol::TCP,
            from_port: 0,
            port: 0,
            icmp_type: 0,
            icmp_code: 0,
            hop_limit: 64,
            flags: region.flags,
        };
        for dimension in Dimension::ALL {
            let (inside, _) = self.values(region, dimension);
            if let Some(value) = self.pick(&inside) {
                self.place(&mut sketch, dimension, value);
            }
        }
        sketch
    }

    fn pick(&mut self, values: &[Value]) -> Option<Value> {
        if values.is_empty() { None } else { values.get(self.rng.usize(..values.len())).copied() }
    }

    /// The values of a dimension worth trying: those inside the region and those outside.
    fn values(&mut self, region: &Region, dimension: Dimension) -> (Vec<Value>, Vec<Value>) {
        let chosen = |set: &IntervalSet, usual: &[u128], max: u128| {
            if *set == IntervalSet::range(0, max) {
                return (usual.to_vec(), Vec::new());
            }
            let (inside, mut outside) = edges(set, max);
            outside.extend(usual.iter().copied().filter(|&value| !set.contains(value)));
            (inside, outside)
        };
        match dimension {
            Dimension::Interface | Dimension::Onward if region.is_loopback() => (Vec::new(), Vec::new()),
            Dimension::Source | Dimension::Destination if region.is_loopback() => (self.own(region.family), Vec::new()),
            Dimension::Interface => self.interfaces(region, region.direction != Direction::Outbound),
            Dimension::Onward => self.interfaces(region, region.direction == Direction::Outbound),
            Dimension::Source => self.sources(region),
            Dimension::Destination => self.destinations(region),
            Dimension::Protocol => {
                // The numbers of extension headers ask for such headers, not for a payload.
                let (inside, outside) = chosen(&region.protocol, protocols(region.family), 255);
                let transport =
                    |list: Vec<Value>| list.into_iter().filter(|value| !EXTENSIONS.contains(value)).collect();
                (transport(inside), transport(outside))
            }
            Dimension::FromPort => chosen(&region.from_port, &[u128::from(self.rng.u16(32_768..61_000))], 65_535),
            Dimension::Port => chosen(&region.port, &[u128::from(self.rng.u16(1..))], 65_535),
            Dimension::IcmpType => chosen(&region.icmp_type, kinds(region.family), 255),
            Dimension::IcmpCode => chosen(&region.icmp_code, &[0], 255),
            Dimension::HopLimit => chosen(&region.hop_limit, &[64], 255),
            Dimension::Flags => flags(region.flags),
        }
    }

    /// The interfaces of one side that the region means, and the others.
    fn interfaces(&self, region: &Region, arriving: bool) -> (Vec<Value>, Vec<Value>) {
        let wanted = match (region.direction, arriving) {
            (Direction::Inbound, true) | (Direction::Forwarded, true) => &region.iif,
            (Direction::Outbound, false) => return (Vec::new(), Vec::new()),
            (Direction::Inbound, false) => return (Vec::new(), Vec::new()),
            (Direction::Outbound, true) | (Direction::Forwarded, false) => &region.oif,
        };
        let numbered = (0..).zip(&self.host.interfaces);
        let (inside, outside): (Vec<_>, Vec<_>) =
            numbered.partition(|(_, interface)| wanted.as_ref().is_none_or(|names| is_named(names, &interface.name)));
        let number = |list: Vec<(Value, _)>| list.into_iter().map(|(number, _)| number).collect();
        (number(inside), number(outside))
    }

    fn sources(&mut self, region: &Region) -> (Vec<Value>, Vec<Value>) {
        let own = self.own(region.family);
        let all = IntervalSet::full(region.family.address_bits());
        match region.direction {
            Direction::Outbound if region.source == all => (own, Vec::new()),
            Direction::Outbound => {
                // Nobody's address is written over by the kernel where it stands in a packet of IPv4 that it sends, no
                // socket sends from everybody's, and what is sent from the loopback's has its errors sent there.
                let (inside, outside) = edges(&region.source, Field::source(region.family).max());
                let everybodys = u128::from(u32::MAX);
                let odd = |value| value == everybodys || is_within_host(region.family, value);
                let somebodys = |list: Vec<Value>| list.into_iter().filter(|&value| !odd(value)).collect();
                (somebodys(inside), somebodys(outside))
            }
            _ if region.source == all => (vec![self.far_away(region.family)], Vec::new()),
            _ => {
                let (inside, mut outside) = edges(&region.source, Field::source(region.family).max());
                outside.push(self.far_away(region.family));
                let routers = self.anycast();
                let foreign = |list: Vec<Value>| {
                    list.into_iter().filter(|value| !own.contains(value) && !routers.contains(value)).collect()
                };
                (foreign(inside), foreign(outside))
            }
        }
    }

    fn destinations(&mut self, region: &Region) -> (Vec<Value>, Vec<Value>) {
        let all = IntervalSet::full(region.family.address_bits());
        match region.direction {
            Direction::Inbound => {
                let receivers = self.receivers(region.family);
                receivers.into_iter().partition(|&value| region.destination.contains(value))
            }
            _ if region.destination == all => (vec![self.far_away(region.family)], Vec::new()),
            _ => {
                let (inside, mut outside) = edges(&region.destination, Field::destination(region.family).max());
                outside.push(self.far_away(region.family));
                // What is sent to nobody's address, or within the host, goes past the routes; what is for a link goes no
                // further.
                let forwarded = region.direction == Direction::Forwarded;
                let odd = |value| {
                    is_within_host(region.family, value)
                        || (forwarded && region.family == Family::Ipv6 && wire::is_link_local(value))
                };
                let somebodys = |list: Vec<Value>| list.into_iter().filter(|&value| !odd(value)).collect();
                (somebodys(inside), somebodys(outside))
            }
        }
    }

    /// The host's own addresses of a family, link-local ones aside.
    fn own(&self, family: Family) -> Vec<Value> {
        let nets = self.host.interfaces.iter().flat_map(|interface| &interface.addresses);
        let addresses = nets.map(|net| net.addr()).filter(|address| !is_link_local(*address));
        addresses.filter(|address| address.is_ipv4() == (family == Family::Ipv4)).map(number).collect()
    }

    /// The anycast addresses that a router has in its own networks (RFC 4291 §2.6.1).
    fn anycast(&self) -> Vec<Value> {
        let nets = self.host.interfaces.iter().flat_map(|interface| &interface.addresses);
        nets.filter(|net| !net.addr().is_ipv4()).map(|net| number(net.network())).collect()
    }

    /// Addresses under which packets reach the host: its own, groups, the broadcast address.
    fn receivers(&self, family: Family) -> Vec<Value> {
        let groups = self.host.interfaces.iter().flat_map(|interface| &interface.groups).copied();
        let mut receivers = self.own(family);
        receivers.extend(groups.filter(|group| group.is_ipv4() == (family == Family::Ipv4)).map(number));
        match family {
            Family::Ipv4 => receivers.extend([0xe000_0001, 0xffff_ffff]),
            Family::Ipv6 => receivers.extend([(0xff02 << 112) | 1, (0xfe80 << 112) | 1]),
        }
        receivers
    }

    /// An address that no policy of one's own names: TEST-NET-3 (RFC 5737) and the documentation prefix (RFC 3849).
    fn far_away(&mut self, family: Family) -> Value {
        match family {
            Family::Ipv4 => 0xcb00_7100 | u128::from(self.rng.u8(1..255)),
            Family::Ipv6 => (0x2001_0db8 << 96) | u128::from(self.rng.u16(1..)),
        }
    }

    /// Puts a value into its place of a packet. A packet that is to leave by an interface goes to a neighbour there.
    fn place(&mut self, sketch: &mut Sketch, dimension: Dimension, value: Value) {
        let byte = u8::try_from(value).unwrap_or(u8::MAX);
        let port = u16::try_from(value).unwrap_or(u16::MAX);
        match dimension {
            Dimension::Interface | Dimension::Onward => self.place_interface(sketch, dimension, value),
            Dimension::Source => sketch.source = value,
            Dimension::Destination => sketch.destination = value,
            Dimension::Protocol => sketch.protocol = Protocol(byte),
            Dimension::FromPort => sketch.from_port = port,
            Dimension::Port => sketch.port = port,
            Dimension::IcmpType => sketch.icmp_type = byte,
            Dimension::IcmpCode => sketch.icmp_code = byte,
            Dimension::HopLimit => sketch.hop_limit = byte,
            Dimension::Flags => {
                let mask = if sketch.flags.1 == TcpFlags(0) { TcpFlags(u8::MAX) } else { sketch.flags.1 };
                sketch.flags = (TcpFlags(byte & mask.0), mask);
            }
        }
    }

    fn place_interface(&mut self, sketch: &mut Sketch, dimension: Dimension, value: Value) {
        let Some(interface) = usize::try_from(value).ok().and_then(|place| self.host.interfaces.get(place)) else {
            return;
        };
        let leaves = sketch.direction == Direction::Outbound || dimension == Dimension::Onward;
        if dimension == Dimension::Interface {
            sketch.interface.clone_from(&interface.name);
        } else {
            sketch.onward.clone_from(&interface.name);
        }
        if leaves && sketch.direction != Direction::Inbound {
            let net = interface.addresses.iter().find(|net| {
                net.addr().is_ipv4() == (sketch.family == Family::Ipv4) && net.prefix_len() < net.max_prefix_len()
            });
            if let Some(net) = net {
                sketch.destination = number(net.network()) + u128::from(self.rng.u8(2..250));
            }
        }
    }

    /// The packets that bring the sketched one into a ct state, as far as the policy lets them.
    fn converse(&mut self, sketch: &Sketch, region: &Region, state: CtState) {
        match state {
            CtState::New => self.send(sketch, sketch.bytes(Turn::Opening)),
            CtState::Established => self.established(sketch),
            CtState::Related => self.related(sketch, region),
            CtState::Invalid => self.invalid(sketch),
            CtState::Untracked => self.untracked(sketch, region),
        }
    }

    fn send(&mut self, sketch: &Sketch, bytes: Vec<u8>) {
        if sketch.direction == Direction::Outbound && self.leaves_open_which_link(sketch) {
            return;
        }
        self.packets.push(sketch.timed(bytes));
    }

    /// Whether nothing says which link a packet is for: one for a link, from an address of another than the first.
    fn leaves_open_which_link(&self, sketch: &Sketch) -> bool {
        let for_a_link = sketch.family == Family::Ipv6 && matches!(sketch.destination >> 118, 0x3fa | 0x3fc..);
        let others = self.host.interfaces.iter().skip(1).flat_map(|interface| &interface.addresses);
        for_a_link && others.map(|net| number(net.addr())).any(|address| address == sketch.source)
    }

    /// As the answer to what the other end opened, and as the follow-up of what this end opened.
    fn established(&mut self, sketch: &Sketch) {
        if !is_somebody(sketch.family, sketch.source) || !is_somebody(sketch.family, sketch.destination) {
            return;
        }
        let other = sketch.reversed();
        self.send(&other, other.bytes(Turn::Opening));
        self.send(sketch, sketch.bytes(Turn::Answer));
        let next = Sketch { from_port: sketch.from_port.wrapping_add(1), ..sketch.clone() };
        let other = next.reversed();
        self.send(&next, next.bytes(Turn::Opening));
        self.send(&other, other.bytes(Turn::Answer));
        self.send(&next, next.bytes(Turn::Following));
    }

    /// As an ICMP error about a conversation that the receiver of the error opened, or as a reset that another table sends.
    fn related(&mut self, sketch: &Sketch, region: &Region) {
        if sketch.protocol == Protocol::TCP && sketch.direction == Direction::Outbound && !sketch.looped {
            let opening = Sketch { port: sketch.from_port, from_port: sketch.port, ..sketch.reversed() };
            let mut refused = opening.timed(opening.bytes(Turn::Opening));
            refused.refused = true;
            self.packets.push(refused);
            return;
        }
        let Some(opening) = self.opening(sketch.reversed().direction, sketch.family) else { return };
        if !is_somebody(opening.family, opening.source) || !is_somebody(opening.family, opening.destination) {
            return;
        }
        let mut error = Sketch { protocol: icmp_of(sketch.family), destination: opening.source, ..sketch.clone() };
        if icmp::class(error.family, error.icmp_type) != IcmpClass::Error {
            error.icmp_type = self.error_kind(region);
        }
        if error.direction == Direction::Outbound {
            error.source = opening.destination;
        }
        if error.direction == Direction::Forwarded {
            error.interface.clone_from(&opening.onward);
        }
        let about = opening.bytes(Turn::Opening);
        self.send(&opening, about.clone());
        self.send(&error, error.icmp(Some(&about)));
    }

    /// A packet that the tested ruleset accepts as the first of a conversation, if there is any.
    fn opening(&mut self, direction: Direction, family: Family) -> Option<Sketch> {
        let suitable = |region: &&Region| region.opens && region.direction == direction && region.family == family;
        let candidates: Vec<&Region> = self.regions.iter().filter(suitable).collect();
        let region = (!candidates.is_empty()).then(|| candidates.get(self.rng.usize(..candidates.len())))??;
        Some(self.inside(region))
    }

    /// A kind of ICMP error inside the region, or else destination-unreachable.
    fn error_kind(&mut self, region: &Region) -> u8 {
        let errors: Vec<u128> = icmp::kinds(region.family)
            .iter()
            .filter(|(number, _, class)| *class == IcmpClass::Error && region.icmp_type.contains(u128::from(*number)))
            .map(|&(number, _, _)| u128::from(number))
            .collect();
        let usual = if region.family == Family::Ipv4 { 3 } else { 1 };
        self.pick(&errors).and_then(|kind| u8::try_from(kind).ok()).unwrap_or(usual)
    }

    /// Out of the blue what can only answer, or with a wrong checksum.
    fn invalid(&mut self, sketch: &Sketch) {
        let sketch = Sketch { from_port: sketch.from_port ^ 0x0101, ..sketch.clone() };
        let bytes = match sketch.protocol {
            Protocol::UDP if sketch.direction != Direction::Outbound => sketch.damaged(),
            Protocol::ICMP | Protocol::ICMPV6 if sketch.is_icmp() && sketch.direction != Direction::Outbound => {
                sketch.damaged()
            }
            _ => sketch.bytes(Turn::Answer),
        };
        self.send(&sketch, bytes);
    }

    /// As a kind that is never tracked, where the region has one.
    fn untracked(&mut self, sketch: &Sketch, region: &Region) {
        let icmpv6 = u128::from(Protocol::ICMPV6.0);
        if sketch.family != Family::Ipv6 || !region.protocol.contains(icmpv6) {
            return;
        }
        let kinds: Vec<u128> = icmp::V6
            .iter()
            .filter(|(number, _, class)| {
                *class == IcmpClass::Untracked && region.icmp_type.contains(u128::from(*number))
            })
            .map(|&(number, _, _)| u128::from(number))
            .collect();
        if let Some(kind) = self.pick(&kinds).and_then(|kind| u8::try_from(kind).ok()) {
            let sketch = Sketch { protocol: Protocol::ICMPV6, icmp_type: kind, ..sketch.clone() };
            self.send(&sketch, sketch.icmp(None));
        }
    }
}

/// The protocol numbers that IPv6 gives to extension headers: hop-by-hop options, routing, fragment, AH, destination
/// options, mobility, HIP, shim6 (IANA's "IPv6 Extension Header Types").
const EXTENSIONS: &[Value] = &[0, 43, 44, 51, 60, 135, 139, 140];

/// The protocols worth trying where any will do.
const fn protocols(family: Family) -> &'static [u128] {
    match family {
        Family::Ipv4 => &[6, 17, 1, 47, 132],
        Family::Ipv6 => &[6, 17, 58, 47, 132],
    }
}

/// The ICMP types worth trying where any will do.
const fn kinds(family: Family) -> &'static [u128] {
    match family {
        Family::Ipv4 => &[0, 3, 5, 8, 9, 11, 13],
        Family::Ipv6 => &[1, 2, 128, 129, 133, 135, 137, 143, 200],
    }
}

/// The flags as the region wants them, and with each of the flags it looks at turned over.
fn flags((value, mask): (TcpFlags, TcpFlags)) -> (Vec<Value>, Vec<Value>) {
    if mask == TcpFlags(0) {
        return (Vec::new(), Vec::new());
    }
    let turned = (0..8).map(|bit| 1u8 << bit).filter(|bit| mask.0 & bit != 0).map(|bit| u128::from(value.0 ^ bit));
    (vec![u128::from(value.0)], turned.collect())
}

const fn icmp_of(family: Family) -> Protocol {
    match family {
        Family::Ipv4 => Protocol::ICMP,
        Family::Ipv6 => Protocol::ICMPV6,
    }
}

/// Whether an address is nobody's, or means the host itself wherever it stands.
fn is_within_host(family: Family, value: Value) -> bool {
    match family {
        Family::Ipv4 => value == 0 || value >> 24 == 127,
        Family::Ipv6 => value <= 1,
    }
}

/// Whether an address is that of one host, which can answer: not a group's, everybody's, nobody's or the loopback's.
fn is_somebody(family: Family, address: Value) -> bool {
    match family {
        Family::Ipv4 => !matches!(address >> 24, 0 | 127 | 224..),
        Family::Ipv6 => address > 1 && address >> 120 != 0xff,
    }
}

const fn is_link_local(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(_) => false,
        std::net::IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn number(address: std::net::IpAddr) -> u128 {
    match address {
        std::net::IpAddr::V4(v4) => u128::from(v4.to_bits()),
        std::net::IpAddr::V6(v6) => v6.to_bits(),
    }
}
