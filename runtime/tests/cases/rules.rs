// SPDX-License-Identifier: GPL-3.0-or-later
//! A reader of the few words that the recorded cases' rulesets are made of, so that a replay needs nothing above this crate.

use std::iter::Peekable;
use std::str::SplitWhitespace;

use ringwall_ir::words::{CtState, Family, Hook, Protocol, Refusal, icmp};
use ringwall_runtime::conntrack::Helper;
use ringwall_runtime::engine::{Action, Decision, Ruling, View};

/// Base chains in the order in which packets meet them.
#[derive(Clone, Default)]
pub struct Rules {
    chains: Vec<Chain>,
    /// Helpers as the ruleset calls them.
    helpers: Vec<(String, HelperObject)>,
}

/// `ct helper NAME { type "ftp" protocol tcp; l3proto ip6; }`
#[derive(Clone, Copy)]
struct HelperObject {
    helper: Helper,
    protocol: Protocol,
    family: Option<Family>,
}

#[derive(Clone)]
struct Chain {
    families: Vec<Family>,
    hook: Hook,
    priority: i32,
    rules: Vec<(Vec<Test>, Action)>,
    policy: Action,
    /// The rules that assign helpers.
    assigns: Vec<(Vec<Test>, HelperObject)>,
}

#[derive(Clone)]
enum Test {
    State(Vec<CtState>),
    Arrived(String),
    Protocol(Protocol),
    Port(Protocol, u16),
    Icmp(Family, Vec<u8>),
    Broadcast,
    Family(Family),
}

/// A word that this reader does not know.
pub type Unknown = String;

impl Rules {
    /// Adds a ruleset of a case: `nft`, `v4` or `v6` text.
    pub fn add(&mut self, kind: &str, text: &str) -> Result<(), Unknown> {
        match kind {
            "nft" => self.add_nft(text)?,
            "v4" | "v4-legacy" => self.add_iptables(Family::Ipv4, text)?,
            other => return Err(format!("{other} ruleset")),
        }
        self.chains.sort_by_key(|chain| chain.priority);
        Ok(())
    }

    fn add_nft(&mut self, text: &str) -> Result<(), Unknown> {
        let mut families = Vec::new();
        let mut pending = String::new();
        for statement in statements(text) {
            let words: Vec<&str> = statement.iter().map(String::as_str).collect();
            match words[..] {
                ["table", family, _] => families = families_of(family)?,
                ["chain", _] => {}
                ["type", "filter", "hook", hook, "priority", priority] => {
                    let priority = priority.parse().map_err(|_| "priority")?;
                    let (families, hook) = (families.clone(), hook_of(hook)?);
                    self.chains.push(Chain {
                        families,
                        hook,
                        priority,
                        rules: vec![],
                        policy: Action::Accept,
                        assigns: vec![],
                    });
                }
                ["ct", "helper", name] => pending = name.to_owned(),
                ["type", helper, "protocol", protocol] => {
                    let helper = Helper::named(helper).ok_or("helper")?;
                    let object = HelperObject { helper, protocol: protocol_of(protocol)?, family: None };
                    self.helpers.push((pending.clone(), object));
                }
                ["l3proto", family] => {
                    let (_, object) = self.helpers.last_mut().ok_or("l3proto")?;
                    object.family = families_of(family)?.first().copied();
                }
                [ref tests @ .., "ct", "helper", "set", name] => {
                    let object = self.helpers.iter().find(|(known, _)| known == name).ok_or("ct helper")?.1;
                    let (tests, _) = nft_rule(&[tests, &["accept"]].concat())?;
                    self.chains.last_mut().ok_or("rule")?.assigns.push((tests, object));
                }
                ["policy", policy] => {
                    let chain = self.chains.last_mut().ok_or("policy")?;
                    chain.policy = if policy == "drop" { Action::Drop } else { Action::Accept };
                }
                _ => {
                    let rule = nft_rule(&words)?;
                    self.chains.last_mut().ok_or("rule")?.rules.push(rule);
                }
            }
        }
        Ok(())
    }

    fn add_iptables(&mut self, family: Family, text: &str) -> Result<(), Unknown> {
        for line in text.lines() {
            let mut words = line.split_whitespace().peekable();
            match words.next() {
                None | Some("*filter" | "COMMIT") => {}
                Some("-A") => self.append(words)?,
                Some(chain) if chain.starts_with(':') => {
                    let hook = hook_of(&chain[1..])?;
                    let policy = if words.next() == Some("DROP") { Action::Drop } else { Action::Accept };
                    self.chains.push(Chain {
                        families: vec![family],
                        hook,
                        priority: 0,
                        rules: vec![],
                        policy,
                        assigns: vec![],
                    });
                }
                Some(other) => return Err(other.to_owned()),
            }
        }
        Ok(())
    }

