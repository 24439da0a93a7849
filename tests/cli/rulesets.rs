// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets of others in the place of a policy, in each form.

use std::fs;

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use super::command::{Ran, argument, command, feed, ringwall, ringwall_with};
use crate::support::{root, skip, test};

const NFT: &str = "#!/usr/sbin/nft -f
define wan = \"wan9\"
flush ruleset
table inet filter {
\tset lan { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established accept
\t\tiif $wan ip saddr @lan tcp dport { 22, 80-90 } accept comment \"web\"
\t}
}
";

const IPTABLES: &str = "*filter\n:INPUT DROP\n-A INPUT -m set --match-set lan src -j ACCEPT\nCOMMIT\n";

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "a_ruleset_in_any_form_compiles_to_any_target", any_form),
        test("cli", "what_nft_says_of_its_text_names_the_file", nft_errors),
        test("cli", "what_nft_does_not_list_is_read_from_its_text", not_listed),
        test("cli", "what_nft_makes_of_a_rule_is_read_as_the_rule", compiled_oddly),
        test("cli", "rules_of_nft_are_told_by_their_places", places),
        test("cli", "chains_of_nft_that_lead_in_a_circle_are_named", circle),
        test("cli", "files_that_a_text_includes_are_found_beside_it", includes),
        test("cli", "our_own_nft_json_is_read_as_what_it_came_from", own_json),
        test("cli", "sets_of_ipset_are_read_beside_iptables_save", ipset),
        test("cli", "what_could_not_be_read_is_refused_by_name", unknown),
        test("cli", "the_family_of_a_text_is_that_of_its_rules", family),
        test("cli", "no_target_opens_a_family_that_the_ruleset_does_not_speak_of", other_family),
        test("cli", "the_last_of_equal_chains_comes_first", equal_chains),
    ]
}

fn compile(input: &str, target: &str) -> Ran {
    ringwall_with(input, &["compile", "-", "--target", target])
}

/// nft's text needs the kernel; says so where there is none.
fn compile_nft_text() -> Option<Ran> {
    let ran = compile(NFT, "ir");
    let able = ran.code == Some(0) || !ran.stderr.contains("`nft -j list ruleset`");
    if !able {
        skip("nft text", &ran.stderr);
    }
    able.then_some(ran)
}

fn any_form() -> Result<(), Failed> {
    let Some(from_text) = compile_nft_text() else { return Ok(()) };
    assert_eq!(from_text.code, Some(0), "{}", from_text.stderr);
    let rule = "iif \"wan9\" ip saddr @lan tcp dport { 22, 80-90 } accept";
    assert!(from_text.stdout.contains(rule), "{}", from_text.stdout);
    let json = compile(NFT, "ir-json").stdout;
    assert_eq!(compile(&json, "ir").stdout, from_text.stdout);
    let nft = compile(&json, "nft").stdout;
    assert!(nft.contains(&format!("{rule} comment \"web\"\n")), "{nft}");
    assert_eq!(compile(&nft, "nft").stdout, nft);
    Ok(())
}

