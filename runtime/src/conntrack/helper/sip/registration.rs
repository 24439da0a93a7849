// SPDX-License-Identifier: GPL-3.0-or-later
//! Registrations: a client tells its registrar where it is to be called, and calls from there are expected as long as the
//! registrar says.

use std::time::Duration;

use ringwall_ir::words::{CtStatus, Protocol};

use super::header::{self, CONTACT, EXPIRES, Endpoint, Endpoints, Search};
use super::{Dialogue, Message, SIGNALLING, addresses};
use crate::conntrack::expectation::{Destination, Expectation, Follow, Saved, Source, Then};
use crate::conntrack::helper::text::starts_with;
use crate::conntrack::helper::{Aid, Dropped};

/// Expects calls to the client's contact, which do not count before the registrar agrees (`process_register_request`).
/// Whether an answer is waited for.
pub fn request(aid: &mut Aid<'_>, dialogue: Dialogue, message: &mut Message) -> Result<bool, Dropped> {
    // A conversation that was itself expected cannot register again.
    if aid.table.get(aid.id).is_some_and(|entry| entry.status.contains(CtStatus::EXPECTED)) {
        return Ok(false);
    }
    let Some(contact) = Endpoints::new(&message.text, CONTACT, message.family).next() else { return Ok(false) };
    if contact.address != aid.here().source {
        return Ok(false);
    }
    let Some(protocol) = transport(aid, message, &contact) else { return Ok(false) };
    if expires(message, &contact, common_expires(message))? == 0 {
        return Ok(true);
    }
    let to = Destination { family: message.family, protocol, address: contact.address, end: contact.port };
    let expectation = Expectation {
        permanent: true,
        inactive: true,
        then: Then::Help(aid.helper),
        ..aid.expectation(&SIGNALLING, Source::address(aid.back().source), to)
    };
    if aid.is_translated() {
        return announce(aid, dialogue, message, contact, expectation).map(|()| true);
    }
    aid.expect(expectation).map(|()| true).map_err(|_| Dropped)
}

/// Expects calls at a translated contact, and writes in the message which that is (`nf_nat_sip_expect`).
fn announce(
    aid: &mut Aid<'_>,
    dialogue: Dialogue,
    message: &mut Message,
    contact: Endpoint,
    mut expectation: Expectation,
) -> Result<(), Dropped> {
    let ((own, _), (_, outside)) = (aid.here().ends.parted(), aid.back().ends.parted());
    if contact.port == dialogue.forced.unwrap_or(own) {
        expectation.set_port(outside);
    }
    if aid.here().source != aid.back().destination {
        expectation.tuple.destination = aid.back().destination;
    }
    expectation.follow = Some(Follow::Signalling);
    let Saved { address, port: saved, .. } = expectation.saved;
    let tuple = aid.expect_at_free_port(expectation)?;
    let (_, port) = tuple.ends.parted();
    if (tuple.destination, port) != (address, saved) {
        message.write(contact.place, &addresses::endpoint(message.family, tuple.destination, port));
    }
    Ok(())
}

/// Lets the expectation count that the registrar agrees to, or forgets it (`process_register_response`).
pub fn response(aid: &mut Aid<'_>, message: &Message, code: u32) -> Result<(), Dropped> {
    match code {
        100..200 => return Ok(()),
        200..300 => {}
        _ => {
            forget(aid);
            return Ok(());
        }
    }
    let common = common_expires(message);
    let client = aid.here().destination;
    for contact in Endpoints::new(&message.text, CONTACT, message.family).filter(|contact| contact.address == client) {
        let Some(protocol) = transport(aid, message, &contact) else { continue };
        let seconds = expires(message, &contact, common)?;
        if seconds == 0 {
            break;
        }
        if refresh(aid, protocol, &contact, Duration::from_secs(seconds.into())) {
            return Ok(());
        }
    }
    forget(aid);
    Ok(())
}

/// What the message says for contacts that say nothing.
fn common_expires(message: &Message) -> u32 {
    match header::get(&message.text, 0, &EXPIRES, message.family) {
        Search::Found(place) => message.text.get(place.start..).and_then(header::number).unwrap_or(0),
        Search::Wrong(_) | Search::Nothing => 0,
    }
}

fn expires(message: &Message, contact: &Endpoint, common: u32) -> Result<u32, Dropped> {
    match header::number_parameter(&message.text, contact.place.end, b"expires=") {
        Some(number) => number.map_err(|()| Dropped),
        None => Ok(common),
    }
}

/// The protocol that a contact is called by, if it is the conversation's own (`ct_sip_parse_transport`).
fn transport(aid: &Aid<'_>, message: &Message, contact: &Endpoint) -> Option<Protocol> {
    let own = aid.original.protocol;
    let Some(said) = header::text_parameter(&message.text, contact.place.end, b"transport=") else { return Some(own) };
    let named = [(b"TCP", Protocol::TCP), (b"UDP", Protocol::UDP)];
    let (_, protocol) = named.into_iter().find(|(word, _)| starts_with(said, *word))?;
    (protocol == own).then_some(protocol)
}

/// `refresh_signalling_expectation`. False if there is no such expectation.
fn refresh(aid: &mut Aid<'_>, protocol: Protocol, contact: &Endpoint, timeout: Duration) -> bool {
    let now = aid.now;
    let is = |expectation: &&mut Expectation| {
        let (_, port) = expectation.tuple.ends.parted();
        *expectation.class == SIGNALLING
            && (expectation.tuple.protocol, expectation.tuple.destination) == (protocol, contact.address)
            && port == contact.port
            && expectation.expires > now
    };
    let Some(found) = aid.table.expectations.of_mut(aid.id).find(is) else { return false };
    found.expires = aid.now + timeout;
    found.inactive = false;
    true
}

fn forget(aid: &mut Aid<'_>) {
    aid.table.expectations.forget_some(aid.id, |expectation| *expectation.class == SIGNALLING);
}
