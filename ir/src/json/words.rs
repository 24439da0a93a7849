// SPDX-License-Identifier: GPL-3.0-or-later
//! The texts of netfilter's words, of fields, numbers and names.

use super::text::Spelled;
use crate::datatype::Datatype;
use crate::fields::Field;
use crate::milliseconds::Milliseconds;
use crate::object::ObjectKind;
use crate::rule::{LimitUnit, Per, Selector, SetOperation, Target};
use crate::set::KeyType;
use crate::words::{ChainPolicy, ChainType, Family, Hook, LogFlags, LogLevel, Protocol, Refusal, TableFamily};

macro_rules! words {
    ($($type:ident $kind:literal $meaning:literal;)*) => {$(
        impl Spelled for $type {
            const KIND: &'static str = $kind;
            const MEANING: &'static str = $meaning;

            fn text(&self) -> String {
                self.name().to_owned()
            }

            fn read(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|known| known.name() == text)
            }

            fn words() -> Vec<String> {
                Self::ALL.iter().map(Self::text).collect()
            }
        }
    )*};
}

words! {
    ChainPolicy "chain policy" "What happens to a packet that no rule of a base chain decided.";
    ChainType "chain type" "What a base chain is for.";
    Family "family" "The family of packets.";
    Hook "hook" "The place on a packet's way where a base chain is bound.";
    LimitUnit "unit" "What a rate counts.";
    LogLevel "log level" "How loud a log record is: a level of syslog(3).";
    ObjectKind "kind of object" "The kind of a named object.";
    Per "unit of time" "The unit of time of a rate.";
    Refusal "refusal" "What the sender of a rejected packet gets. Each stands for the message of the packet's family.";
    SetOperation "set operation" "What a packet does to a set.";
    TableFamily "table family" "Which packets the chains of a table see; `inet` is both families.";
}

/// One flag.
impl Spelled for LogFlags {
    const KIND: &'static str = "log flag";
    const MEANING: &'static str = "What a log record tells beside addresses and ports.";

    fn text(&self) -> String {
        self.names().next().unwrap_or_default().to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        Self::named(text)
    }

    fn words() -> Vec<String> {
        Self::NAMES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

impl Spelled for Protocol {
    const KIND: &'static str = "protocol";
    const MEANING: &'static str = "A transport protocol, by name or number.";

    fn text(&self) -> String {
        Datatype::InetProto.value_text(u128::from(self.0))
    }

    fn read(text: &str) -> Option<Self> {
        u8::try_from(Datatype::InetProto.parse_value(text)?).ok().map(Self)
    }
}

impl Spelled for Milliseconds {
    const KIND: &'static str = "span of time";
    const MEANING: &'static str = "A span of time: `1h30m`, `10s`, `1500ms`. The units are d, h, m, s and ms.";

    fn text(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Spelled for KeyType {
    const KIND: &'static str = "type of values";
    const MEANING: &'static str = "What the values of a part are: an nft data type such as `ipv4_addr`, or a field such as \
                                   `numgen inc mod 2`, for values like those of the field.";

    fn text(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        Datatype::named(text).map(Self::Of).or_else(|| text.parse().ok().map(Self::Like))
    }
}

impl Spelled for Selector {
    const KIND: &'static str = "field";
    const MEANING: &'static str = "A field in nft's words with its parameters, such as `tcp dport`, `ct original ip saddr` \
                                   or `fib daddr . iif type`; under a mask `ct mark & 0x000000ff`.";

    fn text(&self) -> String {
        match self.mask() {
            None => self.field().to_string(),
            Some(mask) => format!("{} & {}", self.field(), mask_text(self.field().datatype(), mask)),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_once(" & ") {
            None => text.parse().ok().map(Self::of),
            Some((field, mask)) => {
                let field: Field = field.parse().ok()?;
                Some(Self::masked(field, read_mask(field.datatype(), mask)?))
            }
        }
    }
}

/// Whether the words of a data type show the bits of a value.
fn shows_bits(datatype: Datatype) -> bool {
    datatype.is_bits()
        || datatype.has_prefixes()
        || matches!(datatype, Datatype::Classid | Datatype::EtherAddr | Datatype::Mark)
}

/// A mask in the words of the data type where those show bits, else in hexadecimal.
fn mask_text(datatype: Datatype, mask: u128) -> String {
    if shows_bits(datatype) { datatype.value_text(mask) } else { format!("{mask:#x}") }
}

fn read_mask(datatype: Datatype, text: &str) -> Option<u128> {
    let value = if shows_bits(datatype) { datatype.parse_value(text) } else { None };
    value.or_else(|| number(text))
}

fn number(text: &str) -> Option<u128> {
    Datatype::Integer.parse_value(text)
}

impl Spelled for Target {
    const KIND: &'static str = "field that can be written";
    const MEANING: &'static str = "`meta mark`, `ct mark`, `meta priority`, `ct zone`, or the ct zone of one direction: \
                                   `ct original zone`, `ct reply zone`.";

    fn text(&self) -> String {
        self.field().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        match text.parse().ok()? {
            Field::CtMark => Some(Self::CtMark),
            Field::CtZone(direction) => Some(Self::CtZone(direction)),
            Field::MetaMark => Some(Self::Mark),
            Field::MetaPriority => Some(Self::Priority),
            _ => None,
        }
    }
}

/// 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits(pub(super) u32);

impl Spelled for Bits {
    const KIND: &'static str = "number of 32 bits";
    const MEANING: &'static str = "A number of 32 bits, in hexadecimal behind `0x` or decimal.";

    fn text(&self) -> String {
        format!("{:#010x}", self.0)
    }

    fn read(text: &str) -> Option<Self> {
        u32::try_from(number(text)?).ok().map(Self)
    }
}

/// A closed range of numbers of 16 bits: ports, queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) u16, pub(super) u16);

impl Spelled for Span {
    const KIND: &'static str = "number or range";
    const MEANING: &'static str = "A number up to 65535, or a range of them: `80`, `8000-8080`.";

    fn text(&self) -> String {
        Datatype::InetService.interval_text(u128::from(self.0), u128::from(self.1))
    }

    fn read(text: &str) -> Option<Self> {
        let (first, last) = Datatype::InetService.parse_interval(text)?;
        Some(Self(u16::try_from(first).ok()?, u16::try_from(last).ok()?))
    }
}

/// The name of a set or map of the same table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SetName(pub(super) String);

impl Spelled for SetName {
    const KIND: &'static str = "name of a set";
    const MEANING: &'static str = "A named set or map of the same table, behind `@`.";

    fn text(&self) -> String {
        format!("@{}", self.0)
    }

    fn read(text: &str) -> Option<Self> {
        text.strip_prefix('@').map(|name| Self(name.to_owned()))
    }
}

/// Every key that no other element has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Star;

impl Spelled for Star {
    const KIND: &'static str = "key of all others";
    const MEANING: &'static str = "`*`: every key that no other element has.";

    fn text(&self) -> String {
        "*".to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        (text == "*").then_some(Self)
    }

    fn words() -> Vec<String> {
        vec!["*".to_owned()]
    }
}
