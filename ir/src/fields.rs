// SPDX-License-Identifier: GPL-3.0-or-later
//! The declared table: one row for each field, statement and verdict of the IR, and who can handle it.
//!
//! A row says what a thing is (name, width, byte order, where the kernel reads it) and, for each back end, whether it is
//! handled or why not. A test walks all rows and all cells against the kernel.

mod cells;
mod parse;
mod row;
mod sample;
mod word;

use std::fmt;

pub use cells::{Cell, Cells};
pub use parse::NoField;
pub use row::{Base, ByteOrder, FieldRow, Load, Needs};
pub use word::{WORDS, Word, WordRow};

use self::cells::{ALL, NO_CALENDAR, NO_CGROUPS, NO_IPSEC, NO_LINK, NO_SOCKETS, NO_XTABLES};
use crate::datatype::Datatype;
use crate::interval::IntervalSet;
use crate::words::{CtDirection, Family, Protocol};

/// A property of a packet, of its conntrack entry, or of the moment, that a rule can test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The average bytes of a packet of the entry, of one direction or of both.
    CtAvgpkt(Option<CtDirection>),
    /// The bytes that the entry has seen, of one direction or of both.
    CtBytes(Option<CtDirection>),
    /// The direction of the packet.
    CtDirection,
    /// When the entry ends, in milliseconds from now.
    CtExpiration,
    /// The helper that watches the entry.
    CtHelper,
    /// The IPv6 destination of the tuple.
    CtIp6Daddr(CtDirection),
    /// The IPv6 source of the tuple.
    CtIp6Saddr(CtDirection),
    /// The IPv4 destination of the tuple.
    CtIpDaddr(CtDirection),
    /// The IPv4 source of the tuple.
    CtIpSaddr(CtDirection),
    /// The entry's mark.
    CtMark,
    /// The packets that the entry has seen, of one direction or of both.
    CtPackets(Option<CtDirection>),
    /// The destination port of the tuple.
    CtProtoDst(CtDirection),
    /// The source port of the tuple.
    CtProtoSrc(CtDirection),
    /// The transport protocol of the tuple.
    CtProtocol(CtDirection),
    /// The ct state.
    CtState,
    /// The status bits of the entry.
    CtStatus,
    /// The ct zone of the entry, of one direction or of both.
    CtZone(Option<CtDirection>),
    /// The DCCP destination port.
    DccpDport,
    /// The DCCP source port.
    DccpSport,
    /// The Ethernet destination.
    EtherDaddr,
    /// The Ethernet source.
    EtherSaddr,
    /// The type of the Ethernet frame.
    EtherType,
    /// Whether an IPv6 extension header is there.
    Exthdr(Exthdr),
    /// What the routes say.
    Fib(Fib),
    /// The code of an ICMP message.
    IcmpCode,
    /// The type of an ICMP message.
    IcmpType,
    /// The code of an ICMPv6 message.
    Icmpv6Code,
    /// The type of an ICMPv6 message.
    Icmpv6Type,
    /// The interface that the packet arrived on, by number.
    Iif,
    /// The group of the device that the packet arrived on.
    Iifgroup,
    /// The name of the interface that the packet arrived on.
    Iifname,
    /// The kind of link that the packet arrived on.
    Iiftype,
    /// The IPv6 destination.
    Ip6Daddr,
    /// The IPv6 code point.
    Ip6Dscp,
    /// The IPv6 hop limit.
    Ip6HopLimit,
    /// The length of the IPv6 payload, in bytes.
    Ip6Length,
    /// The protocol behind the IPv6 header, which may be that of an extension.
    Ip6Nexthdr,
    /// The IPv6 source.
    Ip6Saddr,
    /// The IPv4 destination.
    IpDaddr,
    /// The IPv4 code point.
    IpDscp,
    /// The IPv4 flags and fragment offset.
    IpFragOff,
    /// The IPv4 identification.
    IpId,
    /// The length of the IPv4 packet, in bytes.
    IpLength,
    /// The protocol of the IPv4 header.
    IpProtocol,
    /// The IPv4 source.
    IpSaddr,
    /// The IPv4 time to live.
    IpTtl,
    /// The number that binds the packet's security association to its policy, of the packet that came or will go.
    IpsecReqid(IpsecDirection),
    /// The transport protocol, behind all extension headers.
    L4proto,
    /// The family.
    Nfproto,
    /// A number that counts up or is drawn.
    Numgen(Numgen),
    /// The interface that the packet leaves by, by number.
    Oif,
    /// The group of the device that the packet leaves by.
    Oifgroup,
    /// The name of the interface that the packet leaves by.
    Oifname,
    /// The kind of link that the packet leaves by.
    Oiftype,
    /// The control group of version 1 of the sender, by its class.
    MetaCgroup,
    /// The processor that handles the packet.
    MetaCpu,
    /// The day of the week.
    MetaDay,
    /// The time of the day.
    MetaHour,
    /// Whether the packet was decrypted.
    MetaIpsec,
    /// The length of the packet, in bytes.
    MetaLength,
    /// The packet mark.
    MetaMark,
    /// The traffic class.
    MetaPriority,
    /// The type of the frame's contents.
    MetaProtocol,
    /// The time.
    MetaTime,
    /// To whom the frame was sent.
    Pkttype,
    /// The routing realm.
    Rtclassid,
    /// Whether the packet will be encrypted.
    RtIpsec,
    /// The SCTP destination port.
    SctpDport,
    /// The SCTP source port.
    SctpSport,
    /// The group of the user that sends the packet.
    Skgid,
    /// The user that sends the packet.
    Skuid,
    /// The control group of the socket that the packet is of, cut to a level below the root.
    SocketCgroupv2(u8),
    /// The mark of the socket that the packet is of.
    SocketMark,
    /// Whether the packet is of a socket that takes other hosts' addresses.
    SocketTransparent,
    /// Whether the packet is of a socket that is bound to no address.
    SocketWildcard,
    /// The TCP destination port.
    TcpDport,
    /// The TCP flags.
    TcpFlags,
    /// The TCP maximum segment size that a SYN offers.
    TcpMaxseg,
    /// The TCP source port.
    TcpSport,
    /// The destination port of any transport protocol that has one there.
    ThDport,
    /// The source port of any transport protocol that has one there.
    ThSport,
    /// The UDP destination port.
    UdpDport,
    /// The length in the UDP header, in bytes.
    UdpLength,
    /// The UDP source port.
    UdpSport,
    /// The UDP-Lite destination port.
    UdpliteDport,
    /// The UDP-Lite source port.
    UdpliteSport,
}

