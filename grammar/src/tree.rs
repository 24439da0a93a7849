// SPDX-License-Identifier: GPL-3.0-or-later
//! The syntax tree of a policy: what was written, in the order it was written, with names not yet looked up.
//!
//! Numbers and addresses are kept as written, so that `compiler::resolve` can say what is wrong with them at their place.

use crate::span::{Span, Spanned};

/// A word that the author chose: the name of a network, a service, a label, a type.
pub type Name = Spanned<String>;

/// One policy file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// `policy NAME edition N`, if the file has one.
    pub header: Option<Header>,
    /// Everything else, in order.
    pub items: Vec<Item>,
}

/// `policy laptop edition 1`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The policy's name.
    pub name: Name,
    /// The edition of the language.
    pub edition: Spanned<u64>,
}

/// One declaration or sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every item of a policy is a sentence")]
pub enum Item {
    /// `baseline host except ping`
    Baseline(Baseline),
    /// `expect inbound ssh from 192.168.1.7 allowed`
    Expect(Expect),
    /// `network lan = 192.168.1.0/24`
    Network(Network),
    /// `otherwise drop inbound`
    Otherwise(Otherwise),
    /// `allow inbound ssh`
    Sentence(Sentence),
    /// `service web = tcp 80, 443`
    Service(Service),
}

/// `baseline NAME [except LABEL, ...]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Which baseline.
    pub name: Name,
    /// The parts of it that are left out.
    pub except: Vec<Name>,
    /// The whole of it.
    pub span: Span,
}

/// `network NAME = ADDRESSES`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The name it declares.
    pub name: Name,
    /// The addresses it stands for.
    pub addresses: Addresses,
    /// The whole of it.
    pub span: Span,
}

/// `service NAME = TRAFFIC`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The name it declares.
    pub name: Name,
    /// The traffic it stands for.
    pub traffic: Vec<Traffic>,
    /// The whole of it.
    pub span: Span,
}

/// `[label] VERB [STATES] [DIRECTIONS] [TRAFFIC] [from WHO] [to WHO] [on IF] [, log ...] [because "..."]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The author's name for it.
    pub label: Option<Name>,
    /// What happens to a packet that it matches.
    pub verb: Spanned<Verb>,
    /// The ct states it speaks of; none written, none here.
    pub states: Vec<Spanned<State>>,
    /// The directions it speaks of; none written, none here.
    pub directions: Vec<Spanned<Direction>>,
    /// The traffic it speaks of; none written: all.
    pub traffic: Vec<Traffic>,
    /// Both ends.
    pub ends: Ends,
    /// `, log ...`
    pub log: Option<Log>,
    /// `because "..."`
    pub because: Option<Spanned<String>>,
    /// From the label or verb to the last word.
    pub span: Span,
}

/// `[from WHO] [to WHO]`, or `on IF` in the place of either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// `from WHO`
    pub from: Option<Who>,
    /// `to WHO`
    pub to: Option<Who>,
    /// `on IF`, not behind a WHO: the interface that the direction leaves to name.
    pub on: Option<Interfaces>,
}

/// What a sentence does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `allow`
    Allow,
    /// `drop`
    Drop,
    /// `log`
    Log,
    /// `permit`
    Permit,
    /// `reject [with KIND]`
    Reject(Option<Name>),
}

/// A ct state, in the language's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// `new`
    New,
    /// `established`
    Established,
    /// `related`
    Related,
    /// `invalid`
    Invalid,
    /// `untracked`
    Untracked,
}

/// A direction, in the language's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// `inbound`
    Inbound,
    /// `outbound`
    Outbound,
    /// `forwarded`
    Forwarded,
}

/// One item of a traffic list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// What it is.
    pub kind: TrafficKind,
    /// `hop limit N`
    pub hop_limit: Option<Spanned<u64>>,
    /// The whole item.
    pub span: Span,
}

