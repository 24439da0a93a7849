// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the kernel takes a match or target, and what it asks of the rule around it (`struct xt_match`, `struct xt_target`
//! and their `checkentry`).

use ringwall_ir::words::{Hook, Protocol};

use super::Known;
use super::block::Block;
use super::rule::Reading;
use crate::target::iptables::table::{Hooks, XtTable};

/// The tables of what is not taken in all of them.
const TABLES: &[(&str, &[XtTable])] = &[
    ("CT", &[XtTable::Raw]),
    ("DNAT", &[XtTable::Nat]),
    ("MASQUERADE", &[XtTable::Nat]),
    ("NETMAP", &[XtTable::Nat]),
    ("NOTRACK", &[XtTable::Raw]),
    ("REDIRECT", &[XtTable::Nat]),
    ("REJECT", &[XtTable::Filter]),
    ("SNAT", &[XtTable::Nat]),
    ("rpfilter", &[XtTable::Raw, XtTable::Mangle]),
];

/// The hooks of what is not taken at all of them, and whose tests the IR knows at more.
const HOOKS: &[(&str, &[Hook])] = &[
    ("CLASSIFY", &[Hook::Forward, Hook::Output, Hook::Postrouting]),
    ("cgroup", &[Hook::Input, Hook::Output, Hook::Postrouting]),
    ("mac", &[Hook::Prerouting, Hook::Input, Hook::Forward]),
    ("owner", &[Hook::Output, Hook::Postrouting]),
    ("realm", &[Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting]),
    ("rpfilter", &[Hook::Prerouting]),
    ("socket", &[Hook::Prerouting, Hook::Input]),
];

/// Whether a match or target is taken where the rule stands.
///
/// # Errors
/// Why iptables refuses it there, and what to do.
pub(super) fn taken_here(reading: &Reading<'_>, block: &Block<'_>) -> Known<()> {
    let name = block.name;
    if name == "DROP" && reading.table == XtTable::Nat {
        return Err("iptables drops nothing in the table nat: drop it in filter".to_owned());
    }
    if let Some((_, tables)) = TABLES.iter().find(|(known, _)| *known == name)
        && !tables.contains(&reading.table)
    {
        let names: Vec<_> = tables.iter().map(|table| table.name()).collect();
        return Err(format!(
            "iptables refuses it in the table {}: it belongs in {}",
            reading.table.name(),
            names.join(" or ")
        ));
    }
    let hooks = match name {
        "policy" => match block.option("--dir").map(|option| option.value()) {
            Some("in") => &[Hook::Prerouting, Hook::Input, Hook::Forward][..],
            _ => &[Hook::Forward, Hook::Output, Hook::Postrouting],
        },
        "addrtype" if block.has("--limit-iface-in") => &[Hook::Prerouting, Hook::Input, Hook::Forward],
        "addrtype" if block.has("--limit-iface-out") => &[Hook::Forward, Hook::Output, Hook::Postrouting],
        _ => HOOKS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, hooks)| *hooks),
    };
    if hooks.is_empty() || reading.hooks.within(Hooks::of(hooks)) {
        return Ok(());
    }
    let strange = reading.hooks.iter().find(|hook| !hooks.contains(hook)).map_or("", Hook::name);
    let names: Vec<_> = hooks.iter().map(|hook| hook.name()).collect();
    Err(format!("iptables refuses it at hook {strange}: it can stand at {}", names.join(", ")))
}

/// A translation to a port is of a protocol that has some, or of the ids of ICMP (`parse_ports` in
/// `extensions/libxt_NAT.c`).
///
/// # Errors
/// What is missing.
pub(super) fn has_ports(reading: &Reading<'_>) -> Known<()> {
    const PORTS: [Protocol; 5] = [Protocol::TCP, Protocol::UDP, Protocol::SCTP, Protocol::DCCP, Protocol::ICMP];
    match reading.protocol {
        Some(protocol) if PORTS.contains(&protocol) => Ok(()),
        _ => Err("it translates a port: write `-p` with tcp, udp, sctp or dccp beside it".to_owned()),
    }
}
