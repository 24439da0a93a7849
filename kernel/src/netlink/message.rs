// SPDX-License-Identifier: GPL-3.0-or-later
//! Messages: `struct nlmsghdr`, for netfilter followed by `struct nfgenmsg` and attributes.

use super::attribute::Attributes;
use super::error::Malformed;

/// The size of `struct nlmsghdr` (`include/uapi/linux/netlink.h`).
pub(super) const HEADER_LEN: usize = 16;
/// The size of `struct nfgenmsg` (`include/uapi/linux/netfilter/nfnetlink.h`).
pub(super) const FAMILY_HEADER_LEN: usize = 4;

/// One received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its type; for netfilter the subsystem in the high byte.
    pub kind: u16,
    /// `NLM_F_*`
    pub flags: u16,
    /// The number of the request that it answers.
    pub sequence: u32,
    /// Everything behind the header.
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The family and the attributes of a netfilter message.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn netfilter(&self) -> Result<(u8, Attributes<'a>), Malformed> {
        let (header, rest) = self.payload.split_first_chunk::<FAMILY_HEADER_LEN>().ok_or(Malformed::Message)?;
        let [family, ..] = *header;
        Ok((family, Attributes::parse(rest)?))
    }
}

/// Walks the messages of one receipt.
#[derive(Clone, Debug)]
pub struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    /// The messages in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((message, rest)) = split(self.0) else {
            self.0 = &[];
            return Some(Err(Malformed::Message));
        };
        self.0 = rest;
        Some(Ok(message))
    }
}

fn split(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let (flags, rest) = rest.split_first_chunk()?;
    let (sequence, _) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_ne_bytes(*length)).ok()?;
    let message = Message {
        kind: u16::from_ne_bytes(*kind),
        flags: u16::from_ne_bytes(*flags),
        sequence: u32::from_ne_bytes(*sequence),
        payload: bytes.get(HEADER_LEN..length)?,
    };
    Some((message, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// Appends a netfilter message to `out`, with attributes in several pieces. `resource` is `nfgen`'s `res_id`, of use in
/// batches only.
pub fn message(
    out: &mut Vec<u8>,
    kind: u16,
    flags: u16,
    sequence: u32,
    family: u8,
    resource: u16,
    attributes: &[&[u8]],
) {
    let length = HEADER_LEN + FAMILY_HEADER_LEN + attributes.iter().map(|piece| piece.len()).sum::<usize>();
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(sequence.to_ne_bytes());
    out.extend([0; 4]);
    out.extend([family, 0]);
    out.extend(resource.to_be_bytes());
    attributes.iter().for_each(|piece| out.extend_from_slice(piece));
    out.resize(out.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::netlink::{AttributeWriter, Refused};

    #[test]
    fn what_is_written_is_read() {
        let attributes = AttributeWriter::new().be32(1, 5).finish();
        let mut bytes = Vec::new();
        message(&mut bytes, 0xa03, 0x301, 9, 1, 10, &[&attributes]);
        message(&mut bytes, 0x14, 1, 10, 0, 0, &[]);
        let read: Vec<_> = Messages::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(
            read.iter().map(|message| (message.kind, message.sequence)).collect::<Vec<_>>(),
            [(0xa03, 9), (0x14, 10)]
        );
        let (family, attributes) = read[0].netfilter().unwrap();
        assert_eq!((family, attributes.need(1).unwrap().be32()), (1, Ok(5)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for message in Messages::new(&bytes).flatten() {
                let _ = message.netfilter();
                let _ = Refused::read(&message);
            }
        }

        #[test]
        fn arbitrary_payloads_never_panic(
            flags in any::<u16>(),
            payload in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = Refused::read(&Message { kind: 2, flags, sequence: 0, payload: &payload });
        }
    }
}
