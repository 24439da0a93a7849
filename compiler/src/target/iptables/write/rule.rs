// SPDX-License-Identifier: GPL-3.0-or-later
//! The lines of a rule. Where one line cannot say it, chains of the rule's own can: packets come to such a chain by one
//! of the rule's ways, meet there what counts once, what excepts and what is done, and come back to the next rule.

use ringwall_ir::OriginId;
use ringwall_ir::words::Family;

use super::chains::Chains;
use super::line::{Test, line};
use super::stage::{Action, End, Program, Stage, Ways};
use crate::target::iptables::words::protocol::protocol;

/// The lines of a table.
pub(super) struct Lines {
    pub(super) family: Family,
    pub(super) chains: Chains,
    pub(super) lines: Vec<String>,
}

/// What the lines of a rule have in common.
pub(super) struct Source<'a> {
    /// What it comes from.
    pub(super) origin: OriginId,
    /// The name of what it comes from.
    pub(super) id: &'a str,
    /// The comment that each line carries.
    pub(super) comment: Option<Test>,
}

/// Where lines are added: a chain, and how packets that leave it at its end go on.
#[derive(Clone, Copy)]
struct At {
    chain: usize,
    entered: Entered,
}

/// How packets come into a chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entered {
    /// It is the rule's own; from its end packets go back to the next rule.
    ByJump,
    /// It is the rule's own; from its end packets go back to where the rule's chain was entered from.
    ByGoto,
    /// It is the chain that the rule stands in.
    Shared,
}

impl Lines {
    /// Adds the lines of a rule to a chain.
    ///
    /// # Errors
    /// Why there are no such lines.
    pub(super) fn rule(&mut self, chain: usize, source: &Source<'_>, program: &Program) -> Result<(), String> {
        let at = At { chain, entered: Entered::Shared };
        self.stages(at, source, Open { ways: Ways::all(), counted: false }, &program.stages, &program.end)
    }

    fn push(&mut self, chain: usize, source: &Source<'_>, tests: &[Test], action: &Action) -> Result<(), String> {
        let missing = action.needs.iter().filter(|need| !tests.iter().any(|test| implies(test, need)));
        let tests: Vec<&Test> = missing.chain(tests).chain(&source.comment).collect();
        let asked = tests.iter().find_map(|test| test.protocol);
        let is_told = |test: &&Test| test.option == "-p" && !test.negated;
        let told = asked.filter(|_| !tests.iter().any(is_told));
        let told = told.map(|asked| Test::own("-p", false, protocol(self.family, asked)));
        let words = line(told.iter().chain(tests), &action.target)?;
        let blank = if words.is_empty() { "" } else { " " };
        self.lines.push(format!("-A {}{blank}{words}", self.chains.name(chain)));
        self.chains.hold(chain, source.origin);
        Ok(())
    }

    fn push_all(&mut self, at: At, source: &Source<'_>, ways: &Ways, action: &Action) -> Result<(), String> {
        ways.ways.iter().try_for_each(|way| self.push(at.chain, source, way, action))
    }

    /// Adds the lines for packets that passed what is open, which no line has tested yet.
    fn stages(&mut self, at: At, source: &Source<'_>, open: Open, stages: &[Stage], end: &End) -> Result<(), String> {
        if open.ways.ways.len() > 1 && open.must_choose(stages, end) {
            return self.choose(at, source, &open, stages, end);
        }
        let Some((stage, rest)) = stages.split_first() else { return self.end(at, source, &open, end) };
        match stage {
            Stage::Tests(ways) if open.is_all() => {
                self.stages(at, source, Open { ways: ways.clone(), ..open }, rest, end)
            }
            Stage::Tests(ways) => match (open.ways.only(), ways.only()) {
                (Some(before), Some(more)) if ways.keep_place() => {
                    let way = before.iter().chain(more).cloned().collect();
                    let ways = Ways { ways: vec![way], overlap: open.ways.overlap };
                    self.stages(at, source, Open { ways, ..open }, rest, end)
                }
                _ => self.own(at, source, &open, stages, end),
            },
            Stage::Count(tests) => match open.ways.only() {
                Some(before) => {
                    let way = before.iter().chain(tests).cloned().collect();
                    let ways = Ways { ways: vec![way], overlap: false };
                    self.stages(at, source, Open { ways, counted: true }, rest, end)
                }
                None => self.own(at, source, &open, stages, end),
            },
            Stage::Except(exceptions) if open.is_all() && at.entered == Entered::ByJump => {
                let back = Action::of("-j RETURN");
                exceptions.iter().try_for_each(|tests| self.push(at.chain, source, tests, &back))?;
                self.stages(at, source, open, rest, end)
            }
            Stage::Except(_) => self.own(at, source, &open, stages, end),
            Stage::Act(action) => self.act(at, source, open, action, stages, end),
        }
    }

