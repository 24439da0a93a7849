// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain IR: what a policy is compiled to, what is printed, installed, read back and executed.
//!
//! This crate is a leaf. It knows no policy, no text of a back end, no socket and no packet.

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
mod chain;
mod datatype;
mod early;
pub mod fields;
mod interface;
mod interval;
pub mod json;
mod legal;
mod milliseconds;
mod object;
mod print;
mod rule;
mod ruleset;
mod set;
mod spot;
mod table;
pub mod words;

pub use chain::{BaseChain, Chain};
pub use datatype::{Datatype, stem_interval};
pub use early::Early;
pub use fields::Field;
pub use interface::InterfacePattern;
pub use interval::IntervalSet;
pub use legal::{Illegal, Place};
pub use milliseconds::{Milliseconds, NoSpan};
pub use object::{Object, ObjectBody, ObjectKind};
pub use print::{Naming, Words};
pub use rule::{
    Assignment, ConnLimit, Counts, Limit, LimitUnit, Log, LogTarget, MapRef, Match, Meter, Mss, Nat, NatEnd, ObjectRef,
    OwnPorts, Per, Queue, Quota, Rule, Selector, SetOperation, SetUpdate, Source, Statement, Step, Symbol, Target,
    Tuples, Unknown, Values, Verdict, VerdictMap,
};
pub use ruleset::{Origin, OriginId, Ruleset};
pub use set::{Data, DataType, Element, Elements, Key, KeyType, Role, Set, SetFlags, SetSpec, Tuple};
pub use spot::Spot;
pub use table::{Table, TableParts};
