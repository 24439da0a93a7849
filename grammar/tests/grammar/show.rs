// SPDX-License-Identifier: GPL-3.0-or-later
//! How trees and findings are shown in snapshots.

use std::fmt::Write;

use ringwall_grammar::tree::{
    Address, Addresses, Ends, Interfaces, Item, Log, Name, Ports, Traffic, TrafficKind, Tree, Verb, Who,
};
use ringwall_grammar::{Diagnostic, Span, Spanned, parse};

/// Compares with the snapshot of that name under `snapshots/grammar`.
pub fn assert_snapshot(name: &str, shown: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/grammar"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// Each line of a policy, with what is said about it under it.
pub fn findings(text: &str) -> String {
    let (_, findings) = parse(text);
    let mut shown = String::new();
    for (index, line) in text.lines().enumerate() {
        writeln!(shown, "{line}").unwrap();
        for finding in findings.iter().filter(|finding| finding.span.line_column(text).0 == index + 1) {
            show_finding(&mut shown, text, finding);
        }
    }
    shown
}

fn show_finding(shown: &mut String, text: &str, finding: &Diagnostic) {
    let column = finding.span.line_column(text).1;
    let marks = finding.span.of(text).chars().count().max(1);
    let indent = " ".repeat(column - 1);
    writeln!(shown, "{indent}{} {}: {}", "^".repeat(marks), finding.code.name(), finding.message).unwrap();
    if let Some(help) = &finding.help {
        writeln!(shown, "{indent}{} help: {help}", " ".repeat(marks)).unwrap();
    }
}

/// A tree, an item a line: what its parts say, taken from their spans, so that the spans are tested too.
pub fn outline(text: &str) -> String {
    let (tree, findings) = parse(text);
    assert_eq!(findings, []);
    Outline { text }.tree(&tree)
}

struct Outline<'t> {
    text: &'t str,
}

