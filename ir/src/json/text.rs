// SPDX-License-Identifier: GPL-3.0-or-later
//! What stands in the document as one text: netfilter's words, fields, spans of time, names of sets.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A thing with a text of its own.
pub(super) trait Spelled: Sized {
    /// What it is, for errors and the schema: `hook`.
    const KIND: &'static str;
    /// What a reader of the schema wants to know.
    const MEANING: &'static str;

    /// Its text.
    fn text(&self) -> String;

    /// The thing of a text; none where there is none.
    fn read(text: &str) -> Option<Self>;

    /// All texts, where they can be listed.
    fn words() -> Vec<String> {
        Vec::new()
    }
}

/// A thing as its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<T>(pub(super) T);

impl<T> From<T> for Text<T> {
    fn from(thing: T) -> Self {
        Self(thing)
    }
}

/// Reads a text, or tells why it is none of the kind.
fn spelled<T: Spelled, E: Error>(text: &str) -> Result<T, E> {
    T::read(text).ok_or_else(|| match T::words().as_slice() {
        [] => E::custom(format_args!("`{text}` is no {}", T::KIND)),
        words => E::custom(format_args!("`{text}` is no {}: it is one of `{}`", T::KIND, words.join("`, `"))),
    })
}

impl<T: Spelled> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text())
    }
}

impl<'de, T: Spelled> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        spelled(&text).map(Self)
    }
}

impl<T: Spelled> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        T::KIND.replace(' ', "-").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        match T::words() {
            words if words.is_empty() => json_schema!({ "type": "string", "description": T::MEANING }),
            words => json_schema!({ "type": "string", "enum": words, "description": T::MEANING }),
        }
    }
}

/// A text, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Either<T, L> {
    /// A text.
    Text(T),
    /// A list.
    List(Vec<L>),
}

impl<T: Spelled, L: Serialize> Serialize for Either<T, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(thing) => serializer.serialize_str(&thing.text()),
            Self::List(list) => list.serialize(serializer),
        }
    }
}

impl<'de, T: Spelled, L: Deserialize<'de>> Deserialize<'de> for Either<T, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T, L>(PhantomData<(T, L)>);

        impl<'de, T: Spelled, L: Deserialize<'de>> Visitor<'de> for Reader<T, L> {
            type Value = Either<T, L>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list, or the text of a {}", T::KIND)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                spelled(text).map(Either::Text)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Either::List)
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<T: Spelled, L: JsonSchema> JsonSchema for Either<T, L> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}-or-{}", T::KIND.replace(' ', "-"), L::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (text, list) = (generator.subschema_for::<Text<T>>(), generator.subschema_for::<Vec<L>>());
        json_schema!({ "anyOf": [list, text] })
    }
}
