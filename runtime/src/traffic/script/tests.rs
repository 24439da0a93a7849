// SPDX-License-Identifier: GPL-3.0-or-later
//! Scripts read and written: by example, and any at all.

use proptest::prelude::*;
use ringwall_ir::words::TcpFlags;

use super::*;
use crate::host::{Interface, Route, Sysctls};
use crate::packet::build::{Build, Segment};

fn host() -> Host {
    let mut host = Host::with_addresses(&["10.0.0.1/24".parse().unwrap(), "fd00::1/64".parse().unwrap()]);
    host.interfaces.push(Interface {
        name: "wlan0".to_owned(),
        addresses: vec!["192.168.1.1/24".parse().unwrap()],
        groups: Vec::new(),
        mtu: 1500,
    });
    host
}

fn read(text: &str) -> Script {
    let (script, errors) = read_script(text, &host());
    assert_eq!(errors, [], "in {text}");
    script
}

/// The only packet of a script, as the machine would describe it.
fn shown(line: &str) -> String {
    let script = read(line);
    let [packet] = script.traffic.packets.as_slice() else { panic!("not one packet in {line}") };
    Packet::parse(&packet.bytes).unwrap().to_string()
}

/// What is wrong with a script of one line.
fn wrong(line: &str) -> String {
    let (script, errors) = read_script(line, &host());
    let [error] = errors.as_slice() else { panic!("{} errors in {line}", errors.len()) };
    assert!(script.traffic.packets.is_empty());
    error.message.clone()
}

fn numbers(script: &Script) -> Vec<(u32, u32)> {
    let number = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    script.traffic.packets.iter().map(|packet| (number(&packet.bytes, 24), number(&packet.bytes, 28))).collect()
}

// What lines say.

#[test]
fn packets_of_each_protocol() {
    for line in [
        "tcp 10.0.0.1:40000 > 10.0.0.99:80 syn",
        "tcp [fd00::1]:40000 > [fd00::2]:80 syn,ack",
        "udp 10.0.0.1:5000 > 10.0.0.99:53",
        "icmp 10.0.0.99 > 10.0.0.1 echo-request",
        "icmp 10.0.0.99 > 10.0.0.1 destination-unreachable code 3",
        "icmpv6 fe80::1 > ff02::1 nd-router-advert",
        "sctp 10.0.0.1:1 > 10.0.0.99:2",
        "gre 10.0.0.1 > 10.0.0.99",
        "protocol 200 10.0.0.1 > 10.0.0.99",
    ] {
        assert_eq!(shown(&format!("0 out {line}")), line);
    }
}

#[test]
fn what_goes_without_saying() {
    assert_eq!(shown("0 out tcp 10.0.0.1:1 > 10.0.0.2:2"), "tcp 10.0.0.1:1 > 10.0.0.2:2 syn");
    assert_eq!(shown("0 out tcp 10.0.0.1:1 > 10.0.0.2:2 ack 7"), "tcp 10.0.0.1:1 > 10.0.0.2:2 ack");
    assert_eq!(shown("0 out tcp 10.0.0.1:1 > 10.0.0.2:2 none"), "tcp 10.0.0.1:1 > 10.0.0.2:2 no flags");
    assert_eq!(shown("0 in icmpv6 fd00::2 > fd00::1"), "icmpv6 fd00::2 > fd00::1 echo-request");
}

#[test]
fn tcp_numbers_go_on_where_the_segment_before_ended() {
    let script = read(
        "0 out tcp 10.0.0.1:1 > 10.0.0.2:2\n\
         0 in tcp 10.0.0.2:2 > 10.0.0.1:1 syn,ack seq 5000\n\
         0 out tcp 10.0.0.1:1 > 10.0.0.2:2 ack\n\
         0 out tcp 10.0.0.1:1 > 10.0.0.2:2 psh,ack data \"hello\"\n\
         0 in tcp 10.0.0.2:2 > 10.0.0.1:1 fin,ack\n\
         0 out tcp 10.0.0.1:1 > 10.0.0.2:2 ack\n\
         0 out tcp 10.0.0.1:9 > 10.0.0.2:2 ack\n",
    );
    let expected = [(1000, 0), (5000, 1001), (1001, 5001), (1001, 5001), (5001, 1006), (1006, 5002), (1000, 0)];
    assert_eq!(numbers(&script), expected);
}

