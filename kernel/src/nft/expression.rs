// SPDX-License-Identifier: GPL-3.0-or-later
//! The expressions of a rule, each in its own file.

mod bitwise;
mod byteorder;
mod cmp;
mod connlimit;
pub(super) mod counter;
mod ct;
mod dynset;
mod exthdr;
mod fib;
mod immediate;
pub(super) mod limit;
mod log;
mod lookup;
mod meta;
pub(super) mod meter;
mod nat;
mod numgen;
mod objref;
mod payload;
mod queue;
pub(super) mod quota;
mod range;
mod reject;
mod rt;
mod socket;
mod xfrm;

use std::borrow::Cow;
use std::fmt::Write as _;

use ringwall_ir::{Log, Meter, Queue};
use rustables::sys;

pub use bitwise::{BitOperation, Bitwise};
pub use byteorder::Byteorder;
pub use cmp::{Cmp, Operator};
pub use ct::{Access, Ct};
pub use dynset::Dynset;
pub use exthdr::Exthdr;
pub use fib::Fib;
pub use immediate::Immediate;
pub use lookup::{Lookup, Wanted};
pub use meta::Meta;
pub use nat::{Ends, Nat, Own};
pub use numgen::Numgen;
pub use objref::Objref;
pub use payload::Payload;
pub use range::Range;
pub use reject::Reject;
pub use rt::Rt;
pub use socket::Socket;
pub use xfrm::Xfrm;

pub(super) use ct::direction_number as ct_direction_number;
pub(super) use fib::{numbered as fib_numbered, numbers as fib_numbers};
pub(super) use numgen::kind_number as numgen_kind_number;
pub(super) use xfrm::direction_number as xfrm_direction_number;

use super::Unknown;
use super::bytes::Bytes;
use crate::netlink::{AttributeWriter, Attributes, Malformed, Value};

