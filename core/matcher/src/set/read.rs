//! Reading an event: its attributes into slots, its texts to symbols, once, at the border.
//!
//! Only what some program looks at is read: the index gets a key, steps get a value.

use std::sync::Arc;

use ensue_rule::{Attr, Event, EventRef, Value};

use super::index::Index;
use super::key::Key;
use super::slots::{SlotId, SlotKey, Slots};
use super::symbols::{Symbol, Symbols};
use crate::Observation;
use crate::observation::Extent;

/// An attribute that some program of a set reads. Good until a program is taken out of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute(pub(super) SlotId);

/// A value whose text is a number already: what an event looks like to a host that has interned it.
#[derive(Clone, Copy, Debug)]
pub enum Interned<'a> {
    /// A whole number.
    Int(i64),
    /// A text that some rule names.
    Symbol(Symbol),
    /// A text that no rule names.
    Unnamed(&'a Value),
    /// Anything else, as it is.
    Value(&'a Value),
}

/// Takes the arguments of an event that some program of a set reads ([`crate::ProgramSet::read_reading`]).
#[derive(Debug)]
pub struct Arguments<'r, 'a>(&'r mut Reader<'a>);

impl Arguments<'_, '_> {
    /// Whether some program reads the argument of this name.
    pub fn wants(&self, name: &str) -> bool {
        !self.0.slots.inside(name).is_empty()
    }

    /// Takes an argument; of a name that comes twice the last value stays.
    #[inline]
    pub fn take(&mut self, name: &str, value: &Value) {
        self.0.argument(name, value);
    }
}

/// Reads into an observation.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) slots: &'a Slots,
    pub(super) symbols: &'a Symbols,
    pub(super) index: &'a Index,
    pub(super) into: &'a mut Observation,
}

