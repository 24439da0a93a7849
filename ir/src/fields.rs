// SPDX-License-Identifier: GPL-3.0-or-later
//! The declared table: one row for each field, statement and verdict of the IR, and who can handle it.
//!
//! A row says what a thing is (name, width, byte order, where the kernel reads it) and, for each back end, whether it is
//! handled or why not. A test walks all rows and all cells against the kernel.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::IntervalSet;
use crate::words::{Family, Hook, Protocol};

/// A property of a packet, or of its conntrack entry, that a rule can test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The ct state.
    CtState,
    /// The type of an ICMP message.
    IcmpType,
    /// The code of an ICMP message.
    IcmpCode,
    /// The type of an ICMPv6 message.
    Icmpv6Type,
    /// The code of an ICMPv6 message.
    Icmpv6Code,
    /// The name of the interface that the packet arrived on.
    Iifname,
    /// The IPv6 destination.
    Ip6Daddr,
    /// The IPv6 hop limit.
    Ip6HopLimit,
    /// The IPv6 source.
    Ip6Saddr,
    /// The IPv4 destination.
    IpDaddr,
    /// The IPv4 source.
    IpSaddr,
    /// The IPv4 time to live.
    IpTtl,
    /// The transport protocol, behind all extension headers.
    L4proto,
    /// The family.
    Nfproto,
    /// The name of the interface that the packet leaves by.
    Oifname,
    /// The SCTP destination port.
    SctpDport,
    /// The SCTP source port.
    SctpSport,
    /// The TCP destination port.
    TcpDport,
    /// The TCP flags.
    TcpFlags,
    /// The TCP source port.
    TcpSport,
    /// The UDP destination port.
    UdpDport,
    /// The UDP source port.
    UdpSport,
}

/// How the bytes of a field are ordered where the kernel compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// As on the wire.
    Network,
    /// As the host's processor keeps them.
    Host,
}

/// What the values of a field are, and so which tests it takes and how its values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An address of the family.
    Address(Family),
    /// A set of bits, tested under a mask.
    Bits,
    /// `ipv4` or `ipv6`.
    Family,
    /// An ICMP type of the family.
    IcmpType(Family),
    /// The name of an interface.
    InterfaceName,
    /// A plain number.
    Number,
    /// A port.
    Port,
    /// A protocol number.
    Protocol,
}

/// What a packet must be to have the field at all. A test of a field that a packet does not have never matches, negated or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Every packet has it.
    Nothing,
    /// A packet of the family.
    Family(Family),
    /// A packet of the protocol, with a whole header, and not a later fragment.
    Protocol(Protocol),
}

/// Where the kernel reads a field (`include/uapi/linux/netfilter/nf_tables.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// `ct state`
    CtState,
    /// `meta iifname`
    MetaIifname,
    /// `meta l4proto`
    MetaL4proto,
    /// `meta nfproto`
    MetaNfproto,
    /// `meta oifname`
    MetaOifname,
    /// Bytes of the network header, at an offset.
    Network(u8),
    /// Bytes of the transport header, at an offset.
    Transport(u8),
}

/// Whether a back end handles a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// It does, and a test holds it to the kernel.
    Handled,
    /// It does not, for this reason.
    Unsupported(&'static str),
}

/// What the back ends make of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cells {
    /// Written as nft text.
    pub nft: Cell,
    /// Written as iptables-save and ip6tables-save.
    pub iptables: Cell,
    /// Installed over netlink.
    pub netlink: Cell,
    /// Read back from the kernel's dump.
    pub read_back: Cell,
    /// Executed by the machine.
    pub machine: Cell,
    /// Proved about.
    pub prover: Cell,
}

impl Cells {
    /// Each cell with the name of its column.
    #[must_use]
    pub const fn columns(&self) -> [(&'static str, Cell); 6] {
        [
            ("nft", self.nft),
            ("iptables", self.iptables),
            ("netlink", self.netlink),
            ("read back", self.read_back),
            ("machine", self.machine),
            ("prover", self.prover),
        ]
    }
}

/// The row of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// The field.
    pub field: Field,
    /// Its name in nft text.
    pub name: &'static str,
    /// Its width. Interface names: the kernel's 16 bytes.
    pub bits: u8,
    /// Its byte order.
    pub order: ByteOrder,
    /// What its values are.
    pub kind: Kind,
    /// Which packets have it.
    pub needs: Needs,
    /// Where the kernel reads it.
    pub load: Load,
    /// Who handles it.
    pub cells: Cells,
}

impl FieldRow {
    /// Whether a packet at the hook can have the field.
    #[must_use]
    pub const fn at(&self, hook: Hook) -> bool {
        match self.load {
            Load::MetaIifname => hook.has_arrival(),
            Load::MetaOifname => hook.has_departure(),
            _ => true,
        }
    }
}

/// A thing of the IR that is not a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// The statement `limit`.
    Limit,
    /// The statement `log` to the kernel's ring buffer.
    Log,
    /// The statement `log group`.
    LogGroup,
    /// The verdict `accept`.
    Accept,
    /// The verdict `drop`.
    Drop,
    /// The verdict `reject`.
    Reject,
}

/// The row of a statement or verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordRow {
    /// The statement or verdict.
    pub word: Word,
    /// Its name in nft text.
    pub name: &'static str,
    /// Who handles it.
    pub cells: Cells,
}

const NO_PROVER: Cell = Cell::Unsupported("there is no prover yet");

const EVERYWHERE: Cells = Cells {
    nft: Cell::Handled,
    iptables: Cell::Handled,
    netlink: Cell::Handled,
    read_back: Cell::Handled,
    machine: Cell::Handled,
    prover: NO_PROVER,
};

