// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft 1.0.6 has no words for, or would take for something else.

use ringwall_ir::fields::{FibResult, Load};
use ringwall_ir::words::{Family, NatFlags, Protocol, TableFamily};
use ringwall_ir::{
    Assignment, Data, DataType, Datatype, Element, Elements, Field, IntervalSet, Key, KeyType, Log, MapRef, Match,
    Meter, NatEnd, ObjectRef, Origin, OwnPorts, Selector, Set, Source, Statement, Step, Table, Target, Tuple, Tuples,
    Values, Verdict,
};

use super::{set, time};

type Said = Result<(), String>;

/// Whether nft has words for a step of a rule of `table`.
pub(super) fn check_step(table: &Table, step: &Step) -> Said {
    match step {
        Step::Match(test) => check_test(table, test),
        Step::Statement(statement) => check_statement(table, statement),
        Step::Unknown(unknown) => Err(unknown.to_string()),
    }
}

/// Whether nft has words for a verdict of a rule of `table`.
pub(super) fn check_verdict(table: &Table, verdict: &Verdict) -> Said {
    match verdict {
        Verdict::Map(map) => check_map_of_verdicts(table, &map.key, &map.map),
        Verdict::Dnat(nat) | Verdict::Snat(nat) => {
            if nat.flags.netmap && nat.flags != (NatFlags { netmap: true, ..NatFlags::default() }) {
                return Err("nft 1.0.6 forgets `prefix` beside another flag".to_owned());
            }
            match &nat.end {
                NatEnd::Map { key, map, ports } => {
                    check_map(table, key, map)?;
                    check_flags_behind(nat.flags, key, map)?;
                    check_ends(table, nat.family, map, *ports)
                }
                NatEnd::Range { .. } => Ok(()),
            }
        }
        Verdict::Masquerade { ports: Some(OwnPorts::Map { key, map }), flags }
        | Verdict::Redirect { ports: Some(OwnPorts::Map { key, map }), flags } => {
            check_map(table, key, map)?;
            check_flags_behind(*flags, key, map)
        }
        _ => Ok(()),
    }
}

fn check_flags_behind(flags: NatFlags, key: &[Selector], map: &MapRef) -> Said {
    if (flags.fully_random || flags.persistent) && names_igmp(key, map) {
        return Err("nft 1.0.6 takes no flags of a translation behind `igmp` in its map".to_owned());
    }
    Ok(())
}

/// nft's scanner keeps to the words of IGMP behind its name (`close_scope_igmp` in `src/parser_bison.y`).
fn names_igmp(key: &[Selector], map: &MapRef) -> bool {
    let MapRef::Inline(elements) = map else { return false };
    let igmp = u128::from(Protocol::IGMP.0);
    let names = |(selector, interval): (&Selector, &(u128, u128))| {
        selector.field().datatype() == Datatype::InetProto && *interval == (igmp, igmp)
    };
    elements.iter().any(|element| match &element.key {
        Key::Any => false,
        Key::Tuple(tuple) => key.iter().zip(&tuple.0).any(names),
    })
}

/// Whether nft has words for the keys and the elements of a set.
pub(super) fn check_elements(set: &Set) -> Said {
    let spec = set.spec();
    let data: &[KeyType] = match &spec.data {
        Some(DataType::Values(parts)) => parts,
        _ => &[],
    };
    check_parts(&spec.key)?;
    check_parts(data)?;
    let bits = spec.key.iter().any(|part| part.datatype().is_bits());
    if bits && spec.flags.interval && !set.elements().is_empty() {
        return Err(BITS_IN_RANGES.to_owned());
    }
    match (set.elements(), spec.key.as_slice()) {
        (Elements::Intervals(set), [part]) => check_values(*part, set),
        (Elements::Intervals(_), _) => Ok(()),
        (Elements::List(list), key) => check_list(key, data, list),
    }
}

const BITS_IN_RANGES: &str = "nft 1.0.6 does not survive to list bits in sets of intervals";

fn check_list(key: &[KeyType], data: &[KeyType], list: &[Element]) -> Said {
    let tuples = list.iter().filter_map(|element| match &element.key {
        Key::Tuple(tuple) => Some(tuple),
        Key::Any => None,
    });
    if key.contains(&KeyType::Like(Field::Ip6Dscp)) && list.iter().any(|element| element.key == Key::Any) {
        return Err(format!("nft 1.0.6 has no `*` beside values of `{}`", Field::Ip6Dscp));
    }
    check_tuples(key, tuples)?;
    list.iter().try_for_each(|element| check_element(data, element))
}

