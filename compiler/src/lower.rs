// SPDX-License-Identifier: GPL-3.0-or-later
//! Policy to chain IR: one table, a base chain for each governed direction, rules in the order of the sentences.

mod scope;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use ringwall_ir::words::{ChainPolicy, Direction, Family, Priority, Protocol, Refusal, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Datatype, Elements, Field, Illegal, KeyType, Limit, Match, OriginId, Per, Ruleset, Set, SetSpec,
    Statement, Step, Table, TableParts, Values, Verdict,
};

use crate::policy::{Effect, Group, LogClause, Policy, Sentence};

/// The name of the own table.
pub const TABLE: &str = "ringwall";

/// How often a log without `every` records: 5 a second, 10 at once.
const LOG_LIMIT: (u32, Per, u32) = (5, Per::Second, 10);

/// Compiles a resolved policy.
///
/// # Errors
/// A rule that the IR does not allow: a defect of this module or of `resolve`, never of the policy.
pub fn lower(policy: &Policy) -> Result<Ruleset, Illegal> {
    let mut sets = Sets::default();
    let mut chains = Vec::new();
    for &direction in Direction::ALL.iter().filter(|&&direction| policy.governs(direction)) {
        chains.push(chain(policy, direction, &mut sets)?);
    }
    let parts = TableParts { sets: sets.finish()?, chains, ..TableParts::default() };
    let table = Table::new(TableFamily::Inet, TABLE, parts)?;
    Ok(Ruleset {
        title: format!("policy {}, edition {}", policy.name, policy.edition),
        origins: policy.origins.clone(),
        tables: vec![table],
        unknowns: Vec::new(),
    })
}

fn chain(policy: &Policy, direction: Direction, sets: &mut Sets) -> Result<Chain, Illegal> {
    let Some(closing) = policy.closings.get(&direction) else { return Err(Illegal::Nothing) };
    let chain_policy = if closing.effect == Effect::Accept { ChainPolicy::Accept } else { ChainPolicy::Drop };
    let hook = direction.hook();
    let base = BaseChain::filter(hook, Priority::RINGWALL_FILTER, chain_policy, closing.origin);
    let mut chain = Chain::base(hook.name(), base)?;
    for sentence in policy.sentences.iter().filter(|sentence| sentence.directions.contains(&direction)) {
        rules(&mut chain, sentence, sets)?;
    }
    if let Some(log) = &closing.log {
        record(&mut chain, closing.origin, &[], log)?;
    }
    if let Effect::Reject(refusal) = closing.effect {
        refuse(&mut chain, closing.origin, &[], refusal, None)?;
    }
    Ok(chain)
}

fn rules(chain: &mut Chain, sentence: &Sentence, sets: &mut Sets) -> Result<(), Illegal> {
    let origin = sentence.origin;
    for scope::Case { matches, protocol } in scope::cases(&sentence.scope, sets) {
        if let Some(log) = &sentence.log {
            record(chain, origin, &matches, log)?;
        }
        match sentence.effect {
            Effect::Accept => chain.push(origin, steps(matches), Some(Verdict::Accept))?,
            Effect::Drop => chain.push(origin, steps(matches), Some(Verdict::Drop))?,
            Effect::Reject(refusal) => refuse(chain, origin, &matches, refusal, protocol)?,
            Effect::Record => {}
        }
    }
    Ok(())
}

/// A rule of its own for the record, so that its rate never changes a verdict.
fn record(chain: &mut Chain, origin: OriginId, matches: &[Match], clause: &LogClause) -> Result<(), Illegal> {
    let mut steps = steps(matches.to_vec());
    if !clause.every {
        let (amount, per, burst) = LOG_LIMIT;
        let one = NonZeroU32::MIN;
        let (amount, burst) = (NonZeroU32::new(amount).unwrap_or(one), NonZeroU32::new(burst).unwrap_or(one));
        steps.push(Match::Limit(Limit::packets(amount, per, burst)).into());
    }
    steps.push(Statement::Log(clause.log.clone()).into());
    chain.push(origin, steps, None)
}

/// Without a kind, TCP gets a reset and the rest port-unreachable. `protocol` is what the matches leave.
fn refuse(
    chain: &mut Chain,
    origin: OriginId,
    matches: &[Match],
    refusal: Option<Refusal>,
    protocol: Option<Protocol>,
) -> Result<(), Illegal> {
    let mut push = |matches: Vec<Match>, refusal| chain.push(origin, steps(matches), Some(Verdict::Reject(refusal)));
    match (refusal, protocol) {
        (Some(refusal), _) => push(matches.to_vec(), refusal),
        (None, Some(Protocol::TCP)) => push(matches.to_vec(), Refusal::TcpReset),
        (None, Some(_)) => push(matches.to_vec(), Refusal::PortUnreachable),
        (None, None) => {
            let mut tcp = matches.to_vec();
            tcp.insert(scope::place_of_protocol(&tcp), scope::l4proto(Protocol::TCP));
            push(tcp, Refusal::TcpReset)?;
            push(matches.to_vec(), Refusal::PortUnreachable)
        }
    }
}

/// The named sets that rules have asked for.
#[derive(Default)]
struct Sets {
    by_name: BTreeMap<String, (Family, Group)>,
}

impl Sets {
    /// How a rule speaks of a group's addresses of one family: by the name of its set if the author named the group.
    fn values(&mut self, group: &Group, family: Family) -> Values {
        let Some(named) = &group.name else { return Values::Inline(group.set.of(family).clone()) };
        // No keyword of nft ends so, and no two networks get one name.
        let name = format!("{}_{}", named.name, if family == Family::Ipv4 { "v4" } else { "v6" });
        self.by_name.insert(name.clone(), (family, group.clone()));
        Values::Set(name)
    }

    fn finish(self) -> Result<Vec<Set>, Illegal> {
        let mut sets = Vec::new();
        for (name, (family, group)) in self.by_name {
            let spec = SetSpec::intervals(KeyType::Of(Datatype::address(family)));
            let origin = group.name.as_ref().map_or(OriginId(0), |named| named.origin);
            sets.push(Set::new(&name, spec, Elements::Intervals(group.set.of(family).clone()), origin)?);
        }
        Ok(sets)
    }
}

/// Tests as the steps of a rule.
fn steps(matches: Vec<Match>) -> Vec<Step> {
    matches.into_iter().map(Step::from).collect()
}

/// A test of a field against values written in the rule.
const fn inline(field: Field, values: ringwall_ir::IntervalSet) -> Match {
    Match::within(field, Values::Inline(values))
}
