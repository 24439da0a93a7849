// SPDX-License-Identifier: GPL-3.0-or-later
//! What the kernel holds, dumped.

use nix::errno::Errno;
use rustables::sys;

use super::found::Found;
use crate::netlink::{AttributeWriter, Dump, Malformed, NetlinkError, Query, Socket, dump};

/// What to dump of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Tables, chains, sets and objects.
    Declarations,
    /// Rules too, and the elements of all sets.
    Everything,
}

/// What the kernel told.
#[derive(Clone, Debug, Default)]
pub struct Dumps(Vec<Dump>);

/// Dumps one table of a family (`NFPROTO_*`), or all of all families. What is not there is not told.
///
/// # Errors
/// [`NetlinkError`]
pub fn dump_tables(socket: &mut Socket, only: Option<(u8, &str)>, depth: Depth) -> Result<Dumps, NetlinkError> {
    let mut dumps = Dumps::default();
    for operation in [
        sys::NFT_MSG_GETTABLE,
        sys::NFT_MSG_GETCHAIN,
        sys::NFT_MSG_GETSET,
        sys::NFT_MSG_GETOBJ,
        sys::NFT_MSG_GETFLOWTABLE,
    ] {
        dumps.take(socket, operation, only)?;
    }
    if depth == Depth::Everything {
        dumps.fill(socket, only)?;
    }
    Ok(dumps)
}

/// Dumps the rules of a table.
///
/// # Errors
/// [`NetlinkError`]
pub fn dump_rules(socket: &mut Socket, family: u8, table: &str) -> Result<Dumps, NetlinkError> {
    let mut dumps = Dumps::default();
    dumps.take(socket, sys::NFT_MSG_GETRULE, Some((family, table)))?;
    Ok(dumps)
}

impl Dumps {
    /// What was told, table by table.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn found(&self) -> Result<Found<'_>, Malformed> {
        let mut found = Found::default();
        for message in self.0.iter().flat_map(Dump::messages) {
            found.take(&message?)?;
        }
        Ok(found)
    }

    /// Dumps what is in tables that only the declarations are known of: rules, and the elements of all sets. `only` is what it
    /// was for the declarations. The caller must see that nobody changed anything in between, by the generation.
    ///
    /// # Errors
    /// [`NetlinkError`]
    pub fn fill(&mut self, socket: &mut Socket, only: Option<(u8, &str)>) -> Result<(), NetlinkError> {
        let sets: Vec<_> = {
            let found = self.found()?;
            let wanted = |family, name| only.is_none_or(|only| only == (family, name));
            let tables = found.tables.iter().filter(|table| wanted(table.family, table.name));
            let names =
                tables.flat_map(|table| table.sets.iter().map(|set| (table.family, table.name, set.name.text())));
            names.map(|(family, table, set)| (family, table.to_owned(), set.to_owned())).collect()
        };
        for (family, table, set) in sets {
            self.elements(socket, family, &table, &set)?;
        }
        self.take(socket, sys::NFT_MSG_GETRULE, only)
    }

    fn take(&mut self, socket: &mut Socket, operation: u32, only: Option<(u8, &str)>) -> Result<(), NetlinkError> {
        let (family, attributes) = match only {
            // The name of the table is attribute 1 of every kind of object.
            Some((family, table)) => (family, AttributeWriter::new().text(sys::NFTA_TABLE_NAME, table).finish()),
            None => (0, Vec::new()),
        };
        self.push(dump(socket, Query::nf_tables(operation, family, &attributes)))
    }

    /// Dumps the elements of a set.
    ///
    /// # Errors
    /// [`NetlinkError`]
    pub fn elements(&mut self, socket: &mut Socket, family: u8, table: &str, set: &str) -> Result<(), NetlinkError> {
        let attributes = AttributeWriter::new()
            .text(sys::NFTA_SET_ELEM_LIST_TABLE, table)
            .text(sys::NFTA_SET_ELEM_LIST_SET, set)
            .finish();
        self.push(dump(socket, Query::nf_tables(sys::NFT_MSG_GETSETELEM, family, &attributes)))
    }

    /// What is not there is told by an error, or by an empty dump.
    fn push(&mut self, dumped: Result<Dump, NetlinkError>) -> Result<(), NetlinkError> {
        match dumped {
            Ok(dump) => self.0.push(dump),
            Err(error) if error.is(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
