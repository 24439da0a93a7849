// SPDX-License-Identifier: GPL-3.0-or-later
//! Fields that lie side by side, compared at once (nft's `payload_do_merge`).

use std::ops::Range;

use ringwall_ir::Field;
use ringwall_ir::fields::Base;

use crate::nft::bytes::{Bytes, VALUE_LEN};
use crate::nft::expression::{Cmp, Expression, Operator, Payload};
use crate::nft::register::Register;

/// The most bytes that the kernel loads and compares in one step of its evaluation loop (`nft_cmp_fast_eval`).
const FAST_LEN: u32 = 4;

/// A test of a run: where its guards and its expressions are.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) guards: Range<usize>,
    pub(super) expressions: Range<usize>,
    /// Whole fields of the packet that are compared with values.
    pub(super) compared: Option<Compared>,
    /// It went along with a neighbour.
    pub(super) gone: bool,
}

/// Whole fields of the packet that are compared with values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared {
    payload: Payload,
    data: Bytes,
    /// One of them tells what follows the header: nft keeps it where it is.
    tells: bool,
}

impl Compared {
    pub(super) const fn of(field: Field, payload: Payload, data: Bytes) -> Self {
        let tells = matches!(field, Field::EtherType | Field::IpProtocol | Field::Ip6Nexthdr);
        Self { payload, data, tells }
    }

    pub(super) fn expressions(&self, register: Register) -> [Expression<'static>; 2] {
        [
            Expression::Payload(self.payload),
            Expression::Cmp(Cmp { from: register, operator: Operator::Equal, data: self.data }),
        ]
    }

    /// Both, if the other follows this one and the kernel gains by it (nft's `payload_can_merge`).
    fn joined(&self, next: &Self) -> Option<Self> {
        let (own, others) = (self.payload.len, next.payload.len);
        let total = own + others;
        let gains = total <= FAST_LEN || self.payload.base == Base::Link || own > FAST_LEN || others > FAST_LEN;
        if !self.payload.is_before(next.payload) || !gains || total > VALUE_LEN as u32 {
            return None;
        }
        let payload = Payload { len: total, ..self.payload };
        Some(Self { payload, data: self.data.followed_by(&next.data)?, tells: self.tells || next.tells })
    }
}

/// Compares fields that lie side by side at once: in the place of the first of them, or of the one that tells what
/// follows the header.
pub(super) fn join_neighbours(pieces: &mut [Piece]) {
    let mut order: Vec<usize> = (0..pieces.len()).filter(|&place| compared(pieces, place).is_some()).collect();
    if order.len() < 2 {
        return;
    }
    order
        .sort_by_key(|&place| compared(pieces, place).map(|compared| (compared.payload.base, compared.payload.offset)));
    let mut places = order.into_iter();
    let Some(mut last) = places.next() else { return };
    for this in places {
        let (Some(before), Some(next)) = (compared(pieces, last), compared(pieces, this)) else { continue };
        let Some(both) = before.joined(&next) else {
            last = this;
            continue;
        };
        let (kept, gone) = if next.tells { (this, last) } else { (last, this) };
        if let Some(piece) = pieces.get_mut(kept) {
            piece.compared = Some(both);
        }
        if let Some(piece) = pieces.get_mut(gone) {
            (piece.compared, piece.gone) = (None, true);
        }
        last = kept;
    }
}

fn compared(pieces: &[Piece], place: usize) -> Option<Compared> {
    pieces.get(place)?.compared
}