    fn append(&mut self, mut words: Peekable<SplitWhitespace<'_>>) -> Result<(), Unknown> {
        let hook = hook_of(words.next().unwrap_or_default())?;
        let mut tests = Vec::new();
        let mut action = None;
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_default();
            match (word, value) {
                ("-m", _) => {}
                ("--state" | "--ctstate", states) => tests.push(Test::State(states_of(states)?)),
                ("-p", name) => tests.push(Test::Protocol(protocol_of(name)?)),
                ("--dport", port) => match tests.last() {
                    Some(&Test::Protocol(protocol)) => {
                        tests.push(Test::Port(protocol, port.parse().map_err(|_| port)?))
                    }
                    _ => return Err("--dport".to_owned()),
                },
                ("-j", "ACCEPT") => action = Some(Action::Accept),
                ("-j", "DROP") => action = Some(Action::Drop),
                ("-j", "REJECT") => action = Some(Action::Reject(Refusal::PortUnreachable)),
                ("--reject-with", kind) => action = Some(Action::Reject(refusal(kind)?)),
                _ => return Err(word.to_owned()),
            }
        }
        let chain = self.chains.iter_mut().rfind(|chain| chain.hook == hook).ok_or("chain")?;
        chain.rules.push((tests, action.ok_or("no verdict")?));
        Ok(())
    }
}

fn nft_rule(words: &[&str]) -> Result<(Vec<Test>, Action), Unknown> {
    let mut tests = Vec::new();
    let mut rest = words;
    loop {
        rest = match rest {
            ["counter", rest @ ..] => rest,
            ["ct", "state", states, rest @ ..] => {
                tests.push(Test::State(states_of(states)?));
                rest
            }
            ["iifname", name, rest @ ..] => {
                tests.push(Test::Arrived((*name).to_owned()));
                rest
            }
            ["meta", "pkttype", "broadcast", rest @ ..] => {
                tests.push(Test::Broadcast);
                rest
            }
            ["meta", "l4proto", protocol, rest @ ..] => {
                tests.push(Test::Protocol(protocol_of(protocol)?));
                rest
            }
            ["ip", "protocol", protocol, rest @ ..] => {
                tests.extend([Test::Family(Family::Ipv4), Test::Protocol(protocol_of(protocol)?)]);
                rest
            }
            [word @ ("icmp" | "icmpv6"), "type", kinds, rest @ ..] => {
                let family = if *word == "icmp" { Family::Ipv4 } else { Family::Ipv6 };
                let kinds: Option<Vec<u8>> = kinds.split(',').map(|kind| icmp::named(family, kind)).collect();
                tests.push(Test::Icmp(family, kinds.ok_or("icmp type")?));
                rest
            }
            [protocol @ ("tcp" | "udp"), "dport", port, rest @ ..] => {
                tests.push(Test::Port(protocol_of(protocol)?, port.parse().map_err(|_| (*port).to_owned())?));
                rest
            }
            ["accept"] => return Ok((tests, Action::Accept)),
            ["drop"] => return Ok((tests, Action::Drop)),
            ["reject"] => return Ok((tests, Action::Reject(Refusal::PortUnreachable))),
            ["reject", "with", "tcp", "reset"] => return Ok((tests, Action::Reject(Refusal::TcpReset))),
            ["reject", "with", word, kind] | ["reject", "with", word, "type", kind] => {
                match *word {
                    "icmp" => tests.push(Test::Family(Family::Ipv4)),
                    "icmpv6" => tests.push(Test::Family(Family::Ipv6)),
                    "icmpx" => {}
                    other => return Err(other.to_owned()),
                }
                return Ok((tests, Action::Reject(refusal(kind)?)));
            }
            _ => return Err(rest.join(" ")),
        };
    }
}

