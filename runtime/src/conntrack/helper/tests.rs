// SPDX-License-Identifier: GPL-3.0-or-later
//! What the conversations recorded from a kernel do not show: where in a payload an address stands, what a translation
//! learns, and the limits of the table.

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus, Family, Hook, Protocol, TcpFlags};

use crate::conntrack::expectation::Saved;
use crate::conntrack::{Conntrack, Help, Helper, Tuple, Zone};
use crate::host::Sysctls;
use crate::packet::Packet;
use crate::packet::build::{Build, Segment};

const CLIENT: u128 = 0x0a00_0001;
const SERVER: u128 = 0x0a00_0063;
/// What translated clients are known by.
const OUTSIDE: u128 = 0xcb00_7101;
const NOW: Duration = Duration::ZERO;

/// A table, and how far the two ends of one TCP conversation are.
struct Talk {
    conntrack: Conntrack,
    helper: Helper,
    port: u16,
    sent: [u32; 2],
    /// The address that the client is translated to.
    outside: Option<u128>,
}

impl Talk {
    fn new(helper: Helper, limit: usize) -> Self {
        let sysctls = Sysctls { expect_max: limit, ..Sysctls::default() };
        Self { conntrack: Conntrack::new(sysctls), helper, port: 40000, sent: [0, 0], outside: None }
    }

    /// A conversation after its handshake, each end of which has ended a line.
    fn open(helper: Helper) -> Self {
        let mut talk = Self::new(helper, 4096);
        talk.greet();
        talk
    }

    fn greet(&mut self) {
        self.sent = [1000, 5000];
        self.segment(true, TcpFlags::SYN, b"");
        self.segment(false, TcpFlags::SYN.with(TcpFlags::ACK), b"");
        self.out(b"\n");
        self.back(b"\n");
    }

    fn out(&mut self, data: &[u8]) -> Help {
        self.segment(true, TcpFlags::ACK, data)
    }

    fn back(&mut self, data: &[u8]) -> Help {
        self.segment(false, TcpFlags::ACK, data)
    }

    fn segment(&mut self, out: bool, flags: TcpFlags, payload: &[u8]) -> Help {
        let [ours, theirs] = self.sent;
        let server = if self.helper == Helper::Ftp { 21 } else { 5060 };
        let (source, destination, sequence, acknowledgement) =
            if out { (self.port, server, ours, theirs) } else { (server, self.port, theirs, ours) };
        let (from, to) = self.ends(out);
        let bytes = Build::from_bits(Family::Ipv4, from, to).tcp(&Segment {
            source_port: source,
            destination_port: destination,
            sequence,
            acknowledgement,
            flags,
            window: 64240,
            options: &[],
            payload,
        });
        let length = u32::try_from(payload.len()).unwrap() + u32::from(flags.contains(TcpFlags::SYN));
        self.sent[usize::from(!out)] += length;
        self.pass(&bytes)
    }

    fn udp(&mut self, out: bool, source_port: u16, destination_port: u16, payload: &[u8]) -> Help {
        let (from, to) = self.ends(out);
        let bytes = Build::from_bits(Family::Ipv4, from, to).udp(source_port, destination_port, payload);
        self.pass(&bytes)
    }

    fn ends(&self, out: bool) -> (u128, u128) {
        if out { (CLIENT, SERVER) } else { (SERVER, self.outside.unwrap_or(CLIENT)) }
    }

    fn pass(&mut self, bytes: &[u8]) -> Help {
        let packet = Packet::parse(bytes).unwrap();
        let tracked = self.conntrack.track(&packet, Hook::Prerouting, Zone::default(), NOW);
        self.conntrack.assign_helper(tracked, self.helper);
        if let (Some(outside), Some(entry)) =
            (self.outside, tracked.entry.and_then(|id| self.conntrack.table.get_mut(id)))
            && !entry.is_confirmed()
        {
            entry.set_reply(&Tuple { destination: outside, ..entry.reply() });
            entry.status = entry.status.with(CtStatus::SRC_NAT);
        }
        let help = self.conntrack.help(tracked, &packet, None, NOW);
        assert!(help == Help::Drop || self.conntrack.confirm(tracked, NOW));
        self.conntrack.finish(tracked);
        help
    }
}

/// The payload of a packet that a translation rewrote.
#[track_caller]
fn rewritten(help: Help) -> String {
    let Help::Rewritten(bytes) = help else { panic!("not rewritten: {help:?}") };
    let packet = Packet::parse(&bytes).unwrap();
    String::from_utf8(packet.payload().unwrap().to_vec()).unwrap()
}

#[test]
fn ftp_says_where_a_translated_client_is_met() {
    let mut talk = Talk { outside: Some(OUTSIDE), ..Talk::new(Helper::Ftp, 4096) };
    talk.greet();
    let help = talk.out(b"PORT 10,0,0,1,4,1\r\n");
    assert_eq!(rewritten(help), "PORT 203,0,113,1,4,1\r\n");
    let help = talk.out(b"EPRT |1|10.0.0.1|1025|\r\n");
    assert_eq!(rewritten(help), "EPRT |1|203.0.113.1|1025|\r\n");
    let help = talk.back(b"227 Passive =10,0,0,99,4,1.\r\n");
    assert_eq!(rewritten(help), "227 Passive =10,0,0,99,4,1.\r\n");
    let help = talk.back(b"229 Extended (!!!1025!)\r\n");
    assert_eq!(rewritten(help), "229 Extended (|||1025|)\r\n");
}

