// SPDX-License-Identifier: GPL-3.0-or-later
//! Captures: pcap and pcapng files.
//!
//! The crate `pcap_file` takes the files apart into records and blocks. What stands in those is read here: it refuses
//! frames that were cut at the snap length and comments that are not UTF-8, takes every time stamp of pcapng for
//! nanoseconds, and panics where the padding of a block with names is cut off.

mod block;
#[cfg(test)]
mod tests;

use std::time::Duration;

use pcap_file::pcap::PcapParser;
use pcap_file::pcapng::PcapNgParser;
use pcap_file::{DataLink, PcapError, TsResolution};

use super::link::Link;
use super::{Sender, TimedPacket, Traffic, TrafficError, entry};
use crate::host::Host;

/// Reads a pcap or pcapng capture. Times count from the first packet and never go back; the [`Host`] decides what was
/// sent and what arrived, and where. Bytes that a link added behind a packet are left out, and frames that are not IP
/// become packets without bytes.
///
/// # Errors
/// Why it cannot be read, to the packet.
pub fn read_capture(bytes: &[u8], host: &Host) -> Result<Traffic, TrafficError> {
    let mut capture = Capture { host, start: None, packets: Vec::new() };
    match Form::of(bytes) {
        Some(Form::Pcap) => capture.read_pcap(bytes)?,
        Some(Form::PcapNg) => capture.read_pcapng(bytes)?,
        Some(Form::Other(form)) => return Err(TrafficError::Form { form }),
        None => return Err(TrafficError::NeitherCaptureNorText),
    }
    Ok(Traffic { packets: capture.packets })
}

/// The form of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// pcap, of either byte order, in microseconds or nanoseconds.
    Pcap,
    /// pcapng.
    PcapNg,
    /// One that is not read.
    Other(&'static str),
}

impl Form {
    /// The form that the first bytes tell.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xa1, 0xb2, 0xc3, 0xd4, ..] | [0xd4, 0xc3, 0xb2, 0xa1, ..] => Some(Self::Pcap),
            [0xa1, 0xb2, 0x3c, 0x4d, ..] | [0x4d, 0x3c, 0xb2, 0xa1, ..] => Some(Self::Pcap),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Some(Self::PcapNg),
            [0xa1, 0xb2, 0xcd, 0x34, ..] | [0x34, 0xcd, 0xb2, 0xa1, ..] => Some(Self::Other("a modified pcap capture")),
            [0x1f, 0x8b, ..] => Some(Self::Other("a gzip file")),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Other("a zstd file")),
            [b's', b'n', b'o', b'o', b'p', 0, ..] => Some(Self::Other("a snoop capture")),
            _ => None,
        }
    }
}

/// A frame as a capture holds it.
struct Frame<'a> {
    /// Nanoseconds since the epoch of the capture's clock; none where it has no time stamp.
    at: Option<i128>,
    link: DataLink,
    bytes: &'a [u8],
}

/// A capture that is being read.
struct Capture<'a> {
    host: &'a Host,
    /// The time of its first packet.
    start: Option<i128>,
    packets: Vec<TimedPacket>,
}

impl Capture<'_> {
    fn read_pcap(&mut self, bytes: &[u8]) -> Result<(), TrafficError> {
        let (mut rest, parser) = PcapParser::new(bytes).map_err(|_| TrafficError::TruncatedHeader)?;
        let header = parser.header();
        let unit = match header.ts_resolution {
            TsResolution::MicroSecond => 1000,
            TsResolution::NanoSecond => 1,
        };
        // The upper half of the number tells the length of a check sequence behind each frame.
        let link = DataLink::from(u32::from(header.datalink) & 0xffff);
        while !rest.is_empty() {
            let (behind, record) = parser.next_raw_packet(rest).map_err(|error| self.broken(&error))?;
            let at = i128::from(record.ts_sec) * 1_000_000_000 + i128::from(record.ts_frac) * unit;
            self.push(&Frame { at: Some(at), link, bytes: &record.data })?;
            rest = behind;
        }
        Ok(())
    }

    fn read_pcapng(&mut self, bytes: &[u8]) -> Result<(), TrafficError> {
        let (mut rest, mut parser) = PcapNgParser::new(bytes).map_err(|error| match error {
            PcapError::IncompleteBuffer => TrafficError::TruncatedHeader,
            error => self.broken(&error),
        })?;
        while !rest.is_empty() {
            let (behind, block) = parser.next_raw_block(rest).map_err(|error| self.broken(&error))?;
            let frame = block::frame(&block, parser.section().endianness, parser.interfaces());
            if let Some(frame) = frame.map_err(|problem| self.damaged(problem))? {
                self.push(&frame)?;
            }
            rest = behind;
        }
        Ok(())
    }

    fn push(&mut self, frame: &Frame<'_>) -> Result<(), TrafficError> {
        let Some(link) = Link::numbered(frame.link.into()) else {
            return Err(TrafficError::LinkType { packet: self.next(), link: link_name(frame.link) });
        };
        let bytes = link.packet(frame.bytes).unwrap_or_default();
        let at = self.time(frame.at);
        let entry = entry::of(bytes, self.host);
        self.packets.push(TimedPacket { at, entry, bytes: bytes.to_vec(), refused: false, sender: Sender::default() });
        Ok(())
    }

    /// The time of the next packet: since the first, and not before the one before. A packet without a time stamp comes
    /// right behind the one before.
    fn time(&mut self, at: Option<i128>) -> Duration {
        let before = self.packets.last().map_or(Duration::ZERO, |packet| packet.at);
        let Some(at) = at else { return before };
        let start = *self.start.get_or_insert(at);
        let since = u64::try_from(at.saturating_sub(start).max(0)).unwrap_or(u64::MAX);
        before.max(Duration::from_nanos(since))
    }

    /// The number of the next packet.
    const fn next(&self) -> usize {
        self.packets.len() + 1
    }

    fn broken(&self, error: &PcapError) -> TrafficError {
        match error {
            PcapError::IncompleteBuffer => TrafficError::Truncated { packet: self.next() },
            PcapError::InvalidField(problem) => self.damaged(problem),
            _ => self.damaged("a part of it is not what it should be"),
        }
    }

    fn damaged(&self, problem: &str) -> TrafficError {
        TrafficError::Damaged { packet: self.next(), problem: problem.to_owned() }
    }
}

/// `127 (IEEE802_11_RADIOTAP)`: the number and, where it has one, the name.
fn link_name(link: DataLink) -> String {
    let number = u32::from(link);
    match link {
        DataLink::Unknown(_) => number.to_string(),
        _ => format!("{number} ({link:?})"),
    }
}
