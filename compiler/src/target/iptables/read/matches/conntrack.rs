// SPDX-License-Identifier: GPL-3.0-or-later
//! What conntrack says.

use ringwall_ir::words::{CtDirection, CtStates, Family};
use ringwall_ir::{Datatype, Field, IntervalSet, Match, Unknown};

use super::super::block::{Block, Opt};
use super::super::rule::address_test;
use super::super::steps::{Either, Piece};
use super::{number, one, span, within};
use crate::target::iptables::words::{protocol, state};

/// `-m state`
pub(super) fn state(block: &Block<'_>) -> Option<Vec<Piece>> {
    let [option] = block.options.as_slice() else { return None };
    let states = option.value().split(',').map(state::state).collect::<Option<CtStates>>()?;
    Some(vec![of_states(states, option.negated).into()])
}

/// One of the states, or none of them.
fn of_states(states: CtStates, negated: bool) -> Match {
    let bits = u128::from(states.bits());
    if negated { Match::masked(Field::CtState, bits, 0) } else { Match::any_of(Field::CtState, bits) }
}

/// `-m conntrack`. It looks at the state first. A packet without an entry passes by its state alone, whatever else is
/// asked, so the rest can be a test of its own only where no such packet passes (`conntrack_mt` in `xt_conntrack.c`).
pub(super) fn conntrack(block: &Block<'_>, family: Family) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut has_entry = true;
    for option in &block.options {
        match option.name {
            "--ctstate" => {
                let (piece, only_entries) = states(block, option)?;
                pieces.extend(piece);
                has_entry &= only_entries;
            }
            _ => pieces.push(of_entry(option, family)?.into()),
        }
    }
    let alone = block.options.iter().all(|option| option.name == "--ctstate");
    Some(pieces).filter(|pieces| !pieces.is_empty() && (has_entry || alone))
}

/// What `--ctstate` says, and whether it passes only packets with an entry.
fn states(block: &Block<'_>, option: &Opt<'_>) -> Option<(Vec<Piece>, bool)> {
    let (mut states, mut status) = (CtStates::NONE, 0);
    for name in option.value().split(',') {
        match state::state(name) {
            Some(known) => states = states.union(CtStates::of(&[known])),
            None => status |= state::bit(&state::TRANSLATED, name)?,
        }
    }
    let status = u128::from(status);
    let nobody = state::without_entry();
    if !option.negated {
        let only_entries = states.intersection(nobody).is_empty();
        if status == 0 {
            return Some((vec![of_states(states, false).into()], only_entries));
        }
        let translated = Match::any_of(Field::CtStatus, status);
        if states.is_empty() {
            return Some((vec![translated.into()], true));
        }
        let (one, other) = (of_states(states, false), of_states(states, true));
        let unknown = Unknown { name: "match conntrack".to_owned(), text: block.text() };
        let either = Either {
            ways: vec![vec![one.clone()], vec![translated.clone()]],
            disjoint: vec![vec![one], vec![other, translated]],
            unknown,
        };
        return Some((vec![Piece::Either(either)], only_entries));
    }
    let only_entries = states.intersection(nobody) == nobody;
    if status == 0 {
        return Some((vec![of_states(states, true).into()], only_entries));
    }
    // "Not translated" passes packets without an entry, unless their states are excepted too.
    let untranslated = Match::masked(Field::CtStatus, status, 0);
    let others = states.iter().filter(|&state| !nobody.contains(state)).collect::<CtStates>();
    let rest = (!others.is_empty()).then(|| of_states(others, true));
    only_entries.then(|| (rest.into_iter().chain([untranslated]).map(Piece::from).collect(), true))
}

/// What is asked of the entry.
fn of_entry(option: &Opt<'_>, family: Family) -> Option<Match> {
    use CtDirection::{Original, Reply};
    let address = |v4, v6| {
        let field = if family == Family::Ipv4 { v4 } else { v6 };
        address_test(family, field, option.value(), option.negated)?
    };
    let port = |field| {
        let (first, last) = span(option.value(), ':', u128::from(u16::MAX))?;
        Some(within(option, field, IntervalSet::range(first, last)))
    };
    match option.name {
        "--ctstatus" => {
            let bits =
                option.value().split(',').try_fold(0, |bits, name| Some(bits | state::bit(&state::STATUS, name)?))?;
            let bits = u128::from(bits);
            let field = Field::CtStatus;
            Some(if option.negated { Match::masked(field, bits, 0) } else { Match::any_of(field, bits) })
        }
        "--ctproto" => one(option, Field::CtProtocol(Original), u128::from(protocol::named(option.value())?.0)),
        "--ctdir" => {
            let direction = Datatype::CtDir.named_value(&option.value().to_lowercase())?;
            one(option, Field::CtDirection, direction)
        }
        "--ctorigsrc" => address(Field::CtIpSaddr(Original), Field::CtIp6Saddr(Original)),
        "--ctorigdst" => address(Field::CtIpDaddr(Original), Field::CtIp6Daddr(Original)),
        "--ctreplsrc" => address(Field::CtIpSaddr(Reply), Field::CtIp6Saddr(Reply)),
        "--ctrepldst" => address(Field::CtIpDaddr(Reply), Field::CtIp6Daddr(Reply)),
        "--ctorigsrcport" => port(Field::CtProtoSrc(Original)),
        "--ctorigdstport" => port(Field::CtProtoDst(Original)),
        "--ctreplsrcport" => port(Field::CtProtoSrc(Reply)),
        "--ctrepldstport" => port(Field::CtProtoDst(Reply)),
        // Whole seconds of what is left.
        "--ctexpire" => {
            let (first, last) = span(option.value(), ':', u128::from(u32::MAX))?;
            let set = IntervalSet::range(first * 1000, (last * 1000 + 999).min(Field::CtExpiration.max()));
            Some(within(option, Field::CtExpiration, set))
        }
        _ => None,
    }
}

/// `-m helper`. It compares only as much as the name of the entry's helper has (`xt_helper.c`), so `sip-5061` is `sip` for
/// it too; and when negated it passes packets without a helper.
pub(super) fn helper(option: &Opt<'_>) -> Option<Match> {
    let name = option.value();
    let with_port = name.rsplit_once('-').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let value = Datatype::String.parse_value(name).filter(|_| !with_port && !option.negated)?;
    one(option, Field::CtHelper, value)
}

/// `-m connbytes`. An entry from before anybody asked has no counts, and never passes; the field is 0 there.
pub(super) fn bytes(block: &Block<'_>) -> Option<Vec<Match>> {
    let option = block.option("--connbytes")?;
    let direction = match block.option("--connbytes-dir")?.value() {
        "original" => Some(CtDirection::Original),
        "reply" => Some(CtDirection::Reply),
        "both" => None,
        _ => return None,
    };
    let field = match block.option("--connbytes-mode")?.value() {
        "avgpkt" => Field::CtAvgpkt(direction),
        "bytes" => Field::CtBytes(direction),
        "packets" => Field::CtPackets(direction),
        _ => return None,
    };
    let (first, last) = match option.value().split_once(':') {
        Some((first, "")) => (number(first)?, field.max()),
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(option.value())?, field.max()),
    };
    let set = IntervalSet::range(first, last);
    (!set.is_empty() && last <= field.max()).then(|| vec![within(option, field, set)])
}
