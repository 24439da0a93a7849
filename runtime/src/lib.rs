// SPDX-License-Identifier: GPL-3.0-or-later
//! The machine: Linux's packet path in user space, with connection tracking, on a virtual clock.
//!
//! No IO, no clock, no policy: it is given a [`host::Host`], a [`engine::Ruling`] and traffic.

pub mod compare;
pub mod conntrack;
pub mod defrag;
pub mod engine;
pub mod host;
pub mod nat;
pub mod observation;
pub mod packet;
pub mod traffic;
