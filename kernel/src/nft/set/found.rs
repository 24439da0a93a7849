// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets as messages tell of them: those of a dump, or those that were just written.

use ringwall_ir::{Counts, DataType, Datatype, KeyType, Meter, Milliseconds, ObjectKind, Quota, SetFlags, SetSpec};
use rustables::sys;

use super::shape::{self, layout};
use super::{DataShape, Named, SetName, Shape};
use crate::netlink::{Attributes, Malformed, Value};
use crate::nft::Unknown;
use crate::nft::expression::{meter, only};
use crate::nft::field::Layout;
use crate::nft::register::padded;
use crate::nft::typeof_data;
use crate::nft::userdata::Userdata;

/// Newer than the headers of some build machines: `NFTA_SET_TYPE` and `NFTA_SET_COUNT` (Linux 6.13 and 6.16).
const TYPE: u16 = 19;
const COUNT: u16 = 20;

/// A set, as it was told of.
#[derive(Clone, Debug)]
pub struct FoundSet<'a> {
    /// Its name.
    pub name: SetName<'a>,
    attributes: Attributes<'a>,
    /// Its elements.
    pub elements: FoundElements<'a>,
}

/// The lists of elements that messages held.
#[derive(Clone, Debug, Default)]
pub struct FoundElements<'a>(Vec<Attributes<'a>>);

impl<'a> FoundElements<'a> {
    /// Takes in a message's list.
    pub(crate) fn push(&mut self, list: Attributes<'a>) {
        self.0.push(list);
    }

    /// Each of them, as it was told of.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> {
        self.0.iter().flat_map(|list| list.iter()).map(|element| element.value)
    }
}

