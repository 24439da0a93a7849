// SPDX-License-Identifier: GPL-3.0-or-later
//! From a rule of the IR to what lines of iptables say.

use ringwall_ir::words::{ChainPolicy, ChainType, Family, Hook, Protocol, Refusal};
use ringwall_ir::{Field, Match, Rule, Statement, Step, Target, Values, Verdict};

use super::field::{Passed, clauses};
use super::line::Test;
use super::place::Place;
use super::reach::{Reach, is_met};
use super::stage::{Action, End, Program, Stage};
use super::{action, count, verdict};
use crate::target::iptables::words::quoted;

/// The longest comment, in bytes (`XT_MAX_COMMENT_LEN` less the final NUL).
const COMMENT_MAX: usize = 255;

/// Why iptables cannot say something.
pub(super) struct Cannot {
    pub(super) reason: String,
    /// What can be done about it.
    pub(super) help: Option<String>,
}

impl From<String> for Cannot {
    fn from(reason: String) -> Self {
        Self { reason, help: None }
    }
}

impl Cannot {
    /// A whole table would open the family that nothing is said of.
    pub(super) fn open(family: Family) -> Self {
        let reason = format!("the ruleset says nothing of {}: the text would let everything pass", family.name());
        let help = "take the other family, or say with --family which one the ruleset is of";
        Self { reason, help: Some(help.to_owned()) }
    }
}

/// The rule as iptables can say it; none where no packet of the family meets anything of it, so that it needs no line.
/// `closes` says that the chain policy is the last line of the chain, which a packet that leaves the chain would miss.
///
/// # Errors
/// Why iptables cannot say it.
pub(super) fn program(
    place: &Place<'_>,
    rule: &Rule,
    closes: bool,
    chain: impl Fn(&str) -> Result<String, String>,
) -> Result<Option<Program>, Cannot> {
    if let Some(unknown) = rule.unknowns().next() {
        return Err(unknown.to_string().into());
    }
    check_rows(rule)?;
    check_rate(place, rule)?;
    check_routing(place, rule)?;
    let mut builder =
        Builder { place, reach: Reach::all(place.family), before: Reach::all(place.family), stages: Vec::new() };
    let alive = builder.steps(rule)?;
    let mut program = Program { stages: builder.stages, end: End::Next };
    if alive && let Some(verdict) = rule.verdict() {
        program.end = verdict::end(place, verdict, &builder.reach, chain)?;
    }
    if closes {
        program.close(place);
    }
    let acts = |stage: &Stage| matches!(stage, Stage::Act(_) | Stage::Count(_));
    // iptables counts for each line: one without a target is how it counts, and how somebody's idle rule is written.
    let counts = || !rule.acts() || rule.statements().any(|statement| matches!(statement, Statement::Counter(_)));
    let is_idle = matches!(program.end, End::Next) && !program.stages.iter().any(acts) && !(alive && counts());
    Ok((!is_idle).then_some(program))
}

impl Program {
    /// What a return to the chain policy means where the chain's last line takes its place.
    fn close(&mut self, place: &Place<'_>) {
        if place.base.is_none_or(|base| base.policy != ChainPolicy::Drop) {
            return;
        }
        let drop = || End::Target(Action::of("-j DROP"));
        match std::mem::take(&mut self.end) {
            End::Return => self.end = drop(),
            End::Goto(chain) => {
                self.stages.push(Stage::Act(Action::of(format!("-j {chain}"))));
                self.end = drop();
            }
            end => self.end = end,
        }
    }
}

/// What the declared table says that iptables cannot say.
fn check_rows(rule: &Rule) -> Result<(), Cannot> {
    for test in rule.matches() {
        for selector in test.selectors() {
            if let Some(reason) = selector.field().row().cells.iptables.reason() {
                let reason = format!("it tests `{}`: {reason}", selector.field());
                return Err(Cannot { reason, help: by_name(test) });
            }
        }
    }
    let tests = rule.matches().filter_map(Match::word);
    let verdict = rule.verdict().and_then(Verdict::word);
    for word in tests.chain(rule.statements().map(Statement::word)).chain(verdict) {
        let row = word.row();
        if let Some(reason) = row.cells.iptables.reason() {
            return Err(format!("it has `{}`: {reason}", row.name).into());
        }
    }
    Ok(())
}

/// An interface by its number can be tested by its name, which a reader of nft's text takes for the same.
fn by_name(test: &Match) -> Option<String> {
    let Match::In { selector, values, .. } = test else { return None };
    let field = match selector.field() {
        Field::Iif => Field::Iifname,
        Field::Oif => Field::Oifname,
        _ => return None,
    };
    let names: Vec<String> = match values {
        Values::Symbols(symbols) => symbols.iter().map(|symbol| symbol.name.clone()).collect(),
        Values::Inline(set) if set.single() == Some(LOOPBACK) => vec!["lo".to_owned()],
        Values::Inline(_) | Values::Set(_) => Vec::new(),
    };
    Some(match names.as_slice() {
        [name] => format!("test `{field} \"{name}\"` instead: the name of the interface, not its number"),
        _ => format!("test `{field}` instead: the names of the interfaces, not their numbers"),
    })
}

