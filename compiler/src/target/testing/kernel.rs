// SPDX-License-Identifier: GPL-3.0-or-later
//! nft and iptables in private network namespaces.

#[path = "../../../tests/corpus_lift/shell.rs"]
mod shell;

use std::process::Command;

/// A way into a new network namespace.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    unshare: &'static [&'static str],
}

/// The kernel, if a namespace can be had here and the programs are installed. Says so where not.
pub fn kernel() -> Option<Kernel> {
    const PROGRAMS: &str = "nft --version && iptables-restore --version && ip6tables-restore --version";
    let found = [&["-n"][..], &["-rn"]]
        .into_iter()
        .map(|unshare| Kernel { unshare })
        .find(|kernel| kernel.run(PROGRAMS).is_ok());
    if found.is_none() {
        eprintln!("skipped: needs network namespaces, nftables and iptables");
    }
    found
}

/// Times of the day stand in the time zone of nft.
const JSON_LIST: &str = "TZ=UTC nft -j list ruleset";

const NEXT: &str = "=== next ===\n";

impl Kernel {
    /// Loads the texts in turn into one namespace. Returns `nft list ruleset` after each.
    pub fn nft(self, texts: &[&str]) -> Vec<String> {
        self.load("nft -f -", "nft list ruleset", texts)
    }

    /// Whether it has `nft_queue`, which may be a module that is not there.
    pub fn has_queues(self) -> bool {
        self.run("nft 'add table inet t; add chain inet t c; add rule inet t c queue'").is_ok()
    }

    /// Loads a text of nft, and returns `nft -j list ruleset`.
    pub fn nft_list(self, text: &str) -> String {
        self.load("nft -f -", JSON_LIST, &[text]).concat()
    }

    /// Loads texts of nft JSON in turn into one namespace. Returns `nft -j list ruleset` after each.
    pub fn nft_json(self, texts: &[&str]) -> Vec<String> {
        self.load("nft -j -f -", JSON_LIST, texts)
    }

    /// What nft makes of a text, as `--debug=netlink` prints it.
    pub fn nft_bytecode(self, text: &str) -> String {
        let script = format!("nft --debug=netlink -f - <<'=== end ==='\n{text}\n=== end ===\n");
        self.run(&script).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// The same for the text of iptables-save; `program` is `iptables` or `ip6tables`.
    pub fn iptables(self, program: &str, texts: &[&str]) -> Vec<String> {
        self.load(&format!("{program}-restore"), &format!("{program}-save | grep -v '^#'"), texts)
    }

    /// The same beside sets of ipset, which are loaded before each text, and listed behind it.
    pub fn iptables_beside(self, sets: &str, program: &str, texts: &[&str]) -> Vec<String> {
        let load = format!("ipset restore <<'=== sets ==='\n{sets}\n=== sets ===\n{program}-restore");
        self.load(&load, &format!("{program}-save | grep -v '^#'; ipset save | sort"), texts)
    }

    fn load(self, load: &str, list: &str, texts: &[&str]) -> Vec<String> {
        let step =
            |text: &&str| format!("{load} <<'=== end ==='\n{text}\n=== end ===\n{list}\necho '{}'\n", NEXT.trim());
        let script: String = texts.iter().map(step).collect();
        let listed = self.run(&script).unwrap_or_else(|error| panic!("{error}\n{}", texts.join("\n")));
        listed.split_terminator(NEXT).map(str::to_owned).collect()
    }

    /// What a shell script prints in a new namespace, or what it says of its failure.
    pub fn run(self, script: &str) -> Result<String, String> {
        shell::feed(Command::new("unshare").args(self.unshare).args(["sh", "-e"]), script)
    }
}
