// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule or an element counts: the expressions that have a state of their own.

use ringwall_ir::Meter;
use rustables::sys;

use super::{connlimit, counter, limit, quota};
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;

/// Its name in the kernel.
pub(super) const fn name(meter: &Meter) -> &'static str {
    match meter {
        Meter::ConnLimit(_) => "connlimit",
        Meter::Counter(_) => "counter",
        Meter::Limit(_) => "limit",
        Meter::Quota(_) => "quota",
    }
}

/// Its data.
pub(super) fn write_data(meter: &Meter, writer: AttributeWriter) -> AttributeWriter {
    match meter {
        Meter::ConnLimit(limit) => connlimit::write(limit, writer),
        Meter::Counter(counts) => counter::write(counts, writer),
        Meter::Limit(rate) => limit::write(rate, writer),
        Meter::Quota(amount) => quota::write(amount, writer),
    }
}

/// The meter of a name and its data; none where the name is of something else.
pub(super) fn read_data(name: &str, data: Attributes<'_>) -> Result<Option<Meter>, Unknown> {
    match name {
        "connlimit" => connlimit::read(data).map(Meter::ConnLimit).map(Some),
        "counter" => counter::read(data).map(Meter::Counter).map(Some),
        "limit" => limit::read(data).map(Meter::Limit).map(Some),
        "quota" => quota::read(data).map(Meter::Quota).map(Some),
        _ => Ok(None),
    }
}

/// The name and the data, as an attribute holds them.
pub(in crate::nft) fn write(meter: &Meter, writer: AttributeWriter) -> AttributeWriter {
    writer.text(sys::NFTA_EXPR_NAME, name(meter)).nest(sys::NFTA_EXPR_DATA, |writer| write_data(meter, writer))
}

/// A list of them.
pub(in crate::nft) fn write_list(meters: &[Meter], writer: AttributeWriter) -> AttributeWriter {
    meters.iter().fold(writer, |writer, meter| writer.nest(sys::NFTA_LIST_ELEM, |writer| write(meter, writer)))
}

fn read(value: Value<'_>) -> Result<Meter, Unknown> {
    let attributes = value.nested()?;
    let name = attributes.need(sys::NFTA_EXPR_NAME)?.text()?;
    let data = super::data_of(attributes)?;
    read_data(name, data)?.ok_or_else(|| Unknown::Expression(name.to_owned()))
}

/// All that are in one attribute or, where there are several, in a list.
///
/// # Errors
/// [`Unknown`]
pub(in crate::nft) fn read_all(attributes: Attributes<'_>, one: u16, several: u16) -> Result<Vec<Meter>, Unknown> {
    match (attributes.get(one), attributes.get(several)) {
        (Some(only), _) => Ok(vec![read(only)?]),
        (None, Some(list)) => list.nested()?.iter().map(|element| read(element.value)).collect(),
        (None, None) => Ok(Vec::new()),
    }
}
