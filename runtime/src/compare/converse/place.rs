// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the ends of conversations are: the host itself, its networks, and what lies behind its routers.

use fastrand::Rng;
use ringwall_ir::words::Family;

use crate::engine::routing::{Routing, Way};
use crate::host::Host;
use crate::packet::wire;
use crate::traffic::Entry;

/// Addresses around a host.
#[derive(Clone, Debug)]
pub struct Places {
    host: Host,
    own: Vec<(Family, u128)>,
    far: Vec<(Family, u128)>,
}

impl Places {
    /// The addresses of the host, two neighbours in each of its networks, and two hosts far away in each family.
    pub fn around(host: &Host) -> Self {
        const FAR: [(Family, u128); 4] = [
            (Family::Ipv4, 0xc633_6407),
            (Family::Ipv4, 0xcb00_7109),
            (Family::Ipv6, 0x2001_0db8_ffff_0000_0000_0000_0000_0007),
            (Family::Ipv6, 0x2001_0db8_fffe_0000_0000_0000_0000_0009),
        ];
        let mut places = Self { host: host.clone(), own: Vec::new(), far: Vec::new() };
        let networks = host.interfaces.iter().flat_map(|interface| &interface.addresses);
        for network in networks {
            let (family, own) = (wire::family(network.addr()), wire::bits(network.addr()));
            let link_local = family == Family::Ipv6 && wire::is_link_local(own);
            if link_local {
                continue;
            }
            places.own.push((family, own));
            let base = wire::bits(network.network());
            let neighbours = [10, 11, 50].map(|offset| base + offset).into_iter();
            places.far.extend(neighbours.filter(|&address| address != own).map(|address| (family, address)));
        }
        let routed =
            |&&(family, address): &&(Family, u128)| matches!(Routing::of(host).outgoing(family, address), Way::Out(_));
        places.far.extend(FAR.iter().filter(routed));
        places
    }

    /// Two ends of one family, of which at most one is the host.
    pub fn pair(&self, rng: &mut Rng) -> Option<(Family, u128, u128)> {
        let (family, first) = *choose(&self.far, rng)?;
        let fits = |(other, address): &&(Family, u128)| *other == family && *address != first;
        let second: Vec<_> = match rng.u8(..3) {
            0 => self.far.iter().filter(fits).collect(),
            _ => self.own.iter().filter(fits).collect(),
        };
        let &&(_, second) = choose(&second, rng)?;
        Some(if rng.bool() { (family, first, second) } else { (family, second, first) })
    }

    /// How packets of a host with this address come in.
    pub fn entry(&self, family: Family, address: u128) -> Option<Entry> {
        match Routing::of(&self.host).outgoing(family, address) {
            Way::Local => Some(Entry::Sent),
            Way::Out(interface) => Some(Entry::Arrives(interface.name.clone())),
            Way::Group | Way::Unreachable | Way::Martian => None,
        }
    }

    /// Any address of a family.
    pub fn any(&self, family: Family, rng: &mut Rng) -> Option<u128> {
        let all: Vec<_> = self.own.iter().chain(&self.far).filter(|(other, _)| *other == family).collect();
        choose(&all, rng).map(|&&(_, address)| address)
    }
}

pub fn choose<'a, T>(from: &'a [T], rng: &mut Rng) -> Option<&'a T> {
    if from.is_empty() { None } else { from.get(rng.usize(..from.len())) }
}
