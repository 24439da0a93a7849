// SPDX-License-Identifier: GPL-3.0-or-later
//! What the terminal can show.

use std::env;
use std::io::{self, IsTerminal};

use terminal_size::{Width, terminal_size_of};

/// The width of text that is not written to a terminal, in columns.
const WIDTH_ELSEWHERE: usize = 100;

/// Narrower terminals get this width: their lines wrap, but frames stay readable.
const NARROWEST: usize = 60;

/// Whether standard error shows colours (<https://no-color.org>).
pub fn has_colour() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    !set("NO_COLOR") && (set("CLICOLOR_FORCE") || io::stderr().is_terminal() && !dumb)
}

/// The width of standard error, in columns.
pub fn width() -> usize {
    terminal_size_of(io::stderr()).map_or(WIDTH_ELSEWHERE, |(Width(columns), _)| usize::from(columns).max(NARROWEST))
}

/// `text` without characters that would command the terminal or turn the direction of writing. What takes their place has as
/// many bytes, so that offsets stay what they were.
pub fn harmless(text: &str) -> String {
    let mut letters = text.chars().peekable();
    let mut shown = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        let ends_line = letter == '\r' && letters.peek() == Some(&'\n');
        shown.push(if commands(letter) && !ends_line { stand_in(letter) } else { letter });
    }
    shown
}

fn commands(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || letter.is_control() && !matches!(letter, '\n' | '\t')
}

const fn stand_in(letter: char) -> char {
    match letter.len_utf8() {
        1 => '?',
        2 => '\u{00bf}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_the_terminal_is_replaced_byte_for_byte() {
        let text = "a\u{1b}[31mb\u{9b}c\u{202e}d\te\rf\r\n";
        let shown = harmless(text);
        assert_eq!(shown, "a?[31mb\u{bf}c\u{fffd}d\te?f\r\n");
        assert_eq!(shown.len(), text.len());
    }
}
