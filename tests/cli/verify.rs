// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall verify`: what it takes, and what it says on its way.

use std::fs;

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use super::command::{CLEAN, argument, ringwall, ringwall_with};
use crate::support::{skip, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "verify_refuses_what_does_not_go_together", usage),
        test("cli", "verify_at_random_draws_as_many_packets_as_it_is_told", packets),
        test("cli", "verify_at_random_looks_first_whether_it_can_write", directory),
        test("cli", "verify_tells_why_a_backend_is_left_out_in_lines_that_can_be_read", left_out),
        test("cli", "verify_names_the_rules_that_the_kernel_judges_by_its_own_clock", clock),
    ]
}

fn clock() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let place = |name: &str| directory.path().join(name);
    let chain =
        |rules: &str| format!("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT\n");
    let rules =
        "-A INPUT -p udp --dport 53 -m limit --limit 1/minute --limit-burst 1 -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\n";
    fs::write(place("limit.rules"), chain(rules))?;
    fs::write(place("plain.rules"), chain("-A INPUT -p tcp -j ACCEPT\n"))?;
    let host = "host 192.0.2.1/24 on eth0\n";
    let packet = |time: &str| format!("{time} in on eth0 udp 192.0.2.9:4000 > 192.0.2.1:53\n");
    fs::write(place("slow"), format!("{host}{}{}", packet("0"), packet("70")))?;
    fs::write(place("fast"), format!("{host}{}{}", packet("0"), packet("0")))?;
    for (rules, traffic, noted) in
        [("limit.rules", "slow", true), ("limit.rules", "fast", false), ("plain.rules", "slow", false)]
    {
        let ran = ringwall(&["verify", argument(&place(rules)), argument(&place(traffic)), "--packets", "1"]);
        assert_eq!(ran.stderr.contains("by its own clock"), noted, "{rules} {traffic}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("limit.rules:5"), noted, "{}", ran.stderr);
    }
    Ok(())
}

fn usage() -> Result<(), Failed> {
    for (arguments, words) in [
        (&["--random", "0"][..], "0"),
        (&["--random", "1", "--packets", "99999999999"], "99999999999"),
        (&["--random", "1", "--host", "-"], "--host"),
        (&["--random", "1", "--host-address", "10.0.0.1"], "--host-address"),
        (&["--random", "1", "--format", "json"], "--format"),
        (&["--random", "1", "--deny-warnings"], "--deny-warnings"),
        (&["--random", "1", "--ipset", "-"], "--ipset"),
        (&["--random", "1", "--family", "ipv4"], "--family"),
        (&["--random", "1", "-"], "POLICY"),
        (&["-", "--differences", "."], "--differences"),
        (&["--differences", "."], "POLICY"),
    ] {
        let ran = ringwall_with(CLEAN, &[&["verify"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
    Ok(())
}

fn packets() -> Result<(), Failed> {
    let ran = ringwall(&["verify", "--random", "2", "--packets", "60"]);
    if ran.stderr.contains("namespaces") || ran.stderr.contains("no way into the kernel") {
        skip("verify_at_random_draws_as_many_packets_as_it_is_told", &ran.stderr);
        return Ok(());
    }
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let count = ran.stdout.split(" packets under 2 rulesets").next().and_then(|count| count.parse::<u32>().ok());
    assert!(count.is_some_and(|count| (100..=200).contains(&count)), "{}", ran.stdout);
    Ok(())
}

fn directory() -> Result<(), Failed> {
    if !cfg!(feature = "kernel") {
        skip("verify_at_random_looks_first_whether_it_can_write", "this build has no way into the kernel");
        return Ok(());
    }
    let directory = TempDir::new()?;
    let file = directory.path().join("file");
    fs::write(&file, "")?;
    for place in [argument(&file), "/proc/absent/here"] {
        let ran = ringwall(&["verify", "--random", "1000000", "--differences", place]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{place}: {}", ran.stderr);
        assert!(ran.stderr.contains(place), "{place}: {}", ran.stderr);
    }
    let made = directory.path().join("a/b");
    ringwall(&["verify", "--random", "1", "--packets", "20", "--differences", argument(&made)]);
    assert_eq!(fs::read_dir(&made)?.count(), 0, "nothing is left behind");
    Ok(())
}

/// Sentences that the text for iptables cannot say.
fn left_out() -> Result<(), Failed> {
    if !cfg!(feature = "kernel") {
        skip(
            "verify_tells_why_a_backend_is_left_out_in_lines_that_can_be_read",
            "this build has no way into the kernel",
        );
        return Ok(());
    }
    let rule = |port| format!("\t\ttcp dport {port} add @s {{ ip saddr limit rate 5/second }} accept\n");
    let rules: String = (1..30).map(rule).collect();
    let set = "set s { type ipv4_addr; flags dynamic; size 9; }";
    let text = format!("table inet t {{\n{set}\nchain c {{\ntype filter hook input priority filter\n{rules}}}\n}}\n");
    let ran = ringwall_with(text, &["verify", "-", "--packets", "10"]);
    if ran.stderr.contains("`nft -j list ruleset`") {
        skip("nft text", &ran.stderr);
        return Ok(());
    }
    let told: Vec<_> = ran.stdout.lines().take_while(|line| !line.starts_with("decided by")).collect();
    assert!(told.iter().any(|line| line.ends_with("left out")), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("(29 times)"), "{}", ran.stdout);
    assert!(told.iter().all(|line| line.chars().count() <= 110), "{}", ran.stdout);
    Ok(())
}
