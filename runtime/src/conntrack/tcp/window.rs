// SPDX-License-Identifier: GPL-3.0-or-later
//! The window (`tcp_in_window`), after "Real Stateful TCP Packet Filtering in IP Filter" by Guido van Rooij.
//!
//! The bounds are those of RFC 9293, loosened for a man in the middle: a segment must meet the window of its receiver,
//! and may acknowledge what the receiver sent, but no more. For a segment from `sender`:
//!
//! 1. its first byte comes not after `sender.max_end`,
//! 2. its last byte not before `sender.end` less the receiver's largest window,
//! 3. what it acknowledges comes not after `receiver.end`,
//! 4. and not too long before it.

use ringwall_ir::words::{CtDirection, TcpFlags};

use super::segment::{Segment, Sign};
use super::{Connection, End, Notes, State};
use crate::conntrack::Arrival;
use crate::conntrack::adjust::Adjustment;
use crate::conntrack::sequence::Sequence;

/// Whether a segment fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Good,
    /// It does not, but may be a mistake of the sender's or a late copy: it passes without effect.
    Ignored,
    Bad,
}

/// The numbers of a segment, corrected where the sender left them out.
#[derive(Clone, Copy)]
struct Numbers {
    sequence: Sequence,
    end: Sequence,
    acknowledged: Sequence,
    /// The highest number acknowledged, selectively too.
    highest: Sequence,
}

/// Acknowledgements may be late by this much, or by the sender's largest window.
const LATE_ACKNOWLEDGEMENT: u32 = 66000;

impl Connection {
    /// Whether a segment fits, and what both ends are known to have sent and to take from now on.
    pub(super) fn fit(&mut self, segment: &Segment<'_>, arrival: &Arrival<'_>, adjustment: &Adjustment) -> Fit {
        let direction = arrival.direction;
        let moved = adjustment.offset(direction.reversed(), segment.acknowledgement.minus(1));
        let segment = &segment.acknowledging_earlier(moved);
        let (mut sender, mut receiver) = (*self.end(direction), *self.end(direction.reversed()));
        let mut fit = Fit::Good;
        let mut inside = None;
        if !self.meet(segment, direction, &mut sender, &mut receiver) {
            let numbers = self.numbers(segment, &sender, &receiver);
            fit = place(numbers, &mut sender, &receiver);
            if fit == Fit::Good {
                move_window(segment, numbers, &mut sender, &mut receiver);
                inside = Some(numbers);
            } else if sender.notes.has(Notes::LIBERAL) || arrival.sysctls.tcp_be_liberal {
                fit = Fit::Good;
            }
        }
        *self.end_mut(direction) = sender;
        *self.end_mut(direction.reversed()) = receiver;
        if let Some(numbers) = inside.filter(|_| segment.sign == Sign::Ack) {
            self.count_retransmissions(numbers, segment.window, direction);
        }
        fit
    }

    /// Learns about an end from its first segment, or from a SYN that starts anew. True where that is all there is to do:
    /// a SYN that crosses another.
    fn meet(&self, segment: &Segment<'_>, direction: CtDirection, sender: &mut End, receiver: &mut End) -> bool {
        let syn = segment.has(TcpFlags::SYN);
        let opening = matches!(self.state, State::SynSent | State::SynRecv);
        let crossing = !segment.has(TcpFlags::ACK);
        if sender.max_window == 0 {
            if syn {
                introduce(segment, direction, sender, receiver);
                return crossing;
            }
            pick_up(segment, sender, receiver);
            false
        } else if syn && segment.end.is_after(sender.end) && opening {
            introduce(segment, direction, sender, receiver);
            direction == CtDirection::Reply && crossing
        } else {
            false
        }
    }

    fn numbers(&self, segment: &Segment<'_>, sender: &End, receiver: &End) -> Numbers {
        let mut numbers = Numbers {
            sequence: segment.sequence,
            end: segment.end,
            acknowledged: segment.acknowledgement,
            highest: highest_acknowledged(segment, receiver),
        };
        // Some stacks set ACK in a reset, but acknowledge zero.
        let broken = segment.sign == Sign::Rst && numbers.acknowledged == Sequence(0);
        if !segment.has(TcpFlags::ACK) || broken {
            (numbers.acknowledged, numbers.highest) = (receiver.end, receiver.end);
        }
        if segment.sign == Sign::Rst && numbers.sequence == Sequence(0) && self.state == State::SynSent {
            (numbers.sequence, numbers.end) = (sender.end, sender.end);
        }
        numbers
    }

