// SPDX-License-Identifier: GPL-3.0-or-later
//! Puts a ruleset into the running kernel, in one transaction, and reads it back.
//!
//! A table that is there is emptied and filled again, never deleted: deleting would let packets through between the
//! old and the new chains, and would forget what sets and counters hold. No other table is touched.

mod error;
mod replace;

pub use error::{InstallError, Part, ReadError, RefusedPart};

use nix::errno::Errno;
use ringwall_ir::Ruleset;
use ringwall_ir::words::TableFamily;

use self::replace::Replacement;
use crate::netlink::{NetlinkError, Refused, Socket, commit, generation};
use crate::nft::{SetIds, Table, TableError, UnknownPart, inventory, read_table};

/// How often a transaction is tried again that another program's change overtook.
const TRIES: u32 = 100;

/// A ruleset that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// How many rules the kernel has of it, closing ones included.
    pub rules: usize,
    /// How often it was sent: more than once where another program changed its ruleset at the same moment.
    pub tries: u32,
}

/// Puts the tables of a ruleset into the network namespace of the calling thread, in the place of what is in them.
///
/// Packets meet either all old rules or all new ones. A table that somebody switched off is filled first and switched
/// on then, in a transaction of its own: the kernel does not do both at once.
///
/// # Errors
/// [`InstallError`]; nothing has changed then, but for [`NetlinkError::Silent`], which leaves it open.
pub fn apply(ruleset: &Ruleset) -> Result<Applied, InstallError> {
    let mut socket = Socket::open().map_err(NetlinkError::Socket)?;
    let mut ids = SetIds::default();
    let tables: Vec<_> = ruleset.tables.iter().map(|table| Table::write(ruleset, table, &mut ids)).collect();
    let mut dormant = Vec::new();
    let tries = transact(&mut socket, |socket| {
        let mut replacement = Replacement::new(ruleset);
        dormant.clear();
        for (table, source) in tables.iter().zip(&ruleset.tables) {
            let found = inventory(socket, table.family, &table.name)?;
            replacement.table(table, source, &found)?;
            dormant.extend(found.dormant.then_some(table));
        }
        Ok(replacement)
    })?;
    if !dormant.is_empty() {
        transact(&mut socket, |_| {
            let mut awakening = Replacement::new(ruleset);
            dormant.iter().for_each(|table| awakening.wake(table));
            Ok(awakening)
        })?;
    }
    Ok(Applied { rules: tables.iter().map(Table::rule_count).sum(), tries })
}

/// Makes a transaction for the ruleset as it is now and commits it, until no other program is faster. Returns how often
/// it took.
fn transact<'a>(
    socket: &mut Socket,
    mut make: impl FnMut(&mut Socket) -> Result<Replacement<'a>, InstallError>,
) -> Result<u32, InstallError> {
    for tries in 1..=TRIES {
        let generation = generation(socket)?;
        let (transaction, parts) = make(socket)?.finish();
        let refused = commit(socket, &transaction.encode(generation).map_err(NetlinkError::from)?)?;
        if refused.iter().any(is_stale) {
            continue;
        }
        return InstallError::refused(&refused, &parts).map_or(Ok(tries), Err);
    }
    Err(InstallError::Overtaken)
}

/// The kernel's refusal of a whole transaction that was made for an older generation.
fn is_stale(refused: &Refused) -> bool {
    refused.errno == Errno::ERESTART
}

/// Reads a table of the network namespace of the calling thread into a ruleset, in its [`normal`] form. None if there
/// is no such table.
///
/// # Errors
/// [`ReadError`]; what the IR has no word for is named, never left out.
pub fn read_back(family: TableFamily, name: &str) -> Result<Option<Ruleset>, ReadError> {
    let mut socket = Socket::open().map_err(NetlinkError::Socket)?;
    for _ in 0..TRIES {
        let before = generation(&mut socket)?;
        let table = read_table(&mut socket, family, name);
        if generation(&mut socket)? != before {
            continue;
        }
        return match table {
            Ok(None) => Ok(None),
            Ok(Some(table)) => table.read().map(Some).map_err(ReadError::Unknown),
            Err(TableError::Netlink(error)) => Err(error.into()),
            Err(TableError::Unknown(part)) => Err(ReadError::Unknown(part)),
        };
    }
    Err(NetlinkError::Interrupted.into())
}

/// What [`read_back`] gives of a table that was installed from the ruleset, to be compared with what it does give.
///
/// The kernel keeps no title, no text or line of a sentence, and not why there is a set or a chain policy; of a
/// sentence it keeps [`Origin::comment`]. It does not tell a guard that a test needs from the same test written out,
/// nor the order of names in a set, of sets or of chains; and nft compares neighbouring fields at once, in their order
/// in the header.
///
/// [`Origin::comment`]: ringwall_ir::Origin::comment
///
/// # Errors
/// [`UnknownPart`] where the ruleset holds what cannot be read back.
pub fn normal(ruleset: &Ruleset) -> Result<Vec<Ruleset>, UnknownPart> {
    let mut ids = SetIds::default();
    ruleset.tables.iter().map(|table| Table::write(ruleset, table, &mut ids).read()).collect()
}
