// SPDX-License-Identifier: GPL-3.0-or-later
//! Names of interfaces, and patterns of them.

use std::fmt;

use crate::datatype::{Datatype, stem_interval};
use crate::interval::IntervalSet;
use crate::legal::Illegal;

/// The name of an interface, or all names that start alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfacePattern {
    stem: String,
    open: bool,
}

impl InterfacePattern {
    /// The longest name, in bytes (`IFNAMSIZ` less the final NUL).
    pub const MAX: usize = 15;

    /// Reads `eth0` or `wlan*`. A lone `*` is not a pattern: it tests nothing.
    ///
    /// # Errors
    /// [`Illegal::InterfaceName`] where no interface can have the name (`dev_valid_name` in `net/core/dev.c`).
    pub fn new(text: &str) -> Result<Self, Illegal> {
        let (stem, open) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        let legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'*' | b'"' | b'\\');
        if stem.is_empty() || stem.len() > Self::MAX || !stem.bytes().all(legal) || matches!(stem, "." | "..") {
            return Err(Illegal::InterfaceName(text.to_owned()));
        }
        Ok(Self { stem: stem.to_owned(), open })
    }

    /// The name, or what the names start with.
    #[must_use]
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// Whether any ending may follow, the empty one too.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// The names as values of [`Datatype::Ifname`].
    #[must_use]
    pub fn interval(&self) -> (u128, u128) {
        let name = || Datatype::Ifname.parse_value(&self.stem).map(|value| (value, value));
        let interval = if self.open { stem_interval(&self.stem) } else { name() };
        interval.unwrap_or_default()
    }

    /// The names of several patterns as values of [`Datatype::Ifname`].
    #[must_use]
    pub fn values(patterns: &[Self]) -> IntervalSet {
        patterns.iter().map(Self::interval).collect()
    }

    /// The patterns that values of [`Datatype::Ifname`] are made of; what no interface is called is left out.
    #[must_use]
    pub fn of_values(values: &IntervalSet) -> Vec<Self> {
        let stems = Datatype::Ifname.elements(values).into_iter();
        stems.filter_map(|(first, last)| Self::new(&Datatype::Ifname.interval_text(first, last)).ok()).collect()
    }

    /// Whether an interface of this name is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        if self.open { name.starts_with(&self.stem) } else { name == self.stem }
    }
}

impl fmt::Display for InterfacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.stem, if self.open { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_values_and_back() {
        let patterns =
            |texts: &[&str]| texts.iter().map(|text| InterfacePattern::new(text).unwrap()).collect::<Vec<_>>();
        for texts in [&["eth0"][..], &["eth0", "lo", "wlan*"], &["a*", "b*", "c*", "d*"], &["tun0*", "tun1*", "tun2"]] {
            let patterns = patterns(texts);
            assert_eq!(InterfacePattern::of_values(&InterfacePattern::values(&patterns)), patterns);
        }
    }
}
