// SPDX-License-Identifier: GPL-3.0-or-later
//! What is read back and is not of ours is named, never guessed and never left out.

use ringwall_ir::words::TableFamily;
use ringwall_kernel::install::read_back;

use crate::private::{flush, in_namespace, load};

const INPUT: &str = "type filter hook input priority -10; policy accept;";

#[test]
fn a_table_that_is_not_there_is_none() {
    in_namespace("foreign::a_table_that_is_not_there_is_none", || {
        load("table inet other { chain input { accept\n }\n }");
        assert_eq!(read_back(TableFamily::Inet, "ringwall").unwrap(), None);
        assert_eq!(read_back(TableFamily::Ip, "other").unwrap(), None);
    });
}

#[test]
fn what_is_not_ours_is_named() {
    in_namespace("foreign::what_is_not_ours_is_named", || {
        let rule = |rule: &str| format!("chain input {{ {INPUT} accept; {rule}\n }}");
        let cases = [
            (rule("counter"), "rule 2 of chain `input` cannot be read: expression `counter`"),
            (rule("ct mark 1 accept"), "rule 2 of chain `input` cannot be read: key of `ct` 3"),
            (rule("meta mark 1 accept"), "rule 2 of chain `input` cannot be read: key of `meta` 3"),
            (
                rule("ip dscp 1 accept"),
                "rule 2 of chain `input` cannot be read: field at offset 1 of the network header",
            ),
            (rule("tcp dport < 5 accept"), "rule 2 of chain `input` cannot be read: operator of `cmp` 2"),
            (rule("ether type ip accept"), "rule 2 of chain `input` cannot be read: key of `meta` 8"),
            (rule("ct state vmap { new : accept }"), "rule 2 of chain `input` cannot be read: attribute 3 of `lookup`"),
            (
                rule("limit rate over 5/second drop"),
                "rule 2 of chain `input` cannot be read: `limit` of bytes or `over` a rate",
            ),
            (rule("log flags all"), "rule 2 of chain `input` cannot be read: option of `log`"),
            (rule("return"), "rule 2 of chain `input` cannot be read: verdict -5"),
            (
                rule("accept; tcp dport 1 log tcp sport 2 accept"),
                "rule 3 of chain `input` cannot be read: a test behind a statement",
            ),
            (
                rule("meta l4proto icmp icmp type 8 accept"),
                "rule 2 of chain `input` cannot be read: field at offset 0 of the transport header",
            ),
            ("chain other { accept\n }".to_owned(), "chain `other` cannot be read: a regular chain"),
            (
                "chain input { type nat hook input priority 0;\n }".to_owned(),
                "chain `input` cannot be read: chain type nat",
            ),
            (
                "chain input { type filter hook input priority 0; policy drop;\n }".to_owned(),
                "chain `input` cannot be read: a chain policy of drop without a closing rule",
            ),
            ("set met { type ipv4_addr; flags timeout;\n }".to_owned(), "set `met` cannot be read: set flags 16"),
            (
                "set met { type ipv4_addr;\n }".to_owned(),
                "set `met` cannot be read: a set that does not hold intervals of addresses",
            ),
            (
                "set met { type inet_service; flags interval;\n }".to_owned(),
                "set `met` cannot be read: a set that does not hold intervals",
            ),
            (
                "set met { type ipv4_addr; flags interval; elements = { 10.0.0.1 comment \"x\" }\n }".to_owned(),
                "set `met` cannot be read: user data of an element",
            ),
            ("map to { type ipv4_addr : verdict;\n }".to_owned(), "set `to` cannot be read: attribute"),
            ("counter hits {\n }".to_owned(), "table `ringwall` cannot be read: object hits"),
            (
                format!("flags dormant; chain input {{ {INPUT} accept\n }}"),
                "table `ringwall` cannot be read: table flags 1",
            ),
        ];
        for (text, expected) in cases {
            flush();
            load(&format!("table inet ringwall {{ {text}\n }}"));
            let error = read_back(TableFamily::Inet, "ringwall").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}\n  gives {error}\n  not {expected}");
        }
    });
}
