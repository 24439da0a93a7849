// SPDX-License-Identifier: GPL-3.0-or-later
//! What somebody wrote beside parts of a ruleset, in the text of each target.

use ringwall_ir::words::Hook;
use ringwall_ir::{
    Counts, Element, Elements, KeyType, Meter, Ruleset, Set, SetSpec, Table, TableParts, Tuple, Verdict,
};
use ringwall_ir::{Datatype, OriginId};

use super::one_chain;
use crate::target::nft::write;
use crate::target::{NotAsWritten, Target, not_as_written};

/// A ruleset whose parts all have this comment, and whose set has an element that has counted.
fn beside_all(comment: &str) -> Ruleset {
    let ruleset = one_chain(Hook::Input, vec![(Vec::new(), Some(Verdict::Accept))]);
    let comment = Some(comment.to_owned());
    let counts = Counts { packets: 5, bytes: 10 };
    let spec = SetSpec {
        meters: vec![Meter::Counter(Counts::default())],
        ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)])
    };
    let element = Element {
        meters: vec![Meter::Counter(counts)],
        comment: comment.clone(),
        ..Element::of(Tuple::of(&[1]), OriginId(0))
    };
    let set = Set::new("s", spec, Elements::List(vec![element]), OriginId(0)).unwrap().with_comment(comment.clone());
    let table = &ruleset.tables[0];
    let chains = table.chains().iter().map(|chain| chain.clone().with_comment(comment.clone())).collect();
    let parts = TableParts { chains, sets: vec![set], comment, ..TableParts::default() };
    let tables = vec![Table::new(table.family(), table.name(), parts).unwrap()];
    Ruleset { tables, ..ruleset }
}

#[test]
fn all_that_nft_takes_in_a_comment_stays() {
    let text = write(&beside_all("a \\ 'b' $c # d\\")).unwrap();
    assert_eq!(text.matches("comment \"a \\ 'b' $c # d\\\"").count(), 5, "{text}");
    assert!(text.contains("0.0.0.1 counter packets 5 bytes 10 comment \"a"), "{text}");
    assert_eq!(not_as_written(&beside_all("a"), Target::Nft), []);
}

#[test]
fn a_quote_in_a_comment_is_an_error() {
    for comment in ["say \"a\"", &"c".repeat(129)] {
        let unsayable = write(&beside_all(comment)).unwrap_err();
        assert!(!unsayable.is_empty() && unsayable.iter().all(|each| each.reason.contains("comment")), "{unsayable:?}");
    }
}

#[test]
fn what_a_target_leaves_out_or_changes_is_told() {
    let told = |ruleset: &Ruleset, target| {
        let told = not_as_written(ruleset, target).into_iter();
        told.map(|NotAsWritten { message, .. }| message).collect::<Vec<_>>()
    };
    let ruleset = beside_all("a");
    let parts = "table ringwall, chain input, set s";
    assert_eq!(
        told(&ruleset, Target::NftJson),
        [
            format!("comments are left out: nft 1.0.6 takes none there in JSON: {parts}"),
            "counts of elements are left out: nft 1.0.6 takes none there in JSON: set s".to_owned(),
        ]
    );
    assert!(told(&ruleset, Target::Iptables)[0].ends_with(parts));
    let mut quoted = ruleset.clone();
    for origin in &mut quoted.origins {
        origin.because = Some("a \"b\"".to_owned());
    }
    let [changed] = not_as_written(&quoted, Target::Nft).try_into().unwrap();
    assert!(changed.origin.is_some() && changed.message.contains("a 'b'`"), "{}", changed.message);
}
