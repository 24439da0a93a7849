// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall watch`: who changes the ruleset of the running kernel, and what.

use std::str::FromStr;
use std::time::Duration;

use super::Outcome;
use crate::cli::Format;
use crate::failure::Failure;

#[derive(clap::Args)]
pub struct Args {
    /// Show what happens to this table alone: its name, or its family and name in one argument, as `inet filter`
    #[arg(long, value_name = "TABLE")]
    table: Option<Only>,
    /// End after so many changes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after so much time: `500ms`, `30s`, `5m`, `1h`; with `--count`, exit code 1 where fewer changes came till then
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// A table, of any family or of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    family: Option<String>,
    name: String,
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FAMILIES: &[&str] = &["inet", "ip", "ip6", "arp", "bridge", "netdev"];
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name] => Ok(Self { family: None, name: (*name).to_owned() }),
            [family, name] if FAMILIES.contains(family) => {
                Ok(Self { family: Some((*family).to_owned()), name: (*name).to_owned() })
            }
            [family, _] => Err(format!("there is no family `{family}`; there are {}", FAMILIES.join(", "))),
            _ => Err("write a name, or a family and a name, as `inet filter`".to_owned()),
        }
    }
}

/// A time with its unit. A number alone could be meant as any of them.
fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if unit.is_empty() && !number.is_empty() {
        return Err(format!("a time has a unit: `{number}s`, `{number}m`, `{number}h`"));
    }
    let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|unit| unit.1);
    let milliseconds = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    milliseconds.map(Duration::from_millis).ok_or_else(|| "write a time as `500ms`, `30s`, `5m` or `1h`".to_owned())
}

#[cfg(feature = "kernel")]
pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    watching::run(arguments)
}

#[cfg(not(feature = "kernel"))]
pub fn run(_: &Args) -> Result<Outcome, Failure> {
    Err(Failure::new("this ringwall was built without the part that watches the kernel"))
}

#[cfg(feature = "kernel")]
mod watching {
    use std::io;
    use std::time::{Instant, SystemTime};

    use ringwall_kernel::netlink::NetlinkError;
    use ringwall_kernel::watch::{Event, Interrupts, Watch};

    use super::super::apply::PERMISSION;
    use super::{Args, Only, Outcome};
    use crate::cli::Format;
    use crate::failure::Failure;
    use crate::output::changes::{Shown, family, lost};
    use crate::output::{data, talk};

    pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
        let interrupts = Interrupts::take().map_err(|error| failed(&error))?;
        let mut watch = Watch::open().map_err(|error| refused(&error))?;
        let end = arguments.time.and_then(|time| Instant::now().checked_add(time));
        talk("watching the ruleset of this network namespace");
        let mut left = arguments.count;
        while left != Some(0) {
            let mut change = match watch.next_event(&interrupts, end).map_err(|error| Failure::caused(&error))? {
                Event::Change(change) => change,
                Event::Interrupted => return Ok(Outcome::Clean),
                Event::TimeOut if left.is_some() => return Ok(Outcome::Found),
                Event::TimeOut => return Ok(Outcome::Clean),
                Event::Lost => {
                    data(&lost(arguments.format)?)?;
                    continue;
                }
            };
            if let Some(only) = &arguments.table {
                change.deeds.retain(|deed| only.is(deed.family, &deed.table));
                if change.deeds.is_empty() {
                    continue;
                }
            }
            let shown = Shown::new(&change, SystemTime::now());
            data(&match arguments.format {
                Format::Human => shown.to_string(),
                Format::Json => crate::output::json::line(&shown)?,
            })?;
            left = left.map(|left| left - 1);
        }
        Ok(Outcome::Clean)
    }

    impl Only {
        fn is(&self, number: u8, name: &str) -> bool {
            self.name == name && self.family.as_ref().is_none_or(|wanted| *wanted == family(number))
        }
    }

    fn refused(error: &NetlinkError) -> Failure {
        match error {
            NetlinkError::Socket(error) => failed(error),
            NetlinkError::Refused(refused) => failed(&refused.errno.into()),
            error => Failure::caused(error),
        }
    }

    fn failed(error: &io::Error) -> Failure {
        let failure = Failure::io("watch", "the ruleset", error);
        if error.kind() == io::ErrorKind::PermissionDenied { failure.help(PERMISSION) } else { failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, milliseconds) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "2", "s", "1w", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_is_told_with_its_family_or_without() {
        let only = |family: Option<&str>, name: &str| Only { family: family.map(str::to_owned), name: name.to_owned() };
        assert_eq!("filter".parse(), Ok(only(None, "filter")));
        assert_eq!("inet filter".parse(), Ok(only(Some("inet"), "filter")));
        for text in ["", "inte filter", "a b c"] {
            assert!(text.parse::<Only>().is_err(), "{text}");
        }
    }
}
