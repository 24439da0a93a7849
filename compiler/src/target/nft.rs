// SPDX-License-Identifier: GPL-3.0-or-later
//! nft text: the own table in a form that loads on an empty and on a loaded kernel alike.

mod context;
mod merge;
mod name;
mod object;
mod order;
mod permanent;
mod replace;
mod rule;
mod said;
mod sayable;
mod set;
mod time;
mod told;
mod write;

pub(in crate::target) use merge::{counts, weakened};
pub(in crate::target) use name::name;
pub(in crate::target) use order::{decided_by, looked_at};
pub(in crate::target) use permanent::lost;
pub(in crate::target) use replace::{Clear, check_set, cleared, is_made_anew, ungoverned};
pub(in crate::target) use said::{Answer, Said, said};
pub(in crate::target) use set::{declaration, gives_ranges};
pub(in crate::target) use time::Bound;
pub(in crate::target) use told::Asked;
pub use write::{CLOSING, write};

#[cfg(test)]
mod tests;
