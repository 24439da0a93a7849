// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests of fields.

use ringwall_ir::Field;
use ringwall_ir::words::TableFamily;
use ringwall_ir::{IntervalSet, Match, Selector, Step, Tuples, Values};

use super::join::{Compared, Piece, join_neighbours};
use super::key::{Form, key_parts, load};
use super::{RuleWriter, Unsayable};
use crate::nft::bytes::Bytes;
use crate::nft::expression::{Byteorder, Cmp, Expression, Lookup, Operator, Payload, Range, Wanted};
use crate::nft::field::Layout;
use crate::nft::known::{Guard, guards};
use crate::nft::register::Register;
use crate::nft::set::{Content, SetName, Shape};

const REGISTER: Register = Register::FIRST;

impl<'a> RuleWriter<'a> {
    /// Writes tests that nothing stands between.
    pub(super) fn tests(&mut self, run: &'a [Step]) -> Result<(), Unsayable> {
        self.pieces.clear();
        self.guards.clear();
        self.scratch.clear();
        let mut written = None;
        for test in run.iter().filter_map(Step::test).filter(|test| !is_idle(self.table.family(), test)) {
            let (mut first_guard, first) = (self.guards.len(), self.scratch.len());
            for guard in test.selectors().iter().flat_map(|selector| guards(selector.field())) {
                if !self.known.holds(guard) {
                    self.known.learn(guard);
                    self.guards.push(guard);
                }
            }
            // A family is tested for before the protocol that the field needs too, where that test is written out.
            let needed = |guard| {
                let protocol = matches!(guard, Guard::Protocol(_));
                protocol && test.selectors().iter().flat_map(|field| guards(field.field())).any(|need| need == guard)
            };
            if let (true, [Guard::Family(_)], Some(before)) = (
                written.is_some_and(needed),
                self.guards.get(first_guard..).unwrap_or_default(),
                self.pieces.last_mut(),
            ) {
                first_guard += 1;
                before.guards.end = first_guard;
            }
            written = Guard::of(test);
            if let Some(told) = Guard::told_by(test) {
                self.known.learn(told);
            }
            let compared = self.test(test)?;
            self.pieces.push(Piece {
                guards: first_guard..self.guards.len(),
                expressions: first..self.scratch.len(),
                compared,
                gone: false,
            });
        }
        join_neighbours(&mut self.pieces);
        let (pieces, guards) = (std::mem::take(&mut self.pieces), std::mem::take(&mut self.guards));
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut expressions = scratch.drain(..);
        for Piece { guards: own_guards, expressions: own, compared, gone } in &pieces {
            guards.get(own_guards.clone()).unwrap_or_default().iter().for_each(|guard| self.guard(*guard));
            let own = expressions.by_ref().take(own.len());
            match compared {
                // What was joined takes the place of the test's own expressions.
                Some(compared) => {
                    own.for_each(drop);
                    self.out.extend(compared.expressions(REGISTER));
                }
                None if *gone => own.for_each(drop),
                None => self.out.extend(own),
            }
        }
        drop(expressions);
        (self.pieces, self.guards, self.scratch) = (pieces, guards, scratch);
        Ok(())
    }

    /// Writes one test, without its guards. What it compares, where it may be compared along with its neighbours.
    fn test(&mut self, test: &'a Match) -> Result<Option<Compared>, Unsayable> {
        match test {
            Match::Concat { key, values, negated } => self.concatenation(key, values, *negated).map(|()| None),
            Match::In { selector, values: Values::Inline(set), negated } => Ok(self.values(*selector, set, *negated)),
            Match::In { selector, values: Values::Set(name), negated } => {
                let interval = self.spec(name).is_some_and(|spec| spec.flags.interval);
                key_parts(&mut self.scratch, std::slice::from_ref(selector), true, interval, REGISTER)?;
                self.look_up(SetName::Named(name), *negated);
                Ok(None)
            }
            Match::In { values: Values::Symbols(_), .. } => Err(Unsayable::Symbol),
            Match::ConnLimit(_) | Match::Limit(_) | Match::Object { .. } | Match::Quota(_) => Ok(None),
        }
    }

    fn look_up(&mut self, set: SetName<'a>, negated: bool) {
        let wanted = if negated { Wanted::Outside } else { Wanted::In };
        self.scratch.push(Expression::Lookup(Lookup { from: REGISTER, set, wanted }));
    }

    fn concatenation(&mut self, key: &'a [Selector], values: &'a Tuples, negated: bool) -> Result<(), Unsayable> {
        let set = match values {
            Tuples::Set(name) => {
                let interval = self.spec(name).is_some_and(|spec| spec.flags.interval);
                key_parts(&mut self.scratch, key, true, interval, REGISTER)?;
                SetName::Named(name)
            }
            Tuples::Inline(tuples) => {
                let interval = tuples.iter().any(|tuple| !tuple.is_single());
                let (parts, _) = key_parts(&mut self.scratch, key, false, interval, REGISTER)?;
                self.anonymous(Shape::anonymous(&parts, interval, None), Content::Tuples(tuples))
            }
        };
        self.look_up(set, negated);
        Ok(())
    }

