// SPDX-License-Identifier: GPL-3.0-or-later
//! The options of one rule.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::slice::Iter;

use ringwall_ir::words::{CtStates, Family, Protocol, Refusal, icmp};
use ringwall_ir::{
    Field, InterfacePattern, IntervalSet, Limit, Log, LogTarget, Match, Per, Statement, Values, Verdict,
};

use super::Problem;
use crate::target::iptables::words;
use crate::target::reach::protocol_needed;

/// The matches that are known. Those of [`words::PORTS`] are loaded by `-p` too.
const MODULES: [&str; 12] =
    ["comment", "conntrack", "hl", "icmp", "icmp6", "iprange", "limit", "multiport", "sctp", "state", "tcp", "ttl"];

/// A rule without the chain that it stands in.
pub(super) struct Read {
    pub(super) matches: Vec<Match>,
    pub(super) statements: Vec<Statement>,
    pub(super) verdict: Option<Verdict>,
    /// `--comment`
    pub(super) because: Option<String>,
}

/// Reads what stands behind `-A CHAIN`.
pub(super) fn rule(words: &[String], family: Family) -> Result<Read, Problem> {
    let mut options = Options {
        words: words.iter(),
        family,
        negated: false,
        modules: Vec::new(),
        protocol: None,
        own: Vec::new(),
        matches: Vec::new(),
        target: None,
        because: None,
    };
    while let Some(word) = options.words.next() {
        options.option(word)?;
    }
    options.finish()
}

struct Options<'a> {
    words: Iter<'a, String>,
    family: Family,
    /// Whether a `!` stands before the next option.
    negated: bool,
    modules: Vec<&'a str>,
    protocol: Option<Protocol>,
    /// The tests of iptables' own options: they come first, wherever they are written.
    own: Vec<Match>,
    /// The tests of `-m`, in order.
    matches: Vec<Match>,
    target: Option<Target>,
    because: Option<String>,
}

enum Target {
    Verdict(Verdict),
    Log(Log),
}

impl<'a> Options<'a> {
    fn option(&mut self, word: &'a str) -> Result<(), Problem> {
        let family = self.family;
        match word {
            "!" if self.negated => return Err(Problem::new("`!` stands twice")),
            "!" => {
                self.negated = true;
                return Ok(());
            }
            "-s" | "--src" | "--source" => self.address(word, Field::source(family)),
            "-d" | "--dst" | "--destination" => self.address(word, Field::destination(family)),
            "-i" | "--in-interface" => self.interface(word, Field::Iifname),
            "-o" | "--out-interface" => self.interface(word, Field::Oifname),
            "-p" | "--protocol" => self.protocol(word),
            "-m" | "--match" => self.module(word),
            "-j" | "--jump" => self.jump(word),
            "--sport" | "--source-port" => self.ports(word, true, false),
            "--dport" | "--destination-port" => self.ports(word, false, false),
            "--sports" | "--source-ports" => self.ports(word, true, true),
            "--dports" | "--destination-ports" => self.ports(word, false, true),
            "--src-range" => self.range(word, Field::source(family)),
            "--dst-range" => self.range(word, Field::destination(family)),
            "--tcp-flags" => self.flags(word),
            "--syn" => self.syn(word),
            "--state" => self.state(word, "state"),
            "--ctstate" => self.state(word, "conntrack"),
            "--limit" | "--limit-burst" => self.limit(word),
            "--comment" => self.comment(word),
            "--reject-with" | "--log-prefix" | "--log-level" | "--nflog-prefix" | "--nflog-group" => {
                self.of_target(word)
            }
            _ if word == words::icmp(family).option => self.icmp(word),
            _ if words::hops(family).options.contains(&word) => self.hop_limit(word),
            _ => Err(unknown(word)),
        }?;
        if std::mem::take(&mut self.negated) {
            return Err(Problem::new(format!("`!` cannot stand before `{word}`")));
        }
        Ok(())
    }

