// SPDX-License-Identifier: GPL-3.0-or-later
//! `dynset`: a packet adds an element to a set, or takes one out of it (`net/netfilter/nft_dynset.c`).

use std::borrow::Cow;

use ringwall_ir::{Meter, Milliseconds, SetOperation};
use rustables::sys;

use super::{meter, only};
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::register::Register;
use crate::nft::set::SetName;

/// What is done to which set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dynset<'a> {
    /// The set.
    pub set: SetName<'a>,
    /// What is done.
    pub operation: SetOperation,
    /// Where the key starts.
    pub key: Register,
    /// Where the data starts, in a map.
    pub data: Option<Register>,
    /// How long the element stays; none: as the set says.
    pub timeout: Option<Milliseconds>,
    /// What the element counts.
    pub meters: Cow<'a, [Meter]>,
}

/// `NFT_DYNSET_F_EXPR`: the element may have several expressions.
const SEVERAL: u32 = 1 << 1;

const OPERATIONS: [(SetOperation, u32); 3] = [
    (SetOperation::Add, sys::NFT_DYNSET_OP_ADD),
    (SetOperation::Update, sys::NFT_DYNSET_OP_UPDATE),
    (SetOperation::Delete, sys::NFT_DYNSET_OP_DELETE),
];

impl<'a> Dynset<'a> {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let operation =
            OPERATIONS.into_iter().find(|(known, _)| *known == self.operation).map_or(0, |(_, number)| number);
        let mut writer = writer
            .text(sys::NFTA_DYNSET_SET_NAME, self.set.text())
            .be32(sys::NFTA_DYNSET_OP, operation)
            .be32(sys::NFTA_DYNSET_SREG_KEY, self.key.number());
        if let Some(data) = self.data {
            writer = writer.be32(sys::NFTA_DYNSET_SREG_DATA, data.number());
        }
        if let Some(timeout) = self.timeout {
            writer = writer.be64(sys::NFTA_DYNSET_TIMEOUT, timeout.0);
        }
        match self.meters.as_ref() {
            [] => writer,
            [only] => writer.nest(sys::NFTA_DYNSET_EXPR, |writer| meter::write(only, writer)),
            several => writer
                .be32(sys::NFTA_DYNSET_FLAGS, SEVERAL)
                .nest(sys::NFTA_DYNSET_EXPRESSIONS, |writer| meter::write_list(several, writer)),
        }
    }

    pub(super) fn read(attributes: Attributes<'a>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_DYNSET_SET_NAME,
            sys::NFTA_DYNSET_SET_ID,
            sys::NFTA_DYNSET_OP,
            sys::NFTA_DYNSET_SREG_KEY,
            sys::NFTA_DYNSET_SREG_DATA,
            sys::NFTA_DYNSET_TIMEOUT,
            sys::NFTA_DYNSET_EXPR,
            sys::NFTA_DYNSET_PAD,
            sys::NFTA_DYNSET_FLAGS,
            sys::NFTA_DYNSET_EXPRESSIONS,
        ];
        only("dynset", attributes, &known)?;
        let flags = attributes.get(sys::NFTA_DYNSET_FLAGS).map_or(Ok(0), Value::be32)?;
        if flags & !SEVERAL != 0 {
            return Err(Unknown::value("flags of `dynset`", flags));
        }
        let number = attributes.need(sys::NFTA_DYNSET_OP)?.be32()?;
        let operation = OPERATIONS.into_iter().find(|(_, known)| *known == number);
        let timeout = attributes.get(sys::NFTA_DYNSET_TIMEOUT).map_or(Ok(0), Value::be64)?;
        Ok(Self {
            set: SetName::read(attributes, sys::NFTA_DYNSET_SET_NAME, sys::NFTA_DYNSET_SET_ID)?,
            operation: operation.ok_or_else(|| Unknown::value("operation of `dynset`", number))?.0,
            key: Register::read(attributes, sys::NFTA_DYNSET_SREG_KEY)?,
            data: Register::read_optional(attributes, sys::NFTA_DYNSET_SREG_DATA)?,
            timeout: (timeout > 0).then_some(Milliseconds(timeout)),
            meters: meter::read_all(attributes, sys::NFTA_DYNSET_EXPR, sys::NFTA_DYNSET_EXPRESSIONS)?.into(),
        })
    }
}
