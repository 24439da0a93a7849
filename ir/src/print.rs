// SPDX-License-Identifier: GPL-3.0-or-later
//! The printed form of the IR: for reading and for snapshots, the same for every target.

use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::fields::{Field, Kind};
use crate::interval::IntervalSet;
use crate::rule::{Limit, Log, LogTarget, Match, Rule, Statement, Values, Verdict};
use crate::ruleset::{Chain, Ruleset, Set, SetKind, Table};
use crate::words::{CtStates, Family, Protocol, TcpFlags, icmp};

impl Display for Ruleset {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "ruleset {}", self.title)?;
        for table in &self.tables {
            table.print(self, f)?;
        }
        Ok(())
    }
}

impl Table {
    fn print(&self, ruleset: &Ruleset, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ntable {} {}", self.family().name(), self.name())?;
        for set in self.sets() {
            writeln!(f, "  {set}")?;
        }
        for chain in self.chains() {
            chain.print(ruleset, f)?;
        }
        Ok(())
    }
}

impl Chain {
    fn print(&self, ruleset: &Ruleset, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n  chain {} hook {} priority {}", self.name(), self.hook().name(), self.priority().0)?;
        let id = |origin| ruleset.origin(origin).map_or("?", |origin| origin.id.as_str());
        for rule in self.rules() {
            writeln!(f, "    {rule:<72} ; {}", id(rule.origin()))?;
        }
        writeln!(f, "    {:<72} ; {}", format!("else {}", self.policy().name()), id(self.closing()))
    }
}

impl Display for Set {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = match self.kind() {
            SetKind::Ipv4 => Kind::Address(Family::Ipv4),
            SetKind::Ipv6 => Kind::Address(Family::Ipv6),
        };
        write!(f, "set {} of {} = ", self.name(), self.kind().nft_type())?;
        write_elements(f, kind, self.elements().intervals())
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut words: Vec<String> = self.matches().iter().map(ToString::to_string).collect();
        words.extend(self.statements().iter().map(ToString::to_string));
        words.extend(self.verdict().map(|verdict| verdict.to_string()));
        f.pad(&words.join(" "))
    }
}

impl Display for Match {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyOf { field, bits } => write!(f, "{field} {}", Bits(*field, *bits)),
            Self::Masked { field, mask, value } => {
                write!(f, "{field} {} / {}", Bits(*field, *value), Bits(*field, *mask))
            }
            Self::In { field, values, negated } => {
                write!(f, "{field} {}", if *negated { "!= " } else { "" })?;
                match values {
                    Values::Inline(set) => write_elements(f, field.row().kind, &field.elements(set)),
                    Values::Set(name) => write!(f, "@{name}"),
                }
            }
            Self::Interface { field, names, negated } => {
                let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
                write!(f, "{field} {}{}", if *negated { "!= " } else { "" }, braced(&names))
            }
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

impl Display for Limit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "limit {}/{} burst {}", self.amount, self.per.name(), self.burst)
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self::Log(Log { prefix, target }) = self;
        f.write_str("log")?;
        if let Some(prefix) = prefix {
            write!(f, " \"{prefix}\"")?;
        }
        match target {
            LogTarget::Group(group) => write!(f, " group {group}"),
            LogTarget::Kernel(level) => write!(f, " level {}", level.name()),
        }
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Drop => f.write_str("drop"),
            Self::Reject(refusal) => write!(f, "reject with {}", refusal.name()),
        }
    }
}

/// The bits of a field, by name.
struct Bits(Field, u32);

impl Display for Bits {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let narrow = u8::try_from(self.1).ok();
        match self.0 {
            _ if self.1 == 0 => f.write_str("none"),
            Field::CtState if let Some(states) = narrow.and_then(CtStates::from_bits) => states.fmt(f),
            Field::TcpFlags if let Some(flags) = narrow => {
                f.write_str(&TcpFlags(flags).names().collect::<Vec<_>>().join(","))
            }
            _ => write!(f, "{:#x}", self.1),
        }
    }
}

fn write_elements(f: &mut Formatter<'_>, kind: Kind, elements: &[(u128, u128)]) -> fmt::Result {
    let items: Vec<String> = elements.iter().map(|&(first, last)| element(kind, first, last)).collect();
    f.write_str(&braced(&items))
}

fn element(kind: Kind, first: u128, last: u128) -> String {
    if let Kind::Address(family) = kind
        && let [(value, length)] = IntervalSet::range(first, last).prefixes(family.address_bits()).as_slice()
        && *length < family.address_bits()
    {
        return format!("{}/{length}", value_text(kind, *value));
    }
    if first == last {
        return value_text(kind, first);
    }
    format!("{}-{}", value_text(kind, first), value_text(kind, last))
}

fn braced(items: &[String]) -> String {
    match items {
        [only] => only.clone(),
        _ => format!("{{ {} }}", items.join(", ")),
    }
}

fn value_text(kind: Kind, value: u128) -> String {
    let byte = u8::try_from(value).ok();
    match (kind, byte) {
        (Kind::Address(Family::Ipv4), _) => {
            u32::try_from(value).map_or_else(|_| value.to_string(), |bits| Ipv4Addr::from_bits(bits).to_string())
        }
        (Kind::Address(Family::Ipv6), _) => Ipv6Addr::from_bits(value).to_string(),
        (Kind::Protocol, Some(number)) => Protocol(number).to_string(),
        (Kind::IcmpType(family), Some(number)) => {
            icmp::name(family, number).map_or_else(|| number.to_string(), str::to_owned)
        }
        (Kind::Family, Some(number)) => Family::ALL
            .into_iter()
            .find(|family| family.number() == number)
            .map_or_else(|| number.to_string(), |family| family.name().to_owned()),
        _ => value.to_string(),
    }
}
