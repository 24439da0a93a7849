// SPDX-License-Identifier: GPL-3.0-or-later
//! One segment as connection tracking sees it.

use ringwall_ir::words::{Protocol, TcpFlags};

use crate::conntrack::Arrival;
use crate::conntrack::sequence::Sequence;
use crate::packet::checksum;
use crate::packet::wire::{byte, number16, number32};

const HEADER: usize = 20;

/// What a segment does, by the strongest of its flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sign {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    #[default]
    None,
}

/// A segment with a whole header, right checksum (where it is verified) and a combination of flags that makes sense.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub sign: Sign,
    pub flags: TcpFlags,
    pub sequence: Sequence,
    pub acknowledgement: Sequence,
    /// The number behind its last byte.
    pub end: Sequence,
    pub window: u16,
    /// How far back everything is that it acknowledges, as the segment's receiver sent it.
    earlier: u32,
    options: &'a [u8],
}

/// The options that change what fits the window (RFC 7323 §2, RFC 2018 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How far windows are shifted.
    pub scale: u8,
    /// Whether the option that says so was there.
    pub offers_scale: bool,
    pub sack_permitted: bool,
}

impl<'a> Segment<'a> {
    /// None where the segment is invalid by itself (`tcp_error`).
    pub fn of(arrival: &Arrival<'a>) -> Option<Self> {
        let bytes = arrival.segment;
        let header = usize::from(byte(bytes, 12)? >> 4) * 4;
        let options = bytes.get(HEADER..header)?;
        let flags = TcpFlags(byte(bytes, 13)?);
        let checksum = || checksum::transport(arrival.packet, arrival.family, Protocol::TCP, bytes);
        if arrival.verify && checksum() != 0 || !make_sense(flags) {
            return None;
        }
        let signs = u32::from(flags.contains(TcpFlags::SYN)) + u32::from(flags.contains(TcpFlags::FIN));
        let length = u32::try_from(bytes.len() - header).ok()?;
        let sequence = Sequence(number32(bytes, 4)?);
        Some(Self {
            sign: sign(flags),
            flags,
            sequence,
            acknowledgement: Sequence(number32(bytes, 8)?),
            end: sequence.plus(length + signs),
            window: number16(bytes, 14)?,
            earlier: 0,
            options,
        })
    }

    /// The segment with everything that it acknowledges so far further back: a translation moves what is sent on.
    pub const fn acknowledging_earlier(&self, by: u32) -> Self {
        Self { acknowledgement: self.acknowledgement.minus(by), earlier: by, ..*self }
    }

    pub const fn has(&self, flag: TcpFlags) -> bool {
        self.flags.contains(flag)
    }

    pub const fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// The options of a SYN.
    pub fn options(&self) -> Options {
        const WINDOW_SCALE: u8 = 3;
        const SACK_PERMITTED: u8 = 4;
        const MAX_SCALE: u8 = 14;
        let mut options = Options::default();
        for (kind, value) in OptionWalk(self.options) {
            match (kind, value) {
                (WINDOW_SCALE, &[scale]) => {
                    options.scale = scale.min(MAX_SCALE);
                    options.offers_scale = true;
                }
                (SACK_PERMITTED, []) => options.sack_permitted = true,
                _ => {}
            }
        }
        options
    }

    /// The highest number that the segment acknowledges, selectively too (RFC 2018 §3).
    pub fn highest_acknowledged(&self) -> Sequence {
        const SACK: u8 = 5;
        const BLOCK: usize = 8;
        let whole = |value: &[u8]| !value.is_empty() && value.len().is_multiple_of(BLOCK);
        let Some((_, blocks)) = OptionWalk(self.options).find(|&(kind, value)| kind == SACK && whole(value)) else {
            return self.acknowledgement;
        };
        let edges = blocks
            .chunks_exact(BLOCK)
            .filter_map(|block| number32(block, 4))
            .map(|edge| Sequence(edge).minus(self.earlier));
        edges.fold(self.acknowledgement, |highest, edge| if edge.is_after(highest) { edge } else { highest })
    }
}

