// SPDX-License-Identifier: GPL-3.0-or-later
//! Declarations of named objects.

use ringwall_ir::words::Family;
use ringwall_ir::{Counts, Object, ObjectBody};

use super::name::name;
use super::set::Block;

/// What an object is.
pub(super) fn declaration(object: &Object) -> Block {
    let mut lines = Vec::new();
    match object.body() {
        ObjectBody::Counter(counts) if *counts == Counts::default() => {}
        ObjectBody::Counter(Counts { packets, bytes }) => lines.push(format!("packets {packets} bytes {bytes}")),
        ObjectBody::CtHelper { helper, family, protocol } => {
            lines.push(format!("type \"{helper}\" protocol {protocol}"));
            lines.extend(l3proto(*family));
        }
        ObjectBody::CtTimeout { family, protocol, timeouts } => {
            lines.push(format!("protocol {protocol}"));
            lines.extend(l3proto(*family));
            let states: Vec<_> = timeouts.iter().map(|(state, seconds)| format!("{state} : {seconds}")).collect();
            if !states.is_empty() {
                lines.push(format!("policy = {{ {} }}", states.join(", ")));
            }
        }
        ObjectBody::Limit(_) | ObjectBody::Quota(_) => lines.push(object.body().to_string()),
    }
    Block { head: format!("{} {}", object.body().kind().name(), name(object.name())), lines }
}

fn l3proto(family: Option<Family>) -> Option<String> {
    family.map(|family| format!("l3proto {}", family.table().name()))
}
