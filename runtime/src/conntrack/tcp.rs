// SPDX-License-Identifier: GPL-3.0-or-later
//! TCP, as `nf_conntrack_proto_tcp.c` follows it: a man in the middle who sees every segment, but not which arrive.

mod segment;
mod transitions;
mod window;

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus};

use super::entry::{Entry, Moment, ProtocolState};
use super::sequence::Sequence;
use super::{Arrival, Outcome};
use crate::host::Sysctls;
use segment::{Options, Segment, Sign};
use transitions::Next;
use window::Fit;

/// How far a conversation is, in the kernel's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    #[default]
    None,
    SynSent,
    SynRecv,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    /// A SYN crossed another: simultaneous open.
    SynSent2,
}

/// After this many equal acknowledgements in a row the retransmission timeout holds (`nf_conntrack_tcp_max_retrans`).
const MAX_RETRANSMISSIONS: u8 = 3;
const RETRANSMISSION_TIMEOUT: Duration = Duration::from_secs(300);
/// Holds while there is data that was not acknowledged.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(300);

impl State {
    /// The state as `/proc/net/nf_conntrack` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait => "FIN_WAIT",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::SynSent2 => "SYN_SENT2",
        }
    }

    /// How long an entry in this state lives (`nf_conntrack_tcp_timeout_*`).
    pub const fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::None => 0,
            Self::SynSent | Self::SynSent2 | Self::FinWait | Self::TimeWait => 120,
            Self::SynRecv | Self::CloseWait => 60,
            Self::Established => 5 * 24 * 3600,
            Self::LastAck => 30,
            Self::Close => 10,
        })
    }

    /// Whether the conversation is over, or nearly (`tcp_can_early_drop`).
    const fn is_ending(self) -> bool {
        matches!(self, Self::FinWait | Self::CloseWait | Self::LastAck | Self::TimeWait | Self::Close)
    }
}

/// What is known of one end, from the segments that it sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct End {
    /// The number behind the last byte that it sent.
    end: Sequence,
    /// The number up to which the other end lets it send.
    max_end: Sequence,
    /// The largest window that it offered, scaled; zero: it sent nothing yet.
    max_window: u32,
    /// The highest number that it acknowledged, where it did.
    acknowledged: Sequence,
    options: Options,
    notes: Notes,
}

/// What is known of an end in few words, each a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Notes(u8);

impl Notes {
    /// It sent the first FIN.
    const CLOSES: Self = Self(1);
    /// Its segments are never out of window: its options were never seen.
    const LIBERAL: Self = Self(2);
    /// It sent data that was not acknowledged yet.
    const UNACKNOWLEDGED: Self = Self(4);
    /// It acknowledged something.
    const ACKNOWLEDGES: Self = Self(8);

    const fn has(self, note: Self) -> bool {
        self.0 & note.0 != 0
    }

    const fn set(&mut self, note: Self) {
        self.0 |= note.0;
    }

    const fn clear(&mut self, note: Self) {
        self.0 &= !note.0;
    }
}

impl End {
    /// Takes over the options of a SYN. One without any leaves everything as it is; one with some forgets what was known
    /// of an earlier SYN's conversation (`tcp_options`).
    fn read_options(&mut self, segment: &Segment<'_>) {
        if segment.has_options() {
            self.options = segment.options();
            self.notes.0 &= Notes::LIBERAL.0;
        }
    }

    /// The highest number that it acknowledged.
    fn max_acknowledged(&self) -> Option<Sequence> {
        self.notes.has(Notes::ACKNOWLEDGES).then_some(self.acknowledged)
    }
}

/// The segment before, as far as it is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Last {
    sign: Sign,
    direction: Option<CtDirection>,
    sequence: Sequence,
    acknowledgement: Sequence,
    end: Sequence,
    window: u16,
    /// The options of a SYN that was let through in the middle of a conversation.
    options: Options,
    /// That SYN may bring about a challenge ACK (RFC 5961 §4), which must not be taken for the last ACK.
    challenge: bool,
}

/// A TCP conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    state: State,
    ends: [End; 2],
    last: Last,
    retransmissions: u8,
    simultaneous_open: bool,
}

