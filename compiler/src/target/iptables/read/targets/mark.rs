// SPDX-License-Identifier: GPL-3.0-or-later
//! `MARK` and `CONNMARK`.

use ringwall_ir::{Assignment, Field, Selector, Source, Target};

use super::super::Known;
use super::super::block::{Block, Opt};
use super::super::matches::{narrow, with_mask};

/// All bits of a mark.
const ALL: u32 = u32::MAX;

/// What is written to the mark. Only one of the options can be given.
pub(super) fn mark(block: &Block<'_>, target: Target) -> Known<Assignment> {
    let written = |keep: u32, value: u32| Ok(Assignment { target, keep, source: Source::Value(value) });
    if let Some(option) = block.option("--set-xmark") {
        let (value, mask) = masked(option)?;
        return written(!mask, value);
    }
    if let Some(option) = block.option("--set-mark") {
        let (value, mask) = masked(option)?;
        return written(!(mask | value), value);
    }
    for name in ["--and-mark", "--or-mark", "--xor-mark"] {
        let Some(option) = block.option(name) else { continue };
        let value = narrow(option)?;
        return match name {
            "--and-mark" => written(value, 0),
            "--or-mark" => written(!value, value),
            _ => written(ALL, value),
        };
    }
    if target == Target::Mark {
        return Err("it has no option that writes".to_owned());
    }
    copied(block)
}

/// `CONNMARK --save-mark`, `--restore-mark`.
fn copied(block: &Block<'_>) -> Known<Assignment> {
    if let Some(shift) = block.option("--left-shift-mark").or_else(|| block.option("--right-shift-mark")) {
        return Err(shift.not_modelled());
    }
    if block.has("--save-mark") == block.has("--restore-mark") {
        return Err("it either saves or restores".to_owned());
    }
    let mask = |name| block.option(name).or_else(|| block.option("--mask")).map_or(Ok(ALL), narrow::<u32>);
    let (nfmask, ctmask) = (mask("--nfmask")?, mask("--ctmask")?);
    let (target, kept, field, taken) = match block.has("--save-mark") {
        true => (Target::CtMark, !ctmask, Field::MetaMark, nfmask),
        false => (Target::Mark, !nfmask, Field::CtMark, ctmask),
    };
    let selector = Selector::masked(field, u128::from(taken));
    Ok(Assignment { target, keep: kept, source: Source::Field { selector, xor: 0 } })
}

/// Both are of 32 bits.
fn masked(option: &Opt<'_>) -> Known<(u32, u32)> {
    let (value, mask) = with_mask(option)?;
    let bits = |number| u32::try_from(number).map_err(|_| option.is_no("number of 32 bits"));
    Ok((bits(value)?, bits(mask)?))
}
