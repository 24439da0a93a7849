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

/// When results are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// While the work goes on.
    AsTheyCome,
    /// When it is done.
    AtTheEnd,
}

enum Bar {
    /// Standard error is no terminal.
    Never,
    /// The work may yet be short.
    NotYet,
    Shown(ProgressBar),
}

impl Progress {
    /// Begins. Where results are printed while the work goes on, and go to a terminal, they are progress enough.
    pub fn of(reading: &Reading, results: Results) -> Self {
        let seen = results == Results::AsTheyCome && io::stdout().is_terminal();
        let bar = if io::stderr().is_terminal() && !seen { Bar::NotYet } else { Bar::Never };
        Self { reading: reading.clone(), packets: 0, started: Instant::now(), bar }
    }

    /// One packet more.
    pub fn step(&mut self) {
        self.packets += 1;
        if !self.packets.is_multiple_of(STRIDE) || matches!(self.bar, Bar::Never) {
            return;
        }
        if matches!(self.bar, Bar::NotYet) && self.started.elapsed() >= PATIENCE {
            self.bar = Bar::Shown(bar(&self.reading));
        }
        if let Bar::Shown(bar) = &self.bar {
            bar.set_message(format!("{} packets", HumanCount(self.packets)));
            bar.set_position(self.reading.read.get());
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

fn bar(reading: &Reading) -> ProgressBar {
    let template = match reading.total {
        Some(_) => "{percent:>3}% [{bar:30}] {bytes}/{total_bytes}, {msg}, {eta} left",
        None => "{spinner} {bytes} read, {msg}, {elapsed}",
    };
    let bar = ProgressBar::with_draw_target(reading.total, ProgressDrawTarget::hidden()).with_elapsed(PATIENCE);
    let bar = match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    // The speed is taken from now on: not the jump to where the work is already.
    bar.set_position(reading.read.get());
    bar.reset_eta();
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar
}
