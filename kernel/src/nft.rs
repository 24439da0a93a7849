// SPDX-License-Identifier: GPL-3.0-or-later
//! The IR in nf_tables' own terms, written and read: one file an expression, its encoder beside its decoder.
//!
//! Everything is written exactly as nft 1.0.6 writes it, so that a ruleset that came over netlink and one that came
//! through `nft -f` are the same to the kernel, and print the same. What is read and not known is an [`Unknown`] with
//! its name, never a guess.

mod bytes;
mod chain;
mod devices;
mod dump;
mod expression;
mod field;
mod found;
mod known;
mod legality;
mod object;
mod origins;
mod register;
mod rule;
mod set;
mod table;
mod typeof_data;
mod userdata;
mod verdict;

pub use object::NoTimeout;
pub use rule::Unsayable;

pub(crate) use chain::{FoundChain, declaration as chain_declaration};
pub(crate) use devices::Devices;
pub(crate) use dump::{Depth, Dumps, dump_rules, dump_tables};
pub(crate) use expression::Expression;
pub(crate) use found::{Found, FoundRule, FoundTable};
pub(crate) use object::{
    FoundObject, check as check_object, normal_body, write as write_object, write_name as write_object_name,
};
pub(crate) use origins::Origins;
pub(crate) use rule::{CLOSING, CLOSING_EXPRESSIONS, GUARD, RuleWriter, deciding};
pub(crate) use set::{Anonymous, FoundSet, ListWriter, Named, SetIds, SetName, in_messages, key_of, refers};
pub(crate) use table::{closes, read as read_table};
pub(crate) use userdata::{comment, with_comment_in};
pub(crate) use verdict::Code;

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
    /// Known things put together in a strange way.
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