    fn finish(self) -> Result<Read, Problem> {
        if self.negated {
            return Err(Problem::new("nothing follows `!`"));
        }
        let (statements, verdict) = match self.target {
            Some(Target::Verdict(verdict)) => (Vec::new(), Some(verdict)),
            Some(Target::Log(log)) => (vec![Statement::Log(log)], None),
            None => {
                return Err(Problem::new("the rule has no target").help("end it with `-j ACCEPT` or another target"));
            }
        };
        // `-p tcp` says nothing beside `--dport 22`, unless a limit counts what the one lets pass before the other.
        let is_limit = |test: &&Match| matches!(test, Match::Limit(_));
        let first = self.matches.iter().take_while(|test| !is_limit(test));
        let needed: Vec<_> = first.filter_map(protocol_needed).map(|needed| u128::from(needed.0)).collect();
        let says_more = |test: &Match| match test {
            Match::In { field: Field::L4proto, values: Values::Inline(set), negated: false } => {
                !set.single().is_some_and(|protocol| needed.contains(&protocol))
            }
            _ => true,
        };
        let mut matches = self.own;
        matches.retain(says_more);
        matches.extend(self.matches);
        Ok(Read { matches, statements, verdict, because: self.because })
    }

    /// The word behind an option.
    fn value(&mut self, option: &str) -> Result<&'a str, Problem> {
        self.words.next().map(String::as_str).ok_or_else(|| Problem::new(format!("nothing follows `{option}`")))
    }

    /// Whether a `!` stood before the option.
    fn negation(&mut self) -> bool {
        std::mem::take(&mut self.negated)
    }

    fn needs(&self, option: &str, module: &str) -> Result<(), Problem> {
        let loaded = self.modules.contains(&module);
        let missing = || Problem::new(format!("`{option}` needs `-m {module}` before it"));
        if loaded { Ok(()) } else { Err(missing()) }
    }

    fn address(&mut self, option: &str, field: Field) -> Result<(), Problem> {
        let (value, negated) = (self.value(option)?, self.negation());
        let set = prefix(self.family, value).ok_or_else(|| {
            Problem::new(format!("`{value}` is no {} address", self.family.name()))
                .help("write one address or prefix; names cannot be read")
        })?;
        if negated || set != IntervalSet::full(self.family.address_bits()) {
            test(&mut self.own, field, set, negated);
        }
        Ok(())
    }

    fn range(&mut self, option: &str, field: Field) -> Result<(), Problem> {
        self.needs(option, "iprange")?;
        let (value, negated) = (self.value(option)?, self.negation());
        let ends = value.split_once('-').unwrap_or((value, value));
        let set = address(self.family, ends.0)
            .zip(address(self.family, ends.1))
            .map(|(first, last)| IntervalSet::range(first, last))
            .filter(|set| !set.is_empty())
            .ok_or_else(|| Problem::new(format!("`{value}` is no range of {} addresses", self.family.name())))?;
        test(&mut self.matches, field, set, negated);
        Ok(())
    }

    fn interface(&mut self, option: &str, field: Field) -> Result<(), Problem> {
        let (value, negated) = (self.value(option)?, self.negation());
        let text = value.strip_suffix('+').map_or_else(|| value.to_owned(), |stem| format!("{stem}*"));
        let names = vec![InterfacePattern::new(&text)?];
        self.own.push(Match::Interface { field, names, negated });
        Ok(())
    }

    fn protocol(&mut self, option: &str) -> Result<(), Problem> {
        let (value, negated) = (self.value(option)?, self.negation());
        if matches!(value, "all" | "0") && !negated {
            return Ok(());
        }
        let protocol = words::protocol_named(self.family, value)
            .filter(|protocol| protocol.0 != 0)
            .ok_or_else(|| Problem::new(format!("`{value}` is no protocol")).help("write the protocol's number"))?;
        if !negated {
            self.protocol = Some(protocol);
            self.modules.extend(words::PORTS.iter().filter(|row| row.0 == protocol).map(|row| row.1));
            if matches!(protocol, Protocol::ICMP | Protocol::ICMPV6) {
                self.modules.push(words::icmp(self.family).module);
            }
        }
        test(&mut self.own, Field::L4proto, IntervalSet::one(u128::from(protocol.0)), negated);
        Ok(())
    }

    fn module(&mut self, option: &str) -> Result<(), Problem> {
        let module = self.value(option)?;
        if !MODULES.contains(&module) && !words::PORTS.iter().any(|row| row.1 == module) {
            return Err(Problem::new(format!("the match `{module}` cannot be read")));
        }
        if module == "limit" {
            // What iptables takes where an option is left out (iptables-extensions(8)).
            let (amount, burst) = (NonZeroU32::MIN.saturating_add(2), NonZeroU32::MIN.saturating_add(4));
            self.matches.push(Match::Limit(Limit { amount, per: Per::Hour, burst }));
        }
        self.modules.push(module);
        Ok(())
    }

    fn ports(&mut self, option: &str, source: bool, several: bool) -> Result<(), Problem> {
        let row = words::PORTS.into_iter().find(|row| Some(row.0) == self.protocol);
        let Some((_, module, sport, dport)) = row else {
            return Err(Problem::new(format!("`{option}` needs `-p tcp`, `-p udp` or `-p sctp` before it")));
        };
        self.needs(option, if several { "multiport" } else { module })?;
        let (value, negated) = (self.value(option)?, self.negation());
        let list: Vec<_> = if several { value.split(',').collect() } else { vec![value] };
        let set = list.into_iter().map(port_range).collect::<Option<IntervalSet>>().ok_or_else(|| {
            Problem::new(format!("`{value}` is no port of `{option}`")).help("write numbers; names cannot be read")
        })?;
        test(&mut self.matches, if source { sport } else { dport }, set, negated);
        Ok(())
    }

    fn flags(&mut self, option: &str) -> Result<(), Problem> {
        self.needs(option, "tcp")?;
        let (mask, value) = (self.value(option)?, self.value(option)?);
        let bits = |list| words::flag_bits(list).ok_or_else(|| Problem::new(format!("`{list}` are no tcp flags")));
        let (mask, value) = (u32::from(bits(mask)?), u32::from(bits(value)?));
        let field = Field::TcpFlags;
        if !self.negation() {
            self.matches.push(Match::Masked { field, mask, value });
        } else if value == 0 {
            self.matches.push(Match::AnyOf { field, bits: mask });
        } else {
            return Err(Problem::new("`! --tcp-flags` can be read only with NONE behind the mask"));
        }
        Ok(())
    }

    fn syn(&mut self, option: &str) -> Result<(), Problem> {
        self.needs(option, "tcp")?;
        let words = ("FIN,SYN,RST,ACK", "SYN");
        let (mask, value) =
            (words::flag_bits(words.0).unwrap_or_default(), words::flag_bits(words.1).unwrap_or_default());
        self.matches.push(Match::Masked { field: Field::TcpFlags, mask: u32::from(mask), value: u32::from(value) });
        Ok(())
    }

    fn icmp(&mut self, option: &str) -> Result<(), Problem> {
        let row = words::icmp(self.family);
        self.needs(option, row.module)?;
        let (value, negated) = (self.value(option)?, self.negation());
        if value == "any" && !negated && self.family == Family::Ipv4 {
            return Ok(());
        }
        let unknown = || Problem::new(format!("`{value}` is no icmp type of `{option}`")).help("write its number");
        let (kind, code) = value.split_once('/').map_or((value, None), |(kind, code)| (kind, Some(code)));
        let kind = kind.parse().ok().or_else(|| icmp::named(self.family, kind)).ok_or_else(unknown)?;
        if self.family == Family::Ipv4 && u128::from(kind) == words::ANY_ICMP_TYPE {
            return Err(unknown());
        }
        let code = code.map(|code| code.parse::<u8>().map_err(|_| unknown())).transpose()?;
        let (kind, code) = (IntervalSet::one(u128::from(kind)), code.map(|code| IntervalSet::one(u128::from(code))));
        match code {
            // "Not this code" says "not this code of this type", so the type must be tested as well.
            Some(code) if negated && self.is_tested(row.kind, &kind) => test(&mut self.matches, row.code, code, true),
            Some(_) if negated => {
                return Err(Problem::new(format!(
                    "`! {option} {value}` can be read only behind `{option}` of that type"
                )));
            }
            Some(code) => {
                test(&mut self.matches, row.kind, kind, false);
                test(&mut self.matches, row.code, code, false);
            }
            None => test(&mut self.matches, row.kind, kind, negated),
        }
        Ok(())
    }

    fn is_tested(&self, field: Field, set: &IntervalSet) -> bool {
        self.matches.contains(&Match::In { field, values: Values::Inline(set.clone()), negated: false })
    }

    fn hop_limit(&mut self, option: &str) -> Result<(), Problem> {
        let words::HopWords { module, options: [equal, less, _], field } = words::hops(self.family);
        self.needs(option, module)?;
        let value = self.value(option)?;
        let number: u8 = value.parse().map_err(|_| Problem::new(format!("`{value}` is no hop limit")))?;
        let number = u128::from(number);
        if option == equal {
            let negated = self.negation();
            test(&mut self.matches, field, IntervalSet::one(number), negated);
        } else if option == less {
            test(
                &mut self.matches,
                field,
                IntervalSet::full(8).difference(&IntervalSet::range(number, field.max())),
                false,
            );
        } else {
            test(&mut self.matches, field, IntervalSet::range(number + 1, field.max()), false);
        }
        Ok(())
    }

    fn state(&mut self, option: &str, module: &str) -> Result<(), Problem> {
        self.needs(option, module)?;
        let (value, negated) = (self.value(option)?, self.negation());
        let known = |name| words::state(name).ok_or_else(|| Problem::new(format!("`{name}` is no ct state")));
        let states = value.split(',').map(known).collect::<Result<CtStates, _>>()?;
        let (field, bits) = (Field::CtState, u32::from(states.bits()));
        self.matches.push(if negated {
            Match::Masked { field, mask: bits, value: 0 }
        } else {
            Match::AnyOf { field, bits }
        });
        Ok(())
    }

    fn limit(&mut self, option: &str) -> Result<(), Problem> {
        let value = self.value(option)?;
        let Some(Match::Limit(limit)) = self.matches.iter_mut().rfind(|test| matches!(test, Match::Limit(_))) else {
            return Err(Problem::new(format!("`{option}` needs `-m limit` before it")));
        };
        let unknown = || Problem::new(format!("`{value}` is no value of `{option}`"));
        if option == "--limit-burst" {
            limit.burst = value.parse().map_err(|_| unknown())?;
            return Ok(());
        }
        let (amount, unit) = value.split_once('/').unwrap_or((value, "second"));
        limit.amount = amount.parse().map_err(|_| unknown())?;
        limit.per = unit_named(unit).ok_or_else(unknown)?;
        if !words::keeps_rate(*limit) {
            return Err(Problem::new(format!("iptables rounds the rate `{value}`")));
        }
        Ok(())
    }

    fn comment(&mut self, option: &str) -> Result<(), Problem> {
        self.needs(option, "comment")?;
        self.because = Some(self.value(option)?.to_owned());
        Ok(())
    }

    fn jump(&mut self, option: &str) -> Result<(), Problem> {
        if self.target.is_some() {
            return Err(Problem::new("the rule has two targets"));
        }
        let name = self.value(option)?;
        self.target = Some(match name {
            "ACCEPT" => Target::Verdict(Verdict::Accept),
            "DROP" => Target::Verdict(Verdict::Drop),
            "REJECT" => Target::Verdict(Verdict::Reject(Refusal::PortUnreachable)),
            "LOG" => Target::Log(Log { prefix: None, target: LogTarget::Kernel(words::DEFAULT_LEVEL) }),
            "NFLOG" => Target::Log(Log { prefix: None, target: LogTarget::Group(0) }),
            _ => {
                return Err(Problem::new(format!("the target `{name}` cannot be read"))
                    .help("ACCEPT, DROP, REJECT, LOG and NFLOG can"));
            }
        });
        Ok(())
    }

    fn of_target(&mut self, option: &str) -> Result<(), Problem> {
        let (value, family) = (self.value(option)?, self.family);
        let unknown = || Problem::new(format!("`{value}` is no value of `{option}`"));
        let prefix = || Some(value.to_owned()).filter(|prefix| !prefix.is_empty());
        match (option, &mut self.target) {
            ("--reject-with", Some(Target::Verdict(Verdict::Reject(refusal)))) => {
                *refusal = words::refusal_named(family, value).ok_or_else(unknown)?;
            }
            ("--log-prefix", Some(Target::Log(log @ Log { target: LogTarget::Kernel(_), .. }))) => {
                log.prefix = prefix()
            }
            ("--log-level", Some(Target::Log(Log { target: LogTarget::Kernel(level), .. }))) => {
                *level = words::level_named(value).ok_or_else(unknown)?;
            }
            ("--nflog-prefix", Some(Target::Log(log @ Log { target: LogTarget::Group(_), .. }))) => {
                log.prefix = prefix()
            }
            ("--nflog-group", Some(Target::Log(Log { target: LogTarget::Group(group), .. }))) => {
                *group = value.parse().map_err(|_| unknown())?;
            }
            _ => return Err(Problem::new(format!("`{option}` stands behind no target that takes it"))),
        }
        Ok(())
    }
}

