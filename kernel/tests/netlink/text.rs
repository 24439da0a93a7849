// SPDX-License-Identifier: GPL-3.0-or-later
//! A ruleset as nft 1.0.6 loads it: the printed form of the IR with the frame that nft wants around it.

use std::borrow::Cow;
use std::fmt::Write as _;

use ringwall_ir::words::{ChainPolicy, ChainType, Refusal, TableFamily};
use ringwall_ir::{
    Chain, Data, DataType, Elements, KeyType, Object, ObjectBody, Origin, Rule, Ruleset, Set, Table, Verdict, Words,
};

const WORDS: Words = Words::nft(|name| Cow::Borrowed(name));

/// Every table.
pub fn nft_text(ruleset: &Ruleset) -> String {
    ruleset.tables.iter().map(|table| of_table(ruleset, table)).collect()
}

fn of_table(ruleset: &Ruleset, table: &Table) -> String {
    let mut out = format!("table {} {} {{\n{}", table.family().name(), table.name(), beside(table.comment()));
    table.objects().iter().for_each(|object| out.push_str(&of_object(object)));
    // What elements lead to must be there before them.
    for chain in table.chains() {
        writeln!(out, "chain {} {{\n{}{}}}", chain.name(), beside(chain.comment()), bound(chain)).unwrap();
    }
    table.sets().iter().for_each(|set| out.push_str(&of_set(table.family(), set)));
    for chain in table.chains() {
        writeln!(out, "chain {} {{", chain.name()).unwrap();
        for rule in chain.rules() {
            let comment = ruleset.origin(rule.origin()).map(Origin::comment).unwrap_or_default();
            writeln!(out, "{}{}", of_rule(table.family(), rule), commented(&comment)).unwrap();
        }
        let closed = |base: &ringwall_ir::BaseChain| (base.policy, base.kind) == (ChainPolicy::Drop, ChainType::Filter);
        if chain.bound().is_some_and(closed) {
            out.push_str("drop comment \"closing\"\n");
        }
        out.push_str("}\n");
    }
    out.push_str("}\n");
    out
}

fn commented(comment: &str) -> String {
    if comment.is_empty() { String::new() } else { format!(" comment \"{comment}\"") }
}

/// What somebody wrote beside a part.
fn beside(comment: Option<&str>) -> String {
    comment.map(|comment| format!("comment \"{comment}\"\n")).unwrap_or_default()
}

fn bound(chain: &Chain) -> String {
    let Some(base) = chain.bound() else { return String::new() };
    format!(
        "type {} hook {} priority {}; policy {};\n",
        base.kind.name(),
        base.hook.name(),
        base.priority.0,
        base.policy.name()
    )
}

fn of_object(object: &Object) -> String {
    let body = object.body();
    let inside = match body {
        ObjectBody::Counter(counts) => format!("packets {} bytes {}", counts.packets, counts.bytes),
        ObjectBody::Limit(_) | ObjectBody::Quota(_) => body.to_string(),
        ObjectBody::CtHelper { helper, family, protocol } => {
            let family = family.map_or_else(String::new, |family| format!("; l3proto {}", family.table().name()));
            format!("type \"{helper}\" protocol {protocol}{family};")
        }
        ObjectBody::CtTimeout { family, protocol, timeouts } => {
            let family = family.map_or_else(String::new, |family| format!(" l3proto {};", family.table().name()));
            let timeouts: Vec<_> = timeouts.iter().map(|(state, seconds)| format!("{state} : {seconds}")).collect();
            let policy = format!("policy = {{ {} }}", timeouts.join(", "));
            format!("protocol {protocol};{family} {policy};")
        }
    };
    format!("{} {} {{ {}{inside}\n}}\n", body.kind().name(), object.name(), beside(object.comment()))
}

