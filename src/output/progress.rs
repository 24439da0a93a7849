// SPDX-License-Identifier: GPL-3.0-or-later
//! How far long work is: a line on the terminal, and nothing anywhere else.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::traffic_file::Reading;

/// Shorter work shows no progress.
const PATIENCE: Duration = Duration::from_secs(2);

/// The clock is looked at once in so many packets.
const STRIDE: u64 = 4096;

/// How far the packets of a file are.
pub struct Progress {
    reading: Reading,
    packets: u64,
    started: Instant,
    bar: Bar,
}

enum Bar {
    /// Standard error is no terminal.
    Never,
    /// The work may yet be short.
    NotYet,
    Shown(ProgressBar),
}

impl Progress {
    /// Begins.
    pub fn of(reading: &Reading) -> Self {
        let bar = if io::stderr().is_terminal() { Bar::NotYet } else { Bar::Never };
        Self { reading: reading.clone(), packets: 0, started: Instant::now(), bar }
    }

    /// One packet more.
    pub fn step(&mut self) {
        self.packets += 1;
        if !self.packets.is_multiple_of(STRIDE) || matches!(self.bar, Bar::Never) {
            return;
        }
        if matches!(self.bar, Bar::NotYet) && self.started.elapsed() >= PATIENCE {
            self.bar = Bar::Shown(bar(self.reading.total));
        }
        if let Bar::Shown(bar) = &self.bar {
            bar.set_position(self.reading.read.get());
            bar.set_message(format!("{} packets", HumanCount(self.packets)));
        }
    }
}

impl Drop for Progress {
    /// The line goes before anything else is said.
    fn drop(&mut self) {
        if let Bar::Shown(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{percent:>3}% [{bar:30}] {bytes}/{total_bytes}, {msg}, {eta} left",
        None => "{spinner} {bytes} read, {msg}, {elapsed}",
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
