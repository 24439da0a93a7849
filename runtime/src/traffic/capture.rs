// SPDX-License-Identifier: GPL-3.0-or-later
//! Captures: pcap and pcapng files, read packet by packet, and written.
//!
//! What is held in memory is one packet, and what a section of pcapng tells of its interfaces: a capture may be as long as
//! it likes. The crate `pcap_file` writes; it does not read here, for it refuses frames that were cut at the snap length
//! and comments that are not UTF-8, takes every time stamp of pcapng for nanoseconds, reads the head of a section in the
//! byte order of the one before, and panics where the padding of a block with names is cut off.

mod block;
mod pcap;
mod pcapng;
mod source;
#[cfg(test)]
mod tests;
mod write;

use std::io::{self, BufReader, Chain, Cursor, Read};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use pcap_file::DataLink;

use self::pcap::Pcap;
use self::pcapng::Section;
use self::source::{Lack, Source};
use super::link::Link;
use super::{Sender, TimedPacket, Traffic, TrafficError, entry};
use crate::host::Host;
pub use write::{CaptureForm, CaptureWriter};

/// The longest packet that a record may claim, in bytes: longer than any that a kernel puts together, and short enough
/// to be held.
const LONGEST_PACKET: u32 = 1 << 20;

/// Reads a pcap or pcapng capture whole. Times count from the first packet and never go back; the [`Host`] decides what was
/// sent and what arrived, and where. Bytes that a link added behind a packet are left out, and frames that are not IP
/// become packets without bytes.
///
/// # Errors
/// Why it cannot be read, to the packet.
pub fn read_capture(bytes: &[u8], host: &Host) -> Result<Traffic, TrafficError> {
    let packets = Capture::new(bytes)?.map(|packet| packet.map(|packet| packet.meet(host)));
    Ok(Traffic { packets: packets.collect::<Result<_, _>>()? })
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
    /// How many bytes tell the form.
    pub const HEAD: u64 = 6;

    /// The form that the first bytes tell.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xa1, 0xb2, 0xc3, 0xd4, ..] | [0xd4, 0xc3, 0xb2, 0xa1, ..] => Some(Self::Pcap),
            [0xa1, 0xb2, 0x3c, 0x4d, ..] | [0x4d, 0x3c, 0xb2, 0xa1, ..] => Some(Self::Pcap),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Some(Self::PcapNg),
            [0xa1, 0xb2, 0xcd, 0x34, ..] | [0x34, 0xcd, 0xb2, 0xa1, ..] => Some(Self::Other("a modified pcap capture")),
            [b's', b'n', b'o', b'o', b'p', 0, ..] => Some(Self::Other("a snoop capture")),
            _ => None,
        }
    }
}

/// Which way a packet went, where the capture tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heading {
    /// Into the host that captured, or past it.
    In,
    /// Out of it.
    Out,
}

/// A frame as a capture holds it.
struct Record {
    /// Nanoseconds since the epoch of the capture's clock; none where it has no time stamp.
    at: Option<i128>,
    /// The number of its link type.
    link: u32,
    /// The interface that it was captured on, where the capture tells a name.
    interface: Option<Arc<str>>,
    heading: Option<Heading>,
    /// Its bytes, within the piece of the source that was taken last.
    range: Range<usize>,
}

/// Why a record cannot be read.
enum Fault {
    Lack(Lack),
    Damage(String),
}

impl Fault {
    fn too_long(length: u32) -> Self {
        Self::Damage(format!("a record claims {length} bytes, more than any packet has"))
    }
}

impl From<Lack> for Fault {
    fn from(lack: Lack) -> Self {
        Self::Lack(lack)
    }
}

/// A packet of a capture, which has not met a host yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When, counted from the first packet.
    pub at: Duration,
    /// Its bytes, from the IP header on. Empty for a frame that is not IP.
    pub bytes: Vec<u8>,
    /// The interface that it was captured on, where the capture tells a name.
    pub interface: Option<Arc<str>>,
    /// Which way it went, where the capture tells it.
    pub heading: Option<Heading>,
}

