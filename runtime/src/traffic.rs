// SPDX-License-Identifier: GPL-3.0-or-later
//! Traffic: timed packets on their way into the host, out of it or through it.
//!
//! It comes from captures ([`read_capture`]) and from traffic scripts ([`script`]); [`read`] takes either.

mod capture;
mod entry;
#[cfg(test)]
mod examples;
mod link;
pub mod script;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use capture::read_capture;
pub use script::{Expected, Script, ScriptError, read_script, write_script};

use crate::host::Host;
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

/// Traffic that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From a capture.
    Capture(Traffic),
    /// From a traffic script: what could be read of it, and what could not.
    Script(Script, Vec<ScriptError>),
}

/// Reads a capture or a traffic script, whichever it is.
///
/// # Errors
/// Why a capture cannot be read, or that the bytes are neither a capture nor text. A script's errors stand beside it.
pub fn read(bytes: &[u8], host: &Host) -> Result<Input, TrafficError> {
    match sniff(bytes) {
        Kind::Capture => read_capture(bytes, host).map(Input::Capture),
        Kind::Script => {
            let text = str::from_utf8(bytes).map_err(|_| TrafficError::NeitherCaptureNorText)?;
            let (script, errors) = read_script(text, host);
            Ok(Input::Script(script, errors))
        }
    }
}

/// Why traffic cannot be read. Packets are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrafficError {
    /// It is neither a capture nor text.
    #[error("neither a capture nor a traffic script")]
    NeitherCaptureNorText,
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
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NeitherCaptureNorText | Self::Form { .. } => {
                "traffic is a pcap or pcapng capture, uncompressed, or a traffic script in UTF-8".to_owned()
            }
            Self::TruncatedHeader => "the file is incomplete; copy it again".to_owned(),
            Self::Truncated { packet } | Self::Damaged { packet, .. } => match packet.saturating_sub(1) {
                0 => "the file is incomplete or damaged; copy it again".to_owned(),
                1 => "the first packet is whole: `editcap -r IN OUT 1-1` keeps it".to_owned(),
                whole => format!("the first {whole} packets are whole: `editcap -r IN OUT 1-{whole}` keeps them"),
            },
            Self::LinkType { .. } => {
                format!("capture on an interface that carries ip; these can be read: {}", link::NAMES)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host::with_addresses(&["10.0.0.1/24".parse().unwrap()])
    }

    #[test]
    fn captures_are_known_by_their_first_bytes() {
        assert_eq!(sniff(&[0xd4, 0xc3, 0xb2, 0xa1]), Kind::Capture);
        assert_eq!(sniff(&[0x0a, 0x0d, 0x0d, 0x0a]), Kind::Capture);
        assert_eq!(sniff(&[0x1f, 0x8b, 0x08]), Kind::Capture);
        assert_eq!(sniff(b"# a script"), Kind::Script);
        assert_eq!(sniff(b""), Kind::Script);
    }

    #[test]
    fn what_is_neither_is_said() {
        assert_eq!(read(&[0xff, 0xfe, 0], &host()), Err(TrafficError::NeitherCaptureNorText));
        let compressed = read(&[0x1f, 0x8b, 0x08], &host()).unwrap_err();
        assert_eq!(compressed.to_string(), "this is a gzip file, not a pcap or pcapng capture");
    }

    #[test]
    fn a_script_comes_with_its_errors() {
        let Ok(Input::Script(script, errors)) = read(b"0 out udp 10.0.0.1:1 > 10.0.0.2:2\nnonsense\n", &host()) else {
            panic!("not read as a script");
        };
        assert_eq!((script.traffic.packets.len(), errors.len()), (1, 1));
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
