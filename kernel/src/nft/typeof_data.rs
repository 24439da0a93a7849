// SPDX-License-Identifier: GPL-3.0-or-later
//! What the keys or data of a set are values of, as nft notes it in the set's user data: `typeof ip ttl`.
//!
//! A data type without a width of its own, a plain number or text, cannot be named in nft's `type`. nft then writes the
//! expressions whose values are meant (`set_key_expression` in `src/mnl.c`, `..._build_udata` in the files of each
//! expression), and lists the set by them.

use ringwall_ir::fields::{Field, IpsecDirection, Load, Numgen};
use ringwall_ir::words::CtDirection;

use super::expression::{ct_direction_number, fib_numbered, fib_numbers, numgen_kind_number, xfrm_direction_number};
use super::field::{ct_field, field_of, header};
use super::userdata::{Userdata, UserdataWriter};

/// `NFTNL_UDATA_SET_TYPEOF_EXPR` and `NFTNL_UDATA_SET_TYPEOF_DATA`; in a concatenation each part has the same two.
const EXPRESSION: u8 = 0;
const DATA: u8 = 1;

/// nft's numbers of expressions (`enum expr_types` in `include/expression.h`).
const VERDICT: u32 = 1;
const PAYLOAD: u32 = 7;
const EXTHDR: u32 = 8;
const META: u32 = 9;
const SOCKET: u32 = 10;
const CT: u32 = 12;
const CONCAT: u32 = 13;
const NUMGEN: u32 = 23;
const RT: u32 = 25;
const FIB: u32 = 26;
const XFRM: u32 = 27;

/// Where nft has a field of a header: the header (`enum proto_desc_id` in `include/proto.h`) and the field's place in it
/// (`enum *_hdr_fields`).
#[rustfmt::skip]
const HEADERS: &[(Field, u32, u32)] = &[
    (Field::IcmpType, 4, 1), (Field::IcmpCode, 4, 2),
    (Field::UdpSport, 6, 1), (Field::UdpDport, 6, 2), (Field::UdpLength, 6, 3),
    (Field::UdpliteSport, 7, 1), (Field::UdpliteDport, 7, 2),
    (Field::TcpSport, 8, 1), (Field::TcpDport, 8, 2), (Field::TcpFlags, 8, 7),
    (Field::DccpSport, 9, 1), (Field::DccpDport, 9, 2),
    (Field::SctpSport, 10, 1), (Field::SctpDport, 10, 2),
    (Field::ThSport, 11, 1), (Field::ThDport, 11, 2),
    (Field::IpDscp, 12, 3), (Field::IpLength, 12, 5), (Field::IpId, 12, 6), (Field::IpFragOff, 12, 7),
    (Field::IpTtl, 12, 8), (Field::IpProtocol, 12, 9), (Field::IpSaddr, 12, 11), (Field::IpDaddr, 12, 12),
    (Field::Ip6Dscp, 13, 2), (Field::Ip6Length, 13, 5), (Field::Ip6Nexthdr, 13, 6), (Field::Ip6HopLimit, 13, 7),
    (Field::Ip6Saddr, 13, 8), (Field::Ip6Daddr, 13, 9),
    (Field::Icmpv6Type, 14, 1), (Field::Icmpv6Code, 14, 2),
    (Field::EtherDaddr, 17, 1), (Field::EtherSaddr, 17, 2), (Field::EtherType, 17, 3),
];

/// Writes what one part, or all parts together, are values of; none: verdicts.
pub(super) fn write(writer: UserdataWriter, kind: u8, fields: Option<&[Field]>) -> UserdataWriter {
    writer.nest(kind, |writer| match fields {
        None => writer.number(EXPRESSION, VERDICT).nest(DATA, |data| data),
        Some([field]) => write_part(writer, *field),
        Some(fields) => writer.number(EXPRESSION, CONCAT).nest(DATA, |data| {
            (0..).zip(fields).fold(data, |data, (place, field)| data.nest(place, |part| write_part(part, *field)))
        }),
    })
}

