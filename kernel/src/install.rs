// SPDX-License-Identifier: GPL-3.0-or-later
//! Puts a ruleset into the running kernel, in one transaction, and reads it back.
//!
//! A table that is there is emptied and filled again, never deleted: deleting would let packets through between the
//! old and the new chains, and would forget what sets and counters hold. No other table is touched.

mod error;
mod keep;
mod late;
mod part;
mod replace;
mod target;

pub use error::{InstallError, ReadError, RefusedPart};
pub use late::LeftOut;
pub use part::Part;

use nix::errno::Errno;
use ringwall_ir::words::TableFamily;
use ringwall_ir::{ObjectKind, OriginId, Ruleset, Unknown};

use self::error::refused_parts;
use self::keep::Counted;
use self::late::Host;
use self::replace::{Finished, Replacement};
use self::target::Target;
use crate::netlink::{Messages, NetlinkError, Refused, Socket, commit, generation};
use crate::nft::{Depth, Dumps, Found, FoundTable, Origins, dump_tables, family_number, read_table};

/// How often a transaction is tried again that another program's change overtook, or that asks for what the kernel does
/// not have.
const TRIES: u32 = 100;

/// A ruleset that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// How many rules the kernel has of it, closing ones included.
    pub rules: usize,
    /// How often it was sent: more than once where another program changed its ruleset at the same moment, or where the
    /// kernel lacks a helper or timeout of connection tracking.
    pub tries: u32,
    /// What is missing on this host, and so was left out.
    pub left_out: Vec<LeftOut>,
}

/// Puts the tables of a ruleset into the network namespace of the calling thread, in the place of what is in them.
///
/// Packets meet either all old rules or all new ones. A table that somebody switched off is filled first and switched
/// on then, in a transaction of its own: the kernel does not do both at once.
///
/// # Errors
/// [`InstallError`]; nothing has changed then, but for [`NetlinkError::Silent`], which leaves it open.
pub fn apply(ruleset: &Ruleset) -> Result<Applied, InstallError> {
    if let Some((_, unknown)) = ruleset.unknowns().next() {
        return Err(InstallError::Unknown { name: unknown.name.clone(), text: unknown.text.clone() });
    }
    let mut socket = Socket::open().map_err(NetlinkError::Socket)?;
    let mut host = Host::of(ruleset);
    for tries in 1..=TRIES {
        let generation = generation(&mut socket)?;
        let (finished, dormant) = prepare(&mut socket, ruleset, &host, generation)?;
        let Finished { transaction, about, gone, rules } = finished;
        let refused = commit(&mut socket, &transaction.finish()?)?;
        if refused.iter().any(is_stale) {
            continue;
        }
        let parts = || refused_parts(&refused, &about, &gone, ruleset);
        if refuse_absent(&mut host, ruleset, parts()) {
            continue;
        }
        if let Some(error) = InstallError::refused(&refused, parts()) {
            return Err(error);
        }
        wake(&mut socket, ruleset, &host, &dormant)?;
        return Ok(Applied { rules, tries, left_out: host.left_out(ruleset) });
    }
    Err(InstallError::Overtaken)
}

/// Makes a transaction for the ruleset as it is now. Tells which tables are switched off.
fn prepare<'a>(
    socket: &mut Socket,
    ruleset: &'a Ruleset,
    host: &'a Host,
    generation: u32,
) -> Result<(Finished, Vec<usize>), InstallError> {
    let mut replacement = Replacement::new(ruleset, host, generation);
    let mut dormant = Vec::new();
    for (place, table) in ruleset.tables.iter().enumerate() {
        let family = family_number(table.family());
        let mut dumps = dump_tables(socket, Some((family, table.name())), Depth::Declarations)?;
        dump_needed_elements(socket, &mut dumps, place, table, host)?;
        let mut counted = Counted::default();
        let found = dumps.found()?;
        let there = found.get(family, table.name());
        if there.is_some() && Counted::concerns(table) {
            let old = read_back(table.family(), table.name()).map_err(unreadable)?;
            if let Some(old) = old.filter(|old| old.chains().any(|(_, chain)| !chain.rules().is_empty())) {
                counted.take(host, place, table, &written(ruleset, place, host)?, &old);
            }
        }
        if there.is_some_and(FoundTable::is_dormant) {
            dormant.push(place);
        }
        replacement.table(place, there, &counted)?;
    }
    Ok((replacement.finish(), dormant))
}

