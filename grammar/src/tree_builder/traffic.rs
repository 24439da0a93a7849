// SPDX-License-Identifier: GPL-3.0-or-later
//! What a sentence says of protocols, ports and ICMP types.

use super::{Builder, Built, child, children, first_rule};
use crate::parser::{Pair, Rule};
use crate::span::Spanned;
use crate::tree::{Flags, Ports, Traffic, TrafficKind, Transport};

impl Builder<'_> {
    /// The traffic list that stands directly in a pair.
    pub(super) fn traffic(&self, pair: &Pair<'_>) -> Built<Vec<Traffic>> {
        children(pair, Rule::traffic_item).map(|item| self.traffic_item(&item)).collect()
    }

    fn traffic_item(&self, pair: &Pair<'_>) -> Built<Traffic> {
        let kind = pair.clone().into_inner().next().ok_or_else(|| self.unreadable(pair))?;
        Ok(Traffic {
            kind: self.traffic_kind(&kind)?,
            hop_limit: child(pair, Rule::hop_limit).map(|part| self.number_in(&part)).transpose()?,
            span: self.span(pair),
        })
    }

    fn traffic_kind(&self, pair: &Pair<'_>) -> Built<TrafficKind> {
        match pair.as_rule() {
            Rule::icmp => Ok(TrafficKind::Icmp {
                v6_only: child(pair, Rule::kw_icmpv6).is_some(),
                kind: child(pair, Rule::icmp_type).map(|token| self.name(&token)),
                code: child(pair, Rule::icmp_code).map(|part| self.number_in(&part)).transpose()?,
            }),
            Rule::protocol => Ok(TrafficKind::Protocol(self.name(&self.need(pair, Rule::protocol_name)?))),
            Rule::service_name => Ok(TrafficKind::Service(self.name(pair))),
            Rule::transport => self.transport(pair),
            _ => Err(self.unreadable(pair)),
        }
    }

    fn transport(&self, pair: &Pair<'_>) -> Built<TrafficKind> {
        Ok(TrafficKind::Transport {
            protocols: children(pair, Rule::transport_word)
                .map(|word| self.transport_word(&word))
                .collect::<Built<_>>()?,
            ports: self.ports(child(pair, Rule::ports))?,
            from_ports: self.ports(child(pair, Rule::from_ports))?,
            flags: child(pair, Rule::flags).map(|clause| self.flags(&clause)).transpose()?,
        })
    }

    fn transport_word(&self, pair: &Pair<'_>) -> Built<Spanned<Transport>> {
        let transport = match first_rule(pair) {
            Some(Rule::kw_sctp) => Transport::Sctp,
            Some(Rule::kw_tcp) => Transport::Tcp,
            Some(Rule::kw_udp) => Transport::Udp,
            _ => return Err(self.unreadable(pair)),
        };
        Ok(Spanned::new(transport, self.span(pair)))
    }

    fn ports(&self, list: Option<Pair<'_>>) -> Built<Vec<Ports>> {
        let Some(list) = list else { return Ok(Vec::new()) };
        children(&list, Rule::port_range)
            .map(|range| {
                let mut numbers = children(&range, Rule::number).map(|token| self.number(&token));
                let first = numbers.next().ok_or_else(|| self.unreadable(&range))??;
                Ok(Ports { first, last: numbers.next().transpose()? })
            })
            .collect()
    }

    fn flags(&self, pair: &Pair<'_>) -> Built<Flags> {
        Ok(Flags {
            value: self.names(&self.need(pair, Rule::flag_value)?, Rule::flag),
            mask: self.names(&self.need(pair, Rule::flag_mask)?, Rule::flag),
        })
    }
}
