// SPDX-License-Identifier: GPL-3.0-or-later
//! Spans of time, as text and back.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A span of time, as the kernel keeps those of elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Milliseconds(pub u64);

/// The units, from the longest on, with their lengths in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl fmt::Display for Milliseconds {
    /// `1h30s` or `1500ms`, as nft takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, length) in UNITS {
            let count = rest / length;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
            rest %= length;
        }
        Ok(())
    }
}

/// The text is no span of time, or one of more than 64 bits of milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no span of time: `1h30m` is one")]
pub struct NoSpan(pub String);

impl FromStr for Milliseconds {
    type Err = NoSpan;

    /// Reads `1h30m5s`: numbers with their units, the longest unit first, each once.
    fn from_str(text: &str) -> Result<Self, NoSpan> {
        parse(text).map(Self).ok_or_else(|| NoSpan(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    for (unit, length) in UNITS {
        let behind = rest.trim_start_matches(|character: char| character.is_ascii_digit());
        let ends = behind.strip_prefix(unit).filter(|after| !(unit == "m" && after.starts_with('s')));
        if let (Some(after), Some(count)) = (ends, rest.strip_suffix(behind)) {
            total = total.checked_add(count.parse::<u64>().ok()?.checked_mul(length)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(milliseconds in any::<u64>(), digits in 0_u32..64) {
            let span = Milliseconds(milliseconds >> digits);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn no_text_panics(text in "([0-9]{0,21}(d|h|m|s|ms|x)?){0,5}") {
            let _ = text.parse::<Milliseconds>();
        }
    }

    #[test]
    fn only_spans_are_read() {
        assert_eq!("1h30m".parse(), Ok(Milliseconds(5_400_000)));
        assert_eq!("1500ms".parse(), Ok(Milliseconds(1500)));
        for text in ["", "5", "h", "1s1h", "1h 5m", "-1s", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(text.parse::<Milliseconds>(), Err(NoSpan(text.to_owned())));
        }
    }
}
