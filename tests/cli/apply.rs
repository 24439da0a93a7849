// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall apply`, in network namespaces of its own.

use std::process::Command;

use libtest_mimic::{Failed, Trial};

use super::command::{CLEAN, FOUNDING, Ran, command, feed};
use crate::support::{skip, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "apply_installs_and_replaces_its_own_table_alone", replaces),
        test("cli", "apply_without_the_right_to_it_is_refused", refused),
        test("cli", "apply_installs_nothing_of_a_policy_with_errors", errors),
        test("cli", "apply_puts_a_ruleset_of_others_in_the_place_of_its_tables", others),
        test("cli", "apply_names_each_unknown_and_installs_nothing", unknowns),
        test("cli", "apply_leaves_what_is_of_iptables_alone", iptables),
        test("cli", "apply_says_where_what_the_kernel_refuses_stands", places),
        test("cli", "apply_tells_what_this_host_does_not_have", left_out),
    ]
}

/// What makes a network namespace, and what runs in it, if this machine allows that.
pub fn namespace(name: &str) -> Option<Vec<&'static str>> {
    let ways = [vec!["unshare", "--net"], vec!["unshare", "--map-root-user", "--net"]];
    let works = |way: &Vec<&str>| {
        Command::new(way[0]).args(&way[1..]).arg("true").output().is_ok_and(|ran| ran.status.success())
    };
    let way = ways.into_iter().find(works);
    if way.is_none() {
        skip(name, "network namespaces are not to be had here");
    }
    way
}

/// Runs a script in a namespace of its own, with `$ringwall` for the command and a policy on standard input.
pub fn in_namespace(way: &[&str], script: &str, policy: &str) -> Ran {
    let mut child = Command::new(way[0]);
    child.args(&way[1..]).args(["sh", "-c", script]).env("ringwall", command(&[]).get_program());
    feed(&mut child, policy.as_bytes())
}

fn replaces() -> Result<(), Failed> {
    let Some(way) = namespace("apply_installs_and_replaces_its_own_table_alone") else { return Ok(()) };
    let script = "set -e; nft add table inet other
        cat >policy; $ringwall apply policy; nft list ruleset >once
        $ringwall apply policy; nft list ruleset >twice; cmp once twice; cat twice";
    let directory = tempfile::TempDir::new()?;
    let script = format!("cd {}; {script}", directory.path().display());
    for policy in [FOUNDING, CLEAN] {
        let ran = in_namespace(&way, &script, policy);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("table inet other {"), "{}", ran.stdout);
        assert!(ran.stdout.contains("ct state established,new accept") || policy == CLEAN, "{}", ran.stdout);
        assert!(ran.stdout.contains("table inet ringwall {"), "{}", ran.stdout);
    }
    Ok(())
}

/// In each form, twice: the tables that the file names are replaced, and no other.
fn others() -> Result<(), Failed> {
    let Some(way) = namespace("apply_puts_a_ruleset_of_others_in_the_place_of_its_tables") else { return Ok(()) };
    let text = "flush ruleset
        table inet filter {
            set lan { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }
            chain input { type filter hook input priority filter; policy drop; ip saddr @lan tcp dport { 22, 80-90 } accept; }
        }
        table ip nat {
            chain out { type nat hook postrouting priority srcnat; oifname \"wan\" masquerade; }
        }\n";
    let directory = tempfile::TempDir::new()?;
    let script = "set -e; cd DIRECTORY; cat >text
        nft -f text; nft list ruleset >wanted; nft -j list ruleset >json; nft flush ruleset
        $ringwall compile text --target ir-json >ir
        nft add table inet other; nft add table inet filter; nft add chain inet filter gone
        for form in text json ir text; do
            $ringwall apply $form; nft list ruleset >there
            nft delete table inet other; nft list ruleset | grep -v 'comment .closing' | cmp - wanted; nft add table inet other
        done; cat there";
    let ran = in_namespace(&way, &script.replace("DIRECTORY", &directory.path().display().to_string()), text);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("table inet other {"), "{}", ran.stdout);
    assert!(ran.stderr.contains("text: installed, "), "{}", ran.stderr);
    assert!(ran.stderr.contains("(table inet filter, ip nat)"), "{}", ran.stderr);
    Ok(())
}

fn unknowns() -> Result<(), Failed> {
    let Some(way) = namespace("apply_names_each_unknown_and_installs_nothing") else { return Ok(()) };
    let text = "table inet t {\nchain c { accept; ip version 4 accept; ip version 6 accept; }\n}\n";
    let ran = in_namespace(&way, "$ringwall apply -; echo $?; nft list ruleset", text);
    assert_eq!(ran.stdout, "1\n", "{}", ran.stderr);
    for place in ["rule 2 of chain c in table inet t: ", "rule 3 of chain c in table inet t: "] {
        assert!(ran.stderr.contains(place), "{}", ran.stderr);
    }
    Ok(())
}

