// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft makes of a text: its expressions, as `nft --debug=netlink` prints them, and whether a packet passes them.
//!
//! This knows the kernel's registers and nothing of nft's words, so it tells what a text means, whatever nft prints of it.

use std::collections::BTreeMap;
use std::fmt;

use ringwall_ir::Field;
use ringwall_ir::fields::{Base, ByteOrder, Load};

use super::packet::Packet;

/// The expressions of one rule, and the sets that it looks things up in.
#[derive(Clone, Debug, Default)]
pub struct Program {
    table: String,
    expressions: Vec<String>,
    anonymous: Vec<Elements>,
}

/// The elements of a set: keys and whether an interval ends there.
#[derive(Clone, Debug, Default)]
pub struct Elements {
    intervals: bool,
    keys: Vec<(Vec<u8>, Option<Vec<u8>>, bool)>,
}

/// What a text becomes: the rules in order, and the named sets.
#[derive(Clone, Default)]
pub struct Listing {
    pub rules: Vec<Program>,
    named: BTreeMap<(String, String), Elements>,
}

/// Reads what `nft --debug=netlink` prints.
pub fn parse(printed: &str) -> Listing {
    let mut listing = Listing::default();
    let mut waiting: Vec<Elements> = Vec::new();
    let mut current: Option<(String, String)> = None;
    let mut table = String::new();
    let mut in_rule = false;
    for line in printed.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [name, _, flags, ..] if is_anonymous(name) && *flags != "0" => {
                waiting.push(Elements { intervals: is_interval(flags), keys: Vec::new() });
                current = None;
            }
            ["inet" | "ip" | "ip6", name, ..] => table = (*name).to_owned(),
            [name, table, flags, ..] if !line.starts_with([' ', '\t']) => {
                current = (!is_anonymous(name)).then(|| ((*table).to_owned(), (*name).to_owned()));
                if let Some(name) = &current {
                    let new = Elements { intervals: is_interval(flags), keys: Vec::new() };
                    listing.named.entry(name.clone()).or_insert(new);
                }
            }
            ["element", ..] => {
                let set = match &current {
                    Some(name) => listing.named.get_mut(name),
                    None => waiting.last_mut(),
                };
                if let Some(set) = set {
                    set.keys.extend(line.split("\telement").filter_map(element));
                }
            }
            ["[", ..] => {
                if !in_rule {
                    listing.rules.push(Program {
                        table: table.clone(),
                        expressions: Vec::new(),
                        anonymous: std::mem::take(&mut waiting),
                    });
                }
                let rule = listing.rules.last_mut().unwrap();
                rule.expressions.push(line.trim().trim_matches(['[', ']']).trim().to_owned());
            }
            _ => {}
        }
        in_rule = matches!(words.as_slice(), ["[", ..]);
    }
    listing
}

fn is_anonymous(name: &str) -> bool {
    matches!(name, "__set%d" | "__map%d")
}

/// `NFT_SET_INTERVAL`
fn is_interval(flags: &str) -> bool {
    u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & 4 != 0)
}

/// `element 0000000a - 0a00000a : 1`
fn element(text: &str) -> Option<(Vec<u8>, Option<Vec<u8>>, bool)> {
    let (key, rest) = text.split_once("[end]")?.0.split_once(" : ")?;
    let ends = rest.split_whitespace().next_back() == Some("1");
    let mut halves = key.split(" - ");
    let first = bytes(halves.next()?.split_whitespace());
    Some((first, halves.next().map(|last| bytes(last.split_whitespace())), ends))
}

/// Registers are printed in words of four bytes, as the host keeps numbers.
fn bytes<'a>(words: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let word = |word: &str| u32::from_str_radix(word.trim_start_matches("0x"), 16).ok().map(u32::to_le_bytes);
    words.filter_map(word).flatten().collect()
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.named.fmt(f)
    }
}

