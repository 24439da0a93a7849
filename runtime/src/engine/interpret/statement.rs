// SPDX-License-Identifier: GPL-3.0-or-later
//! What statements change.

use ringwall_ir::words::CtState;
use ringwall_ir::{Assignment, Data, Mss, ObjectBody, ObjectKind, SetUpdate, Source, Statement, Target, Tuple};

use super::{At, Halt, Passes};
use crate::conntrack::{Helper, Zone};
use crate::engine::routing::Routing;
use crate::packet::options;

impl At<'_, '_, '_> {
    /// Does what a statement says. What it records and counts is not kept.
    pub(super) fn execute(&mut self, statement: &Statement) -> Passes<()> {
        match statement {
            Statement::Assign(assignment) => self.assign(assignment),
            Statement::Mss(mss) => self.bound_mss(*mss),
            Statement::CtHelper(name) => {
                self.help(name);
                Ok(())
            }
            Statement::Notrack => {
                // A packet that is tracked already stays so, and one that was given a zone will be (`nft_notrack_eval`).
                if self.view.tracked.is_none() && self.view.carried.zone.is_none() {
                    self.view.carried.untracked = true;
                    self.view.state = CtState::Untracked;
                }
                Ok(())
            }
            Statement::Object(object) => self.object(ObjectKind::Counter, object),
            Statement::SetUpdate(update) => self.update(update),
            Statement::Counter(_) | Statement::CtTimeout(_) | Statement::Log(_) => Ok(()),
        }
    }

    /// What a source has for the packet, part by part.
    fn source(&mut self, source: &Source, part: usize) -> Passes<u128> {
        match source {
            Source::Value(value) => Ok((*value).into()),
            Source::Field { selector, xor } => Ok(self.selected(*selector, part)? ^ u128::from(*xor)),
            Source::Map { key, map } => match self.mapped(key, map)? {
                Data::Values(parts) => parts.0.first().map(|&(value, _)| value).ok_or(Halt::Leave),
                Data::Object(_) | Data::Verdict(_) => Err(Halt::Leave),
            },
        }
    }

    fn assign(&mut self, assignment: &Assignment) -> Passes<()> {
        let source = u32::try_from(self.source(&assignment.source, 0)?).map_err(|_| Halt::Leave)?;
        let view = &mut *self.view;
        match assignment.target {
            Target::Mark => view.carried.mark = view.carried.mark & assignment.keep ^ source,
            Target::Priority => view.carried.priority = view.carried.priority & assignment.keep ^ source,
            Target::CtMark => {
                let entry = view.tracked.and_then(|tracked| Some((tracked, view.conntrack.entry(tracked)?.mark)));
                match entry {
                    Some((tracked, old)) => view.conntrack.set_mark(tracked, old & assignment.keep ^ source),
                    // The old mark is loaded where some of it stays, and there is none.
                    None if assignment.keep != 0 => return Err(Halt::Leave),
                    None => {}
                }
            }
            // The first zone stays, and a packet that has one is tracked, whatever was said before (`nft_ct_set_zone_eval`).
            Target::CtZone(direction) if view.tracked.is_none() && view.carried.zone.is_none() => {
                view.carried.zone = Some(Zone::new(u16::try_from(source).unwrap_or_default(), direction));
                view.carried.untracked = false;
                view.state = CtState::New;
            }
            Target::CtZone(_) => {}
        }
        Ok(())
    }

    /// Gives the conversation that the packet opens its helper, where the object is for its family and protocol
    /// (`nft_ct_helper_obj_eval`).
    fn help(&mut self, name: &str) {
        let object = self.table.object(ObjectKind::CtHelper, name).map(ringwall_ir::Object::body);
        let Some(ObjectBody::CtHelper { helper, family, protocol }) = object else { return };
        let packet = self.view.packet;
        let fits = *protocol == packet.protocol() && family.is_none_or(|family| family == packet.family());
        if let (true, Some(helper), Some(tracked)) = (fits, Helper::named(helper), self.view.tracked) {
            self.view.conntrack.assign_helper(tracked, helper);
        }
    }

    /// Adds an element to a set, or takes one away (`nft_dynset_eval`).
    fn update(&mut self, update: &SetUpdate) -> Passes<()> {
        let key = self.values(&update.key)?;
        let data = match &update.data {
            Some(source) => Some(Data::Values(Tuple::of(&[self.source(source, update.key.len())?]))),
            None => None,
        };
        let declared = self.table.set(&update.set).map(|set| set.spec().meters.as_slice()).unwrap_or_default();
        let meters = if update.meters.is_empty() { declared } else { &update.meters };
        match self.state.set(self.place.table, &update.set) {
            Some(live) => live.update(update, meters, key, data, self.view),
            None => Err(Halt::Leave),
        }
    }

    /// Bounds the maximum segment size that the packet offers, if it offers one. The walk writes it into the packet
    /// (`nft_exthdr_tcp_set_eval`).
    fn bound_mss(&mut self, mss: Mss) -> Passes<()> {
        let view = &mut *self.view;
        let wanted = match mss {
            Mss::Value(value) => value,
            Mss::Path => {
                let oif = view.oif.ok_or(Halt::Leave)?;
                Routing::of(view.host).path_mss(oif, view.packet).ok_or(Halt::Leave)?
            }
        };
        let offered = options::offered_mss(view.packet).map_err(|_| Halt::Leave)?;
        if let Some((_, offered)) = offered {
            view.carried.mss = Some(view.carried.mss.unwrap_or(offered).min(wanted));
        }
        Ok(())
    }
}
