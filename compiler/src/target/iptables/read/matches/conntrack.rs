// SPDX-License-Identifier: GPL-3.0-or-later
//! What conntrack says.

use ringwall_ir::words::{CtDirection, CtStates, Family};
use ringwall_ir::{Datatype, Field, IntervalSet, Match, Unknown};

use super::super::Known;
use super::super::address::{address_test, strict};
use super::super::block::{Block, NO_OPTION, Opt};
use super::super::steps::{Either, Piece};
use super::{number, one, ports, span, within};
use crate::target::iptables::words::{protocol, state};

/// `-m state`
pub(super) fn state(block: &Block<'_>) -> Known<Match> {
    let option = block.only()?;
    let states = option.value().split(',').map(state::state).collect::<Option<CtStates>>();
    let states = states.ok_or_else(|| option.is_no(STATES))?;
    except_some(states, option)?;
    Ok(of_states(states, option.negated))
}

/// Every packet has one of the states.
fn except_some(states: CtStates, option: &Opt<'_>) -> Known<()> {
    if option.negated && states == CtStates::ALL {
        return Err("no packet passes it, for it excepts every ct state: leave the rule out".to_owned());
    }
    Ok(())
}

/// What the states are.
const STATES: &str = "list of ct states: there are INVALID, NEW, ESTABLISHED, RELATED and UNTRACKED";

/// One of the states, or none of them.
fn of_states(states: CtStates, negated: bool) -> Match {
    let bits = u128::from(states.bits());
    if negated { Match::masked(Field::CtState, bits, 0) } else { Match::any_of(Field::CtState, bits) }
}

/// `-m conntrack`. It looks at the state first. A packet without an entry passes by its state alone, whatever else is
/// asked, so the rest can be a test of its own only where no such packet passes (`conntrack_mt` in `xt_conntrack.c`).
pub(super) fn conntrack(block: &Block<'_>, family: Family) -> Known<Vec<Piece>> {
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
    if pieces.is_empty() {
        return Err(NO_OPTION.to_owned());
    }
    let alone = block.options.iter().all(|option| option.name == "--ctstate");
    if !has_entry && !alone {
        return Err(
            "its ct states pass packets without an entry, whatever else it asks: write the two apart".to_owned()
        );
    }
    Ok(pieces)
}

/// What `--ctstate` says, and whether it passes only packets with an entry.
fn states(block: &Block<'_>, option: &Opt<'_>) -> Known<(Vec<Piece>, bool)> {
    let (mut states, mut status) = (CtStates::NONE, 0);
    for name in option.value().split(',') {
        match state::state(name) {
            Some(known) => states = states.union(CtStates::of(&[known])),
            None => {
                status |= state::bit(&state::TRANSLATED, name)
                    .ok_or_else(|| option.is_no(&format!("{STATES}, SNAT, DNAT")))?;
            }
        }
    }
    except_some(states, option)?;
    let status = u128::from(status);
    let nobody = state::without_entry();
    if !option.negated {
        let only_entries = states.intersection(nobody).is_empty();
        if status == 0 {
            return Ok((vec![of_states(states, false).into()], only_entries));
        }
        let translated = Match::any_of(Field::CtStatus, status);
        if states.is_empty() {
            return Ok((vec![translated.into()], true));
        }
        let (one, other) = (of_states(states, false), of_states(states, true));
        let either = Either {
            ways: vec![vec![one.clone()], vec![translated.clone()]],
            disjoint: vec![vec![one], vec![other, translated]],
            unknown: Unknown {
                name: "match conntrack".to_owned(),
                text: block.text(),
                reason: "SNAT and DNAT beside other states are several rules, which would count apart or be too many: \
                         write them in lines of their own"
                    .to_owned(),
            },
        };
        return Ok((vec![Piece::Either(either)], only_entries));
    }
    let only_entries = states.intersection(nobody) == nobody;
    if status == 0 {
        return Ok((vec![of_states(states, true).into()], only_entries));
    }
    // "Not translated" passes packets without an entry, unless their states are excepted too.
    if !only_entries {
        return Err(
            "`! --ctstate` with SNAT or DNAT passes packets without an entry too: except INVALID,UNTRACKED as \
                    well"
                .to_owned(),
        );
    }
    let untranslated = Match::masked(Field::CtStatus, status, 0);
    let others = states.iter().filter(|&state| !nobody.contains(state)).collect::<CtStates>();
    let rest = (!others.is_empty()).then(|| of_states(others, true));
    Ok((rest.into_iter().chain([untranslated]).map(Piece::from).collect(), true))
}

