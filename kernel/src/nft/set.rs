// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets and maps: named ones, and the anonymous ones of rules that compare with several values.

mod elements;
mod found;
mod intervals;
mod shape;

pub(super) use elements::{Content, ElementWriter};
pub(crate) use elements::{ListWriter, in_messages, refers};
pub(crate) use found::FoundSet;
pub(super) use intervals::GivenData;
pub(crate) use intervals::key_of;
pub(super) use shape::{DataShape, Shape, layout};

use ringwall_ir::SetSpec;
use ringwall_ir::words::TableFamily;
use rustables::sys;

use super::Unknown;
use crate::netlink::{AttributeWriter, Attributes, Value};

/// What nft names every anonymous set and map; the kernel puts a number in the place of `%d`.
const ANONYMOUS_SET: &str = "__set%d";
const ANONYMOUS_MAP: &str = "__map%d";

/// The size that the kernel gives a set without one when a rule adds to it (`nft_dynset_init`).
const UPDATED_SIZE: u32 = 0xffff;

/// How an expression names a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetName<'a> {
    /// An anonymous map of the same transaction, by number.
    AnonymousMap(u32),
    /// An anonymous set of the same transaction, by number.
    AnonymousSet(u32),
    /// A set with this name.
    Named(&'a str),
}

impl<'a> SetName<'a> {
    /// The name to send.
    #[must_use]
    pub const fn text(self) -> &'a str {
        match self {
            Self::AnonymousMap(_) => ANONYMOUS_MAP,
            Self::AnonymousSet(_) => ANONYMOUS_SET,
            Self::Named(name) => name,
        }
    }

    /// The number within the transaction, which a name like `__set%d` needs.
    #[must_use]
    pub const fn id(self) -> Option<u32> {
        match self {
            Self::AnonymousMap(id) | Self::AnonymousSet(id) => Some(id),
            Self::Named(_) => None,
        }
    }

    /// Reads a name and, where it is not sent back by the kernel but was just written, the number.
    pub(super) fn read(attributes: Attributes<'a>, name: u16, id: u16) -> Result<Self, Unknown> {
        let id = attributes.get(id).map(Value::be32).transpose()?;
        Ok(Self::told(attributes.need(name)?.text()?, id))
    }

    /// The name that a text and a number tell.
    pub(super) fn told(text: &'a str, id: Option<u32>) -> Self {
        match (text, id) {
            (ANONYMOUS_MAP, Some(id)) => Self::AnonymousMap(id),
            (ANONYMOUS_SET, Some(id)) => Self::AnonymousSet(id),
            (name, _) => Self::Named(name),
        }
    }
}

/// Numbers the sets of one transaction.
#[derive(Clone, Debug, Default)]
pub struct SetIds(u32);

impl SetIds {
    /// The next number.
    pub const fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }
}

/// An anonymous set or map that a rule looks something up in.
#[derive(Clone, Debug)]
pub struct Anonymous<'a> {
    /// Its number.
    pub name: SetName<'a>,
    /// What it is.
    shape: Shape<'a>,
    content: Content<'a>,
}

impl<'a> Anonymous<'a> {
    pub(super) const fn new(name: SetName<'a>, shape: Shape<'a>, content: Content<'a>) -> Self {
        Self { name, shape, content }
    }

    /// What rustables knows of it.
    #[must_use]
    pub fn declaration(&self, table: &str) -> rustables::Set {
        let mut set = self.shape.declaration(table, self.name.text(), None);
        set.set_id(self.name.id().unwrap_or_default());
        set
    }

    /// What rustables does not know of it.
    #[must_use]
    pub fn write_more(&self, writer: AttributeWriter) -> AttributeWriter {
        let size = self.shape.described_size(&self.content);
        self.shape.write_more(writer, Some(size))
    }

    /// Its elements.
    pub(crate) fn elements(&self) -> ElementWriter<'_> {
        ElementWriter::new(&self.shape, &self.content)
    }
}

/// A named set or map that is to be.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    set: &'a ringwall_ir::Set,
    size: Option<u32>,
    shape: Shape<'a>,
    content: Content<'a>,
}

impl<'a> Named<'a> {
    /// The set in the kernel's terms, with those of its elements that are wanted. `updated` tells whether rules add to it.
    #[must_use]
    pub fn of(
        family: TableFamily,
        set: &'a ringwall_ir::Set,
        updated: bool,
        wanted: impl Fn(&ringwall_ir::Element) -> bool,
    ) -> Self {
        let content = Content::of_set(set, wanted);
        let size = set.spec().size.or_else(|| updated.then_some(UPDATED_SIZE));
        Self { set, size, shape: Shape::of_spec(family, set.spec(), content.has_ranges_of_data()), content }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.set.name()
    }

    /// What it is in the IR.
    #[must_use]
    pub const fn spec(&self) -> &'a SetSpec {
        self.set.spec()
    }

    /// How many elements it takes, where that has an end.
    pub(crate) const fn size(&self) -> Option<u32> {
        self.size
    }

    /// What it is in the kernel.
    pub(crate) const fn shape(&self) -> &Shape<'a> {
        &self.shape
    }

    /// What rustables knows of it. `id` is a number that no other set of the transaction has.
    #[must_use]
    pub fn declaration(&self, table: &str, id: u32) -> rustables::Set {
        let mut set = self.shape.declaration(table, self.name(), self.set.comment());
        set.set_id(id);
        set
    }

    /// What rustables does not know of it.
    #[must_use]
    pub fn write_more(&self, writer: AttributeWriter) -> AttributeWriter {
        self.shape.write_more(writer, self.size)
    }

    /// Its elements.
    pub(crate) fn elements(&self) -> ElementWriter<'_> {
        ElementWriter::new(&self.shape, &self.content)
    }
}

/// The flag of a set whose elements have expressions of their own (`NFT_SET_EXPR`).
pub(super) const WITH_METERS: u32 = sys::NFT_SET_EXPR;

/// The bytes of a key, with a mark where a gap starts: both may be at one number.
fn marked(key: &[u8], gap: bool) -> Vec<u8> {
    let mut bytes = key.to_vec();
    bytes.push(u8::from(gap));
    bytes
}