impl<'a> FoundSet<'a> {
    /// A set without its elements.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(crate) fn read(attributes: Attributes<'a>) -> Result<Self, Malformed> {
        let id = attributes.get(sys::NFTA_SET_ID).map(Value::be32).transpose()?;
        let name = SetName::told(attributes.need(sys::NFTA_SET_NAME)?.text()?, id);
        Ok(Self { name, attributes, elements: FoundElements::default() })
    }

    fn number(&self, kind: u16) -> Result<Option<u32>, Malformed> {
        self.attributes.get(kind).map(Value::be32).transpose()
    }

    fn flags(&self) -> u32 {
        self.number(sys::NFTA_SET_FLAGS).ok().flatten().unwrap_or_default()
    }

    fn has(&self, flag: u32) -> bool {
        self.flags() & flag != 0
    }

    /// Whether it belongs to a rule.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.has(sys::NFT_SET_ANONYMOUS)
    }

    /// Whether rules say what it is: it belongs to one and has no name of its own. A `meter` of nft's belongs to its rule,
    /// too, but has a name, and packets fill it as any set.
    pub(in crate::nft) fn is_of_rule(&self) -> bool {
        self.is_anonymous() && !self.has(sys::NFT_SET_EVAL)
    }

    /// Whether its elements are intervals.
    pub(crate) fn is_interval(&self) -> bool {
        self.has(sys::NFT_SET_INTERVAL)
    }

    /// Whether packets or other programs fill it.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.has(sys::NFT_SET_EVAL | sys::NFT_SET_TIMEOUT)
    }

    /// Whether its elements may end by themselves.
    pub(crate) fn has_timeouts(&self) -> bool {
        self.has(sys::NFT_SET_TIMEOUT)
    }

    /// How long elements stay that do not say.
    pub(crate) fn default_timeout(&self) -> Option<Milliseconds> {
        let timeout = self.attributes.get(sys::NFTA_SET_TIMEOUT)?.be64().ok()?;
        (timeout > 0).then_some(Milliseconds(timeout))
    }

    /// Whether its elements count what those of the other count.
    pub(crate) fn counts_like(&self, spec: &SetSpec) -> bool {
        self.spec().is_ok_and(|own| same_meters(&own, spec))
    }

    /// How many bytes a key has.
    pub(in crate::nft) fn key_len(&self) -> u32 {
        self.number(sys::NFTA_SET_KEY_LEN).ok().flatten().unwrap_or_default()
    }

    fn userdata(&self) -> Userdata<'a> {
        Userdata::new(self.attributes.get(sys::NFTA_SET_USERDATA).map_or(&[], Value::bytes))
    }

    /// What somebody wrote beside it; empty where nobody did.
    pub(in crate::nft) fn comment(&self) -> &'a str {
        self.userdata().text(shape::COMMENT).unwrap_or_default()
    }

    /// What it is in the IR. Which algorithm the kernel should prefer is left aside: packets do not notice.
    ///
    /// # Errors
    /// [`Unknown`] where the IR has no word for it.
    pub(in crate::nft) fn spec(&self) -> Result<SetSpec, Unknown> {
        let known = [
            sys::NFTA_SET_TABLE,
            sys::NFTA_SET_NAME,
            sys::NFTA_SET_FLAGS,
            sys::NFTA_SET_KEY_TYPE,
            sys::NFTA_SET_KEY_LEN,
            sys::NFTA_SET_DATA_TYPE,
            sys::NFTA_SET_DATA_LEN,
            sys::NFTA_SET_POLICY,
            sys::NFTA_SET_DESC,
            sys::NFTA_SET_ID,
            sys::NFTA_SET_TIMEOUT,
            sys::NFTA_SET_GC_INTERVAL,
            sys::NFTA_SET_USERDATA,
            sys::NFTA_SET_PAD,
            sys::NFTA_SET_OBJ_TYPE,
            sys::NFTA_SET_HANDLE,
            sys::NFTA_SET_EXPR,
            sys::NFTA_SET_EXPRESSIONS,
            TYPE,
            COUNT,
        ];
        only("set", self.attributes, &known)?;
        let flags = SetFlags {
            constant: self.has(sys::NFT_SET_CONSTANT),
            dynamic: self.has(sys::NFT_SET_EVAL),
            interval: self.is_interval(),
            timeout: self.has_timeouts(),
        };
        let description = self.attributes.get(sys::NFTA_SET_DESC).map(Value::nested).transpose()?;
        let size = description.and_then(|description| description.get(sys::NFTA_SET_DESC_SIZE));
        let gc = self.number(sys::NFTA_SET_GC_INTERVAL)?.filter(|&interval| interval > 0);
        let timeout = self.attributes.get(sys::NFTA_SET_TIMEOUT).map(Value::be64).transpose()?;
        Ok(SetSpec {
            key: self.key()?,
            data: self.data()?,
            flags,
            timeout: timeout.filter(|&time| time > 0).map(Milliseconds),
            gc_interval: gc.map(|interval| Milliseconds(interval.into())),
            size: size.map(Value::be32).transpose()?.filter(|&size| size > 0),
            auto_merge: self.userdata().number(shape::MERGE_ELEMENTS).is_some_and(|merge| merge != 0),
            meters: meter::read_all(self.attributes, sys::NFTA_SET_EXPR, sys::NFTA_SET_EXPRESSIONS)?,
        })
    }

    fn key(&self) -> Result<Vec<KeyType>, Unknown> {
        let kind = self.attributes.need(sys::NFTA_SET_KEY_TYPE)?.be32()?;
        let parts = self.parts("key of a set", kind, shape::KEY_TYPEOF)?;
        if Shape::len(&parts.iter().map(|part| layout(*part)).collect::<Vec<_>>()) != self.key_len() {
            return Err(Unknown::value("length of the key of a set", self.key_len()));
        }
        Ok(parts)
    }

    fn data(&self) -> Result<Option<DataType>, Unknown> {
        if self.has(sys::NFT_SET_OBJECT) {
            let number = self.attributes.need(sys::NFTA_SET_OBJ_TYPE)?.be32()?;
            let kind = ObjectKind::numbered(number).ok_or_else(|| Unknown::value("object of a map", number))?;
            return Ok(Some(DataType::Object(kind)));
        }
        if !self.has(sys::NFT_SET_MAP) {
            return Ok(None);
        }
        match self.attributes.need(sys::NFTA_SET_DATA_TYPE)?.be32()? {
            sys::NFT_DATA_VERDICT => Ok(Some(DataType::Verdict)),
            kind => Ok(Some(DataType::Values(self.parts("data of a map", kind, shape::DATA_TYPEOF)?))),
        }
    }

    /// What the parts of keys or of data are: by nft's note, or by the data types where those tell.
    fn parts(&self, what: &'static str, kind: u32, noted: u8) -> Result<Vec<KeyType>, Unknown> {
        if let Some(fields) = self.userdata().nest(noted).and_then(typeof_data::read) {
            return Ok(fields.into_iter().map(KeyType::of).collect());
        }
        let mut parts = Vec::new();
        for place in (0..shape::TYPES_MAX).rev() {
            let number = kind >> (u32::try_from(place).unwrap_or_default() * shape::TYPE_BITS);
            if number == 0 {
                continue;
            }
            let number = number & ((1 << shape::TYPE_BITS) - 1);
            let datatype = Datatype::numbered(number).filter(|datatype| datatype.bits().is_some());
            parts.push(KeyType::Of(datatype.ok_or_else(|| Unknown::value(what, format!("of type {number}")))?));
        }
        Ok(parts)
    }

    /// Whether the kernel can take another declaration for one of this set (`nft_set_is_same`). Times and sizes it
    /// changes in place, but it does not forget a size.
    pub(crate) fn is_declared(&self, set: &Named<'_>) -> bool {
        let (shape, spec) = (set.shape(), set.spec());
        let Ok(own) = self.spec() else { return false };
        let sized = own.size.is_none() || set.size().is_some();
        sized && self.flags() == shape.flags && self.holds_like(shape, &own, spec) && same_meters(&own, spec)
    }

    /// Whether elements of one can be those of the other.
    pub(crate) fn can_give_elements(&self, shape: &Shape<'_>, spec: &SetSpec) -> bool {
        let Ok(own) = self.spec() else { return false };
        let timed = spec.flags.timeout || !own.flags.timeout;
        own.flags.interval == spec.flags.interval && timed && self.holds_like(shape, &own, spec)
    }

    fn holds_like(&self, shape: &Shape<'_>, own: &SetSpec, spec: &SetSpec) -> bool {
        let alike = |own: &[KeyType], other: &[KeyType]| {
            own.len() == other.len() && own.iter().zip(other).all(|(own, other)| own.is_like(*other))
        };
        let same_data = match (&own.data, &spec.data) {
            (Some(DataType::Values(own)), Some(DataType::Values(other))) => alike(own, other),
            (own, other) => own == other,
        };
        let length = self.number(sys::NFTA_SET_DATA_LEN).ok().flatten();
        let same_length = match &shape.data {
            Some(data @ DataShape::Values { .. }) => length == Some(data.len()),
            _ => true,
        };
        alike(&own.key, &spec.key) && same_data && same_length
    }
}

/// Whether elements count the same.
fn same_meters(own: &SetSpec, other: &SetSpec) -> bool {
    let uncounted = |meter: &Meter| match meter {
        Meter::Counter(_) => Meter::Counter(Counts::default()),
        Meter::Quota(quota) => Meter::Quota(Quota { used: 0, ..*quota }),
        other => *other,
    };
    own.meters.iter().map(uncounted).eq(other.meters.iter().map(uncounted))
}

/// How the parts of keys lie in the elements of a set.
pub(in crate::nft) fn layouts(parts: &[KeyType], interval: bool) -> Vec<Layout> {
    parts.iter().map(|part| layout(*part)).map(|part| if interval { part.ordered() } else { part }).collect()
}

/// How many bytes data of such parts have, each padded.
pub(in crate::nft) fn padded_len(parts: &[Layout]) -> usize {
    parts.iter().map(|part| usize::from(padded(part.bytes))).sum()
}
