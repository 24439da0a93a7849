// SPDX-License-Identifier: GPL-3.0-or-later
//! Output files. They are replaced as a whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::Builder;

use crate::failure::Failure;

/// What a new file may be used for, before the umask.
const NEW_FILE: u32 = 0o666;

/// Puts `text` in the place of what the file holds, by renaming a finished file of the same directory.
/// The file keeps its permissions; a symbolic link keeps pointing where it points. What is no regular file, such as
/// `/dev/null` or a pipe, is written to.
///
/// # Errors
/// What kept the file from being written. It then holds what it held before.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    try_replace(path, text).map_err(|error| Failure::io("write", path.display(), &error))
}

fn try_replace(path: &Path, text: &str) -> io::Result<()> {
    let (target, permissions) = match fs::metadata(path) {
        Ok(found) if found.is_file() => (fs::canonicalize(path)?, Some(found.permissions())),
        Ok(_) => return fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (PathBuf::from(path), None),
        Err(error) => return Err(error),
    };
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file =
        Builder::new().prefix(".ringwall-").permissions(Permissions::from_mode(NEW_FILE)).tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}
