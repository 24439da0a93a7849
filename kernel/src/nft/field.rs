// SPDX-License-Identifier: GPL-3.0-or-later
//! How the kernel brings a field into a register, and what a load brings.

use ringwall_ir::fields::{ByteOrder, Exthdr as Header, FIELDS, FibResult, Field, Load};
use ringwall_ir::words::CtDirection;
use rustables::sys;

use super::bytes::Bytes;
use super::expression::{Access, Ct, Expression, Exthdr, Fib, Meta, Numgen, Payload, Rt, Socket, Xfrm};
use super::register::Register;

/// How a value lies in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many bytes it fills.
    pub bytes: u8,
    /// How far it is shifted to the left within them.
    pub shift: u8,
    /// How many bits it has.
    pub bits: u8,
    /// The order of the bytes.
    pub order: ByteOrder,
}

impl Layout {
    /// How a field lies there once it is loaded.
    pub(super) const fn of(field: Field) -> Self {
        let row = field.row();
        match row.load {
            // Texts are numbers whose first byte is the highest, as in registers.
            _ if row.datatype.is_text() => {
                Self { bytes: row.bytes(), shift: 0, bits: row.bits, order: ByteOrder::Network }
            }
            Load::Payload(_, offset) => {
                let ahead = (offset % 8) as u8;
                let bytes = (ahead + row.bits).div_ceil(8);
                Self { bytes, shift: 8 * bytes - ahead - row.bits, bits: row.bits, order: row.order }
            }
            // A number has all bits of its bytes for nft, unless its data type says otherwise.
            _ if row.datatype.bits().is_none() => {
                Self { bytes: row.bytes(), shift: 0, bits: 8 * row.bytes(), order: row.order }
            }
            _ => Self { bytes: row.bytes(), shift: 0, bits: row.bits, order: row.order },
        }
    }

    /// How a field lies there for a comparison with one value. Whether there is a route is a number of 32 bits
    /// (`nft_fib_store_result`), of which sets have the lowest byte.
    pub(super) const fn compared(field: Field) -> Self {
        match field {
            Field::Fib(question) if matches!(question.result, FibResult::Exists) => {
                Self { bytes: 4, ..Self::of(field) }
            }
            field => Self::of(field),
        }
    }

    /// Whether there are bits of something else in the same bytes.
    pub(super) const fn is_partial(self) -> bool {
        self.shift > 0
    }

    /// The same value as a number of its own.
    #[must_use]
    pub(super) const fn alone(self) -> Self {
        Self { bytes: self.bits.div_ceil(8), shift: 0, ..self }
    }

    /// The same value where intervals are compared: in the network's order.
    #[must_use]
    pub(super) const fn ordered(self) -> Self {
        Self { order: ByteOrder::Network, ..self }
    }

    /// Whether its bytes must be turned around before intervals are compared.
    pub(super) const fn needs_turning(self) -> bool {
        matches!(self.order, ByteOrder::Host)
    }

    /// The bytes of a value.
    pub(super) fn bytes_of(self, value: u128) -> Bytes {
        Bytes::of(value << self.shift, self.bytes, self.order)
    }

    /// The value of bytes.
    pub(super) fn value_of(self, bytes: &Bytes) -> u128 {
        bytes.number(self.order) >> self.shift
    }

    /// All bits of the value.
    pub(super) fn whole(self) -> Bytes {
        let all = if self.bits >= 128 { u128::MAX } else { (1 << self.bits) - 1 };
        self.bytes_of(all)
    }
}

/// Appends what loads a field.
pub(super) fn load(field: Field, to: Register, out: &mut Vec<Expression<'_>>) {
    out.push(match (field, field.row().load) {
        (Field::Exthdr(header), _) => Expression::Exthdr(Exthdr::Present { header: header.name().1, to }),
        (Field::Fib(question), _) => Expression::Fib(Fib { question, to }),
        (Field::IpsecReqid(direction), Load::Xfrm(key)) => Expression::Xfrm(Xfrm { key, direction, to }),
        (Field::Numgen(numbers), _) => Expression::Numgen(Numgen { numbers, to }),
        (Field::SocketCgroupv2(level), Load::Socket(key)) => {
            Expression::Socket(Socket { key, level: level.into(), to })
        }
        // The kernel keeps no direction of this one: it is that of both (`nft_ct_get_init`).
        (Field::CtProtocol(_), Load::Ct(key)) => Expression::Ct(Ct { key, direction: None, access: Access::Load(to) }),
        (_, Load::Ct(key)) => Expression::Ct(Ct { key, direction: direction_of(field), access: Access::Load(to) }),
        (_, Load::Meta(key)) => Expression::Meta(Meta::Load { key, to }),
        (_, Load::Payload(base, offset)) => {
            let len = Layout::of(field).bytes.into();
            Expression::Payload(Payload { base, offset: u32::from(offset) / 8, len, to })
        }
        (_, Load::Rt(key)) => Expression::Rt(Rt { key, to }),
        (_, Load::Socket(key)) => Expression::Socket(Socket { key, level: 0, to }),
        (_, Load::TcpMaxseg) => Expression::Exthdr(Exthdr::Maxseg { to }),
        // Their fields are above.
        (_, Load::Exthdr | Load::Fib | Load::Numgen | Load::Xfrm(_)) => return,
    });
}