/// The number of the interface `lo` (`LOOPBACK_IFINDEX` of `include/net/flow.h`).
const LOOPBACK: u128 = 1;

/// A rate that decides must count the packets of both families together, and iptables and ip6tables count apart. A record
/// alone decides nothing.
fn check_rate(place: &Place<'_>, rule: &Rule) -> Result<(), String> {
    let counts = |test: &Match| count::stage(test).is_ok_and(|stage| stage.is_some());
    let only_records = rule.verdict().is_none()
        && rule.statements().all(|statement| matches!(statement, Statement::Log(_) | Statement::Counter(_)));
    let other = match place.family {
        Family::Ipv4 => Family::Ipv6,
        Family::Ipv6 => Family::Ipv4,
    };
    let both = || [place.family, other].into_iter().all(|family| is_met(place.table, family, rule.matches()));
    if only_records || !rule.matches().any(counts) || !both() {
        return Ok(());
    }
    Err("iptables and ip6tables count a rate each on their own, and this one counts both families together".to_owned())
}

/// The built-in chain mangle OUTPUT has packets routed anew where their mark changed, and a chain that filters does not.
fn check_routing(place: &Place<'_>, rule: &Rule) -> Result<(), String> {
    let marks =
        |statement: &Statement| matches!(statement, Statement::Assign(assignment) if assignment.target == Target::Mark);
    let filters = place.base.is_some_and(|base| base.kind == ChainType::Filter && base.hook == Hook::Output)
        && place.xt.kind(Hook::Output) == ChainType::Route;
    if filters && (rule.statements().any(marks) || rule.targets().next().is_some()) {
        return Err("iptables routes packets of the table mangle anew where their mark changed".to_owned());
    }
    Ok(())
}

struct Builder<'a> {
    place: &'a Place<'a>,
    /// What is known of the protocols of packets that come so far.
    reach: Reach,
    /// What lines have tested of them.
    before: Reach,
    stages: Vec<Stage>,
}

impl Builder<'_> {
    /// Whether packets of the family come to the end.
    fn steps(&mut self, rule: &Rule) -> Result<bool, String> {
        let mut tests: Vec<&Match> = Vec::new();
        let mut statements: Vec<&Statement> = Vec::new();
        for step in rule.steps() {
            match step {
                Step::Match(test) => {
                    self.done(&mut statements, false)?;
                    if !self.reach.narrow(self.place.table, test) {
                        return Ok(false);
                    }
                    match count::stage(test)? {
                        None => tests.push(test),
                        Some(stage) => {
                            if !self.tested(&mut tests)? {
                                return Ok(false);
                            }
                            self.stages.push(stage);
                        }
                    }
                }
                Step::Statement(statement) => {
                    if !self.tested(&mut tests)? {
                        return Ok(false);
                    }
                    statements.push(statement);
                }
                Step::Unknown(unknown) => return Err(format!("what `{}` does is not known", unknown.name)),
            }
        }
        self.done(&mut statements, rule.verdict().is_none())?;
        if rule.verdict() == Some(&Verdict::Reject(Refusal::TcpReset)) && !self.reach.demand(Protocol::TCP) {
            return Ok(false);
        }
        self.tested(&mut tests)
    }

    /// Ends a run of tests. Whether packets pass them.
    fn tested(&mut self, tests: &mut Vec<&Match>) -> Result<bool, String> {
        if tests.is_empty() && self.before.protocols == self.reach.protocols {
            return Ok(true);
        }
        let passed = clauses(self.place, tests, &self.before, &self.reach)?;
        tests.clear();
        self.before = self.reach.clone();
        let Passed::Who(mut clauses) = passed else { return Ok(false) };
        let exceptions = std::mem::take(&mut clauses.exceptions);
        self.stages.extend(clauses.ways()?.into_iter().map(Stage::Tests));
        if !exceptions.is_empty() {
            self.stages.push(Stage::Except(exceptions));
        }
        Ok(true)
    }

    /// Ends a run of statements, and perhaps the rule.
    fn done(&mut self, statements: &mut Vec<&Statement>, end: bool) -> Result<(), String> {
        let actions = action::actions(self.place, statements, &self.reach, end)?;
        statements.clear();
        self.stages.extend(actions.into_iter().map(Stage::Act));
        Ok(())
    }
}

/// The comment of somebody's rule, as a test that passes every packet.
///
/// # Errors
/// Where it is too long.
pub(super) fn comment(because: &str) -> Result<Test, String> {
    let printable: String = because.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if printable.len() > COMMENT_MAX {
        return Err(format!("the comment is longer than {COMMENT_MAX} bytes"));
    }
    Ok(Test::of("comment", "--comment", false, quoted(&printable)))
}
