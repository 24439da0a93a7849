// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that need chains of their own.

use ringwall_ir::words::Family;
use ringwall_ir::words::Refusal;
use ringwall_ir::{Field, LogTarget, Match, Origin, Per, Verdict};

use super::{STATE, check_load, input, values};
use crate::target::iptables::write;
use crate::target::testing::samples::{interface, ipv4, limit, log};
use crate::target::testing::{Parts, assert_snapshot, kernel};

/// The tests, then a record, then a verdict.
fn recorded(tests: Vec<Match>, prefix: &str, target: LogTarget, verdict: Option<Verdict>) -> Parts {
    let steps = tests.into_iter().map(Into::into).chain([log(prefix, target).into()]);
    (steps.collect(), verdict)
}

/// The meanings that take a chain of their own: several excepted interfaces, and one limit behind several lines.
#[test]
fn own_chains() {
    let tun = interface(Field::Iifname, &["tun0", "wlan*"], true);
    let from = values(Field::IpSaddr, &[(10 << 24, (10 << 24) + 4), (20 << 24, 20 << 24)], false);
    let tcp = values(Field::L4proto, &[(6, 6)], false);
    let mut ruleset = input(vec![
        recorded(
            vec![tun.clone(), from.clone(), limit(5, Per::Second, 10)],
            "a ",
            LogTarget::default(),
            Some(Verdict::Drop),
        ),
        recorded(vec![from, limit(1, Per::Minute, 5)], "b ", LogTarget::group(2), None),
        recorded(vec![ipv4(), limit(7, Per::Hour, 5)], "c ", LogTarget::default(), Some(Verdict::Accept)),
        (vec![tun.into(), tcp.into()], Some(Verdict::Reject(Refusal::TcpReset))),
    ]);
    let long = Origin { id: "a label/much longer than a chain's name".to_owned(), ..ruleset.origins[3].clone() };
    ruleset.origins[3] = long.clone();
    ruleset.origins[4] = long;
    let written = write(&ruleset, Family::Ipv4, STATE).unwrap();
    let chains: Vec<_> = written.chains.iter().map(|chain| format!("{}: {:?}", chain.name, chain.rules)).collect();
    assert_snapshot("iptables-own-chains", &format!("{}\n{}\n", written.text, chains.join("\n")));
    if let Some(kernel) = kernel() {
        check_load(kernel, Family::Ipv4, &written);
    }
}
