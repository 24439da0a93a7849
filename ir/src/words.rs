// SPDX-License-Identifier: GPL-3.0-or-later
//! Netfilter's words, once for the whole project: families, hooks, ct states, protocols, ICMP kinds, refusals.

mod chain_type;
mod ct;
mod hook;
pub mod icmp;
mod log;
mod nat;
mod protocol;
mod refusal;

pub use chain_type::ChainType;
pub use ct::{CtDirection, CtState, CtStates, CtStatus};
pub use hook::{ChainPolicy, Direction, Family, Hook, Priority, TableFamily};
pub use icmp::IcmpClass;
pub use log::{LogFlags, LogLevel};
pub use nat::NatFlags;
pub use protocol::{Protocol, TcpFlags};
pub use refusal::Refusal;
