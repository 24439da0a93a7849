// SPDX-License-Identifier: GPL-3.0-or-later
//! Elements as the kernel takes them (`nft_add_set_elem`): written straight into a message, for there may be a million.
//!
//! A set of intervals of one part has two elements for each: where it starts, and where the gap behind it starts. Where
//! keys have several parts, an element holds both ends itself.

use ringwall_ir::{Data, DataType, Datatype, Element, Elements, IntervalSet, Key, Milliseconds, Tuple};
use rustables::sys;

use super::{DataShape, Shape};
use crate::netlink::AttributeWriter;
use crate::nft::bytes::Bytes;
use crate::nft::expression::meter;
use crate::nft::field::Layout;
use crate::nft::register::padded;
use crate::nft::userdata;
use crate::nft::verdict::Code;

/// Room for the elements of one message: an attribute ends before 64 KiB.
const MESSAGE_LEN: usize = 60_000;
/// The most bytes of a key or of data (`NFT_DATA_VALUE_MAXLEN`).
const KEY_LEN: usize = 64;

/// What is in a set.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// Elements with all that there is to say of them, by key.
    Elements(Vec<&'a Element>),
    /// Intervals of one part, in order.
    Intervals(Vec<(u128, u128)>),
    /// Keys of several parts.
    Tuples(&'a [Tuple]),
    /// Values of one part, as many as there are.
    Values(&'a IntervalSet),
}

/// One element of the IR's.
#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    key: ItemKey<'a>,
    /// What else there is to say of it.
    element: Option<&'a Element>,
}

#[derive(Clone, Copy, Debug)]
enum ItemKey<'a> {
    Any,
    One(u128, u128),
    Several(&'a Tuple),
}

impl<'a> Content<'a> {
    /// What is in a named set, as far as it is wanted.
    pub(super) fn of_set(set: &'a ringwall_ir::Set, wanted: impl Fn(&Element) -> bool) -> Self {
        match (set.elements(), set.spec().key.as_slice()) {
            // nft merges what touches, also where each value has a name.
            (Elements::Intervals(values), _) if set.spec().auto_merge => Self::Values(values),
            (Elements::Intervals(values), [part]) => Self::of_values(values, part.datatype()),
            (Elements::Intervals(values), _) => Self::Values(values),
            (Elements::List(list), _) => Self::of_elements(list.iter().filter(|element| wanted(element))),
        }
    }

    /// Values as every back end lists them.
    fn of_values(values: &'a IntervalSet, datatype: Datatype) -> Self {
        if datatype.is_text() || datatype.is_named() || !datatype.has_order() {
            Self::Intervals(datatype.elements(values))
        } else {
            Self::Values(values)
        }
    }

    /// Elements, by key where that is of one part: gaps come between intervals.
    pub(in crate::nft) fn of_elements(list: impl Iterator<Item = &'a Element>) -> Self {
        let mut elements: Vec<_> = list.collect();
        if elements.iter().all(|element| !matches!(&element.key, Key::Tuple(tuple) if tuple.0.len() > 1)) {
            elements.sort_by(|a, b| a.key.cmp(&b.key));
        }
        Self::Elements(elements)
    }

    /// Whether the data of some element are a first and a last value.
    pub(in crate::nft) fn has_ranges_of_data(&self) -> bool {
        let is_range = |element: &&Element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single());
        matches!(self, Self::Elements(elements) if elements.iter().any(is_range))
    }

    fn items<'c>(&'c self) -> Box<dyn Iterator<Item = Item<'a>> + 'c>
    where
        'a: 'c,
    {
        let one = |&(first, last): &(u128, u128)| Item { key: ItemKey::One(first, last), element: None };
        match self {
            Self::Elements(elements) => Box::new(elements.iter().map(|element| Item::of(element))),
            Self::Intervals(intervals) => Box::new(intervals.iter().map(one)),
            Self::Tuples(tuples) => {
                Box::new(tuples.iter().map(|tuple| Item { key: ItemKey::of(tuple), element: None }))
            }
            Self::Values(values) => Box::new(values.intervals().iter().map(one)),
        }
    }
}