fn sign(flags: TcpFlags) -> Sign {
    let has = |flag| flags.contains(flag);
    if has(TcpFlags::RST) {
        Sign::Rst
    } else if has(TcpFlags::SYN) {
        if has(TcpFlags::ACK) { Sign::SynAck } else { Sign::Syn }
    } else if has(TcpFlags::FIN) {
        Sign::Fin
    } else if has(TcpFlags::ACK) {
        Sign::Ack
    } else {
        Sign::None
    }
}

/// Whether a combination of flags can come from a TCP at all (`tcp_valid_flags`). PSH, ECE and CWR may always be there.
fn make_sense(flags: TcpFlags) -> bool {
    const FIN: u8 = TcpFlags::FIN.0;
    const SYN: u8 = TcpFlags::SYN.0;
    const RST: u8 = TcpFlags::RST.0;
    const ACK: u8 = TcpFlags::ACK.0;
    const URG: u8 = TcpFlags::URG.0;
    const MASK: u8 = FIN | SYN | RST | ACK | URG;
    const SENSIBLE: [u8; 9] = [SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG];
    SENSIBLE.contains(&(flags.0 & MASK))
}

/// The options of a header, each with its value. Ends where the kernel gives up: at the end-of-options mark and at the
/// first option that is cut short.
struct OptionWalk<'a>(&'a [u8]);

impl<'a> Iterator for OptionWalk<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        const END: u8 = 0;
        const NOTHING: u8 = 1;
        loop {
            match self.0 {
                [NOTHING, rest @ ..] => self.0 = rest,
                &[END, ..] | [] | [_] => return None,
                [kind, length, ..] => {
                    let (option, rest) = self.0.split_at_checked(usize::from(*length))?;
                    self.0 = rest;
                    return Some((*kind, option.get(2..)?));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(options: &[u8]) -> Segment<'_> {
        Segment {
            sign: Sign::Ack,
            flags: TcpFlags::ACK,
            sequence: Sequence(0),
            acknowledgement: Sequence(100),
            end: Sequence(0),
            window: 0,
            earlier: 0,
            options,
        }
    }

    #[test]
    fn options_are_read_up_to_the_first_silly_one() {
        let both = Options { scale: 7, offers_scale: true, sack_permitted: true };
        assert_eq!(segment(&[2, 4, 5, 180, 4, 2, 1, 3, 3, 7]).options(), both);
        assert_eq!(segment(&[3, 3, 99]).options().scale, 14);
        assert_eq!(segment(&[8, 1, 3, 3, 7]).options(), Options::default());
        assert_eq!(segment(&[3, 3]).options(), Options::default());
        assert_eq!(segment(&[0, 3, 3, 7]).options(), Options::default());
    }

    #[test]
    fn the_highest_selective_acknowledgement_counts() {
        let blocks = [1, 1, 5, 18, 0, 0, 0, 110, 0, 0, 0, 120, 0, 0, 0, 105, 0, 0, 0, 108];
        assert_eq!(segment(&blocks).highest_acknowledged(), Sequence(120));
        assert_eq!(segment(&[5, 3, 9]).highest_acknowledged(), Sequence(100));
    }

    #[test]
    fn flags_make_sense_or_not() {
        for sensible in [0x02, 0x12, 0xc2, 0x04, 0x14, 0x11, 0x10, 0x18, 0x0a, 0x22] {
            assert!(make_sense(TcpFlags(sensible)), "{sensible:#x}");
        }
        for silly in [0x00, 0x01, 0x03, 0x06, 0x05, 0x29, 0x3f, 0x08, 0x32] {
            assert!(!make_sense(TcpFlags(silly)), "{silly:#x}");
        }
    }
}
