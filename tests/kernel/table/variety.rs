// SPDX-License-Identifier: GPL-3.0-or-later
//! Packets that differ in what regions do not narrow: lengths, options, senders, groups, extension headers.

use std::net::IpAddr;
use std::time::Duration;

use ringwall_ir::words::{Family, Protocol, TcpFlags};
use ringwall_runtime::host::Host;
use ringwall_runtime::packet::build::{Build, Segment};
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket};

const SCTP: Protocol = Protocol(132);
const DCCP: Protocol = Protocol(33);

/// The packets, on the interfaces of the host.
pub fn packets(host: &Host) -> Vec<TimedPacket> {
    Family::ALL.into_iter().flat_map(|family| Variety { host, family }.packets()).collect()
}

struct Variety<'a> {
    host: &'a Host,
    family: Family,
}

impl Variety<'_> {
    fn packets(&self) -> Vec<TimedPacket> {
        [self.datagrams(), self.segments(), self.headers(), self.groups(), self.senders(), self.strangers()].concat()
    }

    /// The host's own addresses on each interface.
    fn own(&self) -> Vec<(&str, IpAddr)> {
        let links = self.host.interfaces.iter();
        let global = |address: &IpAddr| match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(v6) => !v6.is_unicast_link_local(),
        };
        links
            .filter_map(|link| {
                let mut addresses = link.addresses.iter().map(ipnet::IpNet::addr).filter(global);
                let own = addresses.find(|address| address.is_ipv4() == (self.family == Family::Ipv4))?;
                Some((link.name.as_str(), own))
            })
            .collect()
    }

    fn first(&self) -> (&str, IpAddr) {
        self.own()[0]
    }

    fn far(&self, number: u8) -> IpAddr {
        match self.family {
            Family::Ipv4 => IpAddr::from([203, 0, 113, number]),
            Family::Ipv6 => IpAddr::from([0x2001, 0xdb8, 0x77, 0, 0, 0, 0, u16::from(number)]),
        }
    }

    fn arrives(&self, bytes: Vec<u8>) -> TimedPacket {
        arrives(self.first().0, bytes)
    }

    /// A conversation of short and long datagrams.
    fn datagrams(&self) -> Vec<TimedPacket> {
        let (_, own) = self.first();
        let far = self.far(7);
        let mut packets = Vec::new();
        for length in [8, 20, 500] {
            packets.push(self.arrives(Build::between(far, own).udp(4000, 53, &vec![1; length])));
            packets.push(sends(Build::between(own, far).udp(53, 4000, &vec![1; length])));
        }
        for port in [4001, 4002, 40_000] {
            packets.push(self.arrives(Build::between(far, own).udp(port, 443, b"ringwall")));
            packets.push(self.arrives(Build::between(far, own).udp(port, 443, b"ringwall")));
        }
        packets
    }

    /// Openings that offer a maximum segment size or none, for the host and through it.
    fn segments(&self) -> Vec<TimedPacket> {
        let own = self.own();
        let (first, last) = (own[0], own[own.len() - 1]);
        let options: [&[u8]; 6] = [
            &[2, 4, 0x05, 0xb4],
            &[1, 1, 2, 4, 0x05, 0x14, 1, 1],
            &[2, 4, 0x02, 0x18],
            &[],
            &[1, 1, 1, 2],
            &[4, 2, 2, 4, 0xff, 0xff, 0, 0],
        ];
        let mut packets = Vec::new();
        for (port, options) in (5000..).zip(options) {
            let segment = |source_port| Segment {
                source_port,
                destination_port: 80,
                flags: TcpFlags::SYN,
                window: 1000,
                options,
                ..Segment::default()
            };
            packets.push(self.arrives(Build::between(self.far(8), first.1).tcp(&segment(port))));
            packets.push(arrives(last.0, Build::between(self.far(9), self.far(8)).tcp(&segment(port + 10))));
            packets.push(sends(Build::between(first.1, self.far(8)).tcp(&segment(port + 20))));
        }
        packets
    }

    /// Code points, identifications, hop limits, flags, and extension headers.
    fn headers(&self) -> Vec<TimedPacket> {
        let between = Build::between(self.far(9), self.first().1);
        let mut packets = Vec::new();
        for (class, id, hops) in [(0, 0, 1), (40, 1, 63), (184, 63, 255), (3, 64, 65), (252, 65, 64)] {
            packets.push(between.traffic_class(class).id(id).hop_limit(hops).udp(4100, 53, b"ringwall"));
        }
        packets.push(between.dont_fragment().id(9).udp(4101, 53, b"ringwall"));
        if self.family == Family::Ipv6 {
            packets.extend(EXTENSIONS.iter().map(|chain| extended(&between.udp(4102, 53, b"ringwall"), chain)));
        }
        packets.into_iter().map(|bytes| self.arrives(bytes)).collect()
    }

    /// What is for groups and for all.
    fn groups(&self) -> Vec<TimedPacket> {
        let far = self.far(10);
        let groups: Vec<IpAddr> = match self.family {
            Family::Ipv4 => vec![IpAddr::from([255; 4]), IpAddr::from([224, 0, 0, 1]), IpAddr::from([198, 18, 0, 255])],
            Family::Ipv6 => vec![IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 1])],
        };
        let to = |group: IpAddr| self.arrives(Build::between(far, group).udp(4200, 53, b"ringwall"));
        groups.into_iter().map(to).collect()
    }

    /// What programs of different users send, to others and to the host itself.
    fn senders(&self) -> Vec<TimedPacket> {
        let (_, own) = self.first();
        let users = [(0, 0), (1000, 100), (4000, 0), (70_000, 70_000)];
        let by = |(uid, gid)| {
            let sender = Sender { uid, gid };
            [self.far(11), own].map(|to| TimedPacket { sender, ..sends(Build::between(own, to).udp(4300, 53, b"x")) })
        };
        users.into_iter().flat_map(by).collect()
    }

    /// Other protocols with ports, and sources that are on other links than they come from.
    fn strangers(&self) -> Vec<TimedPacket> {
        let (_, own) = self.first();
        let between = Build::between(self.far(12), own);
        let mut packets = Vec::new();
        for (source, destination) in [(4000_u16, 80_u16), (4001, 1500), (4002, 2001)] {
            let ports = [source.to_be_bytes(), destination.to_be_bytes()].concat();
            packets.push(between.protocol(DCCP, &[ports.as_slice(), &[0; 12]].concat()));
            packets.push(between.protocol(Protocol::UDPLITE, &[ports.as_slice(), &[0, 8, 0, 1]].concat()));
            packets.push(between.protocol(SCTP, &[ports.as_slice(), &[0; 16]].concat()));
        }
        let mut packets: Vec<_> = packets.into_iter().map(|bytes| self.arrives(bytes)).collect();
        let links = self.own();
        for &(link, _) in &links {
            for &(_, address) in &links {
                let near = neighbour(address);
                packets.push(arrives(link, Build::between(near, own).udp(4400, 53, b"ringwall")));
                for class in [0, 8, 16, 24, 4] {
                    let through = Build::between(near, self.far(13)).traffic_class(class);
                    packets.push(arrives(link, through.udp(4401, 53, b"ringwall")));
                }
            }
        }
        packets
    }
}

