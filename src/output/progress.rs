// SPDX-License-Identifier: GPL-3.0-or-later
//! How far long work is: a line on the terminal, and nothing anywhere else.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::talk;
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

/// What work is at whose end cannot be seen from its beginning. Lines that are said meanwhile stay.
pub struct Spinner {
    /// None where standard error is no terminal.
    told: Option<(Sender<Told>, JoinHandle<()>)>,
}

enum Told {
    /// What it is at now.
    Step(String),
    /// Something that stays.
    Line(String),
}

impl Spinner {
    /// Begins.
    pub fn new() -> Self {
        let told = io::stderr().is_terminal().then(|| {
            let (sender, receiver) = mpsc::channel();
            // One step can take minutes: the time that it takes is shown meanwhile.
            (sender, thread::spawn(move || spin(&receiver)))
        });
        Self { told }
    }

    /// What the work is at now.
    pub fn step(&self, words: String) {
        if let Some((sender, _)) = &self.told {
            // Where nobody listens, nothing is lost.
            let _ = sender.send(Told::Step(words));
        }
    }

    /// Says something that stays.
    pub fn say(&self, words: String) {
        match &self.told {
            Some((sender, _)) => _ = sender.send(Told::Line(words)),
            None => talk(words),
        }
    }
}

impl Drop for Spinner {
    /// The line goes before anything else is said.
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.told.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

fn spin(told: &Receiver<Told>) {
    const TURN: Duration = Duration::from_millis(120);
    let started = Instant::now();
    let (mut shown, mut step) = (None::<ProgressBar>, String::new());
    loop {
        match told.recv_timeout(TURN) {
            Ok(Told::Step(words)) => step = words,
            Ok(Told::Line(words)) => match &shown {
                Some(bar) => bar.suspend(|| talk(words)),
                None => talk(words),
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if started.elapsed() >= PATIENCE {
            let bar = shown.get_or_insert_with(spinner);
            bar.set_message(step.clone());
            bar.tick();
        }
    }
    if let Some(bar) = shown {
        bar.finish_and_clear();
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_elapsed(PATIENCE);
    match ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
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
