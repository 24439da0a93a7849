// SPDX-License-Identifier: GPL-3.0-or-later
//! Forms of edition 1 that this version does not compile: known by their words, so that nobody hunts for a mistake.

/// A form of the language that is not read yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// The words that it is known by.
    pub(crate) words: &'static [&'static str],
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// What an author can do until it is read.
    pub(crate) help: &'static str,
}

const TRANSLATION: &str = "leave translation to another table for now; sentences see the translated destination";
const OTHER_TABLE: &str = "leave it to another table for now";
const LEAVE_OUT: &str = "leave the sentence out for now: without this part it would say something else";
const SPELL_OUT: &str = "write the sentences out in this file for now";
const EXPECT: &str = "`expect inbound ssh from 192.0.2.7 allowed` checks single ends for now";
const EXPECT_DROPPED: &str = "`expect inbound ssh from 203.0.113.9 dropped` checks single ends for now";
const ADDRESSES: &str = "write the addresses out for now";

/// Forms that open a sentence or a declaration.
const OPENERS: &[Form] = &[
    Form { words: &["add", "source", "to"], purpose: "filling sets", help: OTHER_TABLE },
    Form { words: &["apply"], purpose: "templates", help: SPELL_OUT },
    Form {
        words: &["check", "sources"],
        purpose: "reverse-path checks",
        help: "the sysctl `rp_filter` does it for IPv4",
    },
    Form { words: &["clamp"], purpose: "clamping the segment size", help: OTHER_TABLE },
    Form { words: &["for", "hosts"], purpose: "sentences for some hosts only", help: "write one policy for each host" },
    Form { words: &["include"], purpose: "policies of several files", help: SPELL_OUT },
    Form { words: &["keep", "open"], purpose: "promises of access", help: EXPECT },
    Form { words: &["mark"], purpose: "marking conversations", help: OTHER_TABLE },
    Form { words: &["masquerade"], purpose: "address translation", help: TRANSLATION },
    Form { words: &["never", "allow"], purpose: "promises of refusal", help: EXPECT_DROPPED },
    Form { words: &["publish"], purpose: "address translation", help: TRANSLATION },
    Form { words: &["redirect"], purpose: "address translation", help: TRANSLATION },
    Form { words: &["set"], purpose: "sets that are filled at run time", help: "`network` names fixed addresses" },
    Form { words: &["template"], purpose: "templates", help: SPELL_OUT },
    Form { words: &["track"], purpose: "conntrack helpers", help: OTHER_TABLE },
    Form { words: &["translate"], purpose: "address translation", help: TRANSLATION },
    Form { words: &["untrack"], purpose: "traffic without conntrack", help: OTHER_TABLE },
    Form {
        words: &["zone"],
        purpose: "names for interfaces",
        help: "`network` names addresses; write interfaces out: `from lan on eth1`",
    },
];

/// Forms that stand inside a sentence or a list.
const PARTS: &[Form] = &[
    Form { words: &["at", "most"], purpose: "limits", help: LEAVE_OUT },
    Form { words: &["by", "group"], purpose: "matching the sender's group", help: LEAVE_OUT },
    Form { words: &["by", "unit"], purpose: "matching the sender's unit", help: LEAVE_OUT },
    Form { words: &["by", "user"], purpose: "matching the sender's user", help: LEAVE_OUT },
    Form { words: &["list"], purpose: "lists of addresses in files", help: ADDRESSES },
    Form { words: &["mac"], purpose: "binding addresses to MAC addresses", help: ADDRESSES },
    Form { words: &["marked"], purpose: "matching marks", help: LEAVE_OUT },
    Form { words: &["name"], purpose: "addresses of host names", help: ADDRESSES },
    Form { words: &["over", "ipsec"], purpose: "matching IPsec", help: LEAVE_OUT },
    Form { words: &["published"], purpose: "matching translated conversations", help: LEAVE_OUT },
    Form { words: &["until"], purpose: "sentences that end by themselves", help: LEAVE_OUT },
];

/// The form that these words open a sentence with.
pub(crate) fn opening(words: &[&str]) -> Option<&'static Form> {
    OPENERS.iter().find(|form| words.starts_with(form.words))
}

/// The form that these words start with, inside a sentence.
pub(crate) fn part(words: &[&str]) -> Option<&'static Form> {
    PARTS.iter().find(|form| words.starts_with(form.words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::RESERVED;

    #[test]
    fn every_first_word_is_reserved() {
        for form in OPENERS.iter().chain(PARTS) {
            assert!(form.words.first().is_some_and(|word| RESERVED.contains(word)), "{form:?}");
        }
    }

    #[test]
    fn forms_are_known_by_all_their_words() {
        assert_eq!(opening(&["keep", "open", "ssh"]).map(|form| form.purpose), Some("promises of access"));
        assert_eq!(opening(&["keep", "closed"]), None);
        assert_eq!(part(&["at", "most", "3"]).map(|form| form.purpose), Some("limits"));
    }
}
