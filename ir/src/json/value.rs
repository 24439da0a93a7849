// SPDX-License-Identifier: GPL-3.0-or-later
//! Values as typed text, and back.

use super::fault::Fault;
use crate::datatype::Datatype;
use crate::interval::IntervalSet;
use crate::rule::Selector;
use crate::set::{KeyType, Tuple};

/// A set of values, as every back end lists it.
pub(super) fn set_text(datatype: Datatype, set: &IntervalSet) -> Vec<String> {
    datatype.elements(set).into_iter().map(|(first, last)| datatype.interval_text(first, last)).collect()
}

/// The set of what is listed, in any order.
pub(super) fn read_set(datatype: Datatype, texts: &[String]) -> Result<IntervalSet, Fault> {
    texts.iter().map(|text| read_interval(datatype, text)).collect()
}

/// A text for each part.
pub(super) fn tuple_text(parts: &[Datatype], tuple: &Tuple) -> Vec<String> {
    parts.iter().zip(&tuple.0).map(|(datatype, &(first, last))| datatype.interval_text(first, last)).collect()
}

/// The tuple of a text for each part.
pub(super) fn read_tuple(parts: &[Datatype], texts: &[String]) -> Result<Tuple, Fault> {
    if parts.len() != texts.len() {
        return Err(format!("`{}` has {} parts, not {}", texts.join(" . "), texts.len(), parts.len()).into());
    }
    parts.iter().zip(texts).map(|(datatype, text)| read_interval(*datatype, text)).collect::<Result<_, _>>().map(Tuple)
}

/// The interval of a text.
pub(super) fn read_interval(datatype: Datatype, text: &str) -> Result<(u128, u128), Fault> {
    datatype.parse_interval(text).ok_or_else(|| format!("`{text}` is no value of type {}", datatype.name()).into())
}

/// The data types of a key in a rule.
pub(super) fn types_of(key: &[Selector]) -> Vec<Datatype> {
    key.iter().map(|selector| selector.field().datatype()).collect()
}

/// The data types of declared parts.
pub(super) fn types(parts: &[KeyType]) -> Vec<Datatype> {
    parts.iter().map(|part| part.datatype()).collect()
}
