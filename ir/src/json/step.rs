// SPDX-License-Identifier: GPL-3.0-or-later
//! Steps of rules: tests, statements, and what the IR has no word for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count::{ConnLimit, Counts, Limit, Quota};
use super::fault::{Fault, each};
use super::is_default;
use super::statement::{Assign, Log, Mss, ObjectRef, SetUpdate};
use super::text::{Either, Text};
use super::value::{read_interval, read_set, read_tuple, set_text, tuple_text, types_of};
use super::words::SetName;
use crate::object::ObjectKind;
use crate::rule::{self, Selector, Statement, Values};
use crate::ruleset::OriginId;

/// What a packet meets in a rule: a test, something that happens on the way, or what the IR has no word for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a step of a rule")]
#[schemars(rename = "step")]
pub(super) enum Step {
    /// Keeps the packet from connection tracking.
    Notrack,
    /// Writes a mark, the ct zone or the traffic class.
    Assign(Assign),
    /// Tests several fields at once.
    Concat(Concat),
    /// Counts packets and bytes.
    Counter(Counts),
    /// Tests the number of open conversations.
    CtCount(ConnLimit),
    /// Gives the entry that is being made a helper, an object of the table.
    CtHelper(String),
    /// Gives the entry that is being made timeouts, an object of the table.
    CtTimeout(String),
    /// Tests a rate. Each such test has a bucket of its own.
    Limit(Limit),
    /// Records the packet.
    Log(Log),
    /// Tests one field.
    Match(Match),
    /// Bounds the maximum segment size that a SYN offers.
    Mss(Mss),
    /// Counts in a named counter.
    NamedCounter(ObjectRef),
    /// Tests a named limit.
    NamedLimit(ObjectRef),
    /// Tests a named quota.
    NamedQuota(ObjectRef),
    /// Tests an amount of bytes.
    Quota(Quota),
    /// Adds an element to a set, or takes one away.
    SetUpdate(SetUpdate),
    /// A part of somebody else's rule that the IR has no word for.
    Unknown(Unknown),
}

/// A test of one field. One of `in`, `not-in`, `in-names`, `not-in-names` and `any-of` says with what it is compared.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a test of a field, an object")]
#[schemars(rename = "match", extend("oneOf" = [
    { "required": ["in"] },
    { "required": ["not-in"] },
    { "required": ["in-names"] },
    { "required": ["not-in-names"] },
    { "required": ["any-of"] },
]))]
pub(super) struct Match {
    /// The field, perhaps under a mask.
    field: Text<Selector>,
    /// The field is one of these values, prefixes and ranges, as text of the field's type, or in a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#in: Option<Either<SetName, String>>,
    /// The field is none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_in: Option<Either<SetName, String>>,
    /// The field is one of these users, groups, control groups or interfaces of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_names: Option<Vec<Symbol>>,
    /// The field is none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_in_names: Option<Vec<Symbol>>,
    /// The field has at least one of these bits: `new,established`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    any_of: Option<String>,
}

/// A thing that has a number only on the host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a name of the host, an object")]
#[schemars(rename = "symbol")]
struct Symbol {
    /// Its name.
    name: String,
    /// Its number, where it is written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
}

/// A test of several fields at once. One of `in` and `not-in` says with what they are compared: tuples with a value,
/// prefix or range for each field, or the name of a set behind `@`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a test of several fields, an object")]
#[schemars(rename = "concat", extend("oneOf" = [{ "required": ["in"] }, { "required": ["not-in"] }]))]
pub(super) struct Concat {
    /// The fields, at least two.
    key: Vec<Text<Selector>>,
    /// The fields are one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#in: Option<Either<SetName, Vec<String>>>,
    /// The fields are none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_in: Option<Either<SetName, Vec<String>>>,
}

