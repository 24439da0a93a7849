// SPDX-License-Identifier: GPL-3.0-or-later
//! The lines that describe the Host.

use std::net::IpAddr;

use ipnet::IpNet;

use super::words::{Problem, Words, once};
use crate::host::legal::{self, Illegal};
use crate::host::{Host, Interface, Route, Sysctls};
use crate::traffic::entry::LOOPBACK;

/// The words that a line about the host starts with.
pub const OPENERS: [&str; 4] = ["host", "route", "forwarding", "sysctl"];

/// The settings that a script and a host file can say, by the names of their files under `/proc/sys/net/netfilter`.
pub const SYSCTLS: [(&str, Setting); 4] = [
    ("nf_conntrack_tcp_loose", |sysctls| &mut sysctls.tcp_loose),
    ("nf_conntrack_tcp_be_liberal", |sysctls| &mut sysctls.tcp_be_liberal),
    ("nf_conntrack_tcp_ignore_invalid_rst", |sysctls| &mut sysctls.tcp_ignore_invalid_rst),
    ("nf_conntrack_checksum", |sysctls| &mut sysctls.checksum),
];

pub type Setting = fn(&mut Sysctls) -> &mut bool;

/// The host as far as it is described.
#[derive(Default)]
pub struct Description {
    pub host: Option<Host>,
    /// Whether it has the routes that a script says, instead of those that it has unsaid.
    routes_said: bool,
}

impl Description {
    /// Reads what follows one of the openers.
    pub fn read(&mut self, opener: &str, words: &mut Words<'_>) -> Result<(), Problem> {
        if opener == "host" {
            return self.interface(words);
        }
        let host = self.host.as_mut().ok_or_else(|| {
            Problem::new(format!("`{opener}` needs a host"))
                .help("describe the host first, as in `host 10.0.0.1/24 on eth0`")
        })?;
        match opener {
            "route" => {
                if !self.routes_said {
                    host.routes.clear();
                    self.routes_said = true;
                }
                read_route(host, words)
            }
            "forwarding" => {
                host.forwarding = on_or_off(words)?;
                Ok(())
            }
            _ => read_sysctl(&mut host.sysctls, words),
        }
    }

    /// `10.0.0.1/24, fd00::1/64 on eth0 mtu 1400 groups 224.0.0.251`
    fn interface(&mut self, words: &mut Words<'_>) -> Result<(), Problem> {
        let bare = words.peek() == Some("on");
        let addresses = if bare { Vec::new() } else { networks(words)? };
        let (mut name, mut mtu, mut groups) = (None, None, None);
        while let Some(word) = words.peek() {
            words.next();
            match word {
                "on" => once(&mut name, word, words.expect("the name of an interface")?)?,
                "mtu" => once(&mut mtu, word, words.number(word)?)?,
                "groups" => once(&mut groups, word, read_groups(words)?)?,
                _ => {
                    let problem =
                        Problem::new(format!("`host` has no word `{word}`")).help("words are on, mtu, groups");
                    return Err(problem.instead_of(word, ["on", "mtu", "groups"]));
                }
            }
        }
        let plain = Host::with_addresses(&addresses);
        let Some(unnamed) = plain.interfaces.first() else { return Ok(()) };
        let interface = Interface {
            name: name.unwrap_or(&unnamed.name).to_owned(),
            addresses,
            groups: groups.unwrap_or_default(),
            mtu: mtu.unwrap_or(unnamed.mtu),
        };
        legal::interface_name(&interface.name).map_err(impossible)?;
        legal::interface(&interface).map_err(impossible)?;
        self.add(interface, plain)
    }

    /// Adds an interface. The first decides where packets go that no route is said for.
    fn add(&mut self, interface: Interface, plain: Host) -> Result<(), Problem> {
        let known = self.host.as_ref().is_some_and(|host| host.interface(&interface.name).is_some());
        if known || interface.name == LOOPBACK {
            let problem = Problem::new(format!("the host has an interface `{}` already", interface.name));
            return Err(problem.help("name each interface with `on`, and give all its addresses in one line"));
        }
        let host = self.host.get_or_insert_with(|| Host {
            interfaces: Vec::new(),
            routes: default_routes(&plain, &interface.name),
            ..plain
        });
        host.interfaces.push(interface);
        Ok(())
    }
}

/// The routes of a plain host, out of another interface.
pub fn default_routes(plain: &Host, interface: &str) -> Vec<Route> {
    plain.routes.iter().map(|route| Route { interface: interface.to_owned(), ..route.clone() }).collect()
}

