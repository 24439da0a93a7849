// SPDX-License-Identifier: GPL-3.0-or-later
//! The rows of statements, verdicts, and of tests that are not of a field.

use super::cells::{ALL, Cells};

/// A thing of the IR that is not a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Word {
    /// The verdict `accept`.
    Accept,
    /// The test `ct count`.
    Connlimit,
    /// The statement `counter`.
    Counter,
    /// The statement `ct helper set`.
    CtHelper,
    /// The statement `ct mark set`.
    CtMarkSet,
    /// The statement `ct timeout set`.
    CtTimeout,
    /// The statement `ct zone set`.
    CtZoneSet,
    /// The verdict `dnat`.
    Dnat,
    /// The verdict `drop`.
    Drop,
    /// The verdict `goto`.
    Goto,
    /// The verdict `jump`.
    Jump,
    /// The test `limit`.
    Limit,
    /// The statement `log` to the kernel's ring buffer.
    Log,
    /// The statement `log group`.
    LogGroup,
    /// The statement `meta mark set`.
    MarkSet,
    /// The verdict `masquerade`.
    Masquerade,
    /// The statement `tcp option maxseg size set`.
    MssSet,
    /// The statement `notrack`.
    Notrack,
    /// The statement or test that names an object.
    Object,
    /// The statement `meta priority set`.
    PrioritySet,
    /// The verdict `queue`.
    Queue,
    /// The test `quota`.
    Quota,
    /// The verdict `redirect`.
    Redirect,
    /// The verdict `reject`.
    Reject,
    /// The verdict `return`.
    Return,
    /// The statement `add`, `update` or `delete` of a set's element.
    SetUpdate,
    /// The verdict `snat`.
    Snat,
    /// The verdict map.
    Vmap,
}

/// The row of a statement or verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordRow {
    /// The statement or verdict.
    pub word: Word,
    /// Its name in nft text.
    pub name: &'static str,
    /// Who handles it.
    pub cells: Cells,
}

macro_rules! words {
    ($($word:ident $name:literal $cells:expr;)*) => {
        /// The statements, the verdicts, and the tests that are not of a field.
        pub const WORDS: &[WordRow] = &[$(Word::$word.row(),)*];

        impl Word {
            /// The row.
            #[must_use]
            pub const fn row(self) -> WordRow {
                match self {
                    $(Self::$word => WordRow { word: self, name: $name, cells: $cells },)*
                }
            }
        }
    };
}

#[rustfmt::skip]
words! {
    Accept "accept" ALL;
    Connlimit "ct count" ALL;
    Counter "counter" ALL;
    CtHelper "ct helper set" ALL;
    CtMarkSet "ct mark set" ALL;
    CtTimeout "ct timeout set" ALL.no_machine("the machine's connection tracking has the kernel's own timeouts only").no_iptables("xtables gives timeouts that nfct(8) made, and cannot make them")
        .no_nft_json("nft 1.0.6 forgets the timeouts in JSON, and does not survive to delete them");
    CtZoneSet "ct zone set" ALL;
    Dnat "dnat" ALL;
    Drop "drop" ALL;
    Goto "goto" ALL;
    Jump "jump" ALL;
    Limit "limit" ALL;
    Log "log" ALL;
    LogGroup "log group" ALL;
    MarkSet "meta mark set" ALL;
    Masquerade "masquerade" ALL;
    MssSet "tcp option maxseg size set" ALL;
    Notrack "notrack" ALL;
    Object "object" ALL.no_iptables("xtables has no named objects");
    PrioritySet "meta priority set" ALL;
    Queue "queue" ALL;
    Quota "quota" ALL;
    Redirect "redirect" ALL;
    Reject "reject" ALL;
    Return "return" ALL;
    SetUpdate "set update" ALL
        .no_nft_json("nft 1.0.6 has no `dynamic` in JSON, without which a set that packets add to loads only once");
    Snat "snat" ALL;
    Vmap "vmap" ALL;
}
