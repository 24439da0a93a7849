// SPDX-License-Identifier: GPL-3.0-or-later
//! What somebody wrote beside tables, chains, sets, objects and elements, and what elements have counted.

use ringwall_ir::{Counts, Elements, Meter, Ruleset, Table, TableParts};
use ringwall_kernel::install::{apply, read_ruleset};

use crate::private::{flush, in_namespace, list, load};

const TEXT: &str = "table inet t {
    comment \"a table\\\"
    counter k {
        comment \"an object\"
    }
    map m {
        type ipv4_addr : inet_service
        comment \"a map\"
    }
    set s {
        type ipv4_addr . inet_service
        flags interval
        counter
        comment \"a set\"
        elements = { 10.0.0.0/8 . 22 comment \"an \\ element\" }
    }
    chain c {
        comment \"a base chain\"
        type filter hook input priority 0; policy accept;
        jump r comment \"a rule\\\"
    }
    chain r {
        comment \"a chain\"
        accept
    }
}
";

#[test]
fn comments_are_read_and_installed() {
    in_namespace("comments::comments_are_read_and_installed", || {
        load(TEXT);
        let wanted = list();
        let ruleset = read_ruleset().unwrap();
        let [table] = ruleset.tables.as_slice() else { panic!("{ruleset}") };
        assert_eq!(table.comment(), Some("a table\\"));
        assert_eq!(
            table.chains().iter().map(|chain| chain.comment()).collect::<Vec<_>>(),
            [Some("a base chain"), Some("a chain")]
        );
        assert_eq!(table.objects()[0].comment(), Some("an object"));
        assert_eq!(table.sets().iter().map(|set| set.comment()).collect::<Vec<_>>(), [Some("a map"), Some("a set")]);
        flush();
        apply(&ruleset).unwrap();
        assert_eq!(list(), wanted);
        assert_eq!(read_ruleset().unwrap(), ruleset);
    });
}

/// The kernel changes no comment of what is there already.
#[test]
fn the_comment_of_what_is_there_stays() {
    in_namespace("comments::the_comment_of_what_is_there_stays", || {
        load(TEXT);
        let ruleset = read_ruleset().unwrap();
        let other = with(&ruleset, |mut parts| {
            parts.comment = Some("another".to_owned());
            parts.sets = parts.sets.into_iter().map(|set| set.with_comment(None)).collect();
            parts
        });
        apply(&other).unwrap();
        assert_eq!(read_ruleset().unwrap(), ruleset);
    });
}

#[test]
fn what_elements_have_counted_is_installed() {
    in_namespace("comments::what_elements_have_counted_is_installed", || {
        load(TEXT);
        let counted = with(&read_ruleset().unwrap(), |mut parts| {
            let counts = Meter::Counter(Counts { packets: 5, bytes: 700 });
            let count = |set: ringwall_ir::Set| {
                let Elements::List(list) = set.elements() else { return set };
                let list = list.iter().map(|element| ringwall_ir::Element { meters: vec![counts], ..element.clone() });
                let anew =
                    ringwall_ir::Set::new(set.name(), set.spec().clone(), Elements::List(list.collect()), set.origin());
                if set.spec().meters.is_empty() { set } else { anew.unwrap() }
            };
            parts.sets = parts.sets.into_iter().map(count).collect();
            parts
        });
        flush();
        apply(&counted).unwrap();
        let listed = list();
        assert!(listed.contains("10.0.0.0/8 . 22 counter packets 5 bytes 700 comment"), "{listed}");
        // What was counted is no other content.
        apply(&counted).unwrap();
        assert_eq!(list(), listed);
    });
}

/// The ruleset with other parts of its table.
fn with(ruleset: &Ruleset, change: impl Fn(TableParts) -> TableParts) -> Ruleset {
    let tables = ruleset.tables.iter().map(|table| {
        let parts = change(table.clone().into_parts());
        Table::new(table.family(), table.name(), parts).unwrap()
    });
    Ruleset { tables: tables.collect(), ..ruleset.clone() }
}
