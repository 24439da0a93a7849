// SPDX-License-Identifier: GPL-3.0-or-later
//! Lines that are read and written again are the same lines.

use ringwall_ir::words::Family;

use super::{CONNTRACK, check_load, rules};
use crate::target::iptables::{read, write};
use crate::target::testing::kernel;

#[test]
fn lines_come_back() {
    let cases = [
        ("filter", "-A INPUT -m socket --transparent -j DROP"),
        ("filter", "-A INPUT -m socket -j DROP"),
        (
            "mangle",
            "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 501:65535 -j TCPMSS --set-mss 500",
        ),
        ("filter", "-A INPUT -p udp -m udp ! --sport 5 -m udp ! --dport 6 -j DROP"),
    ];
    for (table, line) in cases {
        let (ruleset, errors) = read(&format!("*{table}\n{line}\nCOMMIT\n"), Family::Ipv4);
        assert_eq!(errors, [], "{line}");
        let written = write(&ruleset, Family::Ipv4, CONNTRACK).unwrap();
        assert_eq!(rules(&written.text), [line]);
        if let Some(kernel) = kernel() {
            check_load(kernel, Family::Ipv4, &written);
        }
    }
}