    fn count_retransmissions(&mut self, numbers: Numbers, window: u16, direction: CtDirection) {
        let last = &mut self.last;
        let same = last.direction == Some(direction)
            && (last.sequence, last.acknowledgement) == (numbers.sequence, numbers.acknowledged)
            && (last.end, last.window) == (numbers.end, window);
        if same {
            self.retransmissions = self.retransmissions.wrapping_add(1);
            return;
        }
        last.direction = Some(direction);
        (last.sequence, last.acknowledgement) = (numbers.sequence, numbers.acknowledged);
        (last.end, last.window) = (numbers.end, window);
        self.retransmissions = 0;
    }
}

fn highest_acknowledged(segment: &Segment<'_>, receiver: &End) -> Sequence {
    if receiver.options.sack_permitted { segment.highest_acknowledged() } else { segment.acknowledgement }
}

/// A SYN or SYN+ACK tells all about its sender (`tcp_init_sender`).
fn introduce(segment: &Segment<'_>, direction: CtDirection, sender: &mut End, receiver: &mut End) {
    (sender.end, sender.max_end) = (segment.end, segment.end);
    sender.max_window = u32::from(segment.window.max(1));
    sender.read_options(segment);
    // Windows are scaled only if both ends offered it (RFC 7323 §2.2).
    let both = sender.options.offers_scale && receiver.options.offers_scale;
    if direction == CtDirection::Reply && !both {
        (sender.options.scale, receiver.options.scale) = (0, 0);
    }
}

/// In the middle of a conversation whose start was not seen, the first segment has to do.
fn pick_up(segment: &Segment<'_>, sender: &mut End, receiver: &mut End) {
    let highest = highest_acknowledged(segment, receiver);
    sender.end = segment.end;
    sender.max_window = (u32::from(segment.window) << sender.options.scale).max(1);
    sender.max_end = segment.end.plus(sender.max_window);
    if receiver.max_window == 0 {
        (receiver.end, receiver.max_end) = (highest, highest);
    } else if highest == receiver.end.plus(1) {
        // Likely the answer to a keep-alive probe.
        receiver.end = highest;
    }
}

fn place(numbers: Numbers, sender: &mut End, receiver: &End) -> Fit {
    let late = sender.max_window.max(LATE_ACKNOWLEDGEMENT);
    let acknowledges_sent = numbers.highest.is_before(receiver.end.plus(1));
    let acknowledges_in_time = numbers.highest.is_after(receiver.end.minus(late).minus(1));
    let reaches_window = numbers.end.is_after(sender.end.minus(receiver.max_window).minus(1));
    if !numbers.sequence.is_before(sender.max_end.plus(1)) {
        let overshoot = numbers.end.plus(1).since(sender.max_end);
        let tolerable = receiver.max_window != 0 && reaches_window && overshoot <= receiver.max_window;
        if !(tolerable && acknowledges_in_time && acknowledges_sent) {
            return Fit::Bad;
        }
        // The receiver may take in what it never allowed to send: its acknowledgement must not be called invalid.
        sender.end = numbers.end;
        sender.notes.set(Notes::UNACKNOWLEDGED);
        return Fit::Ignored;
    }
    if !acknowledges_sent {
        Fit::Bad
    } else if receiver.max_window != 0 && !reaches_window || !acknowledges_in_time {
        Fit::Ignored
    } else {
        Fit::Good
    }
}

fn move_window(segment: &Segment<'_>, numbers: Numbers, sender: &mut End, receiver: &mut End) {
    let scale = if segment.has(TcpFlags::SYN) { 0 } else { sender.options.scale };
    let window = u32::from(segment.window) << scale;
    sender.max_window = sender.max_window.max(window.wrapping_add(numbers.highest.since(numbers.acknowledged)));
    if numbers.end.is_after(sender.end) {
        sender.end = numbers.end;
        sender.notes.set(Notes::UNACKNOWLEDGED);
    }
    if segment.has(TcpFlags::ACK) {
        let highest = sender.max_acknowledged().filter(|highest| !numbers.acknowledged.is_after(*highest));
        sender.acknowledged = highest.unwrap_or(numbers.acknowledged);
        sender.notes.set(Notes::ACKNOWLEDGES);
    }
    if receiver.max_window != 0 && numbers.end.is_after(sender.max_end) {
        receiver.max_window = receiver.max_window.wrapping_add(numbers.end.since(sender.max_end));
    }
    if numbers.highest.plus(window).is_after(receiver.max_end.minus(1)) {
        // Even a closed window lets one byte through, as a probe (RFC 9293 §3.8.6.1).
        receiver.max_end = numbers.highest.plus(window.max(1));
    }
    if numbers.acknowledged == receiver.end {
        receiver.notes.clear(Notes::UNACKNOWLEDGED);
    }
}
