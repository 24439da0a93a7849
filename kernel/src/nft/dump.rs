// SPDX-License-Identifier: GPL-3.0-or-later
//! What the kernel holds of one table, read from its dumps.

use std::collections::BTreeMap;

use nix::errno::Errno;
use ringwall_ir::words::TableFamily;
use rustables::sys;

use super::chain::Chain;
use super::expression::{Expression, only};
use super::rule::Rule;
use super::set::{self, Element, Key, Set, SetName};
use super::table::{Table, UnknownPart};
use super::{Unknown, family_number, userdata};
use crate::netlink::{AttributeWriter, Attributes, Dump, Malformed, NetlinkError, Query, Socket, Value, dump};

/// What a new ruleset has to deal with: what is there, whether ours or not.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The table is switched off: it filters nothing.
    pub dormant: bool,
    /// The chains of the table; what cannot be read of one is a reason to make it anew.
    pub chains: Vec<(String, Result<Chain, Unknown>)>,
    /// The named sets of the table, without their elements.
    pub sets: Vec<(String, Result<Set, Unknown>)>,
}

/// A rule in the kernel.
struct FoundRule {
    chain: String,
    expressions: Result<Vec<Expression>, Unknown>,
    /// Empty if it has none.
    comment: Result<String, Unknown>,
}

/// Why a table cannot be read.
#[derive(Debug)]
pub enum TableError {
    /// The kernel does not give it.
    Netlink(NetlinkError),
    /// The IR has no word for a part of it.
    Unknown(UnknownPart),
}

impl From<NetlinkError> for TableError {
    fn from(error: NetlinkError) -> Self {
        Self::Netlink(error)
    }
}

/// The chains and sets of a table; none if there is no such table.
///
/// # Errors
/// [`NetlinkError`]
pub fn inventory(socket: &mut Socket, family: TableFamily, table: &str) -> Result<Inventory, NetlinkError> {
    let tables = of_table(socket, sys::NFT_MSG_GETTABLE, family, table)?;
    let chains = of_table(socket, sys::NFT_MSG_GETCHAIN, family, table)?;
    let sets = of_table(socket, sys::NFT_MSG_GETSET, family, table)?;
    let mut inventory = Inventory::default();
    for attributes in tables.each()? {
        inventory.dormant = table_flags(attributes)? & sys::NFT_TABLE_F_DORMANT != 0;
    }
    for attributes in chains.each()? {
        let name = attributes.need(sys::NFTA_CHAIN_NAME)?.text()?.to_owned();
        inventory.chains.push((name, Chain::decode(attributes)));
    }
    for attributes in sets.each()? {
        let header = SetHeader::decode(attributes)?;
        if !header.anonymous {
            inventory.sets.push((header.name.clone(), header.set(&[])));
        }
    }
    Ok(inventory)
}

/// A whole table; none if there is no such table.
///
/// # Errors
/// [`TableError`]
pub fn read_table(socket: &mut Socket, family: TableFamily, name: &str) -> Result<Option<Table>, TableError> {
    let tables = of_table(socket, sys::NFT_MSG_GETTABLE, family, name)?;
    let Some(found) = tables.each()?.into_iter().next() else { return Ok(None) };
    let part = |place: String| move |what| TableError::Unknown(UnknownPart { place, what });
    check_table(found).map_err(part(format!("table `{name}`")))?;
    refuse_strangers(socket, family, name)?;

    let mut sets = Vec::new();
    let mut anonymous = BTreeMap::new();
    for attributes in of_table(socket, sys::NFT_MSG_GETSET, family, name)?.each()? {
        let header = SetHeader::decode(attributes).map_err(NetlinkError::from)?;
        let elements = elements(socket, family, name, &header.name)?;
        let set = elements.and_then(|elements| header.set(&elements));
        if header.anonymous {
            anonymous.insert(header.name, set);
        } else {
            sets.push(set.map_err(part(format!("set `{}`", header.name)))?);
        }
    }
    let mut chains = Vec::new();
    for attributes in of_table(socket, sys::NFT_MSG_GETCHAIN, family, name)?.each()? {
        let name = attributes.need(sys::NFTA_CHAIN_NAME).and_then(Value::text).map_err(NetlinkError::from)?;
        chains.push(Chain::decode(attributes).map_err(part(format!("chain `{name}`")))?);
    }
    for attributes in of_table(socket, sys::NFT_MSG_GETRULE, family, name)?.each()? {
        let rule = FoundRule::decode(attributes).map_err(NetlinkError::from)?;
        let Some(chain) = chains.iter_mut().find(|chain| chain.name == rule.chain) else { continue };
        let place = format!("rule {} of chain `{}`", chain.rules.len() + 1, chain.name);
        chain.rules.push(rule.resolve(&anonymous).map_err(part(place))?);
    }
    Ok(Some(Table { family, name: name.to_owned(), sets, chains }))
}

