// SPDX-License-Identifier: GPL-3.0-or-later
//! Exit codes, standard streams, colours.

use std::io::Read;
use std::process::Stdio;

use libtest_mimic::{Failed, Trial};

use super::command::{CLEAN, FOUNDING, Ran, command, feed, ringwall, ringwall_with};
use crate::support::test;

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "a_clean_policy_exits_0_and_says_nothing", clean_policy),
        test("cli", "warnings_exit_0_unless_denied", warnings),
        test("cli", "errors_exit_1_and_give_no_data", errors),
        test("cli", "usage_and_missing_files_exit_2", usage),
        test("cli", "a_closed_pipe_is_no_failure", closed_pipe),
        test("cli", "a_full_disk_is_a_failure", full_disk),
        test("cli", "no_colours_off_a_terminal", colours),
        test("cli", "findings_as_json", findings_as_json),
        test("cli", "every_target_compiles_from_standard_input", every_target),
        test("cli", "compiling_twice_gives_the_same_bytes", same_bytes),
        test("cli", "explain_knows_every_code", explain),
    ]
}

fn clean_policy() -> Result<(), Failed> {
    let ran = ringwall_with(CLEAN, &["check", "-"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    insta_settings().bind(|| insta::assert_snapshot!("check_clean", ran.stdout));
    Ok(())
}

fn warnings() -> Result<(), Failed> {
    let ran = ringwall_with(FOUNDING, &["check", "-"]);
    assert_eq!(ran.code, Some(0));
    insta_settings().bind(|| insta::assert_snapshot!("check_warnings", ran.stderr));
    assert_eq!(ringwall_with(FOUNDING, &["check", "--deny-warnings", "-"]).code, Some(1));
    let denied = ringwall_with(FOUNDING, &["compile", "--deny-warnings", "-"]);
    assert_eq!((denied.code, denied.stdout.as_str()), (Some(1), ""));
    Ok(())
}

fn errors() -> Result<(), Failed> {
    for arguments in [&["check", "-"][..], &["compile", "-"], &["test", "-"]] {
        let ran = ringwall_with("allow inbound shh\npermit inbound\n", arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(ran.stderr.contains("unknown-name") && ran.stderr.contains("permit-without-states"), "{}", ran.stderr);
    }
    Ok(())
}

fn usage() -> Result<(), Failed> {
    for arguments in [
        &[][..],
        &["check"],
        &["shovel"],
        &["compile", "--target", "pf", "-"],
        &["check", "no-such-file"],
        &["check", env!("CARGO_MANIFEST_DIR")],
        &["run", "-", "-"],
        &["explain", "no-such-code"],
    ] {
        let ran = ringwall(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty(), "{arguments:?} says nothing");
    }
    assert_eq!(ringwall(&["--help"]).code, Some(0));
    assert_eq!(ringwall(&["--version"]).stdout, concat!("ringwall ", env!("CARGO_PKG_VERSION"), "\n"));
    Ok(())
}

fn closed_pipe() -> Result<(), Failed> {
    let mut child = command(&["explain"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("standard error is a pipe").read_to_string(&mut said)?;
    assert_eq!((child.wait()?.code(), said.as_str()), (Some(0), ""));
    Ok(())
}

fn full_disk() -> Result<(), Failed> {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let ran: Ran = command(&["explain"]).stdout(full).output()?.into();
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot write standard output"), "{}", ran.stderr);
    Ok(())
}

fn colours() -> Result<(), Failed> {
    const ESCAPE: char = '\u{1b}';
    let policy = b"allow inbound shh\n";
    let ran = ringwall_with(policy, &["check", "-"]);
    assert!(!ran.stderr.contains(ESCAPE), "{}", ran.stderr);
    let forced = feed(command(&["check", "-"]).env("CLICOLOR_FORCE", "1"), policy);
    assert!(forced.stderr.contains(ESCAPE), "{}", forced.stderr);
    let forbidden = feed(command(&["check", "-"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"), policy);
    assert!(!forbidden.stderr.contains(ESCAPE), "{}", forbidden.stderr);
    Ok(())
}

fn findings_as_json() -> Result<(), Failed> {
    let ran = ringwall_with("allow inbound shh\n", &["check", "--format", "json", "-"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(report["errors"], 1);
    let finding = &report["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&"unknown-name".into(), &"error".into()));
    assert_eq!((&finding["place"]["line"], &finding["place"]["column"]), (&1.into(), &15.into()));
    Ok(())
}

fn every_target() -> Result<(), Failed> {
    for (target, start) in [("nft", "#"), ("iptables", "#"), ("ip6tables", "#"), ("ir", "ruleset")] {
        let ran = ringwall_with(FOUNDING, &["compile", "--target", target, "-"]);
        assert_eq!(ran.code, Some(0), "{target}: {}", ran.stderr);
        assert!(ran.stdout.starts_with(start), "{target}: {}", ran.stdout);
    }
    Ok(())
}

fn same_bytes() -> Result<(), Failed> {
    let once = ringwall_with(CLEAN, &["compile", "-"]).stdout;
    assert!(!once.is_empty());
    assert_eq!(once, ringwall_with(CLEAN, &["compile", "-"]).stdout);
    Ok(())
}

fn explain() -> Result<(), Failed> {
    for code in ringwall_grammar::Code::ALL {
        let ran = ringwall(&["explain", code.name()]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.stdout.starts_with(&format!("# {}", code.name())), "{}", ran.stdout);
    }
    Ok(())
}

/// Where the snapshots of the command lie.
pub fn insta_settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/cli");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}