/// Dumps the elements of sets that must be put into others, or told from those that come.
fn dump_needed_elements(
    socket: &mut Socket,
    dumps: &mut Dumps,
    place: usize,
    table: &ringwall_ir::Table,
    host: &Host,
) -> Result<(), InstallError> {
    let family = family_number(table.family());
    let needed: Vec<String> = {
        let found = dumps.found()?;
        let there = found.get(family, table.name());
        let target = Target::new(place, table, host, there);
        let sets = there.map(|there| there.sets.as_slice()).unwrap_or_default();
        sets.iter().filter(|set| target.needs_elements(set)).map(|set| set.name.text().to_owned()).collect()
    };
    for set in needed {
        dumps.elements(socket, family, table.name(), &set)?;
    }
    Ok(())
}

/// Switches tables on that somebody switched off.
fn wake(socket: &mut Socket, ruleset: &Ruleset, host: &Host, dormant: &[usize]) -> Result<(), InstallError> {
    if dormant.is_empty() {
        return Ok(());
    }
    for _ in 0..TRIES {
        let mut awakening = Replacement::new(ruleset, host, generation(socket)?);
        dormant.iter().for_each(|place| awakening.wake(*place));
        let Finished { transaction, about, gone, .. } = awakening.finish();
        let refused = commit(socket, &transaction.finish()?)?;
        if refused.iter().any(is_stale) {
            continue;
        }
        let error = InstallError::refused(&refused, refused_parts(&refused, &about, &gone, ruleset));
        return error.map_or(Ok(()), Err);
    }
    Err(InstallError::Overtaken)
}

/// The kernel's refusal of a whole transaction that was made for an older generation.
fn is_stale(refused: &Refused) -> bool {
    refused.errno == Errno::ERESTART
}

/// Notes helpers and timeouts of connection tracking that the kernel does not have. Whether there are new ones.
fn refuse_absent(host: &mut Host, ruleset: &Ruleset, parts: impl Iterator<Item = RefusedPart>) -> bool {
    let mut any = false;
    for RefusedPart { part, refused } in parts {
        let absent = matches!(refused.errno, Errno::ENOENT | Errno::EOPNOTSUPP);
        if let Part::Object { kind: kind @ (ObjectKind::CtHelper | ObjectKind::CtTimeout), name, .. } = part
            && absent
        {
            let has = |table: &ringwall_ir::Table| table.object(kind, &name).is_some();
            for (place, _) in ruleset.tables.iter().enumerate().filter(|(_, table)| has(table)) {
                any |= host.refuse(place, kind, &name);
            }
        }
    }
    any
}

/// Reads a table of the network namespace of the calling thread into a ruleset, in its [`normal`] form. None if there
/// is no such table.
///
/// # Errors
/// [`ReadError`]. What the IR has no word for is named, in its place, and the rest is still read.
pub fn read_back(family: TableFamily, name: &str) -> Result<Option<Ruleset>, ReadError> {
    let number = family_number(family);
    let dumps = dump_whole(Some((number, name)))?;
    let found = dumps.found()?;
    found.get(number, name).map(|table| read(table, family)).transpose()
}

