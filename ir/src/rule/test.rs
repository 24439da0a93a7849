// SPDX-License-Identifier: GPL-3.0-or-later
//! What a test looks at, and what it compares with.

use crate::datatype::Datatype;
use crate::fields::Field;
use crate::interface::InterfacePattern;
use crate::interval::IntervalSet;
use crate::legal::Illegal;
use crate::set::{Key, Tuple, fits_registers};

/// A field, or the bits of it under a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    field: Field,
    /// The bits that are looked at; those of the whole field where it is not masked.
    mask: u128,
}

impl Selector {
    /// The whole field.
    #[must_use]
    pub const fn of(field: Field) -> Self {
        Self { field, mask: field.max() }
    }

    /// The field under a mask. One that covers the field is none.
    #[must_use]
    pub const fn masked(field: Field, mask: u128) -> Self {
        Self { field, mask }
    }

    /// The field.
    #[must_use]
    pub const fn field(self) -> Field {
        self.field
    }

    /// The mask; none where the whole field is looked at.
    #[must_use]
    pub const fn mask(self) -> Option<u128> {
        if self.mask == self.field.max() { None } else { Some(self.mask) }
    }

    /// The bits that are looked at.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.mask
    }

    pub(crate) fn check(self) -> Result<(), Illegal> {
        let maskable = self.mask().is_none() || !self.field.datatype().is_text();
        match self.mask {
            0 => Err(Illegal::Every(self.field)),
            mask if mask > self.field.max() => Err(Illegal::Width(self.field)),
            _ if maskable && self.field.has_legal_parameters() => Ok(()),
            _ => Err(Illegal::Test(self.field)),
        }
    }
}

impl From<Field> for Selector {
    fn from(field: Field) -> Self {
        Self::of(field)
    }
}

/// A thing that has a number only on the host that the rule is for, and only at that moment: a user, a group, a control
/// group, a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Its number, where it is written down; texts need it, an installation asks the host.
    pub number: Option<u64>,
}

/// The values that a test of one field compares with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Values {
    /// Written in the rule.
    Inline(IntervalSet),
    /// A named set of the same table.
    Set(String),
    /// Names of the host. One that is not there is no value.
    Symbols(Vec<Symbol>),
}

impl Values {
    /// One value, written in the rule.
    #[must_use]
    pub fn one(value: u128) -> Self {
        Self::Inline(IntervalSet::one(value))
    }

    pub(super) fn check(&self, selector: Selector) -> Result<(), Illegal> {
        let field = selector.field();
        let datatype = field.datatype();
        match self {
            Self::Set(_) => Ok(()),
            Self::Symbols(names) if names.is_empty() => Err(Illegal::Empty(field)),
            Self::Symbols(_) if selector.mask().is_some() || !is_late_bound(datatype) => Err(Illegal::Test(field)),
            Self::Symbols(_) => Ok(()),
            Self::Inline(set) if set.is_empty() => Err(Illegal::Empty(field)),
            Self::Inline(set) => {
                for (first, last) in datatype.elements(set) {
                    check_interval(selector, first, last)?;
                }
                if set.contains_all(&IntervalSet::range(0, field.max())) { Err(Illegal::Every(field)) } else { Ok(()) }
            }
        }
    }
}

/// Whether values can be names of the host.
const fn is_late_bound(datatype: Datatype) -> bool {
    matches!(datatype, Datatype::Cgroupsv2 | Datatype::Gid | Datatype::IfaceIndex | Datatype::Uid)
}

fn check_interval(selector: Selector, first: u128, last: u128) -> Result<(), Illegal> {
    let field = selector.field();
    let datatype = field.datatype();
    if last > field.max() {
        return Err(Illegal::Width(field));
    }
    // Neighbours are one interval, so only a value by itself can be held to the mask.
    if first == last && first & !selector.bits() != 0 {
        return Err(Illegal::Outside(field));
    }
    datatype.check_interval(first, last).map_err(|reason| Illegal::Value { field, reason })
}

impl Datatype {
    /// Whether an interval of values has a meaning.
    ///
    /// # Errors
    /// Why it has none.
    pub(crate) fn check_interval(self, first: u128, last: u128) -> Result<(), String> {
        let text = self.interval_text(first, last);
        match self {
            Self::Ifname if self.parse_interval(&text) == Some((first, last)) => {
                InterfacePattern::new(&text).map(|_| ()).map_err(|illegal| illegal.to_string())
            }
            Self::Ifname | Self::String if self.parse_interval(&text) != Some((first, last)) => {
                Err("is not a text".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// The tuples that a test of several fields compares with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tuples {
    /// Written in the rule.
    Inline(Vec<Tuple>),
    /// A named set of the same table.
    Set(String),
}

impl Tuples {
    pub(super) fn check(&self, key: &[Selector]) -> Result<(), Illegal> {
        let first = key.first().map_or(Field::Nfproto, |selector| selector.field());
        if key.len() < 2 || !fits_registers(key.iter().map(|selector| selector.field().row().bits)) {
            return Err(Illegal::Test(first));
        }
        key.iter().try_for_each(|selector| selector.check())?;
        match self {
            Self::Set(_) => Ok(()),
            Self::Inline(tuples) if tuples.is_empty() => Err(Illegal::Empty(first)),
            Self::Inline(tuples) => tuples.iter().try_for_each(|tuple| tuple.check(key)),
        }
    }
}

impl Tuple {
    /// Checks that there is a value for each field, and that each fits.
    fn check(&self, key: &[Selector]) -> Result<(), Illegal> {
        let first = key.first().map_or(Field::Nfproto, |selector| selector.field());
        if self.0.len() != key.len() {
            return Err(Illegal::Test(first));
        }
        key.iter().zip(&self.0).try_for_each(|(selector, &(from, to))| {
            if from > to { Err(Illegal::Empty(selector.field())) } else { check_interval(*selector, from, to) }
        })
    }
}

impl Key {
    /// Checks a key that is written in a rule.
    pub(crate) fn check(&self, key: &[Selector]) -> Result<(), Illegal> {
        match self {
            Self::Any => Ok(()),
            Self::Tuple(tuple) => tuple.check(key),
        }
    }
}