fn check_tuples<'a>(parts: &[KeyType], tuples: impl Iterator<Item = &'a Tuple> + Clone) -> Said {
    let bits = parts.iter().any(|part| part.datatype().is_bits());
    if bits && tuples.clone().any(|tuple| !tuple.is_single()) {
        return Err(BITS_IN_RANGES.to_owned());
    }
    tuples.into_iter().try_for_each(|tuple| check_tuple(parts, tuple))
}

fn check_element(data: &[KeyType], element: &Element) -> Said {
    if let Some(Data::Values(tuple)) = &element.data {
        check_tuple(data, tuple)?;
    }
    let unsaid = |meter: &Meter| matches!(meter, Meter::Quota(_) | Meter::ConnLimit(_));
    if element.meters.iter().any(unsaid) {
        return Err("nft 1.0.6 takes no `quota` and `ct count` of a single element".to_owned());
    }
    match &element.comment {
        Some(comment) => check_comment(comment),
        None => Ok(()),
    }
}

/// What somebody wrote beside a part. nft takes all that stands in quotes as it is.
pub(super) fn check_comment(comment: &str) -> Said {
    if comment.len() > Origin::COMMENT_MAX {
        return Err(format!("nft has room for a comment of {} bytes, and not for `{comment}`", Origin::COMMENT_MAX));
    }
    if comment.contains(['"', '\0']) {
        return Err(format!("nft has no quotes inside of a comment, as in `{comment}`"));
    }
    Ok(())
}

fn check_tuple(parts: &[KeyType], tuple: &Tuple) -> Said {
    let several = |(part, (first, _)): (&KeyType, &(u128, u128))| part.datatype().is_bits() && first.count_ones() > 1;
    if parts.len() > 1 && parts.iter().zip(&tuple.0).any(several) {
        return Err("nft 1.0.6 does not survive to list several bits in a concatenation".to_owned());
    }
    let mut intervals = parts.iter().zip(&tuple.0);
    intervals.try_for_each(|(part, &(first, last))| check_values(*part, &IntervalSet::range(first, last)))
}

fn check_test(table: &Table, test: &Match) -> Said {
    match test {
        Match::In { selector, values, .. } => {
            check_selector(table, *selector)?;
            match values {
                Values::Inline(set) => check_values(KeyType::Like(selector.field()), set),
                Values::Set(_) => check_unshifted(*selector).and(check_looked_up(table, *selector)),
                Values::Symbols(symbols) => symbols.iter().try_for_each(|symbol| match symbol.number {
                    None if is_number(selector.field()) => {
                        Err(format!("`{}` has no number here: write it down", symbol.name))
                    }
                    _ if is_quotable(&symbol.name) => Ok(()),
                    _ => Err(format!("nft has no quotes and no backslashes in a name, as in `{}`", symbol.name)),
                }),
            }
        }
        Match::Concat { key, values, .. } => {
            check_key(table, key)?;
            let Tuples::Inline(tuples) = values else { return Ok(()) };
            check_ports_of_entry(key)?;
            check_tuples(&parts(key), tuples.iter())
        }
        Match::Object { object: ObjectRef::Map { key, map }, .. } => check_map(table, key, &MapRef::Named(map.clone())),
        _ => Ok(()),
    }
}