fn networks(words: &mut Words<'_>) -> Result<Vec<IpNet>, Problem> {
    let own = |word| {
        let own = network(word)?;
        legal::own_address(own).map_err(impossible)?;
        Ok(own)
    };
    words.list("an address")?.into_iter().map(own).collect()
}

fn impossible(Illegal { message, help }: Illegal) -> Problem {
    Problem::new(message).help(help)
}

fn network(word: &str) -> Result<IpNet, Problem> {
    word.parse().map_err(|_| {
        Problem::new(format!("`{word}` is not an address with a prefix length")).help("as in 10.0.0.1/24 or fd00::1/64")
    })
}

fn address(word: &str) -> Result<IpAddr, Problem> {
    word.parse().map_err(|_| Problem::new(format!("`{word}` is not an address")))
}

fn read_groups(words: &mut Words<'_>) -> Result<Vec<IpAddr>, Problem> {
    let group = |word| {
        let group = address(word)?;
        legal::group(group).map_err(impossible)?;
        Ok(group)
    };
    words.list("a multicast group")?.into_iter().map(group).collect()
}

/// `0.0.0.0/0 on eth0 via 10.0.0.254`, or `none`
fn read_route(host: &mut Host, words: &mut Words<'_>) -> Result<(), Problem> {
    if words.eat("none") {
        return Ok(());
    }
    let to = network(words.expect("a network")?)?;
    if !words.eat("on") {
        return Err(Problem::new("`on` and an interface are expected behind the network"));
    }
    let interface = words.expect("the name of an interface")?;
    if host.interface(interface).is_none() {
        let names = host.interfaces.iter().map(|interface| interface.name.as_str());
        return Err(Problem::new(format!("the host has no interface `{interface}`")).instead_of(interface, names));
    }
    let via = if words.eat("via") { Some(address(words.expect("the address of a router")?)?) } else { None };
    host.routes.push(Route { to, interface: interface.to_owned(), via });
    Ok(())
}

fn on_or_off(words: &mut Words<'_>) -> Result<bool, Problem> {
    match words.expect("`on` or `off`")? {
        "on" => Ok(true),
        "off" => Ok(false),
        word => Err(Problem::new(format!("`on` or `off` is expected, not `{word}`"))),
    }
}

fn read_sysctl(sysctls: &mut Sysctls, words: &mut Words<'_>) -> Result<(), Problem> {
    let word = words.expect("the name of a setting")?;
    let known = SYSCTLS.iter().find(|(name, _)| *name == word);
    let (_, setting) = known.ok_or_else(|| {
        let names = SYSCTLS.map(|(name, _)| name).join(", ");
        let problem = Problem::new(format!("`{word}` is not a setting that matters here"));
        problem.help(format!("settings are {names}")).instead_of(word, SYSCTLS.map(|(name, _)| name))
    })?;
    *setting(sysctls) = on_or_off(words)?;
    Ok(())
}

/// The lines that describe a host, without those that say what goes without saying.
pub fn write(host: &Host) -> Vec<String> {
    let Some(first) = host.interfaces.first() else { return Vec::new() };
    let plain = Host::with_addresses(&[]);
    let mut lines: Vec<_> = host.interfaces.iter().map(write_interface).collect();
    if host.routes.is_empty() {
        lines.push("route none".to_owned());
    } else if host.routes != default_routes(&plain, &first.name) {
        lines.extend(host.routes.iter().map(write_route));
    }
    if host.forwarding != plain.forwarding {
        lines.push(format!("forwarding {}", write_on_or_off(host.forwarding)));
    }
    let (mut said, mut unsaid) = (host.sysctls.clone(), plain.sysctls);
    for (name, setting) in SYSCTLS {
        let on = *setting(&mut said);
        if on != *setting(&mut unsaid) {
            lines.push(format!("sysctl {name} {}", write_on_or_off(on)));
        }
    }
    lines
}

const fn write_on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn write_interface(interface: &Interface) -> String {
    let plain = Host::with_addresses(&[]);
    let mut line = "host".to_owned();
    if !interface.addresses.is_empty() {
        line += &format!(" {}", join(&interface.addresses));
    }
    line += &format!(" on {}", interface.name);
    if plain.interfaces.iter().any(|unsaid| unsaid.mtu != interface.mtu) {
        line += &format!(" mtu {}", interface.mtu);
    }
    if !interface.groups.is_empty() {
        line += &format!(" groups {}", join(&interface.groups));
    }
    line
}

fn write_route(route: &Route) -> String {
    let via = route.via.map_or_else(String::new, |via| format!(" via {via}"));
    format!("route {} on {}{via}", route.to, route.interface)
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
