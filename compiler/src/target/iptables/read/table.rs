// SPDX-License-Identifier: GPL-3.0-or-later
//! One table: its chains, and where packets meet the rules of each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::words::{ChainPolicy, Family, Hook};
use ringwall_ir::{BaseChain, Chain, Origin, OriginId, Place, Rule, Ruleset, Step, Table, Unknown, Verdict};

use super::block::text;
use super::rule::{Draft, Reading};
use super::split::split;
use super::{Problem, ReadError, Text, origin};
use crate::target::ipset::KnownSets;
use crate::target::iptables::name::to_ir;
use crate::target::iptables::table::{Hooks, XtTable, built_in, hook};

/// A table whose rules are still words.
pub(super) struct RawTable<'a> {
    /// Which it is.
    pub(super) kind: XtTable,
    /// Where it begins.
    pub(super) line: u32,
    chains: Vec<RawChain<'a>>,
    places: BTreeMap<String, usize>,
}

struct RawChain<'a> {
    name: String,
    base: Option<BaseChain>,
    rules: Vec<RawRule<'a>>,
    hooks: Hooks,
}

/// A line as it stands in the text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    /// From 1.
    pub(super) number: u32,
}

/// A line that is a rule.
struct RawRule<'a> {
    line: Line<'a>,
    /// Those behind the chain.
    words: Vec<Cow<'a, str>>,
}

impl<'a> RawTable<'a> {
    pub(super) const fn new(kind: XtTable, line: u32) -> Self {
        Self { kind, line, chains: Vec::new(), places: BTreeMap::new() }
    }

    /// A line inside of the table: a declaration, a rule, or another command of iptables(8).
    pub(super) fn line(&mut self, line: Line<'a>, family: Family, origins: &mut Vec<Origin>) -> Result<(), Problem> {
        if let Some(declaration) = line.text.strip_prefix(':') {
            return self.declaration(declaration, line, origins);
        }
        let Some(words) = own_words(line.text, family)? else { return Ok(()) };
        let mut words = words.into_iter();
        let command = words.next().unwrap_or_default();
        let name = words.next().ok_or_else(|| Problem::new(format!("nothing follows `{command}`")));
        let words: Vec<_> = words.collect();
        match command.as_ref() {
            "-A" | "--append" => {
                self.chain(&name?, line, origins)?.rules.push(RawRule { line, words });
                Ok(())
            }
            "-I" | "--insert" => self.insert(&name?, RawRule { line, words }, origins),
            "-N" | "--new-chain" => self.declare(&name?, None),
            "-P" | "--policy" => self.policy(&name?, words.first().map_or("", |word| word.as_ref()), line, origins),
            word => Err(Problem::new(format!("`{word}` begins no line")).help("a rule begins with `-A CHAIN`")),
        }
    }

    /// `-I CHAIN`, or `-I CHAIN 2`: before the rule of that place.
    fn insert(&mut self, name: &str, mut rule: RawRule<'a>, origins: &mut Vec<Origin>) -> Result<(), Problem> {
        let chain = self.chain(name, rule.line, origins)?;
        let place = rule.words.first().and_then(|word| word.parse::<usize>().ok());
        if place.is_some() {
            rule.words.remove(0);
        }
        let before = place.unwrap_or(1).max(1) - 1;
        if before > chain.rules.len() {
            return Err(Problem::new(format!("chain `{name}` has fewer rules than that")));
        }
        chain.rules.insert(before, rule);
        Ok(())
    }

    /// `-P INPUT DROP`, of a chain that may have been declared above.
    fn policy(&mut self, name: &str, policy: &str, line: Line<'a>, origins: &mut Vec<Origin>) -> Result<(), Problem> {
        let base = self.closed(name, policy, line, origins)?;
        match self.places.get(name).and_then(|&place| self.chains.get_mut(place)) {
            Some(chain) => {
                chain.base = Some(base);
                Ok(())
            }
            None => self.declare(name, Some(base)),
        }
    }

    /// `:INPUT DROP [0:0]`
    fn declaration(&mut self, declaration: &str, line: Line<'a>, origins: &mut Vec<Origin>) -> Result<(), Problem> {
        let mut words = declaration.split_whitespace();
        let (name, policy, counters, more) = (words.next(), words.next(), words.next(), words.next());
        let (Some(name), Some(policy), true, None) = (name, policy, counters.is_none_or(is_counters), more) else {
            return Err(Problem::new(format!("`{}` declares no chain", line.text)).help("write `:INPUT DROP [0:0]`"));
        };
        let is_built_in = self.kind.hooks().iter().any(|&hook| built_in(hook) == name);
        if policy == "-" && is_built_in {
            // iptables-restore leaves the chain policy as the kernel has it, and nobody knows here what that is.
            let unsaid = Problem::new(format!("the chain policy of `{name}` is not said"));
            return Err(unsaid.help("write ACCEPT or DROP in the place of `-`"));
        }
        let base = if policy == "-" { None } else { Some(self.closed(name, policy, line, origins)?) };
        self.declare(name, base)
    }

