// SPDX-License-Identifier: GPL-3.0-or-later
//! What messages tell of tables: those of a dump, or those that were just written.

use std::collections::BTreeMap;

use rustables::sys;

use super::chain::FoundChain;
use super::object::FoundObject;
use super::rule::GUARD;
use super::set::{FoundSet, SetName};
use super::userdata::{comment_in, read_comment};
use crate::netlink::{Attributes, Malformed, Message, Value, nf_tables_operation};

/// Everything that messages told of.
#[derive(Clone, Debug, Default)]
pub struct Found<'a> {
    /// The tables, in the order in which they came.
    pub tables: Vec<FoundTable<'a>>,
}

/// A table, as it was told of.
#[derive(Clone, Debug)]
pub struct FoundTable<'a> {
    /// `NFPROTO_*`
    pub family: u8,
    /// Its name.
    pub name: &'a str,
    /// `NFT_TABLE_F_*`
    pub flags: u32,
    /// What somebody wrote beside it; empty where nobody did.
    pub comment: &'a str,
    /// Its chains.
    pub chains: Vec<FoundChain<'a>>,
    /// Its sets and maps, anonymous ones too.
    pub sets: Vec<FoundSet<'a>>,
    /// Where the set of a name is among them.
    places: BTreeMap<SetName<'a>, usize>,
    /// Its objects.
    pub objects: Vec<FoundObject<'a>>,
    /// The names of its flow tables.
    pub flow_tables: Vec<&'a str>,
    /// Its rules, in order.
    pub rules: Vec<FoundRule<'a>>,
}

/// A rule, as it was told of.
#[derive(Clone, Copy, Debug)]
pub struct FoundRule<'a> {
    /// The chain that it is in.
    pub chain: &'a str,
    /// What is told of it.
    pub attributes: Attributes<'a>,
}

impl FoundRule<'_> {
    /// The kernel's number of it.
    pub fn handle(&self) -> Option<u64> {
        self.attributes.get(sys::NFTA_RULE_HANDLE)?.be64().ok()
    }

    /// Whether it holds a match or target of xtables, which only iptables-nft writes (`net/netfilter/nft_compat.c`).
    pub fn is_of_xtables(&self) -> bool {
        let list = self.attributes.get(sys::NFTA_RULE_EXPRESSIONS).map(Value::nested);
        let Some(Ok(list)) = list else { return false };
        list.iter().any(|expression| {
            let name = expression.value.nested().ok().and_then(|inside| inside.get(sys::NFTA_EXPR_NAME)?.text().ok());
            matches!(name, Some("match" | "target"))
        })
    }

    /// Whether rules behind it are not in force yet.
    pub fn is_guard(&self) -> bool {
        let userdata = self.attributes.get(sys::NFTA_RULE_USERDATA).map_or(&[][..], Value::bytes);
        read_comment(userdata) == Ok(GUARD)
    }
}

/// The name of the table is attribute 1 of every kind of object.
const TABLE: u16 = sys::NFTA_TABLE_NAME;

impl<'a> Found<'a> {
    /// Takes in what a message tells. Messages that tell of nothing new are passed over.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn take(&mut self, message: &Message<'a>) -> Result<(), Malformed> {
        let Some(operation) = nf_tables_operation(message.kind) else { return Ok(()) };
        let (family, attributes) = message.netfilter()?;
        match operation {
            sys::NFT_MSG_NEWTABLE => {
                let flags = attributes.get(sys::NFTA_TABLE_FLAGS).map_or(Ok(0), Value::be32)?;
                let table = self.table(family, attributes)?;
                table.flags = flags;
                table.comment = comment_in(attributes, sys::NFTA_TABLE_USERDATA);
            }
            sys::NFT_MSG_NEWCHAIN => self.table(family, attributes)?.chains.push(FoundChain::read(attributes)?),
            sys::NFT_MSG_NEWSET => {
                let set = FoundSet::read(attributes)?;
                let table = self.table(family, attributes)?;
                table.places.insert(set.name, table.sets.len());
                table.sets.push(set);
            }
            sys::NFT_MSG_NEWSETELEM => self.elements(family, attributes)?,
            sys::NFT_MSG_NEWOBJ => self.table(family, attributes)?.objects.push(FoundObject::read(attributes)?),
            sys::NFT_MSG_NEWFLOWTABLE => {
                let name = attributes.need(sys::NFTA_FLOWTABLE_NAME)?.text()?;
                self.table(family, attributes)?.flow_tables.push(name);
            }
            sys::NFT_MSG_NEWRULE => {
                let chain = attributes.need(sys::NFTA_RULE_CHAIN)?.text()?;
                self.table(family, attributes)?.rules.push(FoundRule { chain, attributes });
            }
            _ => {}
        }
        Ok(())
    }

    /// The table of a family and name.
    pub fn get(&self, family: u8, name: &str) -> Option<&FoundTable<'a>> {
        self.tables.iter().find(|table| table.family == family && table.name == name)
    }

    /// The table that a message is about.
    fn table(&mut self, family: u8, attributes: Attributes<'a>) -> Result<&mut FoundTable<'a>, Malformed> {
        let name = attributes.need(TABLE)?.text()?;
        let found = self.tables.iter().position(|table| table.family == family && table.name == name);
        let place = found.unwrap_or_else(|| {
            self.tables.push(FoundTable::new(family, name));
            self.tables.len() - 1
        });
        self.tables.get_mut(place).ok_or(Malformed::Missing(TABLE))
    }

    fn elements(&mut self, family: u8, attributes: Attributes<'a>) -> Result<(), Malformed> {
        let Some(list) = attributes.get(sys::NFTA_SET_ELEM_LIST_ELEMENTS) else { return Ok(()) };
        let name = SetName::told(
            attributes.need(sys::NFTA_SET_ELEM_LIST_SET)?.text()?,
            attributes.get(sys::NFTA_SET_ELEM_LIST_SET_ID).map(Value::be32).transpose()?,
        );
        let table = self.table(family, attributes)?;
        if let Some(set) = table.places.get(&name).and_then(|&place| table.sets.get_mut(place)) {
            set.elements.push(list.nested()?);
        }
        Ok(())
    }
}

impl<'a> FoundTable<'a> {
    fn new(family: u8, name: &'a str) -> Self {
        Self {
            family,
            name,
            flags: 0,
            comment: "",
            chains: Vec::new(),
            sets: Vec::new(),
            places: BTreeMap::new(),
            objects: Vec::new(),
            flow_tables: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// The set of a name.
    pub fn set(&self, name: SetName<'_>) -> Option<&FoundSet<'a>> {
        self.places.get(&name).and_then(|&place| self.sets.get(place))
    }

    /// The chain of a name.
    pub fn chain(&self, name: &str) -> Option<&FoundChain<'a>> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    /// Whether it is switched off: it filters nothing.
    #[must_use]
    pub const fn is_dormant(&self) -> bool {
        self.flags & sys::NFT_TABLE_F_DORMANT != 0
    }
}
