// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdicts as rules and the elements of maps hold them (`nft_verdict_init` in `net/netfilter/nf_tables_api.c`).

use ringwall_ir::Verdict;
use rustables::sys;

use super::Unknown;
use super::expression::only;
use crate::netlink::{AttributeWriter, Attributes};

/// A verdict that is one number, perhaps with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code<'a> {
    /// The packet leaves the base chain and goes on.
    Accept,
    /// The packet goes on to the next rule.
    Continue,
    /// The packet is gone.
    Drop,
    /// The packet goes to a chain and does not come back.
    Goto(&'a str),
    /// The packet goes to a chain.
    Jump(&'a str),
    /// The packet goes back.
    Return,
}

impl<'a> Code<'a> {
    /// The verdict as a number; none where it needs more.
    pub(super) fn of(verdict: &'a Verdict) -> Option<Self> {
        match verdict {
            Verdict::Accept => Some(Self::Accept),
            Verdict::Continue => Some(Self::Continue),
            Verdict::Drop => Some(Self::Drop),
            Verdict::Goto(chain) => Some(Self::Goto(chain)),
            Verdict::Jump(chain) => Some(Self::Jump(chain)),
            Verdict::Return => Some(Self::Return),
            Verdict::Dnat(_)
            | Verdict::Map(_)
            | Verdict::Masquerade { .. }
            | Verdict::Queue(_)
            | Verdict::Redirect { .. }
            | Verdict::Reject(_)
            | Verdict::Snat(_) => None,
        }
    }

    /// The chain that it leads to.
    pub(super) const fn chain(self) -> Option<&'a str> {
        match self {
            Self::Goto(chain) | Self::Jump(chain) => Some(chain),
            Self::Accept | Self::Continue | Self::Drop | Self::Return => None,
        }
    }

    /// The verdict in the IR's words.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Accept => Verdict::Accept,
            Self::Continue => Verdict::Continue,
            Self::Drop => Verdict::Drop,
            Self::Goto(chain) => Verdict::Goto(chain.to_owned()),
            Self::Jump(chain) => Verdict::Jump(chain.to_owned()),
            Self::Return => Verdict::Return,
        }
    }

    /// `NF_*` of `include/uapi/linux/netfilter.h`, and `enum nft_verdicts`.
    const fn number(self) -> i32 {
        match self {
            Self::Accept => libc::NF_ACCEPT,
            Self::Continue => sys::NFT_CONTINUE,
            Self::Drop => libc::NF_DROP,
            Self::Goto(_) => sys::NFT_GOTO,
            Self::Jump(_) => sys::NFT_JUMP,
            Self::Return => sys::NFT_RETURN,
        }
    }

    /// Writes the data of an expression or element.
    pub(super) fn write(self, writer: AttributeWriter) -> AttributeWriter {
        writer.nest(sys::NFTA_DATA_VERDICT, |writer| {
            let writer = writer.be32(sys::NFTA_VERDICT_CODE, self.number().cast_unsigned());
            match self.chain() {
                Some(chain) => writer.text(sys::NFTA_VERDICT_CHAIN, chain),
                None => writer,
            }
        })
    }

    /// Reads the data of an expression or element.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(super) fn read(data: Attributes<'a>) -> Result<Self, Unknown> {
        let verdict = data.need(sys::NFTA_DATA_VERDICT)?.nested()?;
        only("verdict", verdict, &[sys::NFTA_VERDICT_CODE, sys::NFTA_VERDICT_CHAIN])?;
        let chain = || verdict.need(sys::NFTA_VERDICT_CHAIN).and_then(|chain| chain.text());
        match verdict.need(sys::NFTA_VERDICT_CODE)?.be32()?.cast_signed() {
            libc::NF_ACCEPT => Ok(Self::Accept),
            libc::NF_DROP => Ok(Self::Drop),
            sys::NFT_CONTINUE => Ok(Self::Continue),
            sys::NFT_GOTO => Ok(Self::Goto(chain()?)),
            sys::NFT_JUMP => Ok(Self::Jump(chain()?)),
            sys::NFT_RETURN => Ok(Self::Return),
            other => Err(Unknown::value("verdict", other)),
        }
    }
}
