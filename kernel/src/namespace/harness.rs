// SPDX-License-Identifier: GPL-3.0-or-later
//! The two tables that stand around the ruleset under test, and what their chains tell.
//!
//! Each chain of the *observers* does nothing but come up in the trace, which names the chain that a packet passes and
//! carries the conntrack data of the packet. The *sink* logs the whole packet to the worker and drops it.

use ringwall_ir::words::Hook;

use super::job::Failure;
use super::program::NFT;

/// The table of the observers.
pub(super) const OBSERVERS: &str = "harness_observers";
/// The table of the sink.
pub(super) const SINK: &str = "harness_sink";
/// The group of nfnetlink_log that the harness logs to.
pub(super) const LOG_GROUP: u16 = 65535;
/// The log prefix of packets that passed every hook.
pub(super) const LEFT: &str = "harness-left";
/// The log prefix of packets that the kernel made, before any hook.
pub(super) const MADE: &str = "harness-made";
/// The log prefix of frames that mark a place in the order of events.
pub(super) const MARK: &str = "harness-mark";
/// The source hardware address of packets that the harness refuses.
pub(super) const REFUSED_SOURCE: [u8; 6] = [0x02, 0xaa, 0, 0, 0, 0x02];
/// The source hardware address of marks.
pub(super) const MARK_SOURCE: [u8; 6] = [0x02, 0xaa, 0, 0, 0, 0x03];

/// What a chain of the observers tells of the packet that passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Post {
    /// It arrives at prerouting, before all else; on `lo` it arrives again.
    Arrival,
    /// It comes to output, written by the worker.
    Sent,
    /// It comes to output, made by the kernel.
    Made,
    /// Connection tracking has seen it, at prerouting or output.
    Tracked,
    /// It comes to this hook.
    At(Hook),
    /// The harness refuses it, at hook input.
    Refusal,
}

impl Post {
    /// What the chain of a name tells.
    pub(super) fn of(chain: &[u8]) -> Option<Self> {
        Some(match chain {
            b"arrival" => Self::Arrival,
            b"sent" => Self::Sent,
            b"made" => Self::Made,
            b"tracked_arrival" | b"tracked_departure" => Self::Tracked,
            b"at_input" => Self::At(Hook::Input),
            b"at_forward" => Self::At(Hook::Forward),
            b"at_postrouting" => Self::At(Hook::Postrouting),
            b"refusal" => Self::Refusal,
            _ => return None,
        })
    }
}

/// Loads the sink, and only then the observers: their `ct state` wakes connection tracking, whose `nf_confirm` has the
/// sink's priority and has to come before it.
///
/// # Errors
/// What nft says; [`Failure::Unavailable`] where it is missing.
pub(super) fn load() -> Result<(), Failure> {
    NFT.feed(&["-f", "-"], &sink())?;
    NFT.feed(&["-f", "-"], &observers()).map(drop)
}

/// Packets on `lo` go on at postrouting, for they have yet to arrive.
fn sink() -> String {
    let drop = format!("log prefix \"{LEFT}\" group {LOG_GROUP} queue-threshold 1 drop");
    format!(
        r#"table inet {SINK} {{
    chain input {{
        type filter hook input priority 2147483647; policy accept
        {drop}
    }}
    chain postrouting {{
        type filter hook postrouting priority 2147483647; policy accept
        oifname "lo" accept
        {drop}
    }}
}}
"#
    )
}

/// Packets of the worker have a socket with an owner, those of the kernel do not. What the host's stack says on its own
/// account (multicast membership, neighbour discovery, redirects) is dropped before it is traced.
fn observers() -> String {
    let [refused, mark] = [REFUSED_SOURCE, MARK_SOURCE].map(link_source);
    format!(
        r#"table inet {OBSERVERS} {{
    chain arrival {{
        type filter hook prerouting priority -450; policy accept
        {mark} log prefix "{MARK}" group {LOG_GROUP} queue-threshold 1 drop
        meta nftrace set 1 accept
    }}
    chain sent {{
        meta nftrace set 1 accept
    }}
    chain made {{
        meta nftrace set 1 log prefix "{MADE}" group {LOG_GROUP} queue-threshold 1 accept
    }}
    chain departure {{
        type filter hook output priority -450; policy accept
        meta skuid >= 0 jump sent
        meta l4proto igmp drop
        icmpv6 type {{ 130-137, 143 }} drop
        jump made
    }}
    chain tracked_arrival {{
        type filter hook prerouting priority -199; policy accept
        ct state established,related,new,untracked accept
    }}
    chain tracked_departure {{
        type filter hook output priority -199; policy accept
        ct state established,related,new,untracked accept
    }}
    chain at_input {{
        type filter hook input priority -1000; policy accept
    }}
    chain at_forward {{
        type filter hook forward priority -1000; policy accept
    }}
    chain at_postrouting {{
        type filter hook postrouting priority -1000; policy accept
    }}
    chain refusal {{
        type filter hook input priority -999; policy accept
        meta l4proto tcp {refused} reject with tcp reset
    }}
}}
"#
    )
}

/// A test of the source hardware address, on `lo` too, where nft's own `ether saddr` never matches.
fn link_source([a, b, c, d, e, f]: [u8; 6]) -> String {
    format!("@ll,48,48 0x{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}")
}
