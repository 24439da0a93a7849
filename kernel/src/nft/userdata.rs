// SPDX-License-Identifier: GPL-3.0-or-later
//! Data that the kernel keeps for user space without looking at it: type, length, value (libnftnl's `udata`).

use super::Unknown;

/// `NFTNL_UDATA_RULE_COMMENT` of `include/libnftnl/udata.h`.
const RULE_COMMENT: u8 = 0;
/// `NFTNL_UDATA_SET_KEYBYTEORDER`
const SET_KEY_BYTE_ORDER: u8 = 0;
/// `NFTNL_UDATA_SET_ELEM_FLAGS`
const ELEMENT_FLAGS: u8 = 1;
/// `NFTNL_SET_ELEM_F_INTERVAL_OPEN`: the interval ends with the largest value.
const INTERVAL_OPEN: u32 = 1;

/// The comment of a rule. A longer text than nft's 128 bytes does not come here: see `Origin::comment`.
#[must_use]
pub fn comment(text: &str) -> Vec<u8> {
    let mut value = text.as_bytes().to_vec();
    value.push(0);
    entry(RULE_COMMENT, &value)
}

/// The comment in a rule's user data.
///
/// # Errors
/// [`Unknown`] where there is anything else.
pub fn read_comment(userdata: &[u8]) -> Result<&str, Unknown> {
    let unknown = || Unknown::Shape("user data that is not a comment");
    let [RULE_COMMENT, length, value @ ..] = userdata else { return Err(unknown()) };
    let text = value.strip_suffix(b"\0").filter(|_| value.len() == usize::from(*length)).ok_or_else(unknown)?;
    std::str::from_utf8(text).map_err(|_| unknown())
}

/// The order of bytes that nft shows the keys of a set in (`enum byteorder` in nft's `include/datatype.h`).
pub(super) fn key_byte_order(order: u32) -> Vec<u8> {
    entry(SET_KEY_BYTE_ORDER, &order.to_ne_bytes())
}

/// Marks the start of an interval that has no end.
pub(super) fn open_interval() -> Vec<u8> {
    entry(ELEMENT_FLAGS, &INTERVAL_OPEN.to_ne_bytes())
}

fn entry(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, u8::try_from(value.len()).unwrap_or(u8::MAX)];
    bytes.extend(value);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_are_as_nft_writes_them() {
        assert_eq!(comment("a"), b"\x00\x02a\x00");
        assert_eq!(read_comment(b"\x00\x02a\x00"), Ok("a"));
        assert!(read_comment(b"\x00\x03a\x00").is_err());
        assert!(read_comment(b"\x01\x02a\x00").is_err());
        assert!(read_comment(b"").is_err());
    }

    proptest! {
        #[test]
        fn comments_come_back(text in "[a-z0-9 ]{0,128}") {
            let written = comment(&text);
            prop_assert_eq!(read_comment(&written), Ok(text.as_str()));
        }

        #[test]
        fn arbitrary_user_data_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_comment(&bytes);
        }
    }
}
