// SPDX-License-Identifier: GPL-3.0-or-later
//! A rule as the kernel holds it, and how the IR's rules become it and are read from it.

mod read;
mod write;

pub use read::read;
pub use write::{closing, write};

use super::expression::Expression;
use super::set::Set;

/// The comment of the last rule of a closed chain. A chain policy alone lets packets through while it is replaced.
pub const CLOSING: &str = "closing";

/// A rule in the kernel's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it does, in order.
    pub expressions: Vec<Expression>,
    /// The anonymous sets that its expressions look up.
    pub sets: Vec<Set>,
    /// Its comment: the sentence that it comes from.
    pub comment: String,
}
