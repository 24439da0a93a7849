// SPDX-License-Identifier: GPL-3.0-or-later
//! Writing sets for `ipset restore`, so that the text loads on an empty and on a loaded kernel alike.
//!
//! A set that the ruleset alone writes is filled beside the one in use and swapped with it, so that rules never look into
//! half of it. A set that packets fill keeps what it holds. Neither can change its size or timeout while rules speak of
//! it: ipset then says that a set of the name is there already.

use std::fmt::Write;

use ringwall_ir::words::{Family, Protocol};
use ringwall_ir::{Counts, Datatype, Element, Elements, IntervalSet, Key, Meter, Milliseconds, Role, Set, Tuple};
use sha2::{Digest, Sha256};

use super::{Kind, Part, family};

/// The set that others are filled in; it is there only while they are loaded.
const BESIDE: &str = "ringwall.tmp";
/// The longest timeout, in seconds (`IPSET_MAX_TIMEOUT`).
const TIMEOUT_MAX: u64 = 2_147_483;
/// How many elements a set holds that says nothing else (`IPSET_DEFAULT_MAXELEM`).
const SIZE: u32 = 65_536;
/// How many elements a set that packets fill holds in nf_tables, where it says nothing else (`nft_dynset.c`).
const DYNAMIC_SIZE: u32 = 65_535;
/// The longest name of a set, in bytes (`IPSET_MAXNAMELEN` less the final NUL).
const NAME_MAX: usize = 31;

/// One set as text.
pub(in crate::target) struct SetText {
    /// The commands that make it.
    pub(in crate::target) text: String,
}

impl SetText {
    /// The protocols of which ipset looks at ports that the IR has a field for.
    pub(in crate::target) const PROTOCOLS: [Protocol; 4] =
        [Protocol::TCP, Protocol::UDP, Protocol::SCTP, Protocol::UDPLITE];

    /// What ipset calls a set of a table: one that is too long loses its end for a hash of it.
    pub(in crate::target) fn name(table: &str, set: &str) -> String {
        const HASH: usize = 8;
        let whole = format!("{table}.{set}");
        if whole.len() <= NAME_MAX {
            return whole;
        }
        let mut hash = String::new();
        for byte in Sha256::digest(&whole).iter().take(HASH / 2) {
            // Writing to a string does not fail.
            let _ = write!(hash, "{byte:02x}");
        }
        format!("{}.{hash}", whole.get(..NAME_MAX - HASH - 1).unwrap_or_default())
    }

    /// Whether each part of the set's key must be able to hold prefixes: where it has some, and where it has the address
    /// of zeros, which ipset takes for none in its other types.
    pub(in crate::target) fn nets(set: &Set) -> Vec<bool> {
        let mut nets: Vec<bool> = set.spec().key.iter().map(|_| false).collect();
        match set.elements() {
            Elements::Intervals(intervals) => {
                let prefix = |(first, last): &(u128, u128)| first != last || *first == 0;
                let some = set.spec().flags.interval || intervals.intervals().iter().any(prefix);
                nets.iter_mut().for_each(|net| *net |= some);
            }
            Elements::List(list) => {
                for element in list {
                    let Key::Tuple(Tuple(parts)) = &element.key else { continue };
                    nets.iter_mut().zip(parts).for_each(|(net, (first, last))| *net |= first != last || *first == 0);
                }
                if let [only] = nets.as_mut_slice() {
                    *only |= set.spec().flags.interval;
                }
            }
        }
        nets
    }

    /// The commands for a set of that type. `protocols` are those of its ports, where its key does not tell.
    ///
    /// # Errors
    /// What ipset cannot hold.
    pub(in crate::target) fn of(
        name: &str,
        kind: Kind,
        of: Family,
        set: &Set,
        protocols: &IntervalSet,
    ) -> Result<Self, String> {
        let mut elements = Vec::new();
        match set.elements() {
            Elements::Intervals(intervals) => {
                for &interval in intervals.intervals() {
                    for text in texts(kind, of, &[interval], protocols)? {
                        elements.push(text);
                    }
                }
            }
            Elements::List(list) => {
                for element in list {
                    let Key::Tuple(Tuple(parts)) = &element.key else {
                        return Err("ipset has no element for every other key".to_owned());
                    };
                    let options = options(set, element)?;
                    for text in texts(kind, of, parts, protocols)? {
                        elements.push(format!("{text}{options}"));
                    }
                }
            }
        }
        let header = header(kind, of, set, elements.len())?;
        let mut text = format!("create {name} {header} -exist\n");
        if set.spec().role() == Role::Dynamic {
            for element in elements {
                text.push_str(&format!("add {name} {element} -exist\n"));
            }
        } else {
            text.push_str(&format!("destroy {BESIDE} -exist\ncreate {BESIDE} {header}\n"));
            for element in elements {
                text.push_str(&format!("add {BESIDE} {element}\n"));
            }
            text.push_str(&format!("swap {name} {BESIDE}\ndestroy {BESIDE}\n"));
        }
        Ok(Self { text })
    }
}

