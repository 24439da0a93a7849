// SPDX-License-Identifier: GPL-3.0-or-later
//! Names of chains and sets. xtables takes nearly every byte in them, and the IR only what nft can write; iptables has
//! words of its own that no chain can be called.

use std::borrow::Cow;
use std::fmt::Write;

use super::table;

/// The longest name of a chain, in bytes (`XT_EXTENSION_MAXNAMELEN` less the final NUL).
pub(super) const CHAIN_MAX: usize = 28;

/// What begins a name that the IR could not hold as it is.
const MARK: &str = "_/";

/// A name of xtables as the IR holds it: as it is where nft could write it too, else with `/` and two digits for each
/// byte that nft refuses. Two names never become one.
pub(in crate::target) fn to_ir(name: &str) -> Cow<'_, str> {
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if starts && name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let mut escaped = MARK.to_owned();
    for byte in name.bytes() {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "/{byte:02x}");
        }
    }
    Cow::Owned(escaped)
}

/// The name of xtables behind one of [`to_ir`]; any other name is its own.
pub(in crate::target) fn from_ir(name: &str) -> Cow<'_, str> {
    match unescape(name).filter(|plain| is_name(plain) && to_ir(plain) == name) {
        Some(plain) => Cow::Owned(plain),
        None => Cow::Borrowed(name),
    }
}

/// Whether iptables takes it for a name (`parse_chain` in `iptables/xshared.c`).
fn is_name(name: &str) -> bool {
    !name.starts_with(['-', '!']) && !name.contains(|c: char| c.is_whitespace() || c.is_control())
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn unescape(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix(MARK)?.split('/');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The targets of iptables 1.8.9, which no chain can be called.
const TARGETS: &[&str] = &[
    "ACCEPT",
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CLUSTERIP",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DNAT",
    "DNPT",
    "DROP",
    "DSCP",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "MARK",
    "MASQUERADE",
    "NETMAP",
    "NFLOG",
    "NFQUEUE",
    "NOTRACK",
    "QUEUE",
    "RATEEST",
    "REDIRECT",
    "REJECT",
    "RETURN",
    "SECMARK",
    "SET",
    "SNAT",
    "SNPT",
    "SYNPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TPROXY",
    "TRACE",
    "TTL",
    "ULOG",
];

/// Whether the word behind `-j` is a target of iptables and no chain.
pub(super) fn is_target(name: &str) -> bool {
    TARGETS.binary_search(&name).is_ok()
}

/// What a regular chain of the IR is called. A name that iptables has taken, and such a name with underscores behind it,
/// gets one more underscore: so two names never become one.
///
/// # Errors
/// Where iptables takes no name as long.
pub(super) fn regular(name: &str) -> Result<Cow<'_, str>, String> {
    let plain = from_ir(name);
    let stem = plain.trim_end_matches('_');
    let written = match is_target(stem) || table::hook(stem).is_some() {
        true => Cow::Owned(format!("{plain}_")),
        false => plain,
    };
    match written.len() {
        0..=CHAIN_MAX => Ok(written),
        _ => Err(format!("the name of the chain `{written}` is longer than {CHAIN_MAX} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_back(name in "[\"-,.-~][!-~]{0,27}") {
            let escaped = to_ir(&name);
            prop_assert_eq!(from_ir(&escaped), name.as_str());
        }

        #[test]
        fn names_of_the_ir_stay_different(a in "[a-zA-Z_][a-zA-Z_./0-9-]{0,12}", b in "_/[0-9a-f/]{0,8}") {
            prop_assert!(a == b || from_ir(&a) != from_ir(&b) || to_ir(&from_ir(&a)) != a || to_ir(&from_ir(&b)) != b);
        }
    }

    #[test]
    fn targets_are_in_order() {
        assert!(TARGETS.is_sorted());
    }

    #[test]
    fn names_that_nft_refuses_are_escaped() {
        assert_eq!(to_ir("DOCKER"), "DOCKER");
        assert_eq!(to_ir("~log0"), "_//7elog0");
        assert_eq!(to_ir("1st"), "_/1st");
        assert_eq!(from_ir("_/1st"), "1st");
        assert_eq!((from_ir("_/ab"), from_ir("_/zz/")), (Cow::Borrowed("_/ab"), Cow::Borrowed("_/zz/")));
    }

    #[test]
    fn chains_are_not_called_as_targets_are() {
        assert_eq!(regular("LOG").as_deref(), Ok("LOG_"));
        assert_eq!(regular("INPUT_").as_deref(), Ok("INPUT__"));
        assert_eq!(regular("logged").as_deref(), Ok("logged"));
        assert!(regular("a-name-of-twenty-nine-bytes-x").is_err());
    }
}
