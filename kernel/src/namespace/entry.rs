// SPDX-License-Identifier: GPL-3.0-or-later
//! One conntrack entry as ctnetlink tells it, and the requests that change it (`net/netfilter/nf_conntrack_netlink.c`).

use ringwall_ir::words::{CtStatus, Protocol};

use crate::netlink::{AttributeWriter, Attributes, Malformed, Message, message};

/// `NFNL_SUBSYS_CTNETLINK << 8`, and in it `IPCTNL_MSG_CT_NEW`, `_GET` and `_DELETE`.
const NEW: u16 = 1 << 8;
pub(super) const GET: u16 = 1 << 8 | 1;
const DELETE: u16 = 1 << 8 | 2;

/// `enum ctattr_type` of `include/uapi/linux/netfilter/nfnetlink_conntrack.h`
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const STATUS: u16 = 3;
const TIMEOUT: u16 = 7;
const MARK: u16 = 8;
const ID: u16 = 12;
const ZONE: u16 = 18;
/// `CTA_TUPLE_PROTO`, and in it `CTA_PROTO_NUM`.
const TUPLE_PROTOCOL: u16 = 2;
const PROTOCOL_NUMBER: u16 = 1;
/// `NLA_F_NESTED`
const NESTED: u16 = 0x8000;

/// A conntrack entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    family: u8,
    attributes: Attributes<'a>,
    /// Seconds until it runs out, rounded down.
    pub timeout: u32,
    /// A number that no other entry has.
    pub id: u32,
}

impl<'a> Entry<'a> {
    /// Reads an entry; none if it is on its way out, and has no timeout any more.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(super) fn read(message: &Message<'a>) -> Result<Option<Self>, Malformed> {
        let (family, attributes) = message.netfilter()?;
        let Some(timeout) = attributes.get(TIMEOUT) else { return Ok(None) };
        Ok(Some(Self { family, attributes, timeout: timeout.be32()?, id: attributes.need(ID)?.be32()? }))
    }

    /// Whether it is of UDP or UDP-Lite and not a stream yet. Entries that are translated or expected are left out.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(super) fn may_become_stream(&self) -> Result<bool, Malformed> {
        let protocol = self.attributes.need(ORIGINAL)?.nested()?.need(TUPLE_PROTOCOL)?.nested()?;
        let protocol = Protocol(protocol.need(PROTOCOL_NUMBER)?.byte()?);
        let status = CtStatus(self.attributes.need(STATUS)?.be32()?);
        let plain = CtStatus::SEEN_REPLY.with(CtStatus::CONFIRMED);
        Ok(matches!(protocol, Protocol::UDP | Protocol::UDPLITE) && plain.contains(status))
    }

    /// Gives it another timeout.
    pub(super) fn write_timeout(&self, requests: &mut Vec<u8>, seconds: u32) {
        let named = self.copy(AttributeWriter::new(), &[ORIGINAL, ZONE]);
        self.write(requests, NEW, 0, named.be32(TIMEOUT, seconds));
    }

    /// Ends it.
    pub(super) fn write_end(&self, requests: &mut Vec<u8>) {
        self.write(requests, DELETE, 0, self.copy(AttributeWriter::new(), &[ORIGINAL, ZONE, ID]));
    }

    /// Ends it and makes it anew, with another timeout.
    pub(super) fn write_anew(&self, requests: &mut Vec<u8>, seconds: u32) {
        self.write_end(requests);
        let whole = self.copy(AttributeWriter::new(), &[ORIGINAL, REPLY, STATUS, MARK, ZONE]);
        self.write(requests, NEW, libc::NLM_F_CREATE | libc::NLM_F_EXCL, whole.be32(TIMEOUT, seconds));
    }

    fn copy(&self, writer: AttributeWriter, kinds: &[u16]) -> AttributeWriter {
        kinds.iter().fold(writer, |writer, &kind| match self.attributes.get(kind) {
            Some(value) if matches!(kind, ORIGINAL | REPLY) => writer.bytes(kind | NESTED, value.bytes()),
            Some(value) => writer.bytes(kind, value.bytes()),
            None => writer,
        })
    }

    fn write(&self, requests: &mut Vec<u8>, kind: u16, flags: libc::c_int, attributes: AttributeWriter) {
        let flags = (libc::NLM_F_REQUEST | flags) as u16;
        message(requests, kind, flags, 0, self.family, 0, &[&attributes.finish()]);
    }
}
