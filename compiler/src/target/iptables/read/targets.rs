// SPDX-License-Identifier: GPL-3.0-or-later
//! The targets: what each does in the IR.

mod ct;
mod mark;
mod nat;
mod set;

use ringwall_ir::words::{Family, LogFlags, Refusal};
use ringwall_ir::{Assignment, Datatype, Log, LogTarget, Mss, Queue, Statement, Step, Target, Verdict};

use super::Known;
use super::block::{Block, NOT_MODELLED, Opt};
use super::matches::{narrow, port_number};
use super::rule::Reading;
use crate::target::iptables::number;
use crate::target::iptables::words::{log, refusal, tcp};

/// What a target does: steps, and perhaps a verdict.
type Done = (Vec<Step>, Option<Verdict>);

/// What a target does.
///
/// # Errors
/// Why the IR has no words for it.
pub(super) fn lift(reading: &mut Reading<'_>, block: &Block<'_>) -> Known<Done> {
    block.known()?;
    let verdict = |verdict| Ok((Vec::new(), Some(verdict)));
    match block.name {
        "ACCEPT" => verdict(Verdict::Accept),
        "DROP" => verdict(Verdict::Drop),
        "RETURN" => verdict(Verdict::Return),
        "QUEUE" => verdict(Verdict::Queue(Queue { numbers: (0, 0), bypass: false, fanout: false })),
        "NFQUEUE" => verdict(Verdict::Queue(queue(block)?)),
        "REJECT" => verdict(Verdict::Reject(match block.option("--reject-with") {
            Some(option) => refusal::named(reading.family, option.value()).ok_or_else(|| {
                format!("`{}` is no answer of {} that is modelled", option.value(), reading.family.name())
            })?,
            None => Refusal::PortUnreachable,
        })),
        "DNAT" => verdict(Verdict::Dnat(nat::translation(block, reading, "--to-destination")?)),
        "SNAT" => verdict(Verdict::Snat(nat::translation(block, reading, "--to-source")?)),
        "NETMAP" => verdict(nat::map(block, reading)?),
        "MASQUERADE" => {
            let (ports, flags) = nat::ports(block, reading)?;
            verdict(Verdict::Masquerade { ports, flags })
        }
        "REDIRECT" => {
            let (ports, flags) = nat::ports(block, reading)?;
            verdict(Verdict::Redirect { ports, flags })
        }
        "NOTRACK" => statement(Statement::Notrack),
        "CT" => ct::ct(reading, block),
        "LOG" => statement(Statement::Log(kernel_log(block)?)),
        "NFLOG" => statement(Statement::Log(group_log(block)?)),
        "MARK" => statement(Statement::Assign(mark::mark(block, Target::Mark)?)),
        "CONNMARK" => statement(Statement::Assign(mark::mark(block, Target::CtMark)?)),
        "CLASSIFY" => {
            let option = block.need("--set-class")?;
            let class = Datatype::Classid.parse_value(option.value()).and_then(|class| u32::try_from(class).ok());
            let class = class.ok_or_else(|| option.is_no("class: write `MAJOR:MINOR`"))?;
            statement(Statement::Assign(Assignment::value(Target::Priority, class)))
        }
        "TCPMSS" => statement(Statement::Mss(match block.option("--set-mss") {
            Some(option) => match narrow(option)? {
                bytes if bytes > tcp::SIZE_MAX => return Err(option.is_no("segment size: they are 0 to 65515")),
                bytes if !reading.offers_size && bytes < assumed_size(reading.family) => {
                    return Err(format!(
                        "iptables writes {bytes} into a SYN that offers no segment size too, and the IR leaves that as \
                         it is: write `-m tcpmss --mss 0:65535` beside it"
                    ));
                }
                bytes => Mss::Value(bytes),
            },
            None => block.need("--clamp-mss-to-pmtu").map(|_| Mss::Path)?,
        })),
        "SET" => set::set(reading, block),
        _ => Err(NOT_MODELLED.to_owned()),
    }
}

