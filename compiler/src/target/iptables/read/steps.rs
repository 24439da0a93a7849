// SPDX-License-Identifier: GPL-3.0-or-later
//! The steps of a rule, put into their normal form.

use ringwall_ir::fields::{Base, Load, Needs};
use ringwall_ir::words::{Family, Protocol};
use ringwall_ir::{Counts, Field, IntervalSet, Match, Selector, Statement, Step, Unknown, Values, Verdict};

use super::rule::Draft;
use crate::target::iptables::selection::{Selection, select};

/// What a match says.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// A test, or an unknown.
    Step(Step),
    /// One of several tests is enough. The IR has no rule for that, but it has several rules.
    Either(Either),
    /// There is a header with this field, whatever its value.
    Header(Field),
}

/// Alternatives.
#[derive(Clone, Debug)]
pub(super) struct Either {
    /// Each of them.
    pub(super) ways: Vec<Vec<Match>>,
    /// The same, so that no packet passes two of them.
    pub(super) disjoint: Vec<Vec<Match>>,
    /// What stands for them where they cannot be several rules.
    pub(super) unknown: Unknown,
}

impl From<Match> for Piece {
    fn from(test: Match) -> Self {
        Self::Step(test.into())
    }
}

/// The rules that come of the tests of iptables itself, those of its matches, and what the target does.
pub(super) fn drafts(
    family: Family,
    (own, pieces): (&[Step], &[Piece]),
    statements: &[Step],
    verdict: Option<&Verdict>,
) -> Vec<Draft> {
    let mut ways: Vec<Vec<Step>> = vec![own.to_vec()];
    let pieces = with_headers(own, pieces, family);
    let splits = pieces.iter().filter(|piece| matches!(piece, Piece::Either(_))).count();
    let counts = |step: &Step| !is_pure(step);
    let any_counts =
        own.iter().any(counts) || pieces.iter().any(|piece| matches!(piece, Piece::Step(step) if counts(step)));
    for piece in &pieces {
        match piece {
            Piece::Header(_) => {}
            Piece::Step(step) => ways.iter_mut().for_each(|way| way.push(step.clone())),
            // Each rule would count for itself, and several splits would be many rules.
            Piece::Either(either) if splits > 1 || any_counts => {
                ways.iter_mut().for_each(|way| way.push(Step::Unknown(either.unknown.clone())));
            }
            Piece::Either(either) => {
                let alternatives = if verdict.is_some_and(is_terminal) { &either.ways } else { &either.disjoint };
                let longer = |tests: &Vec<Match>| {
                    let tests = tests.iter().cloned().map(Step::from);
                    ways.iter().flatten().cloned().chain(tests).collect()
                };
                ways = alternatives.iter().map(longer).collect();
            }
        }
    }
    let finished = |steps: Vec<Step>| {
        let mut steps: Vec<Step> = normal(steps).into_iter().chain(statements.iter().cloned()).collect();
        // A rule that only tests is there to be counted.
        if verdict.is_none() && steps.iter().all(is_of_fields) {
            steps.push(Statement::Counter(Counts::default()).into());
        }
        Draft { steps, verdict: verdict.cloned() }
    };
    ways.into_iter().map(finished).collect()
}

/// The pieces with tests for those that only ask for a header. Another test of the header asks for it too, unless a thing
/// that counts comes first.
fn with_headers(own: &[Step], pieces: &[Piece], family: Family) -> Vec<Piece> {
    let mut asked = own.contains(&Step::from(first_fragment()));
    let mut all = Vec::with_capacity(pieces.len());
    for (place, piece) in pieces.iter().enumerate() {
        let Piece::Header(field) = piece else {
            asked |= reads_header(piece);
            all.push(piece.clone());
            continue;
        };
        let counts = |piece: &&Piece| matches!(piece, Piece::Step(step) if !is_pure(step));
        let mut behind = pieces.get(place..).unwrap_or_default().iter().take_while(|piece| !counts(piece));
        if !asked && !behind.any(reads_header) {
            all.push(header(*field, family));
        }
        asked = true;
    }
    all
}

/// Whether no packet without a transport header passes it.
fn reads_header(piece: &Piece) -> bool {
    let reads = |test: &Match| {
        let mut fields = test.selectors().iter().map(|selector| selector.field().row().needs);
        fields.any(|needs| matches!(needs, Needs::Protocol(_) | Needs::Transport))
    };
    match piece {
        Piece::Step(step) => step.test().is_some_and(reads),
        Piece::Either(either) => either.ways.iter().all(|way| way.iter().any(reads)),
        Piece::Header(_) => false,
    }
}

/// A later fragment has no header. Of IPv6, no one test says so, but the header's field has its one half or the other.
fn header(field: Field, family: Family) -> Piece {
    if family == Family::Ipv4 {
        return first_fragment().into();
    }
    let middle = field.max() / 2;
    let half = |first, last| vec![Match::within(field, Values::Inline(IntervalSet::range(first, last)))];
    let ways = vec![half(0, middle), half(middle + 1, field.max())];
    Piece::Either(Either {
        disjoint: ways.clone(),
        ways,
        unknown: Unknown {
            name: "match header".to_owned(),
            text: field.to_string(),
            reason: "that a packet has the header is several rules, which would count apart or be too many: leave the \
                     match out, or test a port"
                .to_owned(),
        },
    })
}

