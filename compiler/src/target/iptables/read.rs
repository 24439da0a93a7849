// SPDX-License-Identifier: GPL-3.0-or-later
//! iptables-save to IR: the table `filter`, its built-in chains, and the options that have a place in the IR. Everything
//! else is an error that names the word and the line; nothing is guessed.

mod rule;
mod split;

use ringwall_ir::words::{ChainPolicy, Family, Priority, TableFamily};
use ringwall_ir::{Chain, Illegal, Origin, OriginId, Ruleset, Table};

use super::words;

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong: lower-case, without a full stop, user text in back-ticks.
    pub message: String,
    /// What can be done about it.
    pub help: Option<String>,
}

/// What is wrong with a line.
struct Problem {
    message: String,
    help: Option<String>,
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<Illegal> for Problem {
    fn from(illegal: Illegal) -> Self {
        Self::new(illegal.to_string())
    }
}

/// Reads the text of iptables-save, or of ip6tables-save if the family is IPv6. Each rule comes from its line, each
/// chain policy from its declaration. With errors, the ruleset lacks what could not be read.
#[must_use]
pub fn read(text: &str, family: Family) -> (Ruleset, Vec<ReadError>) {
    let mut reader = Reader { family, place: Place::Outside, seen: false, origins: Vec::new(), chains: Vec::new() };
    let mut errors = Vec::new();
    let mut last = 1;
    for (number, line) in (1..).zip(text.lines()) {
        last = number;
        if let Err(Problem { message, help }) = reader.line(line.trim(), number) {
            errors.push(ReadError { line: number, message, help });
        }
    }
    let (ruleset, end) = reader.finish();
    errors.extend(end.err().map(|Problem { message, help }| ReadError { line: last, message, help }));
    (ruleset, errors)
}

struct Reader {
    family: Family,
    place: Place,
    /// Whether the table `filter` was begun.
    seen: bool,
    origins: Vec<Origin>,
    chains: Vec<Chain>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Filter,
    /// In a table that is skipped, for it was an error.
    Foreign,
}

impl Reader {
    fn line(&mut self, line: &str, number: u32) -> Result<(), Problem> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(table) = line.strip_prefix('*') {
            return self.begin(table);
        }
        match self.place {
            Place::Outside => Err(Problem::new(format!("`{line}` stands outside a table"))
                .help("a table begins with `*filter` and ends with `COMMIT`")),
            _ if line == "COMMIT" => {
                self.place = Place::Outside;
                Ok(())
            }
            Place::Foreign => Ok(()),
            Place::Filter => match line.strip_prefix(':') {
                Some(declaration) => self.declaration(declaration, line, number),
                None => self.rule(line, number),
            },
        }
    }

    fn begin(&mut self, table: &str) -> Result<(), Problem> {
        let (before, again) = (self.place, self.seen);
        self.place = if table == "filter" && !again { Place::Filter } else { Place::Foreign };
        if before != Place::Outside {
            return Err(Problem::new(format!("the table before `*{table}` has no end")).help("end it with `COMMIT`"));
        }
        match table {
            "filter" if again => Err(Problem::new("the table `filter` comes a second time")),
            "filter" => {
                self.seen = true;
                Ok(())
            }
            _ => Err(Problem::new(format!("the table `{table}` cannot be read"))
                .help("only the table `filter` can be read; take the others out")),
        }
    }

    /// `:INPUT DROP [0:0]`
    fn declaration(&mut self, declaration: &str, line: &str, number: u32) -> Result<(), Problem> {
        let words: Vec<_> = declaration.split_whitespace().collect();
        let (name, policy) = match words.as_slice() {
            [name, policy] => (*name, *policy),
            [name, policy, counters] if is_counters(counters) => (*name, *policy),
            _ => return Err(Problem::new(format!("`{line}` declares no chain")).help("write `:INPUT DROP [0:0]`")),
        };
        let Some(hook) = words::hook(name) else {
            return Err(Problem::new(format!("the chain `{name}` cannot be read"))
                .help("only the built-in chains INPUT, FORWARD and OUTPUT can be read"));
        };
        let policy = match policy {
            "ACCEPT" => ChainPolicy::Accept,
            "DROP" => ChainPolicy::Drop,
            _ => return Err(Problem::new(format!("`{policy}` is no chain policy")).help("write ACCEPT or DROP")),
        };
        if self.chains.iter().any(|chain| chain.name() == name) {
            return Err(Problem::new(format!("the chain `{name}` is declared a second time")));
        }
        let closing = self.origin(format!("{name}:policy"), line, number, None)?;
        self.chains.push(Chain::new(name, hook, Priority::FILTER, policy, closing)?);
        Ok(())
    }

    /// `-A INPUT -j ACCEPT`, behind the counters of `iptables-save -c` if they are there.
    fn rule(&mut self, line: &str, number: u32) -> Result<(), Problem> {
        let words = split::split(line)?;
        let words = match words.as_slice() {
            [counters, rest @ ..] if is_counters(counters) => rest,
            all => all,
        };
        let (name, options) = match words {
            [append, chain, options @ ..] if append == "-A" || append == "--append" => (chain, options),
            [word, ..] => {
                return Err(Problem::new(format!("`{word}` begins no line")).help("a rule begins with `-A CHAIN`"));
            }
            [] => return Ok(()),
        };
        let Some(place) = self.chains.iter().position(|chain| chain.name() == name) else {
            return Err(Problem::new(format!("there is no chain `{name}` above this rule"))
                .help(format!("declare it with its chain policy: `:{name} ACCEPT`")));
        };
        let rule = rule::rule(options, self.family)?;
        let count = self.chains.get(place).map_or(0, |chain| chain.rules().len());
        let origin = self.origin(format!("{name}:{}", count + 1), line, number, rule.because)?;
        if let Some(chain) = self.chains.get_mut(place) {
            chain.push(origin, rule.matches, rule.statements, rule.verdict)?;
        }
        Ok(())
    }

    fn origin(&mut self, id: String, text: &str, line: u32, because: Option<String>) -> Result<OriginId, Problem> {
        let place = u32::try_from(self.origins.len()).map_err(|_| Problem::new("there are too many lines"))?;
        self.origins.push(Origin { id, text: text.to_owned(), line, because });
        Ok(OriginId(place))
    }

    fn finish(self) -> (Ruleset, Result<(), Problem>) {
        let (title, family) = match self.family {
            Family::Ipv4 => ("iptables-save, table filter", TableFamily::Ip),
            Family::Ipv6 => ("ip6tables-save, table filter", TableFamily::Ip6),
        };
        let end = match self.place {
            Place::Outside if self.seen => Ok(()),
            Place::Outside => Err(Problem::new("there is no table `filter`").help("a table begins with `*filter`")),
            Place::Filter | Place::Foreign => {
                Err(Problem::new("the last table has no end").help("end it with `COMMIT`"))
            }
        };
        match Table::new(family, "filter", Vec::new(), self.chains) {
            Ok(table) => (Ruleset { title: title.to_owned(), origins: self.origins, tables: vec![table] }, end),
            Err(illegal) => (Ruleset::default(), end.and(Err(illegal.into()))),
        }
    }
}

/// `[12:3456]`: packets and bytes.
fn is_counters(word: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
        .and_then(|counters| counters.split_once(':'))
        .is_some_and(|(packets, bytes)| number(packets) && number(bytes))
}

#[cfg(test)]
mod tests;