impl<'a> Item<'a> {
    /// An interval as it lies there, shifted.
    fn shifted(&self, layout: Layout) -> Option<(u128, u128)> {
        match self.key {
            ItemKey::One(first, last) => Some((first << layout.shift, last << layout.shift)),
            ItemKey::Any | ItemKey::Several(_) => None,
        }
    }

    fn of(element: &'a Element) -> Self {
        let key = match &element.key {
            Key::Any => ItemKey::Any,
            Key::Tuple(tuple) => ItemKey::of(tuple),
        };
        Self { key, element: Some(element) }
    }
}

impl<'a> ItemKey<'a> {
    fn of(tuple: &'a Tuple) -> Self {
        match tuple.0.as_slice() {
            [(first, last)] => Self::One(*first, *last),
            _ => Self::Several(tuple),
        }
    }
}

/// One element of the kernel's.
#[derive(Clone, Copy, Debug)]
pub struct KernelElement<'a> {
    key: KernelKey<'a>,
    /// What else there is to say of it; nothing of the start of a gap.
    element: Option<&'a Element>,
}

#[derive(Clone, Copy, Debug)]
enum KernelKey<'a> {
    /// Every key that no other element has.
    Any,
    /// Where a gap starts.
    Gap(Bytes),
    /// A value, or where an interval starts that ends where the next gap starts.
    One(Bytes),
    /// Where an interval starts that has no end.
    Open(Bytes),
    /// Parts one after the other, each with its first and its last value.
    Several(&'a Tuple),
}

/// Writes the elements of a set.
#[derive(Clone, Copy, Debug)]
pub struct ElementWriter<'a> {
    shape: &'a Shape<'a>,
    content: &'a Content<'a>,
}

impl<'a> ElementWriter<'a> {
    pub(super) const fn new(shape: &'a Shape<'a>, content: &'a Content<'a>) -> Self {
        Self { shape, content }
    }

    /// Each of them.
    pub(crate) fn iter(self) -> Box<dyn Iterator<Item = KernelElement<'a>> + 'a> {
        let items = self.content.items();
        match self.shape.key.as_slice() {
            [layout] if self.shape.is_interval() => Box::new(Intervals::new(items, *layout, self.shape.is_anonymous())),
            [layout] => {
                let layout = *layout;
                Box::new(items.flat_map(move |item| singles(item, layout)))
            }
            _ => Box::new(items.map(|item| match item.key {
                ItemKey::Several(tuple) => KernelElement { key: KernelKey::Several(tuple), element: item.element },
                _ => KernelElement { key: KernelKey::Any, element: item.element },
            })),
        }
    }

    /// How many there are, as nft tells it of an anonymous set: an open interval counts as if it had an end.
    pub(super) fn described(self) -> u32 {
        let counts = self.iter().map(|element| if matches!(element.key, KernelKey::Open(_)) { 2 } else { 1 });
        counts.fold(0, u32::saturating_add)
    }

    /// The bytes of a key, with a mark where a gap starts, to be compared with those of what is there.
    fn key_of(self, element: KernelElement<'_>) -> Vec<u8> {
        match element.key {
            KernelKey::Any => Vec::new(),
            KernelKey::Gap(bytes) => super::marked(bytes.as_slice(), true),
            KernelKey::One(bytes) | KernelKey::Open(bytes) => super::marked(bytes.as_slice(), false),
            KernelKey::Several(tuple) => {
                super::marked(Joined::of(&self.shape.key, tuple, |&(first, _)| first).as_slice(), false)
            }
        }
    }

