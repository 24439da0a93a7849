// SPDX-License-Identifier: GPL-3.0-or-later
//! Statements in nft's words.

use super::Words;
use super::test::interval_text;
use crate::object::ObjectKind;
use crate::rule::{
    Assignment, ConnLimit, Counts, Limit, LimitUnit, Log, LogTarget, Meter, Mss, ObjectRef, Quota, SetUpdate, Source,
    Statement,
};
use crate::words::{LogFlags, LogLevel};

impl Words {
    /// A statement.
    #[must_use]
    pub fn statement(self, statement: &Statement) -> String {
        match statement {
            Statement::Assign(assignment) => self.assignment(assignment),
            Statement::Counter(counts) => self.counter(*counts),
            Statement::CtHelper(name) => format!("ct helper set \"{}\"", (self.name)(name)),
            Statement::CtTimeout(name) => format!("ct timeout set \"{}\"", (self.name)(name)),
            Statement::Log(log) => logged(log),
            Statement::Mss(Mss::Path) => "tcp option maxseg size set rt mtu".to_owned(),
            Statement::Mss(Mss::Value(bytes)) => format!("tcp option maxseg size set {bytes}"),
            Statement::Notrack => "notrack".to_owned(),
            Statement::Object(object) => object_ref(self, ObjectKind::Counter, object),
            Statement::SetUpdate(update) => self.set_update(update),
        }
    }

    fn assignment(self, assignment: &Assignment) -> String {
        let Assignment { target, keep, source } = assignment;
        let field = target.field();
        let value = |bits: u32| interval_text(field.datatype(), u128::from(bits), u128::from(bits));
        let (joint, source) = match source {
            Source::Field { selector, xor } => {
                let flipped = if *xor == 0 { String::new() } else { format!(" ^ {}", value(*xor)) };
                (" ^ ", format!("{}{flipped}", self.selector(*selector)))
            }
            Source::Map { key, map } => (" ^ ", self.looked_up(key, map, &[field.datatype()])),
            Source::Value(bits) => (if keep & bits == 0 { " | " } else { " ^ " }, value(*bits)),
        };
        match keep {
            0 => format!("{field} set {source}"),
            _ => format!("{field} set {field} & {}{joint}{source}", value(*keep)),
        }
    }

    /// What each element of a set counts.
    #[must_use]
    pub fn meter(self, meter: &Meter) -> String {
        match meter {
            Meter::ConnLimit(limit) => conn_limit(*limit),
            Meter::Counter(counts) => self.counter(*counts),
            Meter::Limit(rate) => limit(rate),
            Meter::Quota(amount) => self.quota(amount),
        }
    }

    /// What was counted is not part of what a rule says.
    fn counter(self, Counts { packets, bytes }: Counts) -> String {
        if self.nft && packets | bytes != 0 {
            format!("counter packets {packets} bytes {bytes}")
        } else {
            "counter".to_owned()
        }
    }

    /// An amount of bytes.
    pub(super) fn quota(self, Quota { bytes, used, over }: &Quota) -> String {
        let used = if self.nft && *used != 0 { format!(" used {used} bytes") } else { String::new() };
        format!("quota {}{bytes} bytes{used}", if *over { "over " } else { "" })
    }

    fn set_update(self, update: &SetUpdate) -> String {
        let SetUpdate { operation, set, key, data, timeout, meters } = update;
        let mut element = self.key(key);
        if let Some(timeout) = timeout {
            element.push_str(&format!(" timeout {timeout}"));
        }
        for each in meters {
            element.push(' ');
            element.push_str(&self.meter(each));
        }
        match data {
            Some(Source::Field { selector, .. }) => element.push_str(&format!(" : {}", self.selector(*selector))),
            Some(Source::Value(value)) => element.push_str(&format!(" : {value:#x}")),
            Some(Source::Map { key, map }) => element.push_str(&format!(" : {}", self.looked_up(key, map, &[]))),
            None => {}
        }
        format!("{} @{} {{ {element} }}", operation.name(), (self.name)(set))
    }
}

/// An object, or the map that gives it.
pub(super) fn object_ref(words: Words, kind: ObjectKind, object: &ObjectRef) -> String {
    let kind = kind.name();
    match object {
        ObjectRef::Map { key, map } => format!("{kind} name {} map @{}", words.key(key), (words.name)(map)),
        ObjectRef::Named(name) => format!("{kind} name \"{}\"", (words.name)(name)),
    }
}

/// A rate.
pub(super) fn limit(limit: &Limit) -> String {
    let Limit { amount, per, unit, burst, over } = limit;
    let over = if *over { "over " } else { "" };
    match unit {
        LimitUnit::Packets => format!("limit rate {over}{amount}/{} burst {burst} packets", per.name()),
        LimitUnit::Bytes if *burst == 0 => format!("limit rate {over}{amount} bytes/{}", per.name()),
        LimitUnit::Bytes => format!("limit rate {over}{amount} bytes/{} burst {burst} bytes", per.name()),
    }
}

/// A number of open conversations.
pub(super) fn conn_limit(limit: ConnLimit) -> String {
    format!("ct count {}{}", if limit.over { "over " } else { "" }, limit.count)
}

fn logged(log: &Log) -> String {
    let mut words = String::from("log");
    if let Some(prefix) = &log.prefix {
        words.push_str(&format!(" prefix \"{prefix}\""));
    }
    match log.target {
        LogTarget::Group { group, snaplen, threshold } => {
            words.push_str(&format!(" group {group}"));
            if let Some(bytes) = snaplen {
                words.push_str(&format!(" snaplen {bytes}"));
            }
            if let Some(packets) = threshold {
                words.push_str(&format!(" queue-threshold {packets}"));
            }
        }
        LogTarget::Kernel { level, flags } => {
            if level != LogLevel::Warn {
                words.push_str(&format!(" level {}", level.name()));
            }
            words.push_str(&log_flags(flags));
        }
    }
    words
}

fn log_flags(flags: LogFlags) -> String {
    match flags {
        LogFlags::ALL => " flags all".to_owned(),
        _ => {
            // nft joins the two flags of one protocol: `flags tcp sequence,options`.
            let names: Vec<_> = flags.names().map(|name| format!(" flags {name}")).collect();
            names.concat().replace(" flags tcp sequence flags tcp options", " flags tcp sequence,options")
        }
    }
}
