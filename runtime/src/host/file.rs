// SPDX-License-Identifier: GPL-3.0-or-later
//! The Host as a file: TOML, with every mistake of it at once. `docs/host.md` is the reference.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::legal::{self, Illegal};
use super::{Host, Interface, Route, Sysctls};
use crate::traffic::script::{SYSCTLS, default_routes};

/// What is wrong with a host file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct HostError {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// How it could be right.
    pub help: Option<String>,
    /// A word that is none of those that may stand there.
    pub unknown: Option<UnknownWord>,
}

/// A word that is not known where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// Those that are known there.
    pub known: Vec<String>,
}

/// Reads a host file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read_host(text: &str) -> Result<Host, Vec<HostError>> {
    let (table, broken) = DeTable::parse_recoverable(text);
    let mut reader = Reader { errors: Vec::new() };
    for error in broken {
        let span = error.span().unwrap_or(0..0);
        reader.tell(span, error.message().replace('\n', ", "), None);
    }
    let host = reader.host(&table);
    reader.errors.sort_by_key(|error| (error.span.start, error.span.end));
    if reader.errors.is_empty() { Ok(host) } else { Err(reader.errors) }
}

type Value<'i> = Spanned<DeValue<'i>>;

struct Reader {
    errors: Vec<HostError>,
}

/// The words of an interface, a route and the whole.
const OF_HOST: [&str; 4] = ["forwarding", "interface", "route", "sysctl"];
const OF_INTERFACE: [&str; 4] = ["addresses", "groups", "mtu", "name"];
const OF_ROUTE: [&str; 3] = ["interface", "to", "via"];

impl Reader {
    fn tell(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<&str>) {
        let help = help.map(str::to_owned);
        self.errors.push(HostError { span, message: message.into(), help, unknown: None });
    }

    fn host(&mut self, table: &Spanned<DeTable<'_>>) -> Host {
        let whole = table.get_ref();
        self.known(whole, "a host", &OF_HOST);
        let plain = Host::with_addresses(&[]);
        let interfaces = self.interfaces(table);
        let names: Vec<&str> = interfaces.iter().map(|interface| interface.name.as_str()).collect();
        let read = whole.get("route").map(|routes| self.routes(routes, &names));
        let unsaid = || names.first().map(|first| default_routes(&plain, first)).unwrap_or_default();
        let routes = read.as_ref().map_or_else(unsaid, |read| read.iter().map(|(route, _)| route.clone()).collect());
        let forwarding = whole.get("forwarding").and_then(|value| self.switch(value)).unwrap_or(plain.forwarding);
        let sysctls = whole.get("sysctl").map(|value| self.sysctls(value)).unwrap_or_default();
        let host = Host { interfaces, routes, forwarding, sysctls };
        for (route, span) in read.unwrap_or_default() {
            self.legal(span, legal::route(&host, &route));
        }
        host
    }

    fn routes(&mut self, list: &Value<'_>, interfaces: &[&str]) -> Vec<(Route, Range<usize>)> {
        let mut found: Vec<(Route, Range<usize>)> = Vec::new();
        for value in self.list(list, "route") {
            let Some(route) = self.route(value, interfaces) else { continue };
            if found.iter().any(|(known, _)| known.to == route.to) {
                let message = format!("there is a route to {} already", route.to);
                self.tell(value.span(), message, Some("the host takes one way to a network"));
                continue;
            }
            found.push((route, value.span()));
        }
        found
    }

    /// Tells what cannot be. Whether it can.
    fn legal(&mut self, span: Range<usize>, checked: Result<(), Illegal>) -> bool {
        match checked {
            Ok(()) => true,
            Err(Illegal { message, help }) => {
                self.tell(span, message, Some(&help));
                false
            }
        }
    }

    fn interfaces(&mut self, table: &Spanned<DeTable<'_>>) -> Vec<Interface> {
        let mut found: Vec<Interface> = Vec::new();
        let Some(list) = table.get_ref().get("interface") else {
            let help = "[[interface]], name = \"eth0\", addresses = [\"192.168.1.20/24\"], a line each";
            self.tell(0..0, "a host has at least one interface", Some(help));
            return found;
        };
        for value in self.list(list, "interface") {
            let Some(interface) = self.interface(value) else { continue };
            if found.iter().any(|known| known.name == interface.name) {
                let name = &interface.name;
                let help = Some("give all addresses of an interface in one list");
                self.tell(value.span(), format!("there is an interface `{name}` already"), help);
                continue;
            }
            found.push(interface);
        }
        found
    }

