// SPDX-License-Identifier: GPL-3.0-or-later
//! iptables-save and ip6tables-save text: all tables of one family.

mod name;
mod read;
mod selection;
mod table;
mod words;
mod write;

pub use read::{ReadError, Text, read, read_with_sets};
pub use words::CtMatch;
pub use write::{Options, Written, WrittenChain, speaks_of, write, write_sets};

pub(in crate::target) use name::to_ir;
use read::number;
pub(in crate::target) use read::{Problem, split};

#[cfg(test)]
mod tests;