impl Connection {
    /// A number from its start and its end.
    #[inline]
    pub const fn glance(&self) -> u64 {
        let [original, reply] = &self.ends;
        (original.end.0 ^ reply.max_end.0 ^ self.last.sequence.0) as u64
    }

    /// Whether both ends are done with it.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::TimeWait | State::Close)
    }

    /// Whether it is over, and a SYN with the same ends, whose numbers are beyond its own, may take its place
    /// (`nf_nat_may_kill`, `nf_seq_has_advanced` in `net/netfilter/nf_nat_core.c`).
    pub fn gives_way_to(&self, opening: &Self) -> bool {
        let ([old, _], [new, _]) = (&self.ends, &opening.ends);
        self.state >= State::TimeWait && opening.state == State::SynSent && new.end.is_after(old.end)
    }
}

/// A move from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    from: State,
    to: State,
}

/// What to do with a segment after the state table was asked.
enum Course {
    /// Look whether it fits the window, then move.
    Check(Step),
    /// Move.
    Move(Step),
    /// Let it pass, and change nothing.
    Pass,
    Invalid,
    Reopen,
}

pub fn packet(entry: &mut Entry, arrival: &Arrival<'_>) -> Outcome {
    let Some(segment) = Segment::of(arrival) else { return Outcome::Invalid };
    let (status, confirmed) = (entry.status, entry.is_confirmed());
    let adjustment = entry.rare().map(|rare| rare.adjustment).unwrap_or_default();
    let ProtocolState::Tcp(connection) = &mut entry.protocol else { return Outcome::Invalid };
    if !confirmed {
        match Connection::opened(&segment, arrival.sysctls) {
            Some(opened) => *connection = opened,
            None => return Outcome::Invalid,
        }
    }
    let step = match connection.course(&segment, arrival, status) {
        Course::Move(step) => step,
        Course::Check(step) => match connection.fit(&segment, arrival, &adjustment) {
            Fit::Good => step,
            Fit::Ignored => return Outcome::Accept,
            Fit::Bad => {
                connection.suspect(&segment, arrival, status, &mut entry.expires);
                return Outcome::Invalid;
            }
        },
        Course::Pass => return Outcome::Accept,
        Course::Invalid => return Outcome::Invalid,
        Course::Reopen => return Outcome::Reopen,
    };
    connection.enter(step, segment.sign, arrival.direction);
    finish(entry, arrival, segment.sign, step)
}

/// Sets the status and the timeout of the entry for a segment that fits.
fn finish(entry: &mut Entry, arrival: &Arrival<'_>, sign: Sign, step: Step) -> Outcome {
    let ProtocolState::Tcp(connection) = &entry.protocol else { return Outcome::Invalid };
    let mut timeout = connection.timeout(step.to, sign);
    if !entry.status.contains(CtStatus::SEEN_REPLY) {
        if sign == Sign::Rst {
            // The only answer was a reset: there never was a conversation.
            entry.count(arrival);
            return Outcome::Kill;
        }
        if sign == Sign::Syn && step.from == State::SynSent {
            // A client that uses a port again must not keep an entry alive for ever.
            return Outcome::Accept;
        }
        if step.to == State::Established {
            timeout = timeout.min(UNACKNOWLEDGED_TIMEOUT);
        }
    } else if matches!(step.from, State::SynRecv | State::Established) && step.to == State::Established {
        entry.status = entry.status.with(CtStatus::ASSURED);
    }
    entry.refresh(arrival, timeout);
    Outcome::Accept
}

impl Connection {
    /// How far it is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The host itself reset it. When it ends now; none if that does not change.
    pub fn close(&mut self, now: Duration) -> Option<Duration> {
        let old = std::mem::replace(&mut self.state, State::Close);
        (old != State::Close).then(|| now + State::Close.timeout())
    }

    /// What the first segment makes (`tcp_new`). None if nothing starts with it.
    fn opened(segment: &Segment<'_>, sysctls: &Sysctls) -> Option<Self> {
        let mut connection = Self::default();
        let [original, reply] = &mut connection.ends;
        original.end = segment.end;
        original.max_window = u32::from(segment.window.max(1));
        match transitions::next(CtDirection::Original, segment.sign, State::None) {
            Next::To(State::SynSent) => {
                original.max_end = segment.end;
                original.options = segment.options();
            }
            Next::To(_) if sysctls.tcp_loose => {
                original.max_end = segment.end.plus(original.max_window);
                for end in [original, reply] {
                    end.options.sack_permitted = true;
                    end.notes.set(Notes::LIBERAL);
                }
            }
            _ => return None,
        }
        Some(connection)
    }

