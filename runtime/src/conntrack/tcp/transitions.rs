// SPDX-License-Identifier: GPL-3.0-or-later
//! The state table of `nf_conntrack_proto_tcp.c` (`tcp_conntracks`), a row a kind of segment.

use ringwall_ir::words::CtDirection;

use super::State::{self, Close, CloseWait, Established, FinWait, LastAck, SynRecv, SynSent, SynSent2, TimeWait};
use super::segment::Sign;

/// What a segment does to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It leads to the state.
    To(State),
    /// It may be right or not: it passes without effect, and the answer will tell.
    Ignore,
    /// It cannot be right.
    Invalid,
}

use Next::{Ignore as Ig, Invalid as No, To};

/// One column for each state, in the order of [`State`].
type Row = [Next; 10];

const SS: Next = To(SynSent);
const SR: Next = To(SynRecv);
const ES: Next = To(Established);
const FW: Next = To(FinWait);
const CW: Next = To(CloseWait);
const LA: Next = To(LastAck);
const TW: Next = To(TimeWait);
const CL: Next = To(Close);
const S2: Next = To(SynSent2);

//                          none SS  SR  ES  FW  CW  LA  TW  CL  S2
const SYN_ORIGINAL: Row = [SS, SS, Ig, Ig, Ig, Ig, Ig, SS, SS, S2];
const SYN_REPLY: Row = [No, S2, No, No, No, No, No, SS, No, S2];
const SYN_ACK_ORIGINAL: Row = [No, No, SR, No, No, No, No, No, No, SR];
const SYN_ACK_REPLY: Row = [No, SR, Ig, Ig, Ig, Ig, Ig, Ig, Ig, SR];
const FIN: Row = [No, No, FW, FW, LA, LA, LA, TW, CL, No];
const ACK_ORIGINAL: Row = [ES, No, ES, ES, CW, CW, TW, TW, CL, No];
const ACK_REPLY: Row = [No, Ig, SR, ES, CW, CW, TW, TW, CL, Ig];
const RST: Row = [No, CL, CL, CL, CL, CL, CL, CL, CL, CL];

/// Where a segment leads from a state.
pub fn next(direction: CtDirection, sign: Sign, state: State) -> Next {
    let row = match (sign, direction) {
        (Sign::Syn, CtDirection::Original) => SYN_ORIGINAL,
        (Sign::Syn, CtDirection::Reply) => SYN_REPLY,
        (Sign::SynAck, CtDirection::Original) => SYN_ACK_ORIGINAL,
        (Sign::SynAck, CtDirection::Reply) => SYN_ACK_REPLY,
        (Sign::Fin, _) => FIN,
        (Sign::Ack, CtDirection::Original) => ACK_ORIGINAL,
        (Sign::Ack, CtDirection::Reply) => ACK_REPLY,
        (Sign::Rst, _) => RST,
        (Sign::None, _) => return No,
    };
    row.get(state as usize).copied().unwrap_or(No)
}
