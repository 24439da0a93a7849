// SPDX-License-Identifier: GPL-3.0-or-later
//! The IR to and from the text of other programs. What a target cannot say is an error; nothing is approximated.

mod comments;
mod ipset;
pub mod iptables;
pub mod nft;
pub mod nft_json;
mod reach;

use std::fmt;

use ringwall_ir::{Early, Origin, OriginId, Ruleset};
use thiserror::Error;

pub use self::comments::{NotAsWritten, not_as_written};

/// A program whose text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// nft(8)
    Nft,
    /// nft(8) with `-j`
    NftJson,
    /// iptables-restore(8)
    Iptables,
    /// ip6tables-restore(8)
    Ip6tables,
}

impl Target {
    /// The program's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nft => "nft",
            Self::NftJson => "nft-json",
            Self::Iptables => "iptables",
            Self::Ip6tables => "ip6tables",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A part of a ruleset that a target's text cannot say.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{target} cannot say this: {reason}")]
pub struct Unsayable {
    /// The sentence that the part comes from.
    pub origin: OriginId,
    /// The target.
    pub target: Target,
    /// Why not: a part of a sentence, lower-case.
    pub reason: String,
    /// What can be done about it, where there is something.
    pub help: Option<String>,
}

impl Unsayable {
    /// A rule that nf_tables would make without effect.
    fn early(early: &Early, target: Target) -> Self {
        Self { origin: early.origin, target, reason: early.reason(), help: Some(Early::HELP.to_owned()) }
    }
}

/// The two comment lines at the head of a text.
fn header(ruleset: &Ruleset, loader: &str) -> String {
    let title = one_line(&ruleset.title);
    let made = format!("# compiled by ringwall for {loader}: edit the policy, not this file\n");
    if title.is_empty() { made } else { format!("# {title}\n{made}") }
}

/// The sentence as a comment for the rules that come from it. Rules of somebody's ruleset come from no sentence, and speak
/// for themselves.
fn sentence(origin: Option<&Origin>) -> Option<String> {
    let text = one_line(&origin.filter(|origin| !origin.id.is_empty())?.text);
    (!text.is_empty()).then(|| format!("# {text}"))
}

/// The longest line of words, in characters: iptables-restore takes what stands behind 10,239 bytes for a new line.
const LINE_MAX: usize = 1000;

/// The text without line breaks, and so without the policy's `\` that continues a line, and without control characters.
fn one_line(text: &str) -> String {
    let joined = text.replace("\r\n", "\n").replace("\\\n", " ");
    let printable: String = joined.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LINE_MAX) {
        Some((end, _)) => format!("{} ...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_squeezed_to_one_line() {
        assert_eq!(one_line("allow inbound \\\r\n  ssh\tfrom lan"), "allow inbound ssh from lan");
        assert_eq!(one_line("a\u{1b}[31mb\nc"), "a [31mb c");
        assert_eq!(one_line(&"é".repeat(20_000)).chars().count(), LINE_MAX + 4);
    }
}
