// SPDX-License-Identifier: GPL-3.0-or-later
//! The table `filter` of one family, whole: what iptables-restore loads in one transaction.

use std::collections::BTreeMap;

use ringwall_ir::words::{ChainPolicy, Family};
use ringwall_ir::{Chain, Log, LogTarget, OriginId, Rule, Ruleset, Statement, Table, Verdict};

use super::condition::Condition;
use super::line::{Test, line};
use super::words::{self, CtMatch};
use crate::target::{Target, Unsayable, header, sentence};

/// The longest name of a chain, in bytes (`XT_EXTENSION_MAXNAMELEN` less the final NUL).
const CHAIN_NAME_MAX: usize = 28;

/// The target that needs a rule of its own protocol (`reject_tg_check` in `net/ipv4/netfilter/ipt_REJECT.c`).
const RESET: &str = "-j REJECT --reject-with tcp-reset";

/// A text, and what its lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// For iptables-restore or ip6tables-restore, without `--noflush`.
    pub text: String,
    /// Each chain with the origin of each rule that it holds once loaded, in order. INPUT, FORWARD and OUTPUT come first.
    pub chains: Vec<(String, Vec<OriginId>)>,
}

/// Writes what a ruleset says of a family. Hooks that it does not govern get an empty chain that accepts; a rule that no
/// packet of the family passes gets no line. The chains' priority is that of iptables' own.
///
/// # Errors
/// Each part that iptables cannot say.
pub fn write(ruleset: &Ruleset, family: Family, ct: CtMatch) -> Result<Written, Vec<Unsayable>> {
    let (target, loader) = match family {
        Family::Ipv4 => (Target::Iptables, "iptables-restore"),
        Family::Ipv6 => (Target::Ip6tables, "ip6tables-restore"),
    };
    let mut writer =
        Writer { ruleset, family, ct, target, lines: Vec::new(), chains: Chains::new(), unsayable: Vec::new() };
    let tables = || ruleset.tables.iter().filter(|table| table.family().sees(family));
    let mut policies = [ChainPolicy::Accept; 3];
    for ((hook, name), policy) in words::CHAINS.into_iter().zip(&mut policies) {
        let mut here = tables().flat_map(|table| table.chains().iter().map(move |chain| (table, chain)));
        let mut here = here.by_ref().filter(|(_, chain)| chain.hook() == hook);
        if let Some((table, chain)) = here.next() {
            *policy = chain.policy();
            writer.chain(table, chain, name);
        }
        for (_, chain) in here {
            writer.refuse(chain.closing(), format!("iptables has one chain at hook {}", hook.name()));
        }
    }
    for chain in tables().flat_map(Table::chains).filter(|chain| words::chain(chain.hook()).is_none()) {
        writer.refuse(chain.closing(), format!("the table filter has no chain at hook {}", chain.hook().name()));
    }
    if !writer.unsayable.is_empty() {
        return Err(writer.unsayable);
    }
    Ok(Written { text: text(header(ruleset, loader), policies, &writer), chains: writer.chains.rules })
}

fn text(mut text: String, policies: [ChainPolicy; 3], writer: &Writer) -> String {
    let mut push = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    push("*filter");
    for ((_, name), policy) in words::CHAINS.into_iter().zip(policies) {
        push(&format!(":{name} {}", policy.name().to_uppercase()));
    }
    for (name, _) in writer.chains.rules.iter().skip(words::CHAINS.len()) {
        push(&format!(":{name} -"));
    }
    writer.lines.iter().for_each(|line| push(line));
    push("COMMIT");
    text
}

struct Writer<'a> {
    ruleset: &'a Ruleset,
    family: Family,
    ct: CtMatch,
    target: Target,
    lines: Vec<String>,
    chains: Chains,
    unsayable: Vec<Unsayable>,
}

