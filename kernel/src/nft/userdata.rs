// SPDX-License-Identifier: GPL-3.0-or-later
//! Data that the kernel keeps for user space without looking at it: type, length, value (libnftnl's `udata`).

use super::Unknown;
use crate::netlink::{AttributeWriter, Attributes};

/// `NFTNL_UDATA_RULE_COMMENT` and `NFTNL_UDATA_SET_ELEM_COMMENT` of `include/libnftnl/udata.h`.
const COMMENT: u8 = 0;
/// `NFTNL_UDATA_SET_ELEM_FLAGS`
const ELEMENT_FLAGS: u8 = 1;
/// `NFTNL_SET_ELEM_F_INTERVAL_OPEN`: the interval ends with the largest value.
const INTERVAL_OPEN: u32 = 1;

/// Writes entries, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserdataWriter(Vec<u8>);

impl UserdataWriter {
    /// What was written.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Appends bytes as they are; no more than 255.
    #[must_use]
    pub(super) fn bytes(mut self, kind: u8, value: &[u8]) -> Self {
        self.0.extend([kind, u8::try_from(value.len()).unwrap_or(u8::MAX)]);
        self.0.extend(value);
        self
    }

    /// Appends a text.
    #[must_use]
    pub(super) fn text(self, kind: u8, text: &str) -> Self {
        let mut value = text.as_bytes().to_vec();
        value.push(0);
        self.bytes(kind, &value)
    }

    /// Appends a number, in the host's order.
    #[must_use]
    pub(super) fn number(self, kind: u8, value: u32) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// Appends what `inside` writes, as one entry.
    #[must_use]
    pub(super) fn nest(self, kind: u8, inside: impl FnOnce(Self) -> Self) -> Self {
        let inside = inside(Self::default()).finish();
        self.bytes(kind, &inside)
    }
}

/// Entries to be read.
#[derive(Clone, Copy, Debug)]
pub struct Userdata<'a>(&'a [u8]);

impl<'a> Userdata<'a> {
    /// Entries in bytes. What does not fit together ends them.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Each of them: its type and its value.
    pub(super) fn iter(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let [kind, length, behind @ ..] = rest else { return None };
            let (value, behind) = behind.split_at_checked(usize::from(*length))?;
            rest = behind;
            Some((*kind, value))
        })
    }

    /// The value of a type.
    pub(super) fn get(self, kind: u8) -> Option<&'a [u8]> {
        self.iter().find(|(known, _)| *known == kind).map(|(_, value)| value)
    }

    /// The number of a type.
    pub(super) fn number(self, kind: u8) -> Option<u32> {
        self.get(kind)?.try_into().ok().map(u32::from_ne_bytes)
    }

    /// The entries inside of one.
    pub(super) fn nest(self, kind: u8) -> Option<Self> {
        self.get(kind).map(Self)
    }

    /// The text of a type, without its final NUL.
    pub(super) fn text(self, kind: u8) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?.strip_suffix(b"\0")?).ok()
    }
}

/// The comment of a rule or element. A longer text than nft's 128 bytes does not come here: see `Origin::comment`.
#[must_use]
pub fn comment(text: &str) -> Vec<u8> {
    with_comment(UserdataWriter::default(), text).finish()
}

fn with_comment(writer: UserdataWriter, text: &str) -> UserdataWriter {
    writer.text(COMMENT, text)
}

/// The comment in a rule's user data; empty where there is none.
///
/// # Errors
/// [`Unknown`] where the user data is of another kind.
pub fn read_comment(userdata: &[u8]) -> Result<&str, Unknown> {
    let entries = Userdata::new(userdata);
    let length: usize = entries.iter().map(|(_, value)| value.len() + 2).sum();
    match entries.text(COMMENT) {
        Some(text) if length == userdata.len() => Ok(text),
        None if length == userdata.len() && entries.get(COMMENT).is_none() => Ok(""),
        _ => Err(Unknown::Shape("user data that is not a comment")),
    }
}

/// The comment in an attribute; empty where there is none. What else nft notes there is its own affair.
#[must_use]
pub(super) fn comment_in<'a>(attributes: Attributes<'a>, attribute: u16) -> &'a str {
    attributes.get(attribute).map_or("", |userdata| Userdata::new(userdata.bytes()).text(COMMENT).unwrap_or_default())
}

/// What somebody wrote beside a part, in the attribute of its kind.
#[must_use]
pub fn with_comment_in(attribute: u16, text: Option<&str>, writer: AttributeWriter) -> AttributeWriter {
    match text {
        Some(text) => writer.bytes(attribute, &comment(text)),
        None => writer,
    }
}

/// What nft notes for an element: its comment, and whether it is the start of an interval that has no end. None where
/// there is neither.
#[must_use]
pub(super) fn element(comment: Option<&str>, open: bool) -> Option<Vec<u8>> {
    let writer = UserdataWriter::default();
    let writer = match comment {
        Some(text) => with_comment(writer, text),
        None => writer,
    };
    let writer = if open { writer.number(ELEMENT_FLAGS, INTERVAL_OPEN) } else { writer };
    let bytes = writer.finish();
    (!bytes.is_empty()).then_some(bytes)
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
        assert!(read_comment(b"\x00\x01a").is_err());
        assert_eq!(read_comment(b"\x01\x02a\x00"), Ok(""));
        assert_eq!(read_comment(b""), Ok(""));
    }

    #[test]
    fn elements_have_comments_and_open_ends() {
        assert_eq!(element(None, false), None);
        assert_eq!(element(Some("a"), false), Some(b"\x00\x02a\x00".to_vec()));
        let both = element(Some("a"), true).unwrap();
        assert_eq!(Userdata::new(&both).number(ELEMENT_FLAGS), Some(INTERVAL_OPEN));
        assert_eq!(read_comment(&both), Ok("a"));
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
            let _ = Userdata::new(&bytes).iter().map(|(_, value)| Userdata::new(value).iter().count()).sum::<usize>();
        }
    }
}
