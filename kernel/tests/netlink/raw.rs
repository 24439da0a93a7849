// SPDX-License-Identifier: GPL-3.0-or-later
//! What the kernel holds of `inet ringwall`, attribute by attribute: more than nft prints of it.

use std::fmt::Write as _;

use ringwall_kernel::netlink::{AttributeWriter, Attributes, Query, Socket, dump};
use rustables::sys;

/// The family number of `inet`.
const INET: u8 = 1;
/// What may differ, by object, then by attribute: numbers that the kernel gives, and the user data of sets, in which
/// nft notes for itself what the keys are expressions of.
const IGNORED: [(u32, u16); 6] = [
    (sys::NFT_MSG_GETTABLE, sys::NFTA_TABLE_HANDLE),
    (sys::NFT_MSG_GETCHAIN, sys::NFTA_CHAIN_HANDLE),
    (sys::NFT_MSG_GETSET, sys::NFTA_SET_HANDLE),
    (sys::NFT_MSG_GETSET, sys::NFTA_SET_USERDATA),
    (sys::NFT_MSG_GETRULE, sys::NFTA_RULE_HANDLE),
    (sys::NFT_MSG_GETRULE, sys::NFTA_RULE_POSITION),
];

/// Every object of the table with all its attributes, one a line. Elements of a set are sorted, for the kernel gives
/// those of hash tables in any order.
pub fn raw_ruleset() -> String {
    let mut socket = Socket::open().unwrap();
    let mut out = String::new();
    for operation in [sys::NFT_MSG_GETTABLE, sys::NFT_MSG_GETCHAIN, sys::NFT_MSG_GETSET, sys::NFT_MSG_GETRULE] {
        let query = AttributeWriter::new().text(sys::NFTA_TABLE_NAME, "ringwall").finish();
        let found = dump(&mut socket, Query::nf_tables(operation, INET, &query)).unwrap();
        for message in found.messages() {
            let (_, attributes) = message.unwrap().netfilter().unwrap();
            let shown = attributes.iter().filter(|attribute| !IGNORED.contains(&(operation, attribute.kind)));
            for attribute in shown {
                write!(out, " {}={}", attribute.kind, tree(attribute.value.bytes())).unwrap();
            }
            out.push('\n');
            if operation == sys::NFT_MSG_GETSET {
                let name = attributes.need(sys::NFTA_SET_NAME).unwrap().text().unwrap();
                out.push_str(&elements(&mut socket, name));
            }
        }
    }
    out
}

fn elements(socket: &mut Socket, set: &str) -> String {
    let query = AttributeWriter::new()
        .text(sys::NFTA_SET_ELEM_LIST_TABLE, "ringwall")
        .text(sys::NFTA_SET_ELEM_LIST_SET, set)
        .finish();
    let found = dump(socket, Query::nf_tables(sys::NFT_MSG_GETSETELEM, INET, &query)).unwrap();
    let mut lines = Vec::new();
    for message in found.messages() {
        let (_, attributes) = message.unwrap().netfilter().unwrap();
        if let Some(list) = attributes.get(sys::NFTA_SET_ELEM_LIST_ELEMENTS) {
            lines.extend(list.nested().unwrap().iter().map(|element| format!("   {}\n", tree(element.value.bytes()))));
        }
    }
    lines.sort();
    lines.concat()
}

/// The bytes as nested attributes where they can be read as such, else as they are.
fn tree(bytes: &[u8]) -> String {
    let looks_nested = |attributes: &Attributes<'_>| {
        bytes.len() >= 4 && attributes.iter().all(|attribute| (1..64).contains(&attribute.kind))
    };
    match Attributes::parse(bytes).ok().filter(looks_nested) {
        None => bytes.escape_ascii().to_string(),
        Some(inside) => {
            let inside: Vec<_> = inside
                .iter()
                .map(|attribute| format!("{}={}", attribute.kind, tree(attribute.value.bytes())))
                .collect();
            format!("({})", inside.join(" "))
        }
    }
}
