// SPDX-License-Identifier: GPL-3.0-or-later
//! How results are shown: data on standard output, talk on standard error.

#[cfg(feature = "kernel")]
pub mod changes;
pub mod file;
pub mod human;
pub mod json;
pub mod map;
pub mod packets;
pub mod progress;
pub mod sentence;
pub mod summary;
pub mod table;
mod terminal;
pub mod trace;
mod why;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use self::terminal::harmless;
use crate::failure::Failure;
use crate::input::is_standard;

/// Writes data to standard output, all of it.
///
/// # Errors
/// What kept it from being written.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::io("write", "standard output", &error))
}

/// Data that is made little by little. A short answer is given whole or not at all: nothing of it is written before it is
/// finished. Of a long one, no more than a part is held.
#[derive(Default)]
pub struct Stream {
    held: String,
}

impl Stream {
    /// Adds to the answer.
    ///
    /// # Errors
    /// What kept it from being written.
    pub fn add(&mut self, text: &str) -> Result<(), Failure> {
        const SHORT: usize = 1 << 20;
        self.held.push_str(text);
        if self.held.len() > SHORT {
            data(&self.held)?;
            self.held.clear();
        }
        Ok(())
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// What kept it from being written.
    pub fn finish(self) -> Result<(), Failure> {
        data(&self.held)
    }
}

/// Writes data where the user wants it: to a file, or to standard output.
///
/// # Errors
/// What kept it from being written.
pub fn data_to(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    match path {
        Some(path) if !is_standard(path) => file::replace(path, text),
        _ => data(text),
    }
}

/// More errors of one input than this are counted: nobody reads on.
pub const MOST_TOLD: usize = 100;

/// Tells of each, as far as anybody reads them.
pub fn tell_each<T>(all: &[T], tell: impl FnMut(&T)) {
    all.iter().take(MOST_TOLD).for_each(tell);
    if let Some(more @ 1..) = all.len().checked_sub(MOST_TOLD) {
        talk(format!("... and {more} more"));
    }
}

/// Says something to whoever sits there, who may be quoted words of a file that nobody trusts.
pub fn talk(words: impl Display) {
    show(&harmless(&words.to_string()));
}

/// Shows what was drawn for the terminal, colours and all. Where nobody listens, nothing is lost.
pub fn show(drawing: &str) {
    let _ = writeln!(io::stderr().lock(), "{drawing}");
}