#[test]
fn header_words_count_for_every_protocol() {
    let bytes = &read("0 out udp 10.0.0.1:1 > 10.0.0.2:2 hop limit 3 class 16 ip-id 77 df").traffic.packets[0].bytes;
    assert_eq!((bytes[8], bytes[1], &bytes[4..6], bytes[6]), (3, 16, &[0, 77][..], 0x40));
    assert!(Packet::parse(bytes).is_ok());
}

#[test]
fn icmp_errors_quote_an_earlier_packet() {
    let script = read(
        "0 out udp 10.0.0.1:5000 > 10.0.0.99:53 as query\n\
         +1 in icmp 10.0.0.99 > 10.0.0.1 destination-unreachable code 4 mtu 1400 about query\n",
    );
    let [query, error] = script.traffic.packets.as_slice() else { panic!() };
    assert_eq!(error.bytes[28..], query.bytes);
    assert_eq!(error.bytes[20..28], [3, 4, error.bytes[22], error.bytes[23], 0, 0, 0x05, 0x78]);
}

#[test]
fn neighbour_discovery_has_a_target() {
    let bytes = &read("0 in icmpv6 fe80::2 > fe80::1 nd-neighbor-solicit target fe80::1 hop limit 255").traffic.packets
        [0]
    .bytes;
    assert_eq!(bytes[48..64], "fe80::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
    assert_eq!(bytes[7], 255);
}

#[test]
fn places() {
    let entry = |line: &str| read(line).traffic.packets[0].entry.clone();
    let arrives = |name: &str| Entry::Arrives(name.to_owned());
    assert_eq!(entry("0 out udp 1.1.1.1:1 > 2.2.2.2:2"), Entry::Sent);
    assert_eq!(entry("0 in udp 192.168.1.7:1 > 2.2.2.2:2"), arrives("wlan0"));
    assert_eq!(entry("0 in udp 1.1.1.1:1 > 2.2.2.2:2"), arrives("eth0"));
    assert_eq!(entry("0 in on wlan0 udp 1.1.1.1:1 > 2.2.2.2:2"), arrives("wlan0"));
    assert_eq!(entry("0 in on lo udp 1.1.1.1:1 > 2.2.2.2:2"), arrives("lo"));
    assert_eq!(entry("0 in frame"), arrives("eth0"));
}

#[test]
fn times_and_lines() {
    let script = read("# a comment\n\n0.5 out frame\n+0.25 out frame # behind\n1.000000001 out frame\n");
    let times: Vec<_> = script.traffic.packets.iter().map(|packet| packet.at.as_nanos()).collect();
    assert_eq!(times, [500_000_000, 750_000_000, 1_000_000_001]);
    assert_eq!(script.lines, [3, 4, 5]);
}

#[test]
fn expectations() {
    let script = read(
        "0 out frame\n\
         0 out frame expect accept new\n\
         0 out frame refused expect drop\n\
         0 out frame expect related # why\n",
    );
    let expected = |verdict, state| Some(Expected { verdict, state });
    assert_eq!(
        script.expectations,
        [
            None,
            expected(Some(Fate::Accept), Some(CtState::New)),
            expected(Some(Fate::Drop), None),
            expected(None, Some(CtState::Related)),
        ]
    );
    assert!(script.traffic.packets[2].refused);
}

#[test]
fn a_script_describes_its_host() {
    let script = read(
        "host 192.168.1.20/24, fd00:1::20/64 on wlan0 groups 224.0.0.251\n\
         host on tun0 mtu 1400\n\
         route 10.8.0.0/16 on tun0 via 10.8.0.1\n\
         forwarding off\n\
         sysctl nf_conntrack_tcp_loose off\n\
         0 in on tun0 frame\n",
    );
    let interface = |name: &str, addresses: &[&str], groups: &[&str], mtu| Interface {
        name: name.to_owned(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        mtu,
    };
    let expected = Host {
        interfaces: vec![
            interface("wlan0", &["192.168.1.20/24", "fd00:1::20/64"], &["224.0.0.251"], 1500),
            interface("tun0", &[], &[], 1400),
        ],
        routes: vec![Route {
            to: "10.8.0.0/16".parse().unwrap(),
            interface: "tun0".to_owned(),
            via: Some("10.8.0.1".parse().unwrap()),
        }],
        forwarding: false,
        sysctls: Sysctls { tcp_loose: false, ..Sysctls::default() },
    };
    assert_eq!(script.host, Some(expected));
    assert_eq!(read("0 out frame").host, None);
}

#[test]
fn a_host_without_a_name_is_the_plain_one() {
    let script = read("host 10.0.0.1/24, fd00::1/64\n");
    assert_eq!(
        script.host,
        Some(Host::with_addresses(&["10.0.0.1/24".parse().unwrap(), "fd00::1/64".parse().unwrap()]))
    );
}

// What is wrong with lines.

#[test]
fn mistakes_are_named() {
    for (line, message) in [
        ("soon out frame", "`soon` is not a time"),
        ("0 sideways frame", "`in` or `out` is expected, not `sideways`"),
        ("0 in on eth7 frame", "the host has no interface `eth7`"),
        ("0 in", "the line ends where a protocol is expected"),
        ("0 in tpc 10.0.0.2:1 > 10.0.0.1:2", "`tpc` is not a protocol"),
        ("0 in tcp 10.0.0.2:1 -> 10.0.0.1:2", "`>` is expected between the ends, not `->`"),
        ("0 in tcp 10.0.0.2 > 10.0.0.1:2", "`10.0.0.2` needs a port, as tcp has them"),
        ("0 in tcp 10.0.0.2:1 > [fd00::1]:2", "the ends are of different families"),
        ("0 in icmp 10.0.0.2:1 > 10.0.0.1", "port 1 does not belong here: packets of this protocol have none"),
        ("0 in icmp fd00::2 > fd00::1", "`icmp` between addresses of the other family"),
        ("0 in tcp 10.0.0.2:1 > 10.0.0.1:2 sin", "tcp has no word `sin`"),
        ("0 in tcp 10.0.0.2:1 > 10.0.0.1:2 syn ack", "`flags` is said twice"),
        ("0 in tcp 10.0.0.2:1 > 10.0.0.1:2 seq 1 seq 2", "`seq` is said twice"),
        ("0 in tcp 10.0.0.2:1 > 10.0.0.1:2 win 65536", "`65536` is too large for `win`"),
        ("0 in icmp 10.0.0.2 > 10.0.0.1 about that", "no earlier packet has the label `that`"),
        ("0 in icmp 10.0.0.2 > 10.0.0.1 mtu 5 id 7", "a message has either an mtu or id and seq"),
        ("0 in udp 10.0.0.2:1 > 10.0.0.1:2 data 65535", "the packet is longer than an ip packet can be"),
        (
            "0 in gre 10.0.0.2 > 10.0.0.1 checksum 1",
            "`checksum` does not belong here: only tcp, udp and icmp say theirs",
        ),
        ("0 in raw 4x", "`raw` needs pairs of hexadecimal digits, in one word"),
        ("0 in frame expect", "`expect` needs a verdict, a ct state, or both"),
        ("0 in frame expect accept new please", "the line goes on behind its end, with `please`"),
        ("0 in frame expect accept refused", "the line goes on behind its end, with `refused`"),
        ("0 in frame as", "the line ends where a label is expected"),
        ("host", "the line ends where an address is expected"),
        ("host 10.0.0.1", "`10.0.0.1` is not an address with a prefix length"),
        ("host 10.0.0.1/24 at eth0", "`host` has no word `at`"),
        ("host 10.0.0.0/24", "10.0.0.0 is the address of the network 10.0.0.0/24 itself"),
        ("host 10.0.0.1/24 on abcdefghijklmnop", "`abcdefghijklmnop` is not the name of an interface"),
        ("host 10.0.0.1/24 on eth0 groups 10.0.0.9", "10.0.0.9 is not a multicast group"),
        ("host 10.0.0.1/24 on lo", "the host has an interface `lo` already"),
        ("route 0.0.0.0/0 on eth0", "`route` needs a host"),
    ] {
        assert_eq!(wrong(line), message, "{line}");
    }
}

#[test]
fn mistakes_between_lines_are_named() {
    let text = "1 out frame\n\
                0.5 out frame\n\
                2 out frame as a\n\
                3 out frame as a\n\
                host 10.0.0.1/24\n\
                +18446744073709551615 out frame\n";
    let (script, errors) = read_script(text, &host());
    let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "line 2: time 0.5 is earlier than that of the packet before",
            "line 4: the label `a` is taken already",
            "line 5: `host` stands behind a packet",
            "line 6: time +18446744073709551615 is too far away",
        ]
    );
    assert_eq!(script.lines, [1, 3]);
}

