// SPDX-License-Identifier: GPL-3.0-or-later
//! The IR in nf_tables' own terms, written and read: one file an expression, its encoder beside its decoder.
//!
//! Everything is written exactly as nft 1.0.6 writes it, so that a ruleset that came over netlink and one that came
//! through `nft -f` are the same to the kernel, and print the same. What is read and not known is an [`Unknown`] with
//! its name, never a guess.

mod bitwise;
mod chain;
mod cmp;
mod condition;
mod ct;
mod dump;
mod expression;
mod immediate;
mod interface;
mod known;
mod limit;
mod log;
mod lookup;
mod meta;
mod number;
mod payload;
mod range;
mod reject;
mod rule;
mod set;
mod table;
mod test;
mod userdata;

pub use table::UnknownPart;

pub(crate) use chain::Chain;
pub(crate) use dump::{Inventory, TableError, inventory, read_table};
pub(crate) use expression::Encoded;
pub(crate) use rule::{CLOSING, Rule};
pub(crate) use set::{Set, SetIds};
pub(crate) use table::Table;
pub(crate) use userdata::comment;

use ringwall_ir::Illegal;
use ringwall_ir::words::TableFamily;
use thiserror::Error;

use crate::netlink::Malformed;

/// A thing in the kernel that the IR has no word for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unknown {
    /// An attribute that ours never have.
    #[error("attribute {attribute} of `{holder}`")]
    Attribute {
        /// What holds it.
        holder: &'static str,
        /// Its type.
        attribute: u16,
    },
    /// An expression that ours never use.
    #[error("expression `{0}`")]
    Expression(String),
    /// What the IR does not allow.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Something that cannot be read at all.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Known expressions in an order that ours never have.
    #[error("{0}")]
    Shape(&'static str),
    /// A value that ours never have.
    #[error("{what} {value}")]
    Value {
        /// What has it.
        what: &'static str,
        /// The value.
        value: String,
    },
}

impl Unknown {
    fn value(what: &'static str, value: impl ToString) -> Self {
        Self::Value { what, value: value.to_string() }
    }
}

/// The kernel's number of a table's family (`NFPROTO_*` in `include/uapi/linux/netfilter.h`).
#[must_use]
pub(crate) const fn family_number(family: TableFamily) -> u8 {
    match family {
        TableFamily::Inet => 1,
        TableFamily::Ip => 2,
        TableFamily::Ip6 => 10,
    }
}
