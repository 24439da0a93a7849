// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets of other people, read and written again. They are not part of the project: without them the tests say so.

mod iptables;
mod material;
mod shell;
