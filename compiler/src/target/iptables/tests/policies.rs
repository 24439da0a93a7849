// SPDX-License-Identifier: GPL-3.0-or-later
//! What policies become.

use ringwall_ir::words::Family;

use super::{CONNTRACK, STATE, program};
use crate::target::iptables::write;
use crate::target::testing::{assert_snapshot, founding, laptop};

#[test]
fn founding_policy() {
    let text = write(&founding(), Family::Ipv4, STATE).unwrap().text;
    let bare: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        bare,
        [
            "*filter",
            ":INPUT DROP",
            ":FORWARD ACCEPT",
            ":OUTPUT DROP",
            "-A INPUT -m state --state ESTABLISHED -j ACCEPT",
            "-A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT",
            "COMMIT",
        ]
    );
    assert_snapshot("iptables-founding", &text);
}

#[test]
fn laptop_policy() {
    for family in Family::ALL {
        let text = write(&laptop(), family, CONNTRACK).unwrap().text;
        assert_snapshot(&format!("{}-laptop", program(family)), &text);
    }
}
