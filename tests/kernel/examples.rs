// SPDX-License-Identifier: GPL-3.0-or-later
//! The examples, and the shortest policy there is, in the kernel: every output loads, twice in a row, and netlink
//! installs what `nft -f` does.

use std::path::PathBuf;
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};

use crate::support::{root, skip, test};

const FOUNDING: &str = "allow outbound, permit established inbound";

/// The tests of every example.
pub fn tests() -> Vec<Trial> {
    let mut tests =
        vec![test("kernel::examples", "the founding sentence loads in every target", || loads(Source::Founding))];
    for policy in examples() {
        let name = policy.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (again, third) = (policy.clone(), policy.clone());
        tests.push(test("kernel::examples", &format!("{name} loads in every target, twice"), move || {
            loads(Source::File(policy))
        }));
        tests.push(test("kernel::examples", &format!("{name} is the same by netlink and by nft"), move || {
            same_listing(&again)
        }));
        tests.push(test("kernel::examples", &format!("{name} verifies"), move || verifies(&third)));
    }
    tests
}

#[derive(Clone)]
enum Source {
    Founding,
    File(PathBuf),
}

impl Source {
    /// The shell words that put the policy on standard output.
    fn shell(&self) -> String {
        match self {
            Self::Founding => format!("echo '{FOUNDING}'"),
            Self::File(path) => format!("cat '{}'", path.display()),
        }
    }
}

/// Every policy under `examples/`.
fn examples() -> Vec<PathBuf> {
    let is_policy = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "policy");
    let under = root().join("examples");
    crate::support::files().into_iter().filter(|path| path.starts_with(&under) && is_policy(path)).collect()
}

fn loads(source: Source) -> Result<(), Failed> {
    let policy = source.shell();
    for (target, program) in [("nft", "nft -f -"), ("iptables", "iptables-restore"), ("ip6tables", "ip6tables-restore")]
    {
        let once = format!("{policy} | $RINGWALL compile --target {target} - | {program}");
        inside(&format!("set -e -o pipefail; {once}; {once}"))?;
    }
    inside(&format!("set -e -o pipefail; {policy} | $RINGWALL compile --target ir - > /dev/null"))?;
    inside(&format!("set -e -o pipefail; {policy} | $RINGWALL apply -; {policy} | $RINGWALL apply -"))?;
    Ok(())
}

fn same_listing(policy: &std::path::Path) -> Result<(), Failed> {
    let policy = policy.display();
    let by_nft = inside(&format!("set -e -o pipefail; $RINGWALL compile '{policy}' | nft -f -; nft list ruleset"))?;
    let by_netlink = inside(&format!("set -e; $RINGWALL apply '{policy}' >&2; nft list ruleset"))?;
    let (Some(by_nft), Some(by_netlink)) = (by_nft, by_netlink) else { return Ok(()) };
    if by_nft.is_empty() || by_nft != by_netlink {
        return Err(format!("by nft:\n{by_nft}\nby netlink:\n{by_netlink}").into());
    }
    Ok(())
}

fn verifies(policy: &std::path::Path) -> Result<(), Failed> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_ringwall")).arg("verify").arg(policy).args(["--packets", "1000"]).output()?;
    if output.status.success() { Ok(()) } else { Err(told(&output).into()) }
}

/// What a script prints in a network namespace of its own; none where there are no namespaces.
fn inside(script: &str) -> Result<Option<String>, Failed> {
    let namespace: &[&str] = if works(&["--net"]) {
        &["--net"]
    } else if works(&["--user", "--map-root-user", "--net"]) {
        &["--user", "--map-root-user", "--net"]
    } else {
        skip("loading into the kernel", "no network namespace can be made here");
        return Ok(None);
    };
    let ringwall = env!("CARGO_BIN_EXE_ringwall");
    let output =
        Command::new("unshare").args(namespace).args(["bash", "-c", script]).env("RINGWALL", ringwall).output()?;
    if !output.status.success() {
        return Err(format!("{script}\n{}", told(&output)).into());
    }
    Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn works(namespace: &[&str]) -> bool {
    Command::new("unshare").args(namespace).arg("true").output().is_ok_and(|output| output.status.success())
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
