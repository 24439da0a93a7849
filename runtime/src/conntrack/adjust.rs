// SPDX-License-Identifier: GPL-3.0-or-later
//! Sequence numbers of a conversation whose payload a translation made longer or shorter (`nf_conntrack_seqadj.c`): what
//! follows is moved on, and what the other end acknowledges is moved back.

use ringwall_ir::words::{CtDirection, CtState, CtStatus, TcpFlags};

use super::sequence::Sequence;
use super::tuple::Layers;
use super::{Conntrack, Tracked};
use crate::packet::checksum;
use crate::packet::wire::{byte, number16, number32, put};

/// How far the numbers of both directions are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    original: Shift,
    reply: Shift,
}

/// How far the numbers of one direction are moved on: by one amount up to a number, by another behind it. An amount may
/// stand for one below zero, as the numbers wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shift {
    place: Sequence,
    before: u32,
    after: u32,
}

impl Shift {
    const fn at(&self, number: Sequence) -> u32 {
        if number.is_after(self.place) { self.after } else { self.before }
    }

    /// A number that the other end acknowledged, as its sender knows it.
    const fn undone(&self, number: Sequence) -> Sequence {
        number.minus(self.at(number.minus(self.before)))
    }
}

impl Adjustment {
    const fn of(&self, direction: CtDirection) -> &Shift {
        match direction {
            CtDirection::Original => &self.original,
            CtDirection::Reply => &self.reply,
        }
    }

    /// How far a number of a direction is moved on (`nf_ct_seq_offset`).
    pub const fn offset(&self, direction: CtDirection, number: Sequence) -> u32 {
        self.of(direction).at(number)
    }

    /// Notes that the segment with this number became longer by so many bytes (`nf_ct_seqadj_set`). There is room for one
    /// change in the window; a retransmission changes nothing.
    pub const fn note(&mut self, direction: CtDirection, number: Sequence, by: u32) {
        let shift = match direction {
            CtDirection::Original => &mut self.original,
            CtDirection::Reply => &mut self.reply,
        };
        if shift.before == shift.after || shift.place.is_before(number) {
            *shift = Shift { place: number, before: shift.after, after: shift.after.wrapping_add(by) };
        }
    }

    /// Moves the numbers of a segment (`nf_ct_seq_adjust`). False if it is cut short, or its options are.
    fn segment(&self, direction: CtDirection, segment: &mut [u8]) -> bool {
        let (ours, theirs) = (self.of(direction), self.of(direction.reversed()));
        let (Some(sequence), Some(acknowledged), Some(offset), Some(flags)) =
            (number32(segment, 4), number32(segment, 8), byte(segment, 12), byte(segment, 13))
        else {
            return false;
        };
        if segment.len() < HEADER {
            return false;
        }
        let sequence = Sequence(sequence);
        replace(segment, 4, sequence.plus(ours.at(sequence)));
        if !TcpFlags(flags).contains(TcpFlags::ACK) {
            return true;
        }
        replace(segment, 8, theirs.undone(Sequence(acknowledged)));
        sack(segment, usize::from(offset >> 4) * 4, theirs)
    }
}

const HEADER: usize = 20;

/// Moves the numbers of selective acknowledgements (`nf_ct_sack_adjust`).
fn sack(segment: &mut [u8], end: usize, theirs: &Shift) -> bool {
    const END: u8 = 0;
    const NOTHING: u8 = 1;
    const SACK: u8 = 5;
    const BLOCK: usize = 8;
    if segment.len() < end {
        return false;
    }
    let mut at = HEADER;
    while at < end {
        match byte(segment, at) {
            None | Some(END) => return true,
            Some(NOTHING) => at += 1,
            Some(kind) => {
                let length = byte(segment, at + 1).filter(|_| at + 1 < end).map_or(0, usize::from);
                if length < 2 || at + length > end {
                    return false;
                }
                if kind == SACK && length > 2 && (length - 2).is_multiple_of(BLOCK) {
                    for edge in (at + 2..at + length).step_by(4) {
                        let number = Sequence(number32(segment, edge).unwrap_or_default());
                        replace(segment, edge, theirs.undone(number));
                    }
                }
                at += length;
            }
        }
    }
    true
}

/// Writes a number, and moves the checksum on.
fn replace(segment: &mut [u8], at: usize, new: Sequence) {
    const CHECKSUM: usize = 16;
    let (Some(old), Some(sum)) = (number32(segment, at), number16(segment, CHECKSUM)) else { return };
    put(segment, at, &new.0.to_be_bytes());
    put(segment, CHECKSUM, &checksum::moved(sum, &old.to_be_bytes(), &new.0.to_be_bytes()).to_be_bytes());
}

impl Conntrack {
    /// Whether the sequence numbers of a packet are moved at its last hook. To be asked before its helper reads it.
    #[must_use]
    pub fn is_adjusted(&self, tracked: Tracked) -> bool {
        let error = (tracked.state, tracked.direction) == (CtState::Related, Some(CtDirection::Reply));
        !error && self.status(tracked).contains(CtStatus::SEQ_ADJUST)
    }

    /// Moves the sequence numbers of a packet. False if it must be dropped. Whatever is related to the conversation in its
    /// original direction is taken for a segment of it, even an ICMP error: so does the kernel.
    #[must_use]
    pub fn adjust(&self, tracked: Tracked, bytes: &mut [u8]) -> bool {
        let (Some(entry), Some(direction)) = (self.entry(tracked), tracked.direction) else { return true };
        let Some(layers) = Layers::of(bytes, entry.original().family) else { return true };
        let at = bytes.len() - layers.segment.len();
        let adjustment = entry.rare().map(|rare| rare.adjustment).unwrap_or_default();
        bytes.get_mut(at..).is_some_and(|segment| adjustment.segment(direction, segment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_behind_a_change_are_moved_and_moved_back() {
        let mut adjustment = Adjustment::default();
        adjustment.note(CtDirection::Original, Sequence(1000), 3);
        adjustment.note(CtDirection::Original, Sequence(1000), 3);
        assert_eq!(adjustment.offset(CtDirection::Original, Sequence(1000)), 0);
        assert_eq!(adjustment.offset(CtDirection::Original, Sequence(1001)), 3);
        adjustment.note(CtDirection::Original, Sequence(1100), 1_u32.wrapping_neg());
        let shift = adjustment.of(CtDirection::Original);
        assert_eq!((shift.at(Sequence(1100)), shift.at(Sequence(1101))), (3, 2));
        assert_eq!(shift.undone(Sequence(1103)), Sequence(1100));
        assert_eq!(shift.undone(Sequence(1110)), Sequence(1108));
        assert_eq!(adjustment.offset(CtDirection::Reply, Sequence(5000)), 0);
    }
}
