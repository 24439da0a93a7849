// SPDX-License-Identifier: GPL-3.0-or-later
//! One conntrack entry as ctnetlink tells it, and the requests that change it (`net/netfilter/nf_conntrack_netlink.c`).

use ringwall_ir::words::{CtStatus, Protocol};

use crate::netlink::{AttributeWriter, Attributes, Malformed, Message, message};

/// `NFNL_SUBSYS_CTNETLINK << 8`, and in it `IPCTNL_MSG_CT_NEW`, `_GET` and `_DELETE`.
const NEW: u16 = 1 << 8;
const GET: u16 = 1 << 8 | 1;
pub(super) const DELETE: u16 = 1 << 8 | 2;

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
const NUMBER_SOURCE_PORT: u16 = 2;
const NUMBER_DESTINATION_PORT: u16 = 3;
/// `CTA_TUPLE_IP`, and in it `CTA_IP_V4_SRC` and its neighbours.
const TUPLE_ADDRESSES: u16 = 1;
const V4_SOURCE: u16 = 1;
const V4_DESTINATION: u16 = 2;
const V6_SOURCE: u16 = 3;
const V6_DESTINATION: u16 = 4;
/// `CTA_NAT_SRC` and `CTA_NAT_DST`, and in them `CTA_NAT_V4_MINIP`, `CTA_NAT_V6_MINIP` and `CTA_NAT_PROTO`, with
/// `CTA_PROTONAT_PORT_MIN`.
const NAT_SOURCE: u16 = 6;
const NAT_DESTINATION: u16 = 13;
const NAT_V4: u16 = 1;
const NAT_V6: u16 = 4;
const NAT_PROTOCOL: u16 = 3;
const NAT_PORT: u16 = 1;
/// `NLA_F_NESTED`
const NESTED: u16 = 0x8000;

/// What an entry is known by.
pub(super) struct Identity {
    family: u8,
    attributes: Vec<u8>,
    /// A number that no other entry has.
    pub id: u32,
}

impl Identity {
    /// Reads what a message about an entry says of it, be it there or gone.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(super) fn read(message: &Message<'_>) -> Result<Self, Malformed> {
        let (family, attributes) = message.netfilter()?;
        let id = attributes.need(ID)?.be32()?;
        let named = copy(attributes, AttributeWriter::new(), &[ORIGINAL, ZONE]);
        Ok(Self { family, attributes: named.finish(), id })
    }

    /// Asks for the entry.
    pub(super) fn write_question(&self, requests: &mut Vec<u8>) {
        message(requests, GET, libc::NLM_F_REQUEST as u16, 0, self.family, 0, &[&self.attributes]);
    }
}

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

    /// Whether it is of UDP or UDP-Lite and not a stream yet. Entries that were expected are left out.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(super) fn may_become_stream(&self) -> Result<bool, Malformed> {
        let protocol = self.attributes.need(ORIGINAL)?.nested()?.need(TUPLE_PROTOCOL)?.nested()?;
        let protocol = Protocol(protocol.need(PROTOCOL_NUMBER)?.byte()?);
        let status = CtStatus(self.attributes.need(STATUS)?.be32()?);
        let plain = CtStatus::SEEN_REPLY.with(CtStatus::CONFIRMED).with(TRANSLATED).with(BOUND);
        Ok(matches!(protocol, Protocol::UDP | Protocol::UDPLITE) && plain.contains(status))
    }

    /// Gives it another timeout.
    pub(super) fn write_timeout(&self, requests: &mut Vec<u8>, seconds: u32) {
        let named = copy(self.attributes, AttributeWriter::new(), &[ORIGINAL, ZONE]);
        self.write(requests, NEW, 0, named.be32(TIMEOUT, seconds));
    }

    /// Ends it.
    pub(super) fn write_end(&self, requests: &mut Vec<u8>) {
        self.write(requests, DELETE, 0, copy(self.attributes, AttributeWriter::new(), &[ORIGINAL, ZONE, ID]));
    }

    /// Ends it and makes it anew, with another timeout.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(super) fn write_anew(&self, requests: &mut Vec<u8>, seconds: u32) -> Result<(), Malformed> {
        self.write_end(requests);
        let status = CtStatus(self.attributes.need(STATUS)?.be32()?);
        let whole = if status.intersects(BOUND) {
            self.bound(status)?
        } else {
            copy(self.attributes, AttributeWriter::new(), &[ORIGINAL, REPLY])
        };
        let whole = copy(self.attributes, whole, &[STATUS, MARK, ZONE]).be32(TIMEOUT, seconds);
        self.write(requests, NEW, libc::NLM_F_CREATE | libc::NLM_F_EXCL, whole);
        Ok(())
    }

    /// Its ends, as the kernel is told of a translated entry: what the packets came with, and what they were given. Where an
    /// end was changed, the reply tuple has one that nobody has: what the kernel finds there, it takes for unchanged.
    fn bound(&self, status: CtStatus) -> Result<AttributeWriter, Malformed> {
        let (original, reply) = (Ends::read(self.attributes, ORIGINAL)?, Ends::read(self.attributes, REPLY)?);
        let mut untold = original;
        let nobody = NOBODY.get(..original.source.len()).unwrap_or_default();
        if status.intersects(CtStatus::SRC_NAT) {
            (untold.source, untold.source_port) = (nobody, 0);
        }
        if status.intersects(CtStatus::DST_NAT) {
            (untold.destination, untold.destination_port) = (nobody, 0);
        }
        let writer = copy(self.attributes, AttributeWriter::new(), &[ORIGINAL]);
        let writer = writer.nest(REPLY, |tuple| untold.write_reversed(tuple));
        let writer = writer.nest(NAT_SOURCE, |nat| write_end(nat, reply.destination, reply.destination_port));
        Ok(writer.nest(NAT_DESTINATION, |nat| write_end(nat, reply.source, reply.source_port)))
    }

    fn write(&self, requests: &mut Vec<u8>, kind: u16, flags: libc::c_int, attributes: AttributeWriter) {
        let flags = (libc::NLM_F_REQUEST | flags) as u16;
        message(requests, kind, flags, 0, self.family, 0, &[&attributes.finish()]);
    }
}

