// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule does on the way, as targets of iptables.

use ringwall_ir::words::{CtDirection, Hook, LogFlags, LogLevel, Protocol};
use ringwall_ir::{
    Assignment, Field, Log, LogTarget, Milliseconds, Mss, ObjectBody, ObjectKind, SetOperation, SetUpdate, Source,
    Statement, Target,
};

use super::line::Test;
use super::place::Place;
use super::reach::Reach;
use super::stage::Action;
use crate::target::iptables::table::XtTable;
use crate::target::iptables::words::{log, protocol, quoted, state, tcp};

/// The longest timeout of a set's element, in seconds (`IPSET_MAX_TIMEOUT`).
const TIMEOUT_MAX: u64 = 2_147_483;

/// The targets of statements that stand one behind the other; `end` says that the rule ends with them. Those about a packet
/// that conntrack has not seen become one, for a second `CT` does nothing (`xt_CT.c`).
///
/// # Errors
/// What iptables cannot do.
pub(super) fn actions(
    place: &Place<'_>,
    statements: &[&Statement],
    reach: &Reach,
    end: bool,
) -> Result<Vec<Action>, String> {
    let mut actions: Vec<Action> = Vec::new();
    let mut untracked: Option<Action> = None;
    for statement in statements {
        let Some(words) = before_conntrack(place, statement, reach, end && statements.len() == 1)? else {
            actions.extend(untracked.take());
            actions.extend(action(place, statement, reach)?);
            continue;
        };
        untracked = Some(match untracked.take() {
            None => words,
            Some(before) => both(before, words)?,
        });
    }
    actions.extend(untracked);
    Ok(actions)
}

/// One `CT` for two: a zone, and a helper for the entry in it.
fn both(before: Action, action: Action) -> Result<Action, String> {
    let (zone, helper) = (before.target.contains("--zone"), action.target.contains("--helper"));
    if before.target == action.target {
        return Ok(before);
    }
    if !zone || !helper || before.target.contains("--helper") {
        return Err("iptables gives a packet one ct zone and one helper at once, and nothing else".to_owned());
    }
    Ok(Action { target: action.target.replacen("-j CT", &before.target, 1), ..action })
}

fn writes(target: String) -> Action {
    Action { writes: true, ..Action::of(target) }
}

/// `CT`, where it is one. Alone, a helper needs no test of its protocol: packets of another one go on as they are.
fn before_conntrack(
    place: &Place<'_>,
    statement: &Statement,
    reach: &Reach,
    alone: bool,
) -> Result<Option<Action>, String> {
    let (what, words) = match statement {
        Statement::Notrack => ("notrack", "--notrack".to_owned()),
        Statement::Assign(Assignment { target: Target::CtZone(direction), source, .. }) => {
            let Source::Value(zone) = source else { return Err("iptables sets a ct zone that is written".to_owned()) };
            // Zone 0 of one direction is that of both, and iptables-save prints neither.
            let option = match direction.filter(|_| *zone != 0) {
                None => "--zone",
                Some(CtDirection::Original) => "--zone-orig",
                Some(CtDirection::Reply) => "--zone-reply",
            };
            ("ct zones", format!("{option} {zone}"))
        }
        Statement::CtHelper(name) => {
            let Some(ObjectBody::CtHelper { helper, protocol, .. }) =
                place.table.object(ObjectKind::CtHelper, name).map(|object| object.body())
            else {
                return Err(format!("there is no helper `{name}`"));
            };
            if reach.only() != Some(*protocol) && !(alone && reach.protocols.contains(u128::from(protocol.0))) {
                return Err(format!("iptables gives the helper `{helper}` to packets of {protocol} alone"));
            }
            let helper = quoted(helper);
            place.only_in(XtTable::Raw, "helpers")?;
            let needs = vec![Test::own("-p", false, protocol::protocol(place.family, *protocol))];
            return Ok(Some(Action { needs, ..writes(format!("-j CT --helper {helper}")) }));
        }
        _ => return Ok(None),
    };
    place.only_in(XtTable::Raw, what)?;
    Ok(Some(writes(format!("-j CT {words}"))))
}

/// One target; none for a counter, which every rule of iptables has.
fn action(place: &Place<'_>, statement: &Statement, reach: &Reach) -> Result<Option<Action>, String> {
    match statement {
        Statement::Counter(_) => Ok(None),
        Statement::Log(log) => logged(log).map(|target| Some(Action::of(target))),
        Statement::Assign(assignment) => assigned(place, assignment).map(Some),
        Statement::Mss(_) if !reach.syn => {
            Err("iptables bounds the segment size in a rule of tcp flag syn alone".to_owned())
        }
        Statement::Mss(mss) => segment_size(place, *mss).map(Some),
        Statement::SetUpdate(update) => update_of(place, update).map(Some),
        Statement::Object(_) => Err("xtables has no named objects".to_owned()),
        Statement::CtTimeout(name) => Err(format!("the timeouts `{name}` are made by nfct(8), not by iptables")),
        Statement::CtHelper(_) | Statement::Notrack => Ok(None),
    }
}

