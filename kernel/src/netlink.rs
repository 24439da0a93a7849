// SPDX-License-Identifier: GPL-3.0-or-later
//! Netlink as nf_tables, conntrack and their events speak it: a socket, messages, attributes, dumps and transactions.
//!
//! Nothing here knows what a rule means. Bytes that cannot be read are errors, never panics: see [`Malformed`].

mod attribute;
mod dump;
mod error;
mod message;
mod socket;
mod transaction;

pub use attribute::{Attribute, AttributeWriter, Attributes, Value};
pub use dump::{Dump, Query, dump, generation, nf_tables_operation};
pub use error::{Malformed, NetlinkError, Refused};
pub use message::{Message, Messages, message};
pub use socket::{Socket, Wait};
pub use transaction::{Transaction, commit};
