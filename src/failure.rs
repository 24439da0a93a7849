// SPDX-License-Identifier: GPL-3.0-or-later
//! What ends the command before it could do its work, and the exit code of that: 1 where something is wrong in what an input
//! says, whatever its form; 2 for all else: usage, what cannot be opened, what the system and the kernel do not do.

use std::error::Error;
use std::fmt::Display;
use std::io;

/// Why the command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// Nobody reads standard output any more. That is the reader's right, and no failure.
    BrokenPipe,
    /// Anything else.
    Told {
        /// What went wrong.
        message: String,
        /// What the user can do next.
        help: Option<String>,
        /// Where the fault lies.
        fault: Fault,
    },
}

/// Where a fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// In what a policy, a ruleset, traffic or the description of a host says. It is told as every error of an input is.
    Input,
    /// In the command line, or in the system.
    Elsewhere,
}

impl Failure {
    /// A failure in these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Told { message: message.into(), help: None, fault: Fault::Elsewhere }
    }

    /// A fault of what an input says, in these words.
    pub fn of_input(message: impl Into<String>) -> Self {
        Self::Told { message: message.into(), help: None, fault: Fault::Input }
    }

    /// Something that could not be done to a file, and why.
    pub fn io(deed: &str, name: impl Display, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::new(format!("cannot {deed} {name}: {}", reason(error)))
    }

    /// An error of a library, with everything that led to it.
    pub fn caused(error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self::new(message)
    }

    /// Says what the user can do next.
    #[must_use]
    pub fn help(self, words: impl Into<String>) -> Self {
        match self {
            Self::BrokenPipe => self,
            Self::Told { message, fault, .. } => Self::Told { message, help: Some(words.into()), fault },
        }
    }
}

/// The system's words for an error, in the form of our own messages: lower-case, without the number.
fn reason(error: &io::Error) -> String {
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_like_our_own_messages() {
        const ENOENT: i32 = 2;
        assert_eq!(reason(&io::Error::from_raw_os_error(ENOENT)), "no such file or directory");
    }
}