/// Adds a test of values. Tests of one field that are alike become one; a limit between them keeps them apart.
fn test(tests: &mut Vec<Match>, field: Field, set: IntervalSet, negated: bool) {
    for test in tests.iter_mut().rev().take_while(|test| !matches!(test, Match::Limit(_))) {
        match test {
            Match::In { field: before, values: Values::Inline(known), negated: alike }
                if *before == field && *alike == negated =>
            {
                *known = if negated { known.union(&set) } else { known.intersection(&set) };
                return;
            }
            _ => {}
        }
    }
    tests.push(Match::In { field, values: Values::Inline(set), negated });
}

fn unknown(word: &str) -> Problem {
    Problem::new(format!("`{word}` cannot be read"))
}

fn unit_named(unit: &str) -> Option<Per> {
    let units = [("second", Per::Second), ("minute", Per::Minute), ("hour", Per::Hour), ("day", Per::Day)];
    units.into_iter().find(|(name, _)| !unit.is_empty() && name.starts_with(unit)).map(|(_, per)| per)
}

fn port_range(text: &str) -> Option<(u128, u128)> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let first: u16 = if first.is_empty() { 0 } else { first.parse().ok()? };
    let last: u16 = if last.is_empty() { u16::MAX } else { last.parse().ok()? };
    (first <= last).then_some((u128::from(first), u128::from(last)))
}

/// `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.0.0.1`
fn prefix(family: Family, text: &str) -> Option<IntervalSet> {
    let bits = family.address_bits();
    let (start, mask) = text.split_once('/').map_or((text, None), |(start, mask)| (start, Some(mask)));
    let length = match mask {
        None => bits,
        Some(mask) => mask.parse().ok().or_else(|| mask_length(family, mask))?,
    };
    (length <= bits).then_some(IntervalSet::prefix(address(family, start)?, length, bits))
}

/// The length of a mask whose ones come first.
fn mask_length(family: Family, mask: &str) -> Option<u8> {
    let bits = family.address_bits();
    let host = address(family, mask)? ^ IntervalSet::full(bits).intervals().first()?.1;
    let zeros = u8::try_from(u128::BITS - host.leading_zeros()).ok()?;
    (host & host.wrapping_add(1) == 0).then_some(bits - zeros)
}

fn address(family: Family, text: &str) -> Option<u128> {
    match family {
        Family::Ipv4 => text.parse().ok().map(|address: Ipv4Addr| u128::from(address.to_bits())),
        Family::Ipv6 => text.parse().ok().map(Ipv6Addr::to_bits),
    }
}
