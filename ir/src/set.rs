// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets and maps: what their keys are, what they give, and their elements.

mod elements;

use std::borrow::Cow;

pub use self::elements::Elements;
use crate::datatype::Datatype;
use crate::fields::{FIELDS, Field};
use crate::interval::IntervalSet;
use crate::legal::{Illegal, check_name};
use crate::milliseconds::Milliseconds;
use crate::rule::{Meter, Verdict};
use crate::ruleset::OriginId;
use crate::words::TableFamily;

/// What one part of a key, or of the data of a map, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyType {
    /// Values of a data type that has a width of its own.
    Of(Datatype),
    /// Values like those of a field, whose data type does not tell their width.
    Like(Field),
}

impl KeyType {
    /// What a field's values are.
    #[must_use]
    pub fn of(field: Field) -> Self {
        let datatype = field.datatype();
        if datatype.bits().is_some() { Self::Of(datatype) } else { Self::Like(field) }
    }

    /// The data type.
    #[must_use]
    pub const fn datatype(self) -> Datatype {
        match self {
            Self::Of(datatype) => datatype,
            Self::Like(field) => field.datatype(),
        }
    }

    /// The field whose values are meant; where the data type tells enough, one that stands for all of that type.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::Of(datatype) => Field::sample(datatype),
            Self::Like(field) => field,
        }
    }

    /// The same among the fields that packets of a table have; none where they have no such values.
    #[must_use]
    pub fn field_in(self, family: TableFamily) -> Option<Field> {
        let seen = |field: &Field| field.row().needs.family().is_none_or(|needed| family.sees(needed));
        let others = || FIELDS.iter().filter(|row| row.datatype == self.datatype()).map(|row| row.field).find(seen);
        Some(self.field()).filter(|field| seen(field) || matches!(self, Self::Like(_))).or_else(others)
    }

    /// Whether nft's `type` can name it: where not, nft names fields after `typeof`. `day` and `hour` are words of nft's
    /// grammar (`src/scanner.l` of nft 1.0.6).
    #[must_use]
    pub const fn has_word(self) -> bool {
        matches!(self, Self::Of(datatype) if !matches!(datatype, Datatype::Day | Datatype::Hour))
    }

    /// The width in bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Of(datatype) => match datatype.bits() {
                Some(bits) => bits,
                None => 32,
            },
            Self::Like(field) => field.row().bits,
        }
    }

    /// The largest value.
    #[must_use]
    pub const fn largest(self) -> u128 {
        match self.bits() {
            128 => u128::MAX,
            bits => (1 << bits) - 1,
        }
    }

    /// Whether the values are of the same data type and width, and the kernel keeps their bytes in the same order.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        let order = match (self, other) {
            (Self::Like(one), Self::Like(other)) => self.bits() <= 8 || one.row().order == other.row().order,
            // All fields of a data type that has a width have one order.
            _ => true,
        };
        order && self.datatype() == other.datatype() && self.bits() == other.bits()
    }

    /// Whether the values of the field can be looked up here.
    #[must_use]
    pub fn fits(self, field: Field) -> bool {
        self.is_like(Self::Like(field))
    }
}

/// Whether there are parts, and the kernel's registers hold them all: each begins a new one of 32 bits, of which there are
/// 16 (`NFT_REG32_COUNT` in `include/uapi/linux/netfilter/nf_tables.h`).
pub(crate) fn fits_registers(parts: impl Iterator<Item = u8>) -> bool {
    (1..=16).contains(&parts.map(|bits| u32::from(bits.div_ceil(32))).sum::<u32>())
}

/// A closed interval for each part of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple(pub Vec<(u128, u128)>);

impl Tuple {
    /// One value for each part.
    #[must_use]
    pub fn of(values: &[u128]) -> Self {
        Self(values.iter().map(|&value| (value, value)).collect())
    }

    /// Whether every part is a single value.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.0.iter().all(|(first, last)| first == last)
    }

    /// Whether it has an interval for each part, and each is one of the part's data type.
    pub(crate) fn fits(&self, parts: &[KeyType]) -> bool {
        self.0.len() == parts.len()
            && self.0.iter().zip(parts).all(|(&(first, last), part)| {
                first <= last && last <= part.largest() && part.datatype().check_interval(first, last).is_ok()
            })
    }

    /// Whether the values are in it, part by part.
    #[must_use]
    pub fn contains(&self, values: &[u128]) -> bool {
        self.0.len() == values.len()
            && self.0.iter().zip(values).all(|((first, last), value)| first <= value && value <= last)
    }
}

/// The key of an element.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Every key that no other element has.
    Any,
    /// These keys.
    Tuple(Tuple),
}

