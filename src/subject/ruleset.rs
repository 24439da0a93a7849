// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets of others, read into the chain IR.

use std::net::Ipv6Addr;

use ringwall_compiler::target::iptables::{self, Text};
use ringwall_compiler::target::nft_json;
use ringwall_ir::Ruleset;
use ringwall_ir::json;
use ringwall_ir::words::Family;

use super::form::Form;
use crate::cli::TextFamily;
use crate::failure::Failure;
use crate::input::Input;
use crate::output::{talk, tell_each};

/// Reads a ruleset, and tells what is wrong with it; nothing comes of it where it is not of its form at all. What the IR
/// has no word for is in it as an unknown. `sets` are those of ipset that an iptables-save text speaks of.
///
/// # Errors
/// It is no text, or no document of its form.
pub fn read(
    form: Form,
    input: &Input,
    sets: Option<&Input>,
    told: Option<TextFamily>,
) -> Result<Option<Ruleset>, Failure> {
    let text = input.text()?;
    match form {
        Form::IrJson => {
            json::read(text).map(Some).map_err(|error| Failure::of_input(format!("{}: {error}", input.name)))
        }
        Form::IptablesSave => iptables_save(input, text, sets, told),
        Form::NftJson => Ok(nft_list(&input.name, text)),
        Form::NftText => nft_text(input, text).map(Some),
        Form::Policy => Ok(None),
    }
}

fn iptables_save(
    input: &Input,
    text: &str,
    sets: Option<&Input>,
    told: Option<TextFamily>,
) -> Result<Option<Ruleset>, Failure> {
    let of_sets = sets.map(Input::text).transpose()?.unwrap_or_default();
    let (ruleset, errors) =
        iptables::read_with_sets(text, told.map_or_else(|| family(text), TextFamily::family), of_sets);
    tell_each(&errors, |error| {
        let file = match (error.text, sets) {
            (Text::Sets, Some(sets)) => &sets.name,
            _ => &input.name,
        };
        talk(format!("{file}:{}: {}", error.line, error.message));
        if let Some(help) = &error.help {
            talk(format!("  help: {help}"));
        }
    });
    Ok(errors.is_empty().then_some(ruleset))
}

fn nft_list(file: &str, list: &str) -> Option<Ruleset> {
    let (ruleset, errors) = nft_json::read(list);
    tell_each(&errors, |error| match error.item {
        0 => talk(format!("{file}: {}", error.message)),
        item => talk(format!("{file}: item {item}: {}", error.message)),
    });
    let untold = nft_json::untold(list, &ruleset);
    if errors.is_empty() && !untold.is_empty() {
        talk(format!("{file}: note: nft does not list {}: it counts as not said", untold.join(", and ")));
        talk("  help: give nft's own text, `nft list ruleset`, which says it".to_owned());
    }
    errors.is_empty().then_some(ruleset)
}

/// nft's text by way of the kernel: only nft itself knows all that its text can say.
#[cfg(feature = "kernel")]
fn nft_text(input: &Input, text: &str) -> Result<Ruleset, Failure> {
    ringwall_kernel::namespace::read_nft(text, input.directory.as_deref()).map_err(|error| {
        let missing = error.problem.contains(": Error: File not found: ");
        // A file that it includes and that is not there is as any other that cannot be opened.
        let told = if error.unavailable || missing { Failure::new } else { Failure::of_input };
        told(error.problem.replace("/dev/stdin", &input.name)).help(if error.unavailable {
            "give what `nft -j list ruleset` prints instead"
        } else if missing {
            "nft looks for `./FILE` where it is called, and for `FILE` in /etc; beside the text both are looked for too"
        } else if [": Too many links", ": chains lead "].iter().any(|words| error.problem.contains(words)) {
            "no chain may lead back to itself, or to others more than 15 calls deep"
        } else {
            "mend the text until `nft -c -f` takes it"
        })
    })
}

#[cfg(not(feature = "kernel"))]
fn nft_text(input: &Input, _text: &str) -> Result<Ruleset, Failure> {
    let message = format!("{}: this build does not read nft's text: it has no way into the kernel", input.name);
    Err(Failure::new(message).help("give what `nft -j list ruleset` prints instead"))
}

/// The head tells which program a text is of; where there is none, what only IPv6 has, which iptables would refuse.
fn family(text: &str) -> Family {
    const OF_IPV6: &[&str] =
        &["icmp6", "icmpv6", "ipv6-icmp", "--icmpv6-type", "hl", "ipv6header", "eui64", "-6", "--ipv6"];
    let is_address = |word: &str| {
        let address = word.split(['/', ',']).next().unwrap_or_default();
        address.contains(':') && address.parse::<Ipv6Addr>().is_ok()
    };
    let head = text.lines().take_while(|line| line.starts_with('#')).any(|line| line.contains("ip6tables"));
    let mut rules = text.lines().filter(|line| line.starts_with('-') || line.starts_with('['));
    let of_ipv6 = |line: &str| line.split_whitespace().any(|word| OF_IPV6.contains(&word) || is_address(word));
    if head || rules.any(of_ipv6) { Family::Ipv6 } else { Family::Ipv4 }
}

impl TextFamily {
    const fn family(self) -> Family {
        match self {
            Self::Ipv4 => Family::Ipv4,
            Self::Ipv6 => Family::Ipv6,
        }
    }
}
