// SPDX-License-Identifier: GPL-3.0-or-later
//! Transactions of nf_tables: all messages take effect at once, or none does.
//!
//! rustables encodes the skeleton. What it cannot say is spliced into the finished bytes: expressions that it knows by
//! name only, further attributes, the generation, and the family, which it hides for most objects.

use std::collections::BTreeMap;

use libc::NLM_F_ACK;
use rustables::set::SetElementList;
use rustables::{Batch, Chain, MsgType, Rule, Set, Table, sys};

use super::attribute::{Attribute, AttributeWriter, Attributes};
use super::error::{Malformed, NetlinkError, Refused};
use super::message::{Message, Messages, message};
use super::socket::{Socket, Wait};

/// What one message says beyond what rustables writes.
#[derive(Clone, Debug, Default)]
pub struct Splice {
    /// Attributes to append.
    pub attributes: Vec<u8>,
    /// The data of expressions that rustables knows by name only, by their place in the rule.
    pub expressions: BTreeMap<usize, Vec<u8>>,
}

impl Splice {
    /// Appends attributes only.
    #[must_use]
    pub fn attributes(attributes: AttributeWriter) -> Self {
        Self { attributes: attributes.finish(), ..Self::default() }
    }
}

/// A transaction in the making.
pub struct Transaction {
    batch: Batch,
    /// The splice and the family of each message; the message numbered 1 is the first.
    messages: Vec<(u8, Splice)>,
}

macro_rules! adders {
    ($($(#[$doc:meta])* $name:ident $object:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, family: u8, kind: MsgType, object: &$object, splice: Splice) {
            self.batch.add(object, kind);
            self.messages.push((family, splice));
        }
    )*};
}

impl Transaction {
    /// A transaction that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { batch: Batch::new(), messages: Vec::new() }
    }

    adders! {
        /// Adds or deletes a chain.
        chain Chain;
        /// Adds elements to a set, or deletes them: all, where none are named.
        elements SetElementList;
        /// Appends a rule, or deletes the rules of a chain or table.
        rule Rule;
        /// Adds or deletes a set.
        set Set;
        /// Adds or deletes a table.
        table Table;
    }

    /// The number that an error about the last added message will carry.
    #[must_use]
    pub fn last_sequence(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX)
    }

    /// The bytes to send. The kernel refuses them if the ruleset is no longer of this generation.
    ///
    /// # Errors
    /// [`Malformed`] where rustables wrote what cannot be read.
    pub fn encode(self, generation: u32) -> Result<Vec<u8>, Malformed> {
        let last = self.last_sequence();
        let mut out = Vec::new();
        for part in Messages::new(&self.batch.finalize()) {
            let part = part?;
            let index = usize::try_from(part.sequence).ok().and_then(|sequence| sequence.checked_sub(1));
            match (i32::from(part.kind), index.and_then(|index| self.messages.get(index))) {
                (_, Some((family, splice))) => splice_into(&mut out, &part, *family, splice, part.sequence == last)?,
                (libc::NFNL_MSG_BATCH_BEGIN, None) => {
                    let attributes = AttributeWriter::new().be32(sys::NFNL_BATCH_GENID as u16, generation).finish();
                    frame(&mut out, &part, &attributes);
                }
                _ => frame(&mut out, &part, &[]),
            }
        }
        Ok(out)
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes the first or the last message of a batch.
fn frame(out: &mut Vec<u8>, part: &Message<'_>, attributes: &[u8]) {
    message(out, part.kind, libc::NLM_F_REQUEST as u16, part.sequence, 0, sys::NFNL_SUBSYS_NFTABLES as u16, attributes);
}

/// Writes one message with its splice. Only the last asks for an acknowledgement: one is enough to know that the kernel
/// went through all, and thousands would fill the socket.
fn splice_into(
    out: &mut Vec<u8>,
    part: &Message<'_>,
    family: u8,
    splice: &Splice,
    acknowledge: bool,
) -> Result<(), Malformed> {
    let (_, written) = part.netfilter()?;
    let mut attributes = AttributeWriter::new();
    for Attribute { kind, value } in written.iter() {
        attributes = if kind == sys::NFTA_RULE_EXPRESSIONS && !splice.expressions.is_empty() {
            attributes.bytes(kind, &fill(value.nested()?, &splice.expressions)?)
        } else {
            attributes.bytes(kind, value.bytes())
        };
    }
    let mut attributes = attributes.finish();
    attributes.extend(&splice.attributes);
    let flags = if acknowledge { part.flags } else { part.flags & !(NLM_F_ACK as u16) };
    message(out, part.kind, flags, part.sequence, family, 0, &attributes);
    Ok(())
}

/// The expressions of a rule, with data where rustables wrote names only.
fn fill(written: Attributes<'_>, data: &BTreeMap<usize, Vec<u8>>) -> Result<Vec<u8>, Malformed> {
    let mut filled = AttributeWriter::new();
    for (place, expression) in written.iter().enumerate() {
        filled = match data.get(&place) {
            None => filled.bytes(expression.kind, expression.value.bytes()),
            Some(data) => {
                let name = expression.value.nested()?.need(sys::NFTA_EXPR_NAME)?.text()?.to_owned();
                filled.nest(expression.kind, |inside| {
                    inside.text(sys::NFTA_EXPR_NAME, &name).bytes(sys::NFTA_EXPR_DATA, data)
                })
            }
        };
    }
    Ok(filled.finish())
}

/// Sends an encoded transaction. Returns what the kernel refused: nothing if, and only if, it is in force.
///
/// # Errors
/// [`NetlinkError`]
pub fn commit(socket: &mut Socket, transaction: &[u8]) -> Result<Vec<Refused>, NetlinkError> {
    socket.send(transaction)?;
    let mut refused = Vec::new();
    let mut acknowledged = false;
    // The kernel answers while it takes the datagram: whatever it has to say is there already.
    while let Some(received) = next_answer(socket)? {
        for answer in Messages::new(&received) {
            let answer = answer?;
            if i32::from(answer.kind) == libc::NLMSG_ERROR {
                match Refused::read(&answer)? {
                    Some(error) => refused.push(error),
                    None => acknowledged = true,
                }
            }
        }
    }
    if refused.is_empty() && !acknowledged { Err(NetlinkError::Silent) } else { Ok(refused) }
}

/// The next answer that waits; those that were lost for want of room are errors like those that were not.
fn next_answer(socket: &mut Socket) -> Result<Option<Vec<u8>>, NetlinkError> {
    match socket.receive(Wait::No) {
        Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(socket.receive(Wait::No)?.map(<[u8]>::to_vec)),
        received => Ok(received?.map(<[u8]>::to_vec)),
    }
}
