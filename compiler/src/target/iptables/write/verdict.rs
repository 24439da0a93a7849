// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdicts as targets.

use ringwall_ir::words::{Family, NatFlags, Protocol, Refusal};
use ringwall_ir::{Nat, NatEnd, OwnPorts, Queue, Verdict};

use super::field::address;
use super::line::Test;
use super::place::Place;
use super::reach::Reach;
use super::stage::{Action, End};
use crate::target::iptables::table::XtTable;
use crate::target::iptables::words::protocol;
use crate::target::iptables::words::refusal;

/// What becomes of a packet. `chain` gives the name of a chain there.
///
/// # Errors
/// Why iptables cannot decide so.
pub(super) fn end(
    place: &Place<'_>,
    verdict: &Verdict,
    reach: &Reach,
    chain: impl Fn(&str) -> Result<String, String>,
) -> Result<End, String> {
    let target = |words: &str| Ok(End::Target(Action::of(words)));
    match verdict {
        Verdict::Accept => target("-j ACCEPT"),
        Verdict::Continue => Ok(End::Next),
        Verdict::Drop if place.xt == XtTable::Nat => Err("the table nat drops no packets".to_owned()),
        Verdict::Drop => target("-j DROP"),
        Verdict::Return => Ok(End::Return),
        Verdict::Goto(name) => Ok(End::Goto(chain(name)?)),
        Verdict::Jump(name) => Ok(End::Jump(chain(name)?)),
        Verdict::Map(_) => Err("xtables has no verdict maps".to_owned()),
        Verdict::Queue(queue) => target(&queued(*queue)),
        Verdict::Reject(refused) => refuse(place, *refused),
        // Packets of the other family go on untouched.
        Verdict::Dnat(nat) | Verdict::Snat(nat) if nat.family.is_some_and(|family| family != place.family) => {
            Ok(End::Next)
        }
        Verdict::Dnat(nat) => translated(place, nat, reach, "-j DNAT --to-destination", "DNAT"),
        Verdict::Snat(nat) => translated(place, nat, reach, "-j SNAT --to-source", "SNAT"),
        Verdict::Masquerade { ports, flags } => with_ports(place, "-j MASQUERADE", ports.as_ref(), *flags, reach),
        Verdict::Redirect { flags: NatFlags { fully_random: true, .. }, .. } => {
            Err("iptables redirects to no port that is wholly random".to_owned())
        }
        Verdict::Redirect { ports, flags } => with_ports(place, "-j REDIRECT", ports.as_ref(), *flags, reach),
    }
}

/// A TCP reset is refused by the kernel in a line that is not of TCP alone (`reject_tg_check` in `ipt_REJECT.c`).
fn refuse(place: &Place<'_>, refused: Refusal) -> Result<End, String> {
    let word = refusal::word(place.family, refused)
        .ok_or_else(|| format!("{} has no {}", place.family.name(), refused.name()))?;
    place.only_in(XtTable::Filter, "REJECT")?;
    let needs = match refused {
        Refusal::TcpReset => vec![Test::own("-p", false, protocol::protocol(place.family, Protocol::TCP))],
        _ => Vec::new(),
    };
    Ok(End::Target(Action { needs, ..Action::of(format!("-j REJECT --reject-with {word}")) }))
}

fn queued(queue: Queue) -> String {
    let mut words = match queue.numbers {
        (first, last) if first == last => format!("-j NFQUEUE --queue-num {first}"),
        (first, last) => format!("-j NFQUEUE --queue-balance {first}:{last}"),
    };
    for (set, option) in [(queue.bypass, " --queue-bypass"), (queue.fanout, " --queue-cpu-fanout")] {
        words.push_str(if set { option } else { "" });
    }
    words
}

/// The protocols whose ports iptables translates (`NAT_parse` in `extensions/libxt_NAT.c`).
const TRANSLATED: [Protocol; 4] = [Protocol::TCP, Protocol::UDP, Protocol::SCTP, Protocol::DCCP];

/// `-p` in the line of a new port: the kernel asks for it.
fn port_needs(place: &Place<'_>, reach: &Reach) -> Result<Vec<Test>, String> {
    match reach.only().filter(|protocol| TRANSLATED.contains(protocol)) {
        Some(protocol) => Ok(vec![Test::own("-p", false, protocol::protocol(place.family, protocol))]),
        None => Err("iptables translates ports of one protocol: tcp, udp, sctp or dccp".to_owned()),
    }
}

fn translated(place: &Place<'_>, nat: &Nat, reach: &Reach, option: &str, target: &str) -> Result<End, String> {
    let NatEnd::Range { addresses, ports } = &nat.end else { return Err("xtables has no maps".to_owned()) };
    if nat.flags.netmap {
        let Some(range) = addresses.filter(|_| ports.is_none()) else {
            return Err("iptables maps nets without ports".to_owned());
        };
        let prefix = address::prefix(place.family, range).ok_or("iptables maps to a net that is a prefix")?;
        if nat.flags != (NatFlags { netmap: true, ..NatFlags::default() }) {
            return Err("iptables maps nets without flags".to_owned());
        }
        return Ok(End::Target(Action::of(format!("-j NETMAP --to {prefix}"))));
    }
    if target == "DNAT" && nat.flags.fully_random {
        return Err("iptables translates a destination to no port that is wholly random".to_owned());
    }
    let text = |bits| address::text(place.family, bits);
    let mut end = match addresses {
        Some((first, last)) if first == last => text(*first),
        Some((first, last)) => format!("{}-{}", text(*first), text(*last)),
        None => String::new(),
    };
    let mut needs = Vec::new();
    if let Some((first, last)) = ports {
        if place.family == Family::Ipv6 && !end.is_empty() {
            end = format!("[{end}]");
        }
        needs = port_needs(place, reach)?;
        end.push_str(&format!(":{}", port_range(*first, *last)));
    }
    Ok(End::Target(Action { needs, ..Action::of(format!("{option} {end}{}", flags(nat.flags))) }))
}

fn with_ports(
    place: &Place<'_>,
    target: &str,
    ports: Option<&OwnPorts>,
    nat_flags: NatFlags,
    reach: &Reach,
) -> Result<End, String> {
    if nat_flags.persistent {
        return Err("iptables translates to the host's own addresses without `persistent`".to_owned());
    }
    let mut words = target.to_owned();
    let mut needs = Vec::new();
    match ports {
        None => {}
        Some(OwnPorts::Map { .. }) => return Err("xtables has no maps".to_owned()),
        Some(OwnPorts::Range(first, last)) => {
            needs = port_needs(place, reach)?;
            words.push_str(&format!(" --to-ports {}", port_range(*first, *last)));
        }
    }
    words.push_str(&flags(nat_flags));
    Ok(End::Target(Action { needs, ..Action::of(words) }))
}

fn port_range(first: u16, last: u16) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn flags(flags: NatFlags) -> String {
    let words =
        [(flags.random, " --random"), (flags.fully_random, " --random-fully"), (flags.persistent, " --persistent")];
    words.into_iter().map(|(set, word)| if set { word } else { "" }).collect()
}
