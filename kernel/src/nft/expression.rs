// SPDX-License-Identifier: GPL-3.0-or-later
//! The expressions of a rule, each in its own file.

use ringwall_ir::{Limit, Log};
use rustables::expr::RawExpression;
use rustables::sys;

use super::bitwise::Bitwise;
use super::cmp::Cmp;
use super::ct::CtState;
use super::immediate::Immediate;
use super::lookup::Lookup;
use super::meta::Meta;
use super::payload::Payload;
use super::range::NotInRange;
use super::reject::Reject;
use super::{Unknown, limit, log};
use crate::netlink::{AttributeWriter, Attributes, Value};

/// One expression. All of them work on register 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Masks the register.
    Bitwise(Bitwise),
    /// Compares the register.
    Cmp(Cmp),
    /// Loads the ct state.
    CtState,
    /// Ends the rule with a verdict.
    Immediate(Immediate),
    /// Matches within a rate.
    Limit(Limit),
    /// Records the packet.
    Log(Log),
    /// Looks the register up in a set.
    Lookup(Lookup),
    /// Loads what the kernel knows about the packet.
    Meta(Meta),
    /// Matches what is outside of a range.
    NotInRange(NotInRange),
    /// Loads bytes of the packet.
    Payload(Payload),
    /// Ends the rule with an answer.
    Reject(Reject),
}

/// An expression as rustables takes it.
#[derive(Clone, Debug)]
pub enum Encoded {
    /// By a name only; the attributes are spliced in.
    Spliced(&'static str, Vec<u8>),
    /// Whole.
    Typed(RawExpression),
}

impl Encoded {
    pub(super) fn typed(expression: impl Into<RawExpression>) -> Self {
        Self::Typed(expression.into())
    }

    pub(super) fn spliced(name: &'static str, attributes: AttributeWriter) -> Self {
        Self::Spliced(name, attributes.finish())
    }
}

impl Expression {
    /// The expression for a transaction.
    #[must_use]
    pub fn encode(&self) -> Encoded {
        match self {
            Self::Bitwise(bitwise) => bitwise.encode(),
            Self::Cmp(cmp) => cmp.encode(),
            Self::CtState => CtState::encode(),
            Self::Immediate(immediate) => immediate.encode(),
            Self::Limit(limit) => limit::encode(limit),
            Self::Log(log) => log::encode(log),
            Self::Lookup(lookup) => lookup.encode(),
            Self::Meta(meta) => meta.encode(),
            Self::NotInRange(range) => range.encode(),
            Self::Payload(payload) => payload.encode(),
            Self::Reject(reject) => reject.encode(),
        }
    }

