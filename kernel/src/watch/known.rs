// SPDX-License-Identifier: GPL-3.0-or-later
//! What is there already: the kernel tells of tables, chains and sets that a transaction names, also where they stay as they
//! are (`nf_tables_updchain` and `nf_tables_newset` notify without looking what changed).

use std::collections::{HashMap, HashSet};

use rustables::sys;

use super::{TABLE, Thing, Told};
use crate::netlink::{Attributes, Malformed, NetlinkError, Query, Socket, Value, dump, generation};

/// Tables, chains and sets, each with the attributes that say what it is.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The generation up to which changes may be part of what was read.
    until: u32,
    things: HashMap<Key, Vec<u8>>,
    /// The families, tables and names of the sets that are a part of a rule, which have their names from the kernel.
    anonymous: HashSet<(u8, String, String)>,
}

type Key = (Thing, u8, String, String);

/// A thing as an event or a dump shows it.
#[derive(Debug)]
pub(super) struct Seen {
    key: Key,
    shape: Vec<u8>,
}

impl Seen {
    /// Nothing for kinds of which an event does not tell all that can change: rules are always new, objects hold what they
    /// counted.
    pub(super) fn of(
        thing: Thing,
        family: u8,
        name: &str,
        attributes: Attributes<'_>,
    ) -> Result<Option<Self>, Malformed> {
        let Some(telling) = telling(thing) else { return Ok(None) };
        let table = attributes.need(TABLE)?.text()?;
        let mut shape = Vec::new();
        for &kind in telling {
            let value = attributes.get(kind).map(Value::bytes).unwrap_or_default();
            // With their lengths, so that no two shapes are written alike.
            shape.extend(value.len().to_ne_bytes());
            shape.extend(value);
        }
        Ok(Some(Self { key: (thing, family, table.to_owned(), name.to_owned()), shape }))
    }
}

/// What a table, a chain or a set is: neither how much uses it, nor what it counted.
const fn telling(thing: Thing) -> Option<&'static [u16]> {
    match thing {
        Thing::Table => Some(&[sys::NFTA_TABLE_FLAGS, sys::NFTA_TABLE_USERDATA]),
        Thing::Chain => Some(&[
            sys::NFTA_CHAIN_HOOK,
            sys::NFTA_CHAIN_POLICY,
            sys::NFTA_CHAIN_TYPE,
            sys::NFTA_CHAIN_FLAGS,
            sys::NFTA_CHAIN_USERDATA,
        ]),
        Thing::Set => Some(&[
            sys::NFTA_SET_FLAGS,
            sys::NFTA_SET_KEY_TYPE,
            sys::NFTA_SET_KEY_LEN,
            sys::NFTA_SET_DATA_TYPE,
            sys::NFTA_SET_DATA_LEN,
            sys::NFTA_SET_POLICY,
            sys::NFTA_SET_DESC,
            sys::NFTA_SET_TIMEOUT,
            sys::NFTA_SET_GC_INTERVAL,
            sys::NFTA_SET_USERDATA,
            sys::NFTA_SET_EXPR,
            sys::NFTA_SET_EXPRESSIONS,
        ]),
        Thing::Rule | Thing::Element | Thing::Object | Thing::Flowtable => None,
    }
}

impl Known {
    /// Reads what is there now, of every family. While it changes too fast to be read, nothing is known.
    ///
    /// # Errors
    /// [`NetlinkError`]
    pub(super) fn read() -> Result<Self, NetlinkError> {
        match Self::dump() {
            Err(NetlinkError::Interrupted) => Ok(Self::default()),
            read => read,
        }
    }

    fn dump() -> Result<Self, NetlinkError> {
        const LISTS: [u32; 3] = [sys::NFT_MSG_GETTABLE, sys::NFT_MSG_GETCHAIN, sys::NFT_MSG_GETSET];
        const EVERY_FAMILY: u8 = 0;

        let mut socket = Socket::open()?;
        let mut known = Self::default();
        for list in LISTS {
            let found = dump(&mut socket, Query::nf_tables(list, EVERY_FAMILY, &[]))?;
            for message in found.messages() {
                let message = message?;
                let (family, attributes) = message.netfilter()?;
                let Some(told) = super::told(message.kind) else { continue };
                if told.thing == Thing::Set && known.is_anonymous(told, family, attributes)? {
                    continue;
                }
                if let Some(seen) = Seen::of(told.thing, family, told.name(attributes)?, attributes)? {
                    known.things.insert(seen.key, seen.shape);
                }
            }
        }
        known.until = generation(&mut socket)?;
        Ok(known)
    }

    /// Whether a message about a set or its elements is about one that is a part of a rule. Only the one that adds it says so.
    pub(super) fn is_anonymous(
        &mut self,
        told: Told,
        family: u8,
        attributes: Attributes<'_>,
    ) -> Result<bool, Malformed> {
        let set = (family, attributes.need(TABLE)?.text()?.to_owned(), told.name(attributes)?.to_owned());
        if told.thing != Thing::Set {
            return Ok(self.anonymous.contains(&set));
        }
        if !told.added {
            return Ok(self.anonymous.remove(&set));
        }
        let flags = attributes.get(sys::NFTA_SET_FLAGS).map_or(Ok(0), Value::be32)?;
        let anonymous = flags & sys::NFT_SET_ANONYMOUS != 0;
        if anonymous {
            self.anonymous.insert(set);
        }
        Ok(anonymous)
    }

    /// Takes in what a transaction names; whether it was there before, and is as it was.
    pub(super) fn adds_nothing(&mut self, seen: Seen, generation: u32) -> bool {
        let Seen { key, shape } = seen;
        // What was read may hold this transaction already. Generations wrap.
        let later = (1..u32::MAX / 2).contains(&generation.wrapping_sub(self.until));
        let before = self.things.insert(key, shape.clone());
        later && before.is_some_and(|before| before == shape)
    }

    /// Takes in that a thing is gone.
    pub(super) fn forget(&mut self, seen: &Seen) {
        self.things.remove(&seen.key);
    }
}