/// The type and its options.
fn header(kind: Kind, of: Family, set: &Set, count: usize) -> Result<String, String> {
    let spec = set.spec();
    let mut header = kind.name.to_owned();
    if kind.parts == [Part::BarePort] {
        header.push_str(" range 0-65535");
    } else {
        let dynamic = spec.role() == Role::Dynamic;
        let room = u32::try_from(count).ok().and_then(u32::checked_next_power_of_two).unwrap_or(u32::MAX);
        let size = spec.size.unwrap_or(if dynamic { DYNAMIC_SIZE } else { SIZE.max(room) });
        header.push_str(&format!(" family {} maxelem {size}", family(of)));
    }
    if spec.flags.timeout {
        header.push_str(&format!(" timeout {}", seconds(spec.timeout.unwrap_or_default())?));
    }
    if !spec.meters.is_empty() {
        header.push_str(" counters");
    }
    if has_comments(set) {
        header.push_str(" comment");
    }
    Ok(header)
}

fn has_comments(set: &Set) -> bool {
    match set.elements() {
        Elements::Intervals(_) => false,
        Elements::List(list) => list.iter().any(|element| element.comment.is_some()),
    }
}

/// Whole seconds.
fn seconds(time: Milliseconds) -> Result<u64, String> {
    let seconds = time.0 / 1000;
    if !time.0.is_multiple_of(1000) {
        return Err(format!("ipset counts timeouts in whole seconds, and {time} are none"));
    }
    if seconds > TIMEOUT_MAX {
        return Err(format!("the timeout {time} is longer than {TIMEOUT_MAX} seconds"));
    }
    Ok(seconds)
}

/// What is said of an element beside its key. What is left of its time is rounded up to a second.
fn options(set: &Set, element: &Element) -> Result<String, String> {
    let mut options = String::new();
    let left = element.expires.map(|left| Milliseconds(left.0.div_ceil(1000) * 1000));
    if let Some(time) = left.or(element.timeout) {
        options.push_str(&format!(" timeout {}", seconds(time)?));
    } else if set.spec().flags.timeout && set.spec().timeout.is_none() {
        options.push_str(" timeout 0");
    }
    if let [Meter::Counter(Counts { packets, bytes })] = element.meters.as_slice() {
        options.push_str(&format!(" packets {packets} bytes {bytes}"));
    }
    if let Some(comment) = &element.comment {
        // ipset has no way to write a quote between its quotes.
        let legal = |character: char| if character == '"' || character.is_control() { '\'' } else { character };
        options.push_str(&format!(" comment \"{}\"", comment.chars().map(legal).collect::<String>()));
    }
    Ok(options)
}

/// The element or elements that a key is.
fn texts(kind: Kind, of: Family, parts: &[(u128, u128)], protocols: &IntervalSet) -> Result<Vec<String>, String> {
    let mut rest = parts.iter().copied();
    let mut all = vec![String::new()];
    for (place, part) in kind.parts.iter().enumerate() {
        let short = || "an element has too few parts for its type".to_owned();
        let interval = rest.next().ok_or_else(short)?;
        let words = match part {
            Part::Address { net } => addresses(of, interval, *net)?,
            Part::BarePort => vec![span(interval)],
            Part::Port if protocols.is_empty() => {
                let port = span(rest.next().ok_or_else(short)?);
                let listed = IntervalSet::range(interval.0, interval.1);
                named(&listed)?.into_iter().map(|protocol| format!("{protocol}:{port}")).collect()
            }
            Part::Port => {
                let port = span(interval);
                named(protocols)?.into_iter().map(|protocol| format!("{protocol}:{port}")).collect()
            }
        };
        let joint = if place == 0 { "" } else { "," };
        all = all.iter().flat_map(|text| words.iter().map(move |word| format!("{text}{joint}{word}"))).collect();
    }
    Ok(all)
}

/// The names of the protocols of a port.
fn named(protocols: &IntervalSet) -> Result<Vec<&'static str>, String> {
    let known: IntervalSet =
        SetText::PROTOCOLS.iter().map(|protocol| (u128::from(protocol.0), u128::from(protocol.0))).collect();
    if !known.contains_all(protocols) {
        return Err("ipset looks at the ports of tcp, udp, sctp and udplite alone".to_owned());
    }
    Ok(SetText::PROTOCOLS
        .into_iter()
        .filter(|protocol| protocols.contains(u128::from(protocol.0)))
        .filter_map(Protocol::name)
        .collect())
}

/// Prefixes, of which ipset takes none without bits.
fn addresses(of: Family, (first, last): (u128, u128), net: bool) -> Result<Vec<String>, String> {
    let (bits, datatype) = (of.address_bits(), Datatype::address(of));
    let prefixes = IntervalSet::range(first, last).prefixes(bits);
    let halves = |(start, length): (u128, u8)| match length {
        0 => vec![(0, 1), (1 << (bits - 1), 1)],
        _ => vec![(start, length)],
    };
    let prefixes: Vec<_> = prefixes.into_iter().flat_map(halves).collect();
    if !net && (first != last || first == 0) {
        return Err("ipset holds single addresses there, and not that of zeros".to_owned());
    }
    let text = |(start, length): (u128, u8)| {
        let address = datatype.value_text(start);
        if length == bits { address } else { format!("{address}/{length}") }
    };
    Ok(prefixes.into_iter().map(text).collect())
}

fn span((first, last): (u128, u128)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}
