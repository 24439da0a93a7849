// SPDX-License-Identifier: GPL-3.0-or-later
//! nft text: the own table in a form that loads on an empty and on a loaded kernel alike.

mod name;
mod rule;
mod value;
mod write;

pub use write::{CLOSING, write};

#[cfg(test)]
mod tests;