/// One expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression<'a> {
    /// Masks or shifts a register.
    Bitwise(Bitwise),
    /// Turns the bytes of a register around.
    Byteorder(Byteorder),
    /// Compares a register.
    Cmp(Cmp),
    /// Loads or writes a property of the entry.
    Ct(Ct),
    /// Changes a set.
    Dynset(Dynset<'a>),
    /// Loads or writes a part of an extension header or TCP option.
    Exthdr(Exthdr),
    /// Asks the routes.
    Fib(Fib),
    /// Loads data or takes a verdict.
    Immediate(Immediate<'a>),
    /// Records the packet.
    Log(Cow<'a, Log>),
    /// Looks registers up in a set or map.
    Lookup(Lookup<'a>),
    /// Translates to an address of the interface that the packet leaves by.
    Masq(Own),
    /// Loads or writes what the kernel knows about the packet.
    Meta(Meta),
    /// Counts.
    Meter(Meter),
    /// Translates.
    Nat(Nat),
    /// Keeps the packet from connection tracking.
    Notrack,
    /// Loads a number that counts up or is drawn.
    Numgen(Numgen),
    /// Meets a named object.
    Objref(Objref<'a>),
    /// Loads bytes of the packet.
    Payload(Payload),
    /// Leaves the packet to a program.
    Queue(Queue),
    /// Matches a range.
    Range(Range),
    /// Translates to the host itself.
    Redir(Own),
    /// Ends the rule with an answer.
    Reject(Reject),
    /// Loads a property of the packet's route.
    Rt(Rt),
    /// Loads a property of the packet's socket.
    Socket(Socket),
    /// One that the IR has no word for.
    Unknown(UnknownExpression),
    /// Loads a property of the packet's security association.
    Xfrm(Xfrm),
}

/// An expression that the IR has no word for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownExpression {
    /// Its name, for counting.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl<'a> Expression<'a> {
    /// Its name in the kernel.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Bitwise(_) => "bitwise",
            Self::Byteorder(_) => "byteorder",
            Self::Cmp(_) => "cmp",
            Self::Ct(_) => "ct",
            Self::Dynset(_) => "dynset",
            Self::Exthdr(_) => "exthdr",
            Self::Fib(_) => "fib",
            Self::Immediate(_) => "immediate",
            Self::Log(_) => "log",
            Self::Lookup(_) => "lookup",
            Self::Masq(_) => "masq",
            Self::Meta(_) => "meta",
            Self::Meter(meter) => meter::name(meter),
            Self::Nat(_) => "nat",
            Self::Notrack => "notrack",
            Self::Numgen(_) => "numgen",
            Self::Objref(_) => "objref",
            Self::Payload(_) => "payload",
            Self::Queue(_) => "queue",
            Self::Range(_) => "range",
            Self::Redir(_) => "redir",
            Self::Reject(_) => "reject",
            Self::Rt(_) => "rt",
            Self::Socket(_) => "socket",
            Self::Unknown(unknown) => &unknown.name,
            Self::Xfrm(_) => "xfrm",
        }
    }

    fn write_data(&self, writer: AttributeWriter) -> AttributeWriter {
        match self {
            Self::Bitwise(bitwise) => bitwise.write(writer),
            Self::Byteorder(byteorder) => byteorder.write(writer),
            Self::Cmp(cmp) => cmp.write(writer),
            Self::Ct(ct) => ct.write(writer),
            Self::Dynset(dynset) => dynset.write(writer),
            Self::Exthdr(exthdr) => exthdr.write(writer),
            Self::Fib(fib) => fib.write(writer),
            Self::Immediate(immediate) => immediate.write(writer),
            Self::Log(log) => log::write(log, writer),
            Self::Lookup(lookup) => lookup.write(writer),
            Self::Masq(own) => own.write_masq(writer),
            Self::Meta(meta) => meta.write(writer),
            Self::Meter(meter) => meter::write_data(meter, writer),
            Self::Nat(nat) => nat.write(writer),
            Self::Notrack | Self::Unknown(_) => writer,
            Self::Numgen(numgen) => numgen.write(writer),
            Self::Objref(objref) => objref.write(writer),
            Self::Payload(payload) => payload.write(writer),
            Self::Queue(queue) => queue::write(queue, writer),
            Self::Range(range) => range.write(writer),
            Self::Redir(own) => own.write_redir(writer),
            Self::Reject(reject) => reject.write(writer),
            Self::Rt(rt) => rt.write(writer),
            Self::Socket(socket) => socket.write(writer),
            Self::Xfrm(xfrm) => xfrm.write(writer),
        }
    }

    /// Writes an element of a rule's list.
    pub fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        writer.nest(sys::NFTA_LIST_ELEM, |writer| {
            let writer = writer.text(sys::NFTA_EXPR_NAME, self.name());
            // This one has no data, not even none.
            if matches!(self, Self::Notrack) {
                return writer;
            }
            writer.nest(sys::NFTA_EXPR_DATA, |writer| self.write_data(writer))
        })
    }

    /// Reads an element of a rule's list. What is not known becomes [`Expression::Unknown`].
    ///
    /// # Errors
    /// [`Malformed`] where it is no expression at all.
    pub fn read(element: Value<'a>) -> Result<Self, Malformed> {
        let element = element.nested()?;
        let name = element.need(sys::NFTA_EXPR_NAME)?.text()?;
        let data = data_of(element)?;
        let read = match Self::read_known(name, data) {
            Ok(Some(known)) => return Ok(known),
            Ok(None) => None,
            Err(unknown) => Some(unknown),
        };
        Ok(Self::Unknown(UnknownExpression::new(name, data, read)))
    }

    /// The expression of a name; none if there is none of this name.
    fn read_known(name: &str, data: Attributes<'a>) -> Result<Option<Self>, Unknown> {
        if let Some(meter) = meter::read_data(name, data)? {
            return Ok(Some(Self::Meter(meter)));
        }
        match name {
            "bitwise" => Bitwise::read(data).map(Self::Bitwise),
            "byteorder" => Byteorder::read(data).map(Self::Byteorder),
            "cmp" => Cmp::read(data).map(Self::Cmp),
            "ct" => Ct::read(data).map(Self::Ct),
            "dynset" => Dynset::read(data).map(Self::Dynset),
            "exthdr" => Exthdr::read(data).map(Self::Exthdr),
            "fib" => Fib::read(data).map(Self::Fib),
            "immediate" => Immediate::read(data).map(Self::Immediate),
            "log" => log::read(data).map(|log| Self::Log(Cow::Owned(log))),
            "lookup" => Lookup::read(data).map(Self::Lookup),
            "masq" => Own::read_masq(data).map(Self::Masq),
            "meta" => Meta::read(data).map(Self::Meta),
            "nat" => Nat::read(data).map(Self::Nat),
            "notrack" => only("notrack", data, &[]).map(|()| Self::Notrack),
            "numgen" => Numgen::read(data).map(Self::Numgen),
            "objref" => Objref::read(data).map(Self::Objref),
            "payload" => Payload::read(data).map(Self::Payload),
            "queue" => queue::read(data).map(Self::Queue),
            "range" => Range::read(data).map(Self::Range),
            "redir" => Own::read_redir(data).map(Self::Redir),
            "reject" => Reject::read(data).map(Self::Reject),
            "rt" => Rt::read(data).map(Self::Rt),
            "socket" => Socket::read(data).map(Self::Socket),
            "xfrm" => Xfrm::read(data).map(Self::Xfrm),
            _ => return Ok(None),
        }
        .map(Some)
    }
}