#[test]
fn a_message_shows_no_control_characters_and_ends() {
    assert_eq!(wrong("\u{1b}[31m"), "`\\u{1b}[31m` is not a time");
    assert!(wrong(&"x".repeat(1000)).len() < 200);
}

#[test]
fn marks_and_line_ends_of_other_systems_do_not_matter() {
    assert_eq!(read("\u{feff}0 out frame\r\n1 out frame\r\n").lines, [1, 2]);
}

// What is written.

#[test]
fn a_written_script_says_no_more_than_it_must() {
    let text = "\
host 10.0.0.1/24, fd00::1/64 on eth0
host 192.168.1.1/24 on wlan0 mtu 1400
forwarding off

0.000 out tcp 10.0.0.1:40000 > 10.0.0.99:80 syn seq 5 mss 1460 wscale 7 expect accept new
0.010 in on eth0 tcp 10.0.0.99:80 > 10.0.0.1:40000 syn,ack df
0.010500 out tcp 10.0.0.1:40000 > 10.0.0.99:80 ack
1.000 out tcp 10.0.0.1:40000 > 10.0.0.99:80 psh,ack data \"GET / HTTP/1.0\"
1.000000001 in on wlan0 udp 192.168.1.7:1 > 192.168.1.1:53 data 29 hop limit 3 refused
2.000 in on eth0 icmp 10.0.0.99 > 10.0.0.1 echo-reply id 7 seq 1 data 0x0102
2.000 in on eth0 udp 10.0.0.99:53 > 10.0.0.1:5000 data 29 checksum 0
2.000 in on eth0 icmpv6 fe80::2 > fe80::1 nd-neighbor-solicit target fe80::1 hop limit 255
3.000 out sctp 10.0.0.1:1 > 10.0.0.99:2 init init-tag 9
3.000 out sctp 10.0.0.1:1 > 10.0.0.99:2 cookie-echo tag 9
3.000 out protocol 58 10.0.0.1 > 10.0.0.99 data 8
3.000 out gre 10.0.0.1 > 10.0.0.99 data 0x0001 expect new
3.000 out raw 450000
3.000 out frame
";
    assert_eq!(write_script(&read(text)), text);
}

