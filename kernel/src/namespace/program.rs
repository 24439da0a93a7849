// SPDX-License-Identifier: GPL-3.0-or-later
//! The programs that the worker runs: nft, ip, iptables.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use super::job::Failure;

/// A program: the names that it may have, best first, and the package that holds it.
pub(super) struct Program {
    names: &'static [&'static str],
    package: &'static str,
}

/// Rulesets as text, also those of the harness.
pub(super) const NFT: Program = Program { names: &["nft"], package: "nftables" };
/// Links, addresses and routes.
pub(super) const IP: Program = Program { names: &["ip"], package: "iproute2" };
/// Sets that rules of iptables speak of.
pub(super) const IPSET: Program = Program { names: &["ipset"], package: "ipset" };
/// iptables-save text of IPv4. Under the second name it may be the one of xtables, whose rules leave no trace.
pub(super) const IPTABLES_RESTORE: Program =
    Program { names: &["iptables-nft-restore", "iptables-restore"], package: "iptables" };
/// iptables-save text of IPv6.
pub(super) const IP6TABLES_RESTORE: Program =
    Program { names: &["ip6tables-nft-restore", "ip6tables-restore"], package: "iptables" };

impl Program {
    /// Runs the program with text on its standard input. What it prints.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where it is not installed; else its own words where it does not succeed.
    pub(super) fn feed(&self, arguments: &[&str], text: &str) -> Result<String, Failure> {
        let (name, mut child) = self.spawn(arguments)?;
        // A program that refuses the text may stop reading; what it says of it is in its output.
        let _unread = child.stdin.take().map(|mut pipe| pipe.write_all(text.as_bytes()));
        let output = child.wait_with_output().map_err(Failure::at(name))?;
        if output.status.success() {
            return String::from_utf8(output.stdout).map_err(Failure::at(name));
        }
        Err(Failure::Broken(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim_end())))
    }

    fn spawn(&self, arguments: &[&str]) -> Result<(&'static str, Child), Failure> {
        for &name in self.names {
            let spawned = Command::new(name)
                .args(arguments)
                .env("PATH", search_path())
                .env("LC_ALL", "C")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            match spawned {
                Ok(child) => return Ok((name, child)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::at(name)(error)),
            }
        }
        let name = self.names.first().copied().unwrap_or_default();
        Err(Failure::Unavailable(format!("the program `{name}` is missing; it is in the package `{}`", self.package)))
    }
}

/// Where programs are looked for: ordinary users often have no `sbin` in their path.
fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    path.push(":/usr/local/sbin:/usr/sbin:/sbin");
    path
}