fn of_set(family: TableFamily, set: &Set) -> String {
    let spec = set.spec();
    let kind = if spec.data.is_some() { "map" } else { "set" };
    let mut out = format!("{kind} {} {{\n{}\n{}", set.name(), types(family, set), beside(set.comment()));
    let flags: Vec<_> = spec.flags.names().collect();
    if !flags.is_empty() {
        writeln!(out, "flags {}", flags.join(",")).unwrap();
    }
    for (name, time) in [("timeout", spec.timeout), ("gc-interval", spec.gc_interval)] {
        time.iter().for_each(|time| writeln!(out, "{name} {time}").unwrap());
    }
    spec.size.iter().for_each(|size| writeln!(out, "size {size}").unwrap());
    if spec.auto_merge {
        out.push_str("auto-merge\n");
    }
    spec.meters.iter().for_each(|meter| writeln!(out, "{}", WORDS.meter(meter)).unwrap());
    let elements = WORDS.elements(spec, set.elements());
    if !elements.is_empty() {
        writeln!(out, "elements = {{ {} }}", elements.join(", ")).unwrap();
    }
    out.push_str("}\n");
    out
}

/// nft names data types, or where one does not tell enough, fields for all.
fn types(family: TableFamily, set: &Set) -> String {
    let spec = set.spec();
    let data = match &spec.data {
        Some(DataType::Values(parts)) => parts.as_slice(),
        _ => &[],
    };
    let of_fields = spec.key.iter().chain(data).any(|part| !part.has_word());
    let part = |part: &KeyType| match of_fields {
        true => part.field_in(family).unwrap_or_else(|| part.field()).to_string(),
        false => part.datatype().name().to_owned(),
    };
    let joined = |parts: &[KeyType]| parts.iter().map(part).collect::<Vec<_>>().join(" . ");
    let word = if of_fields { "typeof" } else { "type" };
    match &spec.data {
        None => format!("{word} {}", joined(&spec.key)),
        Some(DataType::Values(parts)) => {
            let interval = if has_ranges(set.elements()) { "interval " } else { "" };
            format!("{word} {} : {interval}{}", joined(&spec.key), joined(parts))
        }
        Some(other) => format!("{word} {} : {other}", joined(&spec.key)),
    }
}

fn has_ranges(elements: &Elements) -> bool {
    let is_range =
        |element: &ringwall_ir::Element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single());
    matches!(elements, Elements::List(list) if list.iter().any(is_range))
}

/// A rule; answers are said otherwise by nft, family by family.
pub fn of_rule(family: TableFamily, rule: &Rule) -> String {
    let text = WORDS.rule(rule);
    let Some(Verdict::Reject(refusal)) = rule.verdict() else { return text };
    let plain = format!("reject with {}", refusal.name());
    let before = text.strip_suffix(&plain).expect("the verdict comes last");
    format!("{before}reject with {}", refused(family, *refusal))
}

fn refused(family: TableFamily, refusal: Refusal) -> &'static str {
    match (family, refusal) {
        (_, Refusal::TcpReset) => "tcp reset",
        (TableFamily::Inet, Refusal::PortUnreachable) => "icmpx port-unreachable",
        (TableFamily::Inet, Refusal::HostUnreachable) => "icmpx host-unreachable",
        (TableFamily::Inet, Refusal::NetUnreachable) => "icmpx no-route",
        (TableFamily::Inet, Refusal::AdminProhibited) => "icmpx admin-prohibited",
        (TableFamily::Ip6, Refusal::PortUnreachable) => "icmpv6 port-unreachable",
        (TableFamily::Ip6, Refusal::HostUnreachable) => "icmpv6 addr-unreachable",
        (TableFamily::Ip6, Refusal::NetUnreachable) => "icmpv6 no-route",
        (TableFamily::Ip6, _) => "icmpv6 admin-prohibited",
        (_, Refusal::PortUnreachable) => "icmp port-unreachable",
        (_, Refusal::HostUnreachable) => "icmp host-unreachable",
        (_, Refusal::NetUnreachable) => "icmp net-unreachable",
        (_, Refusal::AdminProhibited) => "icmp admin-prohibited",
        (_, Refusal::ProtocolUnreachable) => "icmp prot-unreachable",
        (_, Refusal::NetProhibited) => "icmp net-prohibited",
        (_, Refusal::HostProhibited) => "icmp host-prohibited",
    }
}
