// SPDX-License-Identifier: GPL-3.0-or-later
//! SCTP packets with one chunk (RFC 9260).

use super::line::Line;
use super::words::{Problem, once};
use crate::packet::Packet;
use crate::packet::wire::{array, byte, number32, put};

const WORDS: &str = "the name of a chunk, tag, init-tag";

/// A chunk: name, number, length of what follows its header. The data and the cookie are the shortest that can be.
type Chunk = (&'static str, u8, usize);

/// RFC 9260 §3.3.
const CHUNKS: &[Chunk] = &[
    ("data", 0, 16),
    ("init", 1, 16),
    ("init-ack", 2, 16),
    ("sack", 3, 12),
    ("heartbeat", 4, 4),
    ("heartbeat-ack", 5, 4),
    ("abort", 6, 0),
    ("shutdown", 7, 4),
    ("shutdown-ack", 8, 0),
    ("error", 9, 0),
    ("cookie-echo", 10, 4),
    ("cookie-ack", 11, 0),
    ("shutdown-complete", 14, 0),
];

const DEFAULT: Chunk = ("init", 1, 16);

fn unknown(line: &Line<'_, '_>, word: &str) -> Problem {
    line.unknown("sctp", word, WORDS).or(CHUNKS.iter().map(|(name, ..)| *name))
}

/// Reads the words behind the ends of a packet.
pub fn read(line: &mut Line<'_, '_>) -> Result<Vec<u8>, Problem> {
    let (source, destination) = line.sockets("sctp")?;
    let (mut chunk, mut tag, mut init_tag) = (None, None, None::<u32>);
    while let Some(word) = line.next_word()? {
        match word {
            "tag" => once(&mut tag, word, line.words.number(word)?)?,
            "init-tag" => once(&mut init_tag, word, line.words.number(word)?)?,
            _ => {
                let named = CHUNKS.iter().find(|(name, ..)| *name == word);
                once(&mut chunk, "a chunk", named.ok_or_else(|| unknown(line, word))?)?;
            }
        }
    }
    let (name, number, length) = *chunk.unwrap_or(&DEFAULT);
    if init_tag.is_some() && !name.starts_with("init") {
        return Err(Problem::new(format!("`{name}` has no `init-tag`")));
    }
    let mut bytes = vec![0; 4 + length];
    let total = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    put(&mut bytes, 0, &[number, 0, 0, total]);
    put(&mut bytes, 4, &init_tag.unwrap_or(0).to_be_bytes());
    Ok(line.build().sctp(
        source.port(),
        destination.port(),
        tag.unwrap_or(0),
        bytes.get(..total.into()).unwrap_or(&bytes),
    ))
}

/// The words of a packet, as [`read`] reads them; none where they cannot say it.
pub fn write(packet: &Packet<'_>) -> Option<String> {
    let header = packet.transport()?;
    let number = byte(header, 12)?;
    let (name, ..) = CHUNKS.iter().find(|(_, known, _)| *known == number)?;
    let mut words = (*name).to_owned();
    let tag = number32(header, 4)?;
    if tag != 0 {
        words += &format!(" tag {tag}");
    }
    if name.starts_with("init") {
        let init_tag = array(header, 16).map(u32::from_be_bytes)?;
        words += &format!(" init-tag {init_tag}");
    }
    Some(words)
}