/// An IPv6 extension header (RFC 8200 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exthdr {
    /// Destination options.
    Dst,
    /// Fragment.
    Frag,
    /// Hop-by-hop options.
    Hbh,
    /// Mobility.
    Mh,
    /// Routing.
    Rt,
}

impl Exthdr {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Dst, Self::Frag, Self::Hbh, Self::Mh, Self::Rt];

    /// The header in nft's words, and its number.
    #[must_use]
    pub const fn name(self) -> (&'static str, u8) {
        match self {
            Self::Dst => ("dst", 60),
            Self::Frag => ("frag", 44),
            Self::Hbh => ("hbh", 0),
            Self::Mh => ("mh", 135),
            Self::Rt => ("rt", 43),
        }
    }
}

/// A question to the routes: `fib KEYS RESULT` of nft(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fib {
    /// The address is the destination, not the source.
    pub daddr: bool,
    /// Only routes for the packet's mark count.
    pub mark: bool,
    /// Only routes through the interface that the packet arrived on count.
    pub iif: bool,
    /// Only routes through the interface that the packet leaves by count.
    pub oif: bool,
    /// What is asked for.
    pub result: FibResult,
}

/// What the routes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FibResult {
    /// Whether there is a route.
    Exists,
    /// The interface that the route leads to, by number.
    Oif,
    /// The name of the interface that the route leads to.
    Oifname,
    /// The kind of address.
    Type,
}