/// One element of a set or map, with all that there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Element {
    /// Its key.
    pub key: Key,
    /// What it gives, in a map.
    pub data: Option<Data>,
    /// How long it stays after it was added; none: as the set says.
    pub timeout: Option<Milliseconds>,
    /// How long it stays from now on; none: its whole time.
    pub expires: Option<Milliseconds>,
    /// What it counts and has counted; empty where that is what the set says, with nothing counted.
    pub meters: Vec<Meter>,
    /// What somebody wrote beside it.
    pub comment: Option<String>,
    /// Why it is there.
    pub origin: OriginId,
}

impl Element {
    /// A key and no more.
    #[must_use]
    pub const fn of(tuple: Tuple, origin: OriginId) -> Self {
        Self {
            key: Key::Tuple(tuple),
            data: None,
            timeout: None,
            expires: None,
            meters: Vec::new(),
            comment: None,
            origin,
        }
    }

    /// Whether there is no more to say of it than its key.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let untimed = self.timeout.is_none() && self.expires.is_none();
        self.data.is_none() && untimed && self.meters.is_empty() && self.comment.is_none()
    }
}

/// What an element of a map gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// The name of an object.
    Object(String),
    /// A closed interval for each part of the data: an address, an address and a port, a mark.
    Values(Tuple),
    /// A verdict.
    Verdict(Verdict),
}

/// What the elements of a map give.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Objects of a kind.
    Object(crate::object::ObjectKind),
    /// Values, part by part.
    Values(Vec<KeyType>),
    /// Verdicts.
    Verdict,
}

/// What a set can do, as nf_tables sees it (`NFT_SET_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetFlags {
    /// It never changes.
    pub constant: bool,
    /// Packets add to it.
    pub dynamic: bool,
    /// Its elements are intervals.
    pub interval: bool,
    /// Its elements may end by themselves.
    pub timeout: bool,
}

impl SetFlags {
    /// Each flag that is set, in nft's words.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [(self.constant, "constant"), (self.dynamic, "dynamic"), (self.interval, "interval"), (self.timeout, "timeout")]
            .into_iter()
            .filter_map(|(set, name)| set.then_some(name))
    }
}

/// What a named set or map is, without its elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetSpec {
    /// What its keys are, part by part.
    pub key: Vec<KeyType>,
    /// What its elements give; none: it is a set.
    pub data: Option<DataType>,
    /// What it can do.
    pub flags: SetFlags,
    /// How long elements stay that do not say.
    pub timeout: Option<Milliseconds>,
    /// How often the kernel sweeps out those that ended.
    pub gc_interval: Option<Milliseconds>,
    /// The most elements that it holds.
    pub size: Option<u32>,
    /// Overlapping intervals that are added become one.
    pub auto_merge: bool,
    /// What each element counts for itself.
    pub meters: Vec<Meter>,
}

impl SetSpec {
    /// Intervals of values of one data type, written by the ruleset alone.
    #[must_use]
    pub fn intervals(key: KeyType) -> Self {
        Self { flags: SetFlags { interval: true, ..SetFlags::default() }, ..Self::of(vec![key]) }
    }

    /// Single values of a key, written by the ruleset alone.
    #[must_use]
    pub const fn of(key: Vec<KeyType>) -> Self {
        Self {
            key,
            data: None,
            flags: SetFlags { constant: false, dynamic: false, interval: false, timeout: false },
            timeout: None,
            gc_interval: None,
            size: None,
            auto_merge: false,
            meters: Vec::new(),
        }
    }

    /// Who writes the elements.
    #[must_use]
    pub const fn role(&self) -> Role {
        if self.flags.dynamic || self.flags.timeout { Role::Dynamic } else { Role::Static }
    }

    /// Whether elements can have the meters: those whose conversations are counted cannot end by themselves
    /// (`nft_set_elem_expr_alloc`).
    pub(crate) fn takes_meters(&self, meters: &[Meter]) -> bool {
        !(self.flags.timeout && meters.iter().any(|meter| matches!(meter, Meter::ConnLimit(_))))
    }

    fn check(&self, name: &str) -> Result<(), Illegal> {
        let timed = self.timeout.is_some() || self.gc_interval.is_some();
        let values: &[KeyType] = match &self.data {
            Some(DataType::Values(parts)) => parts,
            _ => &[],
        };
        let sized = self.key.iter().chain(values).all(|part| match part {
            KeyType::Of(datatype) => datatype.bits().is_some(),
            KeyType::Like(_) => true,
        });
        let counts = self.meters.iter().all(|meter| meter.fits(self.flags));
        let data = match &self.data {
            Some(DataType::Values(parts)) => fits_registers(parts.iter().map(|part| part.bits())),
            Some(DataType::Object(_)) => !self.flags.dynamic,
            Some(DataType::Verdict) | None => true,
        };
        if !data
            || !sized
            || !counts
            || !fits_registers(self.key.iter().map(|part| part.bits()))
            || (timed && !self.flags.timeout)
            || (self.flags.constant && self.role() == Role::Dynamic)
            || (self.auto_merge && !self.flags.interval)
            || !self.takes_meters(&self.meters)
        {
            return Err(Illegal::Set(name.to_owned()));
        }
        self.meters.iter().try_for_each(Meter::check)
    }
}