// Any script at all.

fn any_build() -> impl Strategy<Value = Build> {
    let ends = prop_oneof![
        Just(("10.0.0.1", "10.0.0.99")),
        Just(("10.0.0.99", "10.0.0.1")),
        Just(("fd00::1", "fe80::2")),
        Just(("::ffff:10.0.0.1", "ff02::1")),
    ];
    (ends, any::<(u8, u8, u16, bool)>()).prop_map(|((source, destination), (hop_limit, class, id, whole))| {
        let build = Build::between(source.parse().unwrap(), destination.parse().unwrap());
        let build = build.hop_limit(hop_limit).traffic_class(class).id(id);
        if whole { build.dont_fragment() } else { build }
    })
}

fn any_data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0..2000_usize).prop_map(|length| vec![0; length]),
        "[ -~]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..60),
    ]
}

fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    let port = 1..4_u16;
    prop_oneof![
        (
            any_build(),
            port.clone(),
            port.clone(),
            any::<(u32, u32, u8, u16)>(),
            any_data(),
            prop::collection::vec(any::<u8>(), 0..44)
        )
            .prop_map(
                |(
                    build,
                    source_port,
                    destination_port,
                    (sequence, acknowledgement, flags, window),
                    payload,
                    options,
                )| {
                    build.tcp(&Segment {
                        source_port,
                        destination_port,
                        sequence,
                        acknowledgement,
                        flags: TcpFlags(flags),
                        window,
                        options: &options,
                        payload: &payload,
                    })
                }
            ),
        (any_build(), port.clone(), port.clone(), any_data()).prop_map(|(build, source, destination, data)| build.udp(
            source,
            destination,
            &data
        )),
        (any_build(), any::<(u8, u8, u32)>(), any_data())
            .prop_map(|(build, (kind, code, rest), data)| build.icmp(kind, code, rest, &data)),
        (any_build(), port.clone(), port, any::<u32>(), any_data())
            .prop_map(|(build, source, destination, tag, chunks)| build.sctp(source, destination, tag, &chunks)),
        (any_build(), any::<u8>(), any_data())
            .prop_map(|(build, protocol, data)| build.protocol(ringwall_ir::words::Protocol(protocol), &data)),
        prop::collection::vec(any::<u8>(), 0..100),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let arrives = |name: &str| Just(Entry::Arrives(name.to_owned()));
    prop_oneof![Just(Entry::Sent), arrives("eth0"), arrives("wlan0"), arrives("lo")]
}

