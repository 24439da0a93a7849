// SPDX-License-Identifier: GPL-3.0-or-later
//! Chains that lead in a circle. The kernel says only that there are too many links, and nft points at the rule of a base
//! chain from which packets would come there.

use std::collections::BTreeMap;

use super::names::words;

/// What the kernel says of chains that lead in a circle, or too deep.
const TOO_MANY: &str = "Could not process rule: Too many links";

/// What there is to add to nft's errors: the chains that lead in a circle in the text.
pub(super) fn told(errors: &str, text: &str) -> Option<String> {
    let circle = errors.contains(TOO_MANY).then(|| circle(&leads(text)))??;
    let names: Vec<_> = circle.iter().chain(circle.first()).map(|name| format!("`{name}`")).collect();
    Some(format!("chains lead in a circle: {}", names.join(" to ")))
}

/// For each chain, by its table and name, the chains that it leads to.
type Leads<'a> = BTreeMap<(Vec<&'a str>, &'a str), Vec<&'a str>>;

/// What the blocks of a text say.
fn leads(text: &str) -> Leads<'_> {
    let words = words(text);
    let mut leads = Leads::new();
    let (mut table, mut chain) = (Vec::new(), None);
    for (place, word) in words.iter().enumerate() {
        let behind = words.get(place + 1..).unwrap_or_default();
        match (*word, behind) {
            ("table", [name, "{", ..]) => table = vec![*name],
            ("table", [family, name, "{", ..]) => table = vec![*family, *name],
            ("chain", [name, "{", ..]) => chain = Some(*name),
            ("jump" | "goto", [target, ..]) => {
                let from = chain.map(|chain| (table.clone(), chain));
                from.into_iter().for_each(|from| leads.entry(from).or_default().push(*target));
            }
            _ => {}
        }
    }
    leads
}

/// Chains of which each leads to the next, and the last to the first.
fn circle<'a>(leads: &Leads<'a>) -> Option<Vec<&'a str>> {
    leads.keys().find_map(|(table, start)| {
        // The way on which each chain was met first.
        let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::from([(*start, vec![*start])]);
        let mut waiting = vec![*start];
        while let Some(chain) = waiting.pop() {
            let way = ways.get(chain).cloned().unwrap_or_default();
            for target in leads.get(&(table.clone(), chain)).into_iter().flatten() {
                if target == start {
                    return Some(way);
                }
                if !ways.contains_key(target) {
                    ways.insert(target, [way.as_slice(), &[*target]].concat());
                    waiting.push(target);
                }
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "table inet t {\n\
                        \tchain a { jump b; }\n\
                        \tchain b {\n\t\tip saddr vmap { 10.0.0.1 : goto c, 10.0.0.2 : accept }\n\t}\n\
                        \tchain c { # goto x\n\t\ttcp dport 1 jump a\n\t}\n\
                        \tchain input { type filter hook input priority 0; jump a; }\n}\n";

    #[test]
    fn the_chains_of_a_circle_are_named() {
        let errors = format!("nft: /dev/stdin:9:1-6: Error: {TOO_MANY}\n");
        assert_eq!(told(&errors, TEXT).as_deref(), Some("chains lead in a circle: `a` to `b` to `c` to `a`"));
        assert_eq!(told(&errors, "table ip a { chain x { jump y; } }\ntable ip b { chain y { jump x; } }"), None);
        assert_eq!(told("Error: another", TEXT), None);
    }
}
