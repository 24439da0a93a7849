// SPDX-License-Identifier: GPL-3.0-or-later
//! Named objects (`nf_tables_newobj`), which rustables does not know.

use std::borrow::Cow;

use ringwall_ir::words::{Family, Protocol, TableFamily};
use ringwall_ir::{Object, ObjectBody, ObjectKind};
use rustables::sys;
use thiserror::Error;

use super::expression::{counter, limit, only, quota};
use super::userdata::{comment_in, with_comment_in};
use super::{Unknown, family_number};
use crate::netlink::{AttributeWriter, Attributes, Malformed, Value};

/// The timeouts of connection tracking that have a name in nft, with the kernel's defaults in seconds. The place of each
/// is its attribute (`enum ctattr_timeout_tcp`, `enum ctattr_timeout_udp`), less one.
const TCP_TIMEOUTS: &[(&str, u32)] = &[
    ("syn_sent", 120),
    ("syn_recv", 60),
    ("established", 432_000),
    ("fin_wait", 120),
    ("close_wait", 60),
    ("last_ack", 30),
    ("time_wait", 120),
    ("close", 10),
    ("syn_sent2", 120),
    ("retrans", 300),
    ("unack", 300),
];
const UDP_TIMEOUTS: &[(&str, u32)] = &[("unreplied", 30), ("replied", 120)];

/// Helpers that the kernel has for IPv4 alone (`net/netfilter/nf_conntrack_*.c`). It tells of such a one that it is for
/// IPv4, also where both families were asked for.
const OF_IPV4: [&str; 4] = ["irc", "netbios-ns", "pptp", "snmp"];

/// An object as the kernel will tell of it in a table: without the family, where that is the table's, and without timeouts
/// that are as usual.
#[must_use]
pub fn normal_body(body: &ObjectBody, table: TableFamily) -> Cow<'_, ObjectBody> {
    let own = |family: Option<Family>| family.filter(|of| u16::from(of.number()) != u16::from(family_number(table)));
    match body {
        ObjectBody::CtHelper { helper, family, protocol } => {
            let only = table == TableFamily::Inet && OF_IPV4.contains(&helper.as_str());
            let family = if only { family.or(Some(Family::Ipv4)) } else { own(*family) };
            Cow::Owned(ObjectBody::CtHelper { helper: helper.clone(), family, protocol: *protocol })
        }
        ObjectBody::CtTimeout { family, protocol, timeouts } => {
            let told = timeouts_of(*protocol).iter().filter_map(|(name, default)| {
                timeouts.iter().find(|(known, seconds)| known == name && seconds != default).cloned()
            });
            Cow::Owned(ObjectBody::CtTimeout { family: own(*family), protocol: *protocol, timeouts: told.collect() })
        }
        body => Cow::Borrowed(body),
    }
}

const fn timeouts_of(protocol: Protocol) -> &'static [(&'static str, u32)] {
    match protocol {
        Protocol::TCP => TCP_TIMEOUTS,
        Protocol::UDP => UDP_TIMEOUTS,
        _ => &[],
    }
}

/// A timeout of connection tracking that has no name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("connection tracking has no timeout `{state}` of {protocol}")]
pub struct NoTimeout {
    state: String,
    protocol: Protocol,
}

/// Checks that an object can be written.
///
/// # Errors
/// [`NoTimeout`]
pub fn check(object: &Object) -> Result<(), NoTimeout> {
    let ObjectBody::CtTimeout { protocol, timeouts, .. } = object.body() else { return Ok(()) };
    for (state, _) in timeouts {
        if !timeouts_of(*protocol).iter().any(|(known, _)| known == state) {
            return Err(NoTimeout { state: state.clone(), protocol: *protocol });
        }
    }
    Ok(())
}

/// Names an object of a table, of the kernel's number of its kind.
pub fn write_name(table: &str, kind: u32, name: &str, writer: AttributeWriter) -> AttributeWriter {
    writer.text(sys::NFTA_OBJ_TABLE, table).text(sys::NFTA_OBJ_NAME, name).be32(sys::NFTA_OBJ_TYPE, kind)
}

/// Writes an object of a table.
pub fn write(family: TableFamily, table: &str, object: &Object, writer: AttributeWriter) -> AttributeWriter {
    let writer = write_name(table, object.body().kind().number(), object.name(), writer)
        .nest(sys::NFTA_OBJ_DATA, |data| write_body(&normal_body(object.body(), family), data));
    with_comment_in(sys::NFTA_OBJ_USERDATA, object.comment(), writer)
}