fn copy(entry: Attributes<'_>, writer: AttributeWriter, kinds: &[u16]) -> AttributeWriter {
    kinds.iter().fold(writer, |writer, &kind| match entry.get(kind) {
        Some(value) if matches!(kind, ORIGINAL | REPLY) => writer.bytes(kind | NESTED, value.bytes()),
        Some(value) => writer.bytes(kind, value.bytes()),
        None => writer,
    })
}

/// That ends were chosen for it.
const BOUND: CtStatus = CtStatus::SRC_NAT_DONE.with(CtStatus::DST_NAT_DONE);
/// The address of nobody, in either family.
const NOBODY: [u8; 16] = [0; 16];
/// That they are others than its packets came with.
const TRANSLATED: CtStatus = CtStatus::SRC_NAT.with(CtStatus::DST_NAT);

/// The ends in a tuple of UDP.
#[derive(Clone, Copy, Debug)]
struct Ends<'a> {
    source: &'a [u8],
    destination: &'a [u8],
    source_port: u16,
    destination_port: u16,
    protocol: u8,
}

impl<'a> Ends<'a> {
    fn read(entry: Attributes<'a>, tuple: u16) -> Result<Self, Malformed> {
        let tuple = entry.need(tuple)?.nested()?;
        let addresses = tuple.need(TUPLE_ADDRESSES)?.nested()?;
        let protocol = tuple.need(TUPLE_PROTOCOL)?.nested()?;
        let address = |v4, v6| addresses.get(v4).map_or_else(|| addresses.need(v6), Ok);
        Ok(Self {
            source: address(V4_SOURCE, V6_SOURCE)?.bytes(),
            destination: address(V4_DESTINATION, V6_DESTINATION)?.bytes(),
            source_port: protocol.need(NUMBER_SOURCE_PORT)?.be16()?,
            destination_port: protocol.need(NUMBER_DESTINATION_PORT)?.be16()?,
            protocol: protocol.need(PROTOCOL_NUMBER)?.byte()?,
        })
    }

    fn write_reversed(self, tuple: AttributeWriter) -> AttributeWriter {
        let (source, destination) =
            if self.source.len() == 4 { (V4_SOURCE, V4_DESTINATION) } else { (V6_SOURCE, V6_DESTINATION) };
        let tuple = tuple.nest(TUPLE_ADDRESSES, |addresses| {
            addresses.bytes(source, self.destination).bytes(destination, self.source)
        });
        tuple.nest(TUPLE_PROTOCOL, |protocol| {
            let protocol = protocol.byte(PROTOCOL_NUMBER, self.protocol);
            let protocol = protocol.be16(NUMBER_SOURCE_PORT, self.destination_port);
            protocol.be16(NUMBER_DESTINATION_PORT, self.source_port)
        })
    }
}

fn write_end(nat: AttributeWriter, address: &[u8], port: u16) -> AttributeWriter {
    let kind = if address.len() == 4 { NAT_V4 } else { NAT_V6 };
    nat.bytes(kind, address).nest(NAT_PROTOCOL, |protocol| protocol.be16(NAT_PORT, port))
}