fn iptables() -> Result<(), Failed> {
    let Some(way) = namespace("apply_leaves_what_is_of_iptables_alone") else { return Ok(()) };
    let save = "*filter\n:INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    let ran = in_namespace(&way, "$ringwall apply -; echo $?; nft list ruleset", save);
    assert_eq!(ran.stdout, "2\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("iptables-save") && ran.stderr.contains("help: "), "{}", ran.stderr);

    let script = "iptables-nft -A INPUT -m conntrack --ctstate NEW -j DROP || exit 77
        nft list ruleset >DIRECTORY/before 2>&1; $ringwall apply -; echo $?
        nft list ruleset 2>&1 | cmp - DIRECTORY/before && echo same";
    let directory = tempfile::TempDir::new()?;
    let text = "table ip filter {\nchain c { accept; }\n}\n";
    let ran = in_namespace(&way, &script.replace("DIRECTORY", &directory.path().display().to_string()), text);
    if ran.code == Some(77) {
        skip("apply_leaves_what_is_of_iptables_alone", "no iptables-nft");
        return Ok(());
    }
    assert_eq!(ran.stdout, "2\nsame\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("`filter` belongs to iptables"), "{}", ran.stderr);
    Ok(())
}

/// More elements than the set takes, which the IR does not count.
fn places() -> Result<(), Failed> {
    let Some(way) = namespace("apply_says_where_what_the_kernel_refuses_stands") else { return Ok(()) };
    let script = "nft add table inet t; nft 'add set inet t s { type ipv4_addr; size 1; }'
        $ringwall apply -; echo $?; nft list ruleset";
    let text = "table inet t {
        set s { type ipv4_addr; size 1; elements = { 10.0.0.1 }; }
        chain c { accept; meta l4proto tcp ip saddr @s drop; }
        }\n";
    let json = super::command::ringwall_with(text, &["compile", "-", "--target", "ir-json"]).stdout;
    let full = json.replace("\"10.0.0.1\"", "\"10.0.0.1\", \"10.0.0.2\"");
    assert_ne!(json, full, "{json}");
    let ran = in_namespace(&way, script, &full);
    assert!(ran.stdout.starts_with("2\n") && !ran.stdout.contains("chain c"), "{}{}", ran.stdout, ran.stderr);
    let place = "standard input: set s in table inet t: the kernel refuses the elements of set `s`";
    assert!(ran.stderr.contains(place), "{}", ran.stderr);
    assert!(ran.stderr.contains("standard input is not installed"), "{}", ran.stderr);
    Ok(())
}

fn left_out() -> Result<(), Failed> {
    let Some(way) = namespace("apply_tells_what_this_host_does_not_have") else { return Ok(()) };
    let text = "table inet t {\nchain c { iif \"wan9\" accept; drop; }\n}\n";
    let ran = in_namespace(&way, "$ringwall apply - && nft list ruleset", text);
    assert!(ran.stdout.contains("drop") && !ran.stdout.contains("accept"), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("no device `wan9`: left out"), "{}", ran.stderr);
    Ok(())
}

fn refused() -> Result<(), Failed> {
    /// Of the user too: what is written below it is of no other.
    const WAY: [&str; 4] = ["unshare", "--user", "--map-root-user", "--net"];
    let able = Command::new(WAY[0]).args(&WAY[1..]).arg("true").output().is_ok_and(|ran| ran.status.success());
    if !able {
        skip("apply_without_the_right_to_it_is_refused", "user namespaces are not to be had here");
        return Ok(());
    }
    for text in [FOUNDING, "table inet t {\n}\n"] {
        // Without the right to a namespace neither, in which nft's text could be read.
        let script = "echo 0 >/proc/sys/user/max_user_namespaces
            exec setpriv --bounding-set=-net_admin,-sys_admin $ringwall apply -";
        let ran = in_namespace(&WAY, script, text);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("CAP_NET_ADMIN") && ran.stderr.contains("help: run it as root"), "{}", ran.stderr);
    }
    Ok(())
}

fn errors() -> Result<(), Failed> {
    let Some(way) = namespace("apply_installs_nothing_of_a_policy_with_errors") else { return Ok(()) };
    let ran = in_namespace(&way, "$ringwall apply -; echo $?; nft list ruleset", "allow inbound shh\n");
    assert_eq!(ran.stdout, "1\n", "{}", ran.stderr);
    Ok(())
}
