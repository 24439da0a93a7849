// SPDX-License-Identifier: GPL-3.0-or-later
//! The machine as a backend that others are compared with.

use super::Ruling;
use super::walk::Machine;
use crate::compare::{Backend, BackendError};
use crate::host::Host;
use crate::observation::Observation;
use crate::traffic::Traffic;

/// The machine under rulings that a closure makes, a new one for each run.
#[derive(Clone, Debug)]
pub struct MachineBackend<F> {
    name: String,
    ruling: F,
}

impl<F> MachineBackend<F> {
    /// A backend of this name in reports.
    pub fn new(name: &str, ruling: F) -> Self {
        Self { name: name.to_owned(), ruling }
    }
}

impl<R: Ruling, F: FnMut() -> R> Backend for MachineBackend<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, host: &Host, traffic: &Traffic) -> Result<Vec<Observation>, BackendError> {
        let mut machine = Machine::new(host, (self.ruling)());
        let mut observations = Vec::with_capacity(traffic.packets.len());
        machine.run_packets(&traffic.packets, |seen| {
            observations.push(std::mem::replace(seen, Observation::unseen()));
        });
        Ok(observations)
    }
}