fn table_flags(attributes: Attributes<'_>) -> Result<u32, Malformed> {
    attributes.get(sys::NFTA_TABLE_FLAGS).map_or(Ok(0), Value::be32)
}

/// A table of ours has no flags.
fn check_table(attributes: Attributes<'_>) -> Result<(), Unknown> {
    match table_flags(attributes)? {
        0 => Ok(()),
        flags => Err(Unknown::value("table flags", flags)),
    }
}

/// Refuses objects and flow tables, which ours never have.
fn refuse_strangers(socket: &mut Socket, family: TableFamily, table: &str) -> Result<(), TableError> {
    for (operation, kind) in [(sys::NFT_MSG_GETOBJ, "object"), (sys::NFT_MSG_GETFLOWTABLE, "flow table")] {
        let dump = of_table(socket, operation, family, table)?;
        if let Some(stranger) = dump.each()?.first() {
            // NFTA_OBJ_NAME and NFTA_FLOWTABLE_NAME are the same number.
            let name = stranger.need(sys::NFTA_OBJ_NAME).and_then(Value::text).map_err(NetlinkError::from)?;
            let place = format!("table `{table}`");
            return Err(TableError::Unknown(UnknownPart { place, what: Unknown::value(kind, name) }));
        }
    }
    Ok(())
}

/// A dump, and the table that it is to be narrowed to where the kernel does not do so.
struct TableDump<'a> {
    dump: Dump,
    family: u8,
    table: &'a str,
}

fn of_table<'a>(
    socket: &mut Socket,
    operation: u32,
    family: TableFamily,
    table: &'a str,
) -> Result<TableDump<'a>, NetlinkError> {
    let family = family_number(family);
    let attributes = AttributeWriter::new().text(TABLE, table).finish();
    match dump(socket, Query::nf_tables(operation, family, &attributes)) {
        Err(error) if error.is(Errno::ENOENT) => Ok(TableDump { dump: Dump::default(), family, table }),
        dump => Ok(TableDump { dump: dump?, family, table }),
    }
}

/// The name of the table is attribute 1 of every kind of object.
const TABLE: u16 = sys::NFTA_TABLE_NAME;

impl TableDump<'_> {
    /// The attributes of each object of the table.
    fn each(&self) -> Result<Vec<Attributes<'_>>, NetlinkError> {
        let mut objects = Vec::new();
        for message in self.dump.messages() {
            let (family, attributes) = message?.netfilter()?;
            if family == self.family && attributes.need(TABLE)?.text()? == self.table {
                objects.push(attributes);
            }
        }
        Ok(objects)
    }
}

/// What the kernel says of a set beside its elements.
struct SetHeader {
    name: String,
    anonymous: bool,
    handle: u64,
    shape: Result<(Key, bool), Unknown>,
}

impl SetHeader {
    fn decode(attributes: Attributes<'_>) -> Result<Self, Malformed> {
        let flags = attributes.get(sys::NFTA_SET_FLAGS).map_or(Ok(0), Value::be32)?;
        Ok(Self {
            name: attributes.need(sys::NFTA_SET_NAME)?.text()?.to_owned(),
            anonymous: flags & sys::NFT_SET_ANONYMOUS != 0,
            handle: attributes.need(sys::NFTA_SET_HANDLE)?.be64()?,
            shape: Self::shape(attributes, flags),
        })
    }