    fn interface(&mut self, value: &Value<'_>) -> Option<Interface> {
        const MTU: u32 = 1500;
        let table = self.table(value, "an interface", &OF_INTERFACE)?;
        let name = self.required(value, table, "name").and_then(|name| self.name(name));
        let addresses = table.get("addresses").map(|list| self.parsed(list, ADDRESS, legal::own_address));
        let groups = table.get("groups").map(|list| self.parsed(list, GROUP, legal::group));
        let mtu = table.get("mtu").map_or(Some(MTU), |value| self.mtu(value));
        let (addresses, groups) = (addresses.unwrap_or_default(), groups.unwrap_or_default());
        let interface = Interface { name: name?, addresses, groups, mtu: mtu? };
        self.legal(value.span(), legal::interface(&interface));
        Some(interface)
    }

    fn route(&mut self, value: &Value<'_>, interfaces: &[&str]) -> Option<Route> {
        let table = self.table(value, "a route", &OF_ROUTE)?;
        let to: Option<IpNet> = self.required(value, table, "to").and_then(|to| self.parse(to, NETWORK));
        let via: Option<Option<IpAddr>> = table.get("via").map(|via| self.parse(via, ROUTER));
        let name = self.required(value, table, "interface").and_then(|name| self.known_interface(name, interfaces));
        let (to, via) = (to?, via.map_or(Some(None), |via| via.map(Some))?);
        if via.is_some_and(|via| via.is_ipv4() != to.addr().is_ipv4()) {
            self.tell(value.span(), "`to` and `via` are of different families", None);
            return None;
        }
        Some(Route { to, interface: name?, via })
    }

    fn known_interface(&mut self, value: &Value<'_>, interfaces: &[&str]) -> Option<String> {
        let name = self.text(value)?;
        if interfaces.contains(&name) {
            return Some(name.to_owned());
        }
        let unknown =
            UnknownWord { word: name.to_owned(), known: interfaces.iter().map(ToString::to_string).collect() };
        let message = format!("the host has no interface `{name}`");
        self.errors.push(HostError { span: value.span(), message, help: None, unknown: Some(unknown) });
        None
    }

    fn sysctls(&mut self, value: &Value<'_>) -> Sysctls {
        let mut sysctls = Sysctls::default();
        let known = SYSCTLS.map(|(name, _)| name);
        let Some(table) = self.table(value, "`sysctl`", &known) else { return sysctls };
        for (name, setting) in SYSCTLS {
            if let Some(on) = table.get(name).and_then(|value| self.switch(value)) {
                *setting(&mut sysctls) = on;
            }
        }
        sysctls
    }

