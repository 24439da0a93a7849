// SPDX-License-Identifier: GPL-3.0-or-later
//! Each file alone: its size, its head, what it must not say.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::support::{files, has_extension, none_of, read, shown, test};

/// Longer files are listed: they should be split at the next chance.
const SOFT_CAP: usize = 500;

/// Longer files are refused.
const HARD_CAP: usize = 800;

/// Declared tables, which grow by rows and not by ideas.
const TABLES: &[&str] = &["ir/src/fields.rs", "compiler/src/resolve/services.rs", "grammar/src/policy.pest"];

/// Directories of somebody's machine. A path under them works nowhere else.
const PRIVATE: &[&str] = &["/home/", "/root/", "/tmp/", "/Users/"];

const SPDX: &str = "SPDX-License-Identifier: GPL-3.0-or-later";

pub fn tests() -> Vec<Trial> {
    vec![
        test("tidy", "files_stay_small", files_stay_small),
        test("tidy", "files_name_their_licence", files_name_their_licence),
        test("tidy", "modules_say_what_they_are_for", modules_say_what_they_are_for),
        test("tidy", "lines_end_where_their_text_ends", lines_end_where_their_text_ends),
        test("tidy", "no_path_of_somebodys_machine", no_path_of_somebodys_machine),
    ]
}

fn files_stay_small() -> Result<(), Failed> {
    let mut refused = Vec::new();
    for path in files().iter().filter(|path| has_extension(path, &["rs", "pest", "sh"])) {
        let name = shown(path);
        let lines = read(path).lines().count();
        let size = format!("{name}: {lines} lines");
        if TABLES.contains(&name.as_str()) || lines <= SOFT_CAP {
            continue;
        }
        if lines > HARD_CAP {
            refused.push(size);
        } else {
            eprintln!("over {SOFT_CAP} lines: {size}");
        }
    }
    none_of(refused, &format!("longer than {HARD_CAP} lines"))
}

fn files_name_their_licence() -> Result<(), Failed> {
    let bare = files().into_iter().filter(|path| is_code(path) && !names_licence(path)).map(|path| shown(&path));
    none_of(bare.collect(), &format!("without `{SPDX}` in the first two lines"))
}

fn names_licence(path: &Path) -> bool {
    read(path).lines().take(2).any(|line| line.contains(SPDX))
}

fn is_code(path: &Path) -> bool {
    let name = shown(path);
    has_extension(path, &["rs", "pest", "sh", "toml"]) || name == "Makefile" || name.starts_with(".ci/")
}

fn modules_say_what_they_are_for() -> Result<(), Failed> {
    let says =
        |path: &Path| read(path).lines().take_while(|line| line.starts_with("//")).any(|line| line.starts_with("//! "));
    let mute = files().into_iter().filter(|path| has_extension(path, &["rs"]) && !says(path)).map(|path| shown(&path));
    none_of(mute.collect(), "without a `//!` doc at the head")
}

fn lines_end_where_their_text_ends() -> Result<(), Failed> {
    let mut found = Vec::new();
    for path in files().iter().filter(|path| is_code(path) || has_extension(path, &["md", "policy", "traffic"])) {
        let trailing = |(_, line): &(usize, &str)| line.ends_with([' ', '\t', '\r']);
        let text = read(path);
        found.extend(text.lines().enumerate().filter(trailing).map(|(i, _)| format!("{}:{}", shown(path), i + 1)));
    }
    none_of(found, "blanks at the end of a line")
}

fn no_path_of_somebodys_machine() -> Result<(), Failed> {
    let mut found = Vec::new();
    for path in files().iter().filter(|path| has_extension(path, &["rs", "pest", "sh", "toml", "md", "policy", "snap"]))
    {
        if shown(path) == file!() {
            continue;
        }
        let names = |(_, line): &(usize, &str)| PRIVATE.iter().any(|directory| line.contains(directory));
        let text = read(path);
        found.extend(
            text.lines().enumerate().filter(names).map(|(i, line)| format!("{}:{}: {line}", shown(path), i + 1)),
        );
    }
    none_of(found, "a path of somebody's machine")
}
