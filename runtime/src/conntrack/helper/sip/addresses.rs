// SPDX-License-Identifier: GPL-3.0-or-later
//! The addresses of a message that a translation writes anew, besides those that something is expected at (`nf_nat_sip` in
//! `nf_nat_sip.c`).

use ringwall_ir::words::Protocol;

use super::Message;
use super::header::{self, CONTACT, Endpoints, FROM, TO, VIA_TCP, VIA_UDP};
use crate::conntrack::helper::text::starts_with;
use crate::conntrack::helper::{Aid, Form};

/// Notes the address of the first line of a request (`ct_sip_parse_request`).
pub fn of_request(aid: &mut Aid<'_>, message: &Message<'_>) {
    const SCHEME: &[u8] = b"sip:";
    let text = message.text;
    let method = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if method == 0 {
        return;
    }
    let line = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
    let scheme = (method + 1..line).find(|&at| text.get(at..).is_some_and(|rest| starts_with(rest, SCHEME)));
    let start = scheme.map(|at| at + SCHEME.len());
    if let Some(place) = start.and_then(|start| header::endpoint_at(text, start, message.family)) {
        aid.found(Form::SipAddress, message.place(place));
    }
}

/// Notes those of the headers: the topmost Via with its parameters, all contacts, the sender and the receiver.
pub fn of_headers(aid: &mut Aid<'_>, message: &Message<'_>) {
    let (text, family) = (message.text, message.family);
    let via = if aid.original.protocol == Protocol::TCP { VIA_TCP } else { VIA_UDP };
    if let Some(via) = Endpoints::new(text, via, family).next() {
        aid.found(Form::SipVia, message.place(via.place.clone()));
        for (form, name) in [(Form::SipViaReplyTo, &b"maddr="[..]), (Form::SipViaReceived, b"received=")] {
            if let Some(place) = header::address_parameter(text, via.place.end, name, family) {
                aid.found(form, message.place(place));
            }
        }
        if let Some(place) = header::port_parameter(text, via.place.end, b"rport=") {
            aid.found(Form::SipViaPort, message.place(place));
        }
    }
    for contact in Endpoints::new(text, CONTACT, family) {
        aid.found(Form::SipAddress, message.place(contact.place));
    }
    for one in [FROM, TO] {
        if let Some(endpoint) = Endpoints::new(text, one, family).next() {
            aid.found(Form::SipAddress, message.place(endpoint.place));
        }
    }
}
