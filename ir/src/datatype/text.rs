// SPDX-License-Identifier: GPL-3.0-or-later
//! Values as text, and back.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Datatype;
use crate::interval::IntervalSet;
use crate::milliseconds::Milliseconds;

/// A second in nanoseconds.
const SECOND: u128 = 1_000_000_000;

/// A second in milliseconds.
const MILLISECONDS: u128 = 1000;

/// The length of a text value, in bytes (`IFNAMSIZ`, `NF_CT_HELPER_NAME_LEN`).
const TEXT_LEN: usize = 16;

impl Datatype {
    /// A value in nft's words. Names stand without quotes.
    #[must_use]
    pub fn value_text(self, value: u128) -> String {
        if let Some(name) = self.value_name(value) {
            return name.to_owned();
        }
        match self {
            Self::Ipv4Addr => {
                u32::try_from(value).map_or_else(|_| value.to_string(), |bits| Ipv4Addr::from_bits(bits).to_string())
            }
            Self::Ipv6Addr => Ipv6Addr::from_bits(value).to_string(),
            Self::Duration => {
                u64::try_from(value).map_or_else(|_| value.to_string(), |span| Milliseconds(span).to_string())
            }
            Self::EtherAddr => ether(value),
            Self::EtherType => format!("{value:#06x}"),
            Self::Mark => format!("{value:#010x}"),
            Self::Classid => format!("{:x}:{:x}", value >> 16, value & 0xffff),
            Self::Ifname | Self::String => text_of(value),
            // nft counts in seconds, and has no words for parts of one.
            Self::Time if value.is_multiple_of(SECOND) => (value / SECOND).to_string(),
            Self::Time => format!("{value}ns"),
            Self::CtState | Self::CtStatus | Self::TcpFlag => self.bits_text(value),
            _ => value.to_string(),
        }
    }

    /// The value of a text that [`Self::value_text`] gives, or that nft takes for one.
    #[must_use]
    pub fn parse_value(self, text: &str) -> Option<u128> {
        if let Some(value) = self.named_value(text) {
            return Some(value);
        }
        match self {
            Self::Ipv4Addr => text.parse::<Ipv4Addr>().ok().map(|address| u128::from(address.to_bits())),
            Self::Ipv6Addr => text.parse::<Ipv6Addr>().ok().map(Ipv6Addr::to_bits),
            Self::EtherAddr => parse_ether(text),
            Self::Classid => {
                let (major, minor) = text.split_once(':')?;
                Some(
                    u128::from(u16::from_str_radix(major, 16).ok()?) << 16
                        | u128::from(u16::from_str_radix(minor, 16).ok()?),
                )
            }
            Self::Duration => {
                let span = text.parse().ok().map(|Milliseconds(span)| u128::from(span));
                span.or_else(|| number(text)?.checked_mul(MILLISECONDS))
            }
            Self::Ifname | Self::String => value_of(text),
            Self::Time => match text.strip_suffix("ns") {
                Some(nanoseconds) => number(nanoseconds),
                None => number(text)?.checked_mul(SECOND),
            },
            Self::CtState | Self::CtStatus | Self::TcpFlag => {
                let bits = text.split(',').map(|name| self.named_value(name.trim()));
                bits.reduce(|all, bit| Some(all? | bit?)).flatten().or_else(|| number(text))
            }
            _ => number(text),
        }
    }

    /// A closed interval in nft's words: a value, a prefix, a stem with `*`, or a range. One of bits or of interfaces is of
    /// numbers.
    #[must_use]
    pub fn interval_text(self, first: u128, last: u128) -> String {
        if first == last {
            return self.value_text(first);
        }
        if self == Self::Ifname {
            return format!("{}*", text_of(first));
        }
        if self.has_prefixes()
            && let Some(bits) = self.bits()
            && let [(start, length)] = IntervalSet::range(first, last).prefixes(bits).as_slice()
        {
            return format!("{}/{length}", self.value_text(*start));
        }
        if self.is_bits() {
            return format!("{first:#x}-{last:#x}");
        }
        if self == Self::IfaceIndex {
            return format!("{first}-{last}");
        }
        format!("{}-{}", self.value_text(first), self.value_text(last))
    }

    /// The interval of a text that [`Self::interval_text`] gives.
    #[must_use]
    pub fn parse_interval(self, text: &str) -> Option<(u128, u128)> {
        if self == Self::Ifname
            && let Some(stem) = text.strip_suffix('*')
        {
            return stem_interval(stem);
        }
        if let Some(value) = self.parse_value(text) {
            return Some((value, value));
        }
        if let Some((address, length)) = text.split_once('/').filter(|_| self.has_prefixes()) {
            let (bits, length) = (self.bits()?, length.parse().ok()?);
            let prefix = IntervalSet::prefix(self.parse_value(address)?, length, bits);
            return prefix.intervals().first().copied().filter(|_| length <= bits);
        }
        // A name may have a `-` of its own, so any of them may be the one in the middle.
        let ends = text.match_indices('-').find_map(|(middle, dash)| {
            let (first, last) = (text.get(..middle)?, text.get(middle + dash.len()..)?);
            Some((self.parse_value(first)?, self.parse_value(last)?))
        });
        ends.filter(|(first, last)| first <= last && !self.is_text())
    }