/// A thing that was read and that the IR has no word for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "an unknown thing, an object")]
#[schemars(rename = "unknown")]
pub(super) struct Unknown {
    /// Its name, for counting: `match recent`.
    pub(super) name: String,
    /// All of it, as it was found.
    pub(super) text: String,
    /// Why there is no word for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) reason: String,
}

impl Step {
    pub(super) fn of(step: &rule::Step, origin: OriginId) -> Self {
        match step {
            rule::Step::Match(test) => Self::test(test),
            rule::Step::Statement(statement) => Self::statement(statement, origin),
            rule::Step::Unknown(unknown) => Self::Unknown(unknown.into()),
        }
    }

    fn test(test: &rule::Match) -> Self {
        match test {
            rule::Match::Concat { key, values, negated } => Self::Concat(Concat::of(key, values, *negated)),
            rule::Match::ConnLimit(limit) => Self::CtCount((*limit).into()),
            rule::Match::In { selector, values, negated } => Self::Match(Match::of(*selector, values, *negated)),
            rule::Match::Limit(limit) => Self::Limit((*limit).into()),
            rule::Match::Object { kind: ObjectKind::Quota, object } => Self::NamedQuota(object.into()),
            rule::Match::Object { object, .. } => Self::NamedLimit(object.into()),
            rule::Match::Quota(quota) => Self::Quota((*quota).into()),
        }
    }

    fn statement(statement: &Statement, origin: OriginId) -> Self {
        match statement {
            Statement::Assign(assignment) => Self::Assign(Assign::of(assignment, origin)),
            Statement::Counter(counts) => Self::Counter((*counts).into()),
            Statement::CtHelper(name) => Self::CtHelper(name.clone()),
            Statement::CtTimeout(name) => Self::CtTimeout(name.clone()),
            Statement::Log(log) => Self::Log(log.into()),
            Statement::Mss(mss) => Self::Mss((*mss).into()),
            Statement::Notrack => Self::Notrack,
            Statement::Object(object) => Self::NamedCounter(object.into()),
            Statement::SetUpdate(update) => Self::SetUpdate(SetUpdate::of(update, origin)),
        }
    }

    pub(super) fn read(self, origin: OriginId) -> Result<rule::Step, Fault> {
        let limits = |kind, object: ObjectRef| rule::Match::Object { kind, object: object.into() };
        Ok(match self {
            Self::Notrack => Statement::Notrack.into(),
            Self::Assign(assign) => Statement::Assign(assign.read(origin)?).into(),
            Self::Concat(concat) => concat.read()?.into(),
            Self::Counter(counts) => Statement::Counter(counts.into()).into(),
            Self::CtCount(limit) => rule::Match::ConnLimit(limit.into()).into(),
            Self::CtHelper(name) => Statement::CtHelper(name).into(),
            Self::CtTimeout(name) => Statement::CtTimeout(name).into(),
            Self::Limit(limit) => rule::Match::Limit(limit.into()).into(),
            Self::Log(log) => Statement::Log(log.into()).into(),
            Self::Match(test) => test.read()?.into(),
            Self::Mss(mss) => Statement::Mss(mss.into()).into(),
            Self::NamedCounter(object) => Statement::Object(object.into()).into(),
            Self::NamedLimit(object) => limits(ObjectKind::Limit, object).into(),
            Self::NamedQuota(object) => limits(ObjectKind::Quota, object).into(),
            Self::Quota(quota) => rule::Match::Quota(quota.into()).into(),
            Self::SetUpdate(update) => Statement::SetUpdate(Box::new(update.read(origin)?)).into(),
            Self::Unknown(unknown) => rule::Step::Unknown(unknown.into()),
        })
    }
}