    fn act(
        &mut self,
        at: At,
        source: &Source<'_>,
        open: Open,
        action: &Action,
        stages: &[Stage],
        end: &End,
    ) -> Result<(), String> {
        let rest = stages.get(1..).unwrap_or_default();
        let is_last = rest.is_empty() && matches!(end, End::Next);
        if is_last {
            return self.push_all(at, source, &open.ways, action);
        }
        if open.is_all() {
            self.push_all(at, source, &open.ways, action)?;
            let ways = Ways { ways: vec![action.then.clone()], overlap: false };
            return self.stages(at, source, Open { ways, counted: false }, rest, end);
        }
        // A record changes nothing: what is behind it can test the same again.
        let records = |stage: &Stage| matches!(stage, Stage::Act(action) if !action.writes);
        if open.counted || !stages.iter().all(records) {
            return self.own(at, source, &open, stages, end);
        }
        for way in &open.ways.ways {
            for stage in stages {
                if let Stage::Act(action) = stage {
                    self.push(at.chain, source, way, action)?;
                }
            }
            let one = Open { ways: Ways { ways: vec![way.clone()], overlap: false }, counted: false };
            self.end(at, source, &one, end)?;
        }
        Ok(())
    }

    /// What becomes of packets that passed all.
    fn end(&mut self, at: At, source: &Source<'_>, open: &Open, end: &End) -> Result<(), String> {
        let back = at.entered == Entered::ByJump;
        let target = match end {
            // Nothing is left to do for a packet that only was counted by a line, unless the line tests nothing.
            End::Next if open.is_all() && at.entered != Entered::Shared => return Ok(()),
            End::Next => Action::default(),
            End::Target(action) => action.clone(),
            End::Jump(chain) => Action::of(format!("-j {chain}")),
            End::Goto(_) | End::Return if back => return Err(no_return(end)),
            End::Goto(chain) => Action::of(format!("-g {chain}")),
            End::Return if at.entered == Entered::ByGoto && open.is_all() => return Ok(()),
            End::Return => Action::of("-j RETURN"),
        };
        self.push_all(at, source, &open.ways, &target)
    }

    /// A chain of the rule's own for what is left of it.
    fn own(&mut self, at: At, source: &Source<'_>, open: &Open, stages: &[Stage], end: &End) -> Result<(), String> {
        let leaves = matches!(end, End::Goto(_) | End::Return);
        let entered = match at.entered {
            _ if !leaves => Entered::ByJump,
            // Only packets that all leave by the verdict may lose their way back to the next rule.
            Entered::Shared | Entered::ByGoto if stages.iter().all(decides_nothing) => Entered::ByGoto,
            _ => return Err(no_return(end)),
        };
        let chain = self.chains.add_behind(at.chain, source.id);
        let option = if entered == Entered::ByGoto { "-g" } else { "-j" };
        let target = Action::of(format!("{option} {}", self.chains.name(chain)));
        self.push_all(at, source, &open.ways, &target)?;
        let inside = Open { ways: Ways::all(), counted: false };
        self.stages(At { chain, entered }, source, inside, stages, end)
    }

    /// A chain that sends each packet on once, by the first of the ways that it passes. It must not come back to the other
    /// ways, for what was done may have changed what they test.
    fn choose(&mut self, at: At, source: &Source<'_>, open: &Open, stages: &[Stage], end: &End) -> Result<(), String> {
        if matches!(end, End::Goto(_) | End::Return) {
            return Err(no_return(end));
        }
        let choice = self.chains.add_behind(at.chain, source.id);
        let target = Action::of(format!("-j {}", self.chains.name(choice)));
        self.push(at.chain, source, &[], &target)?;
        let chosen = self.chains.add_behind(at.chain, source.id);
        let target = Action::of(format!("-g {}", self.chains.name(chosen)));
        self.push_all(At { chain: choice, ..at }, source, &open.ways, &target)?;
        let inside = Open { ways: Ways::all(), counted: false };
        self.stages(At { chain: chosen, entered: Entered::ByJump }, source, inside, stages, end)
    }
}

/// What a packet must pass that no line has tested yet.
struct Open {
    ways: Ways,
    /// The tests count: they can be made once only.
    counted: bool,
}

impl Open {
    fn is_all(&self) -> bool {
        self.ways.is_all() && !self.counted
    }

    /// Whether a packet that came one way could come another way too, and must not.
    fn must_choose(&self, stages: &[Stage], end: &End) -> bool {
        let goes_on = !matches!(end, End::Target(_) | End::Goto(_) | End::Return)
            || stages.iter().any(|stage| !decides_nothing(stage));
        let writes = matches!(end, End::Jump(_))
            || stages.iter().any(|stage| matches!(stage, Stage::Act(action) if action.writes));
        goes_on && (self.ways.overlap || writes && self.ways.look_at_marks())
    }
}

/// Whether every packet that comes to it goes on behind it.
fn decides_nothing(stage: &Stage) -> bool {
    matches!(stage, Stage::Act(action) if action.then.is_empty())
}

/// Whether a line that has the one test need not have the other.
fn implies(test: &Test, need: &Test) -> bool {
    let syn = need.option == "--tcp-flags" && test.option == "--tcp-flags" && !test.negated;
    let size = need.option == "--mss" && test.option == "--mss" && !test.negated;
    test == need
        || size
        || syn && test.value.split(' ').next_back().is_some_and(|flags| flags.split(',').any(|flag| flag == "SYN"))
}

fn no_return(end: &End) -> String {
    let word = if matches!(end, End::Return) { "return" } else { "goto" };
    format!("iptables has no `{word}` out of a chain that the rule needs for itself")
}
