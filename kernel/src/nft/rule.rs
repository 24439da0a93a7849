// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules: how the IR's become the kernel's, and how the kernel's are read.

mod looked_at;
mod read;
mod write;

pub use read::{Reader, Source};
pub use write::{RuleWriter, Unsayable};

use super::expression::{Expression, Immediate};
use super::verdict::Code;

/// The comment of the last rule of a closed chain. A chain policy alone lets packets through while it is replaced.
pub const CLOSING: &str = "closing";

/// The comment of the rule that decides as the end of a chain does, while the rules that are to come already stand behind
/// it.
pub const GUARD: &str = "being replaced";

/// What the last rule of a closed chain does.
pub const CLOSING_EXPRESSIONS: [Expression<'static>; 1] = deciding(Code::Drop);

/// What a rule does that decides, whatever the packet is.
pub const fn deciding(code: Code<'static>) -> [Expression<'static>; 1] {
    [Expression::Immediate(Immediate::Verdict(code))]
}
