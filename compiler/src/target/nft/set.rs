// SPDX-License-Identifier: GPL-3.0-or-later
//! Declarations of sets and maps.

use ringwall_ir::fields::FIELDS;
use ringwall_ir::words::TableFamily;
use ringwall_ir::{Data, DataType, Datatype, Element, Elements, Field, Key, KeyType, ObjectKind, Set, SetSpec};

use super::name::name;
use super::rule::WORDS;

/// A block: the line that opens it, and the lines in it.
pub(in crate::target) struct Block {
    pub(super) head: String,
    pub(super) lines: Vec<String>,
}

/// What nft calls it.
pub(super) const fn word(set: &Set) -> &'static str {
    if set.spec().data.is_some() { "map" } else { "set" }
}

/// What a set is, without its elements, or why nft text cannot say it.
pub(in crate::target) fn declaration(family: TableFamily, set: &Set) -> Result<Block, String> {
    let spec = set.spec();
    if spec.data.is_some() && (spec.gc_interval.is_some() || spec.auto_merge) {
        return Err("nft 1.0.6 takes neither `gc-interval` nor `auto-merge` for a map".to_owned());
    }
    if spec.auto_merge && !stays_apart(set.elements()) {
        return Err("nft 1.0.6 forgets what is said of an element that `auto-merge` joins with another".to_owned());
    }
    let mut lines = vec![types(family, set)?];
    let flags: Vec<_> = spec.flags.names().collect();
    if !flags.is_empty() {
        lines.push(format!("flags {}", flags.join(",")));
    }
    lines.extend(spec.timeout.map(|timeout| format!("timeout {timeout}")));
    lines.extend(spec.gc_interval.map(|interval| format!("gc-interval {interval}")));
    lines.extend(spec.size.map(|size| format!("size {size}")));
    if spec.auto_merge {
        lines.push("auto-merge".to_owned());
    }
    lines.extend(spec.meters.iter().map(|meter| WORDS.meter(meter)));
    Ok(Block { head: format!("{} {}", word(set), name(set.name())), lines })
}

/// Whether all that is said of elements is still there when those that touch are one.
fn stays_apart(elements: &Elements) -> bool {
    let Elements::List(list) = elements else { return true };
    if list.iter().all(Element::is_plain) {
        return true;
    }
    let mut intervals = Vec::with_capacity(list.len());
    for element in list {
        match &element.key {
            Key::Tuple(tuple) => match tuple.0.as_slice() {
                [only] => intervals.push(*only),
                _ => return false,
            },
            Key::Any => return false,
        }
    }
    intervals.sort_unstable();
    intervals.windows(2).all(|pair| matches!(pair, [(_, last), (first, _)] if last.saturating_add(1) < *first))
}

/// Each element, with the comma that a line more needs.
pub(super) fn elements(set: &Set) -> Vec<String> {
    WORDS.elements(set.spec(), set.elements()).into_iter().map(|element| format!("{element},")).collect()
}

/// What the keys and data are: `type` with nft's words, or `typeof` with fields where a word does not tell the width.
fn types(family: TableFamily, set: &Set) -> Result<String, String> {
    let SetSpec { key, data, .. } = set.spec();
    let key: Vec<_> = key.iter().copied().map(plain).collect();
    let values: Vec<_> = match data {
        Some(DataType::Values(parts)) => parts.iter().copied().map(plain).collect(),
        _ => Vec::new(),
    };
    let by_field = is_by_field(set);
    if set.spec().flags.interval && matches!(data, Some(DataType::Object(_))) && !set.elements().is_empty() {
        return Err("nft 1.0.6 does not survive to list objects by intervals".to_owned());
    }
    if by_field && matches!(data, Some(DataType::Object(_))) {
        return Err("nft 1.0.6 has no `typeof` for the keys of maps of objects".to_owned());
    }
    let is_boolean = |part: &&KeyType| part.datatype() == Datatype::Boolean;
    if by_field && key.len() > 1 && key.iter().find(is_boolean).is_some() {
        return Err("nft 1.0.6 does not survive `typeof` of what is there or not in a concatenation".to_owned());
    }
    let part_word = |part: &KeyType| if by_field { field(family, *part) } else { Ok(part.to_string()) };
    let joined =
        |parts: &[KeyType]| Ok::<_, String>(parts.iter().map(part_word).collect::<Result<Vec<_>, _>>()?.join(" . "));
    let given = match data {
        None => String::new(),
        Some(DataType::Object(kind)) => format!(" : {}", objects(*kind)?),
        Some(DataType::Values(_)) => {
            format!(" : {}{}", if gives_ranges(set) { "interval " } else { "" }, joined(&values)?)
        }
        Some(DataType::Verdict) => " : verdict".to_owned(),
    };
    Ok(format!("{} {}{given}", if by_field { "typeof" } else { "type" }, joined(&key)?))
}

/// Whether a word does not tell what a part of the keys or data is.
pub(super) fn is_by_field(set: &Set) -> bool {
    let values: &[KeyType] = match &set.spec().data {
        Some(DataType::Values(parts)) => parts,
        _ => &[],
    };
    set.spec().key.iter().chain(values).any(|part| !has_word(plain(*part)))
}

/// A field's own type, where it tells the width.
fn plain(part: KeyType) -> KeyType {
    match part {
        KeyType::Like(field) => KeyType::of(field),
        KeyType::Of(_) => part,
    }
}

/// Whether `type` can name it. `day` and `hour` are words of nft's grammar (`src/scanner.l` of nft 1.0.6).
const fn has_word(part: KeyType) -> bool {
    matches!(part, KeyType::Of(datatype) if !matches!(datatype, Datatype::Day | Datatype::Hour))
}

/// A field that has such values.
fn field(family: TableFamily, part: KeyType) -> Result<String, String> {
    let seen = |needed| family.sees(needed);
    let found = match part {
        KeyType::Like(field) => Some(field),
        // A port of one protocol would be taken for a test of it, wherever the set is asked.
        KeyType::Of(Datatype::InetService) => Some(Field::ThDport),
        // nft takes `typeof exthdr` for the protocol behind the header.
        KeyType::Of(Datatype::Boolean) => Some(Field::MetaIpsec),
        KeyType::Of(datatype) => {
            let mut of = FIELDS.iter().filter(|row| row.datatype == datatype && row.needs.family().is_none_or(seen));
            of.next().map(|row| row.field)
        }
    };
    found.map(|field| field.to_string()).ok_or_else(|| format!("no packet of the table has a field of type {part}"))
}

/// Whether an element of the map gives a range.
pub(in crate::target) fn gives_ranges(set: &Set) -> bool {
    let Elements::List(list) = set.elements() else { return false };
    list.iter().any(|element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single()))
}

/// The kinds of objects that a map can give (`map_block_obj_type` in `src/parser_bison.y` of nft 1.0.6).
fn objects(kind: ObjectKind) -> Result<&'static str, String> {
    match kind {
        ObjectKind::Counter | ObjectKind::Limit | ObjectKind::Quota => Ok(kind.name()),
        ObjectKind::CtHelper | ObjectKind::CtTimeout => Err(format!("nft has no maps of {}", kind.name())),
    }
}