    /// The key, and whether elements are intervals.
    fn shape(attributes: Attributes<'_>, flags: u32) -> Result<(Key, bool), Unknown> {
        /// Newer than the headers of some build machines (Linux 6.13 and 6.16).
        const NFTA_SET_TYPE: u16 = 19;
        const NFTA_SET_COUNT: u16 = 20;
        let known = [
            sys::NFTA_SET_TABLE,
            sys::NFTA_SET_NAME,
            sys::NFTA_SET_FLAGS,
            sys::NFTA_SET_KEY_TYPE,
            sys::NFTA_SET_KEY_LEN,
            sys::NFTA_SET_DESC,
            sys::NFTA_SET_USERDATA,
            sys::NFTA_SET_HANDLE,
            NFTA_SET_TYPE,
            NFTA_SET_COUNT,
        ];
        only("set", attributes, &known)?;
        let plain = sys::NFT_SET_ANONYMOUS | sys::NFT_SET_CONSTANT | sys::NFT_SET_INTERVAL;
        if flags & !plain != 0 {
            return Err(Unknown::value("set flags", flags));
        }
        let kind = attributes.need(sys::NFTA_SET_KEY_TYPE)?.be32()?;
        let len = attributes.need(sys::NFTA_SET_KEY_LEN)?.be32()?;
        // How nft shows keys changes nothing.
        Ok((Key { kind, len, order: 0 }, flags & sys::NFT_SET_INTERVAL != 0))
    }

    fn set(&self, elements: &[Element]) -> Result<Set, Unknown> {
        let (key, interval) = self.shape.clone()?;
        let name = match self.anonymous {
            // Numbers within a transaction, here too: the kernel's own number is one.
            true => SetName::Anonymous(u32::try_from(self.handle).map_err(|_| Unknown::value("handle", self.handle))?),
            false => SetName::Named(self.name.clone()),
        };
        Ok(Set { name, key, interval, values: set::values(key, interval, elements)? })
    }
}

/// The elements of a set, or what is not known of one.
fn elements(
    socket: &mut Socket,
    family: TableFamily,
    table: &str,
    set: &str,
) -> Result<Result<Vec<Element>, Unknown>, NetlinkError> {
    let attributes = AttributeWriter::new()
        .text(sys::NFTA_SET_ELEM_LIST_TABLE, table)
        .text(sys::NFTA_SET_ELEM_LIST_SET, set)
        .finish();
    let dump = dump(socket, Query::nf_tables(sys::NFT_MSG_GETSETELEM, family_number(family), &attributes))?;
    let mut elements = Vec::new();
    for message in dump.messages() {
        let (_, attributes) = message?.netfilter()?;
        let Some(list) = attributes.get(sys::NFTA_SET_ELEM_LIST_ELEMENTS) else { continue };
        for element in list.nested()?.iter() {
            match Element::decode(element.value.nested()?) {
                Ok(element) => elements.push(element),
                Err(unknown) => return Ok(Err(unknown)),
            }
        }
    }
    Ok(Ok(elements))
}

impl FoundRule {
    fn decode(attributes: Attributes<'_>) -> Result<Self, Malformed> {
        let known = [
            sys::NFTA_RULE_TABLE,
            sys::NFTA_RULE_CHAIN,
            sys::NFTA_RULE_HANDLE,
            sys::NFTA_RULE_EXPRESSIONS,
            sys::NFTA_RULE_POSITION,
            sys::NFTA_RULE_USERDATA,
        ];
        let expressions = match attributes.get(sys::NFTA_RULE_EXPRESSIONS).map(Value::nested).transpose()? {
            None => Ok(Vec::new()),
            Some(list) => list.iter().map(|element| Expression::decode(element.value)).collect(),
        };
        let comment = match attributes.get(sys::NFTA_RULE_USERDATA) {
            None => Ok(String::new()),
            Some(bytes) => userdata::read_comment(bytes.bytes()).map(str::to_owned),
        };
        Ok(Self {
            chain: attributes.need(sys::NFTA_RULE_CHAIN)?.text()?.to_owned(),
            expressions: only("rule", attributes, &known).and(expressions),
            comment,
        })
    }

    /// The rule together with the anonymous sets that it looks up, which the kernel names like any other.
    fn resolve(self, anonymous: &BTreeMap<String, Result<Set, Unknown>>) -> Result<Rule, Unknown> {
        let mut rule = Rule { expressions: self.expressions?, sets: Vec::new(), comment: self.comment? };
        for expression in &mut rule.expressions {
            if let Expression::Lookup(lookup) = expression
                && let Some(set) = anonymous.get(lookup.set.text())
            {
                let set = set.clone()?;
                lookup.set = set.name.clone();
                rule.sets.push(set);
            }
        }
        Ok(rule)
    }
}
