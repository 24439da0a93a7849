// SPDX-License-Identifier: GPL-3.0-or-later
//! Netfilter's words, once for the whole project: families, hooks, ct states, protocols, ICMP kinds, refusals.

mod ct;
mod hook;
pub mod icmp;
mod log;
mod protocol;
mod refusal;

pub use ct::{CtDirection, CtState, CtStates, CtStatus};
pub use hook::{ChainPolicy, Direction, Family, Hook, Priority, TableFamily};
pub use icmp::IcmpClass;
pub use log::LogLevel;
pub use protocol::{Protocol, TcpFlags};
pub use refusal::Refusal;
