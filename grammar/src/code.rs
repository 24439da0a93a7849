// SPDX-License-Identifier: GPL-3.0-or-later
//! The table of diagnostic codes: one row a code, with its severity, its title and its page under `docs/diagnostics/`.

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The policy cannot be compiled.
    Error,
    /// The policy compiles, but probably not to what its author wants.
    Warning,
}

macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $title:literal;)*) => {
        /// A stable code. The name of each is what users see, search and link to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name that users see.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How severe a finding of this code is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The code in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Its page of documentation, in Markdown.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../docs/diagnostics/", $name, ".md")),)*
                }
            }
        }
    };
}

codes! {
    // the text
    TooLarge "too-large" Error "the file is larger than 4 MiB";
    NotText "not-text" Error "the file is not UTF-8 text";
    ByteOrderMark "byte-order-mark" Error "the file starts with a byte-order mark";
    Syntax "syntax" Error "the words do not form a sentence";
    NotYet "not-yet" Error "a form of the language that this version does not compile";
    ForeignWord "foreign-word" Error "a word of another firewall's language";
    // names and values
    UnknownName "unknown-name" Error "a name that nothing declares";
    DuplicateName "duplicate-name" Error "a name or label that is declared twice";
    CircularName "circular-name" Error "a name that stands for itself";
    BadAddress "bad-address" Error "not an address, a prefix or a range";
    BadPort "bad-port" Error "not a port or a range of ports";
    BadValue "bad-value" Error "a value out of its range";
    BadInterface "bad-interface" Error "not a name of an interface";
    UnknownEdition "unknown-edition" Error "an edition that this version does not know";
    // sentences
    StatesOfAllow "states-of-allow" Error "`allow` with states";
    PermitWithoutStates "permit-without-states" Error "`permit` without states";
    AllowWithoutDirection "allow-without-direction" Error "`allow` without a direction";
    NothingGoverned "nothing-governed" Error "a sentence for every governed direction, where none is governed";
    WrongEnd "wrong-end" Error "an interface at an end where the packet has none";
    ConflictingFamilies "conflicting-families" Error "a sentence that no packet of either family can match";
    NeverMatches "never-matches" Error "traffic that is never in the states of the sentence";
    SecondOtherwise "second-otherwise" Error "a second `otherwise` for one direction";
    Unreachable "unreachable" Error "a sentence that an earlier one covers";
    RejectKind "reject-kind" Error "a kind of refusal that the traffic cannot get";
    EmptyPolicy "empty-policy" Error "a policy without a sentence";
    Internal "internal" Error "a defect of the compiler itself";
    // what probably was not meant
    CutsOffLoopback "cuts-off-loopback" Warning "the host cannot talk to itself";
    CutsOffNeighbours "cuts-off-neighbours" Warning "IPv6 neighbour discovery is cut off";
    NoRelatedErrors "no-related-errors" Warning "ICMP errors about the host's own connections are dropped";
    MuteReject "mute-reject" Warning "the host's own refusals are dropped on their way out";
    HalfOpen "half-open" Warning "a conversation that may be opened but not answered";
    UnusedName "unused-name" Warning "a name that no sentence uses";
}
