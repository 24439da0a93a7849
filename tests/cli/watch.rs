// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall watch`, in network namespaces of its own.

use libtest_mimic::{Failed, Trial};

use super::apply::{in_namespace, namespace};
use super::command::ringwall;
use crate::support::test;

/// Starts to watch, and goes on when the watch has begun: it says so.
const BEGIN: &str = "set -e; cd DIRECTORY; mkfifo talk
    begin() { $ringwall watch \"$@\" >told 2>talk & watch=$!; exec 3<talk; read words <&3; }\n";

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "watch_names_the_program_that_adds_a_rule", names),
        test("cli", "watch_shows_one_table_where_it_is_told_to", one_table),
        test("cli", "watch_ends_cleanly_at_a_signal", signal),
        test("cli", "watch_ends_when_its_time_is_over", time),
        test("cli", "watch_refuses_what_is_no_table_and_no_time", usage),
    ]
}

/// Runs a script behind [`BEGIN`]; none where there are no namespaces.
fn run(name: &str, script: &str) -> Option<super::command::Ran> {
    let way = namespace(name)?;
    let directory = tempfile::TempDir::new().expect("a directory can be made");
    let script = format!("{BEGIN}{script}").replace("DIRECTORY", &directory.path().display().to_string());
    Some(in_namespace(&way, &script, ""))
}

fn names() -> Result<(), Failed> {
    let script = "begin --count 2
        nft add table inet t '{ chain c { }; set s { type ipv4_addr; }; }'
        nft 'add rule inet t c accept; add rule inet t c drop; add element inet t s { 10.0.0.1, 10.0.0.2 }'
        wait $watch; cat told";
    let Some(ran) = run("watch_names_the_program_that_adds_a_rule", script) else { return Ok(()) };
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().collect();
    let [first, _, _, _, second, deeds @ ..] = lines.as_slice() else { return Err(ran.stdout.into()) };
    for line in [first, second] {
        assert!(line.contains(": nft (pid ") && line.contains("Z generation "), "{}", ran.stdout);
    }
    assert_eq!(deeds, ["  add 2 rules of chain inet t c", "  add 2 elements of set inet t s"], "{}", ran.stdout);
    Ok(())
}

fn one_table() -> Result<(), Failed> {
    let script = "begin --count 1 --table 'ip6 t' --format json
        nft add table ip t; nft add table ip6 other; nft 'add table ip t; add table ip6 t'
        wait $watch; cat told";
    let Some(ran) = run("watch_shows_one_table_where_it_is_told_to", script) else { return Ok(()) };
    let [told] = ran.stdout.lines().collect::<Vec<_>>()[..] else { return Err(format!("{ran:?}").into()) };
    let told: serde_json::Value = serde_json::from_str(told)?;
    assert_eq!(told["process"]["name"], "nft");
    assert!(told["time"].as_f64() > Some(1e9) && told["generation"].is_u64(), "{told}");
    let deed = serde_json::json!({
        "deed": "add", "kind": "table", "family": "ip6", "table": "t", "name": null, "count": 1
    });
    assert_eq!(told["deeds"], serde_json::json!([deed]));
    Ok(())
}

fn signal() -> Result<(), Failed> {
    for signal in ["INT", "TERM"] {
        let script = format!("begin; nft add table inet t; kill -{signal} $watch; wait $watch; cat told");
        let Some(ran) = run("watch_ends_cleanly_at_a_signal", &script) else { return Ok(()) };
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("  add table inet t\n"), "{}", ran.stdout);
    }
    Ok(())
}

fn time() -> Result<(), Failed> {
    let script = "$ringwall watch --for 100ms; echo $?; $ringwall watch --for 100ms --count 1 || echo $?";
    let Some(ran) = run("watch_ends_when_its_time_is_over", script) else { return Ok(()) };
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "0\n1\n"), "{}", ran.stderr);
    Ok(())
}

fn usage() -> Result<(), Failed> {
    for (arguments, words) in
        [(["--table", "inte t"], "no family `inte`"), (["--for", "soon"], "30s"), (["--for", "5"], "`5s`")]
    {
        let ran = ringwall(&["watch", arguments[0], arguments[1]]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    Ok(())
}
