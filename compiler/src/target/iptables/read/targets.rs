// SPDX-License-Identifier: GPL-3.0-or-later
//! The targets: what each does in the IR.

mod ct;
mod mark;
mod nat;
mod set;

use ringwall_ir::words::{LogFlags, Refusal};
use ringwall_ir::{Assignment, Datatype, Log, LogTarget, Mss, Queue, Statement, Step, Target, Verdict};

use super::block::Block;
use super::matches::number;
use super::rule::Reading;
use crate::target::iptables::words::{log, refusal};

/// What a target does: steps, and perhaps a verdict.
type Done = (Vec<Step>, Option<Verdict>);

/// What a target does; none where the IR has no words for it.
pub(super) fn lift(reading: &mut Reading<'_>, block: &Block<'_>) -> Option<Done> {
    if block.options.iter().any(|option| option.negated) {
        return None;
    }
    let verdict = |verdict| Some((Vec::new(), Some(verdict)));
    match block.name {
        "ACCEPT" => verdict(Verdict::Accept),
        "DROP" => verdict(Verdict::Drop),
        "RETURN" => verdict(Verdict::Return),
        "QUEUE" => verdict(Verdict::Queue(Queue { numbers: (0, 0), bypass: false, fanout: false })),
        "NFQUEUE" => verdict(Verdict::Queue(queue(block)?)),
        "REJECT" => verdict(Verdict::Reject(match block.option("--reject-with") {
            Some(option) => refusal::named(reading.family, option.value())?,
            None => Refusal::PortUnreachable,
        })),
        "DNAT" => verdict(Verdict::Dnat(nat::translation(block, reading.family, "--to-destination")?)),
        "SNAT" => verdict(Verdict::Snat(nat::translation(block, reading.family, "--to-source")?)),
        "NETMAP" => verdict(nat::map(block, reading)?),
        "MASQUERADE" => {
            let (ports, flags) = nat::ports(block)?;
            verdict(Verdict::Masquerade { ports, flags })
        }
        "REDIRECT" => {
            let (ports, flags) = nat::ports(block)?;
            verdict(Verdict::Redirect { ports, flags })
        }
        "NOTRACK" => Some((vec![Statement::Notrack.into()], None)),
        "CT" => ct::ct(reading, block),
        "LOG" => statement(Statement::Log(kernel_log(block)?)),
        "NFLOG" => statement(Statement::Log(group_log(block)?)),
        "MARK" => statement(Statement::Assign(mark::mark(block, Target::Mark)?)),
        "CONNMARK" => statement(Statement::Assign(mark::mark(block, Target::CtMark)?)),
        "CLASSIFY" => {
            let class = Datatype::Classid.parse_value(block.option("--set-class")?.value())?;
            statement(Statement::Assign(Assignment::value(Target::Priority, u32::try_from(class).ok()?)))
        }
        "TCPMSS" => statement(Statement::Mss(match block.option("--set-mss") {
            Some(option) => Mss::Value(u16::try_from(number(option.value())?).ok()?),
            None if block.has("--clamp-mss-to-pmtu") => Mss::Path,
            None => return None,
        })),
        "SET" => set::set(reading, block),
        _ => None,
    }
}

fn statement(statement: Statement) -> Option<Done> {
    Some((vec![statement.into()], None))
}

fn queue(block: &Block<'_>) -> Option<Queue> {
    let number = |text: &str| text.parse::<u16>().ok();
    let numbers = match (block.option("--queue-num"), block.option("--queue-balance")) {
        (None, None) => (0, 0),
        (Some(option), None) => (number(option.value())?, number(option.value())?),
        (None, Some(option)) => {
            let (first, last) = option.value().split_once(':')?;
            (number(first)?, number(last)?)
        }
        (Some(_), Some(_)) => return None,
    };
    Some(Queue { numbers, bypass: block.has("--queue-bypass"), fanout: block.has("--queue-cpu-fanout") })
}

fn prefix(block: &Block<'_>, option: &str) -> Option<String> {
    block.option(option).map(|option| option.value().to_owned()).filter(|prefix| !prefix.is_empty())
}

fn kernel_log(block: &Block<'_>) -> Option<Log> {
    let level = match block.option("--log-level") {
        Some(option) => log::level_named(option.value())?,
        None => log::DEFAULT_LEVEL,
    };
    let flags = block.options.iter().filter_map(|option| log::flag(option.name)).fold(LogFlags::NONE, LogFlags::union);
    Some(Log { prefix: prefix(block, "--log-prefix"), target: LogTarget::Kernel { level, flags } })
}

/// `--nflog-range` never did anything (`xt_NFLOG.c`).
fn group_log(block: &Block<'_>) -> Option<Log> {
    let value = |name| block.option(name).map_or(Some(0), |option| number(option.value()));
    let group = u16::try_from(value("--nflog-group")?).ok()?;
    let threshold = u16::try_from(value("--nflog-threshold")?).ok()?;
    let snaplen = match block.option("--nflog-size") {
        Some(option) => Some(u32::try_from(number(option.value())?).ok()?),
        None => None,
    };
    let threshold = Some(threshold).filter(|&packets| packets > 0);
    Some(Log { prefix: prefix(block, "--nflog-prefix"), target: LogTarget::Group { group, snaplen, threshold } })
}
