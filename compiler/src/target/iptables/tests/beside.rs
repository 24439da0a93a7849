// SPDX-License-Identifier: GPL-3.0-or-later
//! Chains of one's own, beside other people's rules.

use ringwall_ir::words::{ChainPolicy, Family, Hook, TableFamily};
use ringwall_ir::{BaseChain, Chain, OriginId, Ruleset, Table, TableParts, Verdict};

use super::{program, rules};
use crate::target::iptables::table::XtTable;
use crate::target::iptables::{CtMatch, Options, write};
use crate::target::testing::{assert_snapshot, kernel, laptop, ruleset};

const BESIDE: Options = Options { ct: CtMatch::Conntrack, own_chains: true };

#[test]
fn laptop_policy_beside_others() {
    let text = write(&laptop(), Family::Ipv4, BESIDE).unwrap().text;
    assert_snapshot("iptables-own-chains-laptop", &text);
}

/// The text loads again and again, other people's rules stay, and the jumps of its head lead into it.
#[test]
fn other_peoples_rules_stay() {
    let Some(kernel) = kernel() else { return };
    for family in Family::ALL {
        let written = write(&laptop(), family, BESIDE).unwrap();
        let program = program(family);
        let jumps: Vec<_> = written.text.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
        assert_eq!(jumps.len(), 2, "{}", written.text);
        let restore = format!("{program}-restore --noflush <<'=== end ==='\n{}=== end ===\n", written.text);
        let jumps = jumps.join(" 2>&1\n");
        let script = format!(
            "{program} -A INPUT -s ::1 -j DROP 2>/dev/null || {program} -A INPUT -s 127.0.0.9 -j DROP\n{restore}{jumps}\n\
             {restore}{jumps}\n{program}-save -t filter | grep -v '^#'\n"
        );
        let listed = kernel.run(&script).unwrap_or_else(|error| panic!("{error}"));
        let lines = rules(&listed);
        assert_eq!(lines.iter().filter(|line| line.ends_with("-j RINGWALL-IN")).count(), 1, "{listed}");
        assert_eq!(lines.iter().filter(|line| line.ends_with("-j DROP") && line.starts_with("-A INPUT")).count(), 1);
        for chain in &written.chains {
            let start = format!("-A {} ", chain.name);
            assert_eq!(lines.iter().filter(|line| line.starts_with(&start)).count(), chain.rules.len(), "{listed}");
        }
    }
}

/// A hook that is no longer governed is left to others: the chain that an earlier text filled decides nothing there.
#[test]
fn a_hook_that_is_no_longer_governed_decides_nothing() {
    let Some(kernel) = kernel() else { return };
    let closed = |hooks: &[Hook]| ruleset(hooks.iter().map(|&hook| (hook, ChainPolicy::Drop, Vec::new())).collect());
    let (both, one) = (closed(&[Hook::Input, Hook::Forward]), closed(&[Hook::Input]));
    for family in Family::ALL {
        let program = program(family);
        let text = |ruleset: &Ruleset| write(ruleset, family, BESIDE).unwrap().text;
        let jumps = |text: &str| text.lines().filter(|line| line.starts_with("#   ")).count();
        assert_eq!((jumps(&text(&both)), jumps(&text(&one))), (2, 1));
        let load = |ruleset| format!("{program}-restore --noflush <<'=== end ==='\n{}=== end ===\n", text(ruleset));
        let list = format!("{program} -S RINGWALL-FORWARD; {program} -S RINGWALL-IN; {program} -S FORWARD\n");
        let script = |then: &str| format!("{}{program} -I FORWARD -j RINGWALL-FORWARD\n{then}{list}", load(&both));
        let before = kernel.run(&script("")).unwrap_or_else(|error| panic!("{error}"));
        let own = "-N RINGWALL-FORWARD\n-A RINGWALL-FORWARD -j DROP\n-N RINGWALL-IN\n-A RINGWALL-IN -j DROP\n";
        let jump = "-P FORWARD ACCEPT\n-A FORWARD -j RINGWALL-FORWARD\n";
        assert_eq!(before, format!("{own}{jump}"));
        let after = kernel.run(&script(&load(&one))).unwrap_or_else(|error| panic!("{error}"));
        let own = "-N RINGWALL-FORWARD\n-N RINGWALL-IN\n-A RINGWALL-IN -j DROP\n";
        assert_eq!(after, format!("{own}{jump}"));
    }
}

/// What returns to a chain policy of drop must meet the drop that stands for it.
#[test]
fn a_return_to_a_closed_policy_drops() {
    let base = |verdicts: Vec<Verdict>, policy| {
        let hook = Hook::Forward;
        let priority = XtTable::Filter.priority(hook);
        let mut chain = Chain::base("forward", BaseChain::filter(hook, priority, policy, OriginId(0))).unwrap();
        for verdict in verdicts {
            chain.push(OriginId(0), Vec::new(), Some(verdict)).unwrap();
        }
        let chains = vec![chain, Chain::regular("other").unwrap()];
        let table = Table::new(TableFamily::Inet, "ringwall", TableParts { chains, ..TableParts::default() }).unwrap();
        let ruleset = Ruleset { tables: vec![table], ..Ruleset::default() };
        let text = write(&ruleset, Family::Ipv4, BESIDE).unwrap().text;
        rules(&text).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let verdicts = || vec![Verdict::Return, Verdict::Goto("other".to_owned())];
    assert_eq!(
        base(verdicts(), ChainPolicy::Drop),
        [
            "-A RINGWALL-FORWARD -j DROP",
            "-A RINGWALL-FORWARD -j RINGWALL.other",
            "-A RINGWALL-FORWARD -j DROP",
            "-A RINGWALL-FORWARD -j DROP"
        ]
    );
    assert_eq!(
        base(verdicts(), ChainPolicy::Accept),
        ["-A RINGWALL-FORWARD -j RETURN", "-A RINGWALL-FORWARD -g RINGWALL.other"]
    );
}
