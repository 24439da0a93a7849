// SPDX-License-Identifier: GPL-3.0-or-later
//! Other people's rulesets may hold what the IR does not allow: it becomes a named unknown, and the rest stays.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::words::TableFamily;
use ringwall_ir::{Chain, Illegal, MapRef, OriginId, Place, Rule, Set, Step, Table, TableParts, Unknown, Verdict};

fn unknown(text: &str, illegal: &Illegal) -> Step {
    Step::Unknown(Unknown { name: "illegal step".to_owned(), text: text.to_owned(), reason: illegal.to_string() })
}

/// A rule of these steps; those that are illegal wherever they stand are named instead. An empty rule lets packets go on.
pub(super) fn rule(origin: OriginId, steps: Vec<Step>, verdict: Option<Verdict>) -> Rule {
    let verdict = match Rule::new(origin, steps.clone(), verdict.clone()) {
        Ok(rule) => return rule,
        Err(Illegal::Nothing) => Some(Verdict::Continue),
        Err(_) => verdict,
    };
    let mut named = Vec::with_capacity(steps.len());
    for step in steps {
        named.push(match Rule::new(origin, vec![step.clone()], Some(Verdict::Accept)) {
            Ok(_) => step,
            Err(illegal) => {
                let text = match &step {
                    Step::Match(test) => test.to_string(),
                    Step::Statement(statement) => statement.to_string(),
                    Step::Unknown(unknown) => unknown.text.clone(),
                };
                unknown(&text, &illegal)
            }
        });
    }
    match Rule::new(origin, named.clone(), verdict.clone()) {
        Ok(rule) => rule,
        Err(illegal) => {
            let text = verdict.map_or_else(String::new, |verdict| verdict.to_string());
            named.push(unknown(&text, &illegal));
            whole(origin, named, &illegal)
        }
    }
}

/// A rule of steps that are legal.
fn whole(origin: OriginId, steps: Vec<Step>, illegal: &Illegal) -> Rule {
    match Rule::new(origin, steps, None) {
        Ok(rule) => rule,
        Err(_) => only(origin, "a rule", illegal),
    }
}

/// A rule that is nothing but unknown.
fn only(origin: OriginId, text: &str, illegal: &Illegal) -> Rule {
    let steps = vec![unknown(text, illegal)];
    #[expect(clippy::expect_used, reason = "an unknown step is legal anywhere")]
    Rule::new(origin, steps, None).expect("a rule of an unknown step")
}

/// Adds a rule to a chain. One that has no meaning there is named instead.
pub(super) fn add(chain: &mut Chain, rule: Rule) {
    let (origin, text) = (rule.origin(), rule.to_string());
    if let Err(illegal) = chain.add(rule) {
        // What is unknown is legal at every hook.
        let _ = chain.add(only(origin, &text, &illegal));
    }
}

/// A table of these parts. A rule that has no meaning somewhere that packets meet it is named instead.
///
/// # Errors
/// [`Illegal`] where that is not enough.
pub(super) fn table(family: TableFamily, name: &str, parts: TableParts) -> Result<Table, Illegal> {
    let parts = match Table::of_parts(family, name, parts) {
        Ok(table) => return Ok(table),
        Err(refused) => refused.1,
    };
    let places = places(&parts);
    let mut mended = Vec::with_capacity(parts.chains.len());
    for chain in &parts.chains {
        let mut anew = empty(chain)?;
        for rule in chain.rules() {
            let met = places.get(chain.name()).into_iter().flatten();
            let illegal =
                met.map(|place| place.check(rule)).chain([alone(family, &parts, chain, rule)]).find_map(Result::err);
            match illegal {
                None => add(&mut anew, rule.clone()),
                Some(illegal) => add(&mut anew, only(rule.origin(), &rule.to_string(), &illegal)),
            }
        }
        mended.push(anew);
    }
    Table::new(family, name, TableParts { chains: mended, ..parts })
}

fn empty(chain: &Chain) -> Result<Chain, Illegal> {
    let empty = match chain.bound() {
        Some(base) => Chain::base(chain.name(), *base),
        None => Chain::regular(chain.name()),
    };
    Ok(empty?.with_comment(chain.comment().map(str::to_owned)))
}

/// Whether a rule is legal in its table when no other rule is there.
fn alone(family: TableFamily, parts: &TableParts, chain: &Chain, rule: &Rule) -> Result<(), Illegal> {
    let mut chains = parts.chains.iter().map(empty).collect::<Result<Vec<_>, _>>()?;
    if let Some(own) = chains.iter_mut().find(|own| own.name() == chain.name()) {
        own.add(rule.clone())?;
    }
    let sets = parts.sets.iter().map(without_elements).collect::<Result<_, _>>()?;
    let parts = TableParts { objects: parts.objects.clone(), sets, chains, ..TableParts::default() };
    Table::new(family, "t", parts).map(|_| ())
}

fn without_elements(set: &Set) -> Result<Set, Illegal> {
    Set::new(set.name(), set.spec().clone(), ringwall_ir::Elements::NONE, set.origin())
}

/// For each chain, the places where packets meet its rules.
fn places(parts: &TableParts) -> BTreeMap<&str, BTreeSet<Place>> {
    let mut places: BTreeMap<&str, BTreeSet<Place>> = BTreeMap::new();
    for base in &parts.chains {
        let Some(place) = base.bound().map(Place::of) else { continue };
        let mut waiting = vec![base.name()];
        while let Some(name) = waiting.pop() {
            let Some(chain) = parts.chains.iter().find(|chain| chain.name() == name) else { continue };
            if places.entry(chain.name()).or_default().insert(place) {
                for rule in chain.rules() {
                    waiting.extend(rule.targets());
                    if let Some(Verdict::Map(map)) = rule.verdict()
                        && let MapRef::Named(map) = &map.map
                    {
                        let set = parts.sets.iter().find(|set| set.name() == map);
                        waiting.extend(set.into_iter().flat_map(Set::targets));
                    }
                }
            }
        }
    }
    places
}
