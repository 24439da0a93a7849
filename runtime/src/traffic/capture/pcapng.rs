// SPDX-License-Identifier: GPL-3.0-or-later
//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each section with a byte order and interfaces of its own.

use std::io::Read;
use std::sync::Arc;

use super::block;
use super::source::{Lack, Order, Source};
use super::{Fault, LONGEST_PACKET, Record};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;

/// Type and length of a block, in front of its body.
const BLOCK_HEADER: usize = 8;
/// The length of a block once more, behind its body.
const BLOCK_TRAILER: usize = 4;

/// The longest block that is looked into: a packet and its options.
const LONGEST_BLOCK: u32 = LONGEST_PACKET + 128 * 1024;

/// More interfaces than any host has. Each takes memory.
const MOST_INTERFACES: usize = 1 << 16;

/// A section that is being read.
#[derive(Debug)]
pub struct Section {
    order: Order,
    interfaces: Vec<Interface>,
}

/// An interface that was captured on.
#[derive(Clone, Debug)]
pub struct Interface {
    pub link: u32,
    pub snap_length: u32,
    /// The unit of its time stamps: a negative power of ten, or of two where the highest bit is set.
    pub resolution: u8,
    /// Seconds that are added to each time stamp.
    pub offset: i64,
    pub name: Option<Arc<str>>,
}

impl Section {
    /// Reads the first block.
    pub fn read<R: Read>(source: &mut Source<R>) -> Result<Self, Fault> {
        let mut section = Self { order: Order::Big, interfaces: Vec::new() };
        source.next();
        source.fill(BLOCK_HEADER)?;
        section.begin(source)?;
        Ok(section)
    }

    /// Reads blocks until one holds a packet; none at the end.
    pub fn next<R: Read>(&mut self, source: &mut Source<R>) -> Result<Option<Record>, Fault> {
        loop {
            source.next();
            match source.fill(BLOCK_HEADER) {
                Err(Lack::End) if source.piece().is_empty() => return Ok(None),
                filled => filled?,
            }
            let number = |at| self.order.number32(source.piece(), at).unwrap_or_default();
            let (kind, length) = (number(0), number(4));
            match kind {
                SECTION_HEADER => self.begin(source)?,
                INTERFACE_DESCRIPTION => {
                    let body = self.body(source, length)?;
                    self.describe(&body)?;
                }
                _ if block::holds_packet(kind) => {
                    self.take(source, length)?;
                    let end = source.piece().len().saturating_sub(BLOCK_TRAILER);
                    let body = source.piece().get(BLOCK_HEADER..end).unwrap_or_default();
                    let mut record = block::record(kind, body, self.order, &self.interfaces)?;
                    record.range = record.range.start + BLOCK_HEADER..record.range.end + BLOCK_HEADER;
                    return Ok(Some(record));
                }
                _ => self.leave_out(source, length)?,
            }
        }
    }

    /// Begins a section. Its own header tells the byte order of its length.
    fn begin<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), Fault> {
        source.fill(BLOCK_HEADER + 4)?;
        self.order = match source.piece().get(BLOCK_HEADER..) {
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => Order::Big,
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => Order::Little,
            _ => return Err(Fault::Damage("a section does not tell its byte order".to_owned())),
        };
        self.interfaces.clear();
        let length = self.order.number32(source.piece(), 4).unwrap_or_default();
        self.take(source, length)
    }

    /// Takes the whole of a block of this length.
    fn take<R: Read>(&self, source: &mut Source<R>, length: u32) -> Result<(), Fault> {
        check_length(length)?;
        if length > LONGEST_BLOCK {
            return Err(Fault::too_long(length));
        }
        source.fill(usize::try_from(length).map_err(|_| Fault::too_long(length))?)?;
        let trailer = source.piece().len().saturating_sub(BLOCK_TRAILER);
        self.check_trailer(source.piece(), trailer, length)
    }

    fn check_trailer(&self, piece: &[u8], at: usize, length: u32) -> Result<(), Fault> {
        if self.order.number32(piece, at) == Some(length) {
            return Ok(());
        }
        Err(Fault::Damage("a block tells two lengths".to_owned()))
    }

    fn body<R: Read>(&self, source: &mut Source<R>, length: u32) -> Result<Vec<u8>, Fault> {
        self.take(source, length)?;
        let end = source.piece().len().saturating_sub(BLOCK_TRAILER);
        Ok(source.piece().get(BLOCK_HEADER..end).unwrap_or_default().to_vec())
    }

    fn leave_out<R: Read>(&self, source: &mut Source<R>, length: u32) -> Result<(), Fault> {
        check_length(length)?;
        source.skip(u64::from(length).saturating_sub(12))?;
        source.fill(BLOCK_HEADER + BLOCK_TRAILER)?;
        self.check_trailer(source.piece(), BLOCK_HEADER, length)
    }

    /// §4.2: link type, reserved, snap length, options.
    fn describe(&mut self, body: &[u8]) -> Result<(), Fault> {
        if self.interfaces.len() >= MOST_INTERFACES {
            return Err(Fault::Damage(format!("a section has more than {MOST_INTERFACES} interfaces")));
        }
        let (link, snap_length) = (self.order.number16(body, 0), self.order.number32(body, 4));
        let (Some(link), Some(snap_length)) = (link, snap_length) else {
            return Err(Fault::Damage("the description of an interface is cut short".to_owned()));
        };
        let mut interface = Interface::new(u32::from(link), snap_length);
        for (code, value) in block::options(body.get(8..).unwrap_or_default(), self.order) {
            interface.note(code, value, self.order);
        }
        self.interfaces.push(interface);
        Ok(())
    }
}

/// A block is made of words of four bytes, three at least.
fn check_length(length: u32) -> Result<(), Fault> {
    if length < 12 || !length.is_multiple_of(4) {
        return Err(Fault::Damage(format!("a block cannot be {length} bytes long")));
    }
    Ok(())
}

impl Interface {
    const fn new(link: u32, snap_length: u32) -> Self {
        const MICROSECONDS: u8 = 6;
        Self { link, snap_length, resolution: MICROSECONDS, offset: 0, name: None }
    }

    /// Notes an option. What is not as it should be is as if it were not there.
    fn note(&mut self, code: u16, value: &[u8], order: Order) {
        const NAME: u16 = 2;
        const RESOLUTION: u16 = 9;
        const OFFSET: u16 = 14;
        /// No system has longer names of interfaces.
        const LONGEST_NAME: usize = 256;
        match (code, value) {
            (NAME, name) if name.len() <= LONGEST_NAME => {
                let name = str::from_utf8(name).unwrap_or_default().trim_end_matches('\0');
                self.name = Some(name).filter(|name| !name.is_empty()).map(Arc::from);
            }
            (RESOLUTION, &[resolution]) => self.resolution = resolution,
            (OFFSET, value) => self.offset = order.number64(value, 0).unwrap_or_default().cast_signed(),
            _ => {}
        }
    }
}
