// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules of the grammar in readers' words.

use crate::parser::Rule;

/// How many alternatives a reader takes in; further ones are left out.
const MOST: usize = 6;

/// Where nothing more is needed.
const END: &str = "the end of the sentence";

/// `a direction, traffic or the end of the sentence`
pub(crate) fn list(rules: &[Rule]) -> String {
    let mut phrases: Vec<&str> = Vec::new();
    for phrase in rules.iter().filter_map(|rule| phrase(*rule)) {
        if !phrases.contains(&phrase) {
            phrases.push(phrase);
        }
    }
    // The end comes last for a reader, as it does in a sentence.
    phrases.sort_by_key(|phrase| *phrase == END);
    if phrases.len() > MOST {
        phrases.truncate(MOST - 1);
        phrases.push("another part of the sentence");
    }
    match phrases.split_last() {
        None => "something else".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// What a reader calls it. Rules that never stand for something the author could write have no name.
const fn phrase(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::EOI => END,
        Rule::address | Rule::addresses | Rule::literal | Rule::network_name => "an address or the name of a network",
        Rule::baseline => "`baseline`",
        Rule::because | Rule::kw_because => "`because`",
        Rule::closing_verb => "`drop`, `reject` or `allow`",
        Rule::direction => "a direction (`inbound`, `outbound` or `forwarded`)",
        Rule::equals => "`=`",
        Rule::except | Rule::kw_except => "`except`",
        Rule::expect | Rule::kw_expect => "`expect`",
        Rule::fate => "`allowed`, `dropped` or `rejected`",
        Rule::flag | Rule::flag_mask | Rule::flag_value => "a TCP flag",
        Rule::flags | Rule::kw_flags => "`flags`",
        Rule::from | Rule::kw_from => "`from`",
        Rule::from_ports => "`from port`",
        Rule::hop_limit | Rule::kw_hop => "`hop limit`",
        Rule::icmp | Rule::kw_icmp => "`icmp`",
        Rule::icmp_code | Rule::kw_code => "`code`",
        Rule::icmp_type => "an ICMP type",
        Rule::interface | Rule::interfaces => "an interface",
        Rule::item => "a sentence",
        Rule::label => "a label",
        Rule::label_end => "`]`",
        Rule::log | Rule::kw_log => "`log`",
        Rule::log_as | Rule::kw_as => "`as`",
        Rule::log_group => "`to group`",
        Rule::log_level | Rule::kw_level => "`level`",
        Rule::name => "a name",
        Rule::network | Rule::kw_network => "`network`",
        Rule::number => "a number",
        Rule::on | Rule::kw_on => "`on`",
        Rule::otherwise | Rule::kw_otherwise => "`otherwise`",
        Rule::policy_name => "the policy's name",
        Rule::port_range | Rule::ports => "a port",
        Rule::protocol | Rule::kw_protocol => "`protocol`",
        Rule::protocol_name => "a protocol",
        Rule::sentence | Rule::verb => "a verb (`allow`, `permit`, `drop`, `reject` or `log`)",
        Rule::service | Rule::kw_service => "`service`",
        Rule::service_name => "a service",
        Rule::slash => "`/`",
        Rule::state => "a state (`new`, `established`, `related`, `invalid` or `untracked`)",
        Rule::string => "text in quotes",
        Rule::to | Rule::kw_to => "`to`",
        Rule::traffic_item => "traffic (such as `ssh` or `tcp 22`)",
        Rule::transport | Rule::transport_word => "`tcp`, `udp` or `sctp`",
        Rule::who => "an address, the name of a network or `on`",
        Rule::kw_allow => "`allow`",
        Rule::kw_allowed => "`allowed`",
        Rule::kw_and => "`and`",
        Rule::kw_any => "`any`",
        Rule::kw_baseline => "`baseline`",
        Rule::kw_drop => "`drop`",
        Rule::kw_dropped => "`dropped`",
        Rule::kw_edition => "`edition`",
        Rule::kw_established => "`established`",
        Rule::kw_every => "`every`",
        Rule::kw_forwarded => "`forwarded`",
        Rule::kw_group => "`group`",
        Rule::kw_icmpv6 => "`icmpv6`",
        Rule::kw_inbound => "`inbound`",
        Rule::kw_invalid => "`invalid`",
        Rule::kw_limit => "`limit`",
        Rule::kw_new => "`new`",
        Rule::kw_not => "`not`",
        Rule::kw_outbound => "`outbound`",
        Rule::kw_permit => "`permit`",
        Rule::kw_policy => "`policy`",
        Rule::kw_port => "`port`",
        Rule::kw_reject => "`reject`",
        Rule::kw_rejected => "`rejected`",
        Rule::kw_related => "`related`",
        Rule::kw_sctp => "`sctp`",
        Rule::kw_tcp => "`tcp`",
        Rule::kw_udp => "`udp`",
        Rule::kw_untracked => "`untracked`",
        Rule::kw_with => "`with`",
        // tokens, lists and wrappers that are never what is missing
        Rule::COMMENT
        | Rule::WHITESPACE
        | Rule::broken
        | Rule::broken_end
        | Rule::broken_token
        | Rule::continuation
        | Rule::directions
        | Rule::end_of_item
        | Rule::ends
        | Rule::file
        | Rule::header
        | Rule::line
        | Rule::opener
        | Rule::opening
        | Rule::opening_in_broken
        | Rule::opening_label
        | Rule::piece
        | Rule::piece_of_line
        | Rule::reject
        | Rule::reserved
        | Rule::states
        | Rule::traffic
        | Rule::transports
        | Rule::word_part => return None,
    })
}
