// SPDX-License-Identifier: GPL-3.0-or-later
//! Output files: replaced as a whole or not at all.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use super::command::{CLEAN, argument, ringwall, ringwall_with};
use crate::support::test;

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "an_output_file_is_replaced", replaced),
        test("cli", "the_map_of_a_ruleset_of_others_tells_lines_or_places", map_of_others),
        test("cli", "an_output_file_keeps_its_permissions", permissions),
        test("cli", "a_link_keeps_pointing_where_it_points", link),
        test("cli", "errors_leave_the_output_file_alone", left_alone),
        test("cli", "an_output_file_that_cannot_be_is_a_failure", impossible),
        test("cli", "the_policy_is_never_replaced_by_its_output", never_the_policy),
        test("cli", "what_is_no_regular_file_is_written_to", devices),
    ]
}

fn compile_to(policy: &str, file: &Path) -> Option<i32> {
    ringwall_with(policy, &["compile", "-", "-o", argument(file)]).code
}

/// What a directory holds: nothing but the output may be left there.
fn names(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).expect("the directory is there");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn replaced() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let file = directory.path().join("out.nft");
    fs::write(&file, "what was there before, and was much longer".repeat(1000))?;
    assert_eq!(compile_to(CLEAN, &file), Some(0));
    assert_eq!(fs::read_to_string(&file)?, ringwall_with(CLEAN, &["compile", "-"]).stdout);
    assert_eq!(names(&directory), ["out.nft", "out.nft.map.json"]);
    let map: serde_json::Value = serde_json::from_str(&fs::read_to_string(directory.path().join("out.nft.map.json"))?)?;
    assert_eq!(map["ringwall-map"], 1);
    assert_eq!(map["output"]["file"], "out.nft");
    assert!(map["rules"].as_object().is_some_and(|rules| rules.values().all(|place| place["line"].is_u64())), "{map}");
    Ok(())
}

/// Rules of others carry no id: those of iptables are told by their line, those of nft by their place.
fn map_of_others() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let rules =
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\nCOMMIT\n";
    let chain = r#"{"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}"#;
    let rule = r#"{"family": "inet", "table": "t", "chain": "c", "expr": [{"drop": null}]}"#;
    let list = format!(
        r#"{{"nftables": [{{"table": {{"family": "inet", "name": "t"}}}}, {{"chain": {chain}}}, {{"rule": {rule}}}]}}"#
    );
    for (name, text, key, value) in
        [("rules", rules, "line", serde_json::json!(5)), ("list", &list, "place", "inet t c #1".into())]
    {
        let file = directory.path().join(name);
        assert_eq!(compile_to(text, &file), Some(0), "{name}");
        let map = fs::read_to_string(directory.path().join(format!("{name}.map.json")))?;
        let map: serde_json::Value = serde_json::from_str(&map)?;
        let places = map["rules"].as_object().expect("an object");
        assert!(places.values().any(|place| place[key] == value), "{map}");
    }
    Ok(())
}

fn permissions() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let (new, old) = (directory.path().join("new"), directory.path().join("old"));
    fs::write(&old, "")?;
    fs::set_permissions(&old, Permissions::from_mode(0o640))?;
    let mode = |path: &Path| fs::metadata(path).expect("the file is there").permissions().mode() & 0o777;
    assert_eq!((compile_to(CLEAN, &old), mode(&old)), (Some(0), 0o640));
    let plain = directory.path().join("plain");
    fs::write(&plain, "")?;
    assert_eq!((compile_to(CLEAN, &new), mode(&new)), (Some(0), mode(&plain)));
    Ok(())
}

fn link() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let (link_path, file) = (directory.path().join("link"), directory.path().join("file"));
    fs::write(&file, "before")?;
    symlink("file", &link_path)?;
    assert_eq!(compile_to(CLEAN, &link_path), Some(0));
    assert!(fs::symlink_metadata(&link_path)?.is_symlink());
    assert_ne!(fs::read_to_string(&file)?, "before");
    Ok(())
}

fn left_alone() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let file = directory.path().join("out.nft");
    fs::write(&file, "before")?;
    assert_eq!(compile_to("allow inbound shh\n", &file), Some(1));
    assert_eq!(fs::read_to_string(&file)?, "before");
    assert_eq!(names(&directory), ["out.nft"]);
    Ok(())
}

fn impossible() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    assert_eq!(compile_to(CLEAN, directory.path()), Some(2));
    assert_eq!(compile_to(CLEAN, &directory.path().join("missing/out.nft")), Some(2));
    assert_eq!(names(&directory), [""; 0]);
    Ok(())
}

fn never_the_policy() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let (policy, alias) = (directory.path().join("a.policy"), directory.path().join("b"));
    fs::write(&policy, CLEAN)?;
    symlink("a.policy", &alias)?;
    for output in [&policy, &alias] {
        let ran = ringwall(&["compile", argument(&policy), "-o", argument(output)]);
        assert_eq!(ran.code, Some(2));
        assert_eq!(fs::read_to_string(&policy)?, CLEAN);
    }
    Ok(())
}

fn devices() -> Result<(), Failed> {
    assert_eq!(compile_to(CLEAN, Path::new("/dev/null")), Some(0));
    assert!(!fs::metadata("/dev/null")?.is_file());
    let full = ringwall_with(CLEAN, &["compile", "-", "-o", "/dev/full"]);
    assert_eq!(full.code, Some(2));
    assert!(full.stderr.contains("/dev/full"), "{}", full.stderr);
    Ok(())
}