macro_rules! fields {
    ($($field:ident $name:literal $bits:literal $order:ident $kind:expr, $needs:expr, $load:expr, $cells:expr;)*) => {
        /// The fields, in alphabetical order of their names in the code.
        pub const FIELDS: &[FieldRow] = &[$(Field::$field.row(),)*];

        impl Field {
            /// The field's row.
            #[must_use]
            pub const fn row(self) -> FieldRow {
                match self {
                    $(Self::$field => FieldRow {
                        field: Field::$field,
                        name: $name,
                        bits: $bits,
                        order: ByteOrder::$order,
                        kind: $kind,
                        needs: $needs,
                        load: $load,
                        cells: $cells,
                    },)*
                }
            }
        }
    };
}

fields! {
    CtState "ct state" 32 Host Kind::Bits, Needs::Nothing, Load::CtState, EVERYWHERE;
    IcmpType "icmp type" 8 Network Kind::IcmpType(Family::Ipv4), Needs::Protocol(Protocol::ICMP), Load::Transport(0), EVERYWHERE;
    IcmpCode "icmp code" 8 Network Kind::Number, Needs::Protocol(Protocol::ICMP), Load::Transport(1), EVERYWHERE;
    Icmpv6Type "icmpv6 type" 8 Network Kind::IcmpType(Family::Ipv6), Needs::Protocol(Protocol::ICMPV6), Load::Transport(0), EVERYWHERE;
    Icmpv6Code "icmpv6 code" 8 Network Kind::Number, Needs::Protocol(Protocol::ICMPV6), Load::Transport(1), EVERYWHERE;
    Iifname "iifname" 128 Host Kind::InterfaceName, Needs::Nothing, Load::MetaIifname, EVERYWHERE;
    Ip6Daddr "ip6 daddr" 128 Network Kind::Address(Family::Ipv6), Needs::Family(Family::Ipv6), Load::Network(24), EVERYWHERE;
    Ip6HopLimit "ip6 hoplimit" 8 Network Kind::Number, Needs::Family(Family::Ipv6), Load::Network(7), EVERYWHERE;
    Ip6Saddr "ip6 saddr" 128 Network Kind::Address(Family::Ipv6), Needs::Family(Family::Ipv6), Load::Network(8), EVERYWHERE;
    IpDaddr "ip daddr" 32 Network Kind::Address(Family::Ipv4), Needs::Family(Family::Ipv4), Load::Network(16), EVERYWHERE;
    IpSaddr "ip saddr" 32 Network Kind::Address(Family::Ipv4), Needs::Family(Family::Ipv4), Load::Network(12), EVERYWHERE;
    IpTtl "ip ttl" 8 Network Kind::Number, Needs::Family(Family::Ipv4), Load::Network(8), EVERYWHERE;
    L4proto "meta l4proto" 8 Host Kind::Protocol, Needs::Nothing, Load::MetaL4proto, EVERYWHERE;
    Nfproto "meta nfproto" 8 Host Kind::Family, Needs::Nothing, Load::MetaNfproto, EVERYWHERE;
    Oifname "oifname" 128 Host Kind::InterfaceName, Needs::Nothing, Load::MetaOifname, EVERYWHERE;
    SctpDport "sctp dport" 16 Network Kind::Port, Needs::Protocol(Protocol::SCTP), Load::Transport(2), EVERYWHERE;
    SctpSport "sctp sport" 16 Network Kind::Port, Needs::Protocol(Protocol::SCTP), Load::Transport(0), EVERYWHERE;
    TcpDport "tcp dport" 16 Network Kind::Port, Needs::Protocol(Protocol::TCP), Load::Transport(2), EVERYWHERE;
    TcpFlags "tcp flags" 8 Network Kind::Bits, Needs::Protocol(Protocol::TCP), Load::Transport(13), EVERYWHERE;
    TcpSport "tcp sport" 16 Network Kind::Port, Needs::Protocol(Protocol::TCP), Load::Transport(0), EVERYWHERE;
    UdpDport "udp dport" 16 Network Kind::Port, Needs::Protocol(Protocol::UDP), Load::Transport(2), EVERYWHERE;
    UdpSport "udp sport" 16 Network Kind::Port, Needs::Protocol(Protocol::UDP), Load::Transport(0), EVERYWHERE;
}

/// The statements and verdicts.
pub const WORDS: &[WordRow] = &[
    WordRow { word: Word::Limit, name: "limit", cells: EVERYWHERE },
    WordRow { word: Word::Log, name: "log", cells: EVERYWHERE },
    WordRow { word: Word::LogGroup, name: "log group", cells: EVERYWHERE },
    WordRow { word: Word::Accept, name: "accept", cells: EVERYWHERE },
    WordRow { word: Word::Drop, name: "drop", cells: EVERYWHERE },
    WordRow { word: Word::Reject, name: "reject", cells: EVERYWHERE },
];

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

    /// A set of the field's values as every back end lists it: ranges, but one by one where each value has a name and
    /// the range is short, for nobody reads `nd-router-advert-nd-redirect`.
    #[must_use]
    pub fn elements(self, set: &IntervalSet) -> Vec<(u128, u128)> {
        const SHORT: u128 = 16;
        let named = matches!(self.row().kind, Kind::IcmpType(_) | Kind::Protocol | Kind::Family);
        let mut elements = Vec::new();
        for &(first, last) in set.intervals() {
            if named && last - first < SHORT {
                elements.extend((first..=last).map(|value| (value, value)));
            } else {
                elements.push((first, last));
            }
        }
        elements
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}
