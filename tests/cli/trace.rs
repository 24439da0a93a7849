// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall trace`: one packet in the words of the policy; and `--host`.

use std::fs;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;

use super::command::{Ran, argument, ringwall, ringwall_with};
use super::streams::insta_settings;
use crate::support::{read, root, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "trace_tells_why_each_sentence_was_passed_over", passed_over),
        test("cli", "trace_runs_the_packets_in_front_first", in_front),
        test("cli", "trace_takes_packets_in_words", in_words),
        test("cli", "trace_gives_every_rule_to_programs", as_json),
        test("cli", "trace_takes_no_slip_for_an_interface", slips),
        test("cli", "trace_names_each_chain_of_a_hook_and_says_none_only_where_there_is_none", no_chain),
        test("cli", "trace_needs_a_packet_that_is_there", no_packet),
        test("cli", "run_takes_a_host_file", host_file),
        test("cli", "every_mistake_of_a_host_file_is_drawn", host_mistakes),
        test("cli", "the_host_is_described_once", host_twice),
    ]
}

fn laptop(extension: &str) -> String {
    argument(&root().join(format!("examples/laptop/laptop.{extension}"))).to_owned()
}

fn trace(traffic: &str, more: &[&str]) -> Ran {
    ringwall(&[&["trace", &laptop("policy"), traffic], more].concat())
}

