// SPDX-License-Identifier: GPL-3.0-or-later
//! Writing captures: packets without a link, in nanoseconds since the start of the traffic.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

/// The snap length that is told: no packet that is read is longer.
const SNAP_LENGTH: u32 = super::LONGEST_PACKET;

/// A form in which captures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureForm {
    /// pcap, which has no comments.
    Pcap,
    /// pcapng, with a comment a packet.
    PcapNg,
}

/// A capture that is being written.
pub struct CaptureWriter<W: Write>(Writing<W>);

enum Writing<W: Write> {
    Pcap(PcapWriter<W>),
    PcapNg(PcapNgWriter<W>),
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the head of a capture. The same packets give the same bytes on every machine.
    ///
    /// # Errors
    /// What kept it from being written.
    pub fn new(writer: W, form: CaptureForm) -> io::Result<Self> {
        Ok(Self(match form {
            CaptureForm::Pcap => Writing::Pcap(PcapWriter::with_header(writer, pcap_header()).map_err(reason)?),
            CaptureForm::PcapNg => {
                let mut writer = PcapNgWriter::with_section_header(writer, section()).map_err(reason)?;
                writer.write_pcapng_block(interface()).map_err(reason)?;
                Writing::PcapNg(writer)
            }
        }))
    }

    /// Writes a packet, from its IP header on, and what is said about it, where the form has room for that.
    ///
    /// # Errors
    /// What kept it from being written.
    pub fn write(&mut self, at: Duration, packet: &[u8], comment: &str) -> io::Result<()> {
        let length = u32::try_from(packet.len()).map_err(io::Error::other)?;
        match &mut self.0 {
            Writing::Pcap(writer) => writer.write_packet(&PcapPacket::new(at, length, packet)).map_err(reason)?,
            Writing::PcapNg(writer) => {
                let block = EnhancedPacketBlock {
                    interface_id: 0,
                    timestamp: at,
                    original_len: length,
                    data: Cow::Borrowed(packet),
                    options: vec![EnhancedPacketOption::Comment(Cow::Borrowed(shortened(comment)))],
                };
                writer.write_pcapng_block(block).map_err(reason)?
            }
        };
        Ok(())
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        match self.0 {
            Writing::Pcap(writer) => writer.into_writer(),
            Writing::PcapNg(writer) => writer.into_inner(),
        }
    }
}

const fn pcap_header() -> PcapHeader {
    PcapHeader {
        version_major: 2,
        version_minor: 4,
        ts_correction: 0,
        ts_accuracy: 0,
        snaplen: SNAP_LENGTH,
        datalink: DataLink::RAW,
        ts_resolution: TsResolution::NanoSecond,
        endianness: Endianness::Little,
    }
}

fn section() -> SectionHeaderBlock<'static> {
    SectionHeaderBlock {
        endianness: Endianness::Little,
        major_version: 1,
        minor_version: 0,
        section_length: -1,
        options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed("ringwall"))],
    }
}

fn interface() -> InterfaceDescriptionBlock<'static> {
    const NANOSECONDS: u8 = 9;
    InterfaceDescriptionBlock {
        linktype: DataLink::RAW,
        snaplen: SNAP_LENGTH,
        options: vec![InterfaceDescriptionOption::IfTsResol(NANOSECONDS)],
    }
}

/// The length of an option is told in 16 bits.
fn shortened(comment: &str) -> &str {
    const LONGEST: usize = 4096;
    let end = (0..=LONGEST.min(comment.len())).rev().find(|at| comment.is_char_boundary(*at));
    comment.get(..end.unwrap_or_default()).unwrap_or_default()
}

fn reason(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}
