// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets: named ones of addresses, and the anonymous ones of tests with several values.

use ringwall_ir::fields::{ByteOrder, Field};
use ringwall_ir::{IntervalSet, SetKind};
use rustables::set::SetElementList;
use rustables::sys;

use super::expression::{data, only};
use super::number::{from_bytes, to_bytes};
use super::{Unknown, userdata};
use crate::netlink::{AttributeWriter, Attributes, Splice, Value};

/// What nft names every anonymous set; the kernel puts a number in the place of `%d`.
const ANONYMOUS: &str = "__set%d";
/// Room for the elements of one message: an attribute ends before 64 KiB.
const ELEMENTS_LEN: usize = 60_000;

/// How an expression names a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetName {
    /// An anonymous set of the same transaction, by number.
    Anonymous(u32),
    /// A set with this name.
    Named(String),
}

impl SetName {
    /// The name to send.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Anonymous(_) => ANONYMOUS,
            Self::Named(name) => name,
        }
    }

    /// The number within the transaction, which a name like `__set%d` needs.
    #[must_use]
    pub const fn id(&self) -> Option<u32> {
        match self {
            Self::Anonymous(id) => Some(*id),
            Self::Named(_) => None,
        }
    }
}

/// Numbers the anonymous sets of one transaction.
#[derive(Clone, Debug, Default)]
pub struct SetIds(u32);

impl SetIds {
    pub(super) const fn next(&mut self) -> SetName {
        self.0 += 1;
        SetName::Anonymous(self.0)
    }
}

/// What the elements of a set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// nft's number of the type (`enum datatypes` in nft's `include/datatype.h`).
    pub kind: u32,
    /// Its length in bytes.
    pub len: u32,
    /// The order of bytes that nft notes in the set's user data: 1 host, 2 network.
    pub order: u32,
}

impl Key {
    /// The key of a set that a field is looked up in.
    #[must_use]
    pub const fn of(field: Field) -> Self {
        const HOST: u32 = 1;
        const NETWORK: u32 = 2;
        let (kind, order) = match field {
            Field::Nfproto => (2, HOST),
            Field::Ip6HopLimit | Field::IpTtl => (4, NETWORK),
            Field::IpDaddr | Field::IpSaddr => (7, NETWORK),
            Field::Ip6Daddr | Field::Ip6Saddr => (8, NETWORK),
            Field::L4proto => (12, HOST),
            Field::SctpDport
            | Field::SctpSport
            | Field::TcpDport
            | Field::TcpSport
            | Field::UdpDport
            | Field::UdpSport => (13, NETWORK),
            Field::IcmpType => (14, NETWORK),
            Field::TcpFlags => (15, NETWORK),
            Field::CtState => (26, HOST),
            Field::Icmpv6Type => (29, NETWORK),
            Field::IcmpCode => (32, NETWORK),
            Field::Icmpv6Code => (33, NETWORK),
            Field::Iifname | Field::Oifname => (41, HOST),
        };
        Self { kind, len: field.row().bits as u32 / 8, order }
    }

    /// Whether the kernel takes both for the same: the order of bytes is for nft alone.
    #[must_use]
    pub const fn holds_like(self, other: Self) -> bool {
        self.kind == other.kind && self.len == other.len
    }

    /// The key of a named set.
    #[must_use]
    pub const fn of_kind(kind: SetKind) -> Self {
        match kind {
            SetKind::Ipv4 => Self::of(Field::IpSaddr),
            SetKind::Ipv6 => Self::of(Field::Ip6Saddr),
        }
    }
}

/// A set and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its name.
    pub name: SetName,
    /// What its elements are.
    pub key: Key,
    /// Whether elements are intervals.
    pub interval: bool,
    /// What is in it.
    pub values: IntervalSet,
}

impl Set {
    /// A named set, which always holds intervals.
    #[must_use]
    pub fn named(name: &str, kind: SetKind, values: IntervalSet) -> Self {
        Self { name: SetName::Named(name.to_owned()), key: Key::of_kind(kind), interval: true, values }
    }

    /// An anonymous set, of intervals only where an element is one.
    pub(super) fn anonymous(ids: &mut SetIds, field: Field, values: IntervalSet) -> Self {
        let interval = field.elements(&values).iter().any(|(first, last)| first != last);
        Self { name: ids.next(), key: Key::of(field), interval, values }
    }

