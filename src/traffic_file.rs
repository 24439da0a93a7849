// SPDX-License-Identifier: GPL-3.0-or-later
//! The traffic that a subcommand is about: a capture or a traffic script, and the host that it meets.

use std::net::IpAddr;
use std::path::Path;

use ringwall_runtime::host::Host;
use ringwall_runtime::traffic::{self, Expected, Script, ScriptError, Traffic};

use crate::failure::Failure;
use crate::host::{HostArgs, guess, with_usual_networks};
use crate::input::Input;
use crate::output::human::plural;
use crate::output::talk;

/// Traffic, and the host that it meets.
pub struct TrafficFile {
    /// The packets.
    pub traffic: Traffic,
    /// What a script expects of each packet; nothing of those of a capture.
    pub expectations: Vec<Option<Expected>>,
    /// The line of a script on which each packet stands.
    pub lines: Vec<u32>,
    /// What the file is called in messages.
    pub name: String,
    /// The host.
    pub host: Host,
}

impl TrafficFile {
    /// Reads a capture or a script. Where neither the user nor the script describes the host, the packets show it.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(path: &Path, arguments: &HostArgs) -> Result<Self, Failure> {
        let input = Input::read(path, |_| usize::MAX)?;
        let given = arguments.described();
        let script = parse(&input, given.as_ref().unwrap_or(&nobody()))?;
        match given.or_else(|| script.host.clone()) {
            Some(host) => Ok(Self::of(script, input.name, host)),
            None => {
                let host = taken_for_host(&guess(&script.traffic, traffic::sniff(&input.bytes)));
                parse(&input, &host).map(|script| Self::of(script, input.name, host))
            }
        }
    }

    fn of(script: Script, name: String, host: Host) -> Self {
        let Script { traffic, expectations, lines, .. } = script;
        Self { traffic, expectations, lines, name, host }
    }
}

/// Reads a script, or a capture as a script that expects nothing.
fn parse(input: &Input, host: &Host) -> Result<Script, Failure> {
    match traffic::read(&input.bytes, host) {
        Ok(traffic::Input::Capture(traffic)) => Ok(Script { traffic, ..Script::default() }),
        Ok(traffic::Input::Script(script, errors)) if errors.is_empty() => Ok(script),
        Ok(traffic::Input::Script(_, errors)) => Err(refused(&input.name, &errors)),
        Err(error) => Err(Failure::new(format!("{}: {error}", input.name)).help(error.help())),
    }
}

/// Tells every error of a script.
fn refused(name: &str, errors: &[ScriptError]) -> Failure {
    for error in errors {
        talk(format!("{name}:{}: {}", error.line, error.message));
        if let Some(help) = &error.help {
            talk(format!("  help: {help}"));
        }
    }
    Failure::new(format!("{name}: {} in the traffic script", plural(errors.len(), "error")))
}

/// A host without an address, for a first look at the traffic.
fn nobody() -> Host {
    Host::with_addresses(&[])
}

/// The host that the traffic shows, which is told, for it is a guess.
fn taken_for_host(addresses: &[IpAddr]) -> Host {
    let names: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    match names.as_slice() {
        [] => talk("no address of the traffic looks like the host's; `--host-address` names it"),
        names => talk(format!("the host is taken to be {} (`--host-address` says otherwise)", names.join(", "))),
    }
    with_usual_networks(addresses)
}
