// SPDX-License-Identifier: GPL-3.0-or-later
//! What becomes of a packet beside the plain verdicts, read.

use ringwall_ir::fields::ByteOrder;
use ringwall_ir::words::{Family, TableFamily};
use ringwall_ir::{DataType, KeyType, Nat, NatEnd, OwnPorts, Verdict};

use super::registers::{Asked, Value};
use super::{Reading, Strange};
use crate::nft::bytes::Bytes;
use crate::nft::expression::{Ends, Expression, Nat as NatExpression, Own, Reject};
use crate::nft::known::Guard;
use crate::nft::register::Register;
use crate::nft::rule::write::translation_parts;
use crate::nft::set::{GivenData, SetName};

impl<'a> Reading<'_, 'a> {
    /// A verdict that needs more than a number.
    pub(super) fn ending(&self, expression: &Expression<'a>) -> Result<Verdict, Strange> {
        match expression {
            Expression::Masq(Own { ports, flags }) => {
                Ok(Verdict::Masquerade { ports: self.own_ports(*ports)?, flags: *flags })
            }
            Expression::Redir(Own { ports, flags }) => {
                Ok(Verdict::Redirect { ports: self.own_ports(*ports)?, flags: *flags })
            }
            Expression::Nat(nat) if nat.destination => Ok(Verdict::Dnat(self.nat(nat)?)),
            Expression::Nat(nat) => Ok(Verdict::Snat(self.nat(nat)?)),
            Expression::Queue(queue) => Ok(Verdict::Queue(*queue)),
            Expression::Reject(reject) => self.refusal(*reject),
            _ => Err(("expression in a strange place".to_owned(), format!("{expression:?}"))),
        }
    }

    /// An answer of one family needs a rule that tests for it. Its guard stays a test: without it the rule would say
    /// that it answers either family.
    fn refusal(&self, reject: Reject) -> Result<Verdict, Strange> {
        let refusal = if self.family == TableFamily::Inet && reject.is_of_one_family() {
            let told: Vec<_> =
                Family::ALL.into_iter().filter(|family| self.told.contains(&Guard::Family(*family))).collect();
            let [family] = told.as_slice() else {
                return Err(("refusal of one family in a rule for both".to_owned(), format!("{reject:?}")));
            };
            reject.refusal_of(*family)
        } else {
            reject.refusal(self.family)
        };
        refusal.map(Verdict::Reject).map_err(|unknown| ("refusal".to_owned(), unknown.to_string()))
    }

    fn nat(&self, nat: &NatExpression) -> Result<Nat, Strange> {
        let family = Family::ALL.into_iter().find(|family| u32::from(family.number()) == nat.family);
        // Where only ports are translated, the family is that of the table.
        let translated = family.filter(|_| nat.addresses.first.is_some());
        let source = nat.addresses.first.or(nat.ports.first).and_then(|first| self.registers.get(first));
        let end = match source {
            Some(Value::Asked(asked)) => self.asked_end(asked, nat, translated)?,
            _ => NatEnd::Range {
                addresses: self
                    .written(nat.addresses)?
                    .map(|(first, last)| (first.number(ByteOrder::Network), last.number(ByteOrder::Network))),
                ports: self.written_ports(nat.ports)?,
            },
        };
        Ok(Nat { family: translated, end, flags: nat.flags })
    }

    /// An end that a map gives, with ports beside it perhaps.
    fn asked_end(&self, asked: &Asked<'a>, nat: &NatExpression, family: Option<Family>) -> Result<NatEnd, Strange> {
        let first = nat.addresses.first.or(nat.ports.first).unwrap_or(Register::FIRST);
        // Ports that are written in the rule have a register of their own.
        let written = |register: Register| matches!(self.registers.get(register), Some(Value::Data(_)));
        let beside = family.is_some() && nat.ports.first.is_some_and(written);
        let count = if family.is_some() && nat.ports.first.is_some() && !beside { 2 } else { 1 };
        let parts = match asked.map {
            SetName::Named(name) => match self.source.named(name).and_then(|spec| spec.data.as_ref()) {
                Some(DataType::Values(parts)) => parts.clone(),
                _ => translation_parts(family, count),
            },
            _ => translation_parts(family, count),
        };
        let given = given_ends(first, &parts, family, nat);
        let told = (nat.addresses, if beside { Ends::default() } else { nat.ports });
        if given != told {
            return Err(("translation to strange registers".to_owned(), format!("{nat:?}")));
        }
        Ok(NatEnd::Map {
            key: asked.key.clone(),
            map: self.map_of(asked, GivenData::Values(&parts))?,
            ports: if beside { self.written_ports(nat.ports)? } else { None },
        })
    }

    /// The ports of a translation to an address of the host: written, or given by a map of ports.
    fn own_ports(&self, ports: Ends) -> Result<Option<OwnPorts>, Strange> {
        let port = || translation_parts(None, 1);
        match ports.first.and_then(|first| self.registers.get(first)) {
            Some(Value::Asked(asked)) if ports.last.is_none() => {
                let map = self.map_of(asked, GivenData::Values(&port()))?;
                Ok(Some(OwnPorts::Map { key: asked.key.clone(), map }))
            }
            _ => Ok(self.written_ports(ports)?.map(|(first, last)| OwnPorts::Range(first, last))),
        }
    }

    fn written_ports(&self, ports: Ends) -> Result<Option<(u16, u16)>, Strange> {
        let Some((first, last)) = self.written(ports)? else { return Ok(None) };
        let port = |bytes: Bytes| u16::try_from(bytes.number(ByteOrder::Network)).ok().filter(|_| bytes.len() == 2);
        match (port(first), port(last)) {
            (Some(first), Some(last)) => Ok(Some((first, last))),
            _ => Err(("ports that are none".to_owned(), String::new())),
        }
    }

    /// The data that registers were loaded with.
    fn written(&self, ends: Ends) -> Result<Option<(Bytes, Bytes)>, Strange> {
        let Some(first) = ends.first else { return Ok(None) };
        let data = |register: Register| match self.value(register)? {
            Value::Data(bytes) => Ok(*bytes),
            other => Err(("translation to something else than data".to_owned(), format!("{other:?}"))),
        };
        Ok(Some((data(first)?, data(ends.last.unwrap_or(first))?)))
    }
}

/// The registers that what a map gives is in: first values, then last ones where the translation names such.
fn given_ends(first: Register, parts: &[KeyType], family: Option<Family>, nat: &NatExpression) -> (Ends, Ends) {
    let ranges = nat.addresses.last.is_some() || (family.is_none() && nat.ports.last.is_some());
    let mut registers = Vec::new();
    let mut next = Some(first);
    for part in parts.iter().chain(if ranges { parts } else { &[] }) {
        registers.extend(next);
        next = next.and_then(|register| register.behind(crate::nft::set::layout(*part).bytes));
    }
    let ends = |place: usize| Ends {
        first: registers.get(place).copied().filter(|_| place < parts.len()),
        last: registers.get(parts.len() + place).copied().filter(|_| ranges && place < parts.len()),
    };
    match family {
        Some(_) => (ends(0), ends(1)),
        None => (Ends::default(), ends(0)),
    }
}