    /// The set's flags.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        let interval = if self.interval { sys::NFT_SET_INTERVAL } else { 0 };
        match self.name {
            SetName::Anonymous(_) => interval | sys::NFT_SET_ANONYMOUS | sys::NFT_SET_CONSTANT,
            SetName::Named(_) => interval,
        }
    }

    /// Whether the other, once emptied, can hold this one's elements.
    #[must_use]
    pub const fn can_refill(&self, other: &Self) -> bool {
        self.key.holds_like(other.key) && self.interval == other.interval
    }

    /// The set without its elements, as rustables takes it, and what rustables cannot say of it.
    #[must_use]
    pub fn declaration(&self, table: &str) -> (rustables::Set, Splice) {
        let mut set = rustables::Set::default()
            .with_table(table)
            .with_name(self.name.text())
            .with_flags(self.flags())
            .with_key_type(self.key.kind)
            .with_key_len(self.key.len)
            .with_userdata(userdata::key_byte_order(self.key.order));
        // The kernel wants a number of every new set.
        set.set_id(self.name.id().unwrap_or_default());
        let splice = match self.name {
            SetName::Anonymous(_) => Splice::attributes(
                AttributeWriter::new()
                    .nest(sys::NFTA_SET_DESC, |desc| desc.be32(sys::NFTA_SET_DESC_SIZE, self.described_size())),
            ),
            SetName::Named(_) => Splice::default(),
        };
        (set, splice)
    }

    /// The messages that fill the set: none if there is nothing in it.
    #[must_use]
    pub fn fillings(&self, table: &str) -> Vec<(SetElementList, Splice)> {
        let mut messages = Vec::new();
        let mut elements = AttributeWriter::new();
        let mut length = 0;
        let mut flush = |elements: AttributeWriter| {
            let list = SetElementList::default().with_table(table).with_set(self.name.text());
            let mut attributes = AttributeWriter::new();
            if let Some(id) = self.name.id() {
                attributes = attributes.be32(sys::NFTA_SET_ELEM_LIST_SET_ID, id);
            }
            let attributes = attributes.nest(sys::NFTA_SET_ELEM_LIST_ELEMENTS, |_| elements);
            messages.push((list, Splice::attributes(attributes)));
        };
        for element in self.elements() {
            let element = element.encode();
            if length + element.len() > ELEMENTS_LEN {
                flush(std::mem::take(&mut elements));
                length = 0;
            }
            length += element.len() + 4;
            elements = elements.bytes(sys::NFTA_LIST_ELEM, &element);
        }
        if length > 0 {
            flush(elements);
        }
        messages
    }

    /// The kernel's elements: values, or where intervals start and, behind each, where the gap starts. nft opens with a
    /// gap at zero if no interval starts there.
    fn elements(&self) -> Vec<Element> {
        let mut elements = Vec::new();
        let len = usize::try_from(self.key.len).unwrap_or_default();
        let bytes = |value| to_bytes(value, len, ByteOrder::Network);
        if self.interval && self.values.intervals().first().is_some_and(|(first, _)| *first > 0) {
            elements.push(Element { key: bytes(0), end: true, open: false });
        }
        for &(first, last) in self.values.intervals() {
            if !self.interval {
                elements.extend((first..=last).map(|value| Element { key: bytes(value), end: false, open: false }));
                continue;
            }
            let open = last == largest(self.key.len);
            elements.push(Element { key: bytes(first), end: false, open });
            if !open {
                elements.push(Element { key: bytes(last + 1), end: true, open: false });
            }
        }
        elements
    }

    /// The size that nft gives with an anonymous set: an open interval counts as if it had an end.
    fn described_size(&self) -> u32 {
        let elements = self.elements();
        let open = elements.iter().filter(|element| element.open).count();
        u32::try_from(elements.len() + open).unwrap_or(u32::MAX)
    }
}

const fn largest(len: u32) -> u128 {
    if len >= 16 { u128::MAX } else { (1 << (8 * len)) - 1 }
}

/// One element of a set in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    key: Vec<u8>,
    /// It starts a gap, not an interval.
    end: bool,
    /// Its interval goes on to the largest value.
    open: bool,
}

impl Element {
    fn encode(&self) -> Vec<u8> {
        let mut attributes =
            AttributeWriter::new().nest(sys::NFTA_SET_ELEM_KEY, |key| key.bytes(sys::NFTA_DATA_VALUE, &self.key));
        if self.end {
            attributes = attributes.be32(sys::NFTA_SET_ELEM_FLAGS, sys::NFT_SET_ELEM_INTERVAL_END);
        }
        if self.open {
            attributes = attributes.bytes(sys::NFTA_SET_ELEM_USERDATA, &userdata::open_interval());
        }
        attributes.finish()
    }

    /// Reads one element of a dumped set.
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_SET_ELEM_KEY, sys::NFTA_SET_ELEM_FLAGS, sys::NFTA_SET_ELEM_USERDATA];
        only("element", attributes, &known)?;
        let end = match attributes.get(sys::NFTA_SET_ELEM_FLAGS).map_or(Ok(0), Value::be32)? {
            0 => false,
            sys::NFT_SET_ELEM_INTERVAL_END => true,
            other => return Err(Unknown::value("flags of an element", other)),
        };
        let open = match attributes.get(sys::NFTA_SET_ELEM_USERDATA) {
            None => false,
            Some(bytes) if bytes.bytes() == userdata::open_interval() => true,
            Some(_) => return Err(Unknown::Shape("user data of an element")),
        };
        Ok(Self { key: data(attributes, sys::NFTA_SET_ELEM_KEY)?, end, open })
    }
}

/// The values of a set's elements, in whatever order the kernel dumps them.
///
/// # Errors
/// [`Unknown`] where intervals overlap or a key is of another length.
pub fn values(key: Key, interval: bool, elements: &[Element]) -> Result<IntervalSet, Unknown> {
    let mut marks = Vec::with_capacity(elements.len());
    for element in elements {
        let number =
            from_bytes(&element.key, ByteOrder::Network).filter(|_| element.key.len() as u64 == u64::from(key.len));
        let number = number.ok_or(Unknown::Shape("an element of the wrong length"))?;
        // At one number a gap starts before an interval does.
        marks.push((number, !element.end));
    }
    if !interval {
        return Ok(marks.into_iter().map(|(number, _)| (number, number)).collect());
    }
    marks.sort_unstable();
    let mut intervals = Vec::new();
    let mut start = None;
    for (number, starts) in marks {
        match (start, starts) {
            (None, true) => start = Some(number),
            (None, false) if number == 0 => {}
            (Some(first), false) => {
                intervals.push((first, number - 1));
                start = None;
            }
            _ => return Err(Unknown::Shape("intervals that do not alternate with gaps")),
        }
    }
    intervals.extend(start.map(|first| (first, largest(key.len))));
    Ok(intervals.into_iter().collect())
}
