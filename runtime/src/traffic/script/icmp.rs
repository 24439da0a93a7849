// SPDX-License-Identifier: GPL-3.0-or-later
//! ICMP and ICMPv6 messages (RFC 792, RFC 4443, RFC 4861).

use std::net::Ipv6Addr;

use ringwall_ir::words::{Family, IcmpClass, icmp};

use super::line::{Line, icmp_name};
use super::words::{Problem, once, write_data};
use crate::packet::Packet;
use crate::packet::wire::number32;

const WORDS: &str = "the name of a type, type, code, id, seq, mtu, about, target, data";

/// What the words of a message say.
#[derive(Default)]
struct Said {
    kind: Option<u8>,
    code: Option<u8>,
    id: Option<u16>,
    sequence: Option<u16>,
    mtu: Option<u32>,
    data: Option<Vec<u8>>,
}

impl Said {
    /// The second word of the header.
    fn rest(&self) -> Result<u32, Problem> {
        match (self.mtu, self.id, self.sequence) {
            (Some(mtu), None, None) => Ok(mtu),
            (Some(_), ..) => Err(Problem::new("a message has either an mtu or id and seq")),
            (None, id, sequence) => Ok(u32::from(id.unwrap_or(0)) << 16 | u32::from(sequence.unwrap_or(0))),
        }
    }
}

/// Reads the words behind the ends of a message.
pub fn read(line: &mut Line<'_, '_>) -> Result<Vec<u8>, Problem> {
    line.addresses_alone()?;
    let family = line.family();
    let mut said = Said::default();
    while let Some(word) = line.next_word()? {
        let words = &mut *line.words;
        match word {
            "type" => once(&mut said.kind, word, words.number(word)?)?,
            "code" => once(&mut said.code, word, words.number(word)?)?,
            "id" => once(&mut said.id, word, words.number(word)?)?,
            "seq" => once(&mut said.sequence, word, words.number(word)?)?,
            "mtu" => once(&mut said.mtu, word, words.number(word)?)?,
            "data" => once(&mut said.data, word, line.data()?)?,
            "target" => once(&mut said.data, word, target(words.expect("the target")?)?)?,
            "about" => {
                let label = words.expect("the label of a packet")?;
                once(&mut said.data, word, quote(line.context.labelled(label)?, family))?;
            }
            _ => {
                let kind = icmp::named(family, word).ok_or_else(|| unknown(line, word))?;
                once(&mut said.kind, "type", kind)?;
            }
        }
    }
    let kind = said.kind.unwrap_or(echo_request(family));
    let (code, rest) = (said.code.unwrap_or(0), said.rest()?);
    Ok(line.build().icmp(kind, code, rest, &said.data.unwrap_or_default()))
}

fn unknown(line: &Line<'_, '_>, word: &str) -> Problem {
    let family = line.family();
    let names: Vec<_> = icmp::kinds(family).iter().map(|&(_, name, _)| name).collect();
    let problem = line.unknown(icmp_name(family), word, WORDS);
    let help = problem.help.clone().unwrap_or_default();
    problem.help(format!("{help}; types are {}", names.join(", "))).or(names)
}

const fn echo_request(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 8,
        Family::Ipv6 => 128,
    }
}

/// The address that a message of neighbour discovery (RFC 4861 §4.3) or multicast listeners (RFC 2710 §3) is about.
fn target(word: &str) -> Result<Vec<u8>, Problem> {
    let address: Ipv6Addr = word.parse().map_err(|_| Problem::new(format!("`{word}` is not an ipv6 address")))?;
    Ok(address.octets().to_vec())
}

/// As much of a packet as an error quotes: what fits into 576 bytes (RFC 1812 §4.3.2.3), or into the least MTU of IPv6
/// (RFC 4443 §2.4).
fn quote(packet: &[u8], family: Family) -> Vec<u8> {
    let most = match family {
        Family::Ipv4 => 576 - 20 - 8,
        Family::Ipv6 => 1280 - 40 - 8,
    };
    packet.get(..most).unwrap_or(packet).to_vec()
}

/// The words of a message, as [`read`] reads them; none where they cannot say it.
pub fn write(packet: &Packet<'_>) -> Option<String> {
    let (kind, code) = packet.icmp()?;
    let family = packet.family();
    let mut words = icmp::name(family, kind).map_or_else(|| format!("type {kind}"), str::to_owned);
    if code != 0 {
        words += &format!(" code {code}");
    }
    words += &write_rest(icmp::class(family, kind), number32(packet.transport()?, 4)?);
    let data = packet.payload()?;
    if !data.is_empty() {
        words += &write_payload(family, kind, data);
    }
    Some(words)
}

fn write_rest(class: IcmpClass, rest: u32) -> String {
    match (class, rest) {
        (_, 0) => String::new(),
        (IcmpClass::Query | IcmpClass::Reply, _) => format!(" id {} seq {}", rest >> 16, rest & 0xffff),
        _ => format!(" mtu {rest}"),
    }
}

fn write_payload(family: Family, kind: u8, data: &[u8]) -> String {
    let has_target = family == Family::Ipv6 && matches!(kind, 130..=132 | 135 | 136);
    match <[u8; 16]>::try_from(data) {
        Ok(address) if has_target => format!(" target {}", Ipv6Addr::from(address)),
        _ => format!(" data {}", write_data(data)),
    }
}