impl Reader<'_> {
    #[inline]
    pub(super) fn event(&mut self, event: &Event) {
        if self.must_read_on(self.symbols.get(&event.action_type)) {
            self.all_of(event);
        }
    }

    /// Reads all that anyone looks at, also where the index need not know it. `false`: the event, by its action type,
    /// concerns nobody.
    pub(super) fn whole_event(&mut self, event: &Event) -> bool {
        let named = self.symbols.get(&event.action_type).is_some();
        if named || !self.index.is_gated() {
            self.all_of(event);
            return true;
        }
        self.into.extent = Extent::Nothing;
        false
    }

    fn all_of(&mut self, event: &Event) {
        self.begin();
        let slots = self.slots;
        for (key, slot) in slots.built_in() {
            match key {
                SlotKey::Attr(Attr::ActionType) => self.text(*slot, Text::Shared(&event.action_type)),
                SlotKey::Attr(Attr::Scene) => self.shared(*slot, event.scene.as_ref()),
                SlotKey::Attr(Attr::UserId) => self.shared(*slot, event.user_id.as_ref()),
                SlotKey::Attr(Attr::Source) => self.text(*slot, Text::Borrowed(event.source.as_str())),
                SlotKey::Attr(Attr::Ts | Attr::Arg(_)) | SlotKey::LocalTime => {}
            }
        }
        if slots.reads_args() {
            event.args.iter().for_each(|(name, value)| self.argument(name, value));
        }
    }

    /// Whether more must be known of an event than its action type.
    #[inline]
    fn must_read_on(&mut self, action: Option<Symbol>) -> bool {
        self.into.extent = self.index.extent(action);
        self.into.extent == Extent::Whole
    }

    /// Forgets the event before.
    #[inline]
    fn begin(&mut self) {
        self.into.extent = Extent::Whole;
        self.into.content.blank(self.slots.len());
    }

    #[inline]
    pub(super) fn borrowed(&mut self, head: &EventRef<'_>, read: impl FnOnce(&mut Arguments<'_, '_>)) {
        if !self.must_read_on(self.symbols.get(head.action_type)) {
            return;
        }
        self.begin();
        let slots = self.slots;
        for (key, slot) in slots.built_in() {
            let text = match key {
                SlotKey::Attr(Attr::ActionType) => Some(head.action_type),
                SlotKey::Attr(Attr::Scene) => head.scene,
                SlotKey::Attr(Attr::UserId) => head.user_id,
                SlotKey::Attr(Attr::Source) => Some(head.source.as_str()),
                SlotKey::Attr(Attr::Ts | Attr::Arg(_)) | SlotKey::LocalTime => None,
            };
            if let Some(text) = text {
                self.text(*slot, Text::Borrowed(text));
            }
        }
        if slots.reads_args() {
            read(&mut Arguments(self));
        }
    }

    pub(super) fn interned(&mut self, values: &[(Attribute, Interned<'_>)]) {
        self.begin();
        for &(Attribute(slot), value) in values {
            match value {
                Interned::Int(i) => self.plain(slot, Key::Int(i), || Value::Int(i)),
                Interned::Symbol(s) => {
                    let symbols = self.symbols;
                    self.plain(slot, Key::Text(s), || symbols.text(s).cloned().map_or(Value::Null, Value::Str));
                }
                Interned::Unnamed(_) if slot == SlotId::ACTION && self.index.is_gated() => {
                    self.into.extent = Extent::Nothing;
                    return;
                }
                Interned::Unnamed(v) => self.plain(slot, Key::Other, || v.clone()),
                Interned::Value(v) => self.value(slot, v),
            }
        }
    }

    /// What an event has by its arrival.
    #[inline]
    pub(super) fn arrival(&mut self) {
        let (slots, arrival) = (self.slots, self.into.arrival);
        let ts = arrival.position.ts.0;
        for (key, slot) in slots.arriving() {
            let at = match key {
                SlotKey::LocalTime => ts.saturating_add(i64::from(arrival.utc_offset_min) * 60_000),
                SlotKey::Attr(_) => ts,
            };
            self.plain(*slot, Key::Int(at), || Value::Int(at));
        }
    }

    fn argument(&mut self, name: &str, value: &Value) {
        let slots = self.slots;
        for inside in slots.inside(name) {
            match path(value, &inside.rest) {
                // What an argument of the same name before it said is gone.
                Value::Null => self.into.content.forget(inside.slot),
                found => self.value(inside.slot, found),
            }
        }
    }

    #[inline]
    fn value(&mut self, slot: SlotId, value: &Value) {
        if value.is_null() {
            return;
        }
        let needs = self.slots.needs(slot);
        if needs.key {
            self.into.content.put_key(slot, Key::of(value, self.symbols));
        }
        if needs.value {
            self.into.content.put_value(slot, value.clone());
        }
    }

    #[inline]
    fn plain(&mut self, slot: SlotId, key: Key, value: impl FnOnce() -> Value) {
        let needs = self.slots.needs(slot);
        if needs.key {
            self.into.content.put_key(slot, key);
        }
        if needs.value {
            self.into.content.put_value(slot, value());
        }
    }

    fn shared(&mut self, slot: SlotId, text: Option<&Arc<str>>) {
        if let Some(text) = text {
            self.text(slot, Text::Shared(text));
        }
    }

    #[inline]
    fn text(&mut self, slot: SlotId, text: Text<'_>) {
        let needs = self.slots.needs(slot);
        if !(needs.key || needs.value) {
            return;
        }
        let symbol = self.symbols.get(text.as_str());
        if needs.key {
            self.into.content.put_key(slot, symbol.map_or(Key::Other, Key::Text));
        }
        if needs.value {
            let known = symbol.and_then(|s| self.symbols.text(s));
            self.into.content.put_value(slot, Value::Str(text.owned(known)));
        }
    }
}

#[derive(Clone, Copy)]
enum Text<'a> {
    Shared(&'a Arc<str>),
    Borrowed(&'a str),
}

impl<'a> Text<'a> {
    fn as_str(self) -> &'a str {
        match self {
            Self::Shared(s) => s,
            Self::Borrowed(s) => s,
        }
    }

    /// The text to keep: that of the rules, where they name it.
    fn owned(self, known: Option<&Arc<str>>) -> Arc<str> {
        match (self, known) {
            (_, Some(known)) => known.clone(),
            (Self::Shared(s), None) => s.clone(),
            (Self::Borrowed(s), None) => s.into(),
        }
    }
}

/// What a path leads to inside a value.
fn path<'v>(value: &'v Value, path: &[Arc<str>]) -> &'v Value {
    let mut at = value;
    for name in path {
        match at {
            Value::Map(m) => match m.get(name) {
                Some(next) => at = next,
                None => return &Value::Null,
            },
            _ => return &Value::Null,
        }
    }
    at
}
