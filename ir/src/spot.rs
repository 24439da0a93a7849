// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the parts of a ruleset stand that has no lines: what the kernel holds, and lists in JSON.

use std::collections::BTreeMap;

use crate::ruleset::{Origin, OriginId, Ruleset};
use crate::table::Table;

/// The place of a part of a ruleset that has no lines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spot {
    /// A name that stays when other parts come and go: `inet/filter/input/5f2c91d0`, of the table, the chain, and a hash of
    /// the rule's words; the second rule of the same words has `/2` behind it.
    pub id: String,
    /// The place in nft's words: `inet filter input #3`, the third rule of the chain.
    pub place: String,
}

impl Ruleset {
    /// Gives each rule, chain policy, set and object that comes from an origin of its own its place, and its own words.
    pub fn locate(&mut self) {
        let mut taken = BTreeMap::new();
        let found: Vec<_> = self.tables.iter().flat_map(|table| spots(table, &mut taken)).collect();
        for (origin, spot, text) in found {
            let origin = usize::try_from(origin.0).ok().and_then(|place| self.origins.get_mut(place));
            if let Some(origin @ Origin { spot: None, .. }) = origin {
                origin.spot = Some(spot);
                origin.text = text;
            }
        }
    }
}

fn spots(table: &Table, taken: &mut BTreeMap<String, u32>) -> Vec<(OriginId, Spot, String)> {
    let own = [table.family().name(), table.name()];
    let (path, words) = (own.join("/"), own.join(" "));
    let mut found = Vec::new();
    for chain in table.chains() {
        let (path, words) = (format!("{path}/{}", chain.name()), format!("{words} {}", chain.name()));
        for (number, rule) in (1..).zip(chain.rules()) {
            let text = rule.to_string();
            let mut id = format!("{path}/{:08x}", hash(&text));
            let count = taken.entry(id.clone()).or_default();
            *count += 1;
            if *count > 1 {
                id = format!("{id}/{count}");
            }
            found.push((rule.origin(), Spot { id, place: format!("{words} #{number}") }, text));
        }
        if let Some(base) = chain.bound() {
            let spot = Spot { id: format!("{path}/policy"), place: words };
            found.push((base.closing, spot, format!("policy {}", base.policy.name())));
        }
    }
    let mut named = |kind: &str, name: &str, origin| {
        let spot = Spot { id: format!("{path}/{}/{name}", kind.replace(' ', "-")), place: words.clone() };
        found.push((origin, spot, format!("{kind} {name}")));
    };
    for set in table.sets() {
        named(if set.spec().data.is_some() { "map" } else { "set" }, set.name(), set.origin());
    }
    for object in table.objects() {
        named(object.body().kind().name(), object.name(), object.origin());
    }
    found
}

/// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>), of 32 bits.
fn hash(words: &str) -> u32 {
    words.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{BaseChain, Chain};
    use crate::rule::Verdict;
    use crate::table::TableParts;
    use crate::words::{ChainPolicy, Hook, Priority, TableFamily};

    /// A chain of these verdicts, the last of whose origins is that of its chain policy.
    fn ids(verdicts: &[Verdict]) -> Vec<String> {
        let closing = OriginId(u32::try_from(verdicts.len()).unwrap());
        let base = BaseChain::filter(Hook::Input, Priority::FILTER, ChainPolicy::Drop, closing);
        let mut chain = Chain::base("input", base).unwrap();
        for (place, verdict) in (0..).zip(verdicts) {
            chain.push(OriginId(place), Vec::new(), Some(verdict.clone())).unwrap();
        }
        let parts = TableParts { chains: vec![chain], ..TableParts::default() };
        let tables = vec![Table::new(TableFamily::Inet, "filter", parts).unwrap()];
        let origins = vec![Origin::default(); verdicts.len() + 1];
        let mut ruleset = Ruleset { tables, origins, ..Ruleset::default() };
        ruleset.locate();
        let shown = |origin: &Origin| {
            let spot = origin.spot.as_ref().unwrap();
            format!("{} = {}: {}", spot.id, spot.place, origin.text)
        };
        ruleset.origins.iter().map(shown).collect()
    }

    #[test]
    fn a_rule_is_told_by_its_place_and_named_by_its_words() {
        assert_eq!(
            ids(&[Verdict::Accept, Verdict::Drop, Verdict::Accept]),
            [
                "inet/filter/input/08247e29 = inet filter input #1: accept",
                "inet/filter/input/a9a58d8c = inet filter input #2: drop",
                "inet/filter/input/08247e29/2 = inet filter input #3: accept",
                "inet/filter/input/policy = inet filter input: policy drop",
            ]
        );
        assert!(ids(&[Verdict::Drop])[0].starts_with("inet/filter/input/a9a58d8c = inet filter input #1"));
    }
}