/// Reads all tables of the network namespace of the calling thread, each in its [`normal`] form.
///
/// # Errors
/// [`ReadError`]. What the IR has no word for is named, in its place, and the rest is still read.
pub fn read_ruleset() -> Result<Ruleset, ReadError> {
    let dumps = dump_whole(None)?;
    let found = dumps.found()?;
    let mut origins = Origins::default();
    let mut ruleset = Ruleset::default();
    for table in &found.tables {
        let family = [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6]
            .into_iter()
            .find(|family| family_number(*family) == table.family);
        match family {
            Some(family) => ruleset.tables.push(read_into(table, family, &mut origins)?),
            None => {
                let name = format!("table of family {}", other_family(table.family));
                ruleset.unknowns.push((OriginId(0), Unknown { name, text: format!("`{}`", table.name) }));
            }
        }
    }
    ruleset.origins = origins.finish();
    Ok(ruleset)
}

/// Families of tables that the IR does not have (`NFPROTO_*`).
fn other_family(number: u8) -> String {
    match number {
        3 => "arp".to_owned(),
        5 => "netdev".to_owned(),
        7 => "bridge".to_owned(),
        other => other.to_string(),
    }
}

/// Dumps until nobody changes anything meanwhile.
fn dump_whole(only: Option<(u8, &str)>) -> Result<Dumps, ReadError> {
    let mut socket = Socket::open().map_err(NetlinkError::Socket)?;
    for _ in 0..TRIES {
        let before = generation(&mut socket)?;
        let dumps = dump_tables(&mut socket, only, Depth::Everything);
        if generation(&mut socket)? == before {
            return Ok(dumps?);
        }
    }
    Err(NetlinkError::Interrupted.into())
}

fn read(table: &FoundTable<'_>, family: TableFamily) -> Result<Ruleset, ReadError> {
    let mut origins = Origins::default();
    let tables = vec![read_into(table, family, &mut origins)?];
    Ok(Ruleset { origins: origins.finish(), tables, ..Ruleset::default() })
}

fn read_into(
    table: &FoundTable<'_>,
    family: TableFamily,
    origins: &mut Origins,
) -> Result<ringwall_ir::Table, ReadError> {
    read_table(table, family, origins).map_err(|illegal| ReadError::Illegal { table: table.name.to_owned(), illegal })
}

fn unreadable(error: ReadError) -> InstallError {
    match error {
        ReadError::Illegal { table, illegal } => {
            InstallError::Unsayable { part: Part::Table(table), reason: illegal.to_string() }
        }
        ReadError::Netlink(error) => error.into(),
        ReadError::NotPermitted => InstallError::NotPermitted,
    }
}

/// What [`read_back`] gives of each table that was installed from the ruleset, to be compared with what it does give.
///
/// The kernel keeps no title, no text or line of a sentence, and not why there is a set, an object or a chain policy; of
/// a sentence it keeps [`Origin::comment`]. It does not tell a guard that a test needs from the same test written out, nor
/// the order of elements, of sets, of objects or of chains; and nft compares neighbouring fields at once, in their order
/// in the header. Names of the host become their numbers.
///
/// [`Origin::comment`]: ringwall_ir::Origin::comment
///
/// # Errors
/// [`InstallError`] where the kernel could not be told of the ruleset.
pub fn normal(ruleset: &Ruleset) -> Result<Vec<Ruleset>, InstallError> {
    let host = Host::of(ruleset);
    (0..ruleset.tables.len()).map(|place| written(ruleset, place, &host)).collect()
}

/// A table as it would be read back.
fn written(ruleset: &Ruleset, place: usize, host: &Host) -> Result<Ruleset, InstallError> {
    let mut replacement = Replacement::new(ruleset, host, 0);
    replacement.table(place, None, &Counted::default())?;
    let bytes = replacement.finish().transaction.finish()?;
    let mut found = Found::default();
    for message in Messages::new(&bytes) {
        found.take(&message?)?;
    }
    let table = ruleset.tables.get(place).map_or(TableFamily::Inet, ringwall_ir::Table::family);
    match found.tables.first() {
        Some(told) => read(told, table).map_err(unreadable),
        None => Ok(Ruleset::default()),
    }
}
