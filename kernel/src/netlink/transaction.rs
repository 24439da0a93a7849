// SPDX-License-Identifier: GPL-3.0-or-later
//! Transactions of nf_tables: all messages take effect at once, or none does.
//!
//! rustables encodes the skeletons of messages. What it cannot say is spliced in behind them: the generation, the
//! family, which it hides for most objects, further attributes, and whole messages about objects that it does not
//! know. The messages wait until there are some hundred, and are then put together into the one buffer that is sent, so
//! that a large transaction is not held twice.

use libc::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST};
use rustables::set::SetElementList;
use rustables::{Batch, Chain, MsgType, Rule, Set, Table, sys};

use super::attribute::AttributeWriter;
use super::dump::nf_tables_kind;
use super::error::{Malformed, NetlinkError, Refused};
use super::message::{FAMILY_HEADER_LEN, Messages, message};
use super::socket::{Socket, Wait};

/// How many messages wait before they are put together.
const SLICE_LEN: usize = 256;
/// How many bytes of attributes may wait.
const SLICE_BYTES: usize = 1 << 18;
/// The offset of the flags in `struct nlmsghdr`.
const FLAGS_OFFSET: usize = 6;

/// A transaction in the making.
pub struct Transaction {
    /// The messages that are done, the one that opens the batch included.
    out: Vec<u8>,
    /// The skeletons of the messages that wait.
    batch: Batch,
    waiting: Vec<Waiting>,
    /// What is spliced in behind the skeletons.
    spliced: Vec<u8>,
    /// How many messages are done.
    done: u32,
    /// Where the last message that is done starts.
    last: Option<usize>,
    malformed: Option<Malformed>,
}

/// A message that waits.
struct Waiting {
    family: u8,
    skeleton: Skeleton,
    /// Where its attributes end among those that are spliced in.
    end: usize,
}

/// What a message is made of, beside what is spliced in.
enum Skeleton {
    /// The next message of the batch.
    Rustables,
    /// Nothing; the type of the message and its flags.
    Nothing(u16, u16),
}