    /// Writes one of them.
    fn write(self, element: KernelElement<'_>, writer: AttributeWriter) -> AttributeWriter {
        writer.nest(sys::NFTA_LIST_ELEM, |writer| {
            let value = |kind, bytes: &[u8], writer: AttributeWriter| {
                writer.nest(kind, |data| data.bytes(sys::NFTA_DATA_VALUE, bytes))
            };
            let writer = match element.key {
                KernelKey::Any => writer,
                KernelKey::Gap(bytes) | KernelKey::One(bytes) | KernelKey::Open(bytes) => {
                    value(sys::NFTA_SET_ELEM_KEY, bytes.as_slice(), writer)
                }
                KernelKey::Several(tuple) => {
                    let first = Joined::of(&self.shape.key, tuple, |&(first, _)| first);
                    let writer = value(sys::NFTA_SET_ELEM_KEY, first.as_slice(), writer);
                    if self.shape.is_interval() {
                        let last = Joined::of(&self.shape.key, tuple, |&(_, last)| last);
                        value(sys::NFTA_SET_ELEM_KEY_END, last.as_slice(), writer)
                    } else {
                        writer
                    }
                }
            };
            let writer = match element.key {
                KernelKey::Any => writer.be32(sys::NFTA_SET_ELEM_FLAGS, sys::NFT_SET_ELEM_CATCHALL),
                KernelKey::Gap(_) => writer.be32(sys::NFTA_SET_ELEM_FLAGS, sys::NFT_SET_ELEM_INTERVAL_END),
                KernelKey::One(_) | KernelKey::Open(_) | KernelKey::Several(_) => writer,
            };
            self.write_rest(element, writer)
        })
    }

    fn write_rest(self, element: KernelElement<'_>, mut writer: AttributeWriter) -> AttributeWriter {
        let comment = element.element.and_then(|element| element.comment.as_deref());
        if let Some(noted) = userdata::element(comment, matches!(element.key, KernelKey::Open(_))) {
            writer = writer.bytes(sys::NFTA_SET_ELEM_USERDATA, &noted);
        }
        let Some(element) = element.element else { return writer };
        for (kind, time) in
            [(sys::NFTA_SET_ELEM_TIMEOUT, element.timeout), (sys::NFTA_SET_ELEM_EXPIRATION, element.expires)]
        {
            if let Some(Milliseconds(time)) = time {
                writer = writer.be64(kind, time);
            }
        }
        let writer = match element.meters.as_slice() {
            [] => writer,
            [only] => writer.nest(sys::NFTA_SET_ELEM_EXPR, |writer| meter::write(only, writer)),
            several => writer.nest(sys::NFTA_SET_ELEM_EXPRESSIONS, |writer| meter::write_list(several, writer)),
        };
        match (&element.data, &self.shape.data) {
            (Some(Data::Object(name)), _) => writer.text(sys::NFTA_SET_ELEM_OBJREF, name),
            (Some(Data::Verdict(verdict)), _) => match Code::of(verdict) {
                Some(code) => writer.nest(sys::NFTA_SET_ELEM_DATA, |data| code.write(data)),
                None => writer,
            },
            (Some(Data::Values(tuple)), Some(DataShape::Values { parts, ranges, .. })) => {
                let mut joined = Joined::of(parts, tuple, |&(first, _)| first);
                if *ranges {
                    joined.append(parts, tuple, |&(_, last)| last);
                }
                // One value alone is not padded.
                let len = if joined.parts == 1 { parts.first().map_or(0, |part| part.bytes) } else { joined.len };
                writer.nest(sys::NFTA_SET_ELEM_DATA, |data| {
                    data.bytes(sys::NFTA_DATA_VALUE, joined.bytes.get(..usize::from(len)).unwrap_or_default())
                })
            }
            _ => writer,
        }
    }
}

/// The values of an item of a set without intervals, each an element.
fn singles(item: Item<'_>, layout: Layout) -> impl Iterator<Item = KernelElement<'_>> {
    let (any, values) = match item.key {
        ItemKey::One(first, last) => (None, Some((first, last))),
        _ => (Some(KernelElement { key: KernelKey::Any, element: item.element }), None),
    };
    let one = move |value| KernelElement { key: KernelKey::One(layout.bytes_of(value)), element: item.element };
    any.into_iter().chain(values.into_iter().flat_map(|(first, last)| first..=last).map(one))
}

/// Turns intervals into starts of intervals and of gaps. nft opens with a gap at zero if no interval starts there, and
/// leaves out a gap of an anonymous set where the next interval follows at once.
struct Intervals<'a, I: Iterator<Item = Item<'a>>> {
    items: std::iter::Peekable<I>,
    layout: Layout,
    anonymous: bool,
    started: bool,
    gap: Option<KernelElement<'a>>,
}

impl<'a, I: Iterator<Item = Item<'a>>> Intervals<'a, I> {
    fn new(items: I, layout: Layout, anonymous: bool) -> Self {
        Self { items: items.peekable(), layout, anonymous, started: false, gap: None }
    }

    fn gap(&self, number: u128) -> KernelElement<'a> {
        let bytes = Bytes::of(number, self.layout.bytes, self.layout.order);
        KernelElement { key: KernelKey::Gap(bytes), element: None }
    }
}

