// SPDX-License-Identifier: GPL-3.0-or-later
//! What the user hands in: a file, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ringwall_grammar::MAX_BYTES;

use crate::failure::Failure;

/// What is read as a whole. Each kind has a longest, so that nothing endless fills the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A policy. One that is too long is read one byte further than it may be: its compiler says so, with a code.
    Policy,
    /// A ruleset of others, or the sets that it speaks of.
    Ruleset,
    /// The description of a host.
    Host,
}

impl Kind {
    /// The longest that is read, in bytes.
    const fn longest(self) -> usize {
        match self {
            Self::Policy => MAX_BYTES,
            Self::Ruleset => 256 << 20,
            Self::Host => 4 << 20,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Policy => "a policy",
            Self::Ruleset => "a ruleset",
            Self::Host => "the description of a host",
        }
    }
}

/// One input, as far as it was read.
pub struct Input {
    /// What it is called in messages.
    pub name: String,
    /// Its file name without directory and extension; none for standard input.
    pub stem: Option<String>,
    /// Where its file lies; none for standard input.
    #[cfg_attr(not(feature = "kernel"), expect(dead_code, reason = "only nft reads what a text includes"))]
    pub directory: Option<PathBuf>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Input {
    /// Reads a file, or standard input for `-`. How it begins tells of which kind it is.
    ///
    /// # Errors
    /// It cannot be read, or is longer than its kind may be.
    pub fn read(path: &Path, kind: impl FnOnce(&[u8]) -> Kind) -> Result<Self, Failure> {
        let name = name(path);
        let read = if is_standard(path) {
            read_limited(io::stdin().lock(), kind)
        } else {
            File::open(path).and_then(|file| read_limited(file, kind))
        };
        let (bytes, kind) = read.map_err(|error| Failure::io("read", &name, &error))?;
        if bytes.len() > kind.longest() && kind != Kind::Policy {
            let most = kind.longest() >> 20;
            let message = format!("{name} is longer than {most} MiB, the most that {} may have", kind.name());
            return Err(Failure::of_input(message));
        }
        let stem = path.file_stem().filter(|_| !is_standard(path)).map(|stem| stem.to_string_lossy().into_owned());
        let directory = path.parent().filter(|_| !is_standard(path));
        let directory = directory.and_then(|directory| Path::new(".").join(directory).canonicalize().ok());
        Ok(Self { name, stem, directory, bytes })
    }

    /// Its text.
    ///
    /// # Errors
    /// It is none.
    pub fn text(&self) -> Result<&str, Failure> {
        str::from_utf8(&self.bytes).map_err(|_| Failure::of_input(format!("{} is not text in UTF-8", self.name)))
    }
}

/// One byte further than its kind may be long, so that it can be seen to be too long.
fn read_limited(mut from: impl Read, kind: impl FnOnce(&[u8]) -> Kind) -> io::Result<(Vec<u8>, Kind)> {
    const HEAD: u64 = 64 * 1024;

    let mut bytes = Vec::new();
    from.by_ref().take(HEAD).read_to_end(&mut bytes)?;
    let kind = kind(&bytes);
    let rest = (kind.longest() + 1).saturating_sub(bytes.len());
    from.take(u64::try_from(rest).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok((bytes, kind))
}

/// Whether a path stands for standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Only one input can be standard input.
///
/// # Errors
/// More than one is.
pub fn refuse_standard_twice<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    if paths.into_iter().filter(|path| is_standard(path)).count() > 1 {
        return Err(Failure::new("only one of the files can be standard input"));
    }
    Ok(())
}

/// What a path is called in messages.
pub fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { PathBuf::from(path).display().to_string() }
}
