// SPDX-License-Identifier: GPL-3.0-or-later
//! Comparing backends on the same traffic.

pub mod converse;
pub mod difference;
pub mod draw;
pub mod random;
pub mod region;
mod sketch;

use thiserror::Error;

use crate::host::Host;
use crate::observation::Observation;
use crate::traffic::Traffic;

/// Something that can tell what becomes of traffic on a host: the machine under a ruling, or the kernel.
pub trait Backend {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// Runs the traffic from an empty conntrack table; one observation for each packet, in order.
    ///
    /// # Errors
    /// What kept the backend from running at all.
    fn run(&mut self, host: &Host, traffic: &Traffic) -> Result<Vec<Observation>, BackendError>;
}

/// What kept a backend from running.
#[derive(Debug, Error)]
#[error("{backend}: {problem}")]
pub struct BackendError {
    /// The backend.
    pub backend: String,
    /// What went wrong.
    pub problem: String,
    /// Whether the machine at hand does not offer what the backend needs (namespaces, tun), so that it can be left out.
    pub unavailable: bool,
}
