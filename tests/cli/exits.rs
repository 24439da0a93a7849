// SPDX-License-Identifier: GPL-3.0-or-later
//! Exit codes: the kind of failure decides, and not the form of the input.

use std::fs;
use std::process::Stdio;

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use super::command::{CLEAN, Ran, argument, command, ringwall, ringwall_with};
use crate::support::{root, skip, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "errors_in_an_input_of_any_form_end_with_one", errors),
        test("cli", "an_input_that_is_no_text_ends_with_one_in_any_form", no_text),
        test("cli", "what_cannot_be_opened_ends_with_two_in_any_place", unopened),
        test("cli", "options_for_iptables_are_refused_for_other_forms", other_form),
        test("cli", "errors_without_end_are_counted", many),
        test("cli", "an_endless_input_is_refused_by_its_limit", endless),
        test("cli", "no_command_panics_where_nobody_reads_it", unread),
    ]
}

const HOST: [&str; 2] = ["--host-address", "10.0.0.1"];

/// A beginning for each form, so that the file is taken for it, and what is wrong behind it.
const FORMS: [(&str, &str, &str); 5] = [
    ("a policy", "baseline host\n", "allow inbound shh\n"),
    ("nft text", "table inet t {\n", "chain c { acept; }\n}\n"),
    ("nft json", "{\"nftables\": [{\"metainfo\": {}},\n", "{\"rule\": 5"),
    ("iptables-save", "*filter\n", ":INPUT DROP\n-A OUTPUT2 -j ACCEPT\nCOMMIT\n"),
    ("ir json", "{\"ringwall-ir\": 1,\n", "\"tables\": 5}"),
];

fn is_unable(form: &str, ran: &Ran) -> bool {
    let unable = form == "nft text" && ran.stderr.contains("`nft -j list ruleset`");
    if unable {
        skip("nft text", &ran.stderr);
    }
    unable
}

fn errors() -> Result<(), Failed> {
    for (form, head, wrong) in FORMS {
        for subcommand in [&["compile", "-"][..], &["run", "-", "/dev/null"], &["verify", "-", "--packets", "1"]] {
            let ran = ringwall_with(format!("{head}{wrong}"), subcommand);
            if is_unable(form, &ran) {
                continue;
            }
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{form} {subcommand:?}: {}", ran.stderr);
            assert!(!ran.stderr.is_empty(), "{form} {subcommand:?} says nothing");
        }
    }
    for (what, arguments, input) in [
        ("a traffic script", ["run", "POLICY", "-", HOST[0], HOST[1]], "0 in tpc 10.0.0.9:1 > 10.0.0.1:2\n"),
        ("a host file", ["run", "POLICY", "/dev/null", "--host", "-"], "forwardin = true\n"),
    ] {
        let directory = TempDir::new()?;
        let policy = directory.path().join("policy");
        fs::write(&policy, CLEAN)?;
        let arguments = arguments.map(|word| if word == "POLICY" { argument(&policy) } else { word });
        let ran = ringwall_with(input, &arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{what}: {}", ran.stderr);
    }
    Ok(())
}

fn no_text() -> Result<(), Failed> {
    for (form, head, _) in FORMS {
        let bytes = [head.as_bytes(), b"# caf\xe9\n"].concat();
        let ran = ringwall_with(bytes, &["compile", "-"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{form}: {}", ran.stderr);
        assert!(ran.stderr.contains("UTF-8"), "{form}: {}", ran.stderr);
    }
    Ok(())
}

fn unopened() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let policy = directory.path().join("policy");
    fs::write(&policy, CLEAN)?;
    let (policy, absent) = (argument(&policy), directory.path().join("absent"));
    for missing in [argument(directory.path()), argument(&absent)] {
        for arguments in [
            &["check", missing][..],
            &["test", missing],
            &["compile", missing],
            &["run", missing, "/dev/null"],
            &["run", policy, missing],
            &["run", policy, "/dev/null", "--host", missing],
            &["verify", missing],
            &["verify", policy, missing],
            &["verify", "-", "--ipset", missing],
        ] {
            let ran = ringwall_with("*filter\nCOMMIT\n", arguments);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(&format!("cannot read {missing}: ")), "{arguments:?}: {}", ran.stderr);
        }
    }
    Ok(())
}

fn other_form() -> Result<(), Failed> {
    for (form, head, wrong) in FORMS.iter().filter(|(form, ..)| *form != "iptables-save") {
        for option in [["--ipset", "/dev/null"], ["--family", "ipv4"]] {
            let ran = ringwall_with(format!("{head}{wrong}"), &["compile", "-", option[0], option[1]]);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{form}: {}", ran.stderr);
            assert!(ran.stderr.contains(option[0]), "{form}: {}", ran.stderr);
        }
    }
    Ok(())
}

fn many() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let policy = directory.path().join("policy");
    fs::write(&policy, CLEAN)?;
    for (arguments, input) in [
        (&["run", argument(&policy), "-"][..], "0 in tcp\n".repeat(5000)),
        (&["compile", "-"], format!("*filter\n{}COMMIT\n", "-A INPUT2 -j ACCEPT\n".repeat(5000))),
        (&["check", "-"], "allow inbound shh\n".repeat(5000)),
    ] {
        let ran = ringwall_with(input, arguments);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.lines().count() < 1500 && ran.stderr.contains("... and "), "{}", ran.stderr);
    }
    Ok(())
}

/// A form is told by its beginning, and each has a longest.
fn endless() -> Result<(), Failed> {
    for (head, most) in [("allow outbound\n", "4194304"), ("*filter\n", "256 MiB")] {
        let mut child = command(&["compile", "-"]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut pipe = child.stdin.take().expect("standard input is a pipe");
        std::thread::spawn(move || {
            use std::io::Write;
            let mut going = pipe.write_all(head.as_bytes()).is_ok();
            let more = "# more of it\n".repeat(80_000);
            while going {
                going = pipe.write_all(more.as_bytes()).is_ok();
            }
        });
        let ran: Ran = child.wait_with_output()?.into();
        assert_eq!(ran.code, Some(1), "{head}: {}", ran.stderr);
        assert!(ran.stderr.contains(most), "{head}: {}", ran.stderr);
    }
    Ok(())
}

fn unread() -> Result<(), Failed> {
    let seed = |extension: &str| argument(&root().join(format!("examples/seed/seed.{extension}"))).to_owned();
    let (policy, traffic) = (seed("policy"), seed("traffic"));
    for arguments in [
        &["check", &policy][..],
        &["compile", &policy],
        &["test", &policy],
        &["run", &policy, &traffic],
        &["run", &policy, &traffic, "--summary"],
        &["trace", &policy, &traffic, "--packet", "1"],
        &["explain"],
        &["--help"],
    ] {
        let mut child = command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        drop(child.stdout.take());
        assert_eq!(child.wait()?.code(), Some(0), "{arguments:?}");
    }
    assert_eq!(ringwall(&["explain", "shh"]).code, Some(2));
    Ok(())
}
