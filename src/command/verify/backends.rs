// SPDX-License-Identifier: GPL-3.0-or-later
//! The kernel, loaded three ways, as backends with a stopwatch.

use std::time::{Duration, Instant};

#[cfg(feature = "kernel")]
use ringwall_compiler::target::Unsayable;
use ringwall_ir::Ruleset;
#[cfg(feature = "kernel")]
use ringwall_ir::{OriginId, words::Family};
#[cfg(feature = "kernel")]
use ringwall_kernel::namespace::{ChainOrigins, IptablesText};
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

/// The kernel with the ruleset as nft text, as iptables text and over netlink.
#[cfg(feature = "kernel")]
pub fn of(ruleset: &Ruleset) -> Vec<Timed> {
    use ringwall_compiler::target::nft;
    use ringwall_kernel::namespace::{KernelBackend, Load};

    let loaded = |name, load: Result<Load, Vec<Unsayable>>| match load {
        Ok(load) => Timed::new(KernelBackend::new(name, load)),
        Err(refused) => Timed::new(Refused { name, refused }),
    };
    let iptables =
        restored(ruleset, Family::Ipv4).and_then(|v4| Ok(Load::iptables(v4, restored(ruleset, Family::Ipv6)?)));
    vec![
        loaded("kernel (nft)", nft::write(ruleset).map(|text| Load::nft(&text, ruleset))),
        loaded("kernel (iptables)", iptables),
        loaded("kernel (netlink)", Ok(Load::netlink(ruleset))),
    ]
}

/// What iptables-restore is given for a family.
#[cfg(feature = "kernel")]
fn restored(ruleset: &Ruleset, family: Family) -> Result<IptablesText, Vec<Unsayable>> {
    use ringwall_compiler::target::iptables::{self, WrittenChain};

    // A family that the ruleset says nothing of is left as it is.
    if !iptables::speaks_of(ruleset, family) {
        return Ok(IptablesText { sets: String::new(), rules: String::new(), chains: Vec::new() });
    }
    let written = iptables::write(ruleset, family, iptables::Options::default())?;
    let origins = |chain: WrittenChain| ChainOrigins {
        family: family.table(),
        table: chain.table.to_owned(),
        chain: chain.name,
        rules: chain.rules,
        policy: chain.policy.unwrap_or(OriginId(0)),
    };
    let chains = written.chains.into_iter().map(origins).collect();
    Ok(IptablesText { sets: written.sets, rules: written.text, chains })
}

/// This build knows no kernel.
#[cfg(not(feature = "kernel"))]
pub fn of(_: &Ruleset) -> Vec<Timed> {
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
