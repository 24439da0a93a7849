// SPDX-License-Identifier: GPL-3.0-or-later
//! Tables for people: columns as wide as what stands in them, two blanks apart.

use std::fmt::Write;

use super::terminal::harmless;

const GAP: &str = "  ";

/// A table. Lines that are not rows of it may stand between its rows.
///
/// A long one may be printed in parts: then columns are as wide as what stands in them so far.
pub struct Table {
    columns: Vec<Column>,
    lines: Vec<Line>,
    headed: bool,
}

struct Column {
    head: &'static str,
    align: Align,
    /// In characters, as far as it was printed.
    width: usize,
}

/// To which side of its column a cell keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

enum Line {
    Row(Vec<String>),
    Note(String),
}

impl Table {
    /// An empty table.
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        let columns = columns.iter().map(|(head, align)| Column { head, align: *align, width: head.len() }).collect();
        Self { columns, lines: Vec::new(), headed: false }
    }

    /// Adds a row: a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.lines.push(Line::Row(cells.into_iter().map(|cell| harmless(&cell)).collect()));
    }

    /// Adds a line about the row above it, which starts where its second column starts.
    pub fn note(&mut self, words: &str) {
        self.lines.push(Line::Note(harmless(words)));
    }

    /// How many lines wait to be printed.
    pub fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// The lines that were added since it was printed last, with the heads of the columns above the first.
    pub fn print(&mut self) -> String {
        self.widen();
        let heads: Vec<_> = self.columns.iter().map(|column| column.head.to_owned()).collect();
        let mut out = if self.headed { String::new() } else { self.print_row(&heads) };
        self.headed = true;
        let indent = self.columns.first().map_or(0, |column| column.width) + GAP.len();
        for line in std::mem::take(&mut self.lines) {
            match line {
                Line::Row(cells) => out.push_str(&self.print_row(&cells)),
                // A String takes every byte.
                Line::Note(words) => _ = writeln!(out, "{:indent$}{words}", ""),
            }
        }
        out
    }

    fn widen(&mut self) {
        for line in &self.lines {
            let Line::Row(cells) = line else { continue };
            for (column, cell) in self.columns.iter_mut().zip(cells) {
                column.width = cell.chars().count().max(column.width);
            }
        }
    }

    fn print_row(&self, cells: &[String]) -> String {
        let mut row = String::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let width = column.width;
            let gap = if row.is_empty() { "" } else { GAP };
            // A String takes every byte.
            _ = match column.align {
                Align::Left => write!(row, "{gap}{cell:<width$}"),
                Align::Right => write!(row, "{gap}{cell:>width$}"),
            };
        }
        row.truncate(row.trim_end().len());
        row.push('\n');
        row
    }
}

/// A sentence on one line, no longer than `longest` characters.
pub fn squeezed(sentence: &str, longest: usize) -> String {
    const CONTINUATION: &str = "\\";
    let words: Vec<_> = sentence.split_whitespace().filter(|word| *word != CONTINUATION).collect();
    let line = words.join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    let kept: String = line.chars().take(longest.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// Words in lines of no more than `width` characters, as far as the words are not longer themselves.
pub fn wrapped(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Table::new(&[("#", Align::Right), ("what", Align::Left), ("why", Align::Left)]);
        table.row(["9".to_owned(), "a long cell".to_owned(), String::new()]);
        table.note("about 9");
        table.row(["10".to_owned(), "short".to_owned(), "because".to_owned()]);
        assert_eq!(table.print(), " #  what         why\n 9  a long cell\n    about 9\n10  short        because\n");
    }

    #[test]
    fn parts_go_on_where_the_one_before_ended() {
        let mut table = Table::new(&[("#", Align::Right), ("what", Align::Left), ("why", Align::Left)]);
        let row = |table: &mut Table, cells: [&str; 3]| table.row(cells.map(str::to_owned));
        row(&mut table, ["1", "a long cell", "x"]);
        assert_eq!((table.waiting(), table.print().as_str()), (1, "#  what         why\n1  a long cell  x\n"));
        row(&mut table, ["10", "short", "y"]);
        assert_eq!((table.print().as_str(), table.waiting()), ("10  short        y\n", 0));
    }

    #[test]
    fn a_row_whose_first_cell_is_empty_keeps_its_columns() {
        let mut table = Table::new(&[("first", Align::Left), ("second", Align::Left)]);
        table.row([String::new(), "b".to_owned()]);
        assert_eq!(table.print(), "first  second\n       b\n");
    }

    #[test]
    fn long_words_are_told_in_lines() {
        assert_eq!(wrapped("a bc def  ghij a-word-too-long k", 6), ["a bc", "def", "ghij", "a-word-too-long", "k"]);
        assert_eq!(wrapped("", 6), Vec::<String>::new());
    }

    #[test]
    fn long_sentences_are_cut_and_stay_on_one_line() {
        assert_eq!(squeezed("allow   inbound \\\n  ssh", 40), "allow inbound ssh");
        assert_eq!(squeezed("allow inbound ssh", 10), "allow i...");
    }
}