impl Captured {
    /// The packet as it comes to a host.
    #[must_use]
    pub fn meet(self, host: &Host) -> TimedPacket {
        let entry = entry::of(&self.bytes, host, self.heading, self.interface.as_deref());
        TimedPacket { at: self.at, entry, bytes: self.bytes, refused: false, sender: Sender::default() }
    }
}

/// A capture that is being read: its packets, in order. Behind an error there are none.
pub struct Capture<R> {
    source: Source<BufReader<Chain<Cursor<Vec<u8>>, R>>>,
    form: Reading,
    /// The time of its first packet.
    start: Option<i128>,
    /// The time of the packet before.
    before: Duration,
    /// How many packets were read.
    count: usize,
    ended: bool,
}

/// How the rest of a capture is read.
enum Reading {
    Pcap(Pcap),
    PcapNg(Section),
}

impl<R: Read> Capture<R> {
    /// Reads the head of a capture, which is not compressed.
    ///
    /// # Errors
    /// It is none that can be read.
    pub fn new(mut reader: R) -> Result<Self, TrafficError> {
        const BUFFER: usize = 64 * 1024;
        let mut head = Vec::new();
        reader.by_ref().take(Form::HEAD).read_to_end(&mut head).map_err(|error| unreadable(1, &error))?;
        let form = Form::of(&head);
        let mut source = Source::new(BufReader::with_capacity(BUFFER, Cursor::new(head).chain(reader)));
        let form = match form {
            Some(Form::Pcap) => Pcap::read(&mut source).map(Reading::Pcap).map_err(Fault::Lack),
            Some(Form::PcapNg) => Section::read(&mut source).map(Reading::PcapNg),
            Some(Form::Other(form)) => return Err(TrafficError::Form { form }),
            None => return Err(TrafficError::NeitherCaptureNorText),
        };
        let form = form.map_err(|fault| match fault {
            Fault::Lack(Lack::End) => TrafficError::TruncatedHeader,
            fault => error(1, fault),
        })?;
        Ok(Self { source, form, start: None, before: Duration::ZERO, count: 0, ended: false })
    }

    fn read(&mut self) -> Result<Option<Captured>, TrafficError> {
        let packet = self.count + 1;
        let record = match &mut self.form {
            Reading::Pcap(pcap) => pcap.next(&mut self.source),
            Reading::PcapNg(section) => section.next(&mut self.source),
        };
        let Some(record) = record.map_err(|fault| error(packet, fault))? else { return Ok(None) };
        let Some(link) = Link::numbered(record.link) else {
            return Err(TrafficError::LinkType { packet, link: link_name(record.link) });
        };
        self.before = time(&mut self.start, self.before, record.at);
        self.count = packet;
        let frame = self.source.piece().get(record.range).unwrap_or_default();
        Ok(Some(Captured {
            at: self.before,
            bytes: link.packet(frame).unwrap_or_default().to_vec(),
            interface: record.interface,
            heading: record.heading.or_else(|| link.heading(frame)),
        }))
    }
}

impl<R: Read> Iterator for Capture<R> {
    type Item = Result<Captured, TrafficError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

/// The time of a packet: since the first, and not before the one before. A packet without a time stamp comes right behind
/// the one before.
fn time(start: &mut Option<i128>, before: Duration, at: Option<i128>) -> Duration {
    let Some(at) = at else { return before };
    let start = *start.get_or_insert(at);
    let since = u64::try_from(at.saturating_sub(start).max(0)).unwrap_or(u64::MAX);
    before.max(Duration::from_nanos(since))
}

fn error(packet: usize, fault: Fault) -> TrafficError {
    match fault {
        Fault::Lack(Lack::End) => TrafficError::Truncated { packet },
        Fault::Lack(Lack::Io(error)) => unreadable(packet, &error),
        Fault::Damage(problem) => TrafficError::Damaged { packet, problem },
    }
}

fn unreadable(packet: usize, error: &io::Error) -> TrafficError {
    TrafficError::Unreadable { packet, problem: error.to_string() }
}

/// `127 (IEEE802_11_RADIOTAP)`: the number and, where it has one, the name.
fn link_name(number: u32) -> String {
    match DataLink::from(number) {
        DataLink::Unknown(_) => number.to_string(),
        link => format!("{number} ({link:?})"),
    }
}
