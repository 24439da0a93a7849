// SPDX-License-Identifier: GPL-3.0-or-later
//! `reject`: an answer (`net/netfilter/nft_reject.c`).
//!
//! In a table of both families, kinds that both have are one abstract code for either (`icmpx`); the others are codes
//! of ICMP, for IPv4 alone. In a table of one family all are codes of that family.

use ringwall_ir::words::{Family, Refusal, TableFamily};
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;

/// A reset has no code; nft writes 0.
const NO_CODE: u8 = 0;

/// An answer in the kernel's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// `enum nft_reject_types`
    kind: u32,
    /// A code of the family, or one of `enum nft_reject_inet_code`.
    code: u8,
}

impl Reject {
    /// What refuses so in a table of the family. IPv6 has no code for some kinds: there they become those of IPv4, and
    /// the kernel refuses the rule.
    pub(in crate::nft) fn of(table: TableFamily, refusal: Refusal) -> Self {
        let icmpx = |code: u32| Self { kind: sys::NFT_REJECT_ICMPX_UNREACH, code: code as u8 };
        let icmp = |family| {
            let code = refusal.icmp_code(family).or_else(|| refusal.icmp_code(Family::Ipv4)).unwrap_or(NO_CODE);
            Self { kind: sys::NFT_REJECT_ICMP_UNREACH, code }
        };
        match (table, refusal) {
            (_, Refusal::TcpReset) => Self { kind: sys::NFT_REJECT_TCP_RST, code: NO_CODE },
            (TableFamily::Ip, _) => icmp(Family::Ipv4),
            (TableFamily::Ip6, _) => icmp(Family::Ipv6),
            (TableFamily::Inet, Refusal::PortUnreachable) => icmpx(sys::NFT_REJECT_ICMPX_PORT_UNREACH),
            (TableFamily::Inet, Refusal::HostUnreachable) => icmpx(sys::NFT_REJECT_ICMPX_HOST_UNREACH),
            (TableFamily::Inet, Refusal::NetUnreachable) => icmpx(sys::NFT_REJECT_ICMPX_NO_ROUTE),
            (TableFamily::Inet, Refusal::AdminProhibited) => icmpx(sys::NFT_REJECT_ICMPX_ADMIN_PROHIBITED),
            (TableFamily::Inet, Refusal::ProtocolUnreachable | Refusal::NetProhibited | Refusal::HostProhibited) => {
                icmp(Family::Ipv4)
            }
        }
    }

    /// What it refuses with.
    pub(in crate::nft) fn refusal(self, table: TableFamily) -> Result<Refusal, Unknown> {
        self.known(|refusal| Self::of(table, refusal) == self)
    }

    /// What it refuses with in a rule of a table of both families that tells which packets it is for. The same goes out
    /// where the refusal is one of either family.
    pub(in crate::nft) fn refusal_of(self, family: Family) -> Result<Refusal, Unknown> {
        self.known(|refusal| refusal.icmp_code(family) == Some(self.code))
    }

    fn known(self, is_so: impl Fn(Refusal) -> bool) -> Result<Refusal, Unknown> {
        let found = Refusal::ALL.into_iter().find(|refusal| is_so(*refusal));
        found.ok_or_else(|| Unknown::value("kind of `reject`", format!("{}/{}", self.kind, self.code)))
    }

    /// Whether its code is one of ICMP or of ICMPv6, and not of either.
    pub(in crate::nft) const fn is_of_one_family(self) -> bool {
        self.kind == sys::NFT_REJECT_ICMP_UNREACH
    }

    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        writer.be32(sys::NFTA_REJECT_TYPE, self.kind).byte(sys::NFTA_REJECT_ICMP_CODE, self.code)
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("reject", attributes, &[sys::NFTA_REJECT_TYPE, sys::NFTA_REJECT_ICMP_CODE])?;
        let kind = attributes.need(sys::NFTA_REJECT_TYPE)?.be32()?;
        let code = attributes.get(sys::NFTA_REJECT_ICMP_CODE).map_or(Ok(NO_CODE), Value::byte)?;
        Ok(Self { kind, code })
    }
}
