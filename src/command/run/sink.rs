// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the observations of a run go: a table, lines of JSON, or a summary.

use ringwall_ir::Ruleset;
use ringwall_runtime::observation::Observation;
use ringwall_runtime::traffic::TimedPacket;
use serde::Serialize;

use crate::cli::Format;
use crate::failure::Failure;
use crate::output::packets::{PacketLine, PacketTable};
use crate::output::summary::Summary;
use crate::output::{Stream, json};

/// What is printed of a run, while it goes on.
pub struct Sink<'a> {
    ruleset: &'a Ruleset,
    format: Format,
    form: Form,
    stream: Stream,
}

enum Form {
    Table(Box<PacketTable>),
    /// How many lines there are.
    Lines(usize),
    Summary(Summary),
}

/// The last line of the JSON form, if the conntrack table was asked for.
#[derive(Serialize)]
struct TableLine<'a> {
    conntrack: &'a [String],
}

impl<'a> Sink<'a> {
    /// Nothing was printed yet.
    pub fn new(ruleset: &'a Ruleset, format: Format, summary: bool) -> Self {
        let form = match format {
            _ if summary => Form::Summary(Summary::new(ruleset)),
            Format::Human => Form::Table(Box::new(PacketTable::new())),
            Format::Json => Form::Lines(0),
        };
        Self { ruleset, format, form, stream: Stream::default() }
    }

    /// One packet more.
    ///
    /// # Errors
    /// What kept it from being printed.
    pub fn packet(&mut self, packet: &TimedPacket, seen: &Observation) -> Result<(), Failure> {
        match &mut self.form {
            Form::Table(table) => {
                let text = table.add(self.ruleset, packet, seen);
                self.stream.add(&text)
            }
            Form::Lines(count) => {
                *count += 1;
                self.stream.add(&json::line(&PacketLine::new(self.ruleset, *count, packet, seen))?)
            }
            Form::Summary(summary) => {
                summary.note(seen);
                Ok(())
            }
        }
    }

    /// No packet more; perhaps the conntrack table.
    ///
    /// # Errors
    /// What kept it from being printed.
    pub fn finish(mut self, conntrack: Option<Vec<String>>) -> Result<(), Failure> {
        match (self.form, self.format) {
            (Form::Table(table), _) => self.stream.add(&table.finish())?,
            (Form::Lines(_), _) => {}
            (Form::Summary(summary), Format::Human) => self.stream.add(&summary.table(self.ruleset))?,
            (Form::Summary(summary), Format::Json) => {
                self.stream.add(&json::line(&summary.report(self.ruleset))?)?;
            }
        }
        if let Some(lines) = conntrack {
            match self.format {
                Format::Human => self.stream.add(&format!("\nconntrack\n{}", terminated(&lines)))?,
                Format::Json => self.stream.add(&json::line(&TableLine { conntrack: &lines })?)?,
            }
        }
        self.stream.finish()
    }
}

fn terminated(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}
