// SPDX-License-Identifier: GPL-3.0-or-later
//! What the recorded cases are made of: the host that they were recorded on, and the packets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use libtest_mimic::Failed;
use ringwall_runtime::host::{Host, Interface, ReversePath, Route, Sysctls};
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket};
use serde_json::Value;

/// The packet of a step.
pub fn packet(step: &Value, at: Duration) -> Result<TimedPacket, Failed> {
    let entry = match step["dir"].as_str() {
        Some("out") => Entry::Sent,
        _ => Entry::Arrives(step["iif"].as_str().unwrap_or("eth0").to_owned()),
    };
    let sender = Sender { uid: step["uid"].as_u64().unwrap_or_default().try_into()?, gid: 0 };
    Ok(TimedPacket { at, entry, bytes: bytes(&step["pkt"]), refused: false, sender })
}

/// The host that a case was recorded on.
pub fn host(case: &Value) -> Result<Host, Failed> {
    let mut sysctls = Sysctls::default();
    for (name, value) in case["sysctls"].as_object().unwrap() {
        let on = value.as_u64() == Some(1);
        match name.as_str() {
            "nf_conntrack_tcp_loose" => sysctls.tcp_loose = on,
            "nf_conntrack_tcp_be_liberal" => sysctls.tcp_be_liberal = on,
            "nf_conntrack_tcp_ignore_invalid_rst" => sysctls.tcp_ignore_invalid_rst = on,
            "nf_conntrack_checksum" => sysctls.checksum = on,
            "net.ipv4.conf.all.rp_filter" => {
                let number = value.as_u64().and_then(ReversePath::numbered);
                sysctls.reverse_path = number.ok_or("no setting of rp_filter")?;
            }
            other => return Err(format!("sysctl {other}").into()),
        }
    }
    let interfaces = case["topology"]["ifaces"].as_object().unwrap().iter().map(|(name, interface)| Interface {
        name: name.clone(),
        addresses: interface["addrs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|net| net.as_str().unwrap().parse().unwrap())
            .collect(),
        groups: Vec::new(),
        mtu: 1500,
    });
    let routes = case["topology"]["routes"].as_array().unwrap().iter().map(|route| {
        let words: Vec<&str> = route.as_str().unwrap().split_whitespace().collect();
        let after = |word| words[words.iter().position(|known| *known == word).unwrap() + 1];
        let to = if words[0] == "-6" { "::/0" } else { "0.0.0.0/0" };
        assert!(words.contains(&"default"), "{route}");
        Route { to: to.parse().unwrap(), interface: after("dev").to_owned(), via: Some(after("via").parse().unwrap()) }
    });
    Ok(Host { interfaces: interfaces.collect(), routes: routes.collect(), forwarding: true, sysctls })
}

/// The bytes that hexadecimal digits stand for.
pub fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
