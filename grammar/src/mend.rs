// SPDX-License-Identifier: GPL-3.0-or-later
//! What is wrong with a broken piece of a policy, and what its author meant.
//!
//! pest stops at the first word that cannot stand where it stands. Around that word, each word that is not ours gives way
//! to the words of the language that it resembles; the exchange that lets pest read on names the mistake. So a misspelt
//! word is found where it stands, even if pest took it for a name and stopped behind it. What no exchange mends is
//! explained in `mistakes`.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, Stop};
use crate::foreign;
use crate::mistakes;
use crate::not_yet;
use crate::parser::{Pairs, Rule};
use crate::span::Span;
use crate::tree::{Header, Item};
use crate::tree_builder::Builder;
use crate::words::{FLAGS, RESERVED, suggestions};

/// So many words of one piece are mended; a piece with more of them is hardly a policy.
const MOST_MENDED: usize = 8;

/// In a longer piece no word is mended: reading it again and again would take too long.
const LONGEST_MENDED: usize = 16 << 10;

/// A misspelt word may stand so many words before the one at which pest stops.
const LOOK_BACK: usize = 3;

/// A broken piece as far as it could be understood.
#[derive(Debug, Default)]
pub(crate) struct Mended {
    /// The header, if the piece was meant as one.
    pub(crate) header: Option<Header>,
    /// The items that were meant, if all of the piece could be mended.
    pub(crate) items: Vec<Item>,
    /// What is wrong with it.
    pub(crate) findings: Vec<Diagnostic>,
}

/// Explains the piece that starts at byte `base` of the file.
pub(crate) fn mend(piece: &str, base: usize) -> Mended {
    let original = Draft::new(piece, base);
    let foreign = foreign::line(&original.words());
    if let Some(line) = foreign.as_ref().filter(|line| line.ours.is_some()) {
        return Mended::hopeless(foreign_line(&original, line));
    }
    let mut draft = original.clone();
    let mut mended = Mended::default();
    loop {
        let stop = match draft.read() {
            Ok(pairs) => {
                mended.keep(&draft, pairs);
                return mended;
            }
            Err(stop) => stop,
        };
        let mendable = piece.len() <= LONGEST_MENDED && mended.findings.len() < MOST_MENDED;
        match mendable.then(|| typo(&draft, &stop)).flatten() {
            Some((next, finding)) => {
                mended.findings.push(finding);
                draft = next;
            }
            None => {
                if let Some(line) = foreign {
                    return Mended::hopeless(foreign_line(&original, &line));
                }
                mended.findings.push(mistakes::explain(&draft, &stop));
                return mended;
            }
        }
    }
}

impl Mended {
    /// A piece of which only that can be said.
    fn hopeless(finding: Diagnostic) -> Self {
        Self { findings: vec![finding], ..Self::default() }
    }

    /// Builds what pest could read after all.
    fn keep(&mut self, draft: &Draft, pairs: Pairs<'_>) {
        let builder = Builder::new(draft.origin());
        for pair in pairs {
            let built = match pair.as_rule() {
                Rule::EOI => Ok(()),
                Rule::header => builder.header(&pair).map(|header| self.header = Some(header)),
                _ => builder.item(&pair).map(|item| self.items.push(item)),
            };
            self.findings.extend(built.err());
        }
    }
}

fn foreign_line(draft: &Draft, line: &foreign::Line) -> Diagnostic {
    let place = draft.place(0, draft.words().len());
    let finding = Diagnostic::new(Code::ForeignWord, place, format!("this is a line of {}", line.language));
    match &line.ours {
        Some(ours) => finding.help(format!("in a policy: `{ours}`")),
        None => finding.help("a policy holds sentences, such as `allow inbound ssh from 192.168.1.0/24`"),
    }
}

/// The draft with the word exchanged that lets pest read furthest, and what to say about that word.
fn typo(draft: &Draft, stop: &Stop) -> Option<(Draft, Diagnostic)> {
    let at = draft.index_at(stop.at);
    (at.saturating_sub(LOOK_BACK)..=at).rev().find_map(|index| {
        let word = draft.word(index).to_owned();
        let (_, next, exchange) = exchanges(&word)
            .into_iter()
            .filter(|exchange| index == at || !exchange.may_be_a_name(&word))
            .filter_map(|exchange| {
                let next = draft.with(index, exchange.ours);
                Some((gain(draft, at, &next)?, next, exchange))
            })
            .reduce(|best, other| if other.0 > best.0 { other } else { best })?;
        let finding = exchange.finding(&word, draft.place(index, 1));
        Some((next, finding))
    })
}

/// How many words further pest reads in `next`, if it does: all of them is the most.
fn gain(draft: &Draft, at: usize, next: &Draft) -> Option<usize> {
    let reached = match next.read() {
        Ok(_) => usize::MAX,
        Err(stop) => (next.index_at(stop.at) + draft.words().len()).checked_sub(next.words().len())?,
    };
    let opens_form_not_read = not_yet::opening(&next.words()).is_some() && not_yet::opening(&draft.words()).is_none();
    (reached > at || opens_form_not_read).then_some(reached)
}

/// A word that may stand in the place of another.
pub(crate) struct Exchange {
    /// Our word; empty if the other should be left out.
    pub(crate) ours: &'static str,
    /// Whose word the other one is, if it is not just misspelt.
    whose: Option<&'static str>,
}

/// Our words for a word that is not ours, likeliest first.
pub(crate) fn exchanges(word: &str) -> Vec<Exchange> {
    let foreign = foreign::word(word).map(|word| Exchange { ours: word.ours, whose: Some(word.whose) });
    let known = RESERVED.iter().chain(FLAGS).copied();
    let near = if RESERVED.contains(&word) { Vec::new() } else { suggestions(word, known) };
    foreign.into_iter().chain(near.into_iter().map(|ours| Exchange { ours, whose: None })).collect()
}

impl Exchange {
    /// Whether the word is short and resembles ours only as names resemble words: `rdp 3389` is not a misspelt `udp 3389`.
    fn may_be_a_name(&self, word: &str) -> bool {
        let letters = |word: &str| {
            let mut letters: Vec<char> = word.chars().collect();
            letters.sort_unstable();
            letters
        };
        self.whose.is_none() && word.len() <= 4 && word.len() == self.ours.len() && letters(word) != letters(self.ours)
    }

    /// What to say about the word at `span` in whose place ours should stand.
    pub(crate) fn finding(&self, word: &str, span: Span) -> Diagnostic {
        let ours = self.ours;
        let Some(whose) = self.whose else { return misspelt(word, span, ours) };
        let (here, help) = match ours {
            "" => (String::new(), "leave it out".to_owned()),
            _ => (format!("; here it is `{ours}`"), format!("write `{ours}`")),
        };
        Diagnostic::new(Code::ForeignWord, span, format!("`{word}` is a word of {whose}{here}")).help(help)
    }
}

/// What to say about the word at `span` that was meant to be ours.
pub(crate) fn misspelt(word: &str, span: Span, ours: &str) -> Diagnostic {
    if word.to_lowercase() == ours {
        return Diagnostic::new(Code::Syntax, span, format!("`{word}` is not `{ours}`"))
            .help(format!("write `{ours}`: capitals count"));
    }
    Diagnostic::new(Code::Syntax, span, format!("there is no word `{word}`; did you mean `{ours}`?"))
        .help(format!("write `{ours}`"))
}
