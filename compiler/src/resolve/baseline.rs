// SPDX-License-Identifier: GPL-3.0-or-later
//! `baseline NAME`: sentences fixed by the edition, written in the language itself.

use ringwall_grammar::tree::{Baseline, Item, Name};
use ringwall_grammar::{Code, Diagnostic, suggest};

use super::Placed;

/// A baseline by name, with its sentences.
const BASELINES: &[(&str, &str)] = &[("host", include_str!("baseline/host.policy"))];

/// Baselines of the edition that this version does not have yet.
const NOT_YET: &[&str] = &["server", "router"];

/// The items of a policy with each baseline written out at its place.
pub(super) fn expand(items: &[Item], diagnostics: &mut Vec<Diagnostic>) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut first: Option<&Baseline> = None;
    for item in items {
        match (item, first) {
            (Item::Baseline(baseline), Some(first)) => diagnostics.push(second(baseline, first)),
            (Item::Baseline(baseline), None) => {
                first = Some(baseline);
                placed.extend(sentences(baseline, diagnostics));
            }
            (item, _) => placed.push(Placed { item: item.clone(), baseline: None, span: span_of(item) }),
        }
    }
    placed
}

fn sentences(baseline: &Baseline, diagnostics: &mut Vec<Diagnostic>) -> Vec<Placed> {
    let Some((_, text)) = BASELINES.iter().find(|(name, _)| *name == baseline.name.node) else {
        diagnostics.push(unknown(&baseline.name));
        return Vec::new();
    };
    let (tree, mistakes) = ringwall_grammar::parse(text);
    debug_assert!(mistakes.is_empty(), "{mistakes:?}");
    for part in &baseline.except {
        if !tree.items.iter().any(|item| is_part(item, &part.node)) {
            diagnostics.push(unknown_part(part, &tree.items));
        }
    }
    tree.items
        .into_iter()
        .filter(|item| !baseline.except.iter().any(|part| is_part(item, &part.node)))
        .map(|item| Placed { item, baseline: Some(text), span: baseline.span })
        .collect()
}

/// Whether the item's label is `BASELINE-PART`, `BASELINE-PART-in` or `BASELINE-PART-out`.
fn is_part(item: &Item, part: &str) -> bool {
    part_of(item).is_some_and(|name| name == part)
}

fn part_of(item: &Item) -> Option<&str> {
    let Item::Sentence(sentence) = item else { return None };
    let (_, name) = sentence.label.as_ref()?.node.split_once('-')?;
    Some(name.strip_suffix("-in").or_else(|| name.strip_suffix("-out")).unwrap_or(name))
}

fn second(baseline: &Baseline, first: &Baseline) -> Diagnostic {
    Diagnostic::new(Code::DuplicateName, baseline.span, "a policy has one baseline")
        .related(first.span, "the first one")
        .help("remove one of the two")
}

fn unknown(name: &Name) -> Diagnostic {
    if NOT_YET.contains(&name.node.as_str()) {
        return Diagnostic::new(Code::NotYet, name.span, format!("`baseline {}` is not there yet", name.node))
            .help("this version has `baseline host`");
    }
    Diagnostic::new(Code::UnknownName, name.span, format!("there is no baseline `{}`", name.node))
        .help("this version has `baseline host`")
}

fn unknown_part(part: &Name, items: &[Item]) -> Diagnostic {
    let mut parts: Vec<&str> = items.iter().filter_map(part_of).collect();
    parts.dedup();
    let help = match suggest(&part.node, parts.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its parts are {}", parts.join(", ")),
    };
    Diagnostic::new(Code::UnknownName, part.span, format!("the baseline has no part `{}`", part.node)).help(help)
}

fn span_of(item: &Item) -> ringwall_grammar::Span {
    match item {
        Item::Baseline(item) => item.span,
        Item::Expect(item) => item.span,
        Item::Network(item) => item.span,
        Item::Otherwise(item) => item.span,
        Item::Sentence(item) => item.span,
        Item::Service(item) => item.span,
    }
}
