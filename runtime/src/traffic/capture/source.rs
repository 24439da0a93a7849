// SPDX-License-Identifier: GPL-3.0-or-later
//! Bytes that are taken in pieces, each of a length that is known before. Only one piece is held at a time, and what is
//! not there takes no memory, whatever the capture claims.

use std::io::{self, ErrorKind, Read};

use crate::packet::wire::array;

/// Why a piece cannot be had.
#[derive(Debug)]
pub enum Lack {
    /// The bytes end before it, or in it.
    End,
    /// They cannot be read.
    Io(io::Error),
}

/// Bytes, and the piece of them that is looked at.
pub struct Source<R> {
    reader: R,
    piece: Vec<u8>,
}

impl<R: Read> Source<R> {
    /// Bytes of which nothing was taken yet.
    pub const fn new(reader: R) -> Self {
        Self { reader, piece: Vec::new() }
    }

    /// Begins the next piece.
    pub fn next(&mut self) {
        self.piece.clear();
    }

    /// The piece as far as it was taken.
    pub fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// Makes the piece this long.
    ///
    /// # Errors
    /// Why it is shorter.
    pub fn fill(&mut self, length: usize) -> Result<(), Lack> {
        const STEP: usize = 64 * 1024;
        while self.piece.len() < length {
            let start = self.piece.len();
            self.piece.resize(length.min(start + STEP), 0);
            let read = read_full(&mut self.reader, self.piece.get_mut(start..).unwrap_or_default());
            let count = read.as_ref().copied().unwrap_or_default();
            let short = start + count < self.piece.len();
            self.piece.truncate(start + count);
            read.map_err(Lack::Io)?;
            if short {
                return Err(Lack::End);
            }
        }
        Ok(())
    }

    /// Leaves bytes out.
    ///
    /// # Errors
    /// Why there are fewer.
    pub fn skip(&mut self, length: u64) -> Result<(), Lack> {
        let skipped = io::copy(&mut self.reader.by_ref().take(length), &mut io::sink()).map_err(Lack::Io)?;
        if skipped < length { Err(Lack::End) } else { Ok(()) }
    }
}

/// Reads until the buffer is full or the bytes end, and says how many there were.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// The byte order of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Big,
    Little,
}

impl Order {
    pub fn number16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = array(bytes, at)?;
        Some(if self == Self::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub fn number32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = array(bytes, at)?;
        Some(if self == Self::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub fn number64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = array(bytes, at)?;
        Some(if self == Self::Big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}
