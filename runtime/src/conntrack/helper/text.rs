// SPDX-License-Identifier: GPL-3.0-or-later
//! Numbers and addresses in payloads, read as the kernel reads them: from the front, as far as they go.

use std::net::Ipv6Addr;

use ringwall_ir::words::Family;

/// The digits at the front as a number, and how many there are. What does not fit is cut off at the top
/// (`simple_strtoul`).
pub fn decimal(text: &[u8]) -> (u32, usize) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold((0, 0), |(number, length), digit| {
        (u32::wrapping_add(number.wrapping_mul(10), u32::from(digit - b'0')), length + 1)
    })
}

/// The low half of a number.
pub fn low16(number: u32) -> u16 {
    let [_, _, high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// Whether a text starts with a word, in letters of either case.
pub fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word))
}

/// The address of the family at the front, and its length.
pub fn address(family: Family, text: &[u8]) -> Option<(u128, usize)> {
    match family {
        Family::Ipv4 => v4(text),
        Family::Ipv6 => v6(text, None),
    }
}

/// The IPv4 address at the front, and its length (`in4_pton` with any delimiter). A hexadecimal letter delimits nothing.
fn v4(text: &[u8]) -> Option<(u128, usize)> {
    let (mut address, mut octets, mut octet) = (0, 0, None);
    for at in 0..=text.len() {
        match text.get(at) {
            Some(digit @ b'0'..=b'9') => {
                let value = octet.unwrap_or(0) * 10 + u128::from(digit - b'0');
                octet = Some(value).filter(|&value| value <= 255);
                octet?;
            }
            Some(b'a'..=b'f' | b'A'..=b'F') => return None,
            end => {
                address = address << 8 | octet.take()?;
                octets += 1;
                match (octets, end) {
                    (4, Some(b'.')) => return None,
                    (4, _) => return Some((address, at)),
                    (_, Some(b'.')) => {}
                    _ => return None,
                }
            }
        }
    }
    None
}

/// The IPv6 address at the front, and its length (`in6_pton`). A delimiter, where one is given, must follow it, if
/// anything does.
pub fn v6(text: &[u8], delimiter: Option<u8>) -> Option<(u128, usize)> {
    let belongs = |byte: &u8| Some(*byte) != delimiter && (byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    let length = text.iter().take_while(|byte| belongs(byte)).count();
    let follows = text.get(length).copied();
    if delimiter.is_some() && follows.is_some() && follows != delimiter {
        return None;
    }
    let written = std::str::from_utf8(text.get(..length)?).ok()?;
    let groups: Vec<&str> = written.split(':').map(without_zeroes).collect();
    let address: Ipv6Addr = groups.join(":").parse().ok()?;
    Some((address.to_bits(), length))
}

/// A group of an address with no more digits than it needs: the kernel takes any number of zeroes in front.
fn without_zeroes(group: &str) -> &str {
    const DIGITS: usize = 4;
    let needless = group.len().saturating_sub(DIGITS).min(group.len() - group.trim_start_matches('0').len());
    if group.contains('.') { group } else { group.get(needless..).unwrap_or(group) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_digits_do() {
        assert_eq!(decimal(b"5060;x"), (5060, 4));
        assert_eq!(decimal(b"x"), (0, 0));
        assert_eq!(decimal(b"4294967297"), (1, 10));
        assert_eq!(low16(65537), 1);
    }

    #[test]
    fn addresses_end_where_they_cannot_go_on() {
        let read = |text: &str| address(Family::Ipv4, text.as_bytes());
        assert_eq!(read("10.0.0.1"), Some((0x0a00_0001, 8)));
        assert_eq!(read("10.0.0.001:5060"), Some((0x0a00_0001, 10)));
        for wrong in ["10.0.0", "10.0.0.256", "10..0.1", "10.0.0.1a", "10.0.0.1.", "", "host"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let read = |text: &str| address(Family::Ipv6, text.as_bytes());
        assert_eq!(read("2001:db8::1]:5060"), Some((0x2001_0db8 << 96 | 1, 11)));
        assert_eq!(read("2001:db8:::1"), None);
        assert_eq!(read("02001:000000db8::1"), Some((0x2001_0db8 << 96 | 1, 18)));
        assert_eq!(read("12001:db8::1"), None);
        assert_eq!(v6(b"::1|x", Some(b'|')), Some((1, 3)));
        assert_eq!(v6(b"::1x", Some(b'|')), None);
    }
}