/// Another address of the same network.
fn neighbour(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() ^ 64).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() ^ 64).into()),
    }
}

fn arrives(interface: &str, bytes: Vec<u8>) -> TimedPacket {
    TimedPacket { entry: Entry::Arrives(interface.to_owned()), ..sends(bytes) }
}

fn sends(bytes: Vec<u8>) -> TimedPacket {
    TimedPacket { at: Duration::ZERO, entry: Entry::Sent, bytes, refused: false, sender: Sender::default() }
}

/// Chains of extension headers.
const EXTENSIONS: [&[u8]; 4] = [&[0], &[60], &[0, 60], &[60, 60]];

/// An IPv6 packet with extension headers, each padded.
fn extended(packet: &[u8], chain: &[u8]) -> Vec<u8> {
    let (header, payload) = packet.split_at(40);
    let mut header = header.to_vec();
    let mut next = header[6];
    let mut extensions = Vec::new();
    for &kind in chain.iter().rev() {
        extensions.splice(0..0, [next, 0, 1, 4, 0, 0, 0, 0]);
        next = kind;
    }
    header[6] = next;
    let length = u16::try_from(extensions.len() + payload.len()).expect("a short packet");
    header[4..6].copy_from_slice(&length.to_be_bytes());
    [header, extensions, payload.to_vec()].concat()
}