impl fmt::Display for Fib {
    /// In nft's words. Whether there is a route is `check` here, as in nft since 1.1; nft 1.0.6 says `oif` for it too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.daddr { "fib daddr" } else { "fib saddr" })?;
        for (set, name) in [(self.mark, "mark"), (self.iif, "iif"), (self.oif, "oif")] {
            if set {
                write!(f, " . {name}")?;
            }
        }
        f.write_str(match self.result {
            FibResult::Exists => " check",
            FibResult::Oif => " oif",
            FibResult::Oifname => " oifname",
            FibResult::Type => " type",
        })
    }
}

/// Whether IPsec is asked about the packet that came, or about the one that will go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpsecDirection {
    /// It came.
    In,
    /// It will go.
    Out,
}

/// A number below `modulus`, plus `offset` (`net/netfilter/nft_numgen.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Numgen {
    /// Drawn, not counted up packet by packet.
    pub random: bool,
    /// How many numbers there are.
    pub modulus: u32,
    /// The smallest of them.
    pub offset: u32,
}

impl fmt::Display for Numgen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "numgen {} mod {}", if self.random { "random" } else { "inc" }, self.modulus)?;
        if self.offset > 0 {
            write!(f, " offset {}", self.offset)?;
        }
        Ok(())
    }
}

const LOCAL_TYPE: Fib = Fib { daddr: true, mark: false, iif: false, oif: false, result: FibResult::Type };
const COIN: Numgen = Numgen { random: false, modulus: 2, offset: 0 };
const ORIGINAL: CtDirection = CtDirection::Original;

macro_rules! sample {
    ($field:ident) => {
        Field::$field
    };
    ($field:ident $parameter:expr) => {
        Field::$field($parameter)
    };
}

macro_rules! fields {
    ($($field:ident $(($parameter:expr))? $name:literal $bits:literal $order:ident $datatype:ident, $needs:expr, $load:expr, $cells:expr;)*) => {
        /// The fields. One that takes parameters stands here once, with those of an example.
        pub const FIELDS: &[FieldRow] = &[$(sample!($field $($parameter)?).row(),)*];

        impl Field {
            /// The field's row.
            #[must_use]
            pub const fn row(self) -> FieldRow {
                match self {
                    $(Self::$field { .. } => FieldRow {
                        field: self,
                        name: $name,
                        bits: $bits,
                        order: ByteOrder::$order,
                        datatype: Datatype::$datatype,
                        needs: $needs,
                        load: $load,
                        cells: $cells,
                    }.of_parameters(),)*
                }
            }
        }
    };
}

use Needs::{Entry, EntryOf, Link, Nothing, Socket, Transport};

const fn of(family: Family) -> Needs {
    Needs::Family(family)
}

const fn is(protocol: Protocol) -> Needs {
    Needs::Protocol(protocol)
}

const V4: Family = Family::Ipv4;
const V6: Family = Family::Ipv6;

const fn link(offset: u16) -> Load {
    Load::Payload(Base::Link, offset)
}

const fn network(offset: u16) -> Load {
    Load::Payload(Base::Network, offset)
}

const fn transport(offset: u16) -> Load {
    Load::Payload(Base::Transport, offset)
}

