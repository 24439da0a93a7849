// SPDX-License-Identifier: GPL-3.0-or-later
//! nft text: the own table in a form that loads on an empty and on a loaded kernel alike.

mod context;
mod merge;
mod name;
mod object;
mod order;
mod rule;
mod sayable;
mod set;
mod time;
mod write;

pub use write::{CLOSING, write};

#[cfg(test)]
mod tests;