    /// The names of bits, joined by commas; a number where a bit has none.
    fn bits_text(self, bits: u128) -> String {
        let set: Vec<_> = (0..128).map(|place| 1 << place).filter(|bit| bits & bit != 0).collect();
        let names: Option<Vec<_>> = set.iter().map(|&bit| self.bit_name(bit)).collect();
        match names {
            Some(mut names) if !names.is_empty() => {
                if self == Self::CtState {
                    // In the order in which the language lists them.
                    names.sort_by_key(|name| crate::words::CtState::ALL.iter().position(|state| state.name() == *name));
                }
                names.join(",")
            }
            _ => format!("{bits:#x}"),
        }
    }
}

/// The values of all texts that start alike; none where the stem is no text. One that is as long as a text can be has
/// nothing behind it: it is that text alone.
#[must_use]
pub fn stem_interval(stem: &str) -> Option<(u128, u128)> {
    let first = value_of(stem)?;
    // The last byte is always zero.
    match TEXT_LEN.checked_sub(stem.len())? {
        0 | 1 => Some((first, first)),
        free => Some((first, first | ones(free))),
    }
}

fn ones(bytes: usize) -> u128 {
    match bytes {
        0 => 0,
        16.. => u128::MAX,
        _ => (1 << (8 * bytes)) - 1,
    }
}

/// A text as a number: its bytes, the first the highest. None where it is too long or has a zero byte.
fn value_of(text: &str) -> Option<u128> {
    let mut bytes = [0; TEXT_LEN];
    bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    (!text.is_empty() && text.len() < TEXT_LEN && !text.contains('\0')).then(|| u128::from_be_bytes(bytes))
}

fn text_of(value: u128) -> String {
    let bytes = value.to_be_bytes();
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(TEXT_LEN);
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn ether(value: u128) -> String {
    let bytes: Vec<_> = value.to_be_bytes().iter().skip(10).map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

fn parse_ether(text: &str) -> Option<u128> {
    let mut bytes = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok().filter(|_| byte.len() <= 2));
    let value = bytes.try_fold((0, 0), |(value, count), byte| Some((value << 8 | u128::from(byte?), count + 1)))?;
    (value.1 == 6).then_some(value.0)
}

/// A decimal number, or one in hexadecimal behind `0x`.
fn number(text: &str) -> Option<u128> {
    match text.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn typed_value() -> impl Strategy<Value = (Datatype, u128)> {
        (select(Datatype::ALL.to_vec()), any::<u128>(), "[a-z][a-z0-9.-]{0,14}").prop_map(|(datatype, value, text)| {
            let value = match datatype.bits() {
                _ if datatype.is_text() => value_of(&text).unwrap(),
                _ if datatype == Datatype::Duration => value & u128::from(u64::MAX),
                Some(bits) if bits < 128 => value & ((1 << bits) - 1),
                _ => value,
            };
            (datatype, value)
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read((datatype, value) in typed_value()) {
            let text = datatype.value_text(value);
            prop_assert_eq!(datatype.parse_value(&text), Some(value), "{} {}", datatype.name(), text);
            prop_assert_eq!(datatype.parse_interval(&text), Some((value, value)), "{} {}", datatype.name(), text);
        }

        #[test]
        fn intervals_that_are_written_are_read(datatype in select(Datatype::ALL.to_vec()), a in any::<u128>(), b in any::<u128>()) {
            let bits = if datatype == Datatype::Duration { Some(64) } else { datatype.bits() };
            let mask = bits.map_or(u128::MAX, |bits| if bits < 128 { (1 << bits) - 1 } else { u128::MAX });
            let (first, last) = ((a & mask).min(b & mask), (a & mask).max(b & mask));
            if !datatype.is_text() {
                let text = datatype.interval_text(first, last);
                prop_assert_eq!(datatype.parse_interval(&text), Some((first, last)), "{} {}", datatype.name(), text);
            }
        }

        #[test]
        fn no_text_panics(datatype in select(Datatype::ALL.to_vec()), text in "\\PC{0,40}") {
            let _ = (datatype.parse_value(&text), datatype.parse_interval(&text));
        }
    }

    #[test]
    fn names_of_interfaces_are_numbers() {
        let text = |text| Datatype::Ifname.parse_interval(text);
        assert_eq!(text("lo"), Some((0x6c6f << 112, 0x6c6f << 112)));
        assert_eq!(text("lo*"), Some((0x6c6f << 112, (0x6c70 << 112) - 1)));
        assert_eq!(text("a-name-of-16-byt"), None);
        assert_eq!(Datatype::Ifname.interval_text(0x6c6f << 112, (0x6c70 << 112) - 1), "lo*");
    }

    #[test]
    fn times_are_seconds_as_nft_takes_them() {
        assert_eq!(Datatype::Time.value_text(1_700_000_000 * SECOND), "1700000000");
        assert_eq!(Datatype::Time.parse_value("1700000000"), Some(1_700_000_000 * SECOND));
        assert_eq!(Datatype::Time.parse_value("5ns"), Some(5));
        assert_eq!(Datatype::Duration.value_text(5500), "5s500ms");
        assert_eq!(Datatype::Duration.parse_value("5"), Some(5000));
    }

    #[test]
    fn data_types_have_names_and_numbers_of_their_own() {
        for datatype in Datatype::ALL {
            assert_eq!(Datatype::named(datatype.name()), Some(datatype));
            assert_eq!(Datatype::numbered(datatype.number()), Some(datatype));
        }
    }
}
