// SPDX-License-Identifier: GPL-3.0-or-later
//! The running kernel: install a ruleset over netlink, read it back, and watch what it does in a private namespace.
//!
//! The only crate with `unsafe`, sockets, nix and rustables.

pub mod install;
pub mod namespace;
pub mod netlink;
pub mod nft;
pub mod watch;
