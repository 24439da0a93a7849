// SPDX-License-Identifier: GPL-3.0-or-later
//! Elements of sets and maps in nft's words.

use super::Words;
use super::test::{interval_text, ranges_text, tuple_text};
use crate::datatype::Datatype;
use crate::rule::{MapRef, Selector};
use crate::set::{Data, DataType, Element, Elements, Key, KeyType, SetSpec, Tuple};

impl Words {
    /// Each element of a named set, without the comma behind it.
    #[must_use]
    pub fn elements(self, spec: &SetSpec, elements: &Elements) -> Vec<String> {
        let key: Vec<_> = spec.key.iter().map(|part| part.datatype()).collect();
        let data: Vec<_> = match &spec.data {
            Some(DataType::Values(parts)) => parts.iter().map(|part: &KeyType| part.datatype()).collect(),
            _ => Vec::new(),
        };
        match (elements, key.as_slice()) {
            (Elements::Intervals(set), [datatype]) => {
                // Without the flag, a set has no room for an interval.
                let list = if spec.flags.interval { datatype.elements(set) } else { set.values() };
                list.into_iter().map(|(first, last)| interval_text(*datatype, first, last)).collect()
            }
            (Elements::Intervals(_), _) => Vec::new(),
            (Elements::List(list), _) => self.list(&key, &data, list),
        }
    }

    fn list(self, key: &[Datatype], data: &[Datatype], list: &[Element]) -> Vec<String> {
        // nft takes ranges from all elements of a map, or from none.
        let ranges =
            list.iter().any(|element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single()));
        let data_text = if ranges { ranges_text } else { tuple_text };
        list.iter().map(|element| self.element(key, data, data_text, element)).collect()
    }

    fn element(
        self,
        key: &[Datatype],
        data: &[Datatype],
        data_text: fn(&[Datatype], &Tuple) -> String,
        element: &Element,
    ) -> String {
        let mut text = match &element.key {
            Key::Any => "*".to_owned(),
            Key::Tuple(tuple) => tuple_text(key, tuple),
        };
        for meter in &element.meters {
            text.push_str(&format!(" {}", self.meter(meter)));
        }
        if let Some(timeout) = element.timeout {
            text.push_str(&format!(" timeout {timeout}"));
        }
        if let Some(expires) = element.expires {
            text.push_str(&format!(" expires {expires}"));
        }
        if let Some(comment) = &element.comment {
            text.push_str(&format!(" comment \"{comment}\""));
        }
        match &element.data {
            None => text,
            Some(Data::Object(name)) => format!("{text} : \"{}\"", (self.name)(name)),
            Some(Data::Values(tuple)) => format!("{text} : {}", data_text(data, tuple)),
            Some(Data::Verdict(verdict)) => format!("{text} : {}", self.verdict(verdict)),
        }
    }

    /// What a rule looks up in a map.
    pub(super) fn looked_up(self, key: &[Selector], map: &MapRef, data: &[Datatype]) -> String {
        format!("{} map {}", self.key(key), self.map(key, map, data))
    }

    /// A map: its name, or its elements.
    pub(super) fn map(self, key: &[Selector], map: &MapRef, data: &[Datatype]) -> String {
        match map {
            MapRef::Named(name) => format!("@{}", (self.name)(name)),
            MapRef::Inline(elements) => {
                let types: Vec<_> = key.iter().map(|selector| selector.field().datatype()).collect();
                format!("{{ {} }}", self.list(&types, data, elements).join(", "))
            }
        }
    }
}
