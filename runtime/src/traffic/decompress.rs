// SPDX-License-Identifier: GPL-3.0-or-later
//! Compressed files: gzip, zstd and xz, known by their first bytes and decompressed while they are read.
//!
//! A small file may hold a large one. What is held in memory is bounded all the same: the window of each form, which is
//! limited here, and what the reader of the contents holds.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Chain, Cursor, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How many bytes tell a form of compression.
const HEAD: usize = 6;

/// The largest window of what was said before that a file may ask for, in bytes: as much as `zstd -d` and `xz -9` take.
const LARGEST_WINDOW: u64 = 128 << 20;

/// Bytes, and those in front of them that were looked at.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// The contents of a file: what it holds where it is compressed once, else the file itself.
///
/// # Errors
/// It cannot be read, or is damaged at its start.
pub fn decompress<'a>(reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let (head, reader) = peek(BufReader::new(reader))?;
    Ok(match head.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(reader)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(Zstd::new(reader)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let limit = u32::try_from(LARGEST_WINDOW / 1024).unwrap_or(u32::MAX);
            Box::new(XzReader::new_mem_limit(reader, true, limit))
        }
        _ => Box::new(reader),
    })
}

fn peek<R: BufRead>(mut reader: R) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = Vec::new();
    reader.by_ref().take(u64::try_from(HEAD).unwrap_or_default()).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// The frames of a zstd file, one behind the other.
struct Zstd<R> {
    reader: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> Zstd<R> {
    fn new(reader: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(LARGEST_WINDOW);
        Self { reader, decoder }
    }

    /// Begins the next frame that holds anything, if there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.reader.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.reader) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.reader.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(reason(error)),
            }
        }
        Ok(false)
    }

    /// The checksum behind a frame is that of what it held, where there is one.
    fn check(&self) -> io::Result<()> {
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(told), Some(found)) if told != found => {
                Err(io::Error::new(ErrorKind::InvalidData, "the checksum of a zstd frame is wrong"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 {
            if !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.reader, one).map_err(reason)?;
                continue;
            }
            self.check()?;
            if !self.begin()? {
                return Ok(0);
            }
        }
        self.decoder.read(buffer)
    }
}

/// An error of the decoder; the end of the file in the middle of a frame is the end of the bytes.
fn reason(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(found) = cause {
        if found.downcast_ref::<io::Error>().is_some_and(|found| found.kind() == ErrorKind::UnexpectedEof) {
            return ErrorKind::UnexpectedEof.into();
        }
        cause = found.source();
    }
    io::Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn plain(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        decompress(bytes)?.read_to_end(&mut read)?;
        Ok(read)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    /// `printf ringwall | zstd`, and the same with xz.
    const ZSTD: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x41, 0x00, 0x00, 0x72, 0x69, 0x6e, 0x67, 0x77, 0x61, 0x6c, 0x6c, 0x94,
        0x68, 0xf7, 0x82,
    ];
    const XZ: &[u8] = &[
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x16, 0x00,
        0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x07, 0x72, 0x69, 0x6e, 0x67, 0x77, 0x61, 0x6c, 0x6c, 0x00,
        0xac, 0x5b, 0x4f, 0xc4, 0x0b, 0x32, 0x72, 0x33, 0x00, 0x01, 0x20, 0x08, 0xbb, 0x19, 0xd9, 0xbb, 0x1f, 0xb6,
        0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
    ];

    #[test]
    fn what_is_not_compressed_stays_as_it_is() {
        for bytes in [&b""[..], b"\x1f", b"# a script that is long enough to be one\n"] {
            assert_eq!(plain(bytes).unwrap(), bytes);
        }
    }

    #[test]
    fn files_may_be_joined() {
        assert_eq!(plain(&[gzip(b"ring"), gzip(b"wall")].concat()).unwrap(), b"ringwall");
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        assert_eq!(plain(&[ZSTD, &skipped, ZSTD].concat()).unwrap(), b"ringwallringwall");
        assert_eq!(plain(&[XZ, XZ].concat()).unwrap(), b"ringwallringwall");
    }

    #[test]
    fn cut_and_damaged_files_are_errors() {
        for whole in [gzip(b"ringwall"), ZSTD.to_vec(), XZ.to_vec()] {
            let cut = plain(&whole[..whole.len() - 2]).unwrap_err();
            assert_eq!(cut.kind(), ErrorKind::UnexpectedEof, "{whole:?}: {cut}");
            let mut damaged = whole.clone();
            damaged[whole.len() - 5] ^= 0xff;
            assert!(plain(&damaged).is_err(), "{whole:?}");
        }
    }

    #[test]
    fn windows_are_limited() {
        // A frame that asks for a window of 1 GiB.
        let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00];
        assert!(plain(&zstd).unwrap_err().to_string().contains("window"));
    }
}
