// SPDX-License-Identifier: GPL-3.0-or-later
//! What a set or map is, beside its elements: the attributes of its declaration (`nf_tables_newset`).

use ringwall_ir::fields::{ByteOrder, Field};
use ringwall_ir::words::TableFamily;
use ringwall_ir::{DataType, Datatype, KeyType, Meter, Milliseconds, SetSpec};
use rustables::sys;

use super::Content;
use crate::netlink::AttributeWriter;
use crate::nft::expression::meter;
use crate::nft::field::Layout;
use crate::nft::register::padded;
use crate::nft::typeof_data;
use crate::nft::userdata::UserdataWriter;

/// `NFTNL_UDATA_SET_*` of `include/libnftnl/udata.h`.
pub(super) const KEY_BYTE_ORDER: u8 = 0;
const DATA_BYTE_ORDER: u8 = 1;
pub(super) const MERGE_ELEMENTS: u8 = 2;
pub(super) const KEY_TYPEOF: u8 = 3;
pub(super) const DATA_TYPEOF: u8 = 4;
pub(super) const DATA_INTERVAL: u8 = 6;
pub(super) const COMMENT: u8 = 7;
/// `enum byteorder` of nft's `include/datatype.h`.
const NO_ORDER: u32 = 0;
const HOST_ORDER: u32 = 1;
const NETWORK_ORDER: u32 = 2;
/// How many bits a data type's number has in that of a concatenation (`TYPE_BITS` of nft's `include/datatype.h`).
pub(super) const TYPE_BITS: u32 = 6;
/// The most data types whose numbers fit into that of a concatenation.
pub(super) const TYPES_MAX: usize = 5;

/// What the elements of a map give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataShape {
    /// Objects of a kind, by the kernel's number.
    Object(u32),
    /// Values.
    Values {
        /// How each part lies there.
        parts: Vec<Layout>,
        /// nft's number of the data type.
        kind: u32,
        /// What nft notes of the order of their bytes.
        order: u32,
        /// What they are values of, where the data types do not tell.
        fields: Option<Vec<Field>>,
        /// Each is a first and a last value.
        ranges: bool,
    },
    /// Verdicts.
    Verdict,
}

/// A set or map in the kernel's terms.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    /// `NFT_SET_*`
    pub(in crate::nft) flags: u32,
    /// How each part of a key lies there.
    pub(in crate::nft) key: Vec<Layout>,
    /// nft's number of the data type of keys.
    kind: u32,
    /// What nft notes of the order of their bytes.
    order: u32,
    /// What keys are values of, where the data types do not tell.
    fields: Option<Vec<Field>>,
    pub(in crate::nft) data: Option<DataShape>,
    timeout: Option<Milliseconds>,
    gc_interval: Option<Milliseconds>,
    auto_merge: bool,
    meters: &'a [Meter],
}

impl<'a> Shape<'a> {
    /// A named set. `ranges` tells whether the data of a map are first and last values.
    pub(in crate::nft) fn of_spec(family: TableFamily, spec: &'a SetSpec, ranges: bool) -> Self {
        let interval = spec.flags.interval;
        let noted = noted_fields(family, spec);
        let data = spec.data.as_ref().map(|data| match data {
            DataType::Object(kind) => DataShape::Object(kind.number()),
            DataType::Values(parts) => DataShape::Values {
                parts: parts.iter().map(|part| layout(*part)).collect(),
                kind: kind(parts.iter().map(|part| part.datatype())),
                order: order(parts),
                fields: noted.as_ref().and_then(|(_, data)| data.clone()),
                ranges,
            },
            DataType::Verdict => DataShape::Verdict,
        });
        let layouts = spec.key.iter().map(|part| match &noted {
            Some(_) => like_field(*part),
            None => layout(*part),
        });
        let flags = [
            (spec.flags.constant, sys::NFT_SET_CONSTANT),
            (interval, sys::NFT_SET_INTERVAL),
            (interval && spec.key.len() > 1, sys::NFT_SET_CONCAT),
            (spec.flags.dynamic, sys::NFT_SET_EVAL),
            (spec.flags.timeout, sys::NFT_SET_TIMEOUT),
            (spec.meters.len() > 1, super::WITH_METERS),
        ];
        Self {
            flags: flag_bits(&flags) | data_flag(data.as_ref()),
            key: layouts.map(|layout| if interval { layout.ordered() } else { layout }).collect(),
            kind: kind(spec.key.iter().map(|part| part.datatype())),
            order: order(&spec.key),
            fields: noted.map(|(key, _)| key),
            data,
            timeout: spec.timeout,
            gc_interval: spec.gc_interval,
            auto_merge: spec.auto_merge,
            meters: &spec.meters,
        }
    }