    /// The built-in chain of a name, with the chain policy that a line gives it.
    fn closed(
        &self,
        name: &str,
        policy: &str,
        line: Line<'_>,
        origins: &mut Vec<Origin>,
    ) -> Result<BaseChain, Problem> {
        let policy = chain_policy(policy)?;
        let closing = origin(origins, line.text, line.number, None)?;
        self.base(name, policy, closing).ok_or_else(|| no_built_in(self.kind, name))
    }

    /// The built-in chain of a name.
    fn base(&self, name: &str, policy: ChainPolicy, closing: OriginId) -> Option<BaseChain> {
        let hook = hook(name).filter(|hook| self.kind.hooks().contains(hook))?;
        Some(BaseChain { kind: self.kind.kind(hook), hook, priority: self.kind.priority(hook), policy, closing })
    }

    fn declare(&mut self, name: &str, base: Option<BaseChain>) -> Result<(), Problem> {
        if self.places.insert(name.to_owned(), self.chains.len()).is_some() {
            return Err(Problem::new(format!("the chain `{name}` is declared a second time")));
        }
        let hooks = base.map_or(Hooks::NONE, |base| Hooks::of(&[base.hook]));
        self.chains.push(RawChain { name: name.to_owned(), base, rules: Vec::new(), hooks });
        Ok(())
    }