macro_rules! adders {
    ($($(#[$doc:meta])* $name:ident $object:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// `more` writes what rustables does not.
        pub fn $name(
            &mut self,
            family: u8,
            kind: MsgType,
            object: &$object,
            more: impl FnOnce(AttributeWriter) -> AttributeWriter,
        ) {
            self.batch.add(object, kind);
            self.wait(family, Skeleton::Rustables, more);
        }
    )*};
}

impl Transaction {
    /// A transaction that does nothing yet. The kernel refuses it if the ruleset is no longer of this generation.
    #[must_use]
    pub fn new(generation: u32) -> Self {
        let mut out = Vec::new();
        let attributes = AttributeWriter::new().be32(sys::NFNL_BATCH_GENID as u16, generation).finish();
        frame(&mut out, libc::NFNL_MSG_BATCH_BEGIN, 0, &attributes);
        Self {
            out,
            batch: Batch::new(),
            waiting: Vec::new(),
            spliced: Vec::new(),
            done: 0,
            last: None,
            malformed: None,
        }
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

    /// Adds or deletes an object, which rustables does not know.
    pub fn object(&mut self, family: u8, kind: MsgType, whole: impl FnOnce(AttributeWriter) -> AttributeWriter) {
        let (operation, flags) = match kind {
            MsgType::Add => (sys::NFT_MSG_NEWOBJ, NLM_F_REQUEST | NLM_F_CREATE),
            MsgType::Del => (sys::NFT_MSG_DELOBJ, NLM_F_REQUEST),
        };
        self.wait(family, Skeleton::Nothing(nf_tables_kind(operation), flags as u16), whole);
    }

    fn wait(&mut self, family: u8, skeleton: Skeleton, more: impl FnOnce(AttributeWriter) -> AttributeWriter) {
        self.spliced = more(AttributeWriter::onto(std::mem::take(&mut self.spliced))).finish();
        self.waiting.push(Waiting { family, skeleton, end: self.spliced.len() });
        if self.waiting.len() >= SLICE_LEN || self.spliced.len() >= SLICE_BYTES {
            self.put_together();
        }
    }

    /// Moves the messages that wait to the end of the buffer.
    fn put_together(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Batch::new()).finalize();
        let framing = [libc::NFNL_MSG_BATCH_BEGIN, libc::NFNL_MSG_BATCH_END];
        let mut skeletons = Messages::new(&batch)
            .filter(|part| !part.as_ref().is_ok_and(|part| framing.contains(&i32::from(part.kind))));
        let mut start = 0;
        for Waiting { family, skeleton, end } in self.waiting.drain(..) {
            let spliced = self.spliced.get(start..end).unwrap_or_default();
            start = end;
            self.done += 1;
            self.last = Some(self.out.len());
            let (kind, flags, written) = match skeleton {
                Skeleton::Nothing(kind, flags) => (kind, flags, &[][..]),
                Skeleton::Rustables => match skeletons.next() {
                    Some(Ok(part)) => {
                        // An acknowledgement of each message would fill the socket.
                        let flags = part.flags & !(NLM_F_ACK as u16);
                        (part.kind, flags, part.payload.get(FAMILY_HEADER_LEN..).unwrap_or_default())
                    }
                    Some(Err(malformed)) => {
                        self.malformed = Some(malformed);
                        continue;
                    }
                    None => {
                        self.malformed = Some(Malformed::Message);
                        continue;
                    }
                },
            };
            message(&mut self.out, kind, flags, self.done, family, 0, &[written, spliced]);
        }
        self.spliced.clear();
    }

    /// The bytes to send.
    ///
    /// # Errors
    /// [`Malformed`] where rustables wrote what cannot be read.
    pub fn finish(mut self) -> Result<Vec<u8>, Malformed> {
        self.put_together();
        if let Some(malformed) = self.malformed {
            return Err(malformed);
        }
        // One acknowledgement is enough to know that the kernel went through all.
        let flags = self.last.and_then(|start| self.out.get_mut(start + FLAGS_OFFSET..)?.first_chunk_mut());
        if let Some(flags) = flags {
            *flags = (u16::from_ne_bytes(*flags) | NLM_F_ACK as u16).to_ne_bytes();
        }
        frame(&mut self.out, libc::NFNL_MSG_BATCH_END, self.done + 1, &[]);
        Ok(self.out)
    }
}

/// Writes the first or the last message of a batch.
fn frame(out: &mut Vec<u8>, kind: libc::c_int, sequence: u32, attributes: &[u8]) {
    let subsystem = sys::NFNL_SUBSYS_NFTABLES as u16;
    message(out, kind as u16, NLM_F_REQUEST as u16, sequence, 0, subsystem, &[attributes]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_numbered_across_slices() {
        let mut transaction = Transaction::new(7);
        let many = 3 * SLICE_LEN + 5;
        for number in 1..=many {
            let spliced = |writer: AttributeWriter| writer.be32(sys::NFTA_RULE_ID, number as u32);
            if number % 10 == 0 {
                transaction.object(1, MsgType::Add, spliced);
            } else {
                let rule = Rule::default().with_table("t").with_chain("c");
                transaction.rule(2, MsgType::Add, &rule, spliced);
            }
        }
        let bytes = transaction.finish().unwrap();
        let messages: Vec<_> = Messages::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(messages.len(), many + 2);
        for (number, message) in messages.iter().enumerate() {
            assert_eq!(message.sequence as usize, number);
            let (family, attributes) = message.netfilter().unwrap();
            if number == 0 || number > many {
                continue;
            }
            assert_eq!(family, if number % 10 == 0 { 1 } else { 2 });
            assert_eq!(attributes.need(sys::NFTA_RULE_ID).unwrap().be32().unwrap() as usize, number);
            assert_eq!(attributes.get(sys::NFTA_RULE_TABLE).is_some(), number % 10 != 0);
            let acknowledged = i32::from(message.flags) & NLM_F_ACK != 0;
            assert_eq!(acknowledged, number == many, "{number} of {many}");
        }
    }
}