    /// Tells the keys of a table that mean nothing there.
    fn known(&mut self, table: &DeTable<'_>, what: &str, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let word = key.get_ref().to_string();
            let message = format!("{what} has no key `{word}`");
            let unknown = UnknownWord { word, known: known.iter().map(ToString::to_string).collect() };
            self.errors.push(HostError { span: key.span(), message, help: None, unknown: Some(unknown) });
        }
    }

    fn table<'v, 'i>(&mut self, value: &'v Value<'i>, what: &str, known: &[&str]) -> Option<&'v DeTable<'i>> {
        let Some(table) = value.get_ref().as_table() else {
            self.other(value, "a table");
            return None;
        };
        self.known(table, what, known);
        Some(table)
    }

    fn required<'v, 'i>(&mut self, of: &Value<'_>, table: &'v DeTable<'i>, key: &str) -> Option<&'v Value<'i>> {
        let found = table.get(key);
        if found.is_none() {
            self.tell(of.span(), format!("there is no `{key}`"), None);
        }
        found
    }

    /// The items of a list of tables.
    fn list<'v, 'i>(&mut self, value: &'v Value<'i>, key: &str) -> impl Iterator<Item = &'v Value<'i>> + use<'v, 'i> {
        let list = value.get_ref().as_array();
        if list.is_none() {
            let help = format!("each is a table of its own, under [[{key}]]");
            self.tell(value.span(), format!("`{key}` is a list of tables"), Some(&help));
        }
        list.into_iter().flat_map(|list| list.iter())
    }

    fn text<'v>(&mut self, value: &'v Value<'_>) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.other(value, "a text in quotes");
        }
        text
    }

    fn switch(&mut self, value: &Value<'_>) -> Option<bool> {
        let on = value.get_ref().as_bool();
        if on.is_none() {
            self.other(value, "true or false");
        }
        on
    }

    fn mtu(&mut self, value: &Value<'_>) -> Option<u32> {
        /// What every link carries (RFC 791), and the longest packet of IPv4, which no tun device exceeds.
        const POSSIBLE: RangeInclusive<u32> = 68..=65_535;
        let number = value.get_ref().as_integer();
        let read = number.and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        let mtu = read.filter(|mtu| POSSIBLE.contains(mtu));
        if mtu.is_none() {
            self.other(value, "a number of bytes from 68 to 65535");
        }
        mtu
    }

    fn name(&mut self, value: &Value<'_>) -> Option<String> {
        let name = self.text(value)?;
        if !self.legal(value.span(), legal::interface_name(name)) {
            return None;
        }
        if name == "lo" {
            self.tell(value.span(), "every host has `lo`", Some("leave it out"));
            return None;
        }
        Some(name.to_owned())
    }

    /// The items of a list that can be read and can be.
    fn parsed<T: FromStr + Copy>(
        &mut self,
        list: &Value<'_>,
        what: What,
        legal: fn(T) -> Result<(), Illegal>,
    ) -> Vec<T> {
        let Some(items) = list.get_ref().as_array() else {
            self.other(list, "a list in brackets");
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in items {
            let Some(parsed) = self.parse(item, what) else { continue };
            if self.legal(item.span(), legal(parsed)) {
                found.push(parsed);
            }
        }
        found
    }

    fn parse<T: FromStr>(&mut self, value: &Value<'_>, (what, example): What) -> Option<T> {
        let text = self.text(value)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.tell(value.span(), format!("`{text}` is not {what}"), Some(&format!("as in {example}")));
        }
        parsed
    }

    fn other(&mut self, value: &Value<'_>, expected: impl Display) {
        let found = value.get_ref().type_str();
        self.tell(value.span(), format!("this is {}, but {expected} is expected", with_article(found)), None);
    }
}

/// What a text has to be, and an example.
type What = (&'static str, &'static str);

