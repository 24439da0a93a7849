// SPDX-License-Identifier: GPL-3.0-or-later
//! Who changes rulesets: the events of nf_tables, a transaction at a time (`nf_tables_commit_audit_log` and
//! `nf_tables_gen_notify` of `net/netfilter/nf_tables_api.c`).
//!
//! The kernel sends an event for each thing that a transaction added or took away, and at its end the new generation with
//! the process that asked for it. An element that runs out is an event too, of no transaction.
//!
//! What the kernel tells and nobody did is left out: the sets without a name that are a part of a rule, and what was named
//! to be there and was there.

mod known;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustables::sys;

use self::known::{Known, Seen};
use crate::netlink::{
    Attributes, Malformed, Message, Messages, NetlinkError, Socket, Value, Wait, nf_tables_operation,
};

/// `NFNLGRP_NFTABLES` of `include/uapi/linux/netfilter/nfnetlink.h`
const GROUP: u32 = 7;
/// `NFTA_*_TABLE`, which is the same attribute in all messages, and `NFTA_TABLE_NAME`.
const TABLE: u16 = sys::NFTA_TABLE_NAME;

/// Watches the network namespace that the thread was in when it began.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
    /// What is known of the transaction whose end has not come yet.
    open: Open,
    /// Transactions that were received and not taken yet.
    ready: VecDeque<Change>,
    /// What is there.
    known: Known,
}

/// A transaction whose end has not come yet.
#[derive(Debug, Default)]
struct Open {
    deeds: Vec<(Deed, Option<Seen>)>,
}

/// The signals that ask a program to end, as something to wait for. While it lives, they end the program no more.
#[derive(Debug)]
pub struct Interrupts(SignalFd);

impl Interrupts {
    /// Takes SIGINT and SIGTERM, of the calling thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn take() -> io::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        signals.thread_block()?;
        Ok(Self(SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?))
    }
}

/// What came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A change of the ruleset.
    Change(Change),
    /// A signal.
    Interrupted,
    /// Changes came faster than they were taken, and some are lost.
    Lost,
    /// The end of the time.
    TimeOut,
}

/// A committed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The generation of the ruleset behind it.
    pub generation: u32,
    /// Who asked for it.
    pub process: Process,
    /// What it did, in the order in which each kind came first: those of one kind are counted together.
    pub deeds: Vec<Deed>,
}

/// A process, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The number of its thread in the initial namespace of processes.
    pub pid: u32,
    /// The name of the task (`comm`), of at most 15 bytes.
    pub name: String,
}

/// What a transaction did to one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Whether it added it, or changed it in its place; else it took it away.
    pub added: bool,
    /// What it is.
    pub thing: Thing,
    /// The family of the table, `NFPROTO_*`.
    pub family: u8,
    /// The table.
    pub table: String,
    /// Its name: of rules that of their chain, of elements that of their set, of the table none.
    pub name: String,
    /// How many there are of them.
    pub count: usize,
}

/// A kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A table.
    Table,
    /// A chain.
    Chain,
    /// Rules of a chain.
    Rule,
    /// A set or map.
    Set,
    /// Elements of a set or map.
    Element,
    /// A stateful object.
    Object,
    /// A flow table.
    Flowtable,
}

/// What a message tells of.
#[derive(Clone, Copy)]
struct Told {
    thing: Thing,
    /// The attribute of its name.
    name: Option<u16>,
    added: bool,
}

impl Told {
    fn name(self, attributes: Attributes<'_>) -> Result<&str, Malformed> {
        self.name.map_or(Ok(""), |name| attributes.need(name)?.text())
    }
}

/// What a message tells of, if it is about a thing.
fn told(kind: u16) -> Option<Told> {
    let (thing, name, added) = Thing::of(nf_tables_operation(kind)?)?;
    Some(Told { thing, name, added })
}

