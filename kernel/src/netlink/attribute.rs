// SPDX-License-Identifier: GPL-3.0-or-later
//! Attributes: type, length, value, padded to four bytes (`include/net/netlink.h`). Read here, written here.

use super::error::Malformed;

/// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`: hints that the kernel itself sets only now and then.
const FLAGS: u16 = 0xc000;
const NESTED: u16 = 0x8000;
const HEADER_LEN: usize = 4;

/// A run of attributes that has been looked through once, so that walking it cannot fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// The attributes in `bytes`, none if it is empty.
    ///
    /// # Errors
    /// [`Malformed::Attribute`] where a length is impossible.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = split(rest).ok_or(Malformed::Attribute)?;
        }
        Ok(Self(bytes))
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Attribute<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (attribute, behind) = split(rest)?;
            rest = behind;
            Some(attribute)
        })
    }

    /// The value of a type; of the last where there are several, as the kernel's `nla_parse` takes it.
    #[must_use]
    pub fn get(self, kind: u16) -> Option<Value<'a>> {
        self.iter().filter(|attribute| attribute.kind == kind).last().map(|attribute| attribute.value)
    }

    /// The value of a type that must be there.
    ///
    /// # Errors
    /// [`Malformed::Missing`] where it is not.
    pub fn need(self, kind: u16) -> Result<Value<'a>, Malformed> {
        self.get(kind).ok_or(Malformed::Missing(kind))
    }
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type, without flags.
    pub kind: u16,
    /// Its value.
    pub value: Value<'a>,
}

/// The value of an attribute, to be read as what its type says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    kind: u16,
    bytes: &'a [u8],
}

impl<'a> Value<'a> {
    /// The bytes as they are.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Malformed::Size`]
    pub fn byte(self) -> Result<u8, Malformed> {
        self.sized::<1>().map(|[byte]| byte)
    }

    /// 16 bits, big-endian.
    ///
    /// # Errors
    /// [`Malformed::Size`]
    pub fn be16(self) -> Result<u16, Malformed> {
        self.sized().map(u16::from_be_bytes)
    }

    /// 32 bits, big-endian, as nfnetlink writes integers.
    ///
    /// # Errors
    /// [`Malformed::Size`]
    pub fn be32(self) -> Result<u32, Malformed> {
        self.sized().map(u32::from_be_bytes)
    }

    /// 64 bits, big-endian.
    ///
    /// # Errors
    /// [`Malformed::Size`]
    pub fn be64(self) -> Result<u64, Malformed> {
        self.sized().map(u64::from_be_bytes)
    }

    /// 32 bits in the host's order, as netlink itself writes integers.
    ///
    /// # Errors
    /// [`Malformed::Size`]
    pub fn ne32(self) -> Result<u32, Malformed> {
        self.sized().map(u32::from_ne_bytes)
    }

    /// Text, without the final NUL if there is one.
    ///
    /// # Errors
    /// [`Malformed::Text`]
    pub fn text(self) -> Result<&'a str, Malformed> {
        let bytes = self.bytes.strip_suffix(b"\0").unwrap_or(self.bytes);
        std::str::from_utf8(bytes).map_err(|_| Malformed::Text(self.kind))
    }

    /// Attributes inside.
    ///
    /// # Errors
    /// [`Malformed::Attribute`]
    pub fn nested(self) -> Result<Attributes<'a>, Malformed> {
        Attributes::parse(self.bytes)
    }

    fn sized<const N: usize>(self) -> Result<[u8; N], Malformed> {
        self.bytes.try_into().map_err(|_| Malformed::Size(self.kind))
    }
}

/// The first attribute, and what follows it.
fn split(bytes: &[u8]) -> Option<(Attribute<'_>, &[u8])> {
    let &[length_0, length_1, kind_0, kind_1, ..] = bytes else { return None };
    let length = usize::from(u16::from_ne_bytes([length_0, length_1]));
    let kind = u16::from_ne_bytes([kind_0, kind_1]) & !FLAGS;
    let value = Value { kind, bytes: bytes.get(HEADER_LEN..length)? };
    // The last attribute may come without its padding.
    let behind = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((Attribute { kind, value }, behind))
}

/// Writes attributes, one after the other, behind what is in its buffer already.
///
/// An attribute ends before 64 KiB (`nla_len` has 16 bits). Callers stay below: rules by the kernel's limit on
/// expressions, elements of sets by being sent in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeWriter(Vec<u8>);

