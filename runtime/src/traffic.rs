// SPDX-License-Identifier: GPL-3.0-or-later
//! Traffic: timed packets on their way into the host, out of it or through it.
//!
//! It comes from captures ([`Capture`]) and from traffic scripts ([`script`]), compressed or not ([`decompress`]);
//! [`Source`] takes either.

mod capture;
mod decompress;
mod entry;
#[cfg(test)]
mod examples;
mod link;
pub mod script;

use std::io::{self, Read};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use capture::{Capture, CaptureForm, CaptureWriter, Captured, Heading, read_capture};
pub use decompress::decompress;
pub use script::{Expected, Script, ScriptError, read_script, write_script};

use crate::packet::wire::{IPV4_HEADER, IPV6_HEADER, number16};

/// Packets in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// The packets.
    pub packets: Vec<TimedPacket>,
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedPacket {
    /// When, counted from the start of the traffic. Never earlier than the packet before.
    pub at: Duration,
    /// Where it comes from.
    pub entry: Entry,
    /// Its bytes, from the IP header on. Empty for a frame that is not IP.
    pub bytes: Vec<u8>,
    /// Another table of the host refuses it with a TCP reset, at hook input, before any chain of the tested ruleset.
    /// The answer then passes the tested ruleset on its way out.
    pub refused: bool,
    /// Who sends it, where the host does.
    #[serde(default)]
    pub sender: Sender,
}

/// The user, and the group, whose program sends a packet; root's, if nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl TimedPacket {
    /// Whether it has fewer bytes than its IP header says: its capture kept only the start of each frame. A host drops
    /// such a packet when it comes in.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        claimed_length(&self.bytes).is_some_and(|length| self.bytes.len() < length)
    }
}

/// The length of an IP packet as its header says it; none where it says none, as in a jumbogram (RFC 2675) and in a
/// packet that was captured before the network card cut it into segments.
fn claimed_length(packet: &[u8]) -> Option<usize> {
    match packet.first()? >> 4 {
        4 => number16(packet, 2).map(usize::from).filter(|&length| length >= IPV4_HEADER),
        6 => number16(packet, 4).filter(|&payload| payload > 0).map(|payload| IPV6_HEADER + usize::from(payload)),
        _ => None,
    }
}

/// Where a packet comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// From the network, on this interface. Routing decides whether it is for the host or through it.
    Arrives(String),
    /// From the host itself.
    Sent,
}

/// What a file of traffic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A capture, of a form that can be read or of one that is known by its first bytes only.
    Capture,
    /// A traffic script.
    Script,
}

/// What a file of traffic is, by its first bytes.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Kind {
    if capture::Form::of(bytes).is_some() { Kind::Capture } else { Kind::Script }
}

/// A file of traffic whose first bytes were looked at.
pub enum Source<R> {
    /// A capture.
    Capture(Capture<R>),
    /// A traffic script, which [`read_script`] reads.
    Script(String),
}

/// The longest traffic script that is read, in bytes: one is held in memory as a whole.
const LONGEST_SCRIPT: u64 = 256 << 20;

/// Begins to read a capture or a traffic script, whichever it is, compressed or not.
///
/// # Errors
/// Why a capture cannot be read, or that the bytes are neither a capture nor text.
pub fn open<'a>(reader: impl Read + 'a) -> Result<Source<Box<dyn Read + 'a>>, TrafficError> {
    let mut plain = decompress(reader).map_err(|error| TrafficError::unreadable(&error))?;
    let mut head = Vec::new();
    plain
        .by_ref()
        .take(capture::Form::HEAD)
        .read_to_end(&mut head)
        .map_err(|error| TrafficError::unreadable(&error))?;
    let kind = sniff(&head);
    let mut whole = io::Cursor::new(head).chain(plain);
    match kind {
        Kind::Capture => Capture::new(Box::new(whole) as Box<dyn Read + 'a>).map(Source::Capture),
        Kind::Script => read_text(&mut whole).map(Source::Script),
    }
}

fn read_text(reader: &mut impl Read) -> Result<String, TrafficError> {
    let mut bytes = Vec::new();
    reader.take(LONGEST_SCRIPT + 1).read_to_end(&mut bytes).map_err(|error| TrafficError::unreadable(&error))?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > LONGEST_SCRIPT) {
        return Err(TrafficError::ScriptTooLong);
    }
    String::from_utf8(bytes).map_err(|_| TrafficError::NeitherCaptureNorText)
}