    /// Reads one element of a dumped rule's list.
    ///
    /// # Errors
    /// [`Unknown`], with the name of what is not known.
    pub fn decode(element: Value<'_>) -> Result<Self, Unknown> {
        let element = element.nested()?;
        let name = element.need(sys::NFTA_EXPR_NAME)?.text()?;
        let data = element.get(sys::NFTA_EXPR_DATA).map(Value::nested).transpose()?;
        let data = match data {
            Some(data) => data,
            None => Attributes::parse(&[])?,
        };
        match name {
            "bitwise" => Bitwise::decode(data).map(Self::Bitwise),
            "cmp" => Cmp::decode(data).map(Self::Cmp),
            "ct" => CtState::decode(data).map(|CtState| Self::CtState),
            "immediate" => Immediate::decode(data).map(Self::Immediate),
            "limit" => limit::decode(data).map(Self::Limit),
            "log" => log::decode(data).map(Self::Log),
            "lookup" => Lookup::decode(data).map(Self::Lookup),
            "meta" => Meta::decode(data).map(Self::Meta),
            "payload" => Payload::decode(data).map(Self::Payload),
            "range" => NotInRange::decode(data).map(Self::NotInRange),
            "reject" => Reject::decode(data).map(Self::Reject),
            _ => Err(Unknown::Expression(name.to_owned())),
        }
    }
}

/// Refuses attributes that `holder` never has of ours.
pub(super) fn only(holder: &'static str, attributes: Attributes<'_>, known: &[u16]) -> Result<(), Unknown> {
    match attributes.iter().find(|attribute| !known.contains(&attribute.kind)) {
        None => Ok(()),
        Some(attribute) => Err(Unknown::Attribute { holder, attribute: attribute.kind }),
    }
}

/// Refuses every register but the first.
pub(super) fn register(attributes: Attributes<'_>, kind: u16) -> Result<(), Unknown> {
    match attributes.need(kind)?.be32()? {
        sys::NFT_REG_1 => Ok(()),
        other => Err(Unknown::value("register", other)),
    }
}

/// The bytes of a `NFTA_DATA_VALUE`.
pub(super) fn data(attributes: Attributes<'_>, kind: u16) -> Result<Vec<u8>, Unknown> {
    let data = attributes.need(kind)?.nested()?;
    only("data", data, &[sys::NFTA_DATA_VALUE])?;
    Ok(data.need(sys::NFTA_DATA_VALUE)?.bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use ringwall_ir::words::{LogLevel, Refusal, TableFamily};
    use ringwall_ir::{IntervalSet, LogTarget, Per, SetKind};
    use rustables::MsgType;

    use super::*;
    use crate::netlink::{Messages, Splice, Transaction};
    use crate::nft::cmp::Operator;
    use crate::nft::payload::Base;
    use crate::nft::rule;
    use crate::nft::set::{Set, SetName};

    fn expression() -> impl Strategy<Value = Expression> {
        let bytes = || vec(any::<u8>(), 1..=16);
        let operators = [Operator::Equal, Operator::GreaterOrEqual, Operator::LessOrEqual, Operator::NotEqual];
        let metas = [Meta::Iifname, Meta::L4proto, Meta::Nfproto, Meta::Oifname];
        let number = || any::<NonZeroU32>();
        let per = select(vec![Per::Second, Per::Minute, Per::Hour, Per::Day]);
        let target = prop_oneof![
            any::<u16>().prop_map(LogTarget::Group),
            select(LogLevel::ALL.to_vec()).prop_map(LogTarget::Kernel),
        ];
        let prefix = proptest::option::of("[ -~]{1,127}");
        let refusal =
            (select(vec![TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6]), select(Refusal::ALL.to_vec()));
        let base = select(vec![Base::Network, Base::Transport]);
        prop_oneof![
            bytes().prop_map(|mask| Expression::Bitwise(Bitwise { mask })),
            (select(operators.to_vec()), bytes()).prop_map(|(operator, data)| Expression::Cmp(Cmp { operator, data })),
            Just(Expression::CtState),
            select(vec![Immediate::Accept, Immediate::Drop]).prop_map(Expression::Immediate),
            (number(), per, number()).prop_map(|(amount, per, burst)| Expression::Limit(Limit { amount, per, burst })),
            (prefix, target).prop_map(|(prefix, target)| Expression::Log(Log { prefix, target })),
            ("[a-z]{1,30}", any::<bool>())
                .prop_map(|(name, inverted)| Expression::Lookup(Lookup { set: SetName::Named(name), inverted })),
            select(metas.to_vec()).prop_map(Expression::Meta),
            (bytes(), bytes()).prop_map(|(first, last)| Expression::NotInRange(NotInRange { first, last })),
            (base, any::<u32>(), any::<u32>()).prop_map(|(base, offset, len)| Expression::Payload(Payload {
                base,
                offset,
                len
            })),
            refusal.prop_map(|(table, refusal)| Expression::Reject(Reject::of(table, refusal))),
        ]
    }

    /// The expressions of a rule as a transaction has them.
    fn sent(expressions: &[Expression]) -> Vec<u8> {
        let mut rule = rustables::Rule::default().with_table("t").with_chain("c");
        let mut splice = Splice::default();
        for (place, expression) in expressions.iter().enumerate() {
            match expression.encode() {
                Encoded::Typed(typed) => rule.add_expr(typed),
                Encoded::Spliced(name, data) => {
                    rule.add_expr(RawExpression::default().with_name(name));
                    splice.expressions.insert(place, data);
                }
            }
        }
        let mut transaction = Transaction::new();
        transaction.rule(1, MsgType::Add, &rule, splice);
        let bytes = transaction.encode(7).unwrap();
        let messages: Vec<_> = Messages::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(messages.len(), 3);
        let (family, attributes) = messages[1].netfilter().unwrap();
        assert_eq!(family, 1);
        attributes.need(sys::NFTA_RULE_EXPRESSIONS).unwrap().bytes().to_vec()
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read(expressions in vec(expression(), 1..12)) {
            let bytes = sent(&expressions);
            let list = Attributes::parse(&bytes).unwrap();
            let read: Result<Vec<_>, _> = list.iter().map(|element| Expression::decode(element.value)).collect();
            prop_assert_eq!(read.unwrap(), expressions);
        }

        #[test]
        fn rules_of_any_expressions_never_panic(expressions in vec(expression(), 0..12)) {
            let set = Set::named("a", SetKind::Ipv4, IntervalSet::EMPTY);
            let find = |_: &SetName| Some(&set);
            let _ = rule::read(TableFamily::Inet, &expressions, &find);
        }

        #[test]
        fn a_changed_byte_never_panics(
            expressions in vec(expression(), 1..6),
            place in any::<usize>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = sent(&expressions);
            let place = place % bytes.len();
            bytes[place] = byte;
            if let Ok(list) = Attributes::parse(&bytes) {
                for element in list.iter() {
                    let _ = Expression::decode(element.value);
                }
            }
        }
    }
}