impl<'a, I: Iterator<Item = Item<'a>>> Iterator for Intervals<'a, I> {
    type Item = KernelElement<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(gap) = self.gap.take() {
            return Some(gap);
        }
        let next = self.items.peek().copied()?;
        let Some((first, last)) = next.shifted(self.layout) else {
            self.items.next();
            return Some(KernelElement { key: KernelKey::Any, element: next.element });
        };
        if !std::mem::replace(&mut self.started, true) && first > 0 {
            return Some(self.gap(0));
        }
        self.items.next();
        let bytes = Bytes::of(first, self.layout.bytes, self.layout.order);
        // In its place, a value is not the largest that its bytes can hold.
        let bits = if self.layout.is_partial() { 8 * self.layout.bytes } else { self.layout.bits };
        let largest = if bits >= 128 { u128::MAX } else { (1 << bits) - 1 };
        if last >= largest {
            return Some(KernelElement { key: KernelKey::Open(bytes), element: next.element });
        }
        let following = self.items.peek().and_then(|item| item.shifted(self.layout));
        let follows = following.is_some_and(|(start, _)| start == last + 1);
        if !(self.anonymous && follows) {
            self.gap = Some(self.gap(last + 1));
        }
        Some(KernelElement { key: KernelKey::One(bytes), element: next.element })
    }
}

/// Parts, one after the other, each padded to 32 bits.
struct Joined {
    bytes: [u8; KEY_LEN],
    len: u8,
    parts: usize,
}

impl Joined {
    fn of(parts: &[Layout], tuple: &Tuple, end: impl Fn(&(u128, u128)) -> u128) -> Self {
        let mut joined = Self { bytes: [0; KEY_LEN], len: 0, parts: 0 };
        joined.append(parts, tuple, end);
        joined
    }

    fn append(&mut self, parts: &[Layout], tuple: &Tuple, end: impl Fn(&(u128, u128)) -> u128) {
        for (part, interval) in parts.iter().zip(&tuple.0) {
            let bytes = part.bytes_of(end(interval));
            let start = usize::from(self.len);
            if let Some(place) = self.bytes.get_mut(start..start + usize::from(bytes.len())) {
                place.copy_from_slice(bytes.as_slice());
            }
            self.len = self.len.saturating_add(padded(bytes.len()));
            self.parts += 1;
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }
}

/// Writes a list of elements.
pub(crate) type ListWriter<'w> = &'w mut dyn FnMut(AttributeWriter) -> AttributeWriter;

/// Hands over the elements in pieces that fit into one message each, but those whose key is there already. `message` sends
/// one piece, with what it is given to write its list.
pub(crate) fn in_messages(
    elements: ElementWriter<'_>,
    is_there: &dyn Fn(&Vec<u8>) -> bool,
    message: &mut dyn FnMut(ListWriter<'_>),
) {
    let mut rest = elements.iter().filter(|element| !is_there(&elements.key_of(*element))).peekable();
    while rest.peek().is_some() {
        message(&mut |mut writer| {
            let start = writer.len();
            while writer.len() - start < MESSAGE_LEN {
                let Some(element) = rest.next() else { break };
                writer = elements.write(element, writer);
            }
            writer
        });
    }
}

/// Whether elements of a map give objects or lead to chains.
pub(crate) const fn refers(data: &DataType) -> bool {
    matches!(data, DataType::Object(_) | DataType::Verdict)
}