    /// An anonymous set or map of the values of fields, which lie there so.
    pub(in crate::nft) fn anonymous(key: &[(Field, Layout)], interval: bool, data: Option<DataShape>) -> Self {
        let flags = [
            (true, sys::NFT_SET_ANONYMOUS | sys::NFT_SET_CONSTANT),
            (interval, sys::NFT_SET_INTERVAL),
            (interval && key.len() > 1, sys::NFT_SET_CONCAT),
        ];
        let parts: Vec<_> = key.iter().map(|(field, _)| KeyType::of(*field)).collect();
        // The rule tells the width of a key of one part.
        let untold = key.len() > 1 && parts.iter().any(|part| !part.has_word());
        Self {
            flags: flag_bits(&flags) | data_flag(data.as_ref()),
            key: key.iter().map(|(_, layout)| if interval { layout.ordered() } else { *layout }).collect(),
            kind: kind(key.iter().map(|(field, _)| field.datatype())),
            order: order(&parts),
            fields: untold.then(|| key.iter().map(|(field, _)| *field).collect()),
            data,
            timeout: None,
            gc_interval: None,
            auto_merge: false,
            meters: &[],
        }
    }

    /// Whether elements are intervals.
    pub(in crate::nft) const fn is_interval(&self) -> bool {
        self.flags & sys::NFT_SET_INTERVAL != 0
    }

    /// Whether it is made for one rule.
    pub(super) const fn is_anonymous(&self) -> bool {
        self.flags & sys::NFT_SET_ANONYMOUS != 0
    }

    /// How many elements the kernel gets, as nft tells it of an anonymous set: an open interval counts as if it had an
    /// end.
    pub(super) fn described_size(&self, content: &Content<'_>) -> u32 {
        super::ElementWriter::new(self, content).described()
    }

    /// How many bytes keys or data of such parts have.
    pub(super) fn len(parts: &[Layout]) -> u32 {
        match parts {
            [only] => only.bytes.into(),
            parts => parts.iter().map(|part| u32::from(padded(part.bytes))).sum(),
        }
    }

    /// How many bytes a key has.
    pub(in crate::nft) fn key_len(&self) -> u32 {
        Self::len(&self.key)
    }

    /// The set as rustables takes it.
    pub(super) fn declaration(&self, table: &str, name: &str, comment: Option<&str>) -> rustables::Set {
        rustables::Set::default()
            .with_table(table)
            .with_name(name)
            .with_flags(self.flags)
            .with_key_type(self.kind)
            .with_key_len(self.key_len())
            .with_userdata(self.userdata(comment))
    }

    /// What rustables cannot say.
    pub(super) fn write_more(&self, writer: AttributeWriter, size: Option<u32>) -> AttributeWriter {
        let writer = match &self.data {
            None => writer,
            Some(DataShape::Object(kind)) => writer.be32(sys::NFTA_SET_OBJ_TYPE, *kind),
            Some(data @ DataShape::Values { kind, .. }) => {
                writer.be32(sys::NFTA_SET_DATA_TYPE, *kind).be32(sys::NFTA_SET_DATA_LEN, data.len())
            }
            Some(data @ DataShape::Verdict) => {
                writer.be32(sys::NFTA_SET_DATA_TYPE, sys::NFT_DATA_VERDICT).be32(sys::NFTA_SET_DATA_LEN, data.len())
            }
        };
        let writer = match self.timeout {
            Some(timeout) => writer.be64(sys::NFTA_SET_TIMEOUT, timeout.0),
            None => writer,
        };
        let writer = match self.gc_interval {
            Some(interval) => writer.be32(sys::NFTA_SET_GC_INTERVAL, u32::try_from(interval.0).unwrap_or(u32::MAX)),
            None => writer,
        };
        let writer = self.write_description(writer, size);
        match self.meters {
            [] => writer,
            [only] => writer.nest(sys::NFTA_SET_EXPR, |writer| meter::write(only, writer)),
            several => writer.nest(sys::NFTA_SET_EXPRESSIONS, |writer| meter::write_list(several, writer)),
        }
    }

    fn write_description(&self, writer: AttributeWriter, size: Option<u32>) -> AttributeWriter {
        let joined = self.flags & sys::NFT_SET_CONCAT != 0;
        if size.is_none() && !joined {
            return writer;
        }
        writer.nest(sys::NFTA_SET_DESC, |mut writer| {
            if let Some(size) = size {
                writer = writer.be32(sys::NFTA_SET_DESC_SIZE, size);
            }
            if !joined {
                return writer;
            }
            writer.nest(sys::NFTA_SET_DESC_CONCAT, |writer| {
                self.key.iter().fold(writer, |writer, part| {
                    writer.nest(sys::NFTA_LIST_ELEM, |field| field.be32(sys::NFTA_SET_FIELD_LEN, part.bytes.into()))
                })
            })
        })
    }

