// SPDX-License-Identifier: GPL-3.0-or-later
//! The names of interfaces that nft misses, told by its errors.
//!
//! nft points at the name of an interface that a rule compares with, also in a variable and in an included file, and prints
//! the line. Of the devices of flow tables and chains the kernel says only that something is missing: then all that the
//! file names as such are meant.

use std::collections::{BTreeMap, BTreeSet};

/// The names that are missing.
pub(super) fn missed(errors: &str, source: &dyn Fn(&str) -> Option<String>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut lines = errors.lines().peekable();
    while let Some(line) = lines.next() {
        // The name of the program stands before its first line.
        let line = line.strip_prefix("nft: ").unwrap_or(line);
        if let Some(place) = line.strip_suffix(": Error: Interface does not exist") {
            names.extend(lines.peek().and_then(|text| pointed_at(place, text)));
        }
        let missing = line.strip_suffix(": Error: Could not process rule: No such file or directory");
        // A file, a line, and columns.
        if let Some(file) = missing.and_then(|place| place.rsplitn(3, ':').nth(2)) {
            names.extend(source(file).iter().flat_map(|text| devices(text)));
        }
    }
    names
}

/// The name at the place: `/dev/stdin:3:9-14`.
fn pointed_at(place: &str, text: &str) -> Option<String> {
    let (_, columns) = place.rsplit_once(':')?;
    let (first, last) = columns.split_once('-').unwrap_or((columns, columns));
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    let name = text.get(first.checked_sub(1)?..last)?;
    Some(name.trim_matches('"').to_owned())
}

/// The devices that a text names behind `device` and `devices`, also by variables of its own.
fn devices(text: &str) -> BTreeSet<String> {
    let words = words(text);
    let mut defined: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for (place, word) in words.iter().enumerate() {
        match (*word, words.get(place + 1..).unwrap_or_default()) {
            ("define", [name, "=", values @ ..]) => {
                defined.insert(name, list(values));
            }
            ("devices", ["=", values @ ..]) | ("device", values) => named.extend(list(values)),
            _ => {}
        }
    }
    // A variable may name others.
    for _ in 0..3 {
        let resolved = named.iter().flat_map(|name| match name.strip_prefix('$') {
            Some(variable) => defined.get(variable).cloned().unwrap_or_default(),
            None => vec![*name],
        });
        named = resolved.collect();
    }
    named.into_iter().filter(|name| is_name(name)).map(str::to_owned).collect()
}

fn is_name(name: &str) -> bool {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
    (1..16).contains(&name.len()) && name != "lo" && name.chars().all(legal)
}

/// The words of a text, without comments and quotes; braces, commas, `=` and `;` stand by themselves.
pub(super) fn words(text: &str) -> Vec<&str> {
    const ALONE: [char; 5] = ['{', '}', ',', ';', '='];
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let words = lines.flat_map(|line| line.split([' ', '\t', '"']));
    words
        .flat_map(|word| word.split_inclusive(ALONE))
        .flat_map(|word| {
            let end = word.strip_suffix(ALONE).map_or(word.len(), str::len);
            let (head, mark) = word.split_at(end);
            [head, mark].into_iter().filter(|part| !part.is_empty())
        })
        .collect()
}

/// The value at the head of some words, or the values of a list in braces.
fn list<'a>(words: &[&'a str]) -> Vec<&'a str> {
    match words {
        ["{", items @ ..] => {
            items.iter().take_while(|word| **word != "}").filter(|word| **word != ",").copied().collect()
        }
        [only, ..] => vec![only],
        [] => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "define wan = \"wan0\" # device x\ndefine lan={a1,a2}\nflowtable f {\n devices = { $wan, $lan, eth3 };\n}\n\
                        hook ingress device \"eth4\" priority 0; x device $lan";

    fn names(errors: &str) -> Vec<String> {
        missed(errors, &|file| (file == "./a:b.nft").then(|| TEXT.to_owned())).into_iter().collect()
    }

    #[test]
    fn the_interface_that_nft_points_at_is_missed() {
        let errors = "nft: In file included from /dev/stdin:1:1-18:\n\
                      ./x.nft:1:14-19: Error: Interface does not exist\ndefine wan = \"wan0\"\n             ^^^^^^\n\
                      /dev/stdin:2:6-6: Error: Interface does not exist\n\tiif a accept\n";
        assert_eq!(names(errors), ["a", "wan0"]);
        assert_eq!(names("/dev/stdin:9:1-2: Error: Interface does not exist"), [""; 0]);
        assert_eq!(names("/dev/stdin:1:1-3: Error: syntax error\nabc"), [""; 0]);
    }

    #[test]
    fn where_nft_points_at_no_device_all_of_the_file_are_meant() {
        let missing =
            |file: &str| format!("nft: {file}:2:12-12: Error: Could not process rule: No such file or directory");
        assert_eq!(names(&missing("./a:b.nft")), ["a1", "a2", "eth3", "eth4", "wan0"]);
        assert_eq!(names(&missing("other")), [""; 0]);
    }
}
