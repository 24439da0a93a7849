// SPDX-License-Identifier: GPL-3.0-or-later
//! Fields by their printed form.

use std::str::FromStr;

use thiserror::Error;

use super::{Exthdr, FIELDS, Fib, FibResult, Field, IpsecDirection, Numgen};
use crate::words::CtDirection;

/// No field is printed like this.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no field")]
pub struct NoField(pub String);

impl FromStr for Field {
    type Err = NoField;

    /// Reads what `Display` prints, and nothing else.
    fn from_str(text: &str) -> Result<Self, NoField> {
        let named = FIELDS.iter().find(|row| row.name == text).map(|row| row.field);
        let field = named.or_else(|| with_parameters(text)).filter(|field| field.to_string() == text);
        field.ok_or_else(|| NoField(text.to_owned()))
    }
}

fn with_parameters(text: &str) -> Option<Field> {
    let mut words = text.split(' ');
    match words.next()? {
        "ct" => of_tuple(words.next()?, text),
        "exthdr" => {
            let header = words.next()?;
            Exthdr::ALL.into_iter().find(|known| known.name().0 == header).map(Field::Exthdr)
        }
        "fib" => fib(words),
        "ipsec" => match words.next()? {
            "in" => Some(Field::IpsecReqid(IpsecDirection::In)),
            "out" => Some(Field::IpsecReqid(IpsecDirection::Out)),
            _ => None,
        },
        "numgen" => numgen(words),
        "socket" => words.next_back()?.parse().ok().map(Field::SocketCgroupv2),
        _ => None,
    }
}

/// A field of one direction of an entry: `ct original ip saddr`.
fn of_tuple(word: &str, text: &str) -> Option<Field> {
    let direction = [CtDirection::Original, CtDirection::Reply].into_iter().find(|known| known.name() == word)?;
    let name = text.replacen(&format!("{word} "), "", 1);
    FIELDS.iter().find(|row| row.name == name)?.field.of_direction(direction)
}

fn fib<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Field> {
    let daddr = words.next()? == "daddr";
    let mut fib = Fib { daddr, mark: false, iif: false, oif: false, result: FibResult::Type };
    loop {
        fib.result = match words.next()? {
            "." => {
                match words.next()? {
                    "mark" => fib.mark = true,
                    "iif" => fib.iif = true,
                    _ => fib.oif = true,
                }
                continue;
            }
            "check" => FibResult::Exists,
            "oif" => FibResult::Oif,
            "oifname" => FibResult::Oifname,
            _ => FibResult::Type,
        };
        return Some(Field::Fib(fib));
    }
}

fn numgen<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Field> {
    let random = words.next()? == "random";
    let modulus = words.nth(1)?.parse().ok()?;
    let offset = words.nth(1).map_or(Some(0), |offset| offset.parse().ok())?;
    Some(Field::Numgen(Numgen { random, modulus, offset }))
}

impl Field {
    /// The same of one direction of the entry; none where the entry has it only as a whole.
    #[must_use]
    pub const fn of_direction(self, direction: CtDirection) -> Option<Self> {
        Some(match self {
            Self::CtAvgpkt(_) => Self::CtAvgpkt(Some(direction)),
            Self::CtBytes(_) => Self::CtBytes(Some(direction)),
            Self::CtIp6Daddr(_) => Self::CtIp6Daddr(direction),
            Self::CtIp6Saddr(_) => Self::CtIp6Saddr(direction),
            Self::CtIpDaddr(_) => Self::CtIpDaddr(direction),
            Self::CtIpSaddr(_) => Self::CtIpSaddr(direction),
            Self::CtPackets(_) => Self::CtPackets(Some(direction)),
            Self::CtProtoDst(_) => Self::CtProtoDst(direction),
            Self::CtProtoSrc(_) => Self::CtProtoSrc(direction),
            Self::CtProtocol(_) => Self::CtProtocol(direction),
            Self::CtZone(_) => Self::CtZone(Some(direction)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every row with every parameter, or with some of those that are numbers.
    fn fields() -> Vec<Field> {
        let mut fields: Vec<Field> = FIELDS.iter().map(|row| row.field).collect();
        let directions = [CtDirection::Original, CtDirection::Reply];
        fields.extend(FIELDS.iter().flat_map(|row| directions.map(|to| row.field.of_direction(to))).flatten());
        fields.extend(Exthdr::ALL.map(Field::Exthdr));
        fields.extend([IpsecDirection::In, IpsecDirection::Out].map(Field::IpsecReqid));
        for bits in 0..16 {
            let [daddr, mark, iif, oif] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            for result in [FibResult::Exists, FibResult::Oif, FibResult::Oifname, FibResult::Type] {
                fields.push(Field::Fib(Fib { daddr, mark, iif, oif, result }));
            }
        }
        for random in [false, true] {
            for (modulus, offset) in [(1, 0), (10, 7), (u32::MAX, 0), (2, u32::MAX)] {
                fields.push(Field::Numgen(Numgen { random, modulus, offset }));
            }
        }
        fields.extend([0, 1, 255].map(Field::SocketCgroupv2));
        fields
    }

    #[test]
    fn every_field_is_read_as_it_is_printed() {
        let fields = fields();
        for field in &fields {
            assert_eq!(field.to_string().parse(), Ok(*field), "{field}");
        }
        let mut texts: Vec<_> = fields.iter().map(ToString::to_string).collect();
        texts.sort();
        texts.dedup();
        let mut known = fields;
        known.sort();
        known.dedup();
        assert_eq!(texts.len(), known.len());
    }

    #[test]
    fn what_is_no_field_is_none() {
        for text in ["", "fib", "ct", "ct original", "ct original state", "fib daddr", "fib x type", "numgen inc mod"] {
            assert_eq!(text.parse::<Field>(), Err(NoField(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(ct|fib|numgen|socket|ipsec|exthdr)?( [a-z0-9.]{0,9}){0,6}") {
            if let Ok(field) = text.parse::<Field>() {
                prop_assert_eq!(field.to_string(), text);
            }
        }
    }
}