/// The direction of a tuple or count that a field is of.
pub(super) const fn direction_of(field: Field) -> Option<CtDirection> {
    match field {
        Field::CtAvgpkt(direction)
        | Field::CtBytes(direction)
        | Field::CtPackets(direction)
        | Field::CtZone(direction) => direction,
        Field::CtIp6Daddr(direction)
        | Field::CtIp6Saddr(direction)
        | Field::CtIpDaddr(direction)
        | Field::CtIpSaddr(direction)
        | Field::CtProtoDst(direction)
        | Field::CtProtoSrc(direction)
        | Field::CtProtocol(direction) => Some(direction),
        _ => None,
    }
}

/// The field of a key and direction of connection tracking.
pub(super) fn ct_field(key: u32, direction: Option<CtDirection>) -> Option<Field> {
    let sample = FIELDS.iter().find(|row| row.load == Load::Ct(key))?.field;
    let field = match sample {
        Field::CtAvgpkt(_) => Field::CtAvgpkt(direction),
        Field::CtBytes(_) => Field::CtBytes(direction),
        Field::CtPackets(_) => Field::CtPackets(direction),
        Field::CtZone(_) => Field::CtZone(direction),
        Field::CtIp6Daddr(_) => Field::CtIp6Daddr(direction?),
        Field::CtIp6Saddr(_) => Field::CtIp6Saddr(direction?),
        Field::CtIpDaddr(_) => Field::CtIpDaddr(direction?),
        Field::CtIpSaddr(_) => Field::CtIpSaddr(direction?),
        Field::CtProtoDst(_) => Field::CtProtoDst(direction?),
        Field::CtProtoSrc(_) => Field::CtProtoSrc(direction?),
        Field::CtProtocol(_) => Field::CtProtocol(direction?),
        other => other,
    };
    (direction_of(field) == direction).then_some(field)
}

/// The IPv6 extension header of a number.
pub(super) fn header(number: u8) -> Option<Field> {
    Header::ALL.into_iter().find(|header| header.name().1 == number).map(Field::Exthdr)
}

/// The field that is loaded so and has no parameters.
pub(super) fn field_of(load: Load) -> Option<Field> {
    FIELDS.iter().find(|row| row.load == load).map(|row| row.field)
}

/// The field that an expression loads, and where it goes; none where it loads none, or bytes of the packet.
pub(super) fn loaded(expression: &Expression<'_>) -> Option<(Field, Register)> {
    Some(match *expression {
        Expression::Ct(Ct { key: sys::NFT_CT_PROTOCOL, access: Access::Load(to), .. }) => {
            (Field::CtProtocol(CtDirection::Original), to)
        }
        Expression::Ct(Ct { key, direction, access: Access::Load(to) }) => (ct_field(key, direction)?, to),
        Expression::Exthdr(Exthdr::Present { header: number, to }) => (header(number)?, to),
        Expression::Exthdr(Exthdr::Maxseg { to }) => (Field::TcpMaxseg, to),
        Expression::Fib(Fib { question, to }) => (Field::Fib(question), to),
        Expression::Meta(Meta::Load { key, to }) => (field_of(Load::Meta(key))?, to),
        Expression::Numgen(Numgen { numbers, to }) => (Field::Numgen(numbers), to),
        Expression::Rt(Rt { key, to }) => (field_of(Load::Rt(key))?, to),
        Expression::Socket(Socket { key, level, to }) => match field_of(Load::Socket(key))? {
            Field::SocketCgroupv2(_) => (Field::SocketCgroupv2(u8::try_from(level).ok()?), to),
            other => (other, to),
        },
        Expression::Xfrm(Xfrm { key, direction, to }) => match field_of(Load::Xfrm(key))? {
            Field::IpsecReqid(_) => (Field::IpsecReqid(direction), to),
            other => (other, to),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_a_field_loads_that_field() {
        for row in FIELDS {
            let mut out = Vec::new();
            load(row.field, Register::SECOND, &mut out);
            match (&out[0], row.load) {
                (Expression::Payload(payload), Load::Payload(base, offset)) => {
                    assert_eq!((payload.base, payload.offset), (base, u32::from(offset) / 8), "{}", row.name);
                }
                (other, _) => assert_eq!(loaded(other), Some((row.field, Register::SECOND)), "{}", row.name),
            }
        }
    }

    #[test]
    fn code_points_share_their_bytes() {
        let v4 = Layout::of(Field::IpDscp);
        assert_eq!((v4.bytes, v4.shift, v4.whole().as_slice()), (1, 2, &[0xfc][..]));
        let v6 = Layout::of(Field::Ip6Dscp);
        assert_eq!((v6.bytes, v6.shift, v6.whole().as_slice()), (2, 6, &[0x0f, 0xc0][..]));
        assert_eq!(v6.value_of(&v6.bytes_of(46)), 46);
        assert_eq!(v6.alone().bytes, 1);
        for row in FIELDS {
            let partial = matches!(row.field, Field::IpDscp | Field::Ip6Dscp);
            assert_eq!(Layout::of(row.field).is_partial(), partial, "{}", row.name);
        }
    }
}
