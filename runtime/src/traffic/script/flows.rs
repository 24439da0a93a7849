// SPDX-License-Identifier: GPL-3.0-or-later
//! The TCP numbers that a script leaves out: each segment goes on where the one before ended.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ringwall_ir::words::TcpFlags;

use crate::packet::Packet;
use crate::packet::wire::{address, number32};

/// The first sequence number of a side that has sent nothing yet.
const INITIAL: u32 = 1000;

/// Where the latest segment of each flow ended. The two ways of a conversation are two flows.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    ends: BTreeMap<(SocketAddr, SocketAddr), u32>,
}

impl Flows {
    /// The number of the next segment from one end to another.
    pub fn sequence(&self, source: SocketAddr, destination: SocketAddr) -> u32 {
        self.ends.get(&(source, destination)).copied().unwrap_or(INITIAL)
    }

    /// What the next segment from one end to another acknowledges, if it does: all that came the other way.
    pub fn acknowledgement(&self, source: SocketAddr, destination: SocketAddr, flags: TcpFlags) -> u32 {
        match self.ends.get(&(destination, source)) {
            Some(&end) if flags.contains(TcpFlags::ACK) => end,
            _ => 0,
        }
    }

    /// Takes a packet into account, if it is a TCP segment.
    pub fn note(&mut self, packet: &[u8]) {
        if let Some((flow, end)) = Packet::parse(packet).ok().and_then(|packet| segment_end(&packet)) {
            self.ends.insert(flow, end);
        }
    }
}

/// The flow of a TCP segment, and the number behind its last byte.
fn segment_end(packet: &Packet<'_>) -> Option<((SocketAddr, SocketAddr), u32)> {
    let flags = packet.tcp_flags()?;
    let (source_port, destination_port) = packet.ports()?;
    let (source, destination) = packet.addresses();
    let end = |bits, port| SocketAddr::new(address(packet.family(), bits), port);
    let length = u32::try_from(packet.payload()?.len()).ok()?;
    let signs = u32::from(flags.contains(TcpFlags::SYN)) + u32::from(flags.contains(TcpFlags::FIN));
    let last = number32(packet.transport()?, 4)?.wrapping_add(length).wrapping_add(signs);
    Some(((end(source, source_port), end(destination, destination_port)), last))
}
