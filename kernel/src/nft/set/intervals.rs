// SPDX-License-Identifier: GPL-3.0-or-later
//! Elements read: where intervals and gaps start becomes intervals again, in whatever order they come.

use ringwall_ir::{
    Data, DataType, Element, Elements, IntervalSet, Key, KeyType, Meter, Milliseconds, OriginId, SetSpec, Tuple,
};
use rustables::sys;

use super::FoundSet;
use super::found::{layouts, padded_len};
use crate::netlink::{Attributes, Value};
use crate::nft::Unknown;
use crate::nft::bytes::Bytes;
use crate::nft::expression::meter::read_all;
use crate::nft::expression::only;
use crate::nft::field::Layout;
use crate::nft::register::padded;
use crate::nft::userdata::read_comment;
use crate::nft::verdict::Code;

/// What the data of a map are.
#[derive(Clone, Copy, Debug)]
pub(in crate::nft) enum GivenData<'s> {
    /// There are none.
    Nothing,
    /// Objects.
    Objects,
    /// Values, part by part.
    Values(&'s [KeyType]),
    /// Verdicts.
    Verdicts,
}

impl<'s> GivenData<'s> {
    fn of(data: Option<&'s DataType>) -> Self {
        match data {
            None => Self::Nothing,
            Some(DataType::Object(_)) => Self::Objects,
            Some(DataType::Values(parts)) => Self::Values(parts),
            Some(DataType::Verdict) => Self::Verdicts,
        }
    }
}

/// What elements may count, and whether it is told what they have counted.
#[derive(Clone, Copy)]
struct Counting<'a> {
    /// What their set says of all.
    all: &'a [Meter],
    /// Whether packets that add them may say something else.
    anything: bool,
    told: bool,
}

impl Counting<'_> {
    /// Of elements that count nothing.
    const NOTHING: Self = Counting { all: &[], anything: false, told: false };

    fn has(self, own: Meter) -> bool {
        self.anything || self.all.iter().any(|meter| meter.uncounted() == own.uncounted())
    }

    /// What there is to tell of an element: nothing, where it is what its set says of all.
    fn told(self, own: Vec<Meter>) -> Vec<Meter> {
        let usual = own.iter().copied().eq(self.all.iter().map(|meter| meter.uncounted()));
        if self.told && !usual { own } else { Vec::new() }
    }
}

/// An element, as it was told of.
struct FoundElement<'a> {
    key: Option<Value<'a>>,
    last: Option<Value<'a>>,
    /// It starts a gap.
    gap: bool,
    data: Option<Attributes<'a>>,
    object: Option<&'a str>,
    timeout: Option<Milliseconds>,
    expires: Option<Milliseconds>,
    comment: &'a str,
    /// What it counts for itself.
    meters: Vec<Meter>,
}

