// SPDX-License-Identifier: GPL-3.0-or-later
//! TCP flags.

use ringwall_ir::words::TcpFlags;

/// The flags that `--tcp-flags` knows, without those of ECN.
pub(in crate::target::iptables) const FLAGS: u8 = 0b0011_1111;
/// What `--syn` looks at, and what it wants.
pub(in crate::target::iptables) const SYN: (u8, u8) = (0b1_0111, 0b10);

/// `SYN,ACK` or `NONE`; nothing for bits that iptables has no name for.
pub(in crate::target::iptables) fn flags(bits: u128) -> Option<String> {
    let flags = u8::try_from(bits).ok().filter(|bits| bits & !FLAGS == 0)?;
    let names: Vec<_> = TcpFlags(flags).names().map(str::to_uppercase).collect();
    Some(if names.is_empty() { "NONE".to_owned() } else { names.join(",") })
}

/// The bits of a list of flags, in whatever case; nothing may stand between two commas.
pub(in crate::target::iptables) fn flag_bits(list: &str) -> Option<u8> {
    list.split(',').filter(|name| !name.is_empty()).try_fold(0, |bits, name| {
        let flags = match name.to_lowercase().as_str() {
            "all" => FLAGS,
            "none" => 0,
            name => TcpFlags::named(name)?.0,
        };
        (flags & !FLAGS == 0).then_some(bits | flags)
    })
}

/// The largest `--set-mss`.
pub(in crate::target::iptables) const SIZE_MAX: u16 = 65_515;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_they_are_written() {
        for bits in 0..=FLAGS {
            assert_eq!(flags(u128::from(bits)).as_deref().and_then(flag_bits), Some(bits));
        }
        assert_eq!((flags(0x40), flag_bits("CWR"), flag_bits("SYNC")), (None, None, None));
        assert_eq!((flag_bits("syn,,Ack"), flag_bits("NONE,SYN")), (Some(0b1_0010), Some(0b10)));
    }
}
