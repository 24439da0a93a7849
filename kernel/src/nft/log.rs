// SPDX-License-Identifier: GPL-3.0-or-later
//! `log`: a record in the kernel's ring buffer or for a group of nfnetlink_log (`net/netfilter/nft_log.c`).

use ringwall_ir::words::LogLevel;
use ringwall_ir::{Log, LogTarget};
use rustables::expr;
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, only};
use crate::netlink::{AttributeWriter, Attributes, Value};

pub(super) fn encode(log: &Log) -> Encoded {
    match log.target {
        LogTarget::Group(group) => {
            let mut typed = expr::Log::default().with_group(group);
            if let Some(prefix) = &log.prefix {
                typed.set_prefix(prefix);
            }
            Encoded::typed(typed)
        }
        LogTarget::Kernel(level) => {
            let mut attributes = AttributeWriter::new();
            if let Some(prefix) = &log.prefix {
                attributes = attributes.text(sys::NFTA_LOG_PREFIX, prefix);
            }
            Encoded::spliced("log", attributes.be32(sys::NFTA_LOG_LEVEL, level.number()))
        }
    }
}

pub(super) fn decode(attributes: Attributes<'_>) -> Result<Log, Unknown> {
    let known = [
        sys::NFTA_LOG_GROUP,
        sys::NFTA_LOG_PREFIX,
        sys::NFTA_LOG_LEVEL,
        sys::NFTA_LOG_SNAPLEN,
        sys::NFTA_LOG_QTHRESHOLD,
        sys::NFTA_LOG_FLAGS,
    ];
    only("log", attributes, &known)?;
    for kind in [sys::NFTA_LOG_SNAPLEN, sys::NFTA_LOG_FLAGS] {
        plain(attributes.get(kind).map_or(Ok(0), Value::be32)?)?;
    }
    plain(attributes.get(sys::NFTA_LOG_QTHRESHOLD).map_or(Ok(0), Value::be16)?.into())?;
    let prefix = attributes.get(sys::NFTA_LOG_PREFIX).map(Value::text).transpose()?.map(str::to_owned);
    let target = match attributes.get(sys::NFTA_LOG_GROUP) {
        Some(group) => LogTarget::Group(group.be16()?),
        None => {
            let level = attributes.need(sys::NFTA_LOG_LEVEL)?.be32()?;
            LogTarget::Kernel(LogLevel::numbered(level).ok_or_else(|| Unknown::value("level of `log`", level))?)
        }
    };
    Ok(Log { prefix, target })
}

/// Ours set no length, threshold or flag.
fn plain(value: u32) -> Result<(), Unknown> {
    if value == 0 { Ok(()) } else { Err(Unknown::value("option of `log`", value)) }
}