impl Match {
    /// A test of a field, without what it is compared with.
    const fn bare(selector: Selector) -> Self {
        Self { field: Text(selector), r#in: None, not_in: None, in_names: None, not_in_names: None, any_of: None }
    }

    fn of(selector: Selector, values: &Values, negated: bool) -> Self {
        let datatype = selector.field().datatype();
        let bits = rule::Match::In { selector, values: values.clone(), negated }.bits();
        if let Some((field, bits)) = bits.filter(|_| datatype.is_bits()) {
            return Self { any_of: Some(datatype.value_text(bits)), ..Self::bare(Selector::of(field)) };
        }
        let mut test = Self::bare(selector);
        let listed = match values {
            Values::Inline(set) => Either::List(set_text(datatype, set)),
            Values::Set(name) => Either::Text(SetName(name.clone())),
            Values::Symbols(symbols) => {
                let names = symbols.iter().cloned().map(|rule::Symbol { name, number }| Symbol { name, number });
                *(if negated { &mut test.not_in_names } else { &mut test.in_names }) = Some(names.collect());
                return test;
            }
        };
        *(if negated { &mut test.not_in } else { &mut test.r#in }) = Some(listed);
        test
    }

    fn read(self) -> Result<rule::Match, Fault> {
        let Text(selector) = self.field;
        let datatype = selector.field().datatype();
        let listed = |list: Either<SetName, String>| match list {
            Either::Text(SetName(name)) => Ok(Values::Set(name)),
            Either::List(texts) => read_set(datatype, &texts).map(Values::Inline),
        };
        let named = |names: Vec<Symbol>| {
            Values::Symbols(names.into_iter().map(|Symbol { name, number }| rule::Symbol { name, number }).collect())
        };
        let (values, negated) = match (self.r#in, self.not_in, self.in_names, self.not_in_names, self.any_of) {
            (Some(list), None, None, None, None) => (listed(list)?, false),
            (None, Some(list), None, None, None) => (listed(list)?, true),
            (None, None, Some(names), None, None) => (named(names), false),
            (None, None, None, Some(names), None) => (named(names), true),
            (None, None, None, None, Some(bits)) if selector.mask().is_none() => {
                let (bits, _) = read_interval(datatype, &bits)?;
                return Ok(rule::Match::any_of(selector.field(), bits));
            }
            _ => {
                return Err("a test has one of `in`, `not-in`, `in-names`, `not-in-names` and, of a field without a \
                            mask, `any-of`"
                    .into());
            }
        };
        Ok(rule::Match::In { selector, values, negated })
    }
}

impl Concat {
    fn of(key: &[Selector], values: &rule::Tuples, negated: bool) -> Self {
        let list = match values {
            rule::Tuples::Inline(tuples) => {
                let types = types_of(key);
                Either::List(tuples.iter().map(|tuple| tuple_text(&types, tuple)).collect())
            }
            rule::Tuples::Set(name) => Either::Text(SetName(name.clone())),
        };
        let (r#in, not_in) = if negated { (None, Some(list)) } else { (Some(list), None) };
        Self { key: key.iter().copied().map(Text).collect(), r#in, not_in }
    }

    fn read(self) -> Result<rule::Match, Fault> {
        let key: Vec<_> = self.key.into_iter().map(|text| text.0).collect();
        let (list, negated) = match (self.r#in, self.not_in) {
            (Some(list), None) => (list, false),
            (None, Some(list)) => (list, true),
            _ => return Err("a test has one of `in` and `not-in`".into()),
        };
        let values = match list {
            Either::Text(SetName(name)) => rule::Tuples::Set(name),
            Either::List(tuples) => {
                let types = types_of(&key);
                rule::Tuples::Inline(each("tuple", tuples, |texts| read_tuple(&types, &texts))?)
            }
        };
        Ok(rule::Match::Concat { key, values, negated })
    }
}

impl From<&rule::Unknown> for Unknown {
    fn from(rule::Unknown { name, text, reason }: &rule::Unknown) -> Self {
        Self { name: name.clone(), text: text.clone(), reason: reason.clone() }
    }
}

impl From<Unknown> for rule::Unknown {
    fn from(Unknown { name, text, reason }: Unknown) -> Self {
        Self { name, text, reason }
    }
}