fn write_part(writer: UserdataWriter, field: Field) -> UserdataWriter {
    let direction = |direction: Option<CtDirection>| {
        // nft notes -1 for none.
        direction.map_or(u32::MAX, |direction| ct_direction_number(direction).into())
    };
    let (expression, numbers): (u32, Vec<(u8, u32)>) = match (field, field.row().load) {
        (Field::Fib(question), _) => {
            let (result, flags) = fib_numbers(question);
            (FIB, vec![(0, result), (1, flags)])
        }
        (Field::Numgen(numbers), _) => {
            (NUMGEN, vec![(0, numgen_kind_number(numbers)), (1, numbers.modulus), (2, numbers.offset)])
        }
        (Field::IpsecReqid(way), Load::Xfrm(key)) => {
            (XFRM, vec![(0, key), (1, 0), (2, xfrm_direction_number(way).into())])
        }
        (Field::Exthdr(header), _) => (EXTHDR, vec![(1, 0), (0, header.name().1.into())]),
        // The third field of the option, read from TCP options.
        (_, Load::TcpMaxseg) => (EXTHDR, vec![(1, 2), (2, 1), (0, 2)]),
        (_, Load::Ct(key)) => (CT, vec![(0, key), (1, direction(super::field::direction_of(field)))]),
        (_, Load::Meta(key)) => (META, vec![(0, key)]),
        (_, Load::Rt(key)) => (RT, vec![(0, key)]),
        (_, Load::Socket(key)) => (SOCKET, vec![(0, key)]),
        (_, Load::Payload(..)) => {
            let known = HEADERS.iter().find(|(known, ..)| *known == field);
            let mut numbers = known.map_or_else(Vec::new, |&(_, header, place)| vec![(0, header), (1, place)]);
            if field.datatype().bits().is_none() {
                numbers.push((4, field.row().bits.into()));
            }
            (PAYLOAD, numbers)
        }
        (_, Load::Exthdr | Load::Fib | Load::Numgen | Load::Xfrm(_)) => (0, Vec::new()),
    };
    writer
        .number(EXPRESSION, expression)
        .nest(DATA, |data| numbers.into_iter().fold(data, |data, (kind, value)| data.number(kind, value)))
}

/// What the parts are values of; none where nft notes something that the IR has no field for, or no parts at all, as it
/// does of a concatenation that its data types tell.
pub(super) fn read(noted: Userdata<'_>) -> Option<Vec<Field>> {
    match noted.number(EXPRESSION)? {
        CONCAT => {
            let parts = noted.nest(DATA)?.iter().map(|(_, part)| read_part(Userdata::new(part)));
            parts.collect::<Option<Vec<_>>>().filter(|parts| !parts.is_empty())
        }
        _ => Some(vec![read_part(noted)?]),
    }
}

fn read_part(noted: Userdata<'_>) -> Option<Field> {
    let data = noted.nest(DATA)?;
    match noted.number(EXPRESSION)? {
        PAYLOAD => {
            let (header, place) = (data.number(0)?, data.number(1)?);
            HEADERS.iter().find(|(_, known, at)| (*known, *at) == (header, place)).map(|(field, ..)| *field)
        }
        META => field_of(Load::Meta(data.number(0)?)),
        RT => field_of(Load::Rt(data.number(0)?)),
        SOCKET => field_of(Load::Socket(data.number(0)?)),
        CT => {
            let direction = match data.number(1)? {
                0 => Some(CtDirection::Original),
                1 => Some(CtDirection::Reply),
                _ => None,
            };
            ct_field(data.number(0)?, direction)
        }
        EXTHDR => match (data.number(2), data.number(0), data.number(1)?) {
            (Some(1), Some(2), 2) => Some(Field::TcpMaxseg),
            (None, Some(number), 0) => header(u8::try_from(number).ok()?),
            _ => None,
        },
        FIB => fib_numbered(data.number(0)?, data.number(1)?).map(Field::Fib),
        NUMGEN => Some(Field::Numgen(Numgen {
            random: data.number(0)? == 1,
            modulus: data.number(1)?,
            offset: data.number(2)?,
        })),
        XFRM => {
            let direction = [IpsecDirection::In, IpsecDirection::Out]
                .into_iter()
                .find(|known| Some(u32::from(xfrm_direction_number(*known))) == data.number(2))?;
            Some(Field::IpsecReqid(direction))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ringwall_ir::fields::FIELDS;

    use super::*;

    #[test]
    fn a_concatenation_without_parts_is_told_by_its_data_types() {
        let bytes = UserdataWriter::default().number(EXPRESSION, CONCAT).nest(DATA, |data| data).finish();
        assert_eq!(read(Userdata::new(&bytes)), None);
    }

    #[test]
    fn every_field_is_noted_and_read() {
        const KEY: u8 = 3;
        for row in FIELDS {
            for fields in [vec![row.field], vec![Field::IpSaddr, row.field, Field::MetaMark]] {
                let bytes = write(UserdataWriter::default(), KEY, Some(&fields)).finish();
                assert_eq!(Userdata::new(&bytes).nest(KEY).and_then(read), Some(fields), "{}", row.name);
            }
        }
    }
}
