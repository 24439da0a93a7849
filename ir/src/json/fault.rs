// SPDX-License-Identifier: GPL-3.0-or-later
//! What is wrong with a document, and where.

use super::ReadError;
use crate::legal::Illegal;

/// What is wrong, with the places around it, the innermost first.
#[derive(Debug)]
pub(super) struct Fault {
    places: Vec<String>,
    why: String,
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self { places: Vec::new(), why }
    }
}

impl From<&str> for Fault {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

impl From<Illegal> for Fault {
    fn from(illegal: Illegal) -> Self {
        match illegal {
            Illegal::Rule { chain, number, why } => {
                Self { places: vec![rule(number), format!("chain `{chain}`")], why: why.to_string() }
            }
            other => other.to_string().into(),
        }
    }
}

impl From<Fault> for ReadError {
    fn from(Fault { mut places, why }: Fault) -> Self {
        places.reverse();
        Self::Illegal { place: places.join(", "), why }
    }
}

/// The place of a rule in its chain, from 1.
pub(super) fn rule(number: usize) -> String {
    format!("rule {number}")
}

/// Says where a fault is.
pub(super) trait At<T> {
    /// The thing, or what is wrong at the place.
    fn at(self, place: impl FnOnce() -> String) -> Result<T, Fault>;
}

impl<T, E: Into<Fault>> At<T> for Result<T, E> {
    fn at(self, place: impl FnOnce() -> String) -> Result<T, Fault> {
        self.map_err(|fault| {
            let mut fault = fault.into();
            fault.places.push(place());
            fault
        })
    }
}

/// Reads each of a list; a fault tells which, from 1.
pub(super) fn each<W, T>(
    what: &str,
    list: Vec<W>,
    mut read: impl FnMut(W) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    list.into_iter().enumerate().map(|(place, item)| read(item).at(|| format!("{what} {}", place + 1))).collect()
}
