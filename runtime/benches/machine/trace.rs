// SPDX-License-Identifier: GPL-3.0-or-later
//! Conversations of TCP between many clients and one server, as packets of one length in a row.

use ringwall_ir::words::{Family, TcpFlags};
use ringwall_runtime::packet::build::{Build, Segment};

/// The server's address, which is the host's.
pub const SERVER: u32 = 0x0a00_0001;
/// The data of every packet.
const DATA: [u8; 8] = *b"ringwall";

/// What is known of each conversation.
#[derive(Clone, Copy, Debug)]
struct Talk {
    client: u32,
    server: u32,
    turn: bool,
}

/// Conversations that go on.
pub struct Talks(Vec<Talk>);

/// A packet, and whether the client sent it.
pub type Packet = (Vec<u8>, bool);

impl Talks {
    /// So many conversations, of which nothing was said yet.
    pub fn new(count: usize) -> Self {
        Self(vec![Talk { client: 1000, server: 5000, turn: true }; count])
    }

    /// The three packets that open a conversation.
    pub fn open(&mut self, flow: usize) -> [Packet; 3] {
        let syn = TcpFlags::SYN;
        let talk = &mut self.0[flow];
        let packets = [
            segment(flow, true, syn, (talk.client, 0), &[]),
            segment(flow, false, TcpFlags(syn.0 | TcpFlags::ACK.0), (talk.server, talk.client + 1), &[]),
            segment(flow, true, TcpFlags::ACK, (talk.client + 1, talk.server + 1), &[]),
        ];
        (talk.client, talk.server) = (talk.client + 1, talk.server + 1);
        packets
    }

    /// The next packet of a conversation: both ends take turns, each acknowledges what the other sent.
    pub fn next(&mut self, flow: usize) -> Packet {
        let talk = &mut self.0[flow];
        let from_client = talk.turn;
        let numbers = if from_client { (talk.client, talk.server) } else { (talk.server, talk.client) };
        let packet = segment(flow, from_client, TcpFlags::ACK, numbers, &DATA);
        let sent = if from_client { &mut talk.client } else { &mut talk.server };
        *sent = sent.wrapping_add(8);
        talk.turn = !from_client;
        packet
    }
}

fn segment(flow: usize, from_client: bool, flags: TcpFlags, numbers: (u32, u32), payload: &[u8]) -> Packet {
    let flow = u32::try_from(flow).expect("a number of 32 bits");
    let (address, port) = (0x6440_0000 + (flow >> 4), 1024 + u16::try_from(flow & 15).expect("small") * 997);
    let ((source, source_port), (destination, destination_port)) =
        if from_client { ((address, port), (SERVER, 443)) } else { ((SERVER, 443), (address, port)) };
    let segment = Segment {
        source_port,
        destination_port,
        sequence: numbers.0,
        acknowledgement: numbers.1,
        flags,
        window: 60_000,
        options: &[],
        payload,
    };
    let bytes = Build::from_bits(Family::Ipv4, source.into(), destination.into()).tcp(&segment);
    (bytes, from_client)
}
