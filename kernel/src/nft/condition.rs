// SPDX-License-Identifier: GPL-3.0-or-later
//! What a loaded register must be: one or two expressions after the load.

use super::Unknown;
use super::bitwise::Bitwise;
use super::cmp::{Cmp, Operator};
use super::expression::Expression;
use super::lookup::Lookup;
use super::range::NotInRange;

/// A condition on the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// From the first to the last, both included.
    Between(Vec<u8>, Vec<u8>),
    /// Compared as it is.
    Compare(Cmp),
    /// In a set, or not in it.
    Lookup(Lookup),
    /// Compared under a mask.
    Masked(Bitwise, Cmp),
    /// Not from the first to the last.
    Outside(NotInRange),
}

impl Condition {
    pub(super) fn compare(operator: Operator, data: Vec<u8>) -> Self {
        Self::Compare(Cmp { operator, data })
    }

    pub(super) fn masked(mask: Vec<u8>, operator: Operator, data: Vec<u8>) -> Self {
        Self::Masked(Bitwise { mask }, Cmp { operator, data })
    }

    /// Appends its expressions.
    pub(super) fn write(self, out: &mut Vec<Expression>) {
        match self {
            Self::Between(first, last) => out.extend([
                Expression::Cmp(Cmp { operator: Operator::GreaterOrEqual, data: first }),
                Expression::Cmp(Cmp { operator: Operator::LessOrEqual, data: last }),
            ]),
            Self::Compare(cmp) => out.push(Expression::Cmp(cmp)),
            Self::Lookup(lookup) => out.push(Expression::Lookup(lookup)),
            Self::Masked(mask, cmp) => out.extend([Expression::Bitwise(mask), Expression::Cmp(cmp)]),
            Self::Outside(range) => out.push(Expression::NotInRange(range)),
        }
    }

    /// Takes the condition at the head of the expressions, and gives back what follows it.
    pub(super) fn read(expressions: &[Expression]) -> Result<(Self, &[Expression]), Unknown> {
        match expressions {
            [Expression::Bitwise(mask), Expression::Cmp(cmp), rest @ ..] => {
                Ok((Self::Masked(mask.clone(), cmp.clone()), rest))
            }
            [
                Expression::Cmp(Cmp { operator: Operator::GreaterOrEqual, data: first }),
                Expression::Cmp(Cmp { operator: Operator::LessOrEqual, data: last }),
                rest @ ..,
            ] => Ok((Self::Between(first.clone(), last.clone()), rest)),
            [Expression::Cmp(cmp), rest @ ..] => Ok((Self::Compare(cmp.clone()), rest)),
            [Expression::Lookup(lookup), rest @ ..] => Ok((Self::Lookup(lookup.clone()), rest)),
            [Expression::NotInRange(range), rest @ ..] => Ok((Self::Outside(range.clone()), rest)),
            _ => Err(Unknown::Shape("a load that nothing is compared with")),
        }
    }
}
