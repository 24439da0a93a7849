// SPDX-License-Identifier: GPL-3.0-or-later
//! Helpers of connection tracking.

use ringwall_ir::words::Family;

use super::CONNTRACK;
use crate::target::iptables::{read, write};
use crate::target::{nft, nft_json};

/// nf_tables gives a helper only to an entry that is there, and `CT` to the one that will be.
#[test]
fn a_helper_of_the_table_raw_is_of_iptables_alone() {
    let text = "*raw\n:OWN -\n-A PREROUTING -j OWN\n-A OWN -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n";
    let (ruleset, errors) = read(text, Family::Ipv4);
    assert_eq!(errors, []);
    assert!(write(&ruleset, Family::Ipv4, CONNTRACK).unwrap().text.contains("--dport 21 -j CT --helper ftp"));
    for unsayable in [nft::write(&ruleset).unwrap_err(), nft_json::write(&ruleset).unwrap_err()] {
        let told: Vec<_> = unsayable.iter().map(|each| (each.reason.as_str(), each.help.is_some())).collect();
        let reason = "`ct helper set` has no effect in nf_tables before connection tracking, at priority -200 or lower";
        assert_eq!(told, [(reason, true)]);
        assert_eq!(ruleset.origin(unsayable[0].origin).unwrap().line, 4);
    }
}