// Offsets are in bits.
#[rustfmt::skip]
fields! {
    CtAvgpkt(None) "ct avgpkt" 64 Host Integer, Entry, Load::Ct(16), ALL;
    CtBytes(None) "ct bytes" 64 Host Integer, Entry, Load::Ct(15), ALL;
    CtDirection "ct direction" 8 Host CtDir, Entry, Load::Ct(1), ALL;
    CtExpiration "ct expiration" 32 Host Duration, Entry, Load::Ct(5), ALL;
    CtHelper "ct helper" 128 Host String, Entry, Load::Ct(6), ALL;
    CtIp6Daddr(ORIGINAL) "ct ip6 daddr" 128 Network Ipv6Addr, EntryOf(V6), Load::Ct(22), ALL;
    CtIp6Saddr(ORIGINAL) "ct ip6 saddr" 128 Network Ipv6Addr, EntryOf(V6), Load::Ct(21), ALL;
    CtIpDaddr(ORIGINAL) "ct ip daddr" 32 Network Ipv4Addr, EntryOf(V4), Load::Ct(20), ALL;
    CtIpSaddr(ORIGINAL) "ct ip saddr" 32 Network Ipv4Addr, EntryOf(V4), Load::Ct(19), ALL;
    CtMark "ct mark" 32 Host Mark, Entry, Load::Ct(3), ALL;
    CtPackets(None) "ct packets" 64 Host Integer, Entry, Load::Ct(14), ALL;
    CtProtoDst(ORIGINAL) "ct proto-dst" 16 Network InetService, Entry, Load::Ct(12), ALL;
    CtProtoSrc(ORIGINAL) "ct proto-src" 16 Network InetService, Entry, Load::Ct(11), ALL;
    CtProtocol(ORIGINAL) "ct protocol" 8 Network InetProto, Entry, Load::Ct(10), ALL;
    CtState "ct state" 32 Host CtState, Nothing, Load::Ct(0), ALL;
    CtStatus "ct status" 32 Host CtStatus, Entry, Load::Ct(2), ALL;
    CtZone(None) "ct zone" 16 Host Integer, Entry, Load::Ct(17), ALL.no_iptables("xtables has no match for a ct zone");
    DccpDport "dccp dport" 16 Network InetService, is(Protocol::DCCP), transport(16), ALL;
    DccpSport "dccp sport" 16 Network InetService, is(Protocol::DCCP), transport(0), ALL;
    EtherDaddr "ether daddr" 48 Network EtherAddr, Link, link(0), NO_LINK.no_iptables("xtables matches the Ethernet source only");
    EtherSaddr "ether saddr" 48 Network EtherAddr, Link, link(48), NO_LINK;
    EtherType "ether type" 16 Network EtherType, Link, link(96), NO_LINK.no_iptables(NO_XTABLES);
    Exthdr(Exthdr::Frag) "exthdr" 1 Host Boolean, of(V6), Load::Exthdr, ALL;
    Fib(LOCAL_TYPE) "fib" 32 Host FibAddrtype, Nothing, Load::Fib, ALL;
    IcmpCode "icmp code" 8 Network IcmpCode, is(Protocol::ICMP), transport(8), ALL;
    IcmpType "icmp type" 8 Network IcmpType, is(Protocol::ICMP), transport(0), ALL;
    Icmpv6Code "icmpv6 code" 8 Network Icmpv6Code, is(Protocol::ICMPV6), transport(8), ALL;
    Icmpv6Type "icmpv6 type" 8 Network Icmpv6Type, is(Protocol::ICMPV6), transport(0), ALL;
    Iif "iif" 32 Host IfaceIndex, Nothing, Load::Meta(4), ALL.no_iptables("xtables matches interfaces by name only");
    Iifgroup "iifgroup" 32 Host Devgroup, Nothing, Load::Meta(21), ALL;
    Iifname "iifname" 128 Host Ifname, Nothing, Load::Meta(6), ALL;
    Iiftype "iiftype" 16 Host IfaceType, Nothing, Load::Meta(8), ALL.no_iptables(NO_XTABLES);
    Ip6Daddr "ip6 daddr" 128 Network Ipv6Addr, of(V6), network(192), ALL;
    Ip6Dscp "ip6 dscp" 6 Network Dscp, of(V6), network(4), ALL;
    Ip6HopLimit "ip6 hoplimit" 8 Network Integer, of(V6), network(56), ALL;
    Ip6Length "ip6 length" 16 Network Integer, of(V6), network(32), ALL;
    Ip6Nexthdr "ip6 nexthdr" 8 Network InetProto, of(V6), network(48), ALL.no_iptables("xtables looks behind extension headers");
    Ip6Saddr "ip6 saddr" 128 Network Ipv6Addr, of(V6), network(64), ALL;
    IpDaddr "ip daddr" 32 Network Ipv4Addr, of(V4), network(128), ALL;
    IpDscp "ip dscp" 6 Network Dscp, of(V4), network(8), ALL;
    IpFragOff "ip frag-off" 16 Network Integer, of(V4), network(48), ALL;
    IpId "ip id" 16 Network Integer, of(V4), network(32), ALL.no_iptables(NO_XTABLES);
    IpLength "ip length" 16 Network Integer, of(V4), network(16), ALL;
    IpProtocol "ip protocol" 8 Network InetProto, of(V4), network(72), ALL;
    IpSaddr "ip saddr" 32 Network Ipv4Addr, of(V4), network(96), ALL;
    IpTtl "ip ttl" 8 Network Integer, of(V4), network(64), ALL;
    IpsecReqid(IpsecDirection::In) "ipsec reqid" 32 Host Integer, Nothing, Load::Xfrm(5), NO_IPSEC.no_iptables("xtables looks for it in each of a packet's states, nf_tables in the first");
    L4proto "meta l4proto" 8 Host InetProto, Nothing, Load::Meta(16), ALL;
    Nfproto "meta nfproto" 8 Host NfProto, Nothing, Load::Meta(15), ALL;
    Numgen(COIN) "numgen" 32 Host Integer, Nothing, Load::Numgen, ALL;
    Oif "oif" 32 Host IfaceIndex, Nothing, Load::Meta(5), ALL.no_iptables("xtables matches interfaces by name only");
    Oifgroup "oifgroup" 32 Host Devgroup, Nothing, Load::Meta(22), ALL;
    Oifname "oifname" 128 Host Ifname, Nothing, Load::Meta(7), ALL;
    Oiftype "oiftype" 16 Host IfaceType, Nothing, Load::Meta(9), ALL.no_iptables(NO_XTABLES);
    MetaCgroup "meta cgroup" 32 Host Integer, Socket, Load::Meta(23), NO_CGROUPS;
    MetaCpu "meta cpu" 32 Host Integer, Nothing, Load::Meta(20), ALL.no_machine("the machine does not say which processor handles a packet");
    MetaDay "meta day" 8 Host Day, Nothing, Load::Meta(31), NO_CALENDAR;
    MetaHour "meta hour" 32 Host Hour, Nothing, Load::Meta(32), NO_CALENDAR;
    MetaIpsec "meta ipsec" 1 Host Boolean, Nothing, Load::Meta(25), NO_IPSEC;
    MetaLength "meta length" 32 Host Integer, Nothing, Load::Meta(0), ALL.no_iptables("xtables matches the length that the IP header tells");
    MetaMark "meta mark" 32 Host Mark, Nothing, Load::Meta(3), ALL;
    MetaPriority "meta priority" 32 Host Classid, Nothing, Load::Meta(2), ALL.no_iptables(NO_XTABLES);
    MetaProtocol "meta protocol" 16 Network EtherType, Nothing, Load::Meta(1), ALL.no_iptables(NO_XTABLES);
    MetaTime "meta time" 64 Host Time, Nothing, Load::Meta(30), NO_CALENDAR;
    Pkttype "meta pkttype" 8 Host PktType, Nothing, Load::Meta(19), ALL;
    Rtclassid "meta rtclassid" 32 Host Realm, Nothing, Load::Meta(13), ALL.no_machine("the routes of the machine's host have no realms");
    RtIpsec "rt ipsec" 1 Host Boolean, Nothing, Load::Rt(4), NO_IPSEC;
    SctpDport "sctp dport" 16 Network InetService, is(Protocol::SCTP), transport(16), ALL;
    SctpSport "sctp sport" 16 Network InetService, is(Protocol::SCTP), transport(0), ALL;
    Skgid "meta skgid" 32 Host Gid, Socket, Load::Meta(11), ALL;
    Skuid "meta skuid" 32 Host Uid, Socket, Load::Meta(10), ALL;
    SocketCgroupv2(1) "socket cgroupv2" 64 Host Cgroupsv2, Socket, Load::Socket(3), NO_CGROUPS.no_nft_json("nft 1.0.6 takes no control group in JSON");
    SocketMark "socket mark" 32 Host Mark, Socket, Load::Socket(1), NO_SOCKETS.no_iptables(NO_XTABLES);
    SocketTransparent "socket transparent" 1 Host Integer, Socket, Load::Socket(0), NO_SOCKETS;
    SocketWildcard "socket wildcard" 1 Host Integer, Socket, Load::Socket(2), NO_SOCKETS;
    TcpDport "tcp dport" 16 Network InetService, is(Protocol::TCP), transport(16), ALL;
    TcpFlags "tcp flags" 8 Network TcpFlag, is(Protocol::TCP), transport(104), ALL;
    TcpMaxseg "tcp option maxseg size" 16 Network Integer, is(Protocol::TCP), Load::TcpMaxseg, ALL;
    TcpSport "tcp sport" 16 Network InetService, is(Protocol::TCP), transport(0), ALL;
    ThDport "th dport" 16 Network InetService, Transport, transport(16), ALL;
    ThSport "th sport" 16 Network InetService, Transport, transport(0), ALL;
    UdpDport "udp dport" 16 Network InetService, is(Protocol::UDP), transport(16), ALL;
    UdpLength "udp length" 16 Network Integer, is(Protocol::UDP), transport(32), ALL.no_iptables(NO_XTABLES);
    UdpSport "udp sport" 16 Network InetService, is(Protocol::UDP), transport(0), ALL;
    UdpliteDport "udplite dport" 16 Network InetService, is(Protocol::UDPLITE), transport(16), ALL;
    UdpliteSport "udplite sport" 16 Network InetService, is(Protocol::UDPLITE), transport(0), ALL;
}

