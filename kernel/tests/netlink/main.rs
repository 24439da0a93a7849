// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets over netlink against nft 1.0.6 and the running kernel, each test in a network namespace of its own.

#![cfg(test)]

mod comments;
mod install;
mod leak;
mod listing;
mod others;
mod private;
mod random;
mod raw;
mod replaced;
mod rows;
mod rulesets;
mod sayable;
mod shapes;
mod shrunk;
mod stages;
mod swap;
mod text;
mod times;
mod watch;
