// SPDX-License-Identifier: GPL-3.0-or-later
//! nft JSON (libnftables-json(5), schema version 1): what `nft -j -f` takes, and what `nft -j list` prints.

mod normal;
mod read;
mod write;

pub use normal::normal;
pub use read::{ReadError, read, untold};
pub use write::write;

#[cfg(test)]
mod tests;
