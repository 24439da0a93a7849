// SPDX-License-Identifier: GPL-3.0-or-later
//! Who handles a row.

/// Whether a back end handles a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// It does, and a test holds it to the kernel.
    Handled,
    /// It does not, for this reason.
    Unsupported(&'static str),
}

impl Cell {
    /// Why the row is not handled; none where it is.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Handled => None,
            Self::Unsupported(reason) => Some(reason),
        }
    }
}

/// What the back ends make of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cells {
    /// Written as nft text.
    pub nft: Cell,
    /// Written as nft JSON, and read from it.
    pub nft_json: Cell,
    /// Written as iptables-save and ip6tables-save, and read from them.
    pub iptables: Cell,
    /// Installed over netlink.
    pub netlink: Cell,
    /// Read back from the kernel's dump.
    pub read_back: Cell,
    /// Executed by the machine.
    pub machine: Cell,
    /// Proved about.
    pub prover: Cell,
}

impl Cells {
    /// Each cell with the name of its column.
    #[must_use]
    pub const fn columns(&self) -> [(&'static str, Cell); 7] {
        [
            ("nft", self.nft),
            ("nft JSON", self.nft_json),
            ("iptables", self.iptables),
            ("netlink", self.netlink),
            ("read back", self.read_back),
            ("machine", self.machine),
            ("prover", self.prover),
        ]
    }

    /// These, but iptables cannot say it.
    pub(super) const fn no_iptables(self, reason: &'static str) -> Self {
        Self { iptables: Cell::Unsupported(reason), ..self }
    }

    /// These, but the machine cannot run it.
    pub(super) const fn no_machine(self, reason: &'static str) -> Self {
        Self { machine: Cell::Unsupported(reason), ..self }
    }

    /// These, but nft JSON cannot say it, though it is read.
    pub(super) const fn no_nft_json(self, reason: &'static str) -> Self {
        Self { nft_json: Cell::Unsupported(reason), ..self }
    }
}

/// Why xtables has no match for a field that few test.
pub(super) const NO_XTABLES: &str = "xtables has no match for it";

const NO_PROVER: Cell = Cell::Unsupported("there is no prover yet");

/// Handled by all that there is.
pub(super) const ALL: Cells = Cells {
    nft: Cell::Handled,
    nft_json: Cell::Handled,
    iptables: Cell::Handled,
    netlink: Cell::Handled,
    read_back: Cell::Handled,
    machine: Cell::Handled,
    prover: NO_PROVER,
};

/// What packets of the machine do not carry.
pub(super) const NO_LINK: Cells = ALL.no_machine("the machine's packets begin with their IP header");

/// What the machine's host does not have.
pub(super) const NO_CGROUPS: Cells = ALL.no_machine("the machine knows no control groups");
pub(super) const NO_IPSEC: Cells = ALL.no_machine("the machine's host has no IPsec");
pub(super) const NO_SOCKETS: Cells = ALL.no_machine("the machine knows no sockets");

/// What the machine's traffic does not tell.
pub(super) const NO_CALENDAR: Cells =
    ALL.no_machine("the machine's traffic does not say on what day and at what hour it starts");
