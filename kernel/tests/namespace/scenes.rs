// SPDX-License-Identifier: GPL-3.0-or-later
//! What the backend says beyond verdicts and states: origins, answers, time, and what is wrong with a job.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use ringwall_ir::words::{
    ChainPolicy, CtDirection, CtState, CtStatus, Direction, Hook, Priority, Protocol, Refusal, TableFamily, TcpFlags,
};
use ringwall_ir::{
    BaseChain, Chain, Field, Match, Origin, OriginId, Ruleset, Step, Table, TableParts, Values, Verdict,
};
use ringwall_kernel::namespace::{ChainOrigins, Form, KernelBackend, Load};
use ringwall_runtime::compare::{Backend, BackendError};
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::{Fate, Observation};
use ringwall_runtime::packet::build::{Build, Segment};
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket, Traffic};

const HERE: &str = "10.0.0.1";
const THERE: &str = "10.0.0.99";

/// Of the founding ruleset: output, input, and the closing of both.
const OUTBOUND: OriginId = OriginId(0);
const INBOUND: OriginId = OriginId(1);
const CLOSING: OriginId = OriginId(2);

type Scene = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let scenes: [(&'static str, Scene); 17] = [
        ("founding_ruleset_as_nft_text", founding_ruleset_as_nft_text),
        ("founding_ruleset_as_iptables_text", founding_ruleset_as_iptables_text),
        ("founding_ruleset_over_netlink", founding_ruleset_over_netlink),
        ("last_accepting_chain_decides", last_accepting_chain_decides),
        ("refusal_without_answer", refusal_without_answer),
        ("refusal_by_iptables", refusal_by_iptables),
        ("refusal_on_loopback_answers_on_loopback", refusal_on_loopback_answers_on_loopback),
        ("harness_refuses_before_the_ruleset", harness_refuses_before_the_ruleset),
        ("entries_age_by_the_second", entries_age_by_the_second),
        ("datagrams_become_streams", datagrams_become_streams),
        ("groups_are_joined", groups_are_joined),
        ("ttl_of_one_is_not_forwarded", ttl_of_one_is_not_forwarded),
        ("without_forwarding_nothing_passes", without_forwarding_nothing_passes),
        ("packets_of_any_length", packets_of_any_length),
        ("packets_that_are_none", packets_that_are_none),
        ("ruleset_that_does_not_load", ruleset_that_does_not_load),
        ("job_that_does_not_fit", job_that_does_not_fit),
    ];
    let mut trials: Vec<_> = scenes.into_iter().map(|(name, scene)| Trial::test(name, scene)).collect();
    trials.push(Trial::test("speed (takes time)", speed).with_ignored_flag(true));
    trials
}

fn founding_ruleset() -> Ruleset {
    let states = |states: &[CtState]| {
        let bits = states.iter().map(|state| u128::from(state.bit())).sum();
        vec![Step::from(Match::any_of(Field::CtState, bits))]
    };
    let mut output = chain("output", Hook::Output, ChainPolicy::Drop);
    let opening = states(&[CtState::New, CtState::Established]);
    output.push(OUTBOUND, opening, Some(Verdict::Accept)).unwrap();
    let mut input = chain("input", Hook::Input, ChainPolicy::Drop);
    input.push(INBOUND, states(&[CtState::Established]), Some(Verdict::Accept)).unwrap();
    ruleset(vec![input, output])
}

const FOUNDING_NFT: &str = r#"
table inet ringwall {
    chain input {
        type filter hook input priority -10; policy drop
        ct state established accept comment "1"
        drop comment "closing"
    }
    chain output {
        type filter hook output priority -10; policy drop
        ct state new,established accept comment "0"
        drop comment "closing"
    }
}
"#;

const FOUNDING_IPTABLES: &str = "\
*filter
:INPUT DROP
:FORWARD ACCEPT
:OUTPUT DROP
-A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT
-A INPUT -m state --state ESTABLISHED -j ACCEPT
COMMIT
";

