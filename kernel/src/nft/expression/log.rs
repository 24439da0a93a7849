// SPDX-License-Identifier: GPL-3.0-or-later
//! `log`: a record in the kernel's ring buffer or for a group of nfnetlink_log (`net/netfilter/nft_log.c`).

use ringwall_ir::words::{LogFlags, LogLevel};
use ringwall_ir::{Log, LogTarget};
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;

pub(super) fn write(log: &Log, writer: AttributeWriter) -> AttributeWriter {
    let mut writer = match &log.prefix {
        Some(prefix) => writer.text(sys::NFTA_LOG_PREFIX, prefix),
        None => writer,
    };
    match log.target {
        LogTarget::Group { group, snaplen, threshold } => {
            writer = writer.be16(sys::NFTA_LOG_GROUP, group);
            if let Some(bytes) = snaplen {
                writer = writer.be32(sys::NFTA_LOG_SNAPLEN, bytes);
            }
            match threshold {
                Some(packets) => writer.be16(sys::NFTA_LOG_QTHRESHOLD, packets),
                None => writer,
            }
        }
        LogTarget::Kernel { level, flags } => {
            writer = writer.be32(sys::NFTA_LOG_LEVEL, level.number());
            match flags {
                LogFlags::NONE => writer,
                flags => writer.be32(sys::NFTA_LOG_FLAGS, flags.bits().into()),
            }
        }
    }
}

pub(super) fn read(attributes: Attributes<'_>) -> Result<Log, Unknown> {
    let known = [
        sys::NFTA_LOG_GROUP,
        sys::NFTA_LOG_PREFIX,
        sys::NFTA_LOG_LEVEL,
        sys::NFTA_LOG_SNAPLEN,
        sys::NFTA_LOG_QTHRESHOLD,
        sys::NFTA_LOG_FLAGS,
    ];
    only("log", attributes, &known)?;
    let prefix = attributes.get(sys::NFTA_LOG_PREFIX).map(Value::text).transpose()?.map(str::to_owned);
    let target = match attributes.get(sys::NFTA_LOG_GROUP) {
        Some(group) => LogTarget::Group {
            group: group.be16()?,
            snaplen: attributes.get(sys::NFTA_LOG_SNAPLEN).map(Value::be32).transpose()?,
            // The kernel takes none and zero for the same.
            threshold: attributes.get(sys::NFTA_LOG_QTHRESHOLD).map(Value::be16).transpose()?.filter(|&most| most > 0),
        },
        None => {
            let level = attributes.need(sys::NFTA_LOG_LEVEL)?.be32()?;
            let flags = attributes.get(sys::NFTA_LOG_FLAGS).map_or(Ok(0), Value::be32)?;
            LogTarget::Kernel {
                level: LogLevel::numbered(level).ok_or_else(|| Unknown::value("level of `log`", level))?,
                flags: u8::try_from(flags)
                    .ok()
                    .and_then(LogFlags::from_bits)
                    .ok_or_else(|| Unknown::value("flags of `log`", flags))?,
            }
        }
    };
    Ok(Log { prefix: prefix.filter(|prefix| !prefix.is_empty()), target })
}