fn any_expectation() -> impl Strategy<Value = Option<Expected>> {
    let verdict = prop::option::of(prop::sample::select(VERDICTS.to_vec()));
    let state = prop::option::of(prop::sample::select(CtState::ALL.to_vec()));
    (verdict, state).prop_map(|said| match said {
        (None, None) => None,
        (verdict, state) => Some(Expected { verdict, state }),
    })
}

fn any_host() -> impl Strategy<Value = Option<Host>> {
    (any::<bool>(), any::<(bool, bool, bool, bool, bool)>(), 0..3_usize, 576..9000_u32).prop_map(
        |(described, (forwarding, tcp_loose, tcp_be_liberal, tcp_ignore_invalid_rst, checksum), routes, mtu)| {
            let mut described = described.then(host)?;
            described.forwarding = forwarding;
            let flags = Sysctls { tcp_loose, tcp_be_liberal, tcp_ignore_invalid_rst, checksum, ..Sysctls::default() };
            described.sysctls = flags;
            described.routes.truncate(routes);
            described.interfaces[1].mtu = mtu;
            described.interfaces[1].groups = vec!["ff02::fb".parse().unwrap()];
            Some(described)
        },
    )
}

const WORDS: &str = "0 +1 in out on eth0 tcp udp icmp icmpv6 sctp protocol raw frame 10.0.0.1 10.0.0.1:80 fd00::1 \
                     [fd00::1]:80 > syn ack seq data \"text 0x00 4500 type code mtu about target as a options hop limit \
                     255 65535 4294967296 refused expect drop new host route none sysctl , forwarding groups via \
                     10.0.0.1/24 # \n init tag";

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        described in any_host(),
        packets in prop::collection::vec(
            (any_packet(), any_entry(), any::<bool>(), any_expectation(), 0..u64::MAX / 100),
            0..12,
        ),
    ) {
        let mut script = Script { host: described, ..Script::default() };
        let mut at = Duration::ZERO;
        for (bytes, entry, refused, expected, since) in packets {
            at += Duration::from_nanos(since);
            script.traffic.packets.push(TimedPacket { at, entry, bytes, refused, sender: Sender::default() });
            script.expectations.push(expected);
        }
        let text = write_script(&script);
        let (read, errors) = read_script(&text, &host());
        prop_assert_eq!(errors, []);
        prop_assert_eq!(Script { lines: Vec::new(), ..read }, script);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = read_script(&text, &host());
    }

    #[test]
    fn no_words_make_it_panic(
        words in prop::collection::vec(prop::sample::select(WORDS.split(' ').collect::<Vec<_>>()), 0..40),
    ) {
        let _ = read_script(&words.join(" "), &host());
    }
}