/// Why traffic cannot be read. Packets are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrafficError {
    /// It is neither a capture nor text.
    #[error("neither a capture nor a traffic script")]
    NeitherCaptureNorText,
    /// It is a traffic script that is too long to be held.
    #[error("a traffic script cannot be longer than {} MiB", LONGEST_SCRIPT >> 20)]
    ScriptTooLong,
    /// Its bytes cannot be read: what keeps them gives no more, or they are not compressed as they should be.
    #[error("cannot be read at packet {packet}: {problem}")]
    Unreadable {
        /// The next packet that would have been read.
        packet: usize,
        /// What is wrong.
        problem: String,
    },
    /// It is a capture of a form that is not read.
    #[error("this is {form}, not a pcap or pcapng capture")]
    Form {
        /// What it is instead.
        form: &'static str,
    },
    /// It ends in the middle of its header.
    #[error("the capture ends in the middle of its header")]
    TruncatedHeader,
    /// It ends in the middle of a packet.
    #[error("the capture ends in the middle of packet {packet}")]
    Truncated {
        /// The packet.
        packet: usize,
    },
    /// Its structure is broken.
    #[error("the capture is damaged at packet {packet}: {problem}")]
    Damaged {
        /// The next packet that would have been read.
        packet: usize,
        /// What is wrong.
        problem: String,
    },
    /// The frames are of a link type that is not read.
    #[error("packet {packet} is of link type {link}, which cannot be read")]
    LinkType {
        /// The first packet of that link type.
        packet: usize,
        /// The link type's number, and its name where it has one.
        link: String,
    },
}

impl TrafficError {
    /// Nothing of a file can be read.
    fn unreadable(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::TruncatedHeader,
            _ => Self::Unreadable { packet: 1, problem: error.to_string() },
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NeitherCaptureNorText | Self::Form { .. } => {
                "traffic is a pcap or pcapng capture or a traffic script in UTF-8, perhaps in gzip, zstd or xz"
                    .to_owned()
            }
            Self::ScriptTooLong => "long traffic belongs into a capture".to_owned(),
            Self::TruncatedHeader => "the file is incomplete; copy it again".to_owned(),
            Self::Truncated { packet } | Self::Damaged { packet, .. } | Self::Unreadable { packet, .. } => {
                match packet.saturating_sub(1) {
                    0 => "the file is incomplete or damaged; copy it again".to_owned(),
                    1 => "the first packet is whole: `editcap -r IN OUT 1-1` keeps it".to_owned(),
                    whole => format!("the first {whole} packets are whole: `editcap -r IN OUT 1-{whole}` keeps them"),
                }
            }
            Self::LinkType { .. } => {
                format!("capture on an interface that carries ip; these can be read: {}", link::NAMES)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_known_by_their_first_bytes() {
        assert_eq!(sniff(&[0xd4, 0xc3, 0xb2, 0xa1]), Kind::Capture);
        assert_eq!(sniff(&[0x0a, 0x0d, 0x0d, 0x0a]), Kind::Capture);
        assert_eq!(sniff(b"# a script"), Kind::Script);
        assert_eq!(sniff(b""), Kind::Script);
    }

    #[test]
    fn what_is_neither_is_said() {
        let problem = |bytes: &[u8]| open(bytes).err().unwrap();
        assert_eq!(problem(&[0xff, 0xfe, 0]), TrafficError::NeitherCaptureNorText);
        assert_eq!(problem(&[0x1f, 0x8b, 0x08]), TrafficError::TruncatedHeader);
        let snoop = problem(b"snoop\0\0\0");
        assert_eq!(snoop.to_string(), "this is a snoop capture, not a pcap or pcapng capture");
    }

    #[test]
    fn a_script_is_text() {
        let text = "0 out udp 10.0.0.1:1 > 10.0.0.2:2\n";
        assert!(matches!(open(text.as_bytes()), Ok(Source::Script(read)) if read == text));
    }

    #[test]
    fn cut_packets_are_known() {
        let packet = |bytes: &[u8]| TimedPacket {
            at: Duration::ZERO,
            entry: Entry::Sent,
            bytes: bytes.to_vec(),
            refused: false,
            sender: Sender::default(),
        };
        let build = crate::packet::build::Build::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let whole = build.udp(1, 2, b"data");
        assert!(!packet(&whole).is_cut());
        assert!(packet(&whole[..24]).is_cut());
        assert!(!packet(&[]).is_cut());
    }
}
