// SPDX-License-Identifier: GPL-3.0-or-later
//! A private network namespace, for root and for ordinary users.

use std::fs;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::job::Failure;

/// Leaves the network of the system for an empty one.
///
/// # Errors
/// [`Failure::Unavailable`] where the system does not allow it.
pub(super) fn enter() -> Result<(), Failure> {
    // Root of a container may be root without the right to make a network namespace; then the ordinary user's way is left.
    if geteuid().is_root() && unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    become_root()?;
    unshare(CloneFlags::CLONE_NEWNET)
        .map_err(|error| Failure::Unavailable(format!("the system does not allow network namespaces: {error}")))
}

/// Becomes root of a user namespace. The maps must stand before the network namespace is made: its files in
/// `/proc/net` belong to whoever root is at that moment, and `nf_conntrack` is readable by its owner only.
fn become_root() -> Result<(), Failure> {
    let (user, group) = (geteuid(), getegid());
    let refused = |error: &dyn std::fmt::Display| {
        Failure::Unavailable(format!("the system does not allow user namespaces: {error}"))
    };
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| refused(&error))?;
    let maps = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {user} 1")),
        ("/proc/self/gid_map", format!("0 {group} 1")),
    ];
    for (file, text) in maps {
        fs::write(file, text).map_err(|error| refused(&error))?;
    }
    Ok(())
}