impl Outline<'_> {
    fn tree(&self, tree: &Tree) -> String {
        let mut shown = String::new();
        if let Some(header) = &tree.header {
            writeln!(shown, "header {} edition {}", self.name(&header.name), self.number(header.edition)).unwrap();
        }
        for item in &tree.items {
            writeln!(shown, "{}", self.item(item)).unwrap();
        }
        shown
    }

    fn item(&self, item: &Item) -> String {
        match item {
            Item::Baseline(baseline) => self.parts(
                "baseline",
                baseline.span,
                [self.name(&baseline.name), self.list("except", &baseline.except, |name| self.name(name))],
            ),
            Item::Network(network) => {
                self.parts("network", network.span, [self.name(&network.name), self.addresses(&network.addresses)])
            }
            Item::Service(service) => {
                self.parts("service", service.span, [self.name(&service.name), self.traffic(&service.traffic)])
            }
            Item::Expect(expect) => self.parts(
                "expect",
                expect.span,
                [
                    self.label(expect.label.as_ref()),
                    self.list("states", &expect.states, |state| self.word(state)),
                    self.list("directions", &expect.directions, |direction| self.word(direction)),
                    self.traffic(&expect.traffic),
                    self.ends(&expect.ends),
                    format!("fate({})", self.word(&expect.fate)),
                ],
            ),
            Item::Otherwise(otherwise) => self.parts(
                "otherwise",
                otherwise.span,
                [
                    self.label(otherwise.label.as_ref()),
                    self.verb(&otherwise.verb),
                    self.list("directions", &otherwise.directions, |direction| self.word(direction)),
                    self.log(otherwise.log.as_ref()),
                ],
            ),
            Item::Sentence(sentence) => self.parts(
                "sentence",
                sentence.span,
                [
                    self.label(sentence.label.as_ref()),
                    self.verb(&sentence.verb),
                    self.list("states", &sentence.states, |state| self.word(state)),
                    self.list("directions", &sentence.directions, |direction| self.word(direction)),
                    self.traffic(&sentence.traffic),
                    self.ends(&sentence.ends),
                    self.log(sentence.log.as_ref()),
                    sentence
                        .because
                        .as_ref()
                        .map_or_else(String::new, |reason| format!("because({})", self.quoted(reason))),
                ],
            ),
        }
    }

    /// The kind of an item, its text, and under it its parts.
    fn parts<const N: usize>(&self, kind: &str, span: Span, parts: [String; N]) -> String {
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{kind} |{}|\n    {}", span.of(self.text), parts.join(" "))
    }

    fn list<T>(&self, kind: &str, items: &[T], show: impl Fn(&T) -> String) -> String {
        if items.is_empty() {
            return String::new();
        }
        format!("{kind}({})", items.iter().map(show).collect::<Vec<_>>().join(" + "))
    }

    /// The value and its text must be the same.
    fn name(&self, name: &Name) -> String {
        assert_eq!(name.node, name.span.of(self.text));
        name.node.clone()
    }

    fn number(&self, number: Spanned<u64>) -> String {
        assert_eq!(number.span.of(self.text).parse(), Ok(number.node));
        number.node.to_string()
    }

    fn quoted(&self, text: &Spanned<String>) -> String {
        assert_eq!(format!("\"{}\"", text.node), text.span.of(self.text));
        text.node.clone()
    }

    /// The value's name is its word.
    fn word<T: std::fmt::Debug>(&self, word: &Spanned<T>) -> String {
        assert_eq!(format!("{:?}", word.node).to_lowercase(), word.span.of(self.text));
        format!("{:?}", word.node)
    }

    fn label(&self, label: Option<&Name>) -> String {
        label.map_or_else(String::new, |label| format!("label({})", self.name(label)))
    }

    fn verb(&self, verb: &Spanned<Verb>) -> String {
        let text = verb.span.of(self.text);
        let kind = match &verb.node {
            Verb::Reject(Some(kind)) => format!("Reject({})", self.name(kind)),
            other => format!("{other:?}"),
        };
        format!("{kind}|{text}|")
    }

    fn traffic(&self, traffic: &[Traffic]) -> String {
        self.list("traffic", traffic, |item| {
            let hop_limit = item.hop_limit.map_or_else(String::new, |limit| format!(" hops={}", self.number(limit)));
            format!("{}{hop_limit} |{}|", self.kind(&item.kind), item.span.of(self.text))
        })
    }

    fn kind(&self, kind: &TrafficKind) -> String {
        match kind {
            TrafficKind::Icmp { v6_only, kind, code } => {
                let version = if *v6_only { "icmpv6" } else { "icmp" };
                let kind = kind.as_ref().map_or_else(String::new, |kind| format!(" type={}", self.name(kind)));
                let code = code.map_or_else(String::new, |code| format!(" code={}", self.number(code)));
                format!("{version}{kind}{code}")
            }
            TrafficKind::Service(name) => format!("service={}", self.name(name)),
            TrafficKind::Protocol(name) => format!("protocol={}", self.name(name)),
            TrafficKind::Transport { protocols, ports, from_ports, flags } => {
                let protocols: Vec<String> = protocols.iter().map(|protocol| self.word(protocol)).collect();
                let flags = flags.as_ref().map_or_else(String::new, |flags| {
                    let value = self.list("set", &flags.value, |flag| self.name(flag));
                    format!("{value}{}", self.list("of", &flags.mask, |flag| self.name(flag)))
                });
                let ports = self.list(" ports", ports, |range| self.ports(range));
                format!(
                    "{}{ports}{}{flags}",
                    protocols.join("+"),
                    self.list(" from", from_ports, |range| self.ports(range))
                )
            }
        }
    }

    fn ports(&self, range: &Ports) -> String {
        let last = range.last.map_or_else(String::new, |last| format!("-{}", self.number(last)));
        format!("{}{last}", self.number(range.first))
    }

    fn ends(&self, ends: &Ends) -> String {
        let from = ends.from.as_ref().map(|who| format!("from({})", self.who(who)));
        let to = ends.to.as_ref().map(|who| format!("to({})", self.who(who)));
        let on = ends.on.as_ref().map(|interfaces| self.interfaces(interfaces));
        [on, from, to].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn who(&self, who: &Who) -> String {
        let addresses = who.addresses.as_ref().map(|addresses| self.addresses(addresses));
        let on = who.on.as_ref().map(|interfaces| self.interfaces(interfaces));
        let parts: Vec<String> = addresses.into_iter().chain(on).collect();
        format!("{} |{}|", parts.join(" "), who.span.of(self.text))
    }

    fn addresses(&self, addresses: &Addresses) -> String {
        let not = if addresses.not { "not " } else { "" };
        let items = self.list("", &addresses.items, |address| self.address(address));
        let except = self.list(" except", &addresses.except, |address| self.address(address));
        format!("{not}{items}{except} |{}|", addresses.span.of(self.text))
    }

    fn address(&self, address: &Address) -> String {
        match address {
            Address::Literal(text) => self.name(text),
            Address::Named(name) => format!("${}", self.name(name)),
        }
    }

    fn interfaces(&self, interfaces: &Interfaces) -> String {
        let not = if interfaces.not { "not " } else { "" };
        let patterns = self.list("on", &interfaces.patterns, |pattern| self.name(pattern));
        format!("{not}{patterns} |{}|", interfaces.span.of(self.text))
    }

    fn log(&self, log: Option<&Log>) -> String {
        let Some(log) = log else { return String::new() };
        let mut parts = Vec::new();
        parts.extend(log.every.then(|| "every".to_owned()));
        parts.extend(log.prefix.as_ref().map(|prefix| format!("as {:?}", self.quoted(prefix))));
        parts.extend(log.level.as_ref().map(|level| format!("level {}", self.name(level))));
        parts.extend(log.group.map(|group| format!("group {}", self.number(group))));
        format!("log({} |{}|)", parts.join(" "), log.span.of(self.text))
    }
}