/// The statements of a text, as words; a set is one word, its elements parted by commas.
fn statements(text: &str) -> Vec<Vec<String>> {
    let mut statements = vec![Vec::new()];
    let mut set: Option<String> = None;
    let text = text.replace('{', " { ").replace('}', " } ").replace([';', '\n'], " ; ").replace(',', ", ");
    for word in text.split_whitespace() {
        let last = statements.last_mut().unwrap();
        let word = word.trim_matches('"');
        match (word, &mut set) {
            ("}", Some(elements)) => {
                last.push(elements.trim_end_matches(',').to_owned());
                set = None;
            }
            (element, Some(elements)) => elements.push_str(element),
            ("{", None) if matches!(last.first().map(String::as_str), Some("table" | "chain")) => {
                statements.push(vec![])
            }
            ("{", None) if last.len() == 3 && last[..2] == ["ct", "helper"] => statements.push(vec![]),
            ("{", None) => set = Some(String::new()),
            (";" | "}", None) => statements.push(vec![]),
            (word, None) => match last.last_mut() {
                Some(list) if list.ends_with(',') => list.push_str(word),
                _ => last.push(word.to_owned()),
            },
        }
    }
    statements.retain(|statement| !statement.is_empty());
    statements
}

fn families_of(word: &str) -> Result<Vec<Family>, Unknown> {
    match word {
        "ip" => Ok(vec![Family::Ipv4]),
        "ip6" => Ok(vec![Family::Ipv6]),
        "inet" => Ok(Family::ALL.to_vec()),
        other => Err(other.to_owned()),
    }
}

fn protocol_of(word: &str) -> Result<Protocol, Unknown> {
    word.parse().map(Protocol).ok().or_else(|| Protocol::named(word)).ok_or_else(|| word.to_owned())
}

fn hook_of(chain: &str) -> Result<Hook, Unknown> {
    Hook::ALL.into_iter().find(|hook| hook.name().eq_ignore_ascii_case(chain)).ok_or_else(|| chain.to_owned())
}

fn states_of(words: &str) -> Result<Vec<CtState>, Unknown> {
    let state = |word: &str| {
        let known = CtState::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(word));
        known.ok_or_else(|| word.to_owned())
    };
    words.split(',').map(state).collect()
}

fn refusal(kind: &str) -> Result<Refusal, Unknown> {
    let kind = kind.trim_start_matches("icmp-").trim_start_matches("icmp6-");
    Ok(match kind {
        "tcp-reset" => Refusal::TcpReset,
        "port-unreachable" => Refusal::PortUnreachable,
        "host-unreachable" | "addr-unreachable" => Refusal::HostUnreachable,
        "net-unreachable" | "no-route" => Refusal::NetUnreachable,
        "prot-unreachable" => Refusal::ProtocolUnreachable,
        "net-prohibited" => Refusal::NetProhibited,
        "host-prohibited" => Refusal::HostProhibited,
        "admin-prohibited" => Refusal::AdminProhibited,
        other => return Err(other.to_owned()),
    })
}

impl Test {
    fn holds(&self, view: &View<'_>) -> bool {
        let packet = view.packet;
        match self {
            Self::State(states) => states.contains(&view.state),
            Self::Arrived(name) => view.iif == Some(name),
            Self::Protocol(protocol) => packet.protocol() == *protocol,
            Self::Port(protocol, port) => {
                packet.protocol() == *protocol && packet.ports().is_some_and(|(_, destination)| destination == *port)
            }
            Self::Icmp(family, kinds) => {
                packet.family() == *family && packet.icmp().is_some_and(|(kind, _)| kinds.contains(&kind))
            }
            // The networks of the cases are /24s.
            Self::Broadcast => packet.destination() & 0xff == 0xff,
            Self::Family(family) => packet.family() == *family,
        }
    }
}

impl Ruling for Rules {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let family = view.packet.family();
        let chains = self.chains.iter().filter(|chain| chain.hook == view.hook && chain.families.contains(&family));
        for chain in chains {
            let rule = chain.rules.iter().find(|(tests, _)| tests.iter().all(|test| test.holds(view)));
            let action = rule.map_or(chain.policy, |(_, action)| *action);
            if action != Action::Accept {
                return Decision { action, origin: None };
            }
        }
        Decision { action: Action::Accept, origin: None }
    }

    fn helper(&mut self, view: &View<'_>) -> Option<Helper> {
        let (family, protocol) = (view.packet.family(), view.packet.protocol());
        let chains = self.chains.iter().filter(|chain| chain.hook == view.hook && chain.families.contains(&family));
        let mut assigns = chains.flat_map(|chain| &chain.assigns);
        let (_, object) = assigns.find(|(tests, object)| {
            object.protocol == protocol
                && object.family.is_none_or(|only| only == family)
                && tests.iter().all(|test| test.holds(view))
        })?;
        Some(object.helper)
    }
}
