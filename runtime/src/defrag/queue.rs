// SPDX-License-Identifier: GPL-3.0-or-later
//! The fragments of one packet that are there so far (`inet_frag_queue_insert` in `net/ipv4/inet_fragment.c`).

use std::time::Duration;

/// Fragments of one packet.
#[derive(Clone, Debug)]
pub struct Queue {
    expires: Duration,
    /// Fragments that came one right behind the other, in the order of their offsets. They never overlap.
    runs: Vec<Run>,
    /// The header of the first fragment.
    header: Option<Vec<u8>>,
    /// The furthest end seen.
    length: usize,
    last_is_in: bool,
}

/// Bytes that belong together.
#[derive(Clone, Debug)]
struct Run {
    offset: usize,
    bytes: Vec<u8>,
}

impl Run {
    const fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }
}

/// The payload of one fragment.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub offset: usize,
    pub more: bool,
    pub payload: &'a [u8],
}

/// What a fragment did to its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    Waiting,
    /// It was there already.
    Duplicate,
    /// It is empty, or does not fit the last one's end.
    Misplaced,
    /// It overlaps others: the whole packet is lost (RFC 5722).
    Overlap,
    /// It was the last one missing: the header of the first, and the payload.
    Complete(Vec<u8>, Vec<u8>),
}

impl Queue {
    pub const fn opened(expires: Duration) -> Self {
        Self { expires, runs: Vec::new(), header: None, length: 0, last_is_in: false }
    }

    pub fn is_late(&self, now: Duration) -> bool {
        now >= self.expires
    }

    pub fn insert(&mut self, piece: Piece<'_>, header: &[u8]) -> Queued {
        let end = piece.offset + piece.payload.len();
        let beyond_last = if piece.more {
            self.last_is_in && end > self.length
        } else {
            end < self.length || self.last_is_in && end != self.length
        };
        if beyond_last || piece.payload.is_empty() {
            return Queued::Misplaced;
        }
        self.last_is_in |= !piece.more;
        self.length = self.length.max(end);
        match self.place(piece, end) {
            Queued::Waiting => {}
            other => return other,
        }
        if piece.offset == 0 {
            self.header = Some(header.to_vec());
        }
        self.completed()
    }

    fn place(&mut self, piece: Piece<'_>, end: usize) -> Queued {
        let run = Run { offset: piece.offset, bytes: piece.payload.to_vec() };
        match self.runs.last_mut() {
            None => self.runs.push(run),
            Some(last) if last.end() < end => {
                if piece.offset < last.end() {
                    return Queued::Overlap;
                }
                if piece.offset == last.end() {
                    last.bytes.extend_from_slice(piece.payload);
                } else {
                    self.runs.push(run);
                }
            }
            Some(_) => {
                let at = self.runs.partition_point(|run| run.end() <= piece.offset);
                match self.runs.get(at) {
                    Some(next) if next.offset < end => {
                        let inside = next.offset <= piece.offset && end <= next.end();
                        return if inside { Queued::Duplicate } else { Queued::Overlap };
                    }
                    _ => self.runs.insert(at, run),
                }
            }
        }
        Queued::Waiting
    }

    fn completed(&mut self) -> Queued {
        let there: usize = self.runs.iter().map(|run| run.bytes.len()).sum();
        match &mut self.header {
            Some(header) if self.last_is_in && there == self.length => {
                let payload = self.runs.drain(..).flat_map(|run| run.bytes).collect();
                Queued::Complete(std::mem::take(header), payload)
            }
            _ => Queued::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue::opened(Duration::from_secs(30))
    }

    fn insert(queue: &mut Queue, offset: usize, payload: &[u8], more: bool) -> Queued {
        queue.insert(Piece { offset, more, payload }, b"header")
    }

    #[test]
    fn order_does_not_matter() {
        let mut queue = queue();
        assert_eq!(insert(&mut queue, 16, b"cc", false), Queued::Waiting);
        assert_eq!(insert(&mut queue, 0, b"aaaaaaaa", true), Queued::Waiting);
        let whole = Queued::Complete(b"header".to_vec(), b"aaaaaaaabbbbbbbbcc".to_vec());
        assert_eq!(insert(&mut queue, 8, b"bbbbbbbb", true), whole);
    }

    #[test]
    fn duplicates_are_harmless_and_overlaps_are_not() {
        let mut queue = queue();
        assert_eq!(insert(&mut queue, 0, b"aaaaaaaabbbbbbbb", true), Queued::Waiting);
        assert_eq!(insert(&mut queue, 8, b"bbbbbbbb", true), Queued::Duplicate);
        assert_eq!(insert(&mut queue, 8, b"bbbbbbbbcccccccc", true), Queued::Overlap);
    }

    #[test]
    fn a_second_end_does_not_fit() {
        let mut queue = queue();
        assert_eq!(insert(&mut queue, 8, b"zz", false), Queued::Waiting);
        assert_eq!(insert(&mut queue, 16, b"zz", false), Queued::Misplaced);
        assert_eq!(insert(&mut queue, 16, b"zzzzzzzz", true), Queued::Misplaced);
    }
}
