// SPDX-License-Identifier: GPL-3.0-or-later
//! What a map must give where it is looked up.

use super::Illegal;
use crate::datatype::Datatype;
use crate::fields::Field;
use crate::rule::{MapRef, Selector, Target};
use crate::set::{Data, DataType, Element, Elements, KeyType, Set, Tuple, fits_registers};
use crate::table::Table;
use crate::words::Family;

/// What a map must give where it is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    /// A new end: ports, or where a family is translated, addresses, alone or with ports.
    End(Option<Family>),
    /// One port.
    Port,
    /// A value to be written.
    Value(Target),
    /// A verdict.
    Verdict,
}

impl Gives {
    /// The data that are taken, part by part: one of these.
    fn alternatives(self) -> Vec<Vec<KeyType>> {
        let port = KeyType::Of(Datatype::InetService);
        match self {
            Self::End(None) | Self::Port => vec![vec![port]],
            Self::End(Some(family)) => {
                let address = KeyType::Of(Datatype::address(family));
                vec![vec![address], vec![address, port]]
            }
            Self::Value(target) => vec![vec![KeyType::of(target.field())]],
            Self::Verdict => Vec::new(),
        }
    }

    /// What the values of an inline map are, part by part, told by how many there are.
    pub(crate) fn parts(self, count: usize) -> Vec<KeyType> {
        self.alternatives().into_iter().find(|parts| parts.len() == count).unwrap_or_default()
    }

    /// Whether a declared map gives it.
    fn declared(self, data: &DataType) -> bool {
        match (self, data) {
            (Self::Verdict, DataType::Verdict) => true,
            (_, DataType::Values(parts)) => self.alternatives().iter().any(|taken| {
                taken.len() == parts.len() && taken.iter().zip(parts).all(|(taken, part)| part.is_like(*taken))
            }),
            _ => false,
        }
    }

    /// Whether an element of an inline map gives it, in `count` parts.
    fn given(self, element: &Element, count: usize) -> bool {
        match (self, &element.data) {
            (Self::Verdict, Some(Data::Verdict(verdict))) => verdict.fits_map(),
            (Self::Port | Self::Value(_), Some(Data::Values(tuple))) => tuple.is_single() && self.fits(tuple, count),
            (Self::End(_), Some(Data::Values(tuple))) => self.fits(tuple, count),
            _ => false,
        }
    }

    fn fits(self, tuple: &Tuple, count: usize) -> bool {
        tuple.0.len() == count && count > 0 && tuple.fits(&self.parts(count))
    }

    /// Checks a map that is written in a rule. A named one is checked with its table.
    pub(crate) fn check(self, key: &[Selector], map: &MapRef) -> Result<(), Illegal> {
        let first = key.first().map_or(Field::Nfproto, |selector| selector.field());
        if !fits_registers(key.iter().map(|selector| selector.field().row().bits)) {
            return Err(Illegal::Test(first));
        }
        key.iter().try_for_each(|selector| selector.check())?;
        let MapRef::Inline(elements) = map else { return Ok(()) };
        let count = elements.iter().find_map(|element| match &element.data {
            Some(Data::Values(tuple)) => Some(tuple.0.len()),
            _ => None,
        });
        if elements.is_empty() {
            return Err(Illegal::Empty(first));
        }
        if !elements.iter().all(|element| self.given(element, count.unwrap_or_default())) {
            return Err(Illegal::Map);
        }
        elements.iter().try_for_each(|element| element.key.check(key))
    }

    /// Checks a named map against its declaration.
    pub(super) fn check_declared(self, table: &Table, key: &[Selector], map: &MapRef) -> Result<(), Illegal> {
        let MapRef::Named(name) = map else { return Ok(()) };
        super::check_key(table, name, key)?;
        let data = table.set(name).and_then(|set| set.spec().data.as_ref());
        if data.is_some_and(|data| self.declared(data))
            && (self != Self::Port || !table.set(name).is_some_and(gives_ranges))
        {
            Ok(())
        } else {
            Err(Illegal::Name(name.clone()))
        }
    }
}

/// Whether some element gives more than one value.
fn gives_ranges(set: &Set) -> bool {
    let Elements::List(list) = set.elements() else { return false };
    list.iter().any(|element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single()))
}