impl Listing {
    /// Whether the packet comes to the end of a rule, limits aside. Panics where an expression is not known here.
    pub fn passes(&self, rule: &Program, packet: &Packet, loads: &BTreeMap<String, Field>) -> bool {
        let mut registers = [0u8; 64];
        let mut is_text = false;
        let mut loaded = BTreeMap::new();
        let mut anonymous = rule.anonymous.iter();
        for expression in &rule.expressions {
            let words: Vec<_> = expression.split_whitespace().collect();
            let passed = match words.as_slice() {
                ["cmp", operator, "reg", register, value @ ..] => {
                    let mut value = bytes(value.iter().copied());
                    if is_text && value.len() < 16 {
                        // A stem, which nft compares with as many bytes as it has.
                        value.truncate(value.iter().rposition(|&byte| byte != 0).unwrap() + 1);
                    }
                    compare(operator, at(&registers, register, value.len()), &value)
                }
                ["range", operator, "reg", register, values @ ..] => {
                    let (first, last) = values.split_at(values.len() / 2);
                    let (first, last) = (bytes(first.iter().copied()), bytes(last.iter().copied()));
                    let found = at(&registers, register, first.len());
                    (first.as_slice() <= found && found <= last.as_slice()) == (*operator == "eq")
                }
                ["lookup", "reg", register, "set", name, rest @ ..] => {
                    let set = if is_anonymous(name) {
                        anonymous.next().unwrap()
                    } else {
                        self.named
                            .get(&(rule.table.clone(), (*name).to_owned()))
                            .unwrap_or_else(|| panic!("no set {name} of {}: {:?}", rule.table, self.named.keys()))
                    };
                    let parts: Vec<usize> = loaded.range(start(register)..).map(|(_, length)| *length).collect();
                    loaded.clear();
                    set.contains(&registers[start(register)..], &parts) != rest.contains(&"0x1")
                }
                ["bitwise", "reg", target, "=", "(", "reg", source, "&", rest @ ..] => {
                    let end = rest.iter().position(|word| *word == ")").unwrap();
                    let (mask, xor) = (bytes(rest[..end].iter().copied()), bytes(rest[end + 2..].iter().copied()));
                    let old = at(&registers, source, mask.len()).to_vec();
                    for (place, byte) in old.iter().enumerate() {
                        registers[start(target) + place] = byte & mask[place] ^ xor[place];
                    }
                    true
                }
                ["bitwise", "reg", target, "=", "(", "reg", source, ">>", count, ")"] => {
                    // The kernel shifts words of four bytes as the host keeps numbers; no more than one is shifted here.
                    let count = u32::from_str_radix(count.trim_start_matches("0x"), 16).unwrap();
                    let word = u32::from_le_bytes(at(&registers, source, 4).try_into().unwrap());
                    registers[start(target)..start(target) + 4].copy_from_slice(&(word >> count).to_le_bytes());
                    true
                }
                ["byteorder", "reg", target, "=", _, _, size, length] => {
                    let number = |text: &str| text.trim_end_matches([',', ')']).parse::<usize>().unwrap();
                    let start = start(target);
                    for whole in registers[start..start + number(length)].chunks_exact_mut(number(size)) {
                        whole.reverse();
                    }
                    true
                }
                ["numgen", "reg", register, "=", rest @ ..] => {
                    is_text = false;
                    let name = format!("numgen {}", rest.join(" "));
                    load(&mut registers, &mut loaded, &format!("{name} => reg {register}"), packet, loads)
                }
                [.., "=>", "reg", _] | [.., "=>", "reg", _, ",", "dir", _] => {
                    is_text = ["ifname", "helper"].iter().any(|text| expression.contains(text));
                    load(&mut registers, &mut loaded, expression, packet, loads)
                }
                [
                    "immediate" | "counter" | "limit" | "log" | "quota" | "objref" | "notrack" | "connlimit" | "reject",
                    ..,
                ] => true,
                _ => panic!("`{expression}` is not known here"),
            };
            if !passed {
                return false;
            }
        }
        true
    }
}

fn compare(operator: &str, found: &[u8], value: &[u8]) -> bool {
    match operator {
        "eq" => found == value,
        "neq" => found != value,
        "lt" => found < value,
        "lte" => found <= value,
        "gt" => found > value,
        "gte" => found >= value,
        _ => panic!("`{operator}` is not known here"),
    }
}

/// Where a register starts: 1 to 4 have 16 bytes each, those from 8 on four (`nft_parse_register`).
fn start(register: &str) -> usize {
    match register.parse::<usize>().unwrap() {
        wide @ 1..=4 => (wide - 1) * 16,
        narrow => (narrow - 8) * 4,
    }
}

fn at<'a>(registers: &'a [u8; 64], register: &str, length: usize) -> &'a [u8] {
    &registers[start(register)..start(register) + length]
}

/// Loads what the packet has; a packet that has it not leaves the rule.
fn load(
    registers: &mut [u8; 64],
    loaded: &mut BTreeMap<usize, usize>,
    expression: &str,
    packet: &Packet,
    loads: &BTreeMap<String, Field>,
) -> bool {
    let (left, right) = expression.split_once(" => reg ").unwrap();
    let (register, direction) = right.split_once(" , ").unwrap_or((right, ""));
    let value = if let Some(rest) = left.strip_prefix("payload load ") {
        let words: Vec<_> = rest.split_whitespace().collect();
        let base = match words[2] {
            "link" => Base::Link,
            "network" => Base::Network,
            _ => Base::Transport,
        };
        let length: usize = words[0].trim_end_matches('b').parse().unwrap();
        Some(packet.bytes(base, words[5].parse().unwrap(), length))
    } else {
        let name = if direction.is_empty() { left.to_owned() } else { format!("{left} {direction}") };
        let field = *loads.get(&name).unwrap_or_else(|| panic!("`{name}` is loaded for no field of the rule"));
        packet.value(field).map(|value| in_register(field, value))
    };
    let Some(value) = value else { return false };
    let start = start(register);
    loaded.insert(start, value.len().next_multiple_of(4));
    registers[start..start + 16].fill(0);
    registers[start..start + value.len()].copy_from_slice(&value);
    true
}

