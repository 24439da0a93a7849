// SPDX-License-Identifier: GPL-3.0-or-later
//! The JSON form of the IR, for keeping, reviewing and handing on.
//!
//! The form is versioned and has a schema, `ir/schema/ringwall-ir-1.schema.json`. It is made for reading: fields, values
//! and words are texts in nft's spelling, and what is as usual is left out. Everything that is read passes the checks that
//! everything passes that is built. Nothing is lost: counts and remaining times are kept.
//!
//! ```
//! let text = r#"{
//!   "ringwall-ir": 1,
//!   "title": "laptop edition 1",
//!   "origins": [{ "id": "ssh", "text": "allow inbound ssh from lan", "line": 3 }],
//!   "tables": [
//!     {
//!       "family": "inet",
//!       "name": "ringwall",
//!       "sets": [
//!         { "name": "lan", "key": ["ipv4_addr"], "flags": ["interval"], "origin": 0, "values": ["192.168.1.0/24"] }
//!       ],
//!       "chains": [
//!         {
//!           "name": "input",
//!           "base": { "type": "filter", "hook": "input", "priority": -10, "policy": "drop", "closing": 0 },
//!           "rules": [
//!             {
//!               "steps": [
//!                 { "match": { "field": "ct state", "any-of": "new,established" } },
//!                 { "match": { "field": "ip saddr", "in": "@lan" } },
//!                 { "match": { "field": "tcp dport", "in": ["22", "8000-8080"] } },
//!                 { "counter": { "packets": 3, "bytes": 180 } }
//!               ],
//!               "verdict": "accept",
//!               "origin": 0
//!             }
//!           ]
//!         }
//!       ]
//!     }
//!   ]
//! }
//! "#;
//! let ruleset = ringwall_ir::json::read(text)?;
//! assert_eq!(ringwall_ir::json::write(&ruleset), text);
//! # Ok::<(), ringwall_ir::json::ReadError>(())
//! ```

mod chain;
#[cfg(test)]
mod conformity;
mod count;
mod document;
mod element;
mod fault;
mod layout;
mod object;
mod set;
mod statement;
mod step;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod verdict;
mod words;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use self::document::Document;
use crate::ruleset::Ruleset;

/// The version of the form that is written and read.
pub const VERSION: u64 = 1;

/// Why a document cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The text is not JSON, or not of the form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A part is not a legal one.
    #[error("{place}: {why}")]
    Illegal {
        /// Where: table, chain, rule and step, counted from 1.
        place: String,
        /// Why not.
        why: String,
    },
    /// The document does not say that it is one of a ruleset.
    #[error("the document has no `ringwall-ir` with the version of its form")]
    NoVersion,
    /// The document is of another version.
    #[error("the document is of version {found} of the form, and only version {VERSION} can be read here")]
    Version {
        /// The version.
        found: u64,
    },
}

/// The document of a ruleset. The same ruleset gives the same text; it ends in a newline.
#[must_use]
pub fn write(ruleset: &Ruleset) -> String {
    // Texts, numbers and lists of them are all that is in it: there is nothing that JSON could not say.
    layout::lines(&serde_json::to_string(&Document::of(ruleset)).unwrap_or_default())
}

/// Reads the ruleset of a document.
///
/// # Errors
/// [`ReadError`] where the text is not a document of this version of a legal ruleset.
pub fn read(text: &str) -> Result<Ruleset, ReadError> {
    /// What documents of all versions have.
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "ringwall-ir")]
        version: Option<u64>,
    }

    match serde_json::from_str::<Head>(text)?.version {
        Some(VERSION) => serde_json::from_str::<Document>(text)?.read(),
        Some(found) => Err(ReadError::Version { found }),
        None => Err(ReadError::NoVersion),
    }
}

/// The JSON schema of the documents (draft 2020-12), as `ir/schema/` keeps it. It says what the form is; which rulesets
/// are legal, [`read`] says.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Document).to_value();
    // The order must not depend on how serde_json keeps objects.
    schema.sort_all_objects();
    layout::lines(&schema.to_string())
}

impl Serialize for Ruleset {
    /// As the document of [`write`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ruleset {
    /// As [`read`], from a format that describes itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(deserializer)?.read().map_err(serde::de::Error::custom)
    }
}

/// Whether a value is as usual, and so left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
