// SPDX-License-Identifier: GPL-3.0-or-later
//! What the values of a field are: nft's data types, and how the values of each are written.
//!
//! Every value is a number, addresses and names too: the text of a value depends on its data type alone, so that all
//! back ends and the printed form share one spelling.

mod names;
mod text;

pub use text::stem_interval;

use crate::interval::IntervalSet;
use crate::words::Family;

/// A data type of nft (`enum datatypes` in nft's `include/datatype.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Datatype {
    /// There, or not.
    Boolean,
    /// A control group of version 2, by the number of its inode.
    Cgroupsv2,
    /// A traffic class, major and minor number.
    Classid,
    /// Which way a packet goes.
    CtDir,
    /// A set of ct states.
    CtState,
    /// A set of status bits of a conntrack entry.
    CtStatus,
    /// A day of the week, Sunday 0.
    Day,
    /// A group of devices.
    Devgroup,
    /// A differentiated services code point (RFC 2474).
    Dscp,
    /// A span of time, in milliseconds.
    Duration,
    /// An Ethernet address.
    EtherAddr,
    /// The type of an Ethernet frame.
    EtherType,
    /// What the routes say of an address.
    FibAddrtype,
    /// A group of users, by number.
    Gid,
    /// A time of the day, in seconds since midnight UTC.
    Hour,
    /// A code of ICMP.
    IcmpCode,
    /// A type of ICMP.
    IcmpType,
    /// A code of ICMPv6.
    Icmpv6Code,
    /// A type of ICMPv6.
    Icmpv6Type,
    /// An interface, by the number that it has now.
    IfaceIndex,
    /// A kind of link (`ARPHRD_*`).
    IfaceType,
    /// The name of an interface: 16 bytes, the first the highest, zeros behind it.
    Ifname,
    /// A transport protocol.
    InetProto,
    /// A port.
    InetService,
    /// A number and no more.
    Integer,
    /// An IPv4 address.
    Ipv4Addr,
    /// An IPv6 address.
    Ipv6Addr,
    /// A packet or entry mark.
    Mark,
    /// A family (`NFPROTO_*`).
    NfProto,
    /// To whom a frame was sent.
    PktType,
    /// A routing realm.
    Realm,
    /// A short text: 16 bytes, the first the highest, zeros behind it.
    String,
    /// A set of TCP flags.
    TcpFlag,
    /// A point in time, in nanoseconds since 1970-01-01 UTC.
    Time,
    /// A user, by number.
    Uid,
}

