// SPDX-License-Identifier: GPL-3.0-or-later
//! Elements as text: `10.0.0.0/8`, `10.0.0.1,tcp:80`, `192.168.1.1,udp:53,10.0.0.0/24`.

use std::net::{Ipv4Addr, Ipv6Addr};

use ringwall_ir::IntervalSet;
use ringwall_ir::words::{Family, Protocol};

use super::{Kind, Part};

/// The parts of an element as intervals, in the order of the IR's key: a port is its protocol and its number. None where
/// the text is no element of the type, or one of a protocol without ports.
pub(super) fn parse(kind: Kind, family: Family, text: &str) -> Option<Vec<(u128, u128)>> {
    let mut words = text.split(',');
    let mut parts = Vec::new();
    for part in kind.parts {
        let word = words.next()?;
        match part {
            Part::Address { .. } => parts.push(addresses(family, word)?),
            Part::BarePort => parts.push(ports(word)?),
            Part::Port => {
                let (protocol, number) = word.split_once(':').unwrap_or(("tcp", word));
                let protocol = with_ports(protocol)?;
                parts.extend([(u128::from(protocol.0), u128::from(protocol.0)), ports(number)?]);
            }
        }
    }
    words.next().is_none().then_some(parts)
}

/// Whether it has a port of a protocol that the IR has no such field for: `10.0.0.1,icmp:8/0`.
pub(super) fn without_ports(text: &str) -> bool {
    text.split(',').skip(1).filter_map(|word| word.split_once(':')).any(|(protocol, _)| {
        let number = protocol.parse().ok().map(Protocol).or_else(|| Protocol::named(protocol));
        number.is_some() && with_ports(protocol).is_none()
    })
}

/// The protocols of which ipset looks at a port that the IR has a field for (`get_port` in `ip_set_getport.c`).
fn with_ports(name: &str) -> Option<Protocol> {
    let protocol = name.parse().ok().map(Protocol).or_else(|| Protocol::named(name))?;
    matches!(protocol, Protocol::TCP | Protocol::UDP | Protocol::SCTP | Protocol::UDPLITE).then_some(protocol)
}

fn addresses(family: Family, word: &str) -> Option<(u128, u128)> {
    let bits = family.address_bits();
    if let Some((first, last)) = word.split_once('-') {
        return Some((address(family, first)?, address(family, last)?)).filter(|(first, last)| first <= last);
    }
    let (start, length) = word.split_once('/').map_or((word, None), |(start, length)| (start, Some(length)));
    let length = length.map_or(Some(bits), |length| length.parse().ok())?;
    let prefix = IntervalSet::prefix(address(family, start)?, length, bits);
    prefix.intervals().first().copied().filter(|_| length <= bits)
}

fn address(family: Family, text: &str) -> Option<u128> {
    match family {
        Family::Ipv4 => text.parse().ok().map(|address: Ipv4Addr| u128::from(address.to_bits())),
        Family::Ipv6 => text.parse().ok().map(Ipv6Addr::to_bits),
    }
}

fn ports(word: &str) -> Option<(u128, u128)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    Some((u128::from(first.min(last)), u128::from(first.max(last))))
}