fn write_body(body: &ObjectBody, writer: AttributeWriter) -> AttributeWriter {
    let family = |family: &Option<Family>, kind, writer: AttributeWriter| match family {
        Some(family) => writer.be16(kind, family.number().into()),
        None => writer,
    };
    match body {
        ObjectBody::Counter(counts) => counter::write(counts, writer),
        ObjectBody::Limit(rate) => limit::write(rate, writer),
        ObjectBody::Quota(amount) => quota::write(amount, writer),
        ObjectBody::CtHelper { helper, family: of, protocol } => {
            let writer = writer.text(sys::NFTA_CT_HELPER_NAME, helper);
            family(of, sys::NFTA_CT_HELPER_L3PROTO, writer).byte(sys::NFTA_CT_HELPER_L4PROTO, protocol.0)
        }
        ObjectBody::CtTimeout { family: of, protocol, timeouts } => family(of, sys::NFTA_CT_TIMEOUT_L3PROTO, writer)
            .byte(sys::NFTA_CT_TIMEOUT_L4PROTO, protocol.0)
            .nest(sys::NFTA_CT_TIMEOUT_DATA, |mut writer| {
                for (kind, (state, _)) in (1..).zip(timeouts_of(*protocol)) {
                    if let Some((_, seconds)) = timeouts.iter().find(|(known, _)| known == state) {
                        writer = writer.be32(kind, *seconds);
                    }
                }
                writer
            }),
    }
}

/// An object, as it was told of.
#[derive(Clone, Copy, Debug)]
pub struct FoundObject<'a> {
    /// Its name.
    pub name: &'a str,
    /// The kernel's number of its kind.
    pub kind: u32,
    attributes: Attributes<'a>,
}

impl<'a> FoundObject<'a> {
    /// An object that was told of.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(super) fn read(attributes: Attributes<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            name: attributes.need(sys::NFTA_OBJ_NAME)?.text()?,
            kind: attributes.need(sys::NFTA_OBJ_TYPE)?.be32()?,
            attributes,
        })
    }

    /// What somebody wrote beside it; empty where nobody did.
    #[must_use]
    pub fn comment(&self) -> &'a str {
        comment_in(self.attributes, sys::NFTA_OBJ_USERDATA)
    }

    /// What it is.
    ///
    /// # Errors
    /// [`Unknown`] where the IR has no word for it.
    pub fn body(&self, table: TableFamily) -> Result<ObjectBody, Unknown> {
        let data = self.attributes.get(sys::NFTA_OBJ_DATA).map_or(Attributes::parse(&[]), Value::nested)?;
        let kind = ObjectKind::numbered(self.kind);
        match kind.ok_or_else(|| Unknown::value("kind of object", self.kind))? {
            ObjectKind::Counter => counter::read(data).map(ObjectBody::Counter),
            ObjectKind::Limit => limit::read(data).map(ObjectBody::Limit),
            ObjectKind::Quota => quota::read(data).map(ObjectBody::Quota),
            ObjectKind::CtHelper => read_helper(data, table),
            ObjectKind::CtTimeout => read_timeouts(data, table),
        }
    }
}

/// The family that an object is for; none if it is that of the table.
fn read_family(value: Option<Value<'_>>, table: TableFamily) -> Result<Option<Family>, Unknown> {
    let Some(value) = value else { return Ok(None) };
    let number = value.be16()?;
    if number == u16::from(family_number(table)) {
        return Ok(None);
    }
    let family = Family::ALL.into_iter().find(|family| u16::from(family.number()) == number);
    family.map(Some).ok_or_else(|| Unknown::value("family of an object", number))
}

fn read_helper(data: Attributes<'_>, table: TableFamily) -> Result<ObjectBody, Unknown> {
    let known = [sys::NFTA_CT_HELPER_NAME, sys::NFTA_CT_HELPER_L3PROTO, sys::NFTA_CT_HELPER_L4PROTO];
    only("ct helper", data, &known)?;
    Ok(ObjectBody::CtHelper {
        helper: data.need(sys::NFTA_CT_HELPER_NAME)?.text()?.to_owned(),
        family: read_family(data.get(sys::NFTA_CT_HELPER_L3PROTO), table)?,
        protocol: Protocol(data.need(sys::NFTA_CT_HELPER_L4PROTO)?.byte()?),
    })
}

/// The kernel tells all timeouts; those that are as usual are left out, as nft leaves them out.
fn read_timeouts(data: Attributes<'_>, table: TableFamily) -> Result<ObjectBody, Unknown> {
    only("ct timeout", data, &[sys::NFTA_CT_TIMEOUT_L3PROTO, sys::NFTA_CT_TIMEOUT_L4PROTO, sys::NFTA_CT_TIMEOUT_DATA])?;
    let protocol = Protocol(data.need(sys::NFTA_CT_TIMEOUT_L4PROTO)?.byte()?);
    let names = timeouts_of(protocol);
    if names.is_empty() {
        return Err(Unknown::value("timeouts of protocol", protocol));
    }
    let told = data.get(sys::NFTA_CT_TIMEOUT_DATA).map_or(Attributes::parse(&[]), Value::nested)?;
    let mut timeouts = Vec::new();
    for (kind, (name, default)) in (1..).zip(names) {
        let seconds = told.get(kind).map(Value::be32).transpose()?;
        timeouts.extend(seconds.filter(|seconds| seconds != default).map(|seconds| ((*name).to_owned(), seconds)));
    }
    Ok(ObjectBody::CtTimeout {
        family: read_family(data.get(sys::NFTA_CT_TIMEOUT_L3PROTO), table)?,
        protocol,
        timeouts,
    })
}
