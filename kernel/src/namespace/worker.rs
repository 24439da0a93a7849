// SPDX-License-Identifier: GPL-3.0-or-later
//! The inside of a namespace: builds it, lets the packets in one by one, and tells what became of each.

use std::fs;
use std::io::ErrorKind;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::utsname::uname;
use nix::unistd::Pid;
use ringwall_ir::words::Hook;
use ringwall_runtime::observation::{Fate, Observation};
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{Entry, TimedPacket};

use super::clock::Clock;
use super::events::Listener;
use super::inject::{self, Injector};
use super::job::{Failure, Job, Observed, Outcome, Scene};
use super::load::Form;
use super::program::{IP6TABLES_RESTORE, IPSET, IPTABLES_RESTORE, NFT};
use super::provenance::Provenance;
use super::walk::{Lost, Walks};
use super::{harness, host, isolate, reader};
use crate::install;

/// How often what was put off may set off something that is put off again: a packet over `lo`, its answer, an error about that.
const LATE_TURNS: usize = 3;

/// Does a job, in a namespace of its own.
///
/// # Errors
/// What kept it from being done.
pub(super) fn work(job: &Job) -> Result<Outcome, Failure> {
    match job {
        Job::Observe(scene) => observe(scene).map(Outcome::Observed),
        Job::Read(text) => reader::read(text).map(Outcome::Read),
    }
}

fn observe(job: &Scene) -> Result<Observed, Failure> {
    check_kernel()?;
    isolate::enter()?;
    let devices = host::build(&job.host, &job.traffic)?;
    harness::load()?;
    host::set_conntrack(&job.host)?;
    load(&job.load.form)?;
    let provenance = Provenance::read(&job.load.chains)?;
    let mut namespace = Namespace {
        injector: Injector::new(devices)?,
        listener: Listener::open()?,
        clock: Clock::new()?,
        provenance: &provenance,
    };
    stay_on_processor()?;
    let observations = job.traffic.packets.iter().map(|packet| namespace.observe(packet)).collect::<Result<_, _>>()?;
    Ok(Observed { observations, table: conntrack_table()? })
}

/// The trace tells conntrack data since Linux 6.16.
fn check_kernel() -> Result<(), Failure> {
    let name = uname().map_err(Failure::at("uname"))?;
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (6, 16) => Ok(()),
        _ => Err(Failure::Unavailable(format!(
            "linux {release} does not tell ct states in the trace of nf_tables; 6.16 and later do"
        ))),
    }
}

/// What arrives waits in the queue of the processor that sent it, and is worked off by it.
fn stay_on_processor() -> Result<(), Failure> {
    let mut processors = CpuSet::new();
    sched_getcpu()
        .and_then(|processor| processors.set(processor))
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &processors))
        .map_err(Failure::at("staying on one processor"))
}

fn load(form: &Form) -> Result<(), Failure> {
    match form {
        Form::Empty => Ok(()),
        Form::Nft(text) => NFT.feed(&["-f", "-"], text).map(drop),
        Form::Iptables { sets, v4, v6 } => {
            if !sets.is_empty() {
                IPSET.feed(&["restore"], sets)?;
            }
            for (program, text) in [(IPTABLES_RESTORE, v4), (IP6TABLES_RESTORE, v6)] {
                if !text.is_empty() {
                    program.feed(&[], text)?;
                }
            }
            Ok(())
        }
        Form::Netlink(ruleset) => install::apply(ruleset).map(drop).map_err(|error| Failure::Broken(error.to_string())),
    }
}

/// The lines of `/proc/net/nf_conntrack`, whose order is that of a hash with a random key, sorted.
fn conntrack_table() -> Result<Option<Vec<String>>, Failure> {
    const FILE: &str = "/proc/self/net/nf_conntrack";
    match fs::read_to_string(FILE) {
        Ok(text) => {
            let mut lines: Vec<_> = text.lines().map(|line| line.trim_end().to_owned()).collect();
            lines.sort_unstable();
            Ok(Some(lines))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::at(FILE)(error)),
    }
}

/// A namespace that is ready for packets.
struct Namespace<'a> {
    injector: Injector,
    listener: Listener,
    clock: Clock,
    provenance: &'a Provenance,
}

impl Namespace<'_> {
    fn observe(&mut self, packet: &TimedPacket) -> Result<Observation, Failure> {
        if !matches!(inject::version(&packet.bytes), Some(4 | 6)) {
            return Ok(Observation::unseen());
        }
        self.clock.advance(packet.at)?;
        let is_fragment = is_fragment(&packet.bytes);
        let failures = if is_fragment { reassembly_failures()? } else { 0 };
        let refused = self.injector.inject(packet)?;
        self.clock.packet_passed()?;
        let mut walks = Walks::new(self.provenance);
        self.listener.drain(|event| walks.record(event))?;
        // Where the walks are open after some turns, what is on its way died before its first hook.
        for _ in 0..LATE_TURNS {
            if !walks.are_open() {
                break;
            }
            self.injector.mark()?;
            self.listener.drain_to_mark(|event| walks.record(event))?;
        }
        let failed = is_fragment && reassembly_failures()? > failures;
        Ok(walks.observation(|lost| match lost {
            Lost::Outside => (Fate::Drop, Some(outside(packet, refused).to_owned())),
            Lost::Untracked if is_fragment && !failed => (Fate::Queued, Some("defragmentation".to_owned())),
            Lost::Untracked if is_fragment => (Fate::Drop, Some("defragmentation".to_owned())),
            Lost::Untracked => (Fate::Drop, Some("connection tracking".to_owned())),
            Lost::Behind(Hook::Prerouting) => (Fate::Drop, Some("routing".to_owned())),
            Lost::Behind(hook) => (Fate::Drop, Some(format!("after {}", hook.name()))),
        }))
    }
}

/// Whether a packet is a piece of a larger one. The kernel mends the header of IPv4 packets that are sent, so that it need
/// not be sound.
fn is_fragment(bytes: &[u8]) -> bool {
    match (inject::version(bytes), bytes.get(6..8)) {
        // The flag "more fragments" and the offset (RFC 791 §3.1).
        (Some(4), Some(&[high, low])) => high & 0x3f | low != 0,
        _ => Packet::parse(bytes).is_ok_and(|packet| packet.fragment().is_some()),
    }
}

/// Why a packet was seen at no hook.
fn outside(packet: &TimedPacket, refused: Option<Errno>) -> &'static str {
    // An IPv6 packet that ends within its extension headers (`nf_trace_fill_pkt_info` in `net/netfilter/nf_tables_trace.c`).
    if Packet::parse(&packet.bytes).is_ok_and(|packet| packet.transport().is_none()) {
        return "untraced";
    }
    match (&packet.entry, refused) {
        (Entry::Arrives(_), _) => "ip input",
        (Entry::Sent, Some(Errno::ENETUNREACH | Errno::EHOSTUNREACH)) => "routing",
        (Entry::Sent, _) => "ip output",
    }
}

/// How many IPv4 packets could not be put together in this namespace so far: `ReasmFails` of `/proc/net/snmp`.
fn reassembly_failures() -> Result<u64, Failure> {
    const FILE: &str = "/proc/self/net/snmp";
    let text = fs::read_to_string(FILE).map_err(Failure::at(FILE))?;
    let mut lines = text.lines().filter(|line| line.starts_with("Ip:"));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let counter = names.split(' ').zip(values.split(' ')).find(|&(name, _)| name == "ReasmFails");
    counter
        .and_then(|(_, value)| value.parse().ok())
        .ok_or_else(|| Failure::Broken(format!("{FILE}: there is no `ReasmFails`")))
}