const ADDRESS: What = ("an address with the prefix length of its network", "\"10.0.0.1/24\" or \"fd00::1/64\"");
const GROUP: What = ("an address", "\"224.0.0.251\"");
const NETWORK: What = ("a network", "\"10.8.0.0/16\", or \"0.0.0.0/0\" for everything");
const ROUTER: What = ("the address of a router", "\"10.0.0.254\"");

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let told = |error: HostError| format!("{}: {}", &text[error.span], error.message);
        read_host(text).unwrap_err().into_iter().map(told).collect()
    }

    #[test]
    fn all_that_a_host_can_say() {
        let text = r#"
            forwarding = false
            [[interface]]
            name = "eth0"
            addresses = ["10.0.0.1/24", "fd00::1/64"]
            mtu = 0x5dc
            [[interface]]
            name = "tun0"
            addresses = ["10.8.0.2/24"]
            groups = ["224.0.0.251"]
            mtu = 1400
            [[route]]
            to = "10.8.0.0/16"
            interface = "tun0"
            via = "10.8.0.1"
            [sysctl]
            nf_conntrack_tcp_loose = false
        "#;
        let host = read_host(text).unwrap();
        let names: Vec<_> =
            host.interfaces.iter().map(|one| (one.name.as_str(), one.mtu, one.addresses.len())).collect();
        assert_eq!(names, [("eth0", 1500, 2), ("tun0", 1400, 1)]);
        assert_eq!(host.interfaces[1].groups, ["224.0.0.251".parse::<IpAddr>().unwrap()]);
        let route = Route {
            to: "10.8.0.0/16".parse().unwrap(),
            interface: "tun0".to_owned(),
            via: Some("10.8.0.1".parse().unwrap()),
        };
        assert_eq!((host.forwarding, host.routes), (false, vec![route]));
        assert_eq!(host.sysctls, Sysctls { tcp_loose: false, ..Sysctls::default() });
    }

    #[test]
    fn what_is_not_said_is_as_in_a_script() {
        let plain = Host::with_addresses(&["10.0.0.1/24".parse().unwrap()]);
        let text = "[[interface]]\nname = \"eth0\"\naddresses = [\"10.0.0.1/24\"]\n";
        assert_eq!(read_host(text).unwrap(), plain);
        assert_eq!(read_host(&format!("route = []\n{text}")).unwrap(), Host { routes: Vec::new(), ..plain });
    }

    #[test]
    fn every_mistake_is_told_in_order() {
        let text = r#"
forwardin = true
forwarding = "yes"
[[interface]]
name = "eth0"
addresses = ["10.0.0.1", "10.0.0.1/24", 7]
mtu = 3
[[interface]]
name = "a name with blanks"
[[interface]]
mtu = 1500
[[route]]
to = "everything"
interface = "eth1"
via = "fd00::1"
[sysctl]
tcp_loose = true
"#;
        let told = problems(text);
        let has = |part: &str| assert!(told.iter().any(|one| one.contains(part)), "{part} is not in {told:#?}");
        has("forwardin: a host has no key `forwardin`");
        has("\"yes\": this is a string, but true or false is expected");
        has("\"10.0.0.1\": `10.0.0.1` is not an address with the prefix length of its network");
        has("7: this is an integer, but a text in quotes is expected");
        has("3: this is an integer, but a number of bytes from 68 to 65535 is expected");
        has("`a name with blanks` is not the name of an interface");
        has("there is no `name`");
        has("\"everything\": `everything` is not a network");
        has("\"eth1\": the host has no interface `eth1`");
        has("tcp_loose: `sysctl` has no key `tcp_loose`");
        assert_eq!(told.len(), 10);
    }

    #[test]
    fn what_cannot_be_is_told_with_its_place() {
        let text = r#"
[[interface]]
name = "eth0"
addresses = ["10.0.0.0/24", "10.0.0.255/24", "224.0.0.1/24", "0.0.0.0/0", "10.0.0.1/24"]
groups = ["10.0.0.9"]
[[interface]]
name = "eth1"
addresses = ["10.1.0.1/24", "10.1.0.1/16"]
[[interface]]
name = "all"
[[interface]]
name = "eth2"
addresses = ["fd00::1/64"]
mtu = 1000
[[route]]
to = "10.8.0.0/16"
interface = "eth0"
via = "10.9.0.1"
[[route]]
to = "0.0.0.0/0"
interface = "eth0"
via = "10.0.0.254"
[[route]]
to = "0.0.0.0/0"
interface = "eth1"
"#;
        let told = problems(text);
        let has = |part: &str| assert!(told.iter().any(|one| one.contains(part)), "{part} is not in {told:#?}");
        has("\"10.0.0.0/24\": 10.0.0.0 is the address of the network 10.0.0.0/24 itself");
        has("\"10.0.0.255/24\": 10.0.0.255 is the broadcast address");
        has("\"224.0.0.1/24\": 224.0.0.1 is a multicast group");
        has("\"0.0.0.0/0\": 0.0.0.0 is no address at all");
        has("\"10.0.0.9\": 10.0.0.9 is not a multicast group");
        has("`eth1` has the address 10.1.0.1 twice");
        has("\"all\": no interface can be called `all`");
        has("`eth2` cannot have fd00::1/64");
        has("the router 10.9.0.1 cannot be reached");
        has("there is a route to 0.0.0.0/0 already");
        assert_eq!(told.len(), 10);
    }

    #[test]
    fn a_file_that_is_no_toml_tells_all_that_is_broken() {
        let errors = read_host("forwarding = \n[[interface]\nname = \"eth0\"\n").unwrap_err();
        assert!(errors.len() >= 2, "{errors:?}");
        assert!(errors.is_sorted_by_key(|error| error.span.start));
    }

    #[test]
    fn interfaces_are_told_apart() {
        let one = "[[interface]]\nname = \"eth0\"\n";
        assert!(problems(&format!("{one}{one}")).concat().contains("there is an interface `eth0` already"));
        assert!(problems("[[interface]]\nname = \"lo\"\n").concat().contains("every host has `lo`"));
        assert_eq!(problems(""), [": a host has at least one interface"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\[\\[?(interface|route|sysctl)\\]?\\]|name|mtu|to|=|\"[a-z0-9/.:]{0,9}\"|[0-9]{0,3}|\\[|\\]|\n| ){0,30}") {
            let _ = read_host(&text);
        }
    }
}