    const fn end(&self, direction: CtDirection) -> &End {
        let [original, reply] = &self.ends;
        match direction {
            CtDirection::Original => original,
            CtDirection::Reply => reply,
        }
    }

    const fn end_mut(&mut self, direction: CtDirection) -> &mut End {
        let [original, reply] = &mut self.ends;
        match direction {
            CtDirection::Original => original,
            CtDirection::Reply => reply,
        }
    }

    const fn step(&self, to: State) -> Step {
        Step { from: self.state, to }
    }

    /// What the state table and its exceptions say (`nf_conntrack_tcp_packet`).
    fn course(&mut self, segment: &Segment<'_>, arrival: &Arrival<'_>, status: CtStatus) -> Course {
        let direction = arrival.direction;
        match transitions::next(direction, segment.sign, self.state) {
            Next::Invalid => Course::Invalid,
            Next::Ignore => self.ignore(segment, direction),
            Next::To(State::SynSent) if self.state >= State::TimeWait => self.reopen(segment, direction),
            Next::To(State::TimeWait) if self.is_challenged(segment, direction) => {
                self.last.challenge = false;
                Course::Pass
            }
            Next::To(State::SynSent2) => {
                self.simultaneous_open = true;
                Course::Check(self.step(State::SynSent2))
            }
            Next::To(State::SynRecv)
                if direction == CtDirection::Reply && segment.sign == Sign::Ack && self.simultaneous_open =>
            {
                Course::Check(self.step(State::Established))
            }
            Next::To(State::Close) if segment.sign == Sign::Rst => self.reset(segment, arrival, status),
            Next::To(state) => Course::Check(self.step(state)),
        }
    }

    /// A SYN after the end (RFC 9293 §3.6.1), or from a client that broke off and starts again.
    fn reopen(&mut self, segment: &Segment<'_>, direction: CtDirection) -> Course {
        let aborted = self.last.direction == Some(direction) && self.last.sign == Sign::Rst;
        if self.ends.iter().any(|end| end.notes.has(Notes::CLOSES)) || aborted {
            Course::Reopen
        } else {
            self.ignore(segment, direction)
        }
    }

    /// A segment that may be right if this side is the one out of step: it passes, and is remembered.
    fn ignore(&mut self, segment: &Segment<'_>, direction: CtDirection) -> Course {
        if segment.sign == Sign::SynAck
            && self.last.sign == Sign::Syn
            && self.last.direction == Some(direction.reversed())
            && segment.acknowledgement == self.last.end
        {
            self.believe_syn(direction);
            return Course::Check(Step { from: State::SynSent, to: State::SynRecv });
        }
        self.last.sign = segment.sign;
        self.last.direction = Some(direction);
        (self.last.sequence, self.last.end) = (segment.sequence, segment.end);
        self.last.window = segment.window;
        if segment.sign == Sign::Syn && direction == CtDirection::Original {
            self.last.options = segment.options();
            self.last.challenge = self.state == State::LastAck;
            // The kernel keeps this note in the same word as the options, which starts anew here.
            self.simultaneous_open = false;
        }
        if self.state == State::SynSent && segment.sign == Sign::Ack && direction == CtDirection::Reply {
            self.last.acknowledgement = segment.acknowledgement;
        }
        Course::Pass
    }

    /// A SYN+ACK answers the SYN that was let through unbelieved: both ends are in step, and this side joins them.
    fn believe_syn(&mut self, direction: CtDirection) {
        let Last { end, window, options, .. } = self.last;
        let max_window = u32::from(window.max(1));
        *self.end_mut(direction.reversed()) = End { end, max_end: end, max_window, options, ..End::default() };
        let server = self.end_mut(direction);
        *server = End { notes: Notes(server.notes.0 & Notes::LIBERAL.0), ..End::default() };
        self.last.challenge = false;
    }

