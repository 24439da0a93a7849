// SPDX-License-Identifier: GPL-3.0-or-later
//! Ringwall's policy language: text to syntax tree, with every error of a file at once.
//!
//! [`decode()`] makes text of bytes, [`parse()`] a tree of text. `policy.pest` is the language; what it cannot read becomes
//! findings: a misspelt word (`mend`), a word or a line of another firewall (`foreign`), a form that this version does not
//! compile (`not_yet`), or another mistake (`mistakes`).
//!
//! This crate is a leaf: it knows no address, no port and no netfilter. pest stops here.

pub mod code;
pub mod diagnostic;
pub mod span;
pub mod tree;
pub mod words;

mod decode;
mod draft;
mod expected;
mod foreign;
mod mend;
mod mistakes;
mod not_yet;
mod origin;
mod parse;
mod parser;
mod slips;
mod tree_builder;

pub use code::{Code, Severity};
pub use decode::{MAX_BYTES, decode};
pub use diagnostic::{Diagnostic, any_error};
pub use parse::parse;
pub use span::{Span, Spanned};
pub use words::suggest;
