// SPDX-License-Identifier: GPL-3.0-or-later
//! Packets over the loopback interface, of many kinds, again and again. Each has a number, so that one which is late is
//! not taken for another.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub const PORTS: [u16; 6] = [1000, 1001, 1002, 2000, 2001, 3000];
pub const SOURCES: [[u8; 4]; 4] = [[127, 0, 0, 1], [10, 1, 0, 1], [10, 1, 128, 1], [10, 2, 0, 1]];
/// How long to wait for packets that may be dropped, and for one that must come: on the loopback interface it comes before
/// the sender goes on, but for a busy moment.
const BRIEFLY: Duration = Duration::from_millis(15);
const LONG: Duration = Duration::from_secs(5);

/// The ends of all packets: one kind for each source and port.
pub struct Wire {
    senders: Vec<UdpSocket>,
    receivers: Vec<UdpSocket>,
    next: AtomicU64,
}

/// What is wrong about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It came, and neither ruleset accepts it.
    Accepted { kind: usize },
    /// It did not come, and both rulesets accept it.
    Dropped { kind: usize },
}

/// What became of the packets while rulesets changed.
#[derive(Debug, Default)]
pub struct Flood {
    pub packets: usize,
    pub wrong: Vec<Wrong>,
}

impl Wire {
    pub fn open() -> Self {
        let script = "ip link set lo up; for a in 10.1.0.1 10.1.128.1 10.2.0.1; do ip addr add $a/32 dev lo; done";
        assert!(Command::new("sh").args(["-ec", script]).status().unwrap().success());
        let sender = |source: [u8; 4]| UdpSocket::bind((Ipv4Addr::from(source), 0)).unwrap();
        let receiver = |port| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        Self {
            senders: SOURCES.map(sender).into_iter().collect(),
            receivers: PORTS.map(receiver).into_iter().collect(),
            next: AtomicU64::new(0),
        }
    }

    pub fn kinds() -> usize {
        SOURCES.len() * PORTS.len()
    }

    /// Wrong packets, each kind once, in words.
    pub fn said(wrong: &[Wrong]) -> String {
        let say = |wrong: &Wrong| {
            let (Wrong::Accepted { kind } | Wrong::Dropped { kind }) = *wrong;
            let source = Ipv4Addr::from(SOURCES[kind / PORTS.len()]);
            format!("{wrong:?} from {source} to port {}", PORTS[kind % PORTS.len()])
        };
        wrong.iter().map(say).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    }

    /// Sends a packet, and gives its number. None if the sender is told that it must not.
    fn send(&self, kind: usize) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.push(kind as u8);
        let to = (Ipv4Addr::LOCALHOST, PORTS[kind % PORTS.len()]);
        match self.senders[kind / PORTS.len()].send_to(&bytes, to) {
            Ok(_) => Some(number),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
                None
            }
        }
    }

    /// Takes what has come: the number and the kind of each.
    fn drain(&self, mut came: impl FnMut(u64, usize)) {
        for receiver in &self.receivers {
            let mut bytes = [0; 9];
            while receiver.recv(&mut bytes).is_ok() {
                came(u64::from_le_bytes(bytes[..8].try_into().unwrap()), bytes[8].into());
            }
        }
    }

    /// Which kinds come while nothing changes.
    pub fn fates(&self) -> Vec<bool> {
        let first = self.next.load(Ordering::Relaxed);
        let mut fates = vec![false; Self::kinds()];
        for _ in 0..2 {
            for kind in 0..Self::kinds() {
                self.send(kind);
            }
            let start = Instant::now();
            while start.elapsed() < BRIEFLY {
                self.drain(|number, kind| fates[kind] |= number >= first);
            }
        }
        fates
    }

    /// Sends packets of all kinds while `swap` runs. `fates` are those under the two rulesets between which it swaps.
    pub fn flood(&self, fates: [&[bool]; 2], swap: impl FnOnce(&AtomicU64)) -> Flood {
        let (done, seen) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            let flood = scope.spawn(|| self.flood_until(&done, &seen, fates));
            swap(&seen);
            done.store(true, Ordering::Relaxed);
            flood.join().unwrap()
        })
    }

    /// `seen` counts the wrong ones.
    fn flood_until(&self, done: &AtomicBool, seen: &AtomicU64, fates: [&[bool]; 2]) -> Flood {
        let both = |kind: usize| fates[0][kind] && fates[1][kind];
        let neither = |kind: usize| !fates[0][kind] && !fates[1][kind];
        let first = self.next.load(Ordering::Relaxed);
        let mut flood = Flood::default();
        let mut missing = BTreeMap::new();
        let mut is_last = false;
        while !is_last {
            is_last = done.load(Ordering::Relaxed);
            for kind in 0..Self::kinds() {
                flood.packets += 1;
                match self.send(kind) {
                    Some(number) if both(kind) => drop(missing.insert(number, kind)),
                    None if both(kind) => flood.wrong.push(Wrong::Dropped { kind }),
                    _ => {}
                }
            }
            let start = Instant::now();
            loop {
                self.drain(|number, kind| {
                    missing.remove(&number);
                    if number >= first && neither(kind) {
                        flood.wrong.push(Wrong::Accepted { kind });
                    }
                });
                let waits = if is_last { start.elapsed() < BRIEFLY } else { false };
                if !waits && (missing.is_empty() || start.elapsed() > LONG) {
                    break;
                }
            }
            let dropped = std::mem::take(&mut missing).into_values();
            flood.wrong.extend(dropped.map(|kind| Wrong::Dropped { kind }));
            seen.store(flood.wrong.len() as u64, Ordering::Relaxed);
        }
        flood
    }
}
