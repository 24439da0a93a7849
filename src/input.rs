// SPDX-License-Identifier: GPL-3.0-or-later
//! What the user hands in: a file, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

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
    /// Reads a file, or standard input for `-`; of endless ones no more bytes than `limit` says of how they begin.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, limit: impl FnOnce(&[u8]) -> usize) -> Result<Self, Failure> {
        let name = name(path);
        let read = if is_standard(path) {
            read_limited(io::stdin().lock(), limit)
        } else {
            File::open(path).and_then(|file| read_limited(file, limit))
        };
        let bytes = read.map_err(|error| Failure::io("read", &name, &error))?;
        let stem = path.file_stem().filter(|_| !is_standard(path)).map(|stem| stem.to_string_lossy().into_owned());
        let directory = path.parent().filter(|_| !is_standard(path));
        let directory = directory.and_then(|directory| Path::new(".").join(directory).canonicalize().ok());
        Ok(Self { name, stem, directory, bytes })
    }
}

fn read_limited(mut from: impl Read, limit: impl FnOnce(&[u8]) -> usize) -> io::Result<Vec<u8>> {
    const HEAD: u64 = 64 * 1024;

    let mut bytes = Vec::new();
    from.by_ref().take(HEAD).read_to_end(&mut bytes)?;
    let rest = limit(&bytes).saturating_sub(bytes.len());
    from.take(u64::try_from(rest).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
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
