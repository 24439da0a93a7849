// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain IR: what a policy is compiled to, what is printed, installed, read back and executed.
//!
//! This crate is a leaf. It knows no policy, no text of a back end, no socket and no packet.

pub mod fields;
mod interval;
mod print;
mod rule;
mod ruleset;
pub mod words;

pub use fields::Field;
pub use interval::IntervalSet;
pub use rule::{Illegal, InterfacePattern, Limit, Log, LogTarget, Match, Per, Rule, Statement, Values, Verdict};
pub use ruleset::{Chain, Origin, OriginId, Ruleset, Set, SetKind, Table};