impl Datatype {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::Boolean,
        Self::Cgroupsv2,
        Self::Classid,
        Self::CtDir,
        Self::CtState,
        Self::CtStatus,
        Self::Day,
        Self::Devgroup,
        Self::Dscp,
        Self::Duration,
        Self::EtherAddr,
        Self::EtherType,
        Self::FibAddrtype,
        Self::Gid,
        Self::Hour,
        Self::IcmpCode,
        Self::IcmpType,
        Self::Icmpv6Code,
        Self::Icmpv6Type,
        Self::IfaceIndex,
        Self::IfaceType,
        Self::Ifname,
        Self::InetProto,
        Self::InetService,
        Self::Integer,
        Self::Ipv4Addr,
        Self::Ipv6Addr,
        Self::Mark,
        Self::NfProto,
        Self::PktType,
        Self::Realm,
        Self::String,
        Self::TcpFlag,
        Self::Time,
        Self::Uid,
    ];

    /// nft's word for it, its number, and its width in bits, 0 where each field has its own.
    const fn facts(self) -> (&'static str, u32, u8) {
        match self {
            Self::Boolean => ("boolean", 39, 1),
            Self::Cgroupsv2 => ("cgroupsv2", 46, 64),
            Self::Classid => ("classid", 23, 32),
            Self::CtDir => ("ct_dir", 27, 8),
            Self::CtState => ("ct_state", 26, 32),
            Self::CtStatus => ("ct_status", 28, 32),
            // Keywords of nft 1.0.6, which `type` of a set does not take.
            Self::Day => ("day", 45, 0),
            Self::Devgroup => ("devgroup", 35, 32),
            Self::Dscp => ("dscp", 36, 6),
            // `time` too, like that of points in time: `type` of a set can name neither, but in a way of its own.
            Self::Duration => ("relative time", 18, 0),
            Self::EtherAddr => ("ether_addr", 9, 48),
            Self::EtherType => ("ether_type", 10, 16),
            Self::FibAddrtype => ("fib_addrtype", 38, 32),
            Self::Gid => ("gid", 25, 32),
            Self::Hour => ("hour", 44, 0),
            Self::IcmpCode => ("icmp_code", 32, 8),
            Self::IcmpType => ("icmp_type", 14, 8),
            Self::Icmpv6Code => ("icmpv6_code", 33, 8),
            Self::Icmpv6Type => ("icmpv6_type", 29, 8),
            Self::IfaceIndex => ("iface_index", 20, 32),
            Self::IfaceType => ("iface_type", 21, 16),
            Self::Ifname => ("ifname", 41, 128),
            Self::InetProto => ("inet_proto", 12, 8),
            Self::InetService => ("inet_service", 13, 16),
            Self::Integer => ("integer", 4, 0),
            Self::Ipv4Addr => ("ipv4_addr", 7, 32),
            Self::Ipv6Addr => ("ipv6_addr", 8, 128),
            Self::Mark => ("mark", 19, 32),
            Self::NfProto => ("nf_proto", 2, 8),
            Self::PktType => ("pkt_type", 31, 8),
            Self::Realm => ("realm", 22, 32),
            Self::String => ("string", 5, 0),
            Self::TcpFlag => ("tcp_flag", 15, 8),
            Self::Time => ("time", 43, 0),
            Self::Uid => ("uid", 24, 32),
        }
    }

    /// nft's word for it, as it stands behind `type` of a set.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// nft's number for it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.facts().1
    }

    /// Its width in bits; none where each field has its own, so that `type` of a set cannot name it.
    #[must_use]
    pub const fn bits(self) -> Option<u8> {
        match self.facts().2 {
            0 => None,
            bits => Some(bits),
        }
    }

    /// The data type of nft's word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|datatype| datatype.name() == name)
    }

    /// The data type of nft's number.
    #[must_use]
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|datatype| datatype.number() == number)
    }

    /// The data type of an address.
    #[must_use]
    pub const fn address(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::Ipv4Addr,
            Family::Ipv6 => Self::Ipv6Addr,
        }
    }

    /// The family whose addresses it holds.
    #[must_use]
    pub const fn address_family(self) -> Option<Family> {
        match self {
            Self::Ipv4Addr => Some(Family::Ipv4),
            Self::Ipv6Addr => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// Whether a value is a set of bits, each with a meaning of its own.
    #[must_use]
    pub const fn is_bits(self) -> bool {
        matches!(self, Self::CtState | Self::CtStatus | Self::TcpFlag)
    }

    /// Whether a value is a text of 16 bytes.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Ifname | Self::String)
    }

    /// Whether an interval of values has a meaning. One of texts is a stem with `*`; one of the others does not.
    #[must_use]
    pub const fn has_order(self) -> bool {
        !self.is_bits() && !matches!(self, Self::Boolean | Self::String)
    }

    /// Whether values may stand as a prefix, `10.0.0.0/8`.
    #[must_use]
    pub const fn has_prefixes(self) -> bool {
        matches!(self, Self::Ipv4Addr | Self::Ipv6Addr)
    }

    /// Whether each value can have a name, so that a short range of them is rather listed.
    #[must_use]
    pub const fn is_named(self) -> bool {
        matches!(
            self,
            Self::CtDir
                | Self::Day
                | Self::EtherType
                | Self::FibAddrtype
                | Self::IcmpType
                | Self::Icmpv6Type
                | Self::InetProto
                | Self::NfProto
                | Self::PktType
        )
    }

    /// A set of values as every back end lists it: ranges, but one by one where each value has a name and the range is
    /// short, for nobody reads `nd-router-advert-nd-redirect`. Names of interfaces are stems, each by itself.
    #[must_use]
    pub fn elements(self, set: &IntervalSet) -> Vec<(u128, u128)> {
        const SHORT: u128 = 16;
        if self.is_text() {
            return set.prefixes_of_bytes();
        }
        let listed = self.is_named() || !self.has_order();
        let mut elements = Vec::new();
        for &(first, last) in set.intervals() {
            if listed && last - first < SHORT {
                elements.extend((first..=last).map(|value| (value, value)));
            } else {
                elements.push((first, last));
            }
        }
        elements
    }
}