/// What an item of a traffic list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrafficKind {
    /// `icmp`, `icmp echo-request`, `icmpv6 nd-redirect code 0`
    Icmp {
        /// `icmpv6` was written: IPv6 only.
        v6_only: bool,
        /// A type by name or number.
        kind: Option<Name>,
        /// `code N`
        code: Option<Spanned<u64>>,
    },
    /// `ssh`
    Service(Name),
    /// `tcp 80, 443`, `tcp+udp 53`, `udp 68 from port 67`, `tcp flags syn / syn,ack`
    Transport {
        /// The protocols; two of them for `tcp+udp`.
        protocols: Vec<Spanned<Transport>>,
        /// Destination ports; none written: all.
        ports: Vec<Ports>,
        /// Source ports, `from port N`; none written: all.
        from_ports: Vec<Ports>,
        /// `flags VALUE / MASK`
        flags: Option<Flags>,
    },
    /// `protocol igmp`, `protocol 47`
    Protocol(Name),
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `sctp`
    Sctp,
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
}

/// `80` or `6000-6100`, as written: not yet checked to be ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The first.
    pub first: Spanned<u64>,
    /// The last, if a range was written.
    pub last: Option<Spanned<u64>>,
}

/// `flags syn / syn,ack,fin,rst`: of the flags in `mask`, exactly those of `value` are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    /// The flags that are set.
    pub value: Vec<Name>,
    /// The flags that are looked at.
    pub mask: Vec<Name>,
}

/// One end of a packet's way: addresses, interfaces, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The addresses; none written: any.
    pub addresses: Option<Addresses>,
    /// `on IF`
    pub on: Option<Interfaces>,
    /// The whole of it.
    pub span: Span,
}

/// `lan, 10.0.0.0/8 except 10.1.2.3`, or `not lan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// `not` was written: everything but `items`, which then has one element.
    pub not: bool,
    /// The list.
    pub items: Vec<Address>,
    /// What is taken out of the whole list.
    pub except: Vec<Address>,
    /// The whole of it.
    pub span: Span,
}

/// One item of a list of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `192.168.1.0/24`, `10.0.0.1-10.0.0.9`, `fd00::1`: as written, not yet checked.
    Literal(Name),
    /// `lan`, `any`, `ipv4`, `multicast`
    Named(Name),
}

/// `on eth0, wlan*`, or `on not lo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interfaces {
    /// `not` was written.
    pub not: bool,
    /// Names; a `*` may stand last in each.
    pub patterns: Vec<Name>,
    /// The whole of it.
    pub span: Span,
}

/// `, log [every] [as "..."] [level L] [to group N]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `every`: no rate.
    pub every: bool,
    /// `as "..."`
    pub prefix: Option<Spanned<String>>,
    /// `level L`
    pub level: Option<Name>,
    /// `to group N`
    pub group: Option<Spanned<u64>>,
    /// The whole of it.
    pub span: Span,
}

/// `otherwise drop|reject|allow DIRECTIONS [, log ...]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otherwise {
    /// The author's name for it.
    pub label: Option<Name>,
    /// `allow`, `drop` or `reject`.
    pub verb: Spanned<Verb>,
    /// The directions it closes or opens.
    pub directions: Vec<Spanned<Direction>>,
    /// `, log ...`
    pub log: Option<Log>,
    /// The whole of it.
    pub span: Span,
}

/// `expect [STATES] DIRECTIONS [TRAFFIC] [from WHO] [to WHO] allowed|dropped|rejected`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The author's name for it.
    pub label: Option<Name>,
    /// The ct states; none written: packets that open a conversation.
    pub states: Vec<Spanned<State>>,
    /// The directions.
    pub directions: Vec<Spanned<Direction>>,
    /// The traffic; none written: all.
    pub traffic: Vec<Traffic>,
    /// Both ends.
    pub ends: Ends,
    /// What must happen.
    pub fate: Spanned<Fate>,
    /// The whole of it.
    pub span: Span,
}

/// The language's words for the verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// `allowed`: accept.
    Allowed,
    /// `dropped`: drop.
    Dropped,
    /// `rejected`: reject.
    Rejected,
}
