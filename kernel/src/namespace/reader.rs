// SPDX-License-Identifier: GPL-3.0-or-later
//! nft's own text, read: nft loads it in a private namespace, and the kernel tells what came of it.
//!
//! nft's list is not asked: of sets it does not tell whether packets may add to them and whether their ranges are merged,
//! it has no comments of sets and chains in JSON, and it tells times of the day in a time zone. The text is loaded in
//! the caller's time zone, as nft would load it, and the kernel keeps its own.
//!
//! The text may name interfaces that this machine does not have. The namespace gets every one that nft misses (`names.rs`),
//! with numbers that nobody writes, and in what is read the names stand in their place.

mod circle;
mod names;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringwall_ir::{Element, Elements, Illegal, Milliseconds, Ruleset, Set, Table};
use serde::{Deserialize, Serialize};

use super::isolate;
use super::job::Failure;
use super::program::{IP, NFT};
use crate::install;
use crate::nft::Devices;

/// The number of the first interface that is made: far from those that a text may name by number.
const FIRST: u32 = 0x4000_0000;

/// A text of nft's.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Text {
    /// The text.
    pub text: String,
    /// Where its file lies; none where it is in no file.
    pub directory: Option<PathBuf>,
}

/// Loads the text in a namespace of its own, and reads what the kernel holds then.
///
/// # Errors
/// What nft says of the text.
pub(super) fn read(given: &Text) -> Result<Ruleset, Failure> {
    isolate::enter()?;
    let (devices, loading) = load(given)?;
    let ruleset = install::read_somebodys(&devices).map_err(Failure::at("reading the ruleset back"))?;
    let mut ruleset = whole_seconds(ruleset, loading).map_err(Failure::at("reading the ruleset back"))?;
    ruleset.locate();
    Ok(ruleset)
}

/// Loads the text, with all interfaces that it misses, and tells how long that took.
fn load(given: &Text) -> Result<(Devices, Duration), Failure> {
    let mut devices = Devices::default();
    let mut elsewhere = given.directory.as_deref();
    loop {
        let start = Instant::now();
        let Err(failure) = feed(given) else { return Ok((devices, start.elapsed())) };
        let Failure::Broken(words) = &failure else { return Err(failure) };
        let missed = names::missed(words, &|file| source(given, file));
        let new: Vec<_> = missed.into_iter().filter(|name| !devices.has(name)).collect();
        if !new.is_empty() {
            new.iter().try_for_each(|name| add(&mut devices, name))?;
            continue;
        }
        // nft looks for `./names.nft` where it is called, not where the text lies.
        match elsewhere.take().filter(|_| words.contains(": Error: File not found: ")) {
            Some(directory) => env::set_current_dir(directory).map_err(Failure::at(directory.display()))?,
            None => {
                let more = circle::told(words, &given.text);
                let told = more.map(|more| Failure::Broken(format!("{}\n{more}", words.trim_end())));
                return Err(told.unwrap_or(failure));
            }
        }
    }
}

fn feed(given: &Text) -> Result<String, Failure> {
    match given.directory.as_deref().and_then(Path::to_str) {
        Some(directory) => NFT.feed(&["-I", directory, "-f", "-"], &given.text),
        None => NFT.feed(&["-f", "-"], &given.text),
    }
}

/// The text of a file that nft names.
fn source(given: &Text, file: &str) -> Option<String> {
    if file == "/dev/stdin" { Some(given.text.clone()) } else { fs::read_to_string(file).ok() }
}

/// Makes an interface.
fn add(devices: &mut Devices, name: &str) -> Result<(), Failure> {
    let place = u32::try_from(devices.len()).unwrap_or(u32::MAX);
    let number = FIRST.saturating_add(place.saturating_mul(Devices::STEP));
    // Every kernel that runs the harness has this type. Its other end has a name that no text is likely to have.
    let peer = format!("~{place}");
    let index = number.to_string();
    IP.feed(&["link", "add", "name", name, "index", &index, "type", "veth", "peer", "name", &peer], "")?;
    devices.insert(number, name);
    Ok(())
}

/// The ruleset as it was when the text had just been loaded: elements that had all their time then have it, and the others
/// what the text said, which is whole seconds.
fn whole_seconds(ruleset: Ruleset, loading: Duration) -> Result<Ruleset, Illegal> {
    let loading = u64::try_from(loading.as_millis()).unwrap_or(u64::MAX);
    let tables = ruleset.tables.into_iter().map(|table| of_table(table, loading)).collect::<Result<_, _>>()?;
    Ok(Ruleset { tables, ..ruleset })
}

fn of_table(table: Table, loading: u64) -> Result<Table, Illegal> {
    let (family, name) = (table.family(), table.name().to_owned());
    let mut parts = table.into_parts();
    parts.sets = parts.sets.into_iter().map(|set| of_set(set, loading)).collect::<Result<_, _>>()?;
    Table::new(family, &name, parts)
}

fn of_set(set: Set, loading: u64) -> Result<Set, Illegal> {
    let Elements::List(list) = set.elements() else { return Ok(set) };
    let usual = set.spec().timeout;
    let rounded = list.iter().map(|element| {
        let expires = element.expires.and_then(|left| at_start(left, element.timeout.or(usual), loading));
        Element { expires, ..element.clone() }
    });
    let comment = set.comment().map(str::to_owned);
    Ok(Set::new(set.name(), set.spec().clone(), Elements::List(rounded.collect()), set.origin())?.with_comment(comment))
}

/// What an element had left when it was loaded; none where that was all its time.
fn at_start(left: Milliseconds, whole: Option<Milliseconds>, loading: u64) -> Option<Milliseconds> {
    let rounded = left.0.div_ceil(1000).saturating_mul(1000);
    // The kernel counts in ticks, and tells no more than whole ones.
    let all = whole.is_some_and(|whole| left.0.saturating_add(loading).saturating_add(1000) > whole.0);
    (!all).then_some(Milliseconds(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_passes_while_a_text_is_read_is_not_told() {
        let (hour, most) = (Milliseconds(3_600_000), Milliseconds(3_599_990));
        assert_eq!(at_start(most, Some(hour), 5), None);
        assert_eq!(at_start(Milliseconds(1_799_990), Some(hour), 5), Some(Milliseconds(1_800_000)));
        assert_eq!(at_start(most, None, 5), Some(hour));
    }
}
