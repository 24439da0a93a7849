// SPDX-License-Identifier: GPL-3.0-or-later
//! Numbers, ports and names.

use super::Place;
use super::order::{TRAFFIC, slot};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::parser::Rule;
use crate::words::{RESERVED, TRANSPORTS};

/// `allow inbound 22/tcp`, `tcp 80:90`, `tcp 80 - 90`
pub(super) fn range_of_another_language(place: &Place<'_>) -> Option<Diagnostic> {
    let word = place.word(0);
    if let Some((port, protocol)) = word.split_once('/').filter(|(_, protocol)| TRANSPORTS.contains(protocol)) {
        let message = format!("`{word}` is the way ufw writes a port");
        return Some(place.finding(Code::ForeignWord, message).help(format!("write `{protocol} {port}`")));
    }
    if is_ports(word, ':') && word.contains(':') && place.expects(&[Rule::ports, Rule::port_range, Rule::number]) {
        let message = format!("`{word}` is the way iptables writes a range");
        return Some(place.finding(Code::ForeignWord, message).help(format!("write `{}`", word.replace(':', "-"))));
    }
    (word == "-").then(|| {
        place.syntax("a range has no blanks around its `-`").help(format!(
            "write `{}-{}`",
            place.word(-1),
            place.word(1)
        ))
    })
}

/// `tcp 80-`, `tcp -80`
pub(super) fn half_range(place: &Place<'_>) -> Option<Diagnostic> {
    let (word, finding): (_, fn(&Place<'_>, String) -> Diagnostic) = match place.word(0) {
        "" => (place.word(-1), |place, message| place.syntax_before(message)),
        word => (word, |place, message| place.syntax(message)),
    };
    let number = |text: &&str| !text.is_empty() && text.chars().all(|char| char.is_ascii_digit());
    let both = match (word.strip_suffix('-').filter(number), word.strip_prefix('-').filter(number)) {
        (Some(first), _) => format!("{first}-65535"),
        (_, Some(last)) => format!("1-{last}"),
        _ => return None,
    };
    Some(finding(place, format!("the range `{word}` has one end only")).help(format!("write both: `{both}`")))
}

/// `allow inbound 22`, `allow inbound ssh, 80`
pub(super) fn number_without_protocol(place: &Place<'_>) -> Option<Diagnostic> {
    let word = place.word(0);
    let behind_protocol = TRANSPORTS.contains(&place.word(-1)) || is_ports(place.word(-1), '-');
    let stands_alone = place.word(-1) == "," || place.expects(&[Rule::traffic_item, Rule::kw_hop]);
    if !is_ports(word, '-') || behind_protocol || !stands_alone {
        return None;
    }
    let finding = place.syntax(format!("the number `{word}` has no protocol before it"));
    let protocol = place.sentence_so_far().into_iter().rfind(|word| slot(word).is_some_and(|slot| slot.0 == TRAFFIC));
    Some(match protocol {
        Some(icmp @ ("icmp" | "icmpv6")) => {
            finding.help(format!("each type stands behind its protocol: write `{icmp} {word}`"))
        }
        _ => finding.help(format!(
            "a number belongs to the protocol before it, and a service is none: write `tcp {word}` or `udp {word}`"
        )),
    })
}

/// Whether the word is a number, or a range written with that mark.
fn is_ports(word: &str, mark: char) -> bool {
    word.starts_with(|char: char| char.is_ascii_digit())
        && word.chars().all(|char| char.is_ascii_digit() || char == mark)
}

/// `allow inbound tcp port 22`
pub(super) fn stray_port(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(0) == "port").then(|| {
        place
            .syntax("`port` stands only in `from port`")
            .help("the port that a packet goes to stands right behind its protocol: `tcp 22`")
    })
}

/// `allow inbound hop limit 255`
pub(super) fn stray_hop_limit(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(0) == "hop").then(|| {
        place
            .syntax("`hop limit` stands behind an item of traffic")
            .help("write the traffic before it, such as `icmpv6 hop limit 255`")
    })
}

/// `allow inbound any`
pub(super) fn any_traffic(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(0) == "any" && place.expects(&[Rule::traffic_item])).then(|| {
        place
            .syntax("`any` stands for addresses, not for traffic")
            .help("leave it out: a sentence that names no traffic speaks of all")
    })
}

/// `tcp ssh`
pub(super) fn name_as_port(place: &Place<'_>) -> Option<Diagnostic> {
    let (protocol, word) = (place.word(-1), place.word(0));
    let is_name = word.starts_with(|char: char| char.is_ascii_alphabetic()) && !RESERVED.contains(&word);
    (TRANSPORTS.contains(&protocol) && is_name).then(|| {
        place
            .syntax(format!("a port is a number, not `{word}`"))
            .help(format!("a service stands alone: write `{word}`, or `{protocol}` and the number of its port"))
    })
}

/// `from example.com`
pub(super) fn host_name(place: &Place<'_>) -> Option<Diagnostic> {
    let word = place.word(0);
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
    let (_, last) = word.rsplit_once('.')?;
    let is_host = word.split('.').all(is_label) && last.starts_with(|char: char| char.is_ascii_alphabetic());
    is_host.then(|| {
        place
            .syntax(format!("`{word}` is neither an address nor the name of a network"))
            .help("a policy asks no resolver: write the addresses of the host, or give them a name with `network`")
    })
}

/// `from lan*`, `service web/tcp = ...`, `network 10lan = ...`
pub(super) fn odd_name(place: &Place<'_>) -> Option<Diagnostic> {
    let word = place.word(0);
    let first = word.chars().next()?;
    let odd = word.chars().find(|char| !char.is_ascii_alphanumeric() && !"-_".contains(*char));
    let is_meant_as_name =
        (first.is_alphabetic() && odd.is_some()) || (first.is_ascii_digit() && place.expects(&[Rule::name]));
    is_meant_as_name.then(|| {
        let finding = place.syntax(format!("`{word}` is not a name"));
        match odd {
            Some('*') => finding.help("a pattern stands for interfaces: write it behind `on`"),
            Some(':') if word.ends_with(':') => finding.help("write ` =` for the `:`"),
            _ => finding.help("a name starts with a letter and holds letters, digits, `-` and `_`, all ASCII"),
        }
    })
}

/// `tcp flags syn`
pub(super) fn flags_without_mask(place: &Place<'_>) -> Option<Diagnostic> {
    place.expects(&[Rule::slash]).then(|| {
        place
            .syntax_before("the flags lack the mask behind `/`")
            .help("write `flags SET / LOOKED-AT`, such as `flags syn / syn,ack,fin,rst`: of these, `syn` alone is set")
    })
}

/// `network drop = 10.0.0.0/8`
pub(super) fn reserved_name(place: &Place<'_>) -> Option<Diagnostic> {
    let word = place.word(0);
    let what = match place.word(-1) {
        "network" => "a network",
        "service" => "a service",
        "baseline" => "a baseline",
        "[" => "a label",
        _ => return None,
    };
    RESERVED.contains(&word).then(|| {
        place
            .syntax(format!("`{word}` is a word of the language and cannot name {what}"))
            .help(format!("choose another name, such as `my-{word}`"))
    })
}