fn founding_ruleset_as_nft_text() -> Result<(), Failed> {
    founding_ruleset_decides(Load::nft(FOUNDING_NFT, &founding_ruleset()))
}

fn founding_ruleset_over_netlink() -> Result<(), Failed> {
    founding_ruleset_decides(Load::netlink(&founding_ruleset()))
}

fn founding_ruleset_as_iptables_text() -> Result<(), Failed> {
    let of = |chain: &str, origin| ChainOrigins {
        family: TableFamily::Ip,
        table: "filter".to_owned(),
        chain: chain.to_owned(),
        rules: vec![origin],
        policy: CLOSING,
    };
    let form = Form::Iptables { sets: String::new(), v4: FOUNDING_IPTABLES.to_owned(), v6: String::new() };
    founding_ruleset_decides(Load { form, chains: vec![of("INPUT", INBOUND), of("OUTPUT", OUTBOUND)] })
}

fn founding_ruleset_decides(load: Load) -> Result<(), Failed> {
    let seen = run(
        load,
        [
            arrives(tcp(THERE, 40000, HERE, 22, TcpFlags::SYN)),
            sent(tcp(HERE, 40000, THERE, 80, TcpFlags::SYN)),
            arrives(tcp(THERE, 80, HERE, 40000, TcpFlags::SYN.with(TcpFlags::ACK))),
            sent(tcp(HERE, 40001, THERE, 80, TcpFlags::RST)),
        ],
    )?;
    let decisions: Vec<_> = seen.iter().map(|seen| (seen.fate, seen.state, seen.origin, seen.direction)).collect();
    let expected = [
        (Fate::Drop, CtState::New, CLOSING, Direction::Inbound),
        (Fate::Accept, CtState::New, OUTBOUND, Direction::Outbound),
        (Fate::Accept, CtState::Established, INBOUND, Direction::Inbound),
        (Fate::Drop, CtState::Invalid, CLOSING, Direction::Outbound),
    ];
    let some = |(fate, state, origin, direction)| (Some(fate), Some(state), Some(origin), Some(direction));
    assert_eq!(decisions, expected.map(some));
    assert_eq!(seen[2].ct_direction, Some(CtDirection::Reply));
    assert_eq!(seen[2].status, CtStatus::SEEN_REPLY.with(CtStatus::CONFIRMED));
    assert_eq!(seen[2].hooks, [Hook::Prerouting, Hook::Input]);
    Ok(())
}

fn last_accepting_chain_decides() -> Result<(), Failed> {
    let text = r#"
        table inet ringwall {
            chain early { type filter hook input priority -10; policy accept; udp dport 1 accept; udp dport 2 drop; }
            chain late { type filter hook input priority 10; policy accept; udp dport 3 drop; }
        }
        table inet other { chain last { type filter hook input priority 20; policy accept; udp dport 4 drop; }; }
    "#;
    let of = |chain: &str, rules: &[u32], policy| ChainOrigins {
        family: TableFamily::Inet,
        table: "ringwall".to_owned(),
        chain: chain.to_owned(),
        rules: rules.iter().map(|&rule| OriginId(rule)).collect(),
        policy: OriginId(policy),
    };
    let chains = vec![of("early", &[1, 2], 5), of("late", &[3], 6)];
    let load = Load { form: Form::Nft(text.to_owned()), chains };
    let seen = run(load, [1, 2, 3, 4].map(|port| arrives(udp(THERE, 9, HERE, port))))?;
    let origins: Vec<_> = seen.iter().map(|seen| (seen.fate, seen.origin.map(|origin| origin.0))).collect();
    let (accept, drop) = (Some(Fate::Accept), Some(Fate::Drop));
    assert_eq!(origins, [(accept, Some(6)), (drop, Some(2)), (drop, Some(3)), (drop, None)]);
    Ok(())
}