impl Thing {
    /// The thing that a message is about, and the attribute of its name; whether it is added. None for other messages.
    const fn of(operation: u32) -> Option<(Self, Option<u16>, bool)> {
        Some(match operation {
            sys::NFT_MSG_NEWTABLE => (Self::Table, None, true),
            sys::NFT_MSG_DELTABLE => (Self::Table, None, false),
            sys::NFT_MSG_NEWCHAIN => (Self::Chain, Some(sys::NFTA_CHAIN_NAME), true),
            sys::NFT_MSG_DELCHAIN => (Self::Chain, Some(sys::NFTA_CHAIN_NAME), false),
            sys::NFT_MSG_NEWRULE => (Self::Rule, Some(sys::NFTA_RULE_CHAIN), true),
            sys::NFT_MSG_DELRULE => (Self::Rule, Some(sys::NFTA_RULE_CHAIN), false),
            sys::NFT_MSG_NEWSET => (Self::Set, Some(sys::NFTA_SET_NAME), true),
            sys::NFT_MSG_DELSET => (Self::Set, Some(sys::NFTA_SET_NAME), false),
            sys::NFT_MSG_NEWSETELEM => (Self::Element, Some(sys::NFTA_SET_ELEM_LIST_SET), true),
            sys::NFT_MSG_DELSETELEM => (Self::Element, Some(sys::NFTA_SET_ELEM_LIST_SET), false),
            sys::NFT_MSG_NEWOBJ => (Self::Object, Some(sys::NFTA_OBJ_NAME), true),
            sys::NFT_MSG_DELOBJ => (Self::Object, Some(sys::NFTA_OBJ_NAME), false),
            sys::NFT_MSG_NEWFLOWTABLE => (Self::Flowtable, Some(sys::NFTA_FLOWTABLE_NAME), true),
            sys::NFT_MSG_DELFLOWTABLE => (Self::Flowtable, Some(sys::NFTA_FLOWTABLE_NAME), false),
            _ => return None,
        })
    }
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// [`NetlinkError`]; `EPERM` where the caller lacks CAP_NET_ADMIN in the network namespace.
    pub fn open() -> Result<Self, NetlinkError> {
        let socket = Socket::open()?;
        socket.join(GROUP)?;
        // Read behind that, so that no change falls in between.
        let known = Known::read()?;
        Ok(Self { socket, open: Open::default(), ready: VecDeque::new(), known })
    }

    /// The next change; none if there is none yet and waiting is not wanted.
    ///
    /// # Errors
    /// [`NetlinkError`]; `ENOBUFS` where events came faster than they were taken, and some are lost. Then the ruleset must
    /// be read anew, and watching goes on.
    pub fn next_change(&mut self, wait: Wait) -> Result<Option<Change>, NetlinkError> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Ok(Some(change));
            }
            let received = match self.socket.receive(wait) {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(None),
                Err(error) => {
                    if error.raw_os_error() == Some(Errno::ENOBUFS as i32) {
                        self.open = Open::default();
                        self.known = Known::read()?;
                    }
                    return Err(error.into());
                }
            };
            for message in Messages::new(received) {
                self.ready.extend(self.open.take(&message?, &mut self.known)?);
            }
        }
    }
}

