// SPDX-License-Identifier: GPL-3.0-or-later
//! A rule as what a packet meets one after the other, each of it something that lines of iptables can say.

use super::line::Test;

/// A rule as iptables can say it.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    /// What a packet meets, in order.
    pub(super) stages: Vec<Stage>,
    /// What becomes of it then.
    pub(super) end: End,
}

/// One thing that a packet meets.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Something is done, and the packet goes on.
    Act(Action),
    /// A test that counts the packets that come to it. It must be one line, or it would count apart.
    Count(Vec<Test>),
    /// None of these. A line cannot say that: a chain of their own has a line for each, from which they return.
    Except(Vec<Vec<Test>>),
    /// One of the ways, each a list of tests that must all be passed.
    Tests(Ways),
}

/// Alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ways {
    /// Each of them is a line.
    pub(super) ways: Vec<Vec<Test>>,
    /// A packet may pass several of them.
    pub(super) overlap: bool,
}

/// What a target does.
#[derive(Clone, Debug, Default)]
pub(super) struct Action {
    /// The target with its options.
    pub(super) target: String,
    /// What must be tested in the very line, for the kernel asks for it.
    pub(super) needs: Vec<Test>,
    /// It changes what tests may look at, so no line may test it again behind it.
    pub(super) writes: bool,
    /// What a packet must pass to go on in the rule: where nf_tables would leave it.
    pub(super) then: Vec<Test>,
}

/// What becomes of a packet that passed all.
#[derive(Clone, Debug, Default)]
pub(super) enum End {
    /// It goes to another chain, and does not come back.
    Goto(String),
    /// It goes to another chain, which may send it back.
    Jump(String),
    /// It goes on to the next rule.
    #[default]
    Next,
    /// It goes back.
    Return,
    /// It is decided about.
    Target(Action),
}

impl Action {
    /// A target that changes nothing of the packet.
    pub(super) fn of(target: impl Into<String>) -> Self {
        Self { target: target.into(), ..Self::default() }
    }
}

impl Ways {
    /// One way without a test.
    pub(super) fn all() -> Self {
        Self { ways: vec![Vec::new()], overlap: false }
    }

    /// Whether every packet passes.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.ways.as_slice(), [only] if only.is_empty())
    }

    /// The only way, if there is exactly one.
    pub(super) fn only(&self) -> Option<&[Test]> {
        match self.ways.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether a line makes all of the tests at its own place: iptables makes its own tests first wherever they stand.
    pub(super) fn keep_place(&self) -> bool {
        self.ways.iter().flatten().all(|test| test.module.is_some())
    }

    /// Whether the tests look at something that targets change.
    pub(super) fn look_at_marks(&self) -> bool {
        const CHANGED: [&str; 8] = ["connbytes", "connmark", "conntrack", "helper", "mark", "set", "state", "tcpmss"];
        self.ways.iter().flatten().any(|test| test.module.is_some_and(|module| CHANGED.contains(&module)))
    }
}
