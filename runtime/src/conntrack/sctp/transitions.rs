// SPDX-License-Identifier: GPL-3.0-or-later
//! The state table of `nf_conntrack_proto_sctp.c` (`sctp_conntracks`), a row a chunk type and direction.

use ringwall_ir::words::CtDirection;

use super::State::{
    self, Closed, CookieEchoed, CookieWait, Established, HeartbeatSent, ShutdownAckSent, ShutdownRecd, ShutdownSent,
};
use super::chunk;

/// One column for each state, in the order of [`State`]; none: the chunk cannot be right.
type Row = [Option<State>; 9];

const NO: Option<State> = None;
const CL: Option<State> = Some(Closed);
const CW: Option<State> = Some(CookieWait);
const CE: Option<State> = Some(CookieEchoed);
const ES: Option<State> = Some(Established);
const SS: Option<State> = Some(ShutdownSent);
const SR: Option<State> = Some(ShutdownRecd);
const SA: Option<State> = Some(ShutdownAckSent);
const HS: Option<State> = Some(HeartbeatSent);

const fn original(kind: u8) -> Option<Row> {
    Some(match kind {
        //                           none CL  CW  CE  ES  SS  SR  SA  HS
        chunk::INIT => [CL, CL, CW, CE, ES, CL, CL, SA, CW],
        chunk::INIT_ACK => [CL, CL, CW, CE, ES, SS, SR, SA, CL],
        chunk::ABORT => [CL, CL, CL, CL, CL, CL, CL, CL, CL],
        chunk::SHUTDOWN => [CL, CL, CW, CE, SS, SS, SR, SA, CL],
        chunk::SHUTDOWN_ACK => [SA, CL, CW, CE, ES, SA, SA, SA, SA],
        chunk::ERROR => [CL, CL, CW, CE, ES, SS, SR, SA, CL],
        chunk::COOKIE_ECHO => [CL, CL, CE, CE, ES, SS, SR, SA, CL],
        chunk::COOKIE_ACK => [CL, CL, CW, ES, ES, SS, SR, SA, CL],
        chunk::SHUTDOWN_COMPLETE => [CL, CL, CW, CE, ES, SS, SR, CL, CL],
        chunk::HEARTBEAT => [HS, CL, CW, CE, ES, SS, SR, SA, HS],
        chunk::HEARTBEAT_ACK => [CL, CL, CW, CE, ES, SS, SR, SA, HS],
        _ => return None,
    })
}

const fn reply(kind: u8) -> Option<Row> {
    Some(match kind {
        //                           none CL  CW  CE  ES  SS  SR  SA  HS
        chunk::INIT => [NO, CL, CW, CE, ES, SS, SR, SA, NO],
        chunk::INIT_ACK => [NO, CW, CW, CE, ES, SS, SR, SA, NO],
        chunk::ABORT => [NO, CL, CL, CL, CL, CL, CL, CL, NO],
        chunk::SHUTDOWN => [NO, CL, CW, CE, SR, SS, SR, SA, NO],
        chunk::SHUTDOWN_ACK => [NO, CL, CW, CE, ES, SA, SA, SA, NO],
        chunk::ERROR => [NO, CL, CW, CL, ES, SS, SR, SA, NO],
        chunk::COOKIE_ECHO => [NO, CL, CE, CE, ES, SS, SR, SA, NO],
        chunk::COOKIE_ACK => [NO, CL, CW, ES, ES, SS, SR, SA, NO],
        chunk::SHUTDOWN_COMPLETE => [NO, CL, CW, CE, ES, SS, SR, CL, NO],
        chunk::HEARTBEAT => [NO, CL, CW, CE, ES, SS, SR, SA, HS],
        chunk::HEARTBEAT_ACK => [NO, CL, CW, CE, ES, SS, SR, SA, ES],
        _ => return None,
    })
}

/// Where a chunk leads from a state. Chunks that no row speaks of leave the state as it is.
pub fn next(direction: CtDirection, kind: u8, state: State) -> Option<State> {
    let row = match direction {
        CtDirection::Original => original(kind),
        CtDirection::Reply => reply(kind),
    };
    match row {
        Some(row) => row.get(state as usize).copied().flatten(),
        None => Some(state),
    }
}