/// Who writes the elements of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Packets, or other programs, while the ruleset is in force. They outlive its replacement.
    Dynamic,
    /// The ruleset alone.
    Static,
}

/// A named set or map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    name: String,
    spec: SetSpec,
    elements: Elements,
    comment: Option<String>,
    origin: OriginId,
}

impl Set {
    /// A set, declared by `origin`. It may be empty.
    ///
    /// # Errors
    /// [`Illegal::Name`] where nft could not write the name; [`Illegal::Set`] where an element is not of the set's kind.
    pub fn new(name: &str, spec: SetSpec, elements: Elements, origin: OriginId) -> Result<Self, Illegal> {
        check_name(name)?;
        spec.check(name)?;
        let set = Self { name: name.to_owned(), spec, elements, comment: None, origin };
        if set.has_legal_elements() { Ok(set) } else { Err(Illegal::Set(set.name)) }
    }

    /// The same with what somebody wrote beside it.
    #[must_use]
    pub fn with_comment(self, comment: Option<String>) -> Self {
        Self { comment, ..self }
    }

    /// What somebody wrote beside it.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    fn has_legal_elements(&self) -> bool {
        match &self.elements {
            // A map may be empty too.
            Elements::Intervals(set) if set.is_empty() => true,
            Elements::Intervals(set) => {
                let [part] = self.spec.key.as_slice() else { return false };
                let wide = set.intervals().last().is_some_and(|&(_, last)| last > part.largest());
                let legal = |&(first, last): &(u128, u128)| part.datatype().check_interval(first, last).is_ok();
                let listed = |&(first, last): &(u128, u128)| first == last;
                self.spec.data.is_none()
                    && !wide
                    && (self.spec.flags.interval || set.values().iter().all(listed))
                    && (!part.datatype().is_text() || part.datatype().elements(set).iter().all(legal))
            }
            Elements::List(list) => list.iter().all(|element| self.is_legal(element)),
        }
    }

    fn is_legal(&self, element: &Element) -> bool {
        let key = match &element.key {
            Key::Any => true,
            Key::Tuple(tuple) => tuple.fits(&self.spec.key) && (self.spec.flags.interval || tuple.is_single()),
        };
        let timed = element.timeout.is_some() || element.expires.is_some();
        let data = match (&self.spec.data, &element.data) {
            (None, None) => true,
            (Some(DataType::Verdict), Some(Data::Verdict(verdict))) => verdict.fits_map(),
            (Some(DataType::Object(_)), Some(Data::Object(_))) => true,
            (Some(DataType::Values(parts)), Some(Data::Values(values))) => values.fits(parts),
            _ => false,
        };
        // An element ends at the latest when its whole time is over.
        let whole = element.timeout.or(self.spec.timeout);
        let ends = element.expires.is_none_or(|expires| whole.is_some_and(|whole| expires <= whole));
        key && data && ends && (self.spec.flags.timeout || !timed) && self.has_legal_meters(element)
    }

    /// An element counts what its set says of all. Where that is nothing, the packets that add elements say it.
    fn has_legal_meters(&self, element: &Element) -> bool {
        let (own, all) = (&element.meters, &self.spec.meters);
        let same = || own.iter().map(|meter| meter.uncounted()).eq(all.iter().map(|meter| meter.uncounted()));
        own.is_empty() || if all.is_empty() { self.spec.flags.dynamic && self.spec.takes_meters(own) } else { same() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub const fn spec(&self) -> &SetSpec {
        &self.spec
    }

    /// Its elements.
    #[must_use]
    pub const fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The keys of a set of one part as numbers; none where keys have several parts.
    #[must_use]
    pub fn values(&self) -> Option<Cow<'_, IntervalSet>> {
        match &self.elements {
            Elements::Intervals(set) => Some(Cow::Borrowed(set)),
            Elements::List(list) => {
                let [part] = self.spec.key.as_slice() else { return None };
                let key = |element: &Element| match &element.key {
                    Key::Any => Some((0, part.largest())),
                    Key::Tuple(tuple) => tuple.0.first().copied(),
                };
                Some(Cow::Owned(list.iter().filter_map(key).collect()))
            }
        }
    }

    /// Why it is there.
    #[must_use]
    pub const fn origin(&self) -> OriginId {
        self.origin
    }

    /// The names of the chains that its elements lead to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let list = match &self.elements {
            Elements::Intervals(_) => &[],
            Elements::List(list) => list.as_slice(),
        };
        list.iter().filter_map(|element| match &element.data {
            Some(Data::Verdict(verdict)) => verdict.target(),
            _ => None,
        })
    }
}
