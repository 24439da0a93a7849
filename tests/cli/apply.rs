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
    ]
}

/// What makes a network namespace, and what runs in it, if this machine allows that.
fn namespace(name: &str) -> Option<Vec<&'static str>> {
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
fn in_namespace(way: &[&str], script: &str, policy: &str) -> Ran {
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

fn refused() -> Result<(), Failed> {
    let Some(way) = namespace("apply_without_the_right_to_it_is_refused") else { return Ok(()) };
    let ran = in_namespace(&way, "setpriv --bounding-set=-net_admin $ringwall apply -", FOUNDING);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("CAP_NET_ADMIN") && ran.stderr.contains("help: run it as root"), "{}", ran.stderr);
    Ok(())
}

fn errors() -> Result<(), Failed> {
    let Some(way) = namespace("apply_installs_nothing_of_a_policy_with_errors") else { return Ok(()) };
    let ran = in_namespace(&way, "$ringwall apply -; echo $?; nft list ruleset", "allow inbound shh\n");
    assert_eq!(ran.stdout, "1\n", "{}", ran.stderr);
    Ok(())
}