impl<'a> FoundElement<'a> {
    fn read(value: Value<'a>) -> Result<Self, Unknown> {
        let attributes = value.nested()?;
        let known = [
            sys::NFTA_SET_ELEM_KEY,
            sys::NFTA_SET_ELEM_DATA,
            sys::NFTA_SET_ELEM_FLAGS,
            sys::NFTA_SET_ELEM_TIMEOUT,
            sys::NFTA_SET_ELEM_EXPIRATION,
            sys::NFTA_SET_ELEM_USERDATA,
            sys::NFTA_SET_ELEM_EXPR,
            sys::NFTA_SET_ELEM_PAD,
            sys::NFTA_SET_ELEM_OBJREF,
            sys::NFTA_SET_ELEM_KEY_END,
            sys::NFTA_SET_ELEM_EXPRESSIONS,
        ];
        only("element", attributes, &known)?;
        let flags = attributes.get(sys::NFTA_SET_ELEM_FLAGS).map_or(Ok(0), Value::be32)?;
        if flags & !(sys::NFT_SET_ELEM_INTERVAL_END | sys::NFT_SET_ELEM_CATCHALL) != 0 {
            return Err(Unknown::value("flags of an element", flags));
        }
        let bytes = |kind| -> Result<Option<Value<'a>>, Unknown> {
            let Some(key) = attributes.get(kind) else { return Ok(None) };
            Ok(Some(key.nested()?.need(sys::NFTA_DATA_VALUE)?))
        };
        let time = |kind| -> Result<Option<Milliseconds>, Unknown> {
            let time = attributes.get(kind).map(Value::be64).transpose()?;
            Ok(time.map(Milliseconds))
        };
        let any = flags & sys::NFT_SET_ELEM_CATCHALL != 0;
        Ok(Self {
            key: bytes(sys::NFTA_SET_ELEM_KEY)?.filter(|_| !any),
            last: bytes(sys::NFTA_SET_ELEM_KEY_END)?,
            gap: flags & sys::NFT_SET_ELEM_INTERVAL_END != 0,
            data: attributes.get(sys::NFTA_SET_ELEM_DATA).map(Value::nested).transpose()?,
            object: attributes.get(sys::NFTA_SET_ELEM_OBJREF).map(Value::text).transpose()?,
            // No timeout of its own is told as zero where that of the set is another.
            timeout: time(sys::NFTA_SET_ELEM_TIMEOUT)?.filter(|time| time.0 > 0),
            expires: time(sys::NFTA_SET_ELEM_EXPIRATION)?,
            comment: read_comment(attributes.get(sys::NFTA_SET_ELEM_USERDATA).map_or(&[], Value::bytes))?,
            meters: read_all(attributes, sys::NFTA_SET_ELEM_EXPR, sys::NFTA_SET_ELEM_EXPRESSIONS)?,
        })
    }

    fn is_plain(&self) -> bool {
        let alone = self.data.is_none() && self.object.is_none() && self.comment.is_empty();
        alone && self.timeout.is_none() && self.expires.is_none() && self.meters.is_empty()
    }

    fn data(&self, given: GivenData<'_>) -> Result<Option<Data>, Unknown> {
        match given {
            GivenData::Nothing => Ok(None),
            GivenData::Objects => {
                let name = self.object.ok_or(Unknown::Shape("an element without its object"))?;
                Ok(Some(Data::Object(name.to_owned())))
            }
            GivenData::Verdicts => Ok(Some(Data::Verdict(Code::read(self.given()?)?.verdict()))),
            GivenData::Values(parts) => {
                let bytes = self.given()?.need(sys::NFTA_DATA_VALUE)?.bytes();
                let parts = layouts(parts, false);
                let whole = padded_len(&parts);
                let tuple = match parts.as_slice() {
                    [part] if bytes.len() == usize::from(part.bytes) => vec![split(&parts, bytes)?],
                    _ if bytes.len() == whole => vec![split(&parts, bytes)?],
                    _ => {
                        let (first, last) = bytes.split_at_checked(whole).ok_or(SHORT)?;
                        vec![split(&parts, first)?, split(&parts, last)?]
                    }
                };
                Ok(Some(Data::Values(joined(tuple)?)))
            }
        }
    }

    fn given(&self) -> Result<Attributes<'a>, Unknown> {
        self.data.ok_or(Unknown::Shape("an element without its data"))
    }

    fn element(&self, key: Key, given: GivenData<'_>, origin: OriginId) -> Result<Element, Unknown> {
        Ok(Element {
            key,
            data: self.data(given)?,
            timeout: self.timeout,
            expires: self.expires,
            meters: self.meters.clone(),
            comment: (!self.comment.is_empty()).then(|| self.comment.to_owned()),
            origin,
        })
    }
}

const SHORT: Unknown = Unknown::Shape("an element of the wrong length");

/// The values of joined parts.
fn split(parts: &[Layout], mut bytes: &[u8]) -> Result<Vec<u128>, Unknown> {
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        let own = bytes.get(..usize::from(part.bytes)).and_then(Bytes::new).ok_or(SHORT)?;
        values.push(part.value_of(&own));
        bytes = bytes.get(usize::from(padded(part.bytes))..).unwrap_or_default();
    }
    if bytes.is_empty() { Ok(values) } else { Err(SHORT) }
}

/// First values and, where there are, last ones.
fn joined(ends: Vec<Vec<u128>>) -> Result<Tuple, Unknown> {
    match ends.as_slice() {
        [values] => Ok(Tuple::of(values)),
        [first, last] => Ok(Tuple(first.iter().copied().zip(last.iter().copied()).collect())),
        _ => Err(SHORT),
    }
}

/// An element of one part: where it starts, whether a gap does, and what else there is to say of it.
struct Mark<'a> {
    number: u128,
    starts: bool,
    element: Option<Box<FoundElement<'a>>>,
}

