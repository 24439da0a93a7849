// SPDX-License-Identifier: GPL-3.0-or-later
//! The addresses of a message that a translation writes anew, besides those that something is expected at (`nf_nat_sip` in
//! `nf_nat_sip.c`).

use std::ops::Range;

use ringwall_ir::words::{CtDirection, Family, Protocol};

use super::header::{self, CONTACT, Endpoint, Endpoints, FROM, Header, TO, VIA_TCP, VIA_UDP};
use super::{Dialogue, Message, is_response};
use crate::conntrack::helper::text::starts_with;
use crate::conntrack::helper::{Aid, Dropped};
use crate::conntrack::tuple::Tuple;
use crate::packet::wire;

/// Writes all addresses of a message anew that are those of its conversation.
pub fn translate(aid: &mut Aid<'_>, dialogue: Dialogue, message: &mut Message) -> Result<(), Dropped> {
    let ends = Ends::of(aid, dialogue);
    let request = !is_response(&message.text);
    if request && let Some(endpoint) = target(message) {
        ends.map(message, endpoint);
    }
    let via = if aid.original.protocol == Protocol::TCP { VIA_TCP } else { VIA_UDP };
    ends.via(message, via, request);
    ends.contacts(message);
    for header in [FROM, TO] {
        let found = Endpoints::new(&message.text, header, message.family).next();
        if let Some(endpoint) = found {
            ends.map(message, endpoint);
        }
    }
    if let (CtDirection::Reply, Some(port)) = (aid.direction, dialogue.forced) {
        if aid.original.protocol != Protocol::UDP {
            return Err(Dropped);
        }
        aid.redirect(port);
    }
    Ok(())
}

/// The address of the first line of a request (`ct_sip_parse_request`).
fn target(message: &Message) -> Option<Endpoint> {
    const SCHEME: &[u8] = b"sip:";
    let text = &message.text;
    let method = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if method == 0 {
        return None;
    }
    let line = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
    let scheme = (method + 1..line).find(|&at| text.get(at..).is_some_and(|rest| starts_with(rest, SCHEME)))?;
    header::endpoint_at(text, scheme + SCHEME.len(), message.family)
}

/// An address and a port as a message says them.
pub fn endpoint(family: Family, address: u128, port: u16) -> String {
    match family {
        Family::Ipv4 => format!("{}:{port}", wire::address(family, address)),
        Family::Ipv6 => format!("[{}]:{port}", wire::address(family, address)),
    }
}

/// The ends of a conversation, as packets in this direction say them and as they shall.
struct Ends {
    here: Tuple,
    back: Tuple,
    /// The port at which a client waits for answers, if it said another than it sends from.
    forced: Option<u16>,
}

impl Ends {
    const fn of(aid: &Aid<'_>, dialogue: Dialogue) -> Self {
        Self { here: *aid.here(), back: *aid.back(), forced: dialogue.forced }
    }

    /// Writes an endpoint anew that is one of the conversation's (`map_addr`).
    fn map(&self, message: &mut Message, Endpoint { place, address, port }: Endpoint) {
        let ((from, to), (back_from, back_to)) = (self.here.ends.parted(), self.back.ends.parted());
        let new = if (address, port) == (self.here.source, from) {
            (self.back.destination, back_to)
        } else if (address, port) == (self.here.destination, to) {
            (self.back.source, self.forced.unwrap_or(back_from))
        } else {
            return;
        };
        if new != (address, port) {
            message.write(place, &endpoint(message.family, new.0, new.1));
        }
    }

    /// The topmost Via, if it is about this conversation, with its parameters.
    fn via(&self, message: &mut Message, header: Header, request: bool) {
        let found = Endpoints::new(&message.text, header, message.family).next();
        let Some(via) = found else { return };
        let (from, to) = self.here.ends.parted();
        let own = if request { (self.here.source, from) } else { (self.here.destination, to) };
        if (via.address, via.port) != own {
            return;
        }
        let (end, length, family) = (via.place.end, message.text.len(), message.family);
        self.map(message, via);
        let end = (end + message.text.len()).saturating_sub(length);
        let maddr = header::address_parameter(&message.text, end, b"maddr=", family);
        self.replace(message, maddr, (self.here.source, self.back.destination), true);
        let received = header::address_parameter(&message.text, end, b"received=", family);
        self.replace(message, received, (self.here.destination, self.back.source), false);
        let (back_from, _) = self.back.ends.parted();
        if let Some((place, port)) = header::port_parameter(&message.text, end, b"rport=")
            && port == to
            && port != back_from
        {
            message.write(place, &back_from.to_string());
        }
    }

    /// Writes the address of a parameter anew, if it is the old one.
    fn replace(
        &self,
        message: &mut Message,
        found: Option<(u128, Range<usize>)>,
        (old, new): (u128, u128),
        delimited: bool,
    ) {
        let Some((_, place)) = found.filter(|(address, _)| *address == old && old != new) else { return };
        let address = wire::address(message.family, new).to_string();
        let brackets = delimited && self.here.family == Family::Ipv6;
        message.write(place, &if brackets { format!("[{address}]") } else { address });
    }

    /// All contacts. Where one was written anew, the kernel goes on from where the next one was before.
    fn contacts(&self, message: &mut Message) {
        let mut position = Endpoints::START;
        loop {
            let mut contacts = Endpoints::resumed(&message.text, CONTACT, message.family, position);
            let Some(contact) = contacts.next() else { return };
            position = contacts.position();
            self.map(message, contact);
        }
    }
}
