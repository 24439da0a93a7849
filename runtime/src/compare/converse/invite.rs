// SPDX-License-Identifier: GPL-3.0-or-later
//! What the ends of control connections say that helpers of connection tracking read, and the conversations that an end
//! opens when it hears it: FTP (RFC 959, RFC 2428) and TFTP (RFC 1350).

use fastrand::Rng;
use ringwall_ir::words::Family;

use super::talk::{Name, Side};
use crate::packet::wire;

/// The ports of the two control connections.
pub const FTP: u16 = 21;
pub const TFTP: u16 = 69;

/// A request that a server answers from another port.
pub const READ_REQUEST: &[u8] = b"\0\x01ringwall\0octet\0";

/// What an end of an FTP control connection says: often where it expects data, and sometimes nonsense about it.
pub fn ftp_line(side: Side, family: Family, own: u128, rng: &mut Rng) -> Vec<u8> {
    let port = rng.u16(1024..);
    let [high, low] = port.to_be_bytes();
    let octets = u32::try_from(own & u128::from(u32::MAX)).unwrap_or(0).to_be_bytes();
    let numbers = octets.map(|octet| octet.to_string()).join(",");
    let address = wire::address(family, own);
    let number = if family == Family::Ipv4 { 1 } else { 2 };
    let line = match (side, rng.u8(..8)) {
        (Side::Opener, 0) => "USER ringwall\r\n".to_owned(),
        (Side::Answerer, 0) => "230 Logged in\r\n".to_owned(),
        (Side::Opener, 1) => format!("PORT {numbers},{high}\r\n"),
        (Side::Answerer, 1) => format!("229 Entering Extended Passive Mode (|||{port}\r\n"),
        (Side::Opener, 2..=4) if family == Family::Ipv4 => format!("PORT {numbers},{high},{low}\r\n"),
        (Side::Opener, _) => format!("EPRT |{number}|{address}|{port}|\r\n"),
        (Side::Answerer, 2..=4) if family == Family::Ipv4 => {
            format!("227 Entering Passive Mode ({numbers},{high},{low})\r\n")
        }
        (Side::Answerer, _) => format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
    };
    let cut = if rng.u8(..16) == 0 { rng.usize(..line.len()) } else { line.len() };
    line.into_bytes().into_iter().take(cut).collect()
}

/// Where the end that hears a line of FTP is to connect to; `other` said it.
pub fn invitation(payload: &[u8], other: Name) -> Option<Name> {
    let text = std::str::from_utf8(payload).ok()?.strip_suffix("\r\n")?;
    if let Some(numbers) = text.strip_prefix("PORT ") {
        return name_in_numbers(numbers);
    }
    let inside = |text: &str| Some(text.split_once('(')?.1.strip_suffix(')')?.to_owned());
    if let Some(rest) = text.strip_prefix("227 ") {
        return name_in_numbers(&inside(rest)?);
    }
    let fields: Vec<String> = match text.strip_prefix("EPRT ") {
        Some(fields) => fields.split('|').map(str::to_owned).collect(),
        None => inside(text.strip_prefix("229 ")?)?.split('|').map(str::to_owned).collect(),
    };
    let [_, _, address, port, _] = fields.as_slice() else { return None };
    let address = if address.is_empty() { other.0 } else { wire::bits(address.parse().ok()?) };
    Some((address, port.parse().ok()?))
}

fn name_in_numbers(text: &str) -> Option<Name> {
    let numbers: Vec<u8> = text.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [a, b, c, d, high, low] = numbers.try_into().ok()?;
    Some((u32::from_be_bytes([a, b, c, d]).into(), u16::from_be_bytes([high, low])))
}

/// The port that an invited end opens from: now and then the server's own for data.
pub fn invited_from(side: Side, announced: u16) -> u16 {
    const FTP_DATA: u16 = 20;
    if side == Side::Answerer && announced.is_multiple_of(2) { FTP_DATA } else { 30_000 + announced % 20_000 }
}