/// The founding ruleset of output eats the answer, which is related; a reset is never answered.
fn refusal_without_answer() -> Result<(), Failed> {
    let mut input = chain("input", Hook::Input, ChainPolicy::Accept);
    let is_tcp = Match::within(Field::L4proto, Values::one(Protocol::TCP.0.into()));
    input.push(INBOUND, vec![is_tcp.into()], Some(Verdict::Reject(Refusal::TcpReset))).unwrap();
    let ruleset = ruleset(vec![input, chain("output", Hook::Output, ChainPolicy::Drop)]);
    let text = r#"
        table inet ringwall {
            chain input { type filter hook input priority -10; policy accept; meta l4proto tcp reject with tcp reset; }
            chain output { type filter hook output priority -10; policy drop; drop comment "closing"; }
        }
    "#;
    let seen = run(
        Load::nft(text, &ruleset),
        [arrives(tcp(THERE, 40000, HERE, 22, TcpFlags::SYN)), arrives(tcp(THERE, 40000, HERE, 22, TcpFlags::RST))],
    )?;
    let [asked, reset] = &seen[..] else { return Err("two packets".into()) };
    assert_eq!((asked.fate, asked.origin), (Some(Fate::Reject), Some(INBOUND)));
    let [answer] = &asked.answers[..] else { return Err(format!("{asked:?}").into()) };
    assert_eq!((answer.fate, answer.state, answer.origin), (Fate::Drop, Some(CtState::Related), Some(CLOSING)));
    assert_eq!(answer.bytes[9], Protocol::TCP.0);
    assert_eq!((reset.fate, reset.origin), (Some(Fate::Reject), Some(INBOUND)));
    assert_eq!(reset.answers, []);
    Ok(())
}

fn refusal_by_iptables() -> Result<(), Failed> {
    let text = "*filter\n:INPUT ACCEPT\n-A INPUT -p udp -j REJECT\n-A INPUT -p tcp -j DROP\nCOMMIT\n";
    let form = Form::Iptables { sets: String::new(), v4: text.to_owned(), v6: String::new() };
    let seen = run(
        Load { form, chains: Vec::new() },
        [arrives(udp(THERE, 9, HERE, 1)), arrives(tcp(THERE, 9, HERE, 1, TcpFlags::SYN))],
    )?;
    assert_eq!(seen.iter().map(|seen| seen.fate).collect::<Vec<_>>(), [Some(Fate::Reject), Some(Fate::Drop)]);
    Ok(())
}

fn refusal_on_loopback_answers_on_loopback() -> Result<(), Failed> {
    let text = "table inet t { chain i { type filter hook input priority 0; udp dport 53 reject; }; }";
    let seen = run(nft(text), [sent(udp("127.0.0.1", 9, "127.0.0.1", 53))])?;
    let all = [Hook::Output, Hook::Postrouting, Hook::Prerouting, Hook::Input];
    assert_eq!((seen[0].fate, &seen[0].hooks[..]), (Some(Fate::Reject), &all[..]));
    assert_eq!(seen[0].direction, Some(Direction::Inbound));
    let [answer] = &seen[0].answers[..] else { return Err(format!("{:?}", seen[0]).into()) };
    assert_eq!((answer.fate, answer.state), (Fate::Accept, Some(CtState::Related)));
    Ok(())
}

fn harness_refuses_before_the_ruleset() -> Result<(), Failed> {
    let refused = |bytes| TimedPacket { refused: true, ..arrives(bytes) };
    let text = r#"
        table inet ringwall {
            chain input { type filter hook input priority -10; policy drop; }
            chain output { type filter hook output priority -10; policy drop; ct state related accept; }
        }
    "#;
    let seen = run(
        nft(text),
        [refused(tcp(THERE, 40000, HERE, 22, TcpFlags::SYN)), arrives(tcp(THERE, 40000, HERE, 22, TcpFlags::SYN))],
    )?;
    let [refused, other] = &seen[..] else { return Err("two packets".into()) };
    assert_eq!((refused.fate, refused.state, refused.origin), (Some(Fate::Reject), Some(CtState::New), None));
    assert_eq!(refused.hooks, [Hook::Prerouting, Hook::Input]);
    assert_eq!(refused.answers.iter().map(|answer| answer.fate).collect::<Vec<_>>(), [Fate::Accept]);
    assert_eq!((other.fate, other.answers.len()), (Some(Fate::Drop), 0));
    Ok(())
}

