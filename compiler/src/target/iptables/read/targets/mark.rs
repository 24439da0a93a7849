// SPDX-License-Identifier: GPL-3.0-or-later
//! `MARK` and `CONNMARK`.

use ringwall_ir::{Assignment, Field, Selector, Source, Target};

use super::super::block::Block;
use super::super::matches::{number, with_mask};

/// All bits of a mark.
const ALL: u32 = u32::MAX;

/// What is written to the mark. Only one of the options can be given.
pub(super) fn mark(block: &Block<'_>, target: Target) -> Option<Assignment> {
    let text = |name| block.option(name).map(|option| option.value());
    let bits = |number: u128| u32::try_from(number).ok();
    let masked = |text| {
        let (value, mask) = with_mask(text)?;
        Some((bits(value)?, bits(mask)?))
    };
    let written = |keep: u32, value: u32| Assignment { target, keep, source: Source::Value(value) };
    if let Some(text) = text("--set-xmark") {
        let (value, mask) = masked(text)?;
        return Some(written(!mask, value));
    }
    if let Some(text) = text("--set-mark") {
        let (value, mask) = masked(text)?;
        return Some(written(!(mask | value), value));
    }
    for (option, keep_all) in [("--and-mark", false), ("--or-mark", true), ("--xor-mark", true)] {
        let Some(text) = text(option) else { continue };
        let value = bits(number(text)?)?;
        return Some(match option {
            "--or-mark" => written(!value, value),
            _ if keep_all => written(ALL, value),
            _ => written(value, 0),
        });
    }
    let shifts = block.has("--left-shift-mark") || block.has("--right-shift-mark");
    if target == Target::Mark || shifts || block.has("--save-mark") == block.has("--restore-mark") {
        return None;
    }
    let mask = |name| text(name).or_else(|| text("--mask")).map_or(Some(u128::from(ALL)), number).and_then(bits);
    let (nfmask, ctmask) = (mask("--nfmask")?, mask("--ctmask")?);
    let (target, kept, field, taken) = match block.has("--save-mark") {
        true => (Target::CtMark, !ctmask, Field::MetaMark, nfmask),
        false => (Target::Mark, !nfmask, Field::CtMark, ctmask),
    };
    let selector = Selector::masked(field, u128::from(taken));
    Some(Assignment { target, keep: kept, source: Source::Field { selector, xor: 0 } })
}
