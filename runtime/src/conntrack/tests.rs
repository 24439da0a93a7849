// SPDX-License-Identifier: GPL-3.0-or-later
//! Conversations, packet by packet. After each packet the whole table is compared, so that whatever a line does not name
//! must not have changed. The expected states were seen on Linux 6.18.

use std::time::Duration;

use ringwall_ir::words::{CtState, Family, Hook, Protocol, TcpFlags};

use super::*;
use crate::packet::build::{Build, Segment};

const CLIENT: u128 = 0x0a00_0001;
const SERVER: u128 = 0x0a00_0063;

const S: TcpFlags = TcpFlags::SYN;
const A: TcpFlags = TcpFlags::ACK;
const F: TcpFlags = TcpFlags::FIN.with(A);
const R: TcpFlags = TcpFlags::RST;
const SA: TcpFlags = S.with(A);

/// The client's segments. Its numbers start at 1000, the server's at 5000.
const OUT: Segment<'_> = Segment {
    source_port: 40000,
    destination_port: 80,
    sequence: 1001,
    acknowledgement: 5001,
    flags: A,
    window: 64240,
    options: &[],
    payload: &[],
};
/// The server's.
const BACK: Segment<'_> =
    Segment { source_port: 80, destination_port: 40000, sequence: 5001, acknowledgement: 1001, ..OUT };

/// A table and the packets that pass it.
struct Talk {
    conntrack: Conntrack,
    now: Duration,
}

impl Talk {
    fn new() -> Self {
        Self::with(Sysctls::default())
    }