impl Writer<'_> {
    fn refuse(&mut self, origin: OriginId, reason: String) {
        self.unsayable.push(Unsayable { origin, target: self.target, reason });
    }

    fn chain(&mut self, table: &Table, chain: &Chain, name: &str) {
        let mut before = None;
        for rule in chain.rules() {
            let origin = rule.origin();
            let lines = self.lines.len();
            if let Err(reason) = self.rule(table, rule, name) {
                self.refuse(origin, reason);
            } else if self.lines.len() > lines
                && before.replace(origin) != Some(origin)
                && let Some(comment) = sentence(self.ruleset.origin(origin))
            {
                self.lines.insert(lines, comment);
            }
        }
    }

    fn rule(&mut self, table: &Table, rule: &Rule, chain: &str) -> Result<(), String> {
        let Some(condition) = Condition::of(table, rule, self.family, self.ct)? else { return Ok(()) };
        self.check_rate(table, rule, &condition)?;
        let ways = condition.alternatives()?;
        let origin = rule.origin();
        let targets = self.behind_limits(chain, rule, &condition.limits)?;
        if condition.exceptions.is_empty() && (condition.limits.is_empty() || ways.len() == 1) {
            for way in &ways {
                for target in &targets {
                    self.push(chain, origin, &line(way.iter().copied().chain(&condition.limits), target)?);
                }
            }
            return Ok(());
        }
        // One chain behind all the lines: it excepts what they cannot, and its limit counts for all of them.
        let own = self.own_chain(chain, origin);
        for way in &ways {
            self.push(chain, origin, &line(way.iter().copied(), &format!("-j {own}"))?);
        }
        for exception in &condition.exceptions {
            self.push(&own, origin, &line([exception], "-j RETURN")?);
        }
        for target in &targets {
            self.push(&own, origin, &line(again(target).iter().chain(&condition.limits), target)?);
        }
        Ok(())
    }

    /// A rate that decides must count the packets of both families together, and iptables and ip6tables count apart. A
    /// record alone decides nothing.
    fn check_rate(&self, table: &Table, rule: &Rule, condition: &Condition) -> Result<(), String> {
        let other = match self.family {
            Family::Ipv4 => Family::Ipv6,
            Family::Ipv6 => Family::Ipv4,
        };
        if condition.limits.is_empty()
            || rule.verdict().is_none()
            || Condition::of(table, rule, other, self.ct)?.is_none()
        {
            return Ok(());
        }
        Err("iptables and ip6tables count a rate each on their own, and this one counts both families together"
            .to_owned())
    }

    /// The targets of a rule. Where a limit stands before several, they share one chain, so that it counts a packet once.
    fn behind_limits(&mut self, chain: &str, rule: &Rule, limits: &[Test]) -> Result<Vec<String>, String> {
        let targets = self.targets(rule)?;
        if limits.is_empty() || targets.len() < 2 {
            return Ok(targets);
        }
        let own = self.own_chain(chain, rule.origin());
        for target in &targets {
            self.push(&own, rule.origin(), &line(&again(target), target)?);
        }
        Ok(vec![format!("-j {own}")])
    }

    fn push(&mut self, chain: &str, origin: OriginId, words: &str) {
        self.lines.push(format!("-A {chain} {words}"));
        self.chains.hold(chain, origin);
    }

    fn own_chain(&mut self, behind: &str, origin: OriginId) -> String {
        let id = self.ruleset.origin(origin).map_or("", |origin| origin.id.as_str());
        self.chains.add(behind, id)
    }

    /// What happens to a packet, in order.
    fn targets(&self, rule: &Rule) -> Result<Vec<String>, String> {
        let logs = rule.statements().iter().map(|Statement::Log(log)| logged(log));
        let verdict = rule.verdict().map(|verdict| self.decided(verdict));
        logs.chain(verdict).collect()
    }

    fn decided(&self, verdict: Verdict) -> Result<String, String> {
        match verdict {
            Verdict::Accept => Ok("-j ACCEPT".to_owned()),
            Verdict::Drop => Ok("-j DROP".to_owned()),
            Verdict::Reject(refusal) => words::refusal(self.family, refusal)
                .map(|word| format!("-j REJECT --reject-with {word}"))
                .ok_or_else(|| format!("{} has no {}", self.family.name(), refusal.name())),
        }
    }
}

/// What a rule must test again in a chain of its own: the kernel takes a TCP reset only beside `-p tcp`.
fn again(target: &str) -> Vec<Test> {
    if target == RESET { vec![Test::own("-p", false, "tcp")] } else { Vec::new() }
}

fn logged(log: &Log) -> Result<String, String> {
    let prefix = log.prefix.as_deref().unwrap_or_default();
    let (target, option, max) = match log.target {
        LogTarget::Group(_) => ("NFLOG", "--nflog-prefix", words::NFLOG_PREFIX_MAX),
        LogTarget::Kernel(_) => ("LOG", "--log-prefix", words::LOG_PREFIX_MAX),
    };
    if prefix.len() > max {
        return Err(format!("{target} cuts the log prefix `{prefix}` off after {max} bytes"));
    }
    let mut words = format!("-j {target}");
    if !prefix.is_empty() {
        words.push_str(&format!(" {option} \"{prefix}\""));
    }
    match log.target {
        LogTarget::Group(group) => words.push_str(&format!(" --nflog-group {group}")),
        LogTarget::Kernel(level) if level == words::DEFAULT_LEVEL => {}
        LogTarget::Kernel(level) => words.push_str(&format!(" --log-level {}", level.number())),
    }
    Ok(words)
}

/// The chains of the text, each with the origins of its rules.
struct Chains {
    rules: Vec<(String, Vec<OriginId>)>,
    places: BTreeMap<String, usize>,
}

impl Chains {
    fn new() -> Self {
        let mut chains = Self { rules: Vec::new(), places: BTreeMap::new() };
        words::CHAINS.into_iter().for_each(|(_, name)| chains.insert(name.to_owned()));
        chains
    }

    fn insert(&mut self, name: String) {
        self.places.insert(name.clone(), self.rules.len());
        self.rules.push((name, Vec::new()));
    }

    fn hold(&mut self, chain: &str, origin: OriginId) {
        if let Some((_, rules)) = self.places.get(chain).and_then(|&place| self.rules.get_mut(place)) {
            rules.push(origin);
        }
    }

    /// A new chain behind another, named after the sentence: `INPUT.admin`, then `INPUT.admin.2`.
    fn add(&mut self, behind: &str, id: &str) -> String {
        let legal = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
        let id: String = id.chars().map(|character| if legal(character) { character } else { '-' }).collect();
        let base = behind.split('.').next().unwrap_or_default();
        let named = |number: usize| {
            let end = if number == 1 { String::new() } else { format!(".{number}") };
            let room = CHAIN_NAME_MAX.saturating_sub(base.len() + 1 + end.len());
            format!("{base}.{}{end}", id.chars().take(room).collect::<String>())
        };
        let mut number = 1;
        while self.places.contains_key(&named(number)) {
            number += 1;
        }
        let name = named(number);
        self.insert(name.clone());
        name
    }
}