impl Field {
    /// The source address of a family.
    #[must_use]
    pub const fn source(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::IpSaddr,
            Family::Ipv6 => Self::Ip6Saddr,
        }
    }

    /// The destination address of a family.
    #[must_use]
    pub const fn destination(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::IpDaddr,
            Family::Ipv6 => Self::Ip6Daddr,
        }
    }

    /// Whether the kernel takes the field with its parameters (`nft_fib_init`, `nft_ng_inc_init`).
    pub(crate) const fn has_legal_parameters(self) -> bool {
        match self {
            Self::Fib(fib) => !(fib.oif && (fib.iif || !matches!(fib.result, FibResult::Type))),
            Self::Numgen(Numgen { modulus, offset, .. }) => modulus > 0 && offset.checked_add(modulus - 1).is_some(),
            _ => true,
        }
    }

    /// What the field's values are.
    #[must_use]
    pub const fn datatype(self) -> Datatype {
        self.row().datatype
    }

    /// A set of the field's values as every back end lists it.
    #[must_use]
    pub fn elements(self, set: &IntervalSet) -> Vec<(u128, u128)> {
        self.datatype().elements(set)
    }

    /// The largest value of the field.
    #[must_use]
    pub const fn max(self) -> u128 {
        match self.row().bits {
            128 => u128::MAX,
            bits => (1 << bits) - 1,
        }
    }
}

