// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests in nft's words.

use super::statement::{conn_limit, limit, object_ref};
use super::{Words, braced};
use crate::datatype::Datatype;
use crate::fields::{Fib, FibResult, Field};
use crate::interval::IntervalSet;
use crate::rule::{Match, Selector, Symbol, Tuples, Values};
use crate::set::Tuple;

impl Words {
    /// A test.
    #[must_use]
    pub fn test(self, test: &Match) -> String {
        match test {
            Match::Concat { key, values, negated } => {
                let values = match values {
                    Tuples::Inline(tuples) => {
                        let types: Vec<_> = key.iter().map(|selector| selector.field().datatype()).collect();
                        let items: Vec<_> = tuples.iter().map(|tuple| tuple_text(&types, tuple)).collect();
                        format!("{{ {} }}", items.join(", "))
                    }
                    Tuples::Set(name) => format!("@{}", (self.name)(name)),
                };
                format!("{} {}{values}", self.key(key), not(*negated))
            }
            Match::ConnLimit(limit) => conn_limit(*limit),
            Match::In { selector, values, negated } => self.one_field(*selector, values, *negated),
            Match::Limit(rate) => limit(rate),
            Match::Object { kind, object } => object_ref(self, *kind, object),
            Match::Quota(amount) => self.quota(amount),
        }
    }

    fn one_field(self, selector: Selector, values: &Values, negated: bool) -> String {
        let datatype = selector.field().datatype();
        let single = match values {
            Values::Inline(set) => set.single(),
            Values::Set(_) | Values::Symbols(_) => None,
        };
        if let (Some(mask), Some(value), true) = (selector.mask(), single, datatype.is_bits()) {
            return bits(selector.field(), mask, value, negated);
        }
        let values = match values {
            Values::Inline(set) => inline(selector.field(), set),
            Values::Set(name) => format!("@{}", (self.name)(name)),
            Values::Symbols(names) => {
                braced(&names.iter().map(|symbol| self.symbol(datatype, symbol)).collect::<Vec<_>>())
            }
        };
        // Without an operator, nft takes bits for those of which one must be set.
        let operator = match negated {
            true => "!= ",
            false if selector.mask().is_some() || (datatype.is_bits() && single.is_some()) => "== ",
            false => "",
        };
        format!("{} {operator}{values}", self.selector(selector))
    }

    /// A name of the host. nft looks users and groups up where it runs, which is not where the rule is for.
    fn symbol(self, datatype: Datatype, symbol: &Symbol) -> String {
        match (datatype, symbol.number) {
            (Datatype::Gid | Datatype::Uid, Some(number)) if self.nft => number.to_string(),
            _ => format!("\"{}\"", symbol.name),
        }
    }

    /// Several fields, joined.
    pub(super) fn key(self, key: &[Selector]) -> String {
        key.iter().map(|&selector| self.selector(selector)).collect::<Vec<_>>().join(" . ")
    }

    /// A field, perhaps under a mask.
    pub(super) fn selector(self, selector: Selector) -> String {
        let field = selector.field();
        match selector.mask() {
            None => field_text(field),
            Some(mask) => format!("{} & {}", field_text(field), mask_text(field, mask)),
        }
    }
}

/// A field as nft 1.0.6 takes it: it asks for the interface where only its being there is of interest.
fn field_text(field: Field) -> String {
    match field {
        Field::Fib(fib) if fib.result == FibResult::Exists => Fib { result: FibResult::Oif, ..fib }.to_string(),
        _ => field.to_string(),
    }
}

fn mask_text(field: Field, mask: u128) -> String {
    match field.datatype() {
        bits if bits.is_bits() && mask.count_ones() > 1 => {
            format!("({})", bits.value_text(mask).replace(',', "|"))
        }
        datatype if datatype.has_prefixes() || datatype.is_bits() || datatype == Datatype::EtherAddr => {
            datatype.value_text(mask)
        }
        _ => format!("{mask:#x}"),
    }
}

/// nft's forms for bits under a mask.
fn bits(field: Field, mask: u128, value: u128, negated: bool) -> String {
    let text = |bits| field.datatype().value_text(bits);
    match (value, negated) {
        (0, true) => format!("{field} {}", text(mask)),
        (0, false) => format!("{field} ! {}", text(mask)),
        // `FIELD VALUE / MASK` needs two bits in its mask (`src/parser_bison.y`).
        (_, false) if mask.count_ones() > 1 => format!("{field} {} / {}", text(value), text(mask)),
        (_, true) if mask.count_ones() > 1 => format!("{field} != {} / {}", text(value), text(mask)),
        _ => format!("{field} & {} {} {}", text(mask), if negated { "!=" } else { "==" }, text(value)),
    }
}

/// `22` or `{ 22, 80-90 }`: what stands behind a field.
fn inline(field: Field, set: &IntervalSet) -> String {
    let datatype = field.datatype();
    let items: Vec<_> =
        field.elements(set).into_iter().map(|(first, last)| interval_text(datatype, first, last)).collect();
    braced(&items)
}

/// An interval as nft takes it: texts in quotes, and ranges of what has names as numbers, for a name may have a `-` of
/// its own, and nft would take `udp-25` for one.
pub(super) fn interval_text(datatype: Datatype, first: u128, last: u128) -> String {
    let text = match datatype {
        Datatype::Ifname => return interface(first, last),
        Datatype::String => return format!("\"{}\"", datatype.value_text(first)),
        _ if first != last && datatype.value_name(first).or(datatype.value_name(last)).is_some() => {
            format!("{first}-{last}")
        }
        Datatype::InetProto if first == last => protocol(first),
        _ => datatype.interval_text(first, last),
    };
    // Several bits that are meant together.
    if datatype.is_bits() { text.replace(',', " | ") } else { text }
}

/// nft has 16 bytes for a name with its `*`. A stem as long as a name can be is that name alone.
fn interface(first: u128, last: u128) -> String {
    let text = Datatype::Ifname.interval_text(first, last);
    match text.strip_suffix('*') {
        Some(stem) if stem.len() > 14 => format!("\"{stem}\""),
        _ => format!("\"{text}\""),
    }
}

/// The protocols that are keywords of nft 1.0.6. It looks the others up in `/etc/protocols`, and refuses a whole file for
/// one that is not there.
const PROTOCOLS: [&str; 11] = ["ah", "comp", "dccp", "esp", "icmp", "icmpv6", "igmp", "sctp", "tcp", "udp", "udplite"];

fn protocol(number: u128) -> String {
    let name = Datatype::InetProto.value_name(number).filter(|name| PROTOCOLS.contains(name));
    name.map_or_else(|| number.to_string(), str::to_owned)
}

/// A tuple, its parts joined.
pub(super) fn tuple_text(types: &[Datatype], tuple: &Tuple) -> String {
    let parts = types.iter().zip(&tuple.0).map(|(datatype, &(first, last))| interval_text(*datatype, first, last));
    parts.collect::<Vec<_>>().join(" . ")
}

/// A tuple of ranges, its parts joined; one value is a range too.
pub(super) fn ranges_text(types: &[Datatype], tuple: &Tuple) -> String {
    let range = |datatype: &Datatype, first, last| match first == last {
        true => format!("{0}-{0}", datatype.value_text(first)),
        false => interval_text(*datatype, first, last),
    };
    let parts = types.iter().zip(&tuple.0).map(|(datatype, &(first, last))| range(datatype, first, last));
    parts.collect::<Vec<_>>().join(" . ")
}

const fn not(negated: bool) -> &'static str {
    if negated { "!= " } else { "" }
}