impl Watch {
    /// The next change, unless a signal comes or the time is over before; without an end, there is time for ever.
    ///
    /// # Errors
    /// As [`Self::next_change`], but for `ENOBUFS`.
    pub fn next_event(&mut self, interrupts: &Interrupts, end: Option<Instant>) -> Result<Event, NetlinkError> {
        let mut interrupted = false;
        loop {
            match self.next_change(Wait::No) {
                Ok(Some(change)) => return Ok(Event::Change(change)),
                Ok(None) => {}
                Err(NetlinkError::Socket(error)) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {
                    return Ok(Event::Lost);
                }
                Err(error) => return Err(error),
            }
            // What was done before the signal is told before it.
            if interrupted {
                return Ok(Event::Interrupted);
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Event::TimeOut);
            }
            interrupted = self.wait(interrupts, left)?;
        }
    }

    /// Waits until there is something to look at. Whether that is a signal.
    fn wait(&self, interrupts: &Interrupts, left: Option<Duration>) -> io::Result<bool> {
        // Rounded up: a poll of nothing would only turn round.
        let milliseconds = left.map(|left| left.saturating_add(Duration::from_micros(999)));
        let timeout =
            milliseconds.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        let mut fds =
            [PollFd::new(self.as_fd(), PollFlags::POLLIN), PollFd::new(interrupts.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
        let [_, signal] = fds;
        Ok(signal.any().unwrap_or_default())
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Open {
    /// Takes in one event; with the end of the transaction, what it did, if it did anything.
    fn take(&mut self, message: &Message<'_>, known: &mut Known) -> Result<Option<Change>, Malformed> {
        if nf_tables_operation(message.kind) == Some(sys::NFT_MSG_NEWGEN) {
            return std::mem::take(self).end(message.netfilter()?.1, known);
        }
        let Some(told) = told(message.kind) else { return Ok(None) };
        let (family, attributes) = message.netfilter()?;
        let Told { thing, added, .. } = told;
        let (table, name) = (attributes.need(TABLE)?.text()?, told.name(attributes)?);
        if matches!(thing, Thing::Set | Thing::Element) && known.is_anonymous(told, family, attributes)? {
            return Ok(None);
        }
        let count = if thing == Thing::Element { elements(attributes)? } else { 1 };
        if count == 0 {
            return Ok(None);
        }
        let seen = Seen::of(thing, family, name, attributes)?;
        let same = |(deed, _): &&mut (Deed, Option<Seen>)| {
            (deed.added, deed.thing, deed.family) == (added, thing, family)
                && (deed.table.as_str(), deed.name.as_str()) == (table, name)
        };
        // What comes twice is most often near its like.
        match self.deeds.iter_mut().rev().find(same) {
            Some((deed, before)) => {
                deed.count += count;
                *before = seen;
            }
            None => {
                let deed = Deed { added, thing, family, table: table.to_owned(), name: name.to_owned(), count };
                self.deeds.push((deed, seen));
            }
        }
        Ok(None)
    }

    /// The transaction as a whole; none where all that it names was there.
    fn end(self, attributes: Attributes<'_>, known: &mut Known) -> Result<Option<Change>, Malformed> {
        let generation = attributes.need(sys::NFTA_GEN_ID)?.be32()?;
        let named = self.deeds.len();
        let mut deeds = Vec::new();
        for (mut deed, seen) in self.deeds {
            let nothing = match seen {
                Some(seen) if deed.added => known.adds_nothing(seen, generation),
                Some(seen) => {
                    known.forget(&seen);
                    false
                }
                None => false,
            };
            if !matches!(deed.thing, Thing::Rule | Thing::Element) {
                // The same thing, however often it is named.
                deed.count = 1;
            }
            if !nothing {
                deeds.push(deed);
            }
        }
        if deeds.is_empty() && named > 0 {
            return Ok(None);
        }
        let process = Process {
            pid: attributes.get(sys::NFTA_GEN_PROC_PID).map_or(Ok(0), Value::be32)?,
            name: attributes.get(sys::NFTA_GEN_PROC_NAME).map_or(Ok(""), Value::text)?.to_owned(),
        };
        Ok(Some(Change { generation, process, deeds }))
    }
}

/// How many elements an event is about. The end of an interval, which the kernel keeps as an element of its own, is none.
fn elements(attributes: Attributes<'_>) -> Result<usize, Malformed> {
    let list = attributes.get(sys::NFTA_SET_ELEM_LIST_ELEMENTS).map(Value::nested).transpose()?;
    let mut count = 0;
    for element in list.into_iter().flat_map(Attributes::iter) {
        let flags = element.value.nested()?.get(sys::NFTA_SET_ELEM_FLAGS).map_or(Ok(0), Value::be32)?;
        count += usize::from(flags & sys::NFT_SET_ELEM_INTERVAL_END == 0);
    }
    Ok(count)
}
