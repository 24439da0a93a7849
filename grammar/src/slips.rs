// SPDX-License-Identifier: GPL-3.0-or-later
//! Wrong words that the grammar cannot see, because a name may stand where they stand.
//!
//! `allow inbund` reads as a sentence about a service called `inbund`. If nothing declares such a service, it is not what
//! the author meant.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::mend::{Exchange, exchanges};
use crate::span::Spanned;
use crate::tree::{Direction, Item, Name, Sentence, State, Traffic, TrafficKind, Tree};

/// Finds them, and puts into the tree what was meant.
pub(crate) fn mend_slips(tree: &mut Tree) -> Vec<Diagnostic> {
    let declared: BTreeSet<String> = tree.items.iter().filter_map(declared_service).cloned().collect();
    let mut findings = Vec::new();
    for item in &mut tree.items {
        let Item::Sentence(sentence) = item else { continue };
        let Some(name) = sentence.traffic.first().and_then(lone_service).cloned() else { continue };
        if !declared.contains(&name.node)
            && let Some(exchange) = exchanges(&name.node).into_iter().find(|exchange| mend(sentence, &name, exchange))
        {
            sentence.traffic.remove(0);
            findings.push(exchange.finding(&name.node, name.span));
        }
    }
    findings
}

fn declared_service(item: &Item) -> Option<&String> {
    match item {
        Item::Service(service) => Some(&service.name.node),
        _ => None,
    }
}

fn lone_service(traffic: &Traffic) -> Option<&Name> {
    match &traffic.kind {
        TrafficKind::Service(name) if traffic.hop_limit.is_none() => Some(name),
        _ => None,
    }
}

/// Puts the word that was meant where it belongs, if it can stand before the traffic of the sentence.
fn mend(sentence: &mut Sentence, name: &Name, exchange: &Exchange) -> bool {
    if !sentence.directions.is_empty() {
        return exchange.ours.is_empty();
    }
    let direction = match exchange.ours {
        "" => return true,
        "forwarded" => Some(Direction::Forwarded),
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    };
    let state = match exchange.ours {
        "established" => Some(State::Established),
        "invalid" => Some(State::Invalid),
        "related" => Some(State::Related),
        "untracked" => Some(State::Untracked),
        _ => None,
    };
    let state = state.filter(|_| sentence.states.is_empty());
    sentence.directions.extend(direction.map(|direction| Spanned::new(direction, name.span)));
    sentence.states.extend(state.map(|state| Spanned::new(state, name.span)));
    direction.is_some() || state.is_some()
}
