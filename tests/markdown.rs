// SPDX-License-Identifier: GPL-3.0-or-later
//! Markdown as the tests read it: sections under `##` headings, with fenced blocks.

/// One section: a heading and the fenced blocks below it.
pub struct Section {
    /// The words of its heading; the file's title where no `##` came yet.
    pub heading: String,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
}

/// One fenced block.
pub struct Block {
    /// What stands behind the opening fence: `policy`, `nft` ...
    pub info: String,
    /// Its lines, each with its line end.
    pub text: String,
    /// The line of the opening fence, from 0.
    pub line: usize,
}

const FENCE: &str = "```";

/// The sections of a text that have blocks.
pub fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section { heading: String::new(), blocks: Vec::new() }];
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        let Some(section) = sections.last_mut() else { break };
        match (&mut open, line.strip_prefix(FENCE)) {
            (Some(_), Some(_)) => section.blocks.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, Some(info)) => {
                open = Some(Block { info: info.trim().to_owned(), text: String::new(), line: number })
            }
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    sections.push(Section { heading: heading.to_owned(), blocks: Vec::new() });
                } else if let Some(title) = line.strip_prefix("# ") {
                    section.heading = title.to_owned();
                }
            }
        }
    }
    sections.retain(|section| !section.blocks.is_empty());
    sections
}

/// `text` with other lines in some of its blocks, each named by the line of its opening fence.
pub fn with_blocks(text: &str, mut replacement: impl FnMut(usize) -> Option<String>) -> String {
    let mut out = String::new();
    let mut inside = false;
    let mut dropping = false;
    for (number, line) in text.lines().enumerate() {
        let is_fence = line.starts_with(FENCE);
        if is_fence && inside {
            (inside, dropping) = (false, false);
        }
        if !dropping {
            out.extend([line, "\n"]);
        }
        if is_fence && !dropping && !line.trim_end().ends_with(FENCE) {
            inside = true;
            if let Some(lines) = replacement(number) {
                out.push_str(&lines);
                dropping = true;
            }
        }
    }
    out
}
