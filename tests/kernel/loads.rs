// SPDX-License-Identifier: GPL-3.0-or-later
//! A ruleset, loaded into the kernel in every way that its back ends have.

use libtest_mimic::Failed;
use ringwall_compiler::target::iptables::{Options, Written, WrittenChain};
use ringwall_compiler::target::{iptables, nft};
use ringwall_ir::OriginId;
use ringwall_ir::Ruleset;
use ringwall_ir::fields::{Cell, Cells};
use ringwall_ir::words::Family;
use ringwall_kernel::namespace::{ChainOrigins, IptablesText, KernelBackend, Load};

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
    let written = Family::ALL.map(|family| iptables::write(ruleset, family, Options::default()));
    let said = match written {
        [Ok(v4), Ok(v6)] => {
            let load = Load::iptables(restored(v4, Family::Ipv4), restored(v6, Family::Ipv6));
            backends.push(KernelBackend::new("iptables", load));
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

/// What iptables-restore is given for a family.
pub fn restored(written: Written, family: Family) -> IptablesText {
    let origins = |chain: WrittenChain| ChainOrigins {
        family: family.table(),
        table: chain.table.to_owned(),
        chain: chain.name,
        rules: chain.rules,
        policy: chain.policy.unwrap_or(OriginId(0)),
    };
    let chains = written.chains.into_iter().map(origins).collect();
    IptablesText { sets: written.sets, rules: written.text, chains }
}
