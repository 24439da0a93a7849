// SPDX-License-Identifier: GPL-3.0-or-later
//! What a row of a field says.

use super::{Cells, FibResult, Field, Numgen};
use crate::datatype::Datatype;
use crate::words::{Family, Hook, Protocol};

/// How the bytes of a field are ordered where the kernel compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// As on the wire.
    Network,
    /// As the host's processor keeps them.
    Host,
}

/// What a packet must be to have the field at all. A test of a field that a packet does not have never matches, negated
/// or not: the kernel leaves the rule there (`NFT_BREAK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// A packet with a conntrack entry.
    Entry,
    /// A packet with a conntrack entry of the family.
    EntryOf(Family),
    /// A packet of the family.
    Family(Family),
    /// A packet that came over Ethernet.
    Link,
    /// Every packet has it.
    Nothing,
    /// A packet of the protocol, with a whole header, and not a later fragment.
    Protocol(Protocol),
    /// A packet with a socket that is known.
    Socket,
    /// A packet with a transport header, and not a later fragment.
    Transport,
}

impl Needs {
    /// The family that a packet must be of.
    #[must_use]
    pub const fn family(self) -> Option<Family> {
        match self {
            Self::Family(family) | Self::EntryOf(family) => Some(family),
            Self::Protocol(Protocol::ICMP) => Some(Family::Ipv4),
            Self::Protocol(Protocol::ICMPV6) => Some(Family::Ipv6),
            Self::Entry | Self::Link | Self::Nothing | Self::Protocol(_) | Self::Socket | Self::Transport => None,
        }
    }

    /// The protocol that a packet must be of.
    #[must_use]
    pub const fn protocol(self) -> Option<Protocol> {
        match self {
            Self::Protocol(protocol) => Some(protocol),
            _ => None,
        }
    }
}

/// The header that an offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Base {
    /// The link's (`NFT_PAYLOAD_LL_HEADER`).
    Link,
    /// The network's (`NFT_PAYLOAD_NETWORK_HEADER`).
    Network,
    /// The transport's (`NFT_PAYLOAD_TRANSPORT_HEADER`).
    Transport,
}

/// Where the kernel reads a field (`include/uapi/linux/netfilter/nf_tables.h`). What else the expression needs is among
/// the field's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// The conntrack entry: `NFT_CT_*`.
    Ct(u32),
    /// Whether an IPv6 extension header is there.
    Exthdr,
    /// The routes.
    Fib,
    /// What the kernel knows about the packet: `NFT_META_*`.
    Meta(u32),
    /// A number generator.
    Numgen,
    /// The packet's bytes: a header, and an offset in bits. The first bit is the highest of the first byte.
    Payload(Base, u16),
    /// The packet's route: `NFT_RT_*`.
    Rt(u32),
    /// The packet's socket: `NFT_SOCKET_*`.
    Socket(u32),
    /// The TCP option maximum segment size.
    TcpMaxseg,
    /// The packet's security association: `NFT_XFRM_KEY_*`.
    Xfrm(u32),
}

/// The row of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// The field.
    pub field: Field,
    /// Its name in nft text, without its parameters.
    pub name: &'static str,
    /// Its width. Texts: the kernel's 16 bytes.
    pub bits: u8,
    /// Its byte order.
    pub order: ByteOrder,
    /// What its values are.
    pub datatype: Datatype,
    /// Which packets have it.
    pub needs: Needs,
    /// Where the kernel reads it.
    pub load: Load,
    /// Who handles it.
    pub cells: Cells,
}

impl FieldRow {
    /// How many bytes a register holds of it.
    #[must_use]
    pub const fn bytes(&self) -> u8 {
        self.bits.div_ceil(8)
    }

    /// Whether the kernel takes a test of the field in a chain at the hook (`nft_fib_validate`, `nft_socket_validate`,
    /// `nft_meta_get_validate`, `nft_xfrm_validate`).
    #[must_use]
    pub const fn at(&self, hook: Hook) -> bool {
        match (self.field, self.load) {
            (Field::Fib(fib), _) => match fib.result {
                FibResult::Type if fib.oif => hook.has_departure(),
                FibResult::Type if !fib.iif => true,
                _ => matches!(hook, Hook::Prerouting | Hook::Input | Hook::Forward),
            },
            (Field::MetaIpsec | Field::IpsecReqid(super::IpsecDirection::In), _) => {
                matches!(hook, Hook::Prerouting | Hook::Input | Hook::Forward)
            }
            (Field::IpsecReqid(super::IpsecDirection::Out), _) => hook.has_departure(),
            (_, Load::Socket(_)) => matches!(hook, Hook::Prerouting | Hook::Input | Hook::Output),
            _ => true,
        }
    }

    /// The row as the field's own parameters make it.
    pub(super) const fn of_parameters(self) -> Self {
        let (bits, datatype) = match self.field {
            Field::Fib(fib) => match fib.result {
                FibResult::Exists => (1, Datatype::Boolean),
                FibResult::Oif => (32, Datatype::IfaceIndex),
                FibResult::Oifname => (128, Datatype::Ifname),
                FibResult::Type => (32, Datatype::FibAddrtype),
            },
            _ => (self.bits, self.datatype),
        };
        let cells = match self.field {
            Field::Numgen(Numgen { random: true, .. }) => self.cells.no_machine("the machine draws no numbers"),
            _ => self.cells,
        };
        Self { bits, datatype, cells, ..self }
    }
}