/// An entry of UDP lives for 30 s. However many steps time takes, it is neither younger nor older than that, wherever in
/// the table it is.
fn entries_age_by_the_second() -> Result<(), Failed> {
    const FLOWS: std::ops::Range<u16> = 5000..5050;
    for (last, state) in [(29, CtState::Established), (30, CtState::New)] {
        let mut packets: Vec<_> = FLOWS.map(|port| sent(udp(HERE, port, THERE, 53))).collect();
        packets.extend((1..last).map(|second| after(second, arrives(udp(THERE, 9, HERE, 1)))));
        packets.extend(FLOWS.map(|port| after(last, arrives(udp(THERE, 53, HERE, port)))));
        let seen = run(Load::empty(), packets)?;
        let replies = &seen[seen.len() - FLOWS.len()..];
        assert!(replies.iter().all(|reply| reply.state == Some(state)), "after {last} s: {replies:#?}");
    }
    let mut backend = KernelBackend::new("kernel", Load::empty());
    let days = 4 * 86_400;
    let opening = [
        sent(tcp(HERE, 40000, THERE, 80, TcpFlags::SYN)),
        arrives(tcp(THERE, 80, HERE, 40000, TcpFlags::SYN.with(TcpFlags::ACK))),
        sent(tcp(HERE, 40000, THERE, 80, TcpFlags::ACK)),
        after(days, arrives(udp(THERE, 9, HERE, 1))),
    ];
    backend.run(&host(), &Traffic { packets: opening.into() })?;
    let table = backend.last_table().unwrap();
    assert!(
        table.iter().any(|line| line.contains(" 86400 ESTABLISHED ") || line.contains(" 86399 ESTABLISHED ")),
        "{table:?}"
    );
    Ok(())
}

/// Packets both ways more than 2 s after the first make an entry of UDP assured and give it 120 s.
fn datagrams_become_streams() -> Result<(), Failed> {
    let conversation = |third, last| {
        run(
            Load::empty(),
            [
                sent(udp(HERE, 5000, THERE, 53)),
                after(1, arrives(udp(THERE, 53, HERE, 5000))),
                after(third, sent(udp(HERE, 5000, THERE, 53))),
                after(last, arrives(udp(THERE, 53, HERE, 5000))),
            ],
        )
    };
    for (third, last, state) in
        [(2, 31, CtState::Established), (2, 32, CtState::New), (3, 122, CtState::Established), (3, 123, CtState::New)]
    {
        assert_eq!(conversation(third, last)?[3].state, Some(state), "after {third} s and {last} s");
    }
    let assured = CtStatus::SEEN_REPLY.with(CtStatus::ASSURED).with(CtStatus::CONFIRMED);
    assert_eq!(conversation(4, 100)?[3].status, assured);
    Ok(())
}

fn groups_are_joined() -> Result<(), Failed> {
    let mut host = host();
    host.interfaces[0].groups = vec!["239.1.1.1".parse()?, "ff05::101".parse()?];
    let packets = [
        arrives(udp(THERE, 9, "239.1.1.1", 1)),
        arrives(udp(THERE, 9, "239.1.1.2", 1)),
        arrives(udp("2001:db8::99", 9, "ff05::101", 1)),
        arrives(udp("2001:db8::99", 9, "ff05::102", 1)),
        arrives(udp("2001:db8::99", 9, "ff02::1", 1)),
    ];
    let seen = KernelBackend::new("kernel", Load::empty()).run(&host, &Traffic { packets: packets.into() })?;
    let fates: Vec<_> = seen.iter().map(|seen| (seen.fate.unwrap(), seen.reason.as_deref())).collect();
    let (heard, deaf) = ((Fate::Accept, None), (Fate::Drop, Some("routing")));
    assert_eq!(fates, [heard, deaf, heard, deaf, heard]);
    Ok(())
}