fn passed_over() -> Result<(), Failed> {
    let ran = trace(
        "in wlan0 tcp 203.0.113.9:4000 > 192.168.1.20:22 syn",
        &["--host", argument(&root().join("tests/cli/laptop.host.toml"))],
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    insta_settings().bind(|| insta::assert_snapshot!("trace_refused", ran.stdout));
    Ok(())
}

fn in_front() -> Result<(), Failed> {
    let seed = |extension: &str| argument(&root().join(format!("examples/seed/seed.{extension}"))).to_owned();
    let ran = ringwall(&["trace", &seed("policy"), &seed("traffic"), "--packet", "2"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    insta_settings().bind(|| insta::assert_snapshot!("trace_reply", ran.stdout));
    Ok(())
}

fn in_words() -> Result<(), Failed> {
    let words = "out tcp 10.0.0.1:1000 > 10.0.0.2:22 syn; in tcp 10.0.0.2:22 > 10.0.0.1:1000 syn,ack";
    let ran = ringwall_with("allow outbound\npermit established inbound\n", &["trace", "-", words]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("packet 2 at 0.000 s: tcp 10.0.0.2:22 > 10.0.0.1:1000 syn,ack\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("ct state established reply"), "{}", ran.stdout);
    assert!(ran.stdout.contains("SYN_SENT") && ran.stdout.contains("SYN_RECV"), "{}", ran.stdout);
    let wrong = ringwall_with("allow outbound\n", &["trace", "-", "in tcp 10.0.0.2 > nowhere"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));
    assert!(wrong.stderr.contains("nowhere"), "{}", wrong.stderr);
    Ok(())
}

fn slips() -> Result<(), Failed> {
    for (words, told, meant) in [
        ("in tpc 10.0.0.9:4000 > 10.0.0.1:22 syn", "`tpc` is not a protocol", "tcp"),
        ("in eth0 tpc 10.0.0.9:4000 > 10.0.0.1:22 syn", "`tpc` is not a protocol", "tcp"),
        ("in ehh0 tcp 10.0.0.9:4000 > 10.0.0.1:22 syn", "no interface `ehh0`", "eth0"),
        ("inn tcp 10.0.0.9:4000 > 10.0.0.1:22 syn", "not `inn`", "in"),
        ("in tcp 10.0.0.9:4000 > 10.0.0.1:22 sny", "tcp has no word `sny`", "syn"),
        ("in tcp 10.0.0.9:4000 > 10.0.0.1:22 wni 7", "tcp has no word `wni`", "win"),
        ("in icmp 10.0.0.9 > 10.0.0.1 echo-reqest", "no word `echo-reqest`", "echo-request"),
        ("in sctp 10.0.0.9:1 > 10.0.0.1:2 inti", "sctp has no word `inti`", "init"),
        ("in tcp 10.0.0.9:4000 > 10.0.0.1:22 expect dorp", "`expect` needs", "drop"),
        ("sysctl nf_conntrack_tcp_lose on", "needs a host", ""),
        ("host 10.0.0.1/24 no eth0", "`host` has no word `no`", "on"),
        ("rout 10.0.0.1/24", "`rout`", ""),
    ] {
        let ran = ringwall_with("allow outbound\n", &["trace", "-", words, "--host-address", "10.0.0.1"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{words}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{words}: {}", ran.stderr);
        assert!(
            meant.is_empty() || ran.stderr.contains(&format!("did you mean `{meant}`?")),
            "{words}: {}",
            ran.stderr
        );
    }
    Ok(())
}

/// A chain in front of translation, and one that translates: behind them there is a stage without chains.
const STAGES: &str = "*raw
:PREROUTING ACCEPT
-A PREROUTING -p tcp --dport 23 -j DROP
COMMIT
*nat
:PREROUTING ACCEPT
-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:8080
COMMIT
";

fn no_chain() -> Result<(), Failed> {
    let trace = |more: &[&str]| {
        let words = "in tcp 10.0.0.9:4000 > 10.0.0.1:80 syn";
        ringwall_with(STAGES, &[&["trace", "-", words, "--host-address", "10.0.0.1"], more].concat())
    };
    let ran = trace(&[]);
    let at: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("at ")).collect();
    let [raw, nat, input] = at[..] else { return Err(ran.stdout.into()) };
    assert!(raw.contains("at prerouting: chain PREROUTING of table raw"), "{}", ran.stdout);
    assert!(nat.contains("at prerouting: chain PREROUTING of table nat"), "{}", ran.stdout);
    assert!(input.contains("at input: "), "{}", ran.stdout);
    let report: Value = serde_json::from_str(&trace(&["--format", "json"]).stdout)?;
    let hooks: Vec<_> = report["met"].as_array().expect("hooks").iter().map(|met| met["hook"].clone()).collect();
    assert_eq!(hooks, ["prerouting", "input"]);
    Ok(())
}

fn as_json() -> Result<(), Failed> {
    let ran = trace("in tcp 203.0.113.9:4000 > 192.168.1.20:22 syn", &["--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!((&report["verdict"], &report["state"]), (&"drop".into(), &"new".into()));
    let rules: Vec<&Value> = report["met"]
        .as_array()
        .expect("hooks")
        .iter()
        .flat_map(|hook| hook["chains"].as_array().expect("chains"))
        .flat_map(|chain| chain["rules"].as_array().expect("rules"))
        .collect();
    let ssh: Vec<_> = rules
        .iter()
        .filter(|rule| rule["sentence"]["text"].as_str().is_some_and(|text| text.contains("ssh")))
        .collect();
    assert!(!ssh.is_empty() && ssh.iter().all(|rule| rule["outcome"] == "passed over"), "{ssh:#?}");
    assert!(
        ssh.iter().any(|rule| rule["why"] == "source is 203.0.113.9, which is not in lan_v4 (192.168.1.0/24)"),
        "{ssh:#?}"
    );
    assert!(rules.iter().all(|rule| rule["rule"].as_str().is_some_and(|rule| !rule.is_empty())));
    Ok(())
}

fn no_packet() -> Result<(), Failed> {
    let unsaid = trace(&laptop("traffic"), &[]);
    assert_eq!((unsaid.code, unsaid.stdout.as_str()), (Some(2), ""));
    assert!(unsaid.stderr.contains("--packet"), "{}", unsaid.stderr);
    for (words, told) in [("", "value is required"), (" ", "no packet in these words"), ("in", "there is no file in")] {
        let ran = trace(words, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{words:?}");
        assert!(ran.stderr.contains(told), "{words:?}: {}", ran.stderr);
    }
    for number in ["0", "1000"] {
        let ran = trace(&laptop("traffic"), &["--packet", number]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{number}");
        assert!(ran.stderr.contains(&format!("no packet {number}")), "{}", ran.stderr);
    }
    Ok(())
}

fn host_file() -> Result<(), Failed> {
    let words = "in wan0 udp 198.51.100.1:53 > 192.168.1.7:4000";
    let file = root().join("examples/router.host.toml");
    let ran = ringwall_with("allow forwarded\n", &["trace", "-", words, "--host", argument(&file)]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("arrives on wan0; forwarded"), "{}", ran.stdout);
    // What the page shows is what the example says, and so are its keys.
    let page = read(&root().join("docs/host.md"));
    let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    ringwall_runtime::host::read_host(shown).map_err(|errors| format!("docs/host.md: {errors:?}"))?;
    Ok(())
}

fn host_mistakes() -> Result<(), Failed> {
    let text = "forwardin = true\n\n[[interface]]\nname = \"eth0\"\naddresses = [\"10.0.0.1\"]\n";
    let ran = ringwall_with(text, &["run", &laptop("policy"), &laptop("traffic"), "--host", "-"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    insta_settings().bind(|| insta::assert_snapshot!("host_mistakes", ran.stderr));
    Ok(())
}

fn host_twice() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let file = directory.path().join("host.toml");
    fs::write(&file, "[[interface]]\nname = \"eth0\"\n")?;
    let traffic = laptop("traffic");
    let ran = ringwall(&["run", &laptop("policy"), &traffic, "--host", argument(&file), "--host-address", "10.0.0.1"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    Ok(())
}
