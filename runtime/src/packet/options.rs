// SPDX-License-Identifier: GPL-3.0-or-later
//! The options of a TCP segment as rules look for them (`nft_exthdr_tcp_eval` and its neighbours in
//! `net/netfilter/nft_exthdr.c`).

use ringwall_ir::words::Protocol;

use super::wire::{byte, number16, put};
use super::{Packet, checksum};

/// The segment has no whole header, or an option that does not fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoOptions;

/// The maximum segment size that a segment offers (RFC 9293 §3.7.1), and where it stands in the segment; none where it
/// offers none.
pub fn offered_mss(packet: &Packet<'_>) -> Result<Option<(usize, u16)>, NoOptions> {
    const HEADER: usize = 20;
    const MSS: u8 = 2;
    const MSS_LENGTH: usize = 4;
    /// No-operation, and below it the end of the list, which is taken for one byte like it.
    const NOTHING: u8 = 1;

    if packet.protocol() != Protocol::TCP {
        return Err(NoOptions);
    }
    let segment = packet.transport().ok_or(NoOptions)?;
    let length = usize::from(byte(segment, 12).ok_or(NoOptions)? >> 4) * 4;
    let header = segment.get(..length).filter(|header| header.len() >= HEADER).ok_or(NoOptions)?;
    let mut at = HEADER;
    while let Some(&[kind, size]) = header.get(at..at + 2) {
        let size = if kind <= NOTHING || size == 0 { 1 } else { usize::from(size) };
        if kind == MSS {
            let fits = at + size <= length && size >= MSS_LENGTH;
            let offer = number16(header, at + 2).filter(|_| fits).ok_or(NoOptions)?;
            return Ok(Some((at + 2, offer)));
        }
        at += size;
    }
    Ok(None)
}

/// Writes another maximum segment size into a segment that offers one, and moves its checksum.
pub fn write_mss(bytes: &mut [u8], mss: u16) {
    const CHECKSUM: usize = 16;
    let Ok(packet) = Packet::parse(bytes) else { return };
    let Ok(Some((at, offered))) = offered_mss(&packet) else { return };
    let segment = packet.transport_offset();
    let Some(sum) = packet.transport().and_then(|segment| number16(segment, CHECKSUM)) else { return };
    let moved = checksum::moved(sum, &offered.to_be_bytes(), &mss.to_be_bytes());
    put(bytes, segment + at, &mss.to_be_bytes());
    put(bytes, segment + CHECKSUM, &moved.to_be_bytes());
}