    fn with(sysctls: Sysctls) -> Self {
        Self { conntrack: Conntrack::new(sysctls), now: Duration::ZERO }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Shows a packet to connection tracking and lets it pass all hooks.
    #[track_caller]
    fn pass(&mut self, bytes: &[u8], state: CtState, table: &[&str]) {
        let packet = Packet::parse(bytes).unwrap();
        let tracked = self.conntrack.track(&packet, Hook::Prerouting, Zone::default(), self.now);
        assert!(self.conntrack.confirm(tracked, self.now));
        self.conntrack.finish(tracked);
        assert_eq!(tracked.state, state, "{packet}");
        assert_eq!(self.table(), table, "after {packet}");
    }

    /// The entries, each as timeout, state and marks.
    fn table(&self) -> Vec<String> {
        let short = |line: String| {
            line.split_whitespace().skip(4).filter(|word| !word.contains('=')).collect::<Vec<_>>().join(" ")
        };
        self.conntrack.lines(Style::NfConntrack, self.now).into_iter().map(short).collect()
    }

    #[track_caller]
    fn out(&mut self, segment: Segment<'_>, state: CtState, table: &[&str]) {
        self.pass(&build(CLIENT, SERVER).tcp(&segment), state, table);
    }

    #[track_caller]
    fn back(&mut self, segment: Segment<'_>, state: CtState, table: &[&str]) {
        self.pass(&build(SERVER, CLIENT).tcp(&segment), state, table);
    }

    /// A conversation after its three-way handshake.
    fn open() -> Self {
        Self::opened(Sysctls::default())
    }

    fn opened(sysctls: Sysctls) -> Self {
        let mut talk = Self::with(sysctls);
        talk.out(Segment { sequence: 1000, flags: S, ..OUT }, CtState::New, &["120 SYN_SENT [UNREPLIED]"]);
        talk.back(Segment { sequence: 5000, flags: SA, ..BACK }, CtState::Established, &["60 SYN_RECV"]);
        talk.out(OUT, CtState::Established, &["432000 ESTABLISHED [ASSURED]"]);
        talk
    }
}

fn build(source: u128, destination: u128) -> Build {
    Build::from_bits(Family::Ipv4, source, destination)
}

use CtState::{Established, Invalid, New, Related, Untracked};

// Tests of opening and closing.

#[test]
fn a_conversation_runs_through_its_states() {
    let mut talk = Talk::open();
    talk.out(Segment { payload: b"question", ..OUT }, Established, &["300 ESTABLISHED [ASSURED]"]);
    talk.back(Segment { acknowledgement: 1009, ..BACK }, Established, &["432000 ESTABLISHED [ASSURED]"]);
    talk.out(Segment { sequence: 1009, flags: F, ..OUT }, Established, &["120 FIN_WAIT [ASSURED]"]);
    talk.back(Segment { acknowledgement: 1010, ..BACK }, Established, &["60 CLOSE_WAIT [ASSURED]"]);
    talk.back(Segment { acknowledgement: 1010, flags: F, ..BACK }, Established, &["30 LAST_ACK [ASSURED]"]);
    let last = Segment { sequence: 1010, acknowledgement: 5002, ..OUT };
    talk.out(last, Established, &["120 TIME_WAIT [ASSURED]"]);
    talk.wait(120);
    assert_eq!(talk.table(), [""; 0]);
}

#[test]
fn a_syn_that_is_not_answered_expires() {
    let mut talk = Talk::new();
    let syn = Segment { sequence: 1000, flags: S, ..OUT };
    talk.out(syn, New, &["120 SYN_SENT [UNREPLIED]"]);
    talk.wait(60);
    // Sending it again does not let the entry live longer.
    talk.out(syn, New, &["60 SYN_SENT [UNREPLIED]"]);
    talk.wait(60);
    talk.back(Segment { sequence: 5000, flags: SA, ..BACK }, Invalid, &[]);
}

#[test]
fn a_syn_reopens_what_is_over() {
    let mut talk = Talk::open();
    talk.out(Segment { flags: F, ..OUT }, Established, &["120 FIN_WAIT [ASSURED]"]);
    talk.back(Segment { acknowledgement: 1002, flags: F, ..BACK }, Established, &["30 LAST_ACK [ASSURED]"]);
    talk.out(Segment { sequence: 1002, acknowledgement: 5002, ..OUT }, Established, &["120 TIME_WAIT [ASSURED]"]);
    talk.out(Segment { sequence: 9, flags: S, ..OUT }, New, &["120 SYN_SENT [UNREPLIED]"]);
}

#[test]
fn both_ends_may_open_at_once() {
    let mut talk = Talk::new();
    talk.out(Segment { sequence: 1000, flags: S, ..OUT }, New, &["120 SYN_SENT [UNREPLIED]"]);
    talk.back(Segment { sequence: 5000, flags: S, ..BACK }, Established, &["120 SYN_SENT2"]);
    talk.out(Segment { sequence: 1000, flags: SA, ..OUT }, Established, &["60 SYN_RECV"]);
    talk.back(BACK, Established, &["432000 ESTABLISHED [ASSURED]"]);
}

// Tests of segments out of the blue.

#[test]
fn only_a_syn_opens_where_nothing_is_picked_up() {
    let strict = || Talk::with(Sysctls { tcp_loose: false, ..Sysctls::default() });
    for flags in [A, F, R, SA, TcpFlags::FIN, TcpFlags(0), S.with(R), S.with(TcpFlags::FIN)] {
        strict().out(Segment { flags, ..OUT }, Invalid, &[]);
    }
    strict().out(Segment { flags: S, ..OUT }, New, &["120 SYN_SENT [UNREPLIED]"]);
}

#[test]
fn an_acknowledgement_is_picked_up() {
    let mut talk = Talk::new();
    talk.out(OUT, New, &["300 ESTABLISHED [UNREPLIED]"]);
    talk.back(BACK, Established, &["300 ESTABLISHED"]);
    talk.out(OUT, Established, &["432000 ESTABLISHED [ASSURED]"]);
}

#[test]
fn broken_segments_are_invalid() {
    let good = build(CLIENT, SERVER).tcp(&Segment { flags: S, ..OUT });
    for (at, value) in [(32, 0x40), (32, 0xf0), (33, 0xff)] {
        let mut bytes = good.clone();
        bytes[at] = value;
        Talk::with(Sysctls { checksum: false, ..Sysctls::default() }).pass(&bytes, Invalid, &[]);
    }
    let mut bytes = good;
    bytes[36] ^= 1;
    Talk::new().pass(&bytes, Invalid, &[]);
    let careless = Sysctls { checksum: false, ..Sysctls::default() };
    Talk::with(careless).pass(&bytes, New, &["120 SYN_SENT [UNREPLIED]"]);
}

// Tests of the window.

#[test]
fn the_window_ends_where_the_receiver_said() {
    const OPEN: &str = "432000 ESTABLISHED [ASSURED]";
    const DATA: &str = "300 ESTABLISHED [ASSURED]";
    // The handshake allows up to 1001 + 64240; one more window is let pass without effect, what lies behind is invalid.
    for (ahead, state, table) in
        [(64240, Established, DATA), (64241, Established, OPEN), (128_478, Established, OPEN), (128_479, Invalid, OPEN)]
    {
        let segment = Segment { sequence: 1001 + ahead, payload: b"x", ..OUT };
        let mut talk = Talk::open();
        let timeout = talk.table();
        assert_eq!(timeout, [OPEN]);
        talk.out(segment, state, &[table]);
        let mut liberal = Talk::opened(Sysctls { tcp_be_liberal: true, ..Sysctls::default() });
        liberal.out(
            segment,
            Established,
            &[if ahead == 64240 || ahead == 64241 || ahead == 128_478 { DATA } else { OPEN }],
        );
    }
}

#[test]
fn acknowledgements_of_what_was_never_sent_are_invalid() {
    const OPEN: &str = "432000 ESTABLISHED [ASSURED]";
    Talk::open().out(Segment { acknowledgement: 5002, ..OUT }, Invalid, &[OPEN]);
    Talk::open().out(Segment { acknowledgement: 5001_u32.wrapping_sub(66001), ..OUT }, Established, &[OPEN]);
}

#[test]
fn windows_are_scaled_where_both_ends_offer_it() {
    const SCALE: &[u8] = &[3, 3, 7];
    let opened = |options: &[u8]| {
        let mut talk = Talk::new();
        let syn = Segment { sequence: 1000, flags: S, options: SCALE, ..OUT };
        talk.out(syn, New, &["120 SYN_SENT [UNREPLIED]"]);
        let syn_ack = Segment { sequence: 5000, flags: SA, options, ..BACK };
        talk.back(syn_ack, Established, &["60 SYN_RECV"]);
        talk.out(OUT, Established, &["432000 ESTABLISHED [ASSURED]"]);
        talk.back(Segment { window: 2000, ..BACK }, Established, &["432000 ESTABLISHED [ASSURED]"]);
        talk
    };
    let far = Segment { sequence: 1001 + 2000 * 128, payload: b"x", ..OUT };
    opened(SCALE).out(far, Established, &["300 ESTABLISHED [ASSURED]"]);
    opened(&[]).out(far, Invalid, &["432000 ESTABLISHED [ASSURED]"]);
}

#[test]
fn retransmissions_shorten_the_life_of_an_entry() {
    let mut talk = Talk::open();
    for _ in 0..2 {
        talk.out(OUT, Established, &["432000 ESTABLISHED [ASSURED]"]);
    }
    talk.out(OUT, Established, &["300 ESTABLISHED [ASSURED]"]);
}

// Tests of resets.

#[test]
fn a_reset_that_answers_a_syn_ends_the_entry() {
    let mut talk = Talk::new();
    talk.out(Segment { sequence: 1000, flags: S, ..OUT }, New, &["120 SYN_SENT [UNREPLIED]"]);
    talk.back(
        Segment { sequence: 0, acknowledgement: 1003, flags: R.with(A), ..BACK },
        Invalid,
        &["120 SYN_SENT [UNREPLIED]"],
    );
    talk.back(Segment { sequence: 0, flags: R.with(A), ..BACK }, Established, &[]);
}

#[test]
fn only_the_exact_reset_closes() {
    let acknowledged = || {
        let mut talk = Talk::open();
        talk.out(OUT, Established, &["432000 ESTABLISHED [ASSURED]"]);
        talk
    };
    let reset = |sequence| Segment { sequence, flags: R, ..BACK };
    acknowledged().back(reset(5001), Established, &["10 CLOSE [ASSURED]"]);
    acknowledged().back(reset(5002), Established, &["10 ESTABLISHED [ASSURED]"]);
    acknowledged().back(reset(5000), Invalid, &["432000 ESTABLISHED [ASSURED]"]);
    acknowledged().back(reset(2_000_000), Invalid, &["432000 ESTABLISHED [ASSURED]"]);
    let mut ignorant = Talk::opened(Sysctls { tcp_ignore_invalid_rst: true, ..Sysctls::default() });
    ignorant.back(reset(5000), Established, &["10 ESTABLISHED [ASSURED]"]);
}

#[test]
fn a_reset_that_answers_an_unbelieved_syn_comes_from_the_other_end() {
    let unbelieved = || {
        let mut talk = Talk::open();
        talk.out(Segment { sequence: 99_999, flags: S, ..OUT }, Established, &["432000 ESTABLISHED [ASSURED]"]);
        talk
    };
    let reset = Segment { sequence: 9_000_000, acknowledgement: 100_000, flags: R.with(A), ..BACK };
    unbelieved().back(reset, Established, &["10 CLOSE [ASSURED]"]);
    let own = Segment { source_port: 40000, destination_port: 80, ..reset };
    unbelieved().out(own, Invalid, &["432000 ESTABLISHED [ASSURED]"]);
}

// Tests of a table that is out of step with the ends.

#[test]
fn a_new_conversation_under_the_same_ports_is_joined() {
    let mut talk = Talk::open();
    talk.out(Segment { sequence: 70_000, flags: S, ..OUT }, Established, &["432000 ESTABLISHED [ASSURED]"]);
    let syn_ack = Segment { sequence: 90_000, acknowledgement: 70_001, flags: SA, ..BACK };
    talk.back(syn_ack, Established, &["60 SYN_RECV [ASSURED]"]);
    let ack = Segment { sequence: 70_001, acknowledgement: 90_001, ..OUT };
    talk.out(ack, Established, &["432000 ESTABLISHED [ASSURED]"]);
}

#[test]
fn a_challenge_is_not_the_last_acknowledgement() {
    let mut talk = Talk::open();
    talk.out(Segment { flags: F, ..OUT }, Established, &["120 FIN_WAIT [ASSURED]"]);
    talk.back(Segment { acknowledgement: 1002, flags: F, ..BACK }, Established, &["30 LAST_ACK [ASSURED]"]);
    talk.out(Segment { sequence: 70_000, flags: S, ..OUT }, Established, &["30 LAST_ACK [ASSURED]"]);
    let challenge = Segment { sequence: 5002, acknowledgement: 1002, ..BACK };
    talk.back(challenge, Established, &["30 LAST_ACK [ASSURED]"]);
    talk.back(challenge, Established, &["120 TIME_WAIT [ASSURED]"]);
}

// Tests of the other protocols.

#[test]
fn udp_becomes_a_stream_after_two_seconds() {
    let mut talk = Talk::new();
    let question = build(CLIENT, SERVER).udp(5000, 53, b"?");
    let answer = build(SERVER, CLIENT).udp(53, 5000, b"!");
    talk.pass(&question, New, &["30 [UNREPLIED]"]);
    talk.pass(&answer, Established, &["30"]);
    talk.wait(2);
    talk.pass(&question, Established, &["30"]);
    talk.wait(1);
    talk.pass(&answer, Established, &["120 [ASSURED]"]);
}

#[test]
fn udp_lite_is_summed_as_if_it_were_udp() {
    let right = |protocol| {
        let mut datagram = vec![0, 1, 0, 2, 0, 0, 0, 0, b'x'];
        let header = build(CLIENT, SERVER).protocol(Protocol::UDPLITE, &datagram);
        let sum = checksum_of(&header, protocol, &datagram);
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        build(CLIENT, SERVER).protocol(Protocol::UDPLITE, &datagram)
    };
    Talk::new().pass(&right(Protocol::UDPLITE), Invalid, &[]);
    Talk::new().pass(&right(Protocol::UDP), New, &["30 [UNREPLIED]"]);
}

fn checksum_of(header: &[u8], protocol: Protocol, segment: &[u8]) -> u16 {
    crate::packet::checksum::transport(header, Family::Ipv4, protocol, segment)
}

#[test]
fn errors_are_related_to_what_they_quote() {
    let mut talk = Talk::new();
    let question = build(CLIENT, SERVER).udp(5000, 53, b"?");
    talk.pass(&question, New, &["30 [UNREPLIED]"]);
    talk.wait(10);
    let router = 0x0a00_00fe;
    let error = |to, quote: &[u8]| build(router, to).icmp(11, 0, 0, quote);
    talk.pass(&error(CLIENT, &question), Related, &["20 [UNREPLIED]"]);
    talk.pass(&error(CLIENT, &question[..24]), Related, &["20 [UNREPLIED]"]);
    talk.pass(&error(CLIENT, &question[..20]), Invalid, &["20 [UNREPLIED]"]);
    talk.pass(&error(SERVER, &question), Invalid, &["20 [UNREPLIED]"]);
    talk.pass(&error(CLIENT, &error(CLIENT, &question)), Invalid, &["20 [UNREPLIED]"]);
}

#[test]
fn echoes_match_by_their_identifier() {
    let mut talk = Talk::new();
    talk.pass(&build(SERVER, CLIENT).icmp(0, 0, 7 << 16, b""), Invalid, &[]);
    talk.pass(&build(CLIENT, SERVER).icmp(8, 0, 7 << 16, b""), New, &["30 [UNREPLIED]"]);
    talk.pass(&build(SERVER, CLIENT).icmp(0, 0, 8 << 16, b""), Invalid, &["30 [UNREPLIED]"]);
    talk.pass(&build(SERVER, CLIENT).icmp(0, 0, 7 << 16 | 99, b""), Established, &["30"]);
}

#[test]
fn neighbour_discovery_is_never_tracked() {
    let link = |kind| Build::from_bits(Family::Ipv6, 0xfe80 << 112 | 1, 0xfe80 << 112 | 2).icmp(kind, 0, 0, &[0; 16]);
    for kind in [130, 131, 132, 133, 134, 135, 136, 143, 151] {
        Talk::new().pass(&link(kind), Untracked, &[]);
    }
    for kind in [129, 137, 138, 141, 200] {
        Talk::new().pass(&link(kind), Invalid, &[]);
    }
    Talk::new().pass(&link(128), New, &["30 [UNREPLIED]"]);
}

#[test]
fn sctp_runs_through_its_states() {
    let init = |kind, tag: u32| [&[kind, 0, 0, 20][..], &tag.to_be_bytes(), &[0; 12]].concat();
    let out = |tag, chunks: &[u8]| build(CLIENT, SERVER).sctp(9, 9, tag, chunks);
    let back = |tag, chunks: &[u8]| build(SERVER, CLIENT).sctp(9, 9, tag, chunks);
    let mut talk = Talk::new();
    talk.pass(&out(0, &init(1, 5)), New, &["10 CLOSED [UNREPLIED]"]);
    talk.pass(&back(5, &init(2, 6)), Established, &["3 COOKIE_WAIT"]);
    talk.pass(&out(6, &[10, 0, 0, 4]), Established, &["3 COOKIE_ECHOED"]);
    talk.pass(&back(5, &[11, 0, 0, 4]), Established, &["210 ESTABLISHED [ASSURED]"]);
    talk.pass(&out(7, &[3, 0, 0, 4]), Invalid, &["210 ESTABLISHED [ASSURED]"]);
    talk.pass(&back(5, &[7, 0, 0, 4]), Established, &["3 SHUTDOWN_RECD [ASSURED]"]);
    talk.pass(&out(6, &[8, 0, 0, 4]), Established, &["3 SHUTDOWN_ACK_SENT [ASSURED]"]);
    talk.pass(&back(5, &[14, 0, 0, 4]), Established, &["10 CLOSED [ASSURED]"]);
}

#[test]
fn an_sctp_init_that_is_sent_again_changes_nothing() {
    let init = |kind, tag: u32| [&[kind, 0, 0, 20][..], &tag.to_be_bytes(), &[0; 12]].concat();
    let opened = || {
        let mut talk = Talk::new();
        talk.pass(&build(CLIENT, SERVER).sctp(9, 9, 0, &init(1, 5)), New, &["10 CLOSED [UNREPLIED]"]);
        talk.pass(&build(SERVER, CLIENT).sctp(9, 9, 5, &init(2, 6)), Established, &["3 COOKIE_WAIT"]);
        talk.pass(&build(CLIENT, SERVER).sctp(9, 9, 6, &[10, 0, 0, 4]), Established, &["3 COOKIE_ECHOED"]);
        talk.pass(&build(SERVER, CLIENT).sctp(9, 9, 5, &[11, 0, 0, 4]), Established, &["210 ESTABLISHED [ASSURED]"]);
        talk
    };
    for (tag, state) in [(5, Invalid), (15, Established)] {
        let mut talk = opened();
        let again = build(CLIENT, SERVER).sctp(9, 9, 0, &init(1, tag));
        talk.pass(&again, Established, &["210 ESTABLISHED [ASSURED]"]);
        let answer = build(SERVER, CLIENT).sctp(9, 9, tag, &init(2, 16));
        talk.pass(&answer, state, &["210 ESTABLISHED [ASSURED]"]);
    }
}

// Tests of the table.

#[test]
fn a_packet_that_is_dropped_leaves_no_entry() {
    let mut conntrack = Conntrack::new(Sysctls::default());
    let bytes = build(CLIENT, SERVER).udp(1, 2, b"");
    let packet = Packet::parse(&bytes).unwrap();
    for _ in 0..2 {
        let tracked = conntrack.track(&packet, Hook::Output, Zone::default(), Duration::ZERO);
        assert_eq!(tracked.state, New);
        conntrack.finish(tracked);
        assert!(conntrack.is_empty(Duration::ZERO));
    }
}

#[test]
fn entries_do_not_pile_up() {
    let mut conntrack = Conntrack::new(Sysctls::default());
    for second in 0..5000 {
        let bytes = build(CLIENT + u128::from(second), SERVER).udp(1, 2, b"");
        let now = Duration::from_secs(second);
        let tracked = conntrack.track(&Packet::parse(&bytes).unwrap(), Hook::Output, Zone::default(), now);
        assert!(conntrack.confirm(tracked, now));
    }
    assert_eq!(conntrack.len(Duration::from_secs(4999)), 30);
    assert!(conntrack.table.size() < 1100);
}

#[test]
fn two_packets_cannot_confirm_the_same_tuple() {
    let mut conntrack = Conntrack::new(Sysctls::default());
    let bytes = build(CLIENT, SERVER).udp(1, 2, b"");
    let packet = Packet::parse(&bytes).unwrap();
    let first = conntrack.track(&packet, Hook::Output, Zone::default(), Duration::ZERO);
    let second = conntrack.track(&packet, Hook::Output, Zone::default(), Duration::ZERO);
    assert!(conntrack.confirm(first, Duration::ZERO));
    assert!(!conntrack.confirm(second, Duration::ZERO));
}

#[test]
fn entries_print_as_the_kernel_prints_them() {
    let talk = Talk::open();
    let tuples = "src=10.0.0.1 dst=10.0.0.99 sport=40000 dport=80";
    let reply = "src=10.0.0.99 dst=10.0.0.1 sport=80 dport=40000";
    assert_eq!(
        talk.conntrack.lines(Style::NfConntrack, talk.now),
        [format!("ipv4     2 tcp      6 432000 ESTABLISHED {tuples} {reply} [ASSURED] mark=0 zone=0 use=2")]
    );
    assert_eq!(
        talk.conntrack.lines(Style::IpConntrack, talk.now),
        [format!(
            "tcp      6 432000 ESTABLISHED {tuples} packets=2 bytes=80 {reply} packets=1 bytes=40 [ASSURED] mark=0 use=1"
        )]
    );
}

#[test]
fn ipv6_addresses_print_in_full() {
    let mut talk = Talk::new();
    let ping = Build::from_bits(Family::Ipv6, 1, 0x2001_0db8 << 96 | 0x99).icmp(128, 0, 1 << 16, b"");
    talk.pass(&ping, New, &["30 [UNREPLIED]"]);
    let (one, other) = ("0000:0000:0000:0000:0000:0000:0000:0001", "2001:0db8:0000:0000:0000:0000:0000:0099");
    assert_eq!(
        talk.conntrack.lines(Style::NfConntrack, talk.now),
        [format!(
            "ipv6     10 icmpv6   58 30 src={one} dst={other} type=128 code=0 id=1 [UNREPLIED] \
             src={other} dst={one} type=129 code=0 id=1 mark=0 zone=0 use=2"
        )]
    );
}