/// `NFTA_MATCH_NAME` and `NFTA_TARGET_NAME` of `include/uapi/linux/netfilter/nf_tables_compat.h`.
const XTABLES_NAME: u16 = 1;

impl UnknownExpression {
    /// An expression of xtables goes by the name of its match or target (`net/netfilter/nft_compat.c`).
    fn new(name: &str, data: Attributes<'_>, reason: Option<Unknown>) -> Self {
        let inner = data.get(XTABLES_NAME).and_then(|name| name.text().ok());
        let name = match (name, inner) {
            ("match" | "target", Some(inner)) => format!("{name} {inner}"),
            _ => format!("expression {name}"),
        };
        let mut text = reason.map(|reason| format!("{reason}: ")).unwrap_or_default();
        write_tree(&mut text, data);
        Self { name, text }
    }
}

/// Attributes by number, each in hexadecimal digits.
fn write_tree(text: &mut String, attributes: Attributes<'_>) {
    for (place, attribute) in attributes.iter().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{}=", attribute.kind);
        for byte in attribute.value.bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
}

/// The data of an expression; none where it has none.
pub(super) fn data_of(element: Attributes<'_>) -> Result<Attributes<'_>, Malformed> {
    element.get(sys::NFTA_EXPR_DATA).map_or(Attributes::parse(&[]), Value::nested)
}

/// Refuses attributes that the IR has no word for.
pub(super) fn only(holder: &'static str, attributes: Attributes<'_>, known: &[u16]) -> Result<(), Unknown> {
    match attributes.iter().find(|attribute| !known.contains(&attribute.kind)) {
        None => Ok(()),
        Some(attribute) => Err(Unknown::Attribute { holder, attribute: attribute.kind }),
    }
}

/// The bytes of a `NFTA_DATA_VALUE`.
fn data(attributes: Attributes<'_>, kind: u16) -> Result<Bytes, Unknown> {
    let data = attributes.need(kind)?.nested()?;
    only("data", data, &[sys::NFTA_DATA_VALUE])?;
    let bytes = data.need(sys::NFTA_DATA_VALUE)?.bytes();
    Bytes::new(bytes).ok_or_else(|| Unknown::value("length of data", bytes.len()))
}