    /// Whether an ACK in state LAST_ACK answers a SYN rather than the last FIN.
    fn is_challenged(&self, segment: &Segment<'_>, direction: CtDirection) -> bool {
        self.state == State::LastAck
            && segment.sign == Sign::Ack
            && self.last.direction != Some(direction)
            && self.last.sign == Sign::Syn
            && self.last.challenge
    }

    /// A reset closes at once only where it is surely right (RFC 5961 §3.2).
    fn reset(&self, segment: &Segment<'_>, arrival: &Arrival<'_>, status: CtStatus) -> Course {
        let close = self.step(State::Close);
        if self.state.is_ending() {
            return Course::Move(close);
        }
        let mut step = close;
        let other = self.end(arrival.direction.reversed());
        if let Some(expected) = other.max_acknowledged().filter(|_| self.last.sign != Sign::Syn) {
            let established = self.state == State::Established && status.contains(CtStatus::ASSURED);
            if segment.sequence == Sequence(0) && !established {
                return Course::Check(close);
            }
            if segment.sequence.is_before(expected) && !arrival.sysctls.tcp_ignore_invalid_rst {
                return Course::Invalid;
            }
            // A reset right behind the data that it follows is one of their train.
            let follows = self.last.sign == Sign::Ack
                && self.last.direction == Some(arrival.direction)
                && segment.sequence == self.last.end;
            if !established || segment.sequence == expected || follows {
                return Course::Check(close);
            }
            step = self.step(self.state);
        }
        if self.answers_what_was_let_through(segment, arrival.direction, status) {
            Course::Move(step)
        } else {
            Course::Check(step)
        }
    }

    /// Whether a reset answers a SYN or ACK that passed unbelieved, so that its numbers mean nothing here.
    fn answers_what_was_let_through(&self, segment: &Segment<'_>, direction: CtDirection, status: CtStatus) -> bool {
        let unbelieved = match self.last.sign {
            Sign::Syn => status.contains(CtStatus::SEEN_REPLY) && self.last.direction != Some(direction),
            Sign::Ack => !status.contains(CtStatus::ASSURED),
            _ => false,
        };
        let challenged = self.state == State::SynSent
            && self.last.sign == Sign::Ack
            && self.last.direction == Some(CtDirection::Reply)
            && segment.sequence == self.last.acknowledgement;
        unbelieved && segment.acknowledgement == self.last.end || challenged
    }

    fn enter(&mut self, step: Step, sign: Sign, direction: CtDirection) {
        self.last.sign = sign;
        self.last.direction = Some(direction);
        self.state = step.to;
        if step.from != step.to && step.to == State::FinWait {
            self.end_mut(direction).notes.set(Notes::CLOSES);
        }
    }

    fn timeout(&self, state: State, sign: Sign) -> Duration {
        let timeout = state.timeout();
        let unacknowledged = self.ends.iter().any(|end| end.notes.has(Notes::UNACKNOWLEDGED));
        if self.retransmissions >= MAX_RETRANSMISSIONS && timeout > RETRANSMISSION_TIMEOUT {
            RETRANSMISSION_TIMEOUT
        } else if sign == Sign::Rst {
            State::Close.timeout()
        } else if unacknowledged {
            timeout.min(UNACKNOWLEDGED_TIMEOUT)
        } else if self.last.window == 0 {
            timeout.min(RETRANSMISSION_TIMEOUT)
        } else {
            timeout
        }
    }

    /// A FIN or RST out of the window that is answered by another is a sign that this side is out of step: the entry must
    /// not live for days (`nf_tcp_handle_invalid`).
    fn suspect(&mut self, segment: &Segment<'_>, arrival: &Arrival<'_>, status: CtStatus, expires: &mut Moment) {
        const WORTHWHILE: Duration = Duration::from_secs(120);
        let ends = |sign| matches!(sign, Sign::Fin | Sign::Rst);
        if !status.contains(CtStatus::ASSURED) || !ends(segment.sign) {
            return;
        }
        if self.last.direction != Some(arrival.direction) && ends(self.last.sign) {
            let left = expires.get().saturating_sub(arrival.now);
            if left >= WORTHWHILE && left > UNACKNOWLEDGED_TIMEOUT {
                *expires = (arrival.now + UNACKNOWLEDGED_TIMEOUT).into();
            }
        } else {
            self.last.sign = segment.sign;
            self.last.direction = Some(arrival.direction);
        }
    }
}
