// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that write a mark, the ct zone or the traffic class.

use ringwall_ir::fields::Word;
use ringwall_ir::words::{CtDirection, Hook};
use ringwall_ir::{
    Assignment, Data, DataType, Datatype, Element, Elements, Field, KeyType, MapRef, OriginId, Selector, Set, SetSpec,
    Source, TableParts, Target, Tuple,
};

use super::Sample;

const NOWHERE: OriginId = OriginId(0);

pub(super) fn samples(word: Word) -> Vec<Sample> {
    let targets = match word {
        Word::CtMarkSet => vec![Target::CtMark],
        Word::CtZoneSet => [None, Some(CtDirection::Original), Some(CtDirection::Reply)].map(Target::CtZone).to_vec(),
        Word::PrioritySet => vec![Target::Priority],
        _ => vec![Target::Mark],
    };
    targets.into_iter().map(sample).collect()
}

fn sample(target: Target) -> Sample {
    let wide = !matches!(target, Target::CtZone(_));
    let mut sources = vec![Source::Value(0), Source::Value(1), Source::Value(0xffff)];
    sources.extend(
        [MapRef::Inline(elements(target)), MapRef::Named("values".to_owned())]
            .map(|map| Source::Map { key: vec![Field::IpSaddr.into()], map }),
    );
    let copied = if wide { Field::MetaMark } else { Field::CtZone(None) };
    sources.push(Source::Field { selector: copied.into(), xor: 0 });
    let mut assignments: Vec<_> = sources.into_iter().map(|source| Assignment { target, keep: 0, source }).collect();
    if wide {
        let field = |field, mask, xor| Source::Field { selector: Selector::masked(field, mask), xor };
        let rest = [
            (0xffff_fff0, Source::Value(5)),
            (0xffff_0000, Source::Value(0x1234)),
            (0xffff_ffff, Source::Value(0x1)),
            (0xffff_ff00, Source::Value(0)),
            (0, Source::Value(u32::MAX)),
            (0, field(Field::CtMark, 0xff, 0)),
            (0, field(Field::MetaMark, 0xffff_ff00, 5)),
            (0, field(Field::CtMark, u32::MAX.into(), 7)),
        ];
        assignments.extend(rest.into_iter().map(|(keep, source)| Assignment { target, keep, source }));
    }
    let rules = assignments.into_iter().map(|assignment| {
        let statement = ringwall_ir::Statement::Assign(assignment);
        (vec![statement.into()], None)
    });
    let spec = SetSpec {
        data: Some(DataType::Values(vec![data_type(target)])),
        ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)])
    };
    let values = Set::new("values", spec, Elements::List(elements(target)), NOWHERE).unwrap();
    Sample::filter(Hook::Prerouting, rules.collect()).with(TableParts { sets: vec![values], ..TableParts::default() })
}

fn data_type(target: Target) -> KeyType {
    KeyType::of(target.field())
}

fn elements(target: Target) -> Vec<Element> {
    let _ = target;
    [(10, 1), (11, 0x20)]
        .map(|(host, value)| Element {
            data: Some(Data::Values(Tuple::of(&[value]))),
            ..Element::of(Tuple::of(&[10 << 24 | host]), NOWHERE)
        })
        .to_vec()
}
