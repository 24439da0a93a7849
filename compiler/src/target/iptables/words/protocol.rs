// SPDX-License-Identifier: GPL-3.0-or-later
//! Protocols, and what tests their ports.

use ringwall_ir::Field;
use ringwall_ir::words::{Family, Protocol};

use crate::target::iptables::number;

/// A protocol behind `-p`. Names are those that iptables knows without `/etc/protocols`. ip6tables takes `icmp` for
/// protocol 1, silently: each text names the ICMP of its own family alone.
pub(in crate::target::iptables) fn protocol(family: Family, protocol: Protocol) -> String {
    let name = match (protocol, family) {
        (Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP, _) | (Protocol::ICMP, Family::Ipv4) => {
            protocol.name()
        }
        (Protocol::ICMPV6, Family::Ipv6) => Some("ipv6-icmp"),
        _ => None,
    };
    name.map_or_else(|| protocol.0.to_string(), str::to_owned)
}

/// Names beside those of nft: iptables' own, and those of `/etc/protocols` on the systems that people bring (IANA's
/// "Assigned Internet Protocol Numbers").
const NAMES: &[(&str, u8)] = &[
    ("3pc", 34),
    ("a/n", 107),
    ("all", 0),
    ("argus", 13),
    ("aris", 104),
    ("ax.25", 93),
    ("bbn-rcc", 10),
    ("bna", 49),
    ("br-sat-mon", 76),
    ("cbt", 7),
    ("cftp", 62),
    ("chaos", 16),
    ("compaq-peer", 110),
    ("cphb", 73),
    ("cpnx", 72),
    ("crdup", 127),
    ("crtp", 126),
    ("crudp", 127),
    ("dcn", 19),
    ("ddp", 37),
    ("ddx", 116),
    ("dgp", 86),
    ("dsr", 48),
    ("egp", 8),
    ("eigrp", 88),
    ("emcon", 14),
    ("encap", 98),
    ("etherip", 97),
    ("ethernet", 143),
    ("fc", 133),
    ("fire", 125),
    ("ggp", 3),
    ("gmtp", 100),
    ("hip", 139),
    ("hmp", 20),
    ("i-nlsp", 52),
    ("iatp", 117),
    ("idpr", 35),
    ("idpr-cmtp", 38),
    ("idrp", 45),
    ("ifmp", 101),
    ("igp", 9),
    ("il", 40),
    ("ip", 0),
    ("ip-encap", 4),
    ("ipcomp", 108),
    ("ipcv", 71),
    ("ipip", 94),
    ("iplt", 129),
    ("ippc", 67),
    ("ipv4", 4),
    ("ipv6-auth", 51),
    ("ipv6-crypt", 50),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    ("ipv6-mh", 135),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("ipx-in-ip", 111),
    ("irtp", 28),
    ("isis", 124),
    ("iso-ip", 80),
    ("iso-tp4", 29),
    ("kryptolan", 65),
    ("l2tp", 115),
    ("larp", 91),
    ("leaf-1", 25),
    ("leaf-2", 26),
    ("manet", 138),
    ("merit-inp", 32),
    ("mfe-nsp", 31),
    ("mh", 135),
    ("micp", 95),
    ("mobile", 55),
    ("mobility-header", 135),
    ("mpls-in-ip", 137),
    ("mtp", 92),
    ("mux", 18),
    ("narp", 54),
    ("netblt", 30),
    ("nsfnet-igp", 85),
    ("nvp", 11),
    ("ospfigp", 89),
    ("pgm", 113),
    ("pipe", 131),
    ("pnni", 102),
    ("prm", 21),
    ("ptp", 123),
    ("pup", 12),
    ("pvp", 75),
    ("qnx", 106),
    ("rdp", 27),
    ("rohc", 142),
    ("rspf", 73),
    ("rsvp", 46),
    ("rsvp-e2e-ignore", 134),
    ("rvd", 66),
    ("sat-expak", 64),
    ("sat-mon", 69),
    ("scc-sp", 96),
    ("scps", 105),
    ("sdrp", 42),
    ("secure-vmtp", 82),
    ("shim6", 140),
    ("skip", 57),
    ("sm", 122),
    ("smp", 121),
    ("snp", 109),
    ("sprite-rpc", 90),
    ("sps", 130),
    ("srp", 119),
    ("sscopmce", 128),
    ("st", 5),
    ("stp", 118),
    ("sun-nd", 77),
    ("swipe", 53),
    ("tcf", 87),
    ("tlsp", 56),
    ("tp++", 39),
    ("trunk-1", 23),
    ("trunk-2", 24),
    ("ttp", 84),
    ("uti", 120),
    ("vines", 83),
    ("visa", 70),
    ("vmtp", 81),
    ("wb-expak", 79),
    ("wb-mon", 78),
    ("wesp", 141),
    ("wsn", 74),
    ("xnet", 15),
    ("xns-idp", 22),
    ("xtp", 36),
];

/// The protocol of a number, or of a name in whatever case. ip6tables means protocol 1 by `icmp`.
pub(in crate::target::iptables) fn named(name: &str) -> Option<Protocol> {
    if let Some(number) = number(name) {
        return u8::try_from(number).ok().map(Protocol);
    }
    let name = name.to_lowercase();
    let own = || NAMES.iter().find(|(known, _)| *known == name).map(|&(_, number)| Protocol(number));
    Protocol::named(&name).or_else(own)
}

/// What tests the ports of a protocol.
#[derive(Clone, Copy, Debug)]
pub(in crate::target::iptables) struct Ports {
    pub(in crate::target::iptables) protocol: Protocol,
    /// The match that tests a single interval; none where only `multiport` does.
    pub(in crate::target::iptables) module: Option<&'static str>,
    /// The field of the source.
    pub(in crate::target::iptables) source: Field,
    /// The field of the destination.
    pub(in crate::target::iptables) destination: Field,
}

/// The protocols whose ports xtables tests, all of them by `multiport` too.
pub(in crate::target::iptables) const PORTS: [Ports; 5] = [
    ports(Protocol::DCCP, Some("dccp"), Field::DccpSport, Field::DccpDport),
    ports(Protocol::SCTP, Some("sctp"), Field::SctpSport, Field::SctpDport),
    ports(Protocol::TCP, Some("tcp"), Field::TcpSport, Field::TcpDport),
    ports(Protocol::UDP, Some("udp"), Field::UdpSport, Field::UdpDport),
    ports(Protocol::UDPLITE, None, Field::UdpliteSport, Field::UdpliteDport),
];

const fn ports(protocol: Protocol, module: Option<&'static str>, source: Field, destination: Field) -> Ports {
    Ports { protocol, module, source, destination }
}

/// What tests the ports of a protocol; none where xtables looks for none there.
pub(in crate::target::iptables) fn ports_of(protocol: Protocol) -> Option<Ports> {
    PORTS.into_iter().find(|ports| ports.protocol == protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_read_as_they_are_written() {
        for family in Family::ALL {
            for number in 0..=255 {
                assert_eq!(named(&protocol(family, Protocol(number))), Some(Protocol(number)));
            }
        }
        assert_eq!(
            (named("icmp"), named("TCP"), named("0x6")),
            (Some(Protocol::ICMP), Some(Protocol::TCP), Some(Protocol::TCP))
        );
        assert_eq!((named("nosuch"), named("256"), named("")), (None, None, None));
    }
}
