// SPDX-License-Identifier: GPL-3.0-or-later
//! A ruleset, loaded into the kernel in every way that its back ends have.

use libtest_mimic::Failed;
use ringwall_compiler::target::iptables::CtMatch;
use ringwall_compiler::target::{iptables, nft};
use ringwall_ir::Ruleset;
use ringwall_ir::fields::{Cell, Cells};
use ringwall_ir::words::Family;
use ringwall_kernel::namespace::{KernelBackend, Load};

/// The kernel under the ruleset, by nft text, over netlink and, where it can be said there, by iptables text. Says
/// whether it could. A refusal of a back end whose cell says that it handles the row needs a reason, and gets printed.
pub fn kernel(ruleset: &Ruleset, cells: &Cells) -> Result<(Vec<KernelBackend>, bool), Failed> {
    let mut backends = Vec::new();
    if cells.nft == Cell::Handled {
        let text = nft::write(ruleset).map_err(|refused| format!("nft: {refused:?}"))?;
        backends.push(KernelBackend::new("nft", Load::nft(&text, ruleset)));
    }
    if cells.netlink == Cell::Handled {
        backends.push(KernelBackend::new("netlink", Load::netlink(ruleset)));
    }
    let written = Family::ALL.map(|family| iptables::write(ruleset, family, CtMatch::Conntrack));
    let said = match written {
        [Ok(v4), Ok(v6)] => {
            backends.push(KernelBackend::new(
                "iptables",
                Load::iptables((v4.text, v4.chains), (v6.text, v6.chains), ruleset),
            ));
            true
        }
        [v4, v6] => {
            for refused in [v4, v6].into_iter().filter_map(Result::err).flatten() {
                eprintln!("iptables refuses: {refused}");
            }
            false
        }
    };
    Ok((backends, said))
}
