// SPDX-License-Identifier: GPL-3.0-or-later
//! Values of every data type: single ones, ranges, several, both edges.

use ringwall_ir::{Datatype, Field, InterfacePattern, IntervalSet};

/// Values that a rule can list, in each form that the data type has.
pub fn values(field: Field) -> Vec<IntervalSet> {
    let of = |values: &[u128]| values.iter().map(|&value| (value, value)).collect::<IntervalSet>();
    match field.datatype() {
        Datatype::Boolean => vec![of(&[0]), of(&[1])],
        // A number of one bit: what a socket says.
        Datatype::Integer if field.row().bits == 1 => vec![of(&[0]), of(&[1])],
        Datatype::CtDir => vec![of(&[0]), of(&[1])],
        Datatype::NfProto => vec![of(&[2]), of(&[10])],
        Datatype::Ifname => {
            [&["eth0"][..], &["wlan*"], &["eth0", "tun*", "ppp0"], &["lo", "lo*"], &["fifteen-bytes-x*"]]
                .map(patterns)
                .to_vec()
        }
        Datatype::String => [&["ftp"][..], &["ftp", "Q.931", "sip"]].map(texts).to_vec(),
        Datatype::Day => vec![of(&[0]), of(&[6]), of(&[1, 3, 5]), IntervalSet::range(1, 5)],
        Datatype::Hour => vec![
            IntervalSet::one(28_800),
            IntervalSet::range(32_400, 61_199),
            IntervalSet::range(0, 59),
            IntervalSet::from_iter([(0, 3_599), (82_800, 86_399)]),
        ],
        Datatype::Time => vec![
            IntervalSet::one(1_767_225_600_000_000_000),
            IntervalSet::range(1_767_225_600_000_000_000, 1_798_761_599_999_999_999),
            IntervalSet::range(0, 1_798_761_599_999_999_999),
            IntervalSet::from_iter([(5, 5), (1_000_000_000, 2_000_000_001)]),
        ],
        Datatype::FibAddrtype => vec![of(&[2]), of(&[2, 3, 5]), of(&[6, 7, 8]), IntervalSet::range(1, 3)],
        Datatype::PktType => vec![of(&[0]), of(&[1, 2]), of(&[3])],
        datatype if datatype.is_bits() => Vec::new(),
        _ => numbers(field),
    }
}

fn numbers(field: Field) -> Vec<IntervalSet> {
    if field.row().bits == 1 {
        return [0, 1].map(IntervalSet::one).to_vec();
    }
    let max = match field {
        // No interface has a higher number (`dev_index_reserve` in net/core/dev.c).
        field if field.datatype() == Datatype::IfaceIndex => i32::MAX as u128,
        Field::Numgen(numgen) => {
            return (0..2).map(|number| IntervalSet::one(u128::from(numgen.offset) + number)).collect();
        }
        field => field.max(),
    };
    let base = match field.datatype() {
        Datatype::Ipv4Addr => 10 << 24,
        Datatype::Ipv6Addr => 0xfd00 << 112,
        Datatype::EtherAddr => 0x0200_5e00_0000,
        _ => 4,
    };
    let many = 20.min((max - base) / 2);
    vec![
        IntervalSet::one(base),
        IntervalSet::range(base, base + 3),
        IntervalSet::range(base + 1, base + 5),
        IntervalSet::from_iter([(base, base), (base + 3, base + 9), (base + 20, base + 20)]),
        (0..many).map(|i| (base + 2 * i, base + 2 * i)).collect(),
        IntervalSet::range(1, base),
        IntervalSet::range(base, max),
        IntervalSet::one(max),
        IntervalSet::one(0),
    ]
}

/// Names of interfaces.
pub fn patterns(names: &[&str]) -> IntervalSet {
    let names: Vec<_> =
        names.iter().map(|name| InterfacePattern::new(name.get(..16).unwrap_or(name)).unwrap()).collect();
    InterfacePattern::values(&names)
}

fn texts(texts: &[&str]) -> IntervalSet {
    texts.iter().map(|text| Datatype::String.parse_value(text).unwrap()).map(|value| (value, value)).collect()
}

/// Bits to test: one, two, and all that have names.
pub fn bits(field: Field) -> [u128; 3] {
    match field.datatype() {
        Datatype::CtState => [8, 8 | 2, 8 | 2 | 4 | 1 | 64],
        Datatype::CtStatus => [32, 16 | 32, 1 | 2 | 4 | 8 | 16 | 32 | 512],
        _ => [2, 2 | 16, 0xff],
    }
}

/// Masks of a number, none of which covers the whole field.
pub fn masks(field: Field) -> Vec<u128> {
    let max = field.max();
    let low = max >> (field.row().bits / 2);
    [low, max ^ low, 1, max >> 1, max ^ 1].into_iter().filter(|&mask| mask != 0 && mask != max).collect()
}
