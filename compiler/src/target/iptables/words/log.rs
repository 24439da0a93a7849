// SPDX-License-Identifier: GPL-3.0-or-later
//! The records of `LOG` and `NFLOG`.

use ringwall_ir::words::{LogFlags, LogLevel};

use crate::target::iptables::number;

/// A level by its number or by iptables' name for it; two of them nft calls otherwise.
pub(in crate::target::iptables) fn level_named(name: &str) -> Option<LogLevel> {
    match name {
        "warning" => Some(LogLevel::Warn),
        "error" => Some(LogLevel::Err),
        "panic" => Some(LogLevel::Emerg),
        "warn" | "err" => None,
        _ => match number(name) {
            Some(level) => u32::try_from(level).ok().and_then(LogLevel::numbered),
            None => LogLevel::named(name),
        },
    }
}

/// The level of `LOG` where none is named.
pub(in crate::target::iptables) const DEFAULT_LEVEL: LogLevel = LogLevel::Warn;
/// The longest prefix of `LOG`, in bytes. A longer one is cut off without a word (`struct xt_log_info`).
pub(in crate::target::iptables) const LOG_PREFIX_MAX: usize = 29;
/// The longest prefix of `NFLOG`, in bytes (`struct xt_nflog_info`).
pub(in crate::target::iptables) const NFLOG_PREFIX_MAX: usize = 63;

/// The options of `LOG` for nft's words, in the order in which iptables-save prints them.
const FLAGS: [(&str, &str); 5] = [
    ("tcp sequence", "--log-tcp-sequence"),
    ("tcp options", "--log-tcp-options"),
    ("ip options", "--log-ip-options"),
    ("skuid", "--log-uid"),
    ("ether", "--log-macdecode"),
];

/// The options of flags.
pub(in crate::target::iptables) fn flags(flags: LogFlags) -> impl Iterator<Item = &'static str> {
    let set: Vec<_> = flags.names().collect();
    FLAGS.into_iter().filter(move |(name, _)| set.contains(name)).map(|(_, option)| option)
}

/// The flag of an option.
pub(in crate::target::iptables) fn flag(option: &str) -> Option<LogFlags> {
    FLAGS.into_iter().find(|(_, known)| *known == option).and_then(|(name, _)| LogFlags::named(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_an_option() {
        let all = flags(LogFlags::ALL).filter_map(flag).fold(LogFlags::NONE, LogFlags::union);
        assert_eq!(all, LogFlags::ALL);
    }
}