    /// The chain of a name. The built-in ones need no declaration.
    fn chain(&mut self, name: &str, line: Line<'_>, origins: &mut Vec<Origin>) -> Result<&mut RawChain<'a>, Problem> {
        let missing = || {
            Problem::new(format!("there is no chain `{name}` above this rule"))
                .help(format!("declare it: `:{name} - [0:0]`"))
        };
        if !self.places.contains_key(name) {
            let closing = OriginId(u32::try_from(origins.len()).unwrap_or_default());
            let base = self.base(name, ChainPolicy::Accept, closing).ok_or_else(missing)?;
            origin(origins, line.text, line.number, None)?;
            self.declare(name, Some(base))?;
        }
        self.places.get(name).and_then(|&place| self.chains.get_mut(place)).ok_or_else(missing)
    }

    /// The chain that the table before it closed and this one does not name.
    pub(super) fn forgets(&self, before: &Self) -> Option<String> {
        let is_closed = |chain: &&RawChain<'_>| chain.base.is_some_and(|base| base.policy == ChainPolicy::Drop);
        let names = before.chains.iter().filter(is_closed).map(|chain| &chain.name);
        names.into_iter().find(|&name| !self.places.contains_key(name)).cloned()
    }

    /// Adds the built-in chains that no line named, and puts all of them first.
    pub(super) fn complete(&mut self, origins: &mut Vec<Origin>) -> Result<(), Problem> {
        for &hook in self.kind.hooks() {
            let name = built_in(hook);
            if !self.places.contains_key(name) {
                let closing = origin(origins, &format!("*{}", self.kind.name()), self.line, None)?;
                let base = self.base(name, ChainPolicy::Accept, closing);
                self.declare(name, base)?;
            }
        }
        let place = |chain: &RawChain<'_>| chain.base.map_or(Hook::ALL.len(), |base| base.hook as usize);
        self.chains.sort_by_key(place);
        self.places = self.chains.iter().enumerate().map(|(place, chain)| (chain.name.clone(), place)).collect();
        Ok(())
    }

    /// Reads the rules.
    pub(super) fn read(
        mut self,
        family: Family,
        (sets, shared): (&KnownSets, &BTreeSet<String>),
        ruleset: &mut Ruleset,
        errors: &mut Vec<ReadError>,
    ) -> Result<Table, Problem> {
        self.find_hooks();
        let names: BTreeSet<String> = self.places.keys().cloned().collect();
        let mut reading = Reading::new((family, self.kind), &names, sets, shared);
        let mut chains = Vec::new();
        for raw in self.chains {
            let mut chain = match raw.base {
                Some(base) => Chain::base(&raw.name, base)?,
                None => Chain::regular(&to_ir(&raw.name))?,
            };
            for RawRule { line, words } in raw.rules {
                reading.hooks = raw.hooks;
                reading.built_in = raw.base.map(|base| base.hook);
                let read = match reading.rule(&words) {
                    Ok(read) => read,
                    Err(problem) => {
                        errors.push(problem.at(Text::Rules, line.number));
                        continue;
                    }
                };
                let origin = origin(&mut ruleset.origins, line.text, line.number, read.because)?;
                for draft in read.drafts {
                    chain.add(self.kind.legal(origin, draft, raw.hooks, &words)?)?;
                }
                reading.is_of(origin);
            }
            chains.push(chain);
        }
        Ok(Table::new(family.table(), self.kind.name(), reading.finish(chains)?)?)
    }

    /// The sets of ipset that its rules speak of, and whether packets add to them.
    pub(super) fn sets(&self) -> impl Iterator<Item = (&str, bool)> {
        let rules = self.chains.iter().flat_map(|chain| &chain.rules);
        rules.flat_map(|rule| rule.words.windows(2)).filter_map(|pair| match pair {
            [option, name] => match option.as_ref() {
                "--match-set" => Some((name.as_ref(), false)),
                "--add-set" | "--del-set" | "--map-set" => Some((name.as_ref(), true)),
                _ => None,
            },
            _ => None,
        })
    }

    /// Finds the hooks from which packets come to each chain.
    fn find_hooks(&mut self) {
        let mut targets: Vec<Vec<usize>> = Vec::with_capacity(self.chains.len());
        for chain in &self.chains {
            let mut of_chain: Vec<_> = chain.rules.iter().flat_map(|rule| self.targets(&rule.words)).collect();
            of_chain.sort_unstable();
            of_chain.dedup();
            targets.push(of_chain);
        }
        let mut waiting: Vec<usize> = (0..self.chains.len()).collect();
        while let Some(place) = waiting.pop() {
            let hooks = self.chains.get(place).map_or(Hooks::NONE, |chain| chain.hooks);
            for &target in targets.get(place).into_iter().flatten() {
                let Some(chain) = self.chains.get_mut(target) else { continue };
                if !hooks.within(chain.hooks) {
                    chain.hooks = chain.hooks.union(hooks);
                    waiting.push(target);
                }
            }
        }
    }

    /// The chains that a rule leads to.
    fn targets(&self, words: &[Cow<'_, str>]) -> Option<usize> {
        let option = words.iter().position(|word| matches!(word.as_ref(), "-j" | "--jump" | "-g" | "--goto"))?;
        self.places.get(words.get(option + 1)?.as_ref()).copied()
    }
}

impl XtTable {
    /// The rule of a draft. One that the IR finds illegal where packets meet it becomes an unknown that tells why.
    fn legal(self, origin: OriginId, draft: Draft, hooks: Hooks, words: &[Cow<'_, str>]) -> Result<Rule, Problem> {
        let places: Vec<_> = hooks
            .iter()
            .map(|hook| BaseChain {
                kind: self.kind(hook),
                hook,
                priority: self.priority(hook),
                policy: ChainPolicy::Accept,
                closing: origin,
            })
            .collect();
        let check = |steps: Vec<Step>, verdict: Option<Verdict>| {
            let rule = Rule::new(origin, steps, verdict)?;
            places.iter().try_for_each(|base| Place::of(base).check(&rule)).map(|()| rule)
        };
        let Draft { steps, verdict } = draft;
        // A line of nothing lets every packet go on.
        let verdict = verdict.or_else(|| steps.is_empty().then_some(Verdict::Continue));
        match check(steps, verdict.clone()) {
            Ok(rule) => Ok(rule),
            Err(illegal) => {
                let (name, reason) = ("rule".to_owned(), illegal.to_string());
                let unknown = Step::Unknown(Unknown { name, text: text(words), reason });
                check(vec![unknown.clone()], verdict).or_else(|_| check(vec![unknown], None)).map_err(Problem::from)
            }
        }
    }
}

/// The words of a command; none where it is for the program of the other family alone. Counters may stand before them.
fn own_words(line: &str, family: Family) -> Result<Option<Vec<Cow<'_, str>>>, Problem> {
    let mut words = split(line)?;
    if words.first().is_some_and(|word| is_counters(word)) {
        words.remove(0);
    }
    let of = match words.first().map(AsRef::as_ref) {
        Some("-4" | "--ipv4") => Some(Family::Ipv4),
        Some("-6" | "--ipv6") => Some(Family::Ipv6),
        _ => None,
    };
    if of.is_some() {
        words.remove(0);
    }
    Ok(Some(words).filter(|_| of.is_none_or(|of| of == family)))
}

fn chain_policy(word: &str) -> Result<ChainPolicy, Problem> {
    match word {
        "ACCEPT" => Ok(ChainPolicy::Accept),
        "DROP" => Ok(ChainPolicy::Drop),
        _ => Err(Problem::new(format!("`{word}` is no chain policy")).help("write ACCEPT or DROP")),
    }
}

fn no_built_in(table: XtTable, name: &str) -> Problem {
    let names: Vec<_> = table.hooks().iter().map(|&hook| built_in(hook)).collect();
    Problem::new(format!("the table {} has no built-in chain `{name}`", table.name()))
        .help(format!("it has {}; another chain is declared by `:{name} - [0:0]`", names.join(", ")))
}

/// `[12:3456]`: packets and bytes.
fn is_counters(word: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
        .and_then(|counters| counters.split_once(':'))
        .is_some_and(|(packets, bytes)| number(packets) && number(bytes))
}
