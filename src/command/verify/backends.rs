// SPDX-License-Identifier: GPL-3.0-or-later
//! The kernel, loaded three ways, as backends with a stopwatch.

use std::time::{Duration, Instant};

use ringwall_compiler::Compiled;
#[cfg(feature = "kernel")]
use ringwall_compiler::target::Unsayable;
use ringwall_runtime::compare::{Backend, BackendError};
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::Observation;
use ringwall_runtime::traffic::Traffic;

/// A backend, and how long it took for how many packets.
pub struct Timed {
    backend: Box<dyn Backend>,
    time: Duration,
    packets: usize,
}

impl Timed {
    /// Packets a second, if it ran.
    pub fn rate(&self) -> Option<f64> {
        let seconds = self.time.as_secs_f64();
        (self.packets > 0 && seconds > 0.0).then(|| self.packets as f64 / seconds)
    }
}

impl Backend for Timed {
    fn name(&self) -> &str {
        self.backend.name()
    }

    fn run(&mut self, host: &Host, traffic: &Traffic) -> Result<Vec<Observation>, BackendError> {
        let start = Instant::now();
        let seen = self.backend.run(host, traffic)?;
        self.time += start.elapsed();
        self.packets += traffic.packets.len();
        Ok(seen)
    }
}

#[cfg(feature = "kernel")]
impl Timed {
    fn new(backend: impl Backend + 'static) -> Self {
        Self { backend: Box::new(backend), time: Duration::ZERO, packets: 0 }
    }
}

/// The kernel with the policy as nft text, as iptables text and over netlink.
#[cfg(feature = "kernel")]
pub fn of(compiled: &Compiled) -> Vec<Timed> {
    use ringwall_compiler::target::{iptables, nft};
    use ringwall_ir::words::Family;
    use ringwall_kernel::namespace::{KernelBackend, Load};

    let ruleset = &compiled.ruleset;
    let loaded = |name, load: Result<Load, Vec<Unsayable>>| match load {
        Ok(load) => Timed::new(KernelBackend::new(name, load)),
        Err(refused) => Timed::new(Refused { name, refused }),
    };
    let restore = |family| {
        let written = iptables::write(ruleset, family, iptables::CtMatch::Conntrack)?;
        Ok((written.text, written.chains))
    };
    let iptables = restore(Family::Ipv4).and_then(|v4| Ok(Load::iptables(v4, restore(Family::Ipv6)?, ruleset)));
    vec![
        loaded("kernel (nft)", nft::write(ruleset).map(|text| Load::nft(&text, ruleset))),
        loaded("kernel (iptables)", iptables),
        loaded("kernel (netlink)", Ok(Load::netlink(ruleset))),
    ]
}

/// This build knows no kernel.
#[cfg(not(feature = "kernel"))]
pub fn of(_: &Compiled) -> Vec<Timed> {
    Vec::new()
}

/// A target that cannot say the policy: it is left out, with the reason.
#[cfg(feature = "kernel")]
struct Refused {
    name: &'static str,
    refused: Vec<Unsayable>,
}

#[cfg(feature = "kernel")]
impl Backend for Refused {
    fn name(&self) -> &str {
        self.name
    }

    fn run(&mut self, _: &Host, _: &Traffic) -> Result<Vec<Observation>, BackendError> {
        let reasons: Vec<_> = self.refused.iter().map(ToString::to_string).collect();
        Err(BackendError { backend: self.name.to_owned(), problem: reasons.join("; "), unavailable: true })
    }
}
