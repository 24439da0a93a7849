// SPDX-License-Identifier: GPL-3.0-or-later
//! Output files. They are replaced as a whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::failure::Failure;

/// What a new file may be used for, before the umask.
const NEW_FILE: u32 = 0o666;

/// Puts `text` in the place of what the file holds.
///
/// # Errors
/// What kept the file from being written. It then holds what it held before.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let mut replacement = Replacement::of(path)?;
    replacement.write_all(text.as_bytes()).map_err(|error| replacement.failure(&error))?;
    replacement.finish()
}

/// What will take the place of a file once it is finished; until then, and where it is never finished, the file holds what it
/// held. The finished file is renamed within its directory and keeps the permissions of the old one; a symbolic link keeps
/// pointing where it points. What is no regular file, such as `/dev/null` or a pipe, is written to.
pub struct Replacement {
    path: PathBuf,
    to: To,
}

enum To {
    /// A new file, the place that it takes, and the permissions of what is there.
    New(NamedTempFile, PathBuf, Option<Permissions>),
    /// No regular file.
    Through(File),
}

impl Replacement {
    /// Begins.
    ///
    /// # Errors
    /// What keeps the file from being written.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        let to = begin(path).map_err(|error| Failure::io("write", path.display(), &error))?;
        Ok(Self { path: path.to_owned(), to })
    }

    /// Puts what was written in the place of the file.
    ///
    /// # Errors
    /// What keeps it from there.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { path, to } = self;
        finish(to).map_err(|error| Failure::io("write", path.display(), &error))
    }

    /// Something that could not be written.
    pub fn failure(&self, error: &io::Error) -> Failure {
        Failure::io("write", self.path.display(), error)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::New(file, ..) => file.write(bytes),
            To::Through(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::New(file, ..) => file.flush(),
            To::Through(file) => file.flush(),
        }
    }
}

fn begin(path: &Path) -> io::Result<To> {
    let (target, permissions) = match fs::metadata(path) {
        Ok(found) if found.is_file() => (fs::canonicalize(path)?, Some(found.permissions())),
        Ok(_) => return fs::OpenOptions::new().write(true).open(path).map(To::Through),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (PathBuf::from(path), None),
        Err(error) => return Err(error),
    };
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let file =
        Builder::new().prefix(".ringwall-").permissions(Permissions::from_mode(NEW_FILE)).tempfile_in(directory)?;
    Ok(To::New(file, target, permissions))
}

fn finish(to: To) -> io::Result<()> {
    let To::New(file, target, permissions) = to else { return Ok(()) };
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}
