// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests that must all be passed, put together from alternatives.

use super::line::Test;
use super::stage::Ways;

/// The most lines that one rule may become.
pub(super) const LINES_MAX: usize = 65_536;

/// Alternatives, each of them tests that must all be passed.
type Clause = Vec<Vec<Test>>;

/// What a packet must pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Clauses {
    /// Each of these: alternatives, each of them tests that must all be passed.
    clauses: Vec<Clause>,
    /// None of these.
    pub(super) exceptions: Vec<Vec<Test>>,
    /// A packet may pass several alternatives.
    overlap: bool,
}

impl Clauses {
    /// Adds tests that must all be passed.
    pub(super) fn all_of(&mut self, tests: impl IntoIterator<Item = Test>) {
        self.clauses.extend(tests.into_iter().map(|test| vec![vec![test]]));
    }

    /// Adds tests of which one must be passed. No packet passes two of them.
    pub(super) fn one_of(&mut self, tests: impl IntoIterator<Item = Test>) {
        self.clauses.push(tests.into_iter().map(|test| vec![test]).collect());
    }

    /// Adds alternatives of several tests each. No packet passes two of them.
    pub(super) fn alternatives(&mut self, ways: Vec<Vec<Test>>) {
        self.clauses.push(ways);
    }

    /// Adds alternatives that may overlap.
    pub(super) fn overlapping(&mut self, ways: Vec<Vec<Test>>) {
        self.overlap |= ways.len() > 1;
        self.clauses.push(ways);
    }

    /// Adds those of another.
    pub(super) fn extend(&mut self, other: Self) {
        self.clauses.extend(other.clauses);
        self.exceptions.extend(other.exceptions);
        self.overlap |= other.overlap;
    }

    /// The tests of each line. A line has each of iptables' own options once, so what tests one again comes behind it.
    ///
    /// # Errors
    /// Where there would be too many.
    pub(super) fn ways(self) -> Result<Vec<Ways>, String> {
        let mut rounds: Vec<(Vec<&'static str>, Vec<Clause>)> = Vec::new();
        for clause in self.clauses {
            let options = own_options(&clause);
            let free = rounds.iter_mut().find(|(taken, _)| options.iter().all(|option| !taken.contains(option)));
            match free {
                Some((taken, clauses)) => {
                    taken.extend(options);
                    clauses.push(clause);
                }
                None => rounds.push((options, vec![clause])),
            }
        }
        let overlap = self.overlap;
        rounds.into_iter().map(|(_, clauses)| Ok(Ways { ways: product(clauses)?, overlap })).collect()
    }
}

/// The options of iptables itself among the tests.
fn own_options(clause: &[Vec<Test>]) -> Vec<&'static str> {
    let mut options: Vec<_> =
        clause.iter().flatten().filter(|test| test.module.is_none()).map(|test| test.option).collect();
    options.sort_unstable();
    options.dedup();
    options
}

/// Every choice of one alternative of each clause.
fn product(clauses: Vec<Clause>) -> Result<Vec<Vec<Test>>, String> {
    let count = clauses.iter().try_fold(1, |count: usize, clause| count.checked_mul(clause.len()));
    if count.is_none_or(|count| count > LINES_MAX) {
        return Err(format!("one rule would become more than {LINES_MAX} lines"));
    }
    let mut lines: Vec<Vec<Test>> = vec![Vec::new()];
    for clause in clauses {
        lines = match <[Vec<Test>; 1]>::try_from(clause) {
            Ok([only]) => {
                lines.iter_mut().for_each(|line| line.extend(only.iter().cloned()));
                lines
            }
            Err(several) => {
                let longer = |line: &Vec<Test>| -> Vec<Vec<Test>> {
                    several.iter().map(|more| line.iter().chain(more).cloned().collect()).collect()
                };
                lines.iter().flat_map(longer).collect()
            }
        };
    }
    Ok(lines)
}