#[test]
fn irc_and_amanda_say_where_translated_ends_are_met() {
    let mut talk = Talk { outside: Some(OUTSIDE), ..Talk::new(Helper::Irc, 4096) };
    talk.greet();
    let help = talk.out(b"PRIVMSG bob :\x01DCC SEND file 167772161  4000 12\x01\r\n");
    assert_eq!(rewritten(help), "PRIVMSG bob :\x01DCC SEND file 3405803777 4000 12\x01\r\n");
    let mut talk = Talk { outside: Some(OUTSIDE), ..Talk::new(Helper::Amanda, 4096) };
    talk.udp(true, 700, 10080, b"REQ");
    let help = talk.udp(false, 10080, 700, b"REP\nCONNECT DATA 02001 MESG 2002\n");
    assert_eq!(rewritten(help), "REP\nCONNECT DATA 2001 MESG 2002\n");
}

#[test]
fn sip_says_where_a_translated_client_is_met_in_each_place() {
    let description = "v=0\r\no=u 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 x\r\nc=IN IP4 10.0.0.1\r\n";
    let invite =
        |length: usize| format!("INVITE sip:b@10.0.0.99:5060 SIP/2.0\r\nCSeq: 1 INVITE\r\nl: {length}\r\n\r\n");
    let register = "REGISTER sip:a@10.0.0.1:40000 SIP/2.0\r\nv: SIP/2.0/TCP 10.0.0.1:40000;maddr=10.0.0.1\r\n\
                    f: <sip:10.0.0.1:40000>\r\nTo: <sip:b@10.0.0.1:40000>\r\nCSeq: 2 REGISTER\r\n\
                    Contact: <sip:a@10.0.0.1:40000>, <sip:c@10.0.0.1:40000>\r\nExpires: 9\r\nContent-Length: 0\r\n\r\n";
    let mut talk = Talk { outside: Some(OUTSIDE), ..Talk::new(Helper::Sip, 4096) };
    talk.greet();
    let help = talk.out(format!("{}{description}{register}", invite(description.len())).as_bytes());
    let seen = |text: &str| text.replace("10.0.0.1\r", "203.0.113.1\r").replace("10.0.0.1:", "203.0.113.1:");
    let described = seen(description);
    assert_eq!(rewritten(help), format!("{}{described}{}", invite(described.len()), seen(register)));
}

#[test]
fn what_stood_in_the_payload_is_saved_for_translation() {
    let mut talk = Talk::open(Helper::Ftp);
    talk.out(b"PORT 10,0,0,1,4,1\r\n");
    let saved = Saved { address: CLIENT, port: 1025, direction: CtDirection::Reply };
    let expectations = &talk.conntrack.table.expectations;
    assert_eq!(expectations.alive(NOW).map(|one| one.saved).collect::<Vec<_>>(), [saved]);
}

#[test]
fn a_full_table_expects_no_more() {
    let mut talk = Talk::new(Helper::Ftp, 1);
    talk.greet();
    assert_ne!(talk.out(b"PORT 10,0,0,1,4,1\r\n"), Help::Drop);
    assert_ne!(talk.out(b"PORT 10,0,0,1,4,2\r\n"), Help::Drop);
    talk.port += 1;
    talk.greet();
    assert_eq!(talk.out(b"PORT 10,0,0,1,4,3\r\n"), Help::Drop);
    assert_eq!(talk.conntrack.expectation_lines(NOW).len(), 1);
}

#[test]
fn nothing_is_expected_of_what_was_dropped() {
    let mut conntrack = Conntrack::new(Sysctls::default());
    let request = Build::from_bits(Family::Ipv4, CLIENT, SERVER).udp(50000, 69, b"\0\x01file\0");
    let packet = Packet::parse(&request).unwrap();
    let tracked = conntrack.track(&packet, Hook::Output, Zone::default(), NOW);
    assert!(conntrack.assign_helper(tracked, Helper::Tftp));
    assert_eq!(conntrack.help(tracked, &packet, None, NOW), Help::Accept);
    assert_eq!(conntrack.expectation_lines(NOW).len(), 1);
    conntrack.finish(tracked);
    assert!(conntrack.expectation_lines(NOW).is_empty());
}

#[test]
fn a_helper_is_assigned_once_to_what_it_knows() {
    let mut conntrack = Conntrack::new(Sysctls::default());
    let datagram = Build::from_bits(Family::Ipv4, CLIENT, SERVER).udp(50000, 69, b"");
    let packet = Packet::parse(&datagram).unwrap();
    let tracked = conntrack.track(&packet, Hook::Output, Zone::default(), NOW);
    assert!(!conntrack.assign_helper(tracked, Helper::Ftp));
    assert!(conntrack.assign_helper(tracked, Helper::Tftp));
    assert!(!conntrack.assign_helper(tracked, Helper::Sip));
    let other = Build::from_bits(Family::Ipv4, CLIENT, SERVER).udp(50001, 69, b"");
    let packet = Packet::parse(&other).unwrap();
    let tracked = conntrack.track(&packet, Hook::Output, Zone::default(), NOW);
    assert!(conntrack.confirm(tracked, NOW));
    assert!(!conntrack.assign_helper(tracked, Helper::Tftp));
}

#[test]
fn helpers_have_the_kernels_names_and_protocols() {
    for helper in Helper::ALL {
        assert_eq!(Helper::named(helper.name()), Some(helper));
    }
    assert_eq!(Helper::named("h323"), None);
    assert!(Helper::Sip.knows(Family::Ipv6, Protocol::TCP));
    assert!(!Helper::Irc.knows(Family::Ipv6, Protocol::TCP));
    assert!(!Helper::Tftp.knows(Family::Ipv4, Protocol::TCP));
}
