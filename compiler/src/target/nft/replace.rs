// SPDX-License-Identifier: GPL-3.0-or-later
//! What is to become of the parts of a table that may be there already, so that one text loads on an empty and on a loaded
//! kernel alike.

use ringwall_ir::words::{Direction, Hook, TableFamily};
use ringwall_ir::{Chain, DataType, Elements, Key, Object, ObjectKind, Role, Set, Table};

use super::sayable::check_elements;
use crate::lower;

/// Something that is cleared before the table is filled.
#[derive(Clone, Copy)]
pub(in crate::target) enum Clear<'a> {
    /// A set loses its elements.
    Flush(&'a Set),
    /// A set is made anew: the kernel takes nothing out of a constant one, and nothing in; nft 1.0.6 does not survive a `*`
    /// that comes to intervals which were there before.
    DeleteSet(&'a Set),
    /// An object is made anew: the kernel does not change it in place.
    DeleteObject(&'a Object),
}

/// What is cleared beside the rules, in order: elements that the ruleset alone writes, and what the kernel would not change
/// in place.
pub(in crate::target) fn cleared(table: &Table) -> impl Iterator<Item = Clear<'_>> {
    let sets = table.sets().iter().filter(|set| set.spec().role() == Role::Static).map(|set| {
        let anew = set.spec().flags.constant || catches_all(set);
        if anew { Clear::DeleteSet(set) } else { Clear::Flush(set) }
    });
    sets.chain(table.objects().iter().filter(|object| is_made_anew(object)).map(Clear::DeleteObject))
}

/// Each hook where an earlier policy may have left a chain of the own table, and that this one does not govern: without its
/// rules it would close the hook. To be deleted it must be there, so it is added first; nothing becomes of one that is.
pub(in crate::target) fn ungoverned(table: &Table) -> impl Iterator<Item = Hook> {
    let own = (table.family(), table.name()) == (TableFamily::Inet, lower::TABLE);
    let chain_of = |hook: Hook| move |chain: &Chain| chain.hook() == Some(hook) || chain.name() == hook.name();
    let governed = move |hook: Hook| table.chains().iter().any(chain_of(hook));
    Direction::ALL.map(Direction::hook).into_iter().filter(move |&hook| own && !governed(hook))
}

/// Whether the kernel leaves an object as it is when it is declared again otherwise: only quotas change
/// (`nft_quota_obj_ops`), and counters have nothing to change.
pub(in crate::target) fn is_made_anew(object: &Object) -> bool {
    is_kind_made_anew(object.body().kind())
}

const fn is_kind_made_anew(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::CtHelper | ObjectKind::CtTimeout | ObjectKind::Limit)
}

/// Whether nft takes a set, beside how it is declared.
///
/// # Errors
/// Why not.
pub(in crate::target) fn check_set(set: &Set) -> Result<(), String> {
    check_elements(set)?;
    let dynamic = set.spec().role() == Role::Dynamic;
    // Elements that stay hold objects that do not.
    let given = matches!(set.spec().data, Some(DataType::Object(kind)) if is_kind_made_anew(kind));
    if given && dynamic {
        return Err("what a dynamic map gives cannot be made anew by text".to_owned());
    }
    if catches_all(set) && dynamic {
        return Err("nft 1.0.6 adds no `*` to a dynamic set of intervals".to_owned());
    }
    Ok(())
}

/// Whether an element of a set of intervals stands for all other keys.
fn catches_all(set: &Set) -> bool {
    let Elements::List(list) = set.elements() else { return false };
    set.spec().flags.interval && list.iter().any(|element| element.key == Key::Any)
}