fn ttl_of_one_is_not_forwarded() -> Result<(), Failed> {
    let through = |ttl| Build::between(address(THERE), address("192.0.2.7")).hop_limit(ttl).udp(9, 1, b"x");
    let seen = run(Load::empty(), [arrives(through(1)), arrives(through(2))])?;
    assert_eq!((seen[0].fate, seen[0].reason.as_deref()), (Some(Fate::Drop), Some("routing")));
    assert_eq!((seen[0].direction, seen[0].answers.len()), (None, 1));
    assert_eq!((seen[1].fate, seen[1].direction), (Some(Fate::Accept), Some(Direction::Forwarded)));
    assert_eq!(seen[1].left.as_ref().map(|packet| packet[8]), Some(1));
    Ok(())
}

fn without_forwarding_nothing_passes() -> Result<(), Failed> {
    let mut host = host();
    host.forwarding = false;
    let packets = vec![arrives(udp(THERE, 9, "192.0.2.7", 1)), arrives(udp("2001:db8::99", 9, "2001:db8:7::1", 1))];
    let seen = KernelBackend::new("kernel", Load::empty()).run(&host, &Traffic { packets })?;
    for seen in seen {
        assert_eq!((seen.fate, seen.reason.as_deref()), (Some(Fate::Drop), Some("routing")));
    }
    Ok(())
}

/// Longer than the interface carries, up to the longest that is logged whole.
fn packets_of_any_length() -> Result<(), Failed> {
    let long = |from, to| Build::between(address(from), address(to)).udp(9, 1, &[b'x'; 64_900]);
    let seen = run(Load::empty(), [arrives(long(THERE, HERE)), sent(long(HERE, THERE))])?;
    for seen in seen {
        assert_eq!((seen.fate, seen.left.map(|packet| packet.len())), (Some(Fate::Accept), Some(64_928)));
    }
    Ok(())
}

fn packets_that_are_none() -> Result<(), Failed> {
    let mut checksum = udp(THERE, 9, HERE, 1);
    checksum[10] ^= 0x55;
    let seen = run(
        Load::empty(),
        [
            arrives(Vec::new()),
            arrives(b"\x45".to_vec()),
            arrives(checksum),
            arrives(vec![0xff; 60]),
            sent(b"\x45".to_vec()),
            sent(vec![0xff; 60]),
            arrives(udp(THERE, 9, HERE, 1)),
        ],
    )?;
    let fates: Vec<_> = seen.iter().map(|seen| (seen.fate, seen.reason.as_deref())).collect();
    let lost = |reason| (Some(Fate::Drop), Some(reason));
    let (input, output) = (lost("ip input"), lost("ip output"));
    let none = (None, None);
    assert_eq!(fates, [none, input, input, none, output, none, (Some(Fate::Accept), None)]);
    Ok(())
}

fn ruleset_that_does_not_load() -> Result<(), Failed> {
    for (load, words) in [
        (nft("table inet t { chain c { nonsense; }; }"), "nft: "),
        (nft("flush ruleset"), "the ruleset removes other tables (`flush ruleset`)"),
        (
            Load::nft("table inet ringwall { chain input {}; }", &founding_ruleset()),
            "chain inet ringwall input has 0 rules",
        ),
        (
            Load {
                form: Form::Iptables { sets: String::new(), v4: "*nonsense".to_owned(), v6: String::new() },
                chains: vec![],
            },
            "iptables-nft-restore: ",
        ),
    ] {
        let error = refused(load, [])?;
        assert!(!error.unavailable && error.problem.contains(words), "{error}");
    }
    Ok(())
}

fn job_that_does_not_fit() -> Result<(), Failed> {
    let stray = TimedPacket { entry: Entry::Arrives("eth7".to_owned()), ..arrives(udp(THERE, 9, HERE, 1)) };
    let error = refused(Load::empty(), [stray])?;
    assert_eq!(error.to_string(), "kernel: a packet arrives on `eth7`, which the host does not have");
    let mut host = host();
    host.interfaces[0].name = "a-name-that-is-too-long".to_owned();
    let error = KernelBackend::new("kernel", Load::empty()).run(&host, &Traffic::default()).unwrap_err();
    assert!(!error.unavailable && error.problem.contains("a-name-that-is-too-long"), "{error}");
    Ok(())
}

