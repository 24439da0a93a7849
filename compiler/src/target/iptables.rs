// SPDX-License-Identifier: GPL-3.0-or-later
//! iptables-save and ip6tables-save text: the table `filter` of one family.

mod condition;
mod line;
mod read;
mod selection;
mod words;
mod write;

pub use read::{ReadError, read};
pub use words::CtMatch;
pub use write::{Written, write};

#[cfg(test)]
mod tests;
