// SPDX-License-Identifier: GPL-3.0-or-later
//! Fields with all their parameters.

use crate::fields::{Exthdr, FIELDS, Fib, FibResult, Field, IpsecDirection, Numgen};
use crate::words::CtDirection;

/// A row of a field with each of its parameters; where those are numbers, with some. All are legal.
#[must_use]
pub fn variants(row: Field) -> Vec<Field> {
    let mut variants = match row {
        Field::Exthdr(_) => Exthdr::ALL.map(Field::Exthdr).to_vec(),
        Field::Fib(_) => fibs(),
        Field::IpsecReqid(_) => vec![Field::IpsecReqid(IpsecDirection::In), Field::IpsecReqid(IpsecDirection::Out)],
        Field::Numgen(_) => numgens(),
        Field::SocketCgroupv2(_) => (1..=3).map(Field::SocketCgroupv2).collect(),
        other => vec![other],
    };
    variants.extend([CtDirection::Original, CtDirection::Reply].into_iter().filter_map(|to| row.of_direction(to)));
    variants.sort_unstable();
    variants.dedup();
    variants
}

/// Every row, with each of its parameters.
pub fn all_variants() -> impl Iterator<Item = Vec<Field>> {
    FIELDS.iter().map(|row| variants(row.field))
}

fn fibs() -> Vec<Field> {
    let mut fields = Vec::new();
    for bits in 0_u8..16 {
        let is_set = |bit: u8| bits >> bit & 1 == 1;
        let (daddr, mark, iif, oif) = (is_set(0), is_set(1), is_set(2), is_set(3));
        for result in [FibResult::Exists, FibResult::Oif, FibResult::Oifname, FibResult::Type] {
            fields.push(Field::Fib(Fib { daddr, mark, iif, oif, result }));
        }
    }
    fields.retain(|field| field.has_legal_parameters());
    fields
}

fn numgens() -> Vec<Field> {
    let numgen = |random, modulus, offset| Field::Numgen(Numgen { random, modulus, offset });
    vec![numgen(false, 2, 0), numgen(true, 2, 0), numgen(false, 10, 5), numgen(true, 100, 1)]
}