    /// One field against values: nft's form of one value or interval, or an anonymous set.
    fn values(&mut self, selector: Selector, set: &IntervalSet, negated: bool) -> Option<Compared> {
        let field = selector.field();
        let elements = field.elements(set);
        match elements.as_slice() {
            [(first, last)] if first == last => {
                let start = self.scratch.len();
                let layout = load(&mut self.scratch, selector, REGISTER, Form::InPlace);
                let layout = if layout == Layout::of(field) { Layout::compared(field) } else { layout };
                let data = layout.bytes_of(*first);
                let compared = match self.scratch.get(start..) {
                    Some([Expression::Payload(payload)]) if !negated => Some(Compared::of(field, *payload, data)),
                    _ => None,
                };
                self.compare(Operator::equality(negated), data);
                compared
            }
            [(first, last)] => {
                self.interval(selector, *first, *last, negated);
                None
            }
            _ => {
                let interval = elements.iter().any(|(first, last)| first != last);
                let layout = load(&mut self.scratch, selector, REGISTER, Form::InPlace);
                if interval {
                    self.turn(layout);
                }
                let shape = Shape::anonymous(&[(field, layout)], interval, None);
                // Intervals that touch are one, as nft makes them.
                let content = if interval { set.intervals().to_vec() } else { elements };
                let set = self.anonymous(shape, Content::Intervals(content));
                self.look_up(set, negated);
                None
            }
        }
    }

    fn compare(&mut self, operator: Operator, data: Bytes) {
        self.scratch.push(Expression::Cmp(Cmp { from: REGISTER, operator, data }));
    }

    /// Turns the bytes of a number of the host around, so that it can be compared with larger and smaller ones.
    fn turn(&mut self, layout: Layout) {
        if layout.needs_turning() && layout.bytes > 1 {
            self.scratch.push(Expression::Byteorder(Byteorder::of(REGISTER, layout.bytes, false)));
        }
    }

    /// A stem of a text, a prefix, or a range.
    fn interval(&mut self, selector: Selector, first: u128, last: u128, negated: bool) {
        let field = selector.field();
        let datatype = field.datatype();
        let operator = Operator::equality(negated);
        let row = field.row();
        if datatype.is_text() || datatype.has_prefixes() {
            let prefixes = IntervalSet::range(first, last).prefixes(row.bits);
            if let [(value, length)] = prefixes.as_slice() {
                return self.prefix(selector, *value, *length, operator);
            }
        }
        let layout = load(&mut self.scratch, selector, REGISTER, Form::InPlace);
        self.turn(layout);
        let layout = layout.ordered();
        let (first, last) = (layout.bytes_of(first), layout.bytes_of(last));
        if negated {
            self.scratch.push(Expression::Range(Range { from: REGISTER, outside: true, first, last }));
        } else {
            self.compare(Operator::GreaterOrEqual, first);
            self.compare(Operator::LessOrEqual, last);
        }
    }

    /// The first bits of a value. Of whole bytes, nft loads and compares as many as there are. Three of them the kernel
    /// cannot compare in its evaluation loop (`nft_payload_fast_eval`), but four under a mask it can.
    fn prefix(&mut self, selector: Selector, value: u128, length: u8, operator: Operator) {
        const SLOW: u8 = 3;
        let field = selector.field();
        let layout = Layout::of(field);
        let bytes = length / 8;
        let whole = length.is_multiple_of(8) && !(bytes == SLOW && layout.bytes == SLOW + 1);
        let start = self.scratch.len();
        load(&mut self.scratch, selector, REGISTER, Form::InPlace);
        let data = layout.bytes_of(value);
        if !whole {
            let all = if layout.bits >= 128 { u128::MAX } else { (1 << layout.bits) - 1 };
            let mask = all & !(all.checked_shr(length.into()).unwrap_or(0));
            let mask = crate::nft::expression::Bitwise::mask(REGISTER, layout.bytes_of(mask));
            self.scratch.push(Expression::Bitwise(mask));
            return self.compare(operator, data);
        }
        // Of what is no header, all is loaded anyway.
        if let Some(Expression::Payload(Payload { len, .. })) = self.scratch.get_mut(start) {
            *len = bytes.into();
        }
        self.compare(operator, data.truncated(bytes));
    }
}

/// Whether a test lets every packet of the table pass, as far as nft can tell: it leaves such a one out.
fn is_idle(family: TableFamily, test: &Match) -> bool {
    let types = match family {
        TableFamily::Inet => return false,
        TableFamily::Ip => 0x0800,
        TableFamily::Ip6 => 0x86dd,
    };
    let told = |selector: &Selector| selector.mask().is_none() && selector.field() == Field::MetaProtocol;
    matches!(test, Match::In { selector, values: Values::Inline(set), negated: false }
        if told(selector) && set.single() == Some(types))
}