fn check_statement(table: &Table, statement: &Statement) -> Said {
    match statement {
        Statement::Log(Log { prefix: Some(prefix), .. }) => check_prefix(prefix),
        Statement::Assign(Assignment { keep: 1.., source: Source::Field { .. } | Source::Map { .. }, target }) => {
            Err(format!("nft 1.0.6 writes no bits of another field into `{}`", target.field()))
        }
        Statement::Assign(assignment) => check_source(table, assignment.target, &assignment.source),
        Statement::Object(ObjectRef::Map { key, map }) => check_map(table, key, &MapRef::Named(map.clone())),
        Statement::SetUpdate(update) => {
            if update.data.is_some() && update.meters.len() > 1 {
                return Err("nft 1.0.6 adds nothing to a map that counts two things".to_owned());
            }
            check_key(table, &update.key)?;
            match &update.data {
                Some(Source::Field { selector, .. }) => check_looked_up(table, *selector),
                Some(Source::Map { key, map }) => check_map(table, key, map),
                Some(Source::Value(_)) | None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn parts(key: &[Selector]) -> Vec<KeyType> {
    key.iter().map(|selector| KeyType::Like(selector.field())).collect()
}

fn check_key(table: &Table, key: &[Selector]) -> Said {
    check_parts(&parts(key))?;
    key.iter().try_for_each(|selector| check_looked_up(table, *selector))
}

/// Ranges of IPv6 addresses with ports are more than nft 1.0.6 finds registers for.
fn check_ends(table: &Table, family: Option<Family>, map: &MapRef, ports: Option<(u16, u16)>) -> Said {
    if let MapRef::Named(name) = map
        && table.set(name).is_some_and(|set| set::is_by_field(set) && gives_ports(set))
    {
        return Err(format!("nft 1.0.6 takes the ports that `{name}` gives for a test, as its keys have no type"));
    }
    let elements = match map {
        MapRef::Inline(elements) => elements.as_slice(),
        MapRef::Named(name) => match table.set(name).map(Set::elements) {
            Some(Elements::List(list)) => list.as_slice(),
            _ => &[],
        },
    };
    let wide = |element: &Element| matches!(&element.data, Some(Data::Values(tuple)) if tuple.0.len() > 1 && !tuple.is_single());
    if family == Some(Family::Ipv6) && elements.iter().any(wide) {
        return Err("nft 1.0.6 translates to no ranges of IPv6 addresses with ports from a map".to_owned());
    }
    let ranges = |element: &Element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single());
    if family.is_none() && elements.iter().any(ranges) {
        return Err("nft 1.0.6 translates to the first port of a range that a map gives, and to no other".to_owned());
    }
    if ports.is_some() && elements.iter().any(ranges) {
        return Err("nft 1.0.6 forgets a port beside the ranges of a map".to_owned());
    }
    Ok(())
}

fn gives_ports(set: &Set) -> bool {
    let port = |part: &KeyType| part.datatype() == Datatype::InetService;
    matches!(&set.spec().data, Some(DataType::Values(parts)) if parts.iter().any(port))
}

/// What a statement looks up in a map (`primary_stmt_expr` in `src/parser_bison.y` of nft 1.0.6).
fn check_map(table: &Table, key: &[Selector], map: &MapRef) -> Said {
    for (place, selector) in key.iter().enumerate() {
        let loaded = selector.field().row().load;
        if matches!(loaded, Load::Exthdr | Load::Fib | Load::TcpMaxseg | Load::Xfrm(_)) {
            return Err(format!("nft 1.0.6 looks `{}` up in no map of values", selector.field()));
        }
        if place > 0 && selector.mask().is_some() {
            return Err(format!("nft 1.0.6 takes no mask for `{}` behind another field", selector.field()));
        }
    }
    let widthless = |selector: &Selector| selector.field().datatype().bits().is_none();
    if key.len() > 1 && key.iter().any(widthless) && matches!(map, MapRef::Inline(_)) {
        return Err("nft 1.0.6 does not survive to list numbers in the keys of a map that a rule holds".to_owned());
    }
    check_map_of_verdicts(table, key, map)
}

/// Of ports of an entry in a concatenation that a rule holds, nft 1.0.6 learns the type of none, or of the first.
fn check_ports_of_entry(key: &[Selector]) -> Said {
    let ports = key.iter().filter(|selector| matches!(selector.field(), Field::CtProtoDst(_) | Field::CtProtoSrc(_)));
    if ports.count() > 1 {
        return Err("nft 1.0.6 does not survive to list two ports of an entry in a concatenation".to_owned());
    }
    Ok(())
}

fn check_map_of_verdicts(table: &Table, key: &[Selector], map: &MapRef) -> Said {
    check_key(table, key)?;
    match map {
        MapRef::Inline(elements) => {
            check_ports_of_entry(key)?;
            check_list(&parts(key), &[], elements)
        }
        MapRef::Named(_) => key.iter().try_for_each(|selector| check_unshifted(*selector)),
    }
}

/// Texts without a width of their own stand in no concatenation.
fn check_parts(parts: &[KeyType]) -> Said {
    let refused = |part: &&KeyType| matches!(part.datatype(), Datatype::String | Datatype::Dscp);
    match parts.iter().find(refused) {
        Some(part) if parts.len() > 1 => Err(format!("nft 1.0.6 takes `{part}` in no concatenation")),
        _ => Ok(()),
    }
}

/// What has fewer bits than a byte is shifted for named sets, as the host keeps numbers and not as packets do.
fn check_unshifted(selector: Selector) -> Said {
    match selector.field().datatype() {
        Datatype::Dscp => Err(format!("nft 1.0.6 looks `{}` up wrongly in named sets", selector.field())),
        _ => Ok(()),
    }
}

/// Whether a name of the host stands as its number: nft looks users and groups up where it runs, which is not where the
/// rule is for.
pub(super) fn is_number(field: Field) -> bool {
    matches!(field.datatype(), Datatype::Gid | Datatype::Uid)
}

/// `src/evaluate.c` of nft 1.0.6 refuses the family where there is but one.
fn check_selector(table: &Table, selector: Selector) -> Said {
    if selector.field() == Field::Nfproto && table.family() != TableFamily::Inet {
        return Err(format!(
            "nft tests the family in tables of family inet alone, not in one of {}",
            table.family().name()
        ));
    }
    check_mask(selector)
}

/// nft reads a mask as it reads a value, and these values are not written as numbers, or have bounds of their own.
fn check_mask(selector: Selector) -> Said {
    let field = selector.field();
    let refused = match field.datatype() {
        Datatype::Boolean | Datatype::Cgroupsv2 | Datatype::Day | Datatype::Duration | Datatype::Hour => true,
        Datatype::Dscp | Datatype::IfaceIndex | Datatype::Time => true,
        _ => matches!(field, Field::Numgen(_)),
    };
    match selector.mask() {
        Some(_) if refused => Err(format!("nft has no mask for `{field}`")),
        Some(mask) if field.datatype().is_bits() => check_bits(field.datatype(), [mask].into_iter()),
        _ => Ok(()),
    }
}

/// Fields that nft compares with values of the rule alone, not with those of sets and maps.
fn check_looked_up(table: &Table, selector: Selector) -> Said {
    check_selector(table, selector)?;
    let field = selector.field();
    let refused = match field {
        Field::Fib(fib) => matches!(fib.result, FibResult::Exists | FibResult::Oifname),
        Field::SocketTransparent | Field::SocketWildcard => true,
        _ => false,
    };
    if refused { Err(format!("nft looks `{field}` up in no named set, concatenation or map")) } else { Ok(()) }
}

/// Seconds of a day.
const DAY: u128 = 86_400;

fn check_values(part: KeyType, set: &IntervalSet) -> Said {
    let datatype = part.datatype();
    let last = set.intervals().last().map_or(0, |&(_, last)| last);
    match (datatype, part) {
        (Datatype::Cgroupsv2, _) if !set.is_empty() => {
            Err("nft takes the path of a control group, not its number".to_owned())
        }
        (Datatype::IfaceIndex, _) if last > i32::MAX as u128 => {
            Err(format!("nft takes {last} for no number of an interface"))
        }
        (Datatype::Day, _) if last > 6 => Err(format!("nft has no day {last}")),
        (Datatype::Hour, _) if last >= DAY => Err("nft lists no time behind the last second of a day".to_owned()),
        (Datatype::Time, _) if !time::is_whole(set) => Err("nft takes the time in whole seconds".to_owned()),
        (_, KeyType::Like(Field::Numgen(numgen))) if last >= u128::from(numgen.modulus) + u128::from(numgen.offset) => {
            Err(format!("`{}` never gives {last}", Field::Numgen(numgen)))
        }
        _ if datatype.is_bits() => match set.intervals() {
            [only] if only.0 != only.1 => Ok(()),
            several if several.iter().any(|(first, last)| first != last) => Err(BITS_IN_RANGES.to_owned()),
            several => check_bits(datatype, several.iter().map(|&(first, _)| first)),
        },
        _ => Ok(()),
    }
}

/// nft has words for bits that have names.
fn check_bits(datatype: Datatype, values: impl Iterator<Item = u128>) -> Said {
    for bits in values {
        let nameless = |bit: &u128| *bit != 0 && datatype.bit_name(*bit).is_none();
        if (0..32).map(|bit| bits & 1 << bit).any(|bit| nameless(&bit)) {
            return Err(format!("nft has no names for the bits {bits:#x} of {}", datatype.name()));
        }
    }
    Ok(())
}

/// nft has no escapes in quotes.
fn is_quotable(text: &str) -> bool {
    !text.contains(['"', '\\']) && !text.chars().any(char::is_control)
}

fn check_prefix(prefix: &str) -> Said {
    if prefix.contains('$') {
        return Err(format!("nft takes the `$` of the log prefix `{prefix}` for a variable"));
    }
    if !is_quotable(prefix) {
        return Err(format!("nft has no quotes or backslashes in a log prefix, as in `{prefix}`"));
    }
    Ok(())
}

/// nft copies between marks, and between what is like each other.
fn check_source(table: &Table, target: Target, source: &Source) -> Said {
    match source {
        Source::Field { selector, .. } => {
            check_selector(table, *selector)?;
            if selector.field().datatype() == target.field().datatype() {
                Ok(())
            } else {
                Err(format!("nft does not write `{}` to `{}`", selector.field(), target.field()))
            }
        }
        Source::Map { key, map } => check_map(table, key, map),
        Source::Value(_) => Ok(()),
    }
}