impl AttributeWriter {
    /// Nothing written yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes behind what is in the buffer, whose length must be a multiple of four.
    #[must_use]
    pub const fn onto(buffer: Vec<u8>) -> Self {
        Self(buffer)
    }

    /// The buffer with what was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// How many bytes are in the buffer.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the buffer is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends what `more` writes.
    #[must_use]
    pub fn with(self, more: impl FnOnce(Self) -> Self) -> Self {
        more(self)
    }

    /// Appends bytes as they are.
    #[must_use]
    pub fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        self.header(kind, value.len());
        self.0.extend_from_slice(value);
        self.pad()
    }

    fn header(&mut self, kind: u16, length: usize) {
        let length = u16::try_from(HEADER_LEN + length).unwrap_or(u16::MAX);
        let ([length_0, length_1], [kind_0, kind_1]) = (length.to_ne_bytes(), kind.to_ne_bytes());
        self.0.extend_from_slice(&[length_0, length_1, kind_0, kind_1]);
    }

    fn pad(mut self) -> Self {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Appends one byte.
    #[must_use]
    pub fn byte(self, kind: u16, value: u8) -> Self {
        self.bytes(kind, &[value])
    }

    /// Appends 16 bits, big-endian.
    #[must_use]
    pub fn be16(self, kind: u16, value: u16) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// Appends 32 bits, big-endian.
    #[must_use]
    pub fn be32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// Appends 64 bits, big-endian.
    #[must_use]
    pub fn be64(self, kind: u16, value: u64) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// Appends text and its final NUL.
    #[must_use]
    pub fn text(mut self, kind: u16, value: &str) -> Self {
        self.header(kind, value.len() + 1);
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(0);
        self.pad()
    }

    /// Appends what `inside` writes, as one attribute.
    #[must_use]
    pub fn nest(mut self, kind: u16, inside: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        self.header(kind | NESTED, 0);
        let mut whole = inside(self);
        let length = u16::try_from(whole.0.len().saturating_sub(start)).unwrap_or(u16::MAX);
        if let Some(place) = whole.0.get_mut(start..start + size_of::<u16>()) {
            place.copy_from_slice(&length.to_ne_bytes());
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = AttributeWriter::new()
            .byte(1, 7)
            .be16(2, 0x1234)
            .be32(3, 0x1234_5678)
            .be64(4, 9)
            .text(5, "lo")
            .nest(6, |inside| inside.bytes(1, b"abcde"))
            .finish();
        let read = Attributes::parse(&bytes).unwrap();
        assert_eq!(read.iter().map(|attribute| attribute.kind).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(read.need(1).unwrap().byte(), Ok(7));
        assert_eq!(read.need(2).unwrap().be16(), Ok(0x1234));
        assert_eq!(read.need(3).unwrap().be32(), Ok(0x1234_5678));
        assert_eq!(read.need(4).unwrap().be64(), Ok(9));
        assert_eq!(read.need(5).unwrap().text(), Ok("lo"));
        assert_eq!(read.need(6).unwrap().nested().unwrap().need(1).unwrap().bytes(), b"abcde");
        assert_eq!(read.need(7), Err(Malformed::Missing(7)));
        assert_eq!(read.need(1).unwrap().be32(), Err(Malformed::Size(1)));
    }

    #[test]
    fn a_length_over_the_end_is_an_error() {
        assert_eq!(Attributes::parse(&[8, 0, 1, 0, 0, 0, 0]), Err(Malformed::Attribute));
        assert_eq!(Attributes::parse(&[3, 0, 1, 0]), Err(Malformed::Attribute));
        assert_eq!(Attributes::parse(&[4, 0, 1]), Err(Malformed::Attribute));
    }

    #[test]
    fn the_last_of_several_counts() {
        let bytes = AttributeWriter::new().byte(1, 1).byte(1, 2).finish();
        assert_eq!(Attributes::parse(&bytes).unwrap().need(1).unwrap().byte(), Ok(2));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(attributes) = Attributes::parse(&bytes) {
                for attribute in attributes.iter() {
                    let _ = attribute.value.text();
                    let _ = attribute.value.be32();
                    let _ = attribute.value.nested().map(|inside| inside.iter().count());
                }
            }
        }
    }
}