/// What a run costs, a packet through the founding ruleset, and a second or more between two packets.
fn speed() -> Result<(), Failed> {
    let packets = |count: u16, step: u64| -> Vec<_> {
        let each = |number: u16| match number % 3 {
            0 => sent(udp(HERE, 1024 + number / 3, THERE, 53)),
            1 => arrives(udp(THERE, 53, HERE, 1024 + number / 3)),
            _ => arrives(tcp(THERE, number, HERE, 22, TcpFlags::SYN)),
        };
        (0..count).map(|number| after(u64::from(number) * step, each(number))).collect()
    };
    let timed = |count, step| -> Result<Duration, Failed> {
        let start = Instant::now();
        let seen = run(Load::nft(FOUNDING_NFT, &founding_ruleset()), packets(count, step))?;
        assert_eq!(seen.len(), usize::from(count));
        Ok(start.elapsed())
    };
    let (none, many, slow) = (timed(0, 0)?, timed(60_000, 0)?, timed(200, 1)?);
    let rate = 60_000.0 / (many - none).as_secs_f64();
    eprintln!("a run: {none:?}; {rate:.0} packets a second; a second of time: {:?}", (slow - none) / 200);
    Ok(())
}

fn nft(text: &str) -> Load {
    Load { form: Form::Nft(text.to_owned()), chains: Vec::new() }
}

fn run(load: Load, packets: impl Into<Vec<TimedPacket>>) -> Result<Vec<Observation>, BackendError> {
    KernelBackend::new("kernel", load).run(&host(), &Traffic { packets: packets.into() })
}

fn refused(load: Load, packets: impl Into<Vec<TimedPacket>>) -> Result<BackendError, Failed> {
    run(load, packets).err().ok_or_else(|| "it ran".into())
}

fn host() -> Host {
    Host::with_addresses(&[format!("{HERE}/24").parse().unwrap(), "2001:db8::1/64".parse().unwrap()])
}

fn chain(name: &str, hook: Hook, policy: ChainPolicy) -> Chain {
    Chain::base(name, BaseChain::filter(hook, Priority::RINGWALL_FILTER, policy, CLOSING)).unwrap()
}

fn ruleset(chains: Vec<Chain>) -> Ruleset {
    let origin = |id: &str| Origin { id: id.to_owned(), line: 1, ..Origin::default() };
    let parts = TableParts { chains, ..TableParts::default() };
    let tables = vec![Table::new(TableFamily::Inet, "ringwall", parts).unwrap()];
    let origins = ["0", "1", "closing"].map(origin).into();
    Ruleset { title: String::new(), origins, tables, unknowns: Vec::new() }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn tcp(source: &str, source_port: u16, destination: &str, destination_port: u16, flags: TcpFlags) -> Vec<u8> {
    let segment = Segment {
        source_port,
        destination_port,
        flags,
        window: 64240,
        acknowledgement: u32::from(flags.contains(TcpFlags::ACK)),
        sequence: u32::from(!flags.contains(TcpFlags::SYN)),
        ..Segment::default()
    };
    Build::between(address(source), address(destination)).tcp(&segment)
}

fn udp(source: &str, source_port: u16, destination: &str, destination_port: u16) -> Vec<u8> {
    Build::between(address(source), address(destination)).udp(source_port, destination_port, b"x")
}

fn sent(bytes: Vec<u8>) -> TimedPacket {
    TimedPacket { at: Duration::ZERO, entry: Entry::Sent, bytes, refused: false, sender: Sender::default() }
}

fn arrives(bytes: Vec<u8>) -> TimedPacket {
    TimedPacket { entry: Entry::Arrives("eth0".to_owned()), ..sent(bytes) }
}

fn after(seconds: u64, packet: TimedPacket) -> TimedPacket {
    TimedPacket { at: Duration::from_secs(seconds), ..packet }
}