/// The segment size of who offers none, in bytes (RFC 9293 §3.7.1): iptables writes no more than that into such a SYN
/// (`tcpmss_mangle_packet` in `xt_TCPMSS.c`), which tells nobody anything new.
const fn assumed_size(family: Family) -> u16 {
    match family {
        Family::Ipv4 => 536,
        Family::Ipv6 => 1220,
    }
}

fn statement(statement: Statement) -> Known<Done> {
    Ok((vec![statement.into()], None))
}

fn queue(block: &Block<'_>) -> Known<Queue> {
    let numbers = match (block.option("--queue-num"), block.option("--queue-balance")) {
        (None, None) => (0, 0),
        (Some(option), None) => (narrow(option)?, narrow(option)?),
        (None, Some(option)) => {
            let end = |text| number(text).and_then(|number| u16::try_from(number).ok());
            let ends = option.value().split_once(':').and_then(|(first, last)| Some((end(first)?, end(last)?)));
            let ends = ends.filter(|(first, last)| first < last);
            ends.ok_or_else(|| option.is_no("range of queues: write `FIRST:LAST`"))?
        }
        (Some(_), Some(_)) => return Err("it has both `--queue-num` and `--queue-balance`".to_owned()),
    };
    if block.has("--queue-cpu-fanout") && !block.has("--queue-balance") {
        return Err("`--queue-cpu-fanout` needs `--queue-balance` beside it".to_owned());
    }
    Ok(Queue { numbers, bypass: block.has("--queue-bypass"), fanout: block.has("--queue-cpu-fanout") })
}

/// What stands before a record. iptables takes no empty prefix.
fn prefix<'a>(block: &Block<'a>, option: &str) -> Known<Option<&'a str>> {
    match block.option(option).map(Opt::value) {
        Some("") => Err(format!("`{option}` is empty: leave it out")),
        prefix => Ok(prefix),
    }
}

fn kernel_log(block: &Block<'_>) -> Known<Log> {
    let level = match block.option("--log-level") {
        Some(option) => log::level_named(option.value()).ok_or_else(|| option.is_no("level of the log of iptables"))?,
        None => log::DEFAULT_LEVEL,
    };
    let flags = block.options.iter().filter_map(|option| log::flag(option.name)).fold(LogFlags::NONE, LogFlags::union);
    // The rest is cut off without a word.
    let cut = |prefix: &str| match prefix.get(..log::LOG_PREFIX_MAX.min(prefix.len())) {
        Some(prefix) => Ok(prefix.to_owned()),
        None => Err(format!("iptables cuts its prefix within a letter, after {} bytes", log::LOG_PREFIX_MAX)),
    };
    let prefix = prefix(block, "--log-prefix")?.map(cut).transpose()?;
    Ok(Log { prefix, target: LogTarget::Kernel { level, flags } })
}

/// `--nflog-range` never did anything (`xt_NFLOG.c`).
fn group_log(block: &Block<'_>) -> Known<Log> {
    let value = |name| block.option(name).map_or(Ok(0), narrow::<u16>);
    let group = value("--nflog-group")?;
    let threshold = Some(value("--nflog-threshold")?).filter(|&packets| packets > 0);
    let snaplen = block.option("--nflog-size").map(narrow).transpose()?;
    let prefix = prefix(block, "--nflog-prefix")?.map(str::to_owned);
    if prefix.as_ref().is_some_and(|prefix| prefix.len() > log::NFLOG_PREFIX_MAX) {
        let max = log::NFLOG_PREFIX_MAX;
        return Err(format!(
            "iptables-legacy cuts its prefix after {max} bytes, and iptables-nft does not: shorten it"
        ));
    }
    Ok(Log { prefix, target: LogTarget::Group { group, snaplen, threshold } })
}

/// `80`, `80-90` behind an option.
fn port_range(text: &str) -> Known<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok((port_number(first)?, port_number(last)?))
}