/// A value as the kernel puts it into a register.
fn in_register(field: Field, value: u128) -> Vec<u8> {
    let row = field.row();
    let length = usize::from(row.bytes());
    let is_text = row.datatype.is_text();
    match row.order {
        ByteOrder::Host if !is_text => value.to_le_bytes()[..length].to_vec(),
        _ => value.to_be_bytes()[16 - length..].to_vec(),
    }
}

impl Elements {
    fn contains(&self, registers: &[u8], parts: &[usize]) -> bool {
        // An element without a key catches what no other does.
        self.has_key(registers, parts) || self.keys.iter().any(|(key, ..)| key.is_empty())
    }

    fn has_key(&self, registers: &[u8], parts: &[usize]) -> bool {
        let Some((first, ..)) = self.keys.iter().find(|(key, ..)| !key.is_empty()) else { return false };
        let found = &registers[..first.len()];
        if !self.intervals {
            return self.keys.iter().any(|(key, ..)| key == found);
        }
        if self.keys.iter().any(|(_, last, _)| last.is_some()) {
            // A concatenation: each part is an interval of its own.
            return self.keys.iter().filter(|(key, ..)| !key.is_empty()).any(|(first, last, _)| {
                let last = last.as_ref().unwrap_or(first);
                let mut place = 0;
                parts.iter().all(|length| {
                    let part = place..place + length;
                    place += length;
                    first[part.clone()] <= found[part.clone()] && found[part.clone()] <= last[part]
                })
            });
        }
        let before = self
            .keys
            .iter()
            .filter(|(key, ..)| !key.is_empty() && key.as_slice() <= found)
            .max_by(|one, other| one.0.cmp(&other.0));
        before.is_some_and(|(.., ends)| !ends)
    }
}

/// How nft prints what the kernel loads for a field; payloads aside.
pub fn load_name(field: Field) -> Option<String> {
    let name = |names: &'static [&'static str], number: u32| names.get(number as usize).copied().unwrap_or("?");
    let words = field.to_string();
    Some(match field.row().load {
        Load::Payload(..) => return None,
        Load::Meta(key) => format!("meta load {}", name(META, key)),
        Load::Ct(key) => {
            let direction =
                ["original", "reply"].into_iter().find(|direction| words.split(' ').any(|word| word == *direction));
            let direction = direction.map_or_else(String::new, |direction| format!(" dir {direction}"));
            format!("ct load {}{direction}", name(CT, key))
        }
        Load::Rt(_) => "rt load ipsec".to_owned(),
        Load::Fib => match field {
            Field::Fib(_) if words.ends_with(" check") => format!("{} present", words.replace(" check", " oif")),
            _ => words,
        },
        Load::Socket(_) => match field {
            // The level is not printed.
            Field::SocketCgroupv2(_) => "socket load cgroupv2".to_owned(),
            _ => words.replace("socket ", "socket load "),
        },
        Load::Exthdr => match field {
            Field::Exthdr(header) => format!("exthdr load ipv6 1b @ {} + 0 present", header.name().1),
            _ => return None,
        },
        Load::TcpMaxseg => "exthdr load tcpopt 2b @ 2 + 2".to_owned(),
        Load::Xfrm(_) => format!("xfrm load {} 0 reqid", if words.contains("out") { "out" } else { "in" }),
        Load::Numgen => words,
    })
}

const META: &[&str] = &[
    "len",
    "protocol",
    "priority",
    "mark",
    "iif",
    "oif",
    "iifname",
    "oifname",
    "iiftype",
    "oiftype",
    "skuid",
    "skgid",
    "nftrace",
    "rtclassid",
    "secmark",
    "nfproto",
    "l4proto",
    "bri_iifname",
    "bri_oifname",
    "pkttype",
    "cpu",
    "iifgroup",
    "oifgroup",
    "cgroup",
    "prandom",
    "secpath",
    "iifkind",
    "oifkind",
    "bri_iifpvid",
    "bri_iifvproto",
    "time",
    "day",
    "hour",
];

const CT: &[&str] = &[
    "state",
    "direction",
    "status",
    "mark",
    "secmark",
    "expiration",
    "helper",
    "l3protocol",
    "src",
    "dst",
    "protocol",
    "proto_src",
    "proto_dst",
    "label",
    "packets",
    "bytes",
    "avgpkt",
    "zone",
    "event",
    "src_ip",
    "dst_ip",
    "src_ip6",
    "dst_ip6",
];