    /// What nft notes for itself, to list the set.
    fn userdata(&self, comment: Option<&str>) -> Vec<u8> {
        let mut writer = UserdataWriter::default().number(KEY_BYTE_ORDER, self.order);
        if let Some(DataShape::Values { order, .. }) = &self.data {
            writer = writer.number(DATA_BYTE_ORDER, *order);
        }
        if self.auto_merge {
            writer = writer.number(MERGE_ELEMENTS, 1);
        }
        if let Some(fields) = &self.fields {
            writer = typeof_data::write(writer, KEY_TYPEOF, Some(fields));
        }
        match &self.data {
            Some(DataShape::Verdict) if self.fields.is_some() => {
                writer = typeof_data::write(writer, DATA_TYPEOF, None);
            }
            Some(DataShape::Values { fields: Some(fields), .. }) => {
                writer = typeof_data::write(writer, DATA_TYPEOF, Some(fields));
            }
            _ => {}
        }
        if let Some(DataShape::Values { ranges: true, .. }) = &self.data {
            writer = writer.number(DATA_INTERVAL, 1);
        }
        if let Some(comment) = comment {
            writer = writer.text(COMMENT, comment);
        }
        writer.finish()
    }
}

impl DataShape {
    /// How many bytes the data of an element have.
    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Object(_) => 0,
            Self::Values { parts, ranges: true, .. } => {
                2 * parts.iter().map(|part| u32::from(padded(part.bytes))).sum::<u32>()
            }
            Self::Values { parts, ranges: false, .. } => Shape::len(parts),
            // nft gives a length here too, and the kernel takes its own.
            Self::Verdict => 16,
        }
    }

    /// The data of an anonymous map that gives values of these parts.
    pub(in crate::nft) fn values(parts: &[KeyType], ranges: bool) -> Self {
        Self::Values {
            parts: parts.iter().map(|part| layout(*part)).collect(),
            kind: kind(parts.iter().map(|part| part.datatype())),
            order: order(parts),
            fields: None,
            ranges,
        }
    }
}

fn flag_bits(flags: &[(bool, u32)]) -> u32 {
    flags.iter().map(|&(set, bits)| if set { bits } else { 0 }).sum()
}

const fn data_flag(data: Option<&DataShape>) -> u32 {
    match data {
        None => 0,
        Some(DataShape::Object(_)) => sys::NFT_SET_OBJECT,
        Some(DataShape::Values { .. } | DataShape::Verdict) => sys::NFT_SET_MAP,
    }
}

/// How a value of a part lies in a key or in data: as a number of its own.
pub(in crate::nft) fn layout(part: KeyType) -> Layout {
    Layout::of(part.field()).alone()
}

/// The same where nft says `typeof`: there a truth has all bits of its byte, and `exists` is not the largest value, as it is
/// in `type boolean`. An interval that ends with the largest one has no end (`set_to_intervals` of nft's `src/intervals.c`).
fn like_field(part: KeyType) -> Layout {
    let layout = layout(part);
    match part.datatype() {
        Datatype::Boolean => Layout { bits: 8 * layout.bytes, ..layout },
        _ => layout,
    }
}

/// The number of a data type, or of a concatenation of them.
fn kind(datatypes: impl Iterator<Item = Datatype>) -> u32 {
    datatypes.fold(0, |all, datatype| all << TYPE_BITS | datatype.number())
}

/// What nft notes of the order of bytes.
fn order(parts: &[KeyType]) -> u32 {
    match parts {
        [part] => match part.field().row().order {
            ByteOrder::Host => HOST_ORDER,
            ByteOrder::Network => NETWORK_ORDER,
        },
        _ => NO_ORDER,
    }
}

/// What keys, and data, are values of, where a data type does not tell: nft says it of all parts then.
fn noted_fields(family: TableFamily, spec: &SetSpec) -> Option<(Vec<Field>, Option<Vec<Field>>)> {
    let field = |part: &KeyType| part.field_in(family).unwrap_or_else(|| part.field());
    let fields = |parts: &[KeyType]| parts.iter().map(field).collect();
    let untold = |parts: &[KeyType]| parts.iter().any(|part| !part.has_word());
    let data = match &spec.data {
        Some(DataType::Values(parts)) => Some(parts.as_slice()),
        _ => None,
    };
    (untold(&spec.key) || data.is_some_and(untold)).then(|| (fields(&spec.key), data.map(fields)))
}