/// The packet is no fragment, or the first.
fn first_fragment() -> Match {
    Match::masked(Field::IpFragOff, 0x1fff, 0)
}

/// Whether no packet goes on behind the verdict.
const fn is_terminal(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Continue | Verdict::Jump(_) | Verdict::Map(_))
}

/// Whether it is a test that says the same however often it is made.
fn is_pure(step: &Step) -> bool {
    let draws = |test: &Match| matches!(test.field(), Some(Field::Numgen(_)));
    is_of_fields(step) && !step.test().is_some_and(draws)
}

/// Whether it is a test that has no effect of its own.
fn is_of_fields(step: &Step) -> bool {
    step.test().is_some_and(|test| test.field().is_some() || matches!(test, Match::Concat { .. }))
}

/// The tests in their normal form.
fn normal(steps: Vec<Step>) -> Vec<Step> {
    let mut all = Vec::with_capacity(steps.len());
    let mut segment = Vec::new();
    for step in steps {
        if is_pure(&step) {
            segment.push(step);
        } else {
            all.extend(in_order(std::mem::take(&mut segment)));
            all.push(step);
        }
    }
    all.extend(in_order(segment));
    all
}

/// Tests between which nothing counts: their order says nothing, and iptables-save does not keep it.
fn in_order(steps: Vec<Step>) -> Vec<Step> {
    let mut steps = merged(steps);
    steps.sort_by(|one, other| place(one).cmp(&place(other)));
    leave_out_protocol(&mut steps);
    steps
}

/// Where a test stands among others: first what iptables tests itself, in its order; then the protocol's header from its
/// beginning; then the rest.
fn place(step: &Step) -> (u8, u16, &[Selector]) {
    let selectors = step.test().map_or(&[][..], Match::selectors);
    let [selector] = selectors else { return (6, 0, selectors) };
    let row = selector.field().row();
    match (row.field, row.load) {
        (Field::IpSaddr | Field::Ip6Saddr, _) => (0, 0, selectors),
        (Field::IpDaddr | Field::Ip6Daddr, _) => (1, 0, selectors),
        (Field::Iifname, _) => (2, 0, selectors),
        (Field::Oifname, _) => (3, 0, selectors),
        (Field::L4proto, _) => (4, 0, selectors),
        (_, Load::Payload(Base::Transport, offset)) => (5, offset, selectors),
        _ => (6, 0, selectors),
    }
}

/// `-p tcp` says nothing beside `--dport 22`.
fn leave_out_protocol(steps: &mut Vec<Step>) {
    let needed: Vec<Protocol> = steps
        .iter()
        .filter_map(Step::test)
        .flat_map(Match::selectors)
        .filter_map(|selector| match selector.field().row().needs {
            Needs::Protocol(protocol) => Some(protocol),
            _ => None,
        })
        .collect();
    steps.retain(|step| match step {
        Step::Match(Match::In { selector, values: Values::Inline(set), negated: false })
            if *selector == Selector::of(Field::L4proto) =>
        {
            !needed.iter().any(|protocol| set.single() == Some(u128::from(protocol.0)))
        }
        _ => true,
    });
}

/// The tests with those of one field made one, at the place of the first.
fn merged(steps: Vec<Step>) -> Vec<Step> {
    let mut fields: Vec<Field> = steps.iter().filter_map(mergeable).map(|(field, _, _)| field).collect();
    fields.sort_unstable();
    let many: Vec<Field> = fields
        .windows(2)
        .filter_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        })
        .collect();
    if many.is_empty() {
        return steps;
    }
    let mut all: Vec<Step> = Vec::with_capacity(steps.len());
    let mut done: Vec<Field> = Vec::new();
    for step in &steps {
        let Some((field, _, _)) = mergeable(step).filter(|(field, _, _)| many.contains(field)) else {
            all.push(step.clone());
            continue;
        };
        if done.contains(&field) {
            continue;
        }
        let tests: Vec<_> = steps.iter().filter_map(mergeable).filter(|(other, _, _)| *other == field).collect();
        let sets: Vec<_> = tests.iter().map(|&(_, set, negated)| (set, negated)).collect();
        match select(field.row().bits, &sets) {
            Some(Selection::Any) => done.push(field),
            Some(Selection::In(set)) => {
                done.push(field);
                all.push(Match::within(field, Values::Inline(set)).into());
            }
            Some(Selection::NotIn(set)) => {
                done.push(field);
                all.push(Match::outside(field, Values::Inline(set)).into());
            }
            // Nothing passes. The IR has no test for that, but two that contradict each other.
            None => all.push(step.clone()),
        }
    }
    all
}

/// A test of a whole field whose values are in order.
fn mergeable(step: &Step) -> Option<(Field, &IntervalSet, bool)> {
    match step {
        Step::Match(Match::In { selector, values: Values::Inline(set), negated })
            if selector.mask().is_none()
                && selector.field().datatype().has_order()
                && !selector.field().datatype().is_text() =>
        {
            Some((selector.field(), set, *negated))
        }
        _ => None,
    }
}
