// SPDX-License-Identifier: GPL-3.0-or-later
//! Elements that stay for ever in a set whose other elements do not.
//!
//! nft 1.0.6 takes `timeout 0s`, in text and in JSON, for a time that is not said: the kernel then gives the element that
//! of the set, and it goes.

use ringwall_ir::{Element, Elements, Milliseconds, Set, SetSpec};

use super::rule::WORDS;
use crate::target::{Target, Unsayable};

/// What can be done about it.
const HELP: &str = "`ringwall apply` installs it as it is; or give the element a long timeout, or the set none";

/// Refuses a set of which nft would let an element go that stays.
pub(in crate::target) fn lost(set: &Set, target: Target) -> Option<Unsayable> {
    let spec = set.spec();
    let usual = spec.timeout.filter(|usual| usual.0 > 0)?;
    let Elements::List(list) = set.elements() else { return None };
    let stays = list.iter().find(|element| element.timeout == Some(Milliseconds(0)))?;
    let reason = format!(
        "nft 1.0.6 has no word for an element that stays: it would give `{}` of set `{}` the timeout of the set, {usual}",
        key(spec, stays),
        set.name()
    );
    Some(Unsayable { origin: set.origin(), target, reason, help: Some(HELP.to_owned()) })
}

/// The element without what is said of it.
fn key(spec: &SetSpec, element: &Element) -> String {
    let plain = Element { timeout: None, expires: None, meters: Vec::new(), comment: None, ..element.clone() };
    WORDS.elements(spec, &Elements::List(vec![plain])).concat()
}

#[cfg(test)]
mod tests {
    use ringwall_ir::words::Hook;
    use ringwall_ir::{Datatype, KeyType, OriginId, SetFlags, TableParts, Tuple};

    use super::*;
    use crate::target::testing::samples::Sample;
    use crate::target::{nft, nft_json};

    const ADDRESS: u128 = 0xc633_6405;

    fn set(usual: Option<u64>, own: Option<u64>) -> Set {
        let key = vec![KeyType::Of(Datatype::Ipv4Addr)];
        let flags = SetFlags { timeout: true, ..SetFlags::default() };
        let spec = SetSpec { flags, timeout: usual.map(Milliseconds), ..SetSpec::of(key) };
        let element = Element::of(Tuple(vec![(ADDRESS, ADDRESS)]), OriginId(0));
        let element = Element { timeout: own.map(Milliseconds), ..element };
        Set::new("deny", spec, Elements::List(vec![element]), OriginId(0)).unwrap()
    }

    #[test]
    fn an_element_that_stays_beside_a_timeout_is_refused_in_text_and_json() {
        let write = |set: Set| {
            let parts = TableParts { sets: vec![set], ..TableParts::default() };
            let ruleset = Sample::filter(Hook::Input, Vec::new()).with(parts).ruleset();
            [nft::write(&ruleset), nft_json::write(&ruleset)]
        };
        for refused in write(set(Some(2000), Some(0))) {
            let [unsayable] = <[_; 1]>::try_from(refused.unwrap_err()).unwrap();
            assert!(
                unsayable.reason.ends_with("`198.51.100.5` of set `deny` the timeout of the set, 2s"),
                "{unsayable:?}"
            );
            assert_eq!(unsayable.help.as_deref(), Some(HELP));
        }
        // A time of its own can be said, and where the set has none, an element stays anyway.
        for kept in [set(Some(2000), Some(1000)), set(Some(2000), None), set(None, Some(0)), set(None, None)] {
            for written in write(kept) {
                written.unwrap();
            }
        }
    }
}
