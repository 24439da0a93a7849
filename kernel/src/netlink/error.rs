// SPDX-License-Identifier: GPL-3.0-or-later
//! What can go wrong on a netlink socket, and how the kernel says so.

use std::io;

use libc::{NLM_F_ACK_TLVS, NLM_F_CAPPED};
use nix::errno::Errno;
use thiserror::Error;

use super::attribute::Attributes;
use super::message::{HEADER_LEN, Message};

/// Offset of the attribute that the kernel minds (`enum nlmsgerr_attrs` in `include/uapi/linux/netlink.h`).
const NLMSGERR_ATTR_OFFS: u16 = 2;
/// The kernel's own words.
const NLMSGERR_ATTR_MSG: u16 = 1;

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// An attribute is longer than what holds it, or shorter than its own header.
    #[error("a netlink attribute runs over the end")]
    Attribute,
    /// A message is longer than what was received, or shorter than its own header.
    #[error("a netlink message runs over the end")]
    Message,
    /// An attribute that must be there is not.
    #[error("netlink attribute {0} is missing")]
    Missing(u16),
    /// An attribute does not have the size of its type.
    #[error("netlink attribute {0} has the wrong size")]
    Size(u16),
    /// A name is not UTF-8.
    #[error("netlink attribute {0} is not text")]
    Text(u16),
}

/// The kernel's refusal of one message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{}", .errno.desc().to_lowercase(), .words.as_ref().map(|words| format!(": {words}")).unwrap_or_default())]
pub struct Refused {
    /// The sequence number of the refused message.
    pub sequence: u32,
    /// Why.
    pub errno: Errno,
    /// Where in the message, in bytes, if the kernel says so.
    pub offset: Option<u32>,
    /// The kernel's own words, if it has any.
    pub words: Option<String>,
}

/// Why talking to the kernel failed.
#[derive(Debug, Error)]
pub enum NetlinkError {
    /// Other programs change the ruleset so often that no dump is whole.
    #[error("the ruleset changes while it is read")]
    Interrupted,
    /// An answer cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The kernel says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The kernel gave no answer where it owes one.
    #[error("the kernel does not answer")]
    Silent,
    /// The socket itself fails.
    #[error("netlink socket: {0}")]
    Socket(#[from] io::Error),
}

impl NetlinkError {
    /// Whether the kernel refused with this error number.
    #[must_use]
    pub fn is(&self, errno: Errno) -> bool {
        matches!(self, Self::Refused(refused) if refused.errno == errno)
    }
}

impl Refused {
    /// Reads a message of type `NLMSG_ERROR` (`struct nlmsgerr`); none if it is an acknowledgement.
    ///
    /// # Errors
    /// [`Malformed`] where it is too short.
    pub fn read(message: &Message<'_>) -> Result<Option<Self>, Malformed> {
        let (code, rest) = message.payload.split_first_chunk().ok_or(Malformed::Message)?;
        let code = i32::from_ne_bytes(*code);
        if code == 0 {
            return Ok(None);
        }
        let mut refused = Self {
            sequence: message.sequence,
            errno: Errno::from_raw(code.saturating_neg()),
            offset: None,
            words: None,
        };
        if i32::from(message.flags) & NLM_F_ACK_TLVS != 0 {
            let extra = Attributes::parse(behind_original(message, rest)?)?;
            refused.offset = extra.get(NLMSGERR_ATTR_OFFS).map(|offset| offset.ne32()).transpose()?;
            refused.words = extra.get(NLMSGERR_ATTR_MSG).map(|words| words.text()).transpose()?.map(str::to_owned);
        }
        Ok(Some(refused))
    }
}

/// What follows the copy of the refused message: its header alone if capped, else all of it.
fn behind_original<'a>(message: &Message<'_>, rest: &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = if i32::from(message.flags) & NLM_F_CAPPED != 0 {
        HEADER_LEN
    } else {
        let length = rest.first_chunk().ok_or(Malformed::Message)?;
        usize::try_from(u32::from_ne_bytes(*length)).map_err(|_| Malformed::Message)?.next_multiple_of(4)
    };
    rest.get(length..).ok_or(Malformed::Message)
}
