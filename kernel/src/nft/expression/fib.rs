// SPDX-License-Identifier: GPL-3.0-or-later
//! `fib`: what the routes say (`net/netfilter/nft_fib.c`).

use ringwall_ir::fields::{Fib as Question, FibResult};
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// A question to the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fib {
    /// The question.
    pub question: Question,
    /// Where the answer goes.
    pub to: Register,
}

/// The kernel's number of what is asked for, and its flags (`enum nft_fib_result`, `enum nft_fib_flags`).
pub(in crate::nft) fn numbers(question: Question) -> (u32, u32) {
    let Question { daddr, mark, iif, oif, result } = question;
    let (result, present) = match result {
        FibResult::Exists => (sys::NFT_FIB_RESULT_OIF, true),
        FibResult::Oif => (sys::NFT_FIB_RESULT_OIF, false),
        FibResult::Oifname => (sys::NFT_FIB_RESULT_OIFNAME, false),
        FibResult::Type => (sys::NFT_FIB_RESULT_ADDRTYPE, false),
    };
    let flags = [
        (daddr, sys::NFTA_FIB_F_DADDR),
        (!daddr, sys::NFTA_FIB_F_SADDR),
        (mark, sys::NFTA_FIB_F_MARK),
        (iif, sys::NFTA_FIB_F_IIF),
        (oif, sys::NFTA_FIB_F_OIF),
        (present, sys::NFTA_FIB_F_PRESENT),
    ];
    (result, flags.into_iter().map(|(set, bit)| if set { bit } else { 0 }).sum())
}

/// The question of the kernel's numbers.
pub(in crate::nft) fn numbered(result: u32, flags: u32) -> Option<Question> {
    let set = |bit| flags & bit != 0;
    let result = match (result, set(sys::NFTA_FIB_F_PRESENT)) {
        (sys::NFT_FIB_RESULT_OIF, true) => FibResult::Exists,
        (sys::NFT_FIB_RESULT_OIF, false) => FibResult::Oif,
        (sys::NFT_FIB_RESULT_OIFNAME, false) => FibResult::Oifname,
        (sys::NFT_FIB_RESULT_ADDRTYPE, false) => FibResult::Type,
        _ => return None,
    };
    let question = Question {
        daddr: set(sys::NFTA_FIB_F_DADDR),
        mark: set(sys::NFTA_FIB_F_MARK),
        iif: set(sys::NFTA_FIB_F_IIF),
        oif: set(sys::NFTA_FIB_F_OIF),
        result,
    };
    (numbers(question).1 == flags).then_some(question)
}

impl Fib {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let (result, flags) = numbers(self.question);
        writer
            .be32(sys::NFTA_FIB_DREG, self.to.number())
            .be32(sys::NFTA_FIB_RESULT, result)
            .be32(sys::NFTA_FIB_FLAGS, flags)
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("fib", attributes, &[sys::NFTA_FIB_DREG, sys::NFTA_FIB_RESULT, sys::NFTA_FIB_FLAGS])?;
        let result = attributes.need(sys::NFTA_FIB_RESULT)?.be32()?;
        let flags = attributes.need(sys::NFTA_FIB_FLAGS)?.be32()?;
        let question = numbered(result, flags);
        Ok(Self {
            question: question.ok_or_else(|| Unknown::value("question of `fib`", format!("{result}/{flags}")))?,
            to: Register::read(attributes, sys::NFTA_FIB_DREG)?,
        })
    }
}