/// nft tells no lines, so a rule is told by its place and its words, and named so that others may come and go.
fn places() -> Result<(), Failed> {
    if compile_nft_text().is_none() {
        return Ok(());
    }
    let sentence = |text: &str| {
        let packet = "in eth0 tcp 192.0.2.2:1000 > 192.0.2.1:22 syn";
        let ran = ringwall_with(text, &["trace", "-", packet, "--format", "json"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
        let hooks = report["met"].as_array().cloned().unwrap_or_default();
        let chains = hooks.into_iter().flat_map(|hook| hook["chains"].as_array().cloned().unwrap_or_default());
        let rules: Vec<_> =
            chains.into_iter().flat_map(|chain| chain["rules"].as_array().cloned().unwrap_or_default()).collect();
        let of = |rule: &serde_json::Value| rule["sentence"].clone();
        rules.iter().map(of).find(|of| of["text"] == "ct state established accept").unwrap_or_default()
    };
    let (one, other) =
        (sentence(NFT), sentence(&NFT.replacen("\t\tct state", "\t\ttcp dport 1 drop\n\t\tct state", 1)));
    assert_eq!((&one["place"], &other["place"]), (&"inet filter input #1".into(), &"inet filter input #2".into()));
    assert_eq!((&one["id"], &one["line"]), (&other["id"], &serde_json::Value::Null));
    let ran = ringwall_with(NFT, &["trace", "-", "in eth0 tcp 192.0.2.2:1000 > 192.0.2.1:22 syn"]);
    assert!(ran.stdout.contains("inet filter input #1: ct state established accept"), "{}", ran.stdout);
    assert!(ran.stdout.contains("inet filter input: policy drop"), "{}", ran.stdout);
    Ok(())
}

fn circle() -> Result<(), Failed> {
    if compile_nft_text().is_none() {
        return Ok(());
    }
    let chains = "table inet t {\nchain a {\njump b\n}\nchain b {\ngoto a\n}\n";
    for met in ["", "chain c {\ntype filter hook input priority 0; jump a\n}\n"] {
        let ran = compile(&format!("{chains}{met}}}\n"), "nft");
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        assert!(ran.stderr.contains("chains lead in a circle: `a` to `b` to `a`"), "{}", ran.stderr);
    }
    Ok(())
}

fn nft_errors() -> Result<(), Failed> {
    if compile_nft_text().is_none() {
        return Ok(());
    }
    let directory = TempDir::new()?;
    let file = directory.path().join("mine.nft");
    fs::write(&file, NFT.replace("accept comment", "acept comment"))?;
    let ran = ringwall(&["compile", argument(&file)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("mine.nft:9:") && ran.stderr.contains("help: "), "{}", ran.stderr);
    Ok(())
}

/// The rules of the printed IR, of one chain.
fn rules(ran: &Ran) -> Vec<String> {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines = ran.stdout.lines().filter(|line| line.starts_with("    "));
    lines.map(|line| line.split("  ; ").next().unwrap_or_default().trim().to_owned()).collect()
}

/// nft 1.0.6 lists none of this in JSON, and the time in a zone.
fn not_listed() -> Result<(), Failed> {
    if compile_nft_text().is_none() {
        return Ok(());
    }
    let text = "table inet t {
\tset filled { type ipv4_addr; flags dynamic, timeout; timeout 1h; comment \"by others\"; elements = { 10.0.0.1 } }
\tset merged { type ipv4_addr; flags interval; auto-merge; }
\tchain c { type filter hook input priority 0
\t\tiif { \"wan9\", \"lan9\" } drop
\t\tmeta hour \"01:00\"-\"02:00\" drop
\t}
}
";
    let printed = compile(text, "nft").stdout;
    assert!(printed.contains("flags dynamic, timeout") || printed.contains("flags dynamic,timeout"), "{printed}");
    assert!(printed.contains("auto-merge") && !printed.contains("expires"), "{printed}");
    assert!(printed.contains("iif { \"lan9\", \"wan9\" } drop"), "{printed}");
    let in_zone = |zone: &str| {
        let mut command = command(&["compile", "-", "--target", "nft"]);
        feed(command.env("TZ", zone), text.as_bytes()).stdout
    };
    // The text speaks of the zone of who loads it, and what is written is the time of the kernel.
    assert_eq!(in_zone("UTC+3"), in_zone("UTC").replace("3600-7200", "14400-18000"));
    Ok(())
}

fn compiled_oddly() -> Result<(), Failed> {
    if compile_nft_text().is_none() {
        return Ok(());
    }
    for (rule, read) in [
        ("ip saddr 0.0.0.0/0 drop", "meta nfproto ipv4 drop"),
        ("tcp flags & (fin|syn) == 0 drop", "tcp flags ! fin,syn drop"),
        ("tcp flags ! fin,syn drop", "tcp flags ! fin,syn drop"),
        ("meta nfproto ipv4 reject with icmp host-unreachable", "meta nfproto ipv4 reject with host-unreachable"),
        ("ip6 nexthdr udp reject with icmpv6 port-unreachable", "ip6 nexthdr udp reject with port-unreachable"),
        ("iifname . oifname @pairs drop", "iifname . oifname @pairs drop"),
        ("fib saddr . iif oif 0 drop", "fib saddr . iif oif 0 drop"),
        // Not as the half of it that is a field.
        ("ip saddr . @nh,32,32 { 1.1.1.1 . 0x14 } drop", "meta nfproto ipv4 unknown load of other bytes"),
    ] {
        let text = format!("table inet t {{\nset pairs {{ type ifname . ifname; }}\nchain c {{\n{rule}\n}}\n}}\n");
        let rules = rules(&compile(&text, "ir"));
        assert!(matches!(rules.as_slice(), [only] if only.starts_with(read)), "{rule}: {rules:?}");
    }
    Ok(())
}

/// Also where they name interfaces and the devices of chains.
fn includes() -> Result<(), Failed> {
    if compile_nft_text().is_none() {
        return Ok(());
    }
    let directory = TempDir::new()?;
    let (file, other) = (directory.path().join("mine.nft"), directory.path().join("chains.nft"));
    for name in ["chains.nft", "./chains.nft"] {
        fs::write(&file, format!("table inet t {{\n}}\ninclude \"{name}\"\n"))?;
        let ingress = "table netdev n {\nchain i {\ntype filter hook ingress device dev9 priority 0\n}\n}\n";
        fs::write(&other, format!("{ingress}table inet t {{\nchain c {{\niif wan9 drop\n}}\n}}\n"))?;
        let ran = ringwall(&["compile", argument(&file), "--target", "ir"]);
        assert!(ran.stdout.contains("iif \"wan9\" drop"), "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("table of family netdev"), "{name}: {}{}", ran.stdout, ran.stderr);
    }
    fs::remove_file(&other)?;
    let ran = ringwall(&["compile", argument(&file), "--target", "ir"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("mine.nft:3:") && ran.stderr.contains("beside the text"), "{}", ran.stderr);
    Ok(())
}

fn own_json() -> Result<(), Failed> {
    for example in ["laptop", "seed"] {
        let policy = root().join("examples").join(example).join(format!("{example}.policy"));
        let written = ringwall(&["compile", argument(&policy), "--target", "nft-json"]);
        assert_eq!(written.code, Some(0), "{}", written.stderr);
        let of = |target: &str| ringwall(&["compile", argument(&policy), "--target", target]);
        let again = |target: &str| compile(&written.stdout, target);
        assert_eq!(rules(&again("ir")), rules(&of("ir")), "{example}");
        // The document but for its head, which has the title.
        let parts = |ran: &Ran| ran.stdout.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parts(&again("nft-json")), parts(&written), "{example}");
    }
    Ok(())
}

fn ipset() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let (rules, sets) = (directory.path().join("rules"), directory.path().join("sets"));
    fs::write(&rules, IPTABLES)?;
    fs::write(&sets, "create lan hash:net family inet\nadd lan 10.0.0.0/8\n")?;
    let with = |sets| ringwall(&["compile", argument(&rules), "--ipset", argument(sets), "--target", "ir"]);
    let ran = with(&sets);
    assert!(ran.stdout.contains("ip saddr @lan") && ran.stdout.contains("10.0.0.0/8"), "{}{}", ran.stdout, ran.stderr);
    fs::write(&sets, "create lan hash:net family inet\nadd land 10.0.0.0/8\n")?;
    let ran = with(&sets);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("sets:2: ") && ran.stderr.contains("`land`"), "{}", ran.stderr);
    Ok(())
}

fn unknown() -> Result<(), Failed> {
    let ran = compile(IPTABLES, "nft");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("standard input:3: ") && ran.stderr.contains("set"), "{}", ran.stderr);
    Ok(())
}

fn family() -> Result<(), Failed> {
    let text = "*filter\n:INPUT DROP\n-A INPUT -p ipv6-icmp -j ACCEPT\n-A INPUT -s fe80::/10 -j ACCEPT\nCOMMIT\n";
    let ran = compile(text, "ip6tables");
    assert!(ran.stdout.contains(":INPUT DROP") && ran.stdout.contains("-s fe80::/10"), "{}{}", ran.stdout, ran.stderr);
    assert!(compile(text, "nft").stdout.contains("table ip6 filter"));
    let again = compile(&ran.stdout, "ip6tables");
    assert_eq!(again.stdout, ran.stdout);
    let told = ringwall_with(IPTABLES, &["compile", "-", "--family", "ipv6", "--target", "ir"]);
    assert!(told.stdout.contains("table ip6 filter"), "{}{}", told.stdout, told.stderr);
    Ok(())
}

fn other_family() -> Result<(), Failed> {
    let ran = compile("*filter\n:INPUT DROP\nCOMMIT\n", "ip6tables");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("nothing of ipv6") && ran.stderr.contains("--family"), "{}", ran.stderr);
    let text = "*filter\n:INPUT DROP\n-A INPUT -6 -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    let ran = ringwall_with(text, &["compile", "-", "--family", "ipv4"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("option -6"), "{}", ran.stderr);
    Ok(())
}

/// `nf_hook_entries_grow` puts the chain that is registered last before those of its priority.
fn equal_chains() -> Result<(), Failed> {
    if compile_nft_text().is_none() {
        return Ok(());
    }
    let chain =
        |name, verdict| format!("chain {name} {{ type filter hook input priority 0\nmeta l4proto tcp {verdict}\n}}\n");
    let text = format!("table inet t {{\n{}{}}}\n", chain("one", "drop"), chain("two", "reject with tcp reset"));
    let ran = ringwall_with(text, &["verify", "-", "--packets", "300"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("0 differences"), "{}", ran.stdout);
    Ok(())
}
