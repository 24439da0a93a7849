// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft makes of a ruleset in its own text, as JSON.
//!
//! The text may name interfaces that this machine does not have, and nft loads no rule with `iif` and `oif` of such a one.
//! The namespace gets every interface that nft misses: it tells where in the text the name stands, also of a variable.
//!
//! nft takes times of the day for those of its own time zone, here the caller's, and lists them in another if it is told to.

use std::collections::BTreeSet;

use super::isolate;
use super::job::Failure;
use super::program::{IP, NFT};

/// Loads the text in a namespace of its own, and lists the ruleset.
///
/// # Errors
/// What nft says of the text.
pub(super) fn list(text: &str) -> Result<String, Failure> {
    isolate::enter()?;
    let mut there = BTreeSet::new();
    loop {
        let Err(failure) = NFT.feed(&["-f", "-"], text) else { return NFT.ask(&["-j", "list", "ruleset"]) };
        let Failure::Broken(words) = &failure else { return Err(failure) };
        let missed: BTreeSet<_> = words.lines().filter_map(|line| missed_interface(line, text)).collect();
        if !missed.iter().any(|name| !there.contains(name)) {
            return Err(failure);
        }
        for name in missed.into_iter().filter(|name| !there.contains(name)).collect::<Vec<_>>() {
            IP.feed(&["link", "add", "name", name, "type", "veth"], "")?;
            there.insert(name);
        }
    }
}

/// The name that a line of nft's errors points at: `/dev/stdin:3:9-14: Error: Interface does not exist`.
fn missed_interface<'a>(line: &str, text: &'a str) -> Option<&'a str> {
    let place = line.strip_suffix(": Error: Interface does not exist")?;
    let (place, columns) = place.rsplit_once(':')?;
    let (_, line) = place.rsplit_once(':')?;
    let (first, last) = columns.split_once('-').unwrap_or((columns, columns));
    let (line, first, last): (usize, usize, usize) = (line.parse().ok()?, first.parse().ok()?, last.parse().ok()?);
    let name = text.lines().nth(line.checked_sub(1)?)?.get(first.checked_sub(1)?..last)?;
    Some(name.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_that_nft_misses_is_found_in_the_text() {
        let text = "define wan = \"wan0\"\n\tiif a accept\n";
        let missed = |line| missed_interface(line, text);
        assert_eq!(missed("/dev/stdin:1:14-19: Error: Interface does not exist"), Some("wan0"));
        assert_eq!(missed("/dev/stdin:2:6-6: Error: Interface does not exist"), Some("a"));
        for line in
            ["/dev/stdin:1:14-19: Error: syntax error", "/dev/stdin:9:1-2: Error: Interface does not exist", "x"]
        {
            assert_eq!(missed(line), None, "{line}");
        }
    }
}
