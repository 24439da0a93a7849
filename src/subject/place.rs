// SPDX-License-Identifier: GPL-3.0-or-later
//! Where something stands in a ruleset whose lines say nothing to its reader: lists in JSON, and what nft makes of its text.

use ringwall_ir::{Chain, OriginId, Ruleset, Table};

/// The place of what comes from an origin, in nft's words: `rule 3 of chain input in table inet filter`.
pub fn of(ruleset: &Ruleset, origin: OriginId) -> Option<String> {
    let found = ruleset.tables.iter().find_map(|table| Some((table, in_table(table, origin)?)));
    match found {
        Some((table, place)) => Some(format!("{place} in table {} {}", table.family().name(), table.name())),
        None => ruleset.origin(origin).map(|origin| origin.text.clone()).filter(|text| !text.is_empty()),
    }
}

fn in_table(table: &Table, origin: OriginId) -> Option<String> {
    let rule = |chain: &Chain| {
        let place = chain.rules().iter().position(|rule| rule.origin() == origin)?;
        Some(format!("rule {} of chain {}", place + 1, chain.name()))
    };
    let set = || table.sets().iter().find(|set| set.origin() == origin);
    let object = || table.objects().iter().find(|object| object.origin() == origin);
    table
        .chains()
        .iter()
        .find_map(rule)
        .or_else(|| set().map(|set| format!("set {}", set.name())))
        .or_else(|| object().map(|object| format!("{} {}", object.body().kind().name(), object.name())))
}

#[cfg(test)]
mod tests {
    use ringwall_ir::words::TableFamily;
    use ringwall_ir::{Origin, TableParts, Verdict};

    use super::*;

    #[test]
    fn a_rule_is_told_by_its_number_in_its_chain() {
        let mut chain = Chain::regular("c").unwrap();
        chain.push(OriginId(1), Vec::new(), Some(Verdict::Accept)).unwrap();
        chain.push(OriginId(2), Vec::new(), Some(Verdict::Drop)).unwrap();
        let parts = TableParts { chains: vec![chain], ..TableParts::default() };
        let beside = Origin { text: "table x".to_owned(), ..Origin::default() };
        let tables = vec![Table::new(TableFamily::Inet, "t", parts).unwrap()];
        let ruleset = Ruleset { tables, origins: vec![beside], ..Ruleset::default() };
        assert_eq!(of(&ruleset, OriginId(2)).as_deref(), Some("rule 2 of chain c in table inet t"));
        assert_eq!(of(&ruleset, OriginId(0)).as_deref(), Some("table x"));
        assert_eq!(of(&ruleset, OriginId(9)), None);
    }
}
