// SPDX-License-Identifier: GPL-3.0-or-later
//! Puts a ruleset into the running kernel, and reads it back.
//!
//! A table that is there gets other rules, and is never deleted: deleting would let packets through between the old and
//! the new chains, and would forget what sets and counters hold. No other table is touched. Where the kernel can turn to
//! the new rules exactly, one transaction does all (`replace.rs`); where it cannot, several do (`way.rs`, `stage.rs`).

use std::collections::BTreeSet;

mod apply;
mod difference;
mod error;
mod keep;
mod late;
mod names;
mod part;
mod replace;
mod stage;
mod target;
mod way;

pub use apply::{Applied, apply};
pub use error::{InstallError, ReadError, RefusedPart};
pub use late::LeftOut;
pub use part::Part;

use ringwall_ir::words::TableFamily;
use ringwall_ir::{OriginId, Ruleset, Unknown};

use self::keep::Counted;
use self::late::Host;
use self::replace::Replacement;
use crate::netlink::{Messages, NetlinkError, Socket, generation};
use crate::nft::{Depth, Devices, Dumps, Found, FoundTable, Origins, dump_tables, family_number, read_table};

/// How often something is tried again that another program's change overtook.
const TRIES: u32 = 100;

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
    read_found(&dumps.found()?, Origins::default(), &Devices::default())
}

/// Reads all tables of the network namespace of the calling thread as somebody wrote them: in the order of their parts, each
/// part with its own comment, and with the names of devices that have their numbers only here.
///
/// # Errors
/// [`ReadError`]. What the IR has no word for is named, in its place, and the rest is still read.
pub(crate) fn read_somebodys(devices: &Devices) -> Result<Ruleset, ReadError> {
    let dumps = dump_whole(None)?;
    let mut ruleset = read_found(&dumps.found()?, Origins::of_somebody(), devices)?;
    "nft list".clone_into(&mut ruleset.title);
    let early: Vec<_> = ruleset.tables.iter().flat_map(ringwall_ir::Table::early).collect();
    ruleset.unknowns.extend(early.into_iter().map(ringwall_ir::Early::unknown));
    Ok(ruleset)
}

/// The messages of a transaction that makes each table of a ruleset, one after the other.
///
/// # Errors
/// [`InstallError`] where the kernel could not be told of the ruleset.
pub fn messages(ruleset: &Ruleset) -> Result<Vec<u8>, InstallError> {
    let host = Host::of(ruleset);
    let tables = (0..ruleset.tables.len()).map(|place| encoded(ruleset, place, &host));
    tables.collect::<Result<Vec<_>, _>>().map(|tables| tables.concat())
}

/// Reads all tables that netlink messages tell of, as the kernel dumps them, each in its [`normal`] form. The messages may
/// come from anywhere.
///
/// # Errors
/// [`ReadError`]. What the IR has no word for is named, in its place, and the rest is still read.
pub fn read_messages(bytes: &[u8]) -> Result<Ruleset, ReadError> {
    read_found(&told(bytes)?, Origins::default(), &Devices::default())
}

fn read_found(found: &Found<'_>, mut origins: Origins, devices: &Devices) -> Result<Ruleset, ReadError> {
    let mut ruleset = Ruleset::default();
    for table in &found.tables {
        let family = [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6]
            .into_iter()
            .find(|family| family_number(*family) == table.family);
        match family {
            Some(family) => ruleset.tables.push(read_into(table, family, &mut origins, devices)?),
            None => {
                let name = format!("table of family {}", other_family(table.family));
                let reason = "the families of tables are inet, ip and ip6".to_owned();
                ruleset.unknowns.push((OriginId(0), Unknown { name, text: format!("`{}`", table.name), reason }));
            }
        }
    }
    ruleset.origins = origins.finish();
    Ok(ruleset)
}

/// Whether the caller may change the ruleset of this network namespace.
///
/// # Errors
/// [`InstallError::NotPermitted`], or what keeps the kernel from being asked.
pub fn permitted() -> Result<(), InstallError> {
    let ask = || generation(&mut Socket::open().map_err(NetlinkError::Socket)?);
    ask().map(drop).map_err(|error: NetlinkError| unreadable(error.into()))
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
    let tables = vec![read_into(table, family, &mut origins, &Devices::default())?];
    Ok(Ruleset { origins: origins.finish(), tables, ..Ruleset::default() })
}

fn read_into(
    table: &FoundTable<'_>,
    family: TableFamily,
    origins: &mut Origins,
    devices: &Devices,
) -> Result<ringwall_ir::Table, ReadError> {
    read_table(table, family, origins, devices)
        .map_err(|illegal| ReadError::Illegal { table: table.name.to_owned(), illegal })
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
    read_encoded(ruleset, place, &encoded(ruleset, place, host)?)
}

/// The messages that make a table.
fn encoded(ruleset: &Ruleset, place: usize, host: &Host) -> Result<Vec<u8>, InstallError> {
    let mut replacement = Replacement::new(ruleset, host, &[], 0);
    if let Some(target) = replacement.target(place, None) {
        replacement.table(&target, &BTreeSet::new(), &Counted::default())?;
    }
    Ok(replacement.finish().transaction.finish()?)
}

/// What messages tell of a table that make it.
fn read_encoded(ruleset: &Ruleset, place: usize, bytes: &[u8]) -> Result<Ruleset, InstallError> {
    let found = told(bytes)?;
    let table = ruleset.tables.get(place).map_or(TableFamily::Inet, ringwall_ir::Table::family);
    match found.tables.first() {
        Some(told) => read(told, table).map_err(unreadable),
        None => Ok(Ruleset::default()),
    }
}

fn told(bytes: &[u8]) -> Result<Found<'_>, NetlinkError> {
    let mut found = Found::default();
    for message in Messages::new(bytes) {
        found.take(&message?)?;
    }
    Ok(found)
}
