// SPDX-License-Identifier: GPL-3.0-or-later
//! Waits until the kernel routes as the [`Host`] says.
//!
//! A link that was brought up is ready a little later (`net/core/link_watch.c`), and only then does IPv6 route its groups
//! and its own addresses (`addrconf_dev_config`). A packet that came earlier would be dropped as one for nobody.

use std::fs;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ringwall_runtime::host::{Host, Interface};

use super::job::Failure;

/// The table that is read; see `ipv6_route_native_seq_show` in `net/ipv6/route.c`.
const TABLE: &str = "/proc/net/ipv6_route";

/// Waits for the IPv6 routes of every interface.
///
/// # Errors
/// [`Failure::Broken`] where they are not there after seconds.
pub(super) fn wait(host: &Host) -> Result<(), Failure> {
    const PATIENCE: Duration = Duration::from_secs(10);
    const STEP: Duration = Duration::from_millis(1);

    let start = Instant::now();
    loop {
        let table = fs::read_to_string(TABLE).map_err(Failure::at(TABLE))?;
        let missing = host.interfaces.iter().find(|interface| !is_routed(interface, &table));
        match missing {
            None => return Ok(()),
            Some(interface) if start.elapsed() > PATIENCE => {
                return Err(Failure::Broken(format!("the kernel does not route IPv6 on {}", interface.name)));
            }
            Some(_) => sleep(STEP),
        }
    }
}

/// Whether the table has the route to the interface's groups and one to each of its addresses. IPv6 leaves an interface
/// alone that carries too little (`IPV6_MIN_MTU`).
fn is_routed(interface: &Interface, table: &str) -> bool {
    const GROUPS: (u128, u8) = (0xff << 120, 8);
    const LEAST: u32 = 1280;

    if interface.mtu < LEAST {
        return true;
    }
    let addresses = interface.addresses.iter().filter_map(|net| match net.addr() {
        IpAddr::V6(address) => Some((address.to_bits(), 128)),
        IpAddr::V4(_) => None,
    });
    addresses.chain([GROUPS]).all(|(to, length)| {
        let start = format!("{to:032x} {length:02x} ");
        table.lines().any(|line| line.starts_with(&start) && line.split_whitespace().last() == Some(&interface.name))
    })
}