fn logged(log: &Log) -> Result<String, String> {
    let prefix = log.prefix.as_deref().unwrap_or_default();
    let (target, option, max) = match log.target {
        LogTarget::Group { .. } => ("NFLOG", "--nflog-prefix", log::NFLOG_PREFIX_MAX),
        LogTarget::Kernel { .. } => ("LOG", "--log-prefix", log::LOG_PREFIX_MAX),
    };
    if prefix.len() > max {
        return Err(format!("{target} cuts the log prefix `{prefix}` off after {max} bytes"));
    }
    if prefix.contains(|character: char| character.is_control()) {
        return Err(format!("{target} takes no line break in a prefix"));
    }
    let mut words = format!("-j {target}");
    if !prefix.is_empty() {
        let escaped = prefix.replace('\\', "\\\\").replace('"', "\\\"");
        words.push_str(&format!(" {option} \"{escaped}\""));
    }
    match log.target {
        LogTarget::Group { group, snaplen, threshold } => {
            words.push_str(&format!(" --nflog-group {group}"));
            if let Some(bytes) = snaplen {
                words.push_str(&format!(" --nflog-size {bytes}"));
            }
            if let Some(packets) = threshold {
                words.push_str(&format!(" --nflog-threshold {packets}"));
            }
        }
        LogTarget::Kernel { level, flags } => words.push_str(&kernel(level, flags)),
    }
    Ok(words)
}

fn kernel(level: LogLevel, flags: LogFlags) -> String {
    let mut words = String::new();
    if level != log::DEFAULT_LEVEL {
        words.push_str(&format!(" --log-level {}", level.number()));
    }
    for option in log::flags(flags) {
        words.push_str(&format!(" {option}"));
    }
    words
}

/// `MARK`, `CONNMARK` and `CLASSIFY`: `new = (old & ~mask) ^ value`.
fn assigned(place: &Place<'_>, assignment: &Assignment) -> Result<Action, String> {
    let Assignment { target, keep, source } = assignment;
    let mask = !keep;
    match (target, source) {
        (Target::Priority, Source::Value(class)) if *keep == 0 => {
            place.only_at(&[Hook::Forward, Hook::Output, Hook::Postrouting], "traffic classes")?;
            Ok(writes(format!("-j CLASSIFY --set-class {:x}:{:x}", class >> 16, class & 0xffff)))
        }
        (Target::Mark, Source::Value(value)) => Ok(writes(format!("-j MARK --set-xmark {value:#x}/{mask:#x}"))),
        (Target::CtMark, Source::Value(value)) => Ok(writes(format!("-j CONNMARK --set-xmark {value:#x}/{mask:#x}"))),
        (Target::CtMark, Source::Field { selector, xor: 0 }) if selector.field() == Field::MetaMark => {
            let taken = selector.bits();
            Ok(writes(format!("-j CONNMARK --save-mark --nfmask {taken:#x} --ctmask {mask:#x}")))
        }
        (Target::Mark, Source::Field { selector, xor: 0 }) if selector.field() == Field::CtMark => {
            let taken = selector.bits();
            let target = format!("-j CONNMARK --restore-mark --nfmask {mask:#x} --ctmask {taken:#x}");
            // Without an entry there is no mark, and nf_tables leaves the rule.
            let then = vec![Test::of("conntrack", "--ctstate", true, state::states(state::without_entry()))];
            Ok(Action { then, ..writes(target) })
        }
        (_, Source::Map { .. }) => Err("xtables has no maps".to_owned()),
        _ => Err("iptables writes a value, or the mark of the packet to its entry and back".to_owned()),
    }
}

/// `TCPMSS`. It would write a size into a SYN that offers none, which nf_tables leaves as it is: so that is tested first.
fn segment_size(place: &Place<'_>, mss: Mss) -> Result<Action, String> {
    const MAX: u16 = tcp::SIZE_MAX;
    let target = match mss {
        Mss::Value(bytes) if bytes > MAX => {
            return Err(format!("the segment size {bytes} is more than iptables' {MAX}"));
        }
        Mss::Value(bytes) => format!("-j TCPMSS --set-mss {bytes}"),
        Mss::Path => {
            place.only_at(&[Hook::Forward, Hook::Output, Hook::Postrouting], "the path's segment size")?;
            "-j TCPMSS --clamp-mss-to-pmtu".to_owned()
        }
    };
    let needs = vec![
        Test::of("tcp", "--tcp-flags", false, "SYN SYN").beside(Some(Protocol::TCP)),
        Test::of("tcpmss", "--mss", false, "0:65535").beside(Some(Protocol::TCP)),
    ];
    Ok(Action { needs, ..writes(target) })
}

/// `SET`. Where an element could not be added, for the set is full, nf_tables leaves the rule; so what follows asks
/// whether it is there.
fn update_of(place: &Place<'_>, update: &SetUpdate) -> Result<Action, String> {
    let SetUpdate { operation, set, key, data, timeout, meters } = update;
    let Some(known) = place.sets.named(set)? else { return Err(format!("ipset cannot hold the set `{set}`")) };
    if data.is_some() || !meters.is_empty() {
        return Err("ipset keeps no data and counts nothing for its elements".to_owned());
    }
    if key.iter().any(|selector| selector.mask().is_some()) {
        return Err("ipset adds whole fields, not under a mask".to_owned());
    }
    let fields: Vec<Field> = key.iter().map(|selector| selector.field()).collect();
    let (name, directions) = (known.name(), known.directions(&fields)?);
    let option = if *operation == SetOperation::Delete { "--del-set" } else { "--add-set" };
    let mut words = format!("-j SET {option} {name} {directions}");
    if *operation == SetOperation::Update {
        words.push_str(" --exist");
    }
    if let Some(Milliseconds(time)) = timeout {
        if time % 1000 != 0 || time / 1000 > TIMEOUT_MAX {
            return Err(format!("ipset keeps elements for whole seconds, at most {TIMEOUT_MAX}"));
        }
        words.push_str(&format!(" --timeout {}", time / 1000));
    }
    let then = match operation {
        SetOperation::Delete => Vec::new(),
        SetOperation::Add | SetOperation::Update => {
            vec![Test::of("set", "--match-set", false, format!("{name} {directions}"))]
        }
    };
    Ok(Action { then, ..writes(words) })
}