impl<'a> FoundSet<'a> {
    /// The elements of a named set. `counted`: as somebody wrote them, with what they have counted.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(in crate::nft) fn read_elements(
        &self,
        spec: &SetSpec,
        counted: bool,
        origin: OriginId,
    ) -> Result<Elements, Unknown> {
        let parts = layouts(&spec.key, spec.flags.interval);
        let counting = Counting { all: &spec.meters, anything: spec.flags.dynamic, told: counted };
        self.decode(&parts, GivenData::of(spec.data.as_ref()), counting, Some(spec).filter(|_| counted), origin)
    }

    /// The values of an anonymous set of one part.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(in crate::nft) fn read_values(&self, part: Layout) -> Result<IntervalSet, Unknown> {
        match self.decode(&[part], GivenData::Nothing, Counting::NOTHING, None, OriginId(0))? {
            Elements::Intervals(values) => Ok(values),
            Elements::List(_) => Err(Unknown::Shape("an anonymous set of more than values")),
        }
    }

    /// The keys of an anonymous set of several parts.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(in crate::nft) fn read_tuples(&self, parts: &[Layout]) -> Result<Vec<Tuple>, Unknown> {
        let list = self.read_list(parts, GivenData::Nothing)?;
        let tuple = |element: Element| match element.key {
            Key::Tuple(tuple) if element.comment.is_none() => Ok(tuple),
            _ => Err(Unknown::Shape("an anonymous set of more than values")),
        };
        list.into_iter().map(tuple).collect()
    }

    /// The elements of an anonymous map.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(in crate::nft) fn read_list(&self, parts: &[Layout], given: GivenData<'_>) -> Result<Vec<Element>, Unknown> {
        match self.decode(parts, given, Counting::NOTHING, None, OriginId(0))? {
            Elements::List(list) => Ok(list),
            Elements::Intervals(values) => {
                let element = |&interval: &(u128, u128)| Element::of(Tuple(vec![interval]), OriginId(0));
                Ok(values.intervals().iter().map(element).collect())
            }
        }
    }

    fn decode(
        &self,
        parts: &[Layout],
        given: GivenData<'_>,
        counting: Counting<'_>,
        of: Option<&SetSpec>,
        origin: OriginId,
    ) -> Result<Elements, Unknown> {
        let mut marks = Vec::new();
        let mut list = Vec::new();
        let mut plain = true;
        for value in self.elements.iter() {
            let mut element = FoundElement::read(value)?;
            if !element.meters.iter().all(|meter| counting.has(*meter)) {
                return Err(Unknown::Shape("an element that counts for itself"));
            }
            element.meters = counting.told(element.meters);
            plain &= element.is_plain();
            let Some(key) = element.key else {
                plain = false;
                list.push(element.element(Key::Any, given, origin)?);
                continue;
            };
            match parts {
                [part] => {
                    let bytes = Bytes::new(key.bytes()).filter(|bytes| bytes.len() == part.bytes).ok_or(SHORT)?;
                    let (number, starts) = (bytes.number(part.order), !element.gap);
                    let element = (!element.is_plain()).then(|| Box::new(element));
                    marks.push(Mark { number, starts, element });
                }
                _ => {
                    let first = split(parts, key.bytes())?;
                    let ends = match element.last {
                        Some(last) => vec![first, split(parts, last.bytes())?],
                        None => vec![first],
                    };
                    list.push(element.element(Key::Tuple(joined(ends)?), given, origin)?);
                }
            }
        }
        if let [part] = parts {
            let intervals = self.intervals(*part, marks)?;
            if plain && matches!(given, GivenData::Nothing) {
                let intervals = intervals.into_iter().map(|(first, last, _)| (first, last));
                return Ok(match of {
                    Some(spec) => Elements::read(spec, intervals.collect(), origin),
                    None => Elements::Intervals(intervals.collect()),
                });
            }
            for (first, last, element) in intervals {
                let key = Key::Tuple(Tuple(vec![(first, last)]));
                list.push(match element {
                    Some(element) => element.element(key, given, origin)?,
                    None => Element { key, ..Element::of(Tuple(Vec::new()), origin) },
                });
            }
        }
        list.sort_by(|a, b| a.key.cmp(&b.key));
        // While a table of elements grows, a walk may meet one of them twice (`rhashtable_walk_enter` of `lib/rhashtable.c`).
        list.dedup_by(|a, b| a.key == b.key);
        Ok(Elements::List(list))
    }

    /// The intervals between marks.
    fn intervals<'e>(&self, part: Layout, mut marks: Vec<Mark<'e>>) -> Result<Vec<Interval<'e>>, Unknown> {
        let value = |number: u128| number >> part.shift;
        if !self.is_interval() {
            return Ok(marks.into_iter().map(|mark| (value(mark.number), value(mark.number), mark.element)).collect());
        }
        // At one number a gap starts before an interval does.
        marks.sort_by_key(|mark| (mark.number, mark.starts));
        let mut intervals = Vec::with_capacity(marks.len() / 2 + 1);
        let mut open: Option<Mark<'e>> = None;
        for mark in marks {
            // A gap at zero, or behind a gap, starts nothing.
            if let Some(Mark { number, element, .. }) = open.take() {
                let last = mark.number.checked_sub(1).filter(|last| *last >= number);
                let last = last.ok_or(Unknown::Shape("intervals that overlap"))?;
                intervals.push((value(number), value(last), element));
            }
            open = mark.starts.then_some(mark);
        }
        if let Some(Mark { number, element, .. }) = open {
            let last = if part.bits >= 128 { u128::MAX } else { (1 << part.bits) - 1 };
            intervals.push((value(number), last, element));
        }
        Ok(intervals)
    }
}

/// First, last, and the element of an interval.
type Interval<'e> = (u128, u128, Option<Box<FoundElement<'e>>>);

/// The bytes of the key of an element as it was told of, with a mark where a gap starts.
///
/// # Errors
/// [`Unknown`]
pub(crate) fn key_of(element: Value<'_>) -> Result<Vec<u8>, Unknown> {
    let found = FoundElement::read(element)?;
    Ok(found.key.map_or_else(Vec::new, |key| super::marked(key.bytes(), found.gap)))
}

impl FoundSet<'_> {
    /// What the element at a place gives, where it is a verdict or an object.
    pub(crate) fn data_of(&self, place: usize) -> Option<Data> {
        let found = FoundElement::read(self.elements.iter().nth(place)?).ok()?;
        match found.object {
            Some(_) => found.data(GivenData::Objects).ok()?,
            None => found.data(GivenData::Verdicts).ok()?,
        }
    }
}