impl fmt::Display for Field {
    /// The field in nft's words, with its parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_ct = |f: &mut fmt::Formatter<'_>, direction: CtDirection| {
            let key = self.row().name.trim_start_matches("ct ");
            write!(f, "ct {} {key}", direction.name())
        };
        match *self {
            Self::CtAvgpkt(direction)
            | Self::CtBytes(direction)
            | Self::CtPackets(direction)
            | Self::CtZone(direction) => match direction {
                Some(direction) => in_ct(f, direction),
                None => f.write_str(self.row().name),
            },
            Self::CtIp6Daddr(direction)
            | Self::CtIp6Saddr(direction)
            | Self::CtIpDaddr(direction)
            | Self::CtIpSaddr(direction)
            | Self::CtProtoDst(direction)
            | Self::CtProtoSrc(direction)
            | Self::CtProtocol(direction) => in_ct(f, direction),
            Self::Exthdr(header) => write!(f, "exthdr {}", header.name().0),
            Self::Fib(fib) => fib.fmt(f),
            Self::IpsecReqid(IpsecDirection::In) => f.write_str("ipsec in reqid"),
            Self::IpsecReqid(IpsecDirection::Out) => f.write_str("ipsec out reqid"),
            Self::Numgen(numgen) => numgen.fmt(f),
            Self::SocketCgroupv2(level) => write!(f, "socket cgroupv2 level {level}"),
            _ => f.write_str(self.row().name),
        }
    }
}
