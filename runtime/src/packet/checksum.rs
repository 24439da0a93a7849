// SPDX-License-Identifier: GPL-3.0-or-later
//! Checksums: the internet's (RFC 1071) and SCTP's CRC32c (RFC 9260 appendix A).

use ringwall_ir::words::{Family, Protocol};

use super::{Packet, wire};

/// The internet checksum of bytes; zero where a right checksum is among them.
#[must_use]
pub fn of(bytes: &[u8]) -> u16 {
    fold(sum(bytes))
}

/// The same of an IPv4 header without options.
#[must_use]
#[inline]
pub fn of_plain_header(header: &[u8; wire::IPV4_HEADER]) -> u16 {
    let (words, _) = header.as_chunks::<4>();
    let mut sum = 0;
    for word in words {
        sum += u64::from(u32::from_be_bytes(*word));
    }
    // The sum of five numbers of 32 bits: twice folded, it has 17 bits at the most.
    let sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    fold(sum)
}

/// The checksum of a transport header and its payload, with the pseudo header where the protocol has one; zero where
/// a right checksum is among them. `header` is the IP header.
#[must_use]
pub fn transport(header: &[u8], family: Family, protocol: Protocol, segment: &[u8]) -> u16 {
    fold(pseudo_header(header, family, protocol, segment.len()) + sum(segment))
}

/// The checksum of only the first `covered` bytes (UDP-Lite, RFC 3828).
#[must_use]
pub fn partial(header: &[u8], family: Family, protocol: Protocol, segment: &[u8], covered: usize) -> u16 {
    let covered = segment.get(..covered).unwrap_or(segment);
    fold(pseudo_header(header, family, protocol, segment.len()) + sum(covered))
}

/// A checksum that was right for some bytes, for others in their place (RFC 1624, equation 3). Both are of even length.
#[must_use]
pub fn moved(checksum: u16, old: &[u8], new: &[u8]) -> u16 {
    let out = old.chunks_exact(2).map(|pair| u64::from(!wire::number16(pair, 0).unwrap_or(0))).sum::<u64>();
    fold(u64::from(!checksum) + out + sum(new))
}

/// Completes the checksum of a packet of TCP or UDP that holds the sum of its pseudo header alone: so Linux leaves it where
/// a card, or the other end of a pair of interfaces, is to sum the rest (`CHECKSUM_PARTIAL`). Others stay as they are.
pub fn complete(bytes: &mut [u8]) {
    let Ok(packet) = Packet::parse(bytes) else { return };
    let (family, protocol, at) = (packet.family(), packet.protocol(), packet.transport_offset());
    if !matches!(protocol, Protocol::TCP | Protocol::UDP) {
        return;
    }
    let Some(segment) = packet.transport().filter(|_| packet.fragment().is_none()) else { return };
    let begun = !fold(pseudo_header(bytes, family, protocol, segment.len()));
    let is_begun = wire::number16(segment, place_in(protocol)) == Some(begun);
    if is_begun && transport(bytes, family, protocol, segment) != 0 {
        write(bytes, family, protocol, at);
    }
}

/// Writes the checksum of a packet of TCP or UDP, whose transport header starts at an offset.
pub fn write(packet: &mut [u8], family: Family, protocol: Protocol, at: usize) {
    let place = at + place_in(protocol);
    wire::put(packet, place, &[0, 0]);
    let sum = packet.get(at..).map_or(0, |segment| transport(packet, family, protocol, segment));
    let sum = if sum == 0 && protocol == Protocol::UDP { u16::MAX } else { sum };
    wire::put(packet, place, &sum.to_be_bytes());
}

/// Where the checksum stands in the header of TCP or UDP.
pub const fn place_in(protocol: Protocol) -> usize {
    match protocol {
        Protocol::UDP => 6,
        _ => 16,
    }
}

fn pseudo_header(header: &[u8], family: Family, protocol: Protocol, length: usize) -> u64 {
    let addresses = match family {
        // ICMP for IPv4 alone sums no pseudo header; `nf_ip_checksum` takes every protocol but TCP and UDP for such, and sums
        // the IP header with it, which comes to this.
        Family::Ipv4 if !matches!(protocol, Protocol::TCP | Protocol::UDP | Protocol::UDPLITE) => return 0xffff,
        Family::Ipv4 => header.get(12..20),
        Family::Ipv6 => header.get(8..40),
    };
    sum(addresses.unwrap_or_default()) + u64::from(protocol.0) + u64::try_from(length).unwrap_or(0)
}

/// The sum of the bytes as numbers of 16 bits. Those of 32 bits have the same, as far as it is folded (RFC 1071 §2).
#[inline]
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sum = 0;
    for word in words {
        let word = u64::from_be_bytes(*word);
        sum += (word >> 32) + (word & 0xffff_ffff);
    }
    let (pairs, last) = rest.as_chunks::<2>();
    for pair in pairs {
        sum += u64::from(u16::from_be_bytes(*pair));
    }
    sum + last.first().map_or(0, |&last| u64::from(last) << 8)
}

#[inline]
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// CRC32c of an SCTP packet, taken with its checksum field as zero, in the byte order in which it is written.
#[must_use]
pub fn sctp(packet: &[u8]) -> [u8; 4] {
    const FIELD: std::ops::Range<usize> = 8..12;
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for (at, &byte) in packet.iter().enumerate() {
        crc ^= u32::from(if FIELD.contains(&at) { 0 } else { byte });
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    (!crc).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::Build;

    #[test]
    fn sum_of_rfc_1071() {
        assert_eq!(of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn nothing_but_zeroes_is_right_in_ipv4() {
        for bytes in [&[][..], &[0; 8]] {
            assert_eq!(transport(&[0; 20], Family::Ipv4, Protocol::ICMP, bytes), 0);
        }
    }

    #[test]
    fn what_a_card_would_sum_is_summed() {
        let build = || Build::between("10.0.0.1".parse().unwrap(), "10.0.0.9".parse().unwrap());
        let whole = build().udp(1024, 53, b"question");
        let mut begun = whole.clone();
        let sum = !fold(pseudo_header(&whole, Family::Ipv4, Protocol::UDP, whole.len() - 20));
        begun[26..28].copy_from_slice(&sum.to_be_bytes());
        complete(&mut begun);
        assert_eq!(begun, whole);
        let mut wrong = whole.clone();
        wrong[26] ^= 1;
        let as_it_was = wrong.clone();
        complete(&mut wrong);
        assert_eq!(wrong, as_it_was);
    }

    #[test]
    fn an_odd_byte_counts_as_the_high_one() {
        assert_eq!(of(&[0x12]), !0x1200);
    }

    #[test]
    fn crc32c_of_the_check_string() {
        // "123456789" behind an SCTP header that contributes nothing is not possible, so the known answer is for bytes
        // in front of the field: RFC 3720 appendix B.4, 32 bytes of zeroes, where a zeroed field changes nothing.
        assert_eq!(sctp(&[0; 32]), [0xaa, 0x36, 0x91, 0x8a]);
    }
}