/// What is asked of the entry.
fn of_entry(option: &Opt<'_>, family: Family) -> Known<Match> {
    use CtDirection::{Original, Reply};
    let address = |v4, v6| {
        let field = if family == Family::Ipv4 { v4 } else { v6 };
        let test = address_test(family, field, option.value(), option.negated, strict)?;
        test.ok_or_else(|| format!("`{} {}` asks whether there is an entry", option.spelled(), option.value()))
    };
    let port = |field| {
        let text = option.value();
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        let (first, last) = (ports::decimal_port(first)?, ports::decimal_port(last)?);
        Ok(within(option, field, IntervalSet::range(u128::from(first), u128::from(last))))
    };
    match option.name {
        "--ctstatus" => status(option),
        "--ctproto" => {
            let protocol = protocol::named(option.value()).ok_or_else(|| option.is_no("protocol that is known"))?;
            Ok(one(option, Field::CtProtocol(Original), u128::from(protocol.0)))
        }
        "--ctdir" => {
            let direction = Datatype::CtDir.named_value(&option.value().to_lowercase());
            let direction = direction.ok_or_else(|| option.is_no("direction: there are ORIGINAL and REPLY"))?;
            Ok(one(option, Field::CtDirection, direction))
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
            let (first, last) = span(option, ':', u128::from(u32::MAX))?;
            let set = IntervalSet::range(first * 1000, (last * 1000 + 999).min(Field::CtExpiration.max()));
            Ok(within(option, Field::CtExpiration, set))
        }
        _ => Err(option.not_modelled()),
    }
}

/// `--ctstatus`. NONE adds no bit, so that alone it passes nothing.
fn status(option: &Opt<'_>) -> Known<Match> {
    let bit = |name: &str| if name.eq_ignore_ascii_case("NONE") { Some(0) } else { state::bit(&state::STATUS, name) };
    let bits = option.value().split(',').try_fold(0, |bits, name| Some(bits | bit(name)?));
    let bits =
        bits.ok_or_else(|| option.is_no("list of statuses: there are EXPECTED, SEEN_REPLY, ASSURED and CONFIRMED"))?;
    let (bits, field) = (u128::from(bits), Field::CtStatus);
    match (bits, option.negated) {
        (0, _) => Err(format!("`{} {}` looks at no status", option.spelled(), option.value())),
        (bits, true) => Ok(Match::masked(field, bits, 0)),
        (bits, false) => Ok(Match::any_of(field, bits)),
    }
}

/// `-m helper`. It compares only as much as the name of the entry's helper has (`xt_helper.c`), so `sip-5061` is `sip` for
/// it too; and when negated it passes packets without a helper.
pub(super) fn helper(option: &Opt<'_>) -> Known<Match> {
    option.plain("passes packets without a helper too, for which there is no test")?;
    let name = option.value();
    if name.rsplit_once('-').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("`{name}` passes entries of other helpers too, whose names it begins with"));
    }
    let value = Datatype::String.parse_value(name).filter(|_| !name.is_empty());
    Ok(one(option, Field::CtHelper, value.ok_or_else(|| option.is_no("name of a helper"))?))
}

/// `-m connbytes`. An entry from before anybody asked has no counts, and never passes; the field is 0 there.
pub(super) fn bytes(block: &Block<'_>) -> Known<Match> {
    let option = block.need("--connbytes")?;
    let direction = block.need("--connbytes-dir")?;
    let direction = match direction.value() {
        "original" => Some(CtDirection::Original),
        "reply" => Some(CtDirection::Reply),
        "both" => None,
        _ => return Err(direction.is_no("direction: there are original, reply and both")),
    };
    let mode = block.need("--connbytes-mode")?;
    let field = match mode.value() {
        "avgpkt" => Field::CtAvgpkt(direction),
        "bytes" => Field::CtBytes(direction),
        "packets" => Field::CtPackets(direction),
        _ => return Err(mode.is_no("mode: there are packets, bytes and avgpkt")),
    };
    let end = |text: &str, open| if text.is_empty() { Some(open) } else { number(text) };
    let (first, last) = option.value().split_once(':').unwrap_or((option.value(), ""));
    let ends = end(first, 0).zip(end(last, field.max())).filter(|(first, last)| first <= last && *last <= field.max());
    let (first, last) = ends.ok_or_else(|| option.is_no("range of numbers: write `FIRST:LAST`"))?;
    Ok(within(option, field, IntervalSet::range(first, last)))
}
