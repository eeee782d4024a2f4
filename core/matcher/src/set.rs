//! What programs share: slots for the attributes that they read, symbols for the texts that they name, and the index
//! that says which programs an event concerns.

mod alike;
mod armed;
mod atom;
mod bucket;
mod commons;
mod index;
mod key;
mod noted;
mod ranges;
mod read;
mod shared;
mod slots;
mod starts;
mod symbols;
mod targets;

use std::sync::Arc;

use ensue_rule::{Attr, Event, EventRef, Filter, FilterEntry, Rule, Value};

pub use armed::Armed;
pub(crate) use commons::CommonId;
pub(crate) use index::Memo;
pub(crate) use key::Key;
pub use noted::Late;
pub use read::{Arguments, Attribute, Interned};
pub(crate) use slots::{SlotId, SlotKey, Slots};
pub use symbols::Symbol;

use crate::expr::{Code, View};
use crate::observation::Extent;
use crate::program::AskedOf;
use crate::registers::Registers;
use crate::table::Table;
use crate::{Arrival, Error, Hit, Limits, Observation, Program};
use alike::Alike;
use commons::Commons;
use index::Index;
use read::Reader;
use slots::Need;
use symbols::Symbols;
use targets::Target;

/// Names a program of a set, as long as it is there: after [`ProgramSet::remove`] the next one that is added may get the
/// number, so that tables by it stay as large as the programs that were there at a time. Before that the host lets go of
/// what it holds for the old one: its runs, and that it is [`Armed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramId(pub u32);

/// Programs, and the predicate index over all of them.
#[derive(Debug)]
pub struct ProgramSet {
    limits: Limits,
    slots: Slots,
    symbols: Symbols,
    /// By id; `None` where one was removed.
    programs: Vec<Option<Entry>>,
    /// Those that were removed.
    free: Vec<ProgramId>,
    alike: Alike,
    index: Index,
}

#[derive(Debug)]
struct Entry {
    program: Arc<Program>,
    /// Its predicates as the index numbers them, each with its bit (`None`: to see the event at all).
    filed: Box<[(u32, Option<u8>)]>,
    /// What its steps read.
    reads: Box<[SlotId]>,
}

impl Default for ProgramSet {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl ProgramSet {
    /// An empty set.
    pub fn new(limits: Limits) -> Self {
        Self {
            index: Index::new(limits.noted_from),
            limits,
            slots: Slots::default(),
            symbols: Symbols::default(),
            programs: Vec::new(),
            free: Vec::new(),
            alike: Alike::default(),
        }
    }

    /// Compiles a rule whose stream is what passes `filter`, and adds it. What other programs have is not touched. Before, whoever
    /// has [missed](Armed::missed) something of what a host noted catches up.
    ///
    /// # Errors
    /// As [`Program::compile`], and where filter and conditions make too many combinations; the set is unchanged.
    pub fn add(&mut self, rule: &Rule, filter: &Filter) -> Result<ProgramId, Error> {
        let added = self.compile(rule, filter);
        self.slots.settle();
        added
    }

    fn compile(&mut self, rule: &Rule, filter: &Filter) -> Result<ProgramId, Error> {
        let mut program = Program::compile_in(rule, &self.limits, &mut self.slots)?;
        let predicates = std::mem::take(&mut program.predicates);
        let entries = entries(filter, &mut self.slots);
        let places = entries.len().saturating_mul(predicates.len() + 1);
        if places > self.limits.places {
            return Err(Error::too_many_places(self.limits.places));
        }
        let next = || ProgramId(u32::try_from(self.programs.len()).unwrap_or(u32::MAX));
        let id = self.free.last().copied().unwrap_or_else(next);
        let starting = starts::starting(&program);
        let reads = starts::reads(&program);
        let inert = program.inert_bits();
        let predicates = predicates.into_iter().zip(0_u8..).map(|(predicate, bit)| {
            let (starts, inert) = (starting.is_none_or(|bits| bits & (1 << bit) != 0), inert & (1 << bit) != 0);
            (predicate.conjuncts, Target { goes_on: !starts, program: id, bit: Some(bit), inert })
        });
        let mut targets: Vec<(Vec<Code>, Target)> = predicates.collect();
        if program.sees_all() {
            let target = Target { goes_on: starting.is_some(), program: id, bit: None, inert: false };
            targets.push((Vec::new(), target));
        }
        reads.iter().for_each(|slot| self.slots.retain(*slot, Need::Value));
        let program = self.alike.share(program);
        self.put(id, Entry { program, filed: Box::default(), reads: reads.into() });
        let mut filed = Vec::with_capacity(places);
        targets.iter().for_each(|(conjuncts, target)| self.file(conjuncts, (&entries, *target), &mut filed));
        if let Some(entry) = self.programs.get_mut(row(id)).and_then(Option::as_mut) {
            entry.filed = filed.into();
        }
        Ok(id)
    }

    /// Puts a program in its place, which is a free one or a new one.
    fn put(&mut self, id: ProgramId, entry: Entry) {
        match self.programs.get_mut(row(id)) {
            Some(free) => {
                *free = Some(entry);
                self.free.pop();
            }
            None => self.programs.push(Some(entry)),
        }
    }

    /// Files a conjunction of a program, together with each entry of its filter.
    fn file(
        &mut self,
        conjuncts: &[Code],
        (entries, target): (&[Vec<Code>], Target),
        filed: &mut Vec<(u32, Option<u8>)>,
    ) {
        for entry in entries {
            let codes = conjuncts.iter().chain(entry);
            let tables = (&mut self.slots, &mut self.symbols);
            let number = self.index.add(codes, target, tables, &self.programs);
            filed.extend(number.map(|predicate| (predicate, target.bit)));
        }
    }

    /// What the program of a rule that was added asks, conjunct by conjunct; from now on events are read with all that
    /// the conjuncts look at.
    ///
    /// # Errors
    /// As [`ProgramSet::add`] of that rule: none, after that.
    pub(crate) fn explain(&mut self, rule: &Rule) -> Result<AskedOf, Error> {
        let asked = AskedOf::compile(rule, &mut self.slots)?;
        asked.slots(&mut |slot| self.slots.retain(slot, Need::Value));
        self.slots.settle();
        Ok(asked)
    }

    /// Takes a program out. What other programs have is not touched; what only it needed goes. Its number names another
    /// one after the next [`ProgramSet::add`]. Before, as before that, whoever has [missed](Armed::missed) something catches up.
    pub fn remove(&mut self, id: ProgramId) {
        let Some(entry) = self.programs.get_mut(row(id)).and_then(Option::as_mut) else { return };
        for (predicate, bit) in std::mem::take(&mut entry.filed) {
            self.index.remove(predicate, (id, bit), (&mut self.slots, &mut self.symbols), &self.programs);
        }
        let Some(entry) = self.programs.get_mut(row(id)).and_then(Option::take) else { return };
        entry.reads.iter().for_each(|slot| self.slots.release(*slot, Need::Value));
        self.alike.release(entry.program);
        self.free.push(id);
        self.slots.settle();
    }

    /// The program of that name.
    pub fn program(&self, id: ProgramId) -> Option<&Arc<Program>> {
        self.entry(id).map(|e| &e.program)
    }

    fn entry(&self, id: ProgramId) -> Option<&Entry> {
        self.programs.get(row(id)).and_then(Option::as_ref)
    }

    /// How many texts and attributes rules name: all that the set keeps of them, whatever events bring.
    pub fn names(&self) -> (usize, usize) {
        (self.symbols.len(), self.slots.used())
    }

    /// How many different automata there are: programs that differ only in which events they look at, in their window, in
    /// what they return and in what a match discards share theirs.
    pub fn automata(&self) -> usize {
        self.alike.len()
    }

    /// The symbol of a text, if some rule compares with it.
    pub fn symbol(&self, text: &str) -> Option<Symbol> {
        self.symbols.get(text)
    }

    /// An attribute, if some program reads it.
    pub fn attribute(&self, attr: &Attr) -> Option<Attribute> {
        self.slots.find(attr).map(Attribute)
    }

    /// Looks at an event once for all programs: reads what they read and names those that it concerns.
    pub fn observe(&self, event: &Event, arrival: Arrival, into: &mut Observation) {
        self.read(event, into);
        self.look_up(arrival, None, into);
    }

    /// Reads an event: its texts become symbols here, once, and only what programs look at is read.
    #[inline]
    pub fn read(&self, event: &Event, into: &mut Observation) {
        self.reader(into).event(event);
    }

    /// Reads a borrowed event.
    #[inline]
    pub fn read_ref(&self, event: &EventRef<'_>, into: &mut Observation) {
        let read = |arguments: &mut Arguments<'_, '_>| {
            event.args.iter().for_each(|(name, value)| arguments.take(name, value));
        };
        self.reader(into).borrowed(event, read);
    }

    /// Reads an event whose arguments nobody has read yet: `read` does, where it concerns a program that reads any, and hands over
    /// those that are wanted. Those of `head` are not looked at.
    #[inline]
    pub fn read_reading(&self, head: &EventRef<'_>, read: impl FnOnce(&mut Arguments<'_, '_>), into: &mut Observation) {
        self.reader(into).borrowed(head, read);
    }

    /// Reads an event that the host has interned: attributes with values; those left out are null. `false`: it concerns no
    /// program, wherever it stands in a stream, and need not be looked up. That is told soonest where the action type comes
    /// first.
    #[inline]
    pub fn read_interned(&self, values: &[(Attribute, Interned<'_>)], into: &mut Observation) -> bool {
        // Hosts say the action type first, so that most events end here.
        into.extent = match values.first() {
            Some((Attribute(SlotId::ACTION), Interned::Unnamed(_))) => self.index.extent(None),
            Some((Attribute(SlotId::ACTION), Interned::Symbol(symbol))) => self.index.extent(Some(*symbol)),
            _ => Extent::Whole,
        };
        if into.extent == Extent::Whole {
            self.reader(into).interned(values);
        }
        into.extent != Extent::Nothing
    }

    /// Names the programs that the event last read concerns, at this place in a stream: those that it may begin a run of,
    /// and of those in `armed` the ones whose live runs it concerns. `None`: as if all had live runs.
    #[inline]
    pub fn look_up(&self, arrival: Arrival, armed: Option<&Armed>, into: &mut Observation) {
        self.look_up_in(arrival, Whom { armed, noting: false }, into);
    }

    /// The same for a host that notes events: those programs are left out for which the event can let nothing out and which
    /// have what it hits in common with [many](Limits::noted_from) others. Where there are such, the event
    /// [is to be noted](Observation::is_noted).
    #[inline]
    pub fn look_up_noting(&self, arrival: Arrival, armed: &Armed, into: &mut Observation) {
        self.look_up_in(arrival, Whom { armed: Some(armed), noting: true }, into);
    }

    #[inline]
    fn look_up_in(&self, arrival: Arrival, whom: Whom<'_>, into: &mut Observation) {
        into.arrival = arrival;
        into.hits.clear();
        match into.extent {
            Extent::Nothing => {}
            Extent::ActionType(action) => self.index.look_up_plain(action, whom, &mut into.hits),
            Extent::Whole => self.find(whom, into),
        }
    }

    fn find(&self, whom: Whom<'_>, into: &mut Observation) {
        self.reader(into).arrival();
        self.index.look_up(whom, into);
    }

    /// What programs have in common.
    fn commons(&self) -> &Arc<Commons> {
        self.index.commons()
    }

    /// Looks at an event for one program only (look-back, replay): `None` where it does not concern it.
    pub fn observe_for(&self, id: ProgramId, event: &Event, arrival: Arrival, into: &mut Observation) -> Option<Hit> {
        let entry = self.entry(id)?;
        if !self.reader(into).whole_event(event) {
            return None;
        }
        into.arrival = arrival;
        self.reader(into).arrival();
        let mut hit = None;
        for (predicate, bit) in &entry.filed {
            if self.index.passes(*predicate, &into.content) {
                hit = Some(hit.unwrap_or(0) | bit.map_or(0, |bit| 1 << bit));
            }
        }
        hit.map(|bits| Hit { program: id, bits })
    }

    /// The values of PARTITION BY of the observed event; `None` where one of them is null (such an event is skipped
    /// and counted). Empty for a program without the clause.
    pub fn partition(&self, id: ProgramId, event: &Observation) -> Option<Vec<Value>> {
        let program = self.program(id)?;
        let value = |slot: &SlotId| event.content.slots.get(slot.index()).filter(|v| !v.is_null()).cloned();
        program.partition.iter().map(value).collect()
    }

    #[inline]
    fn reader<'a>(&'a self, into: &'a mut Observation) -> Reader<'a> {
        Reader { slots: &self.slots, symbols: &self.symbols, index: &self.index, into }
    }
}

/// For whom an event is looked up.
#[derive(Clone, Copy, Debug)]
struct Whom<'a> {
    /// The programs with live runs; `None`: as if all had.
    armed: Option<&'a Armed>,
    /// Whether it may be noted for many together.
    noting: bool,
}

fn row(id: ProgramId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

/// Slots alone, for conditions that look at one event.
fn view(slots: &[Value]) -> View<'_> {
    static NO_REGISTERS: std::sync::LazyLock<Table<crate::registers::RegisterId, crate::registers::Register>> =
        std::sync::LazyLock::new(Table::default);
    View { slots, registers: Registers::EMPTY, definitions: &NO_REGISTERS }
}

/// The conditions of each entry of a filter; of none a single one without conditions.
fn entries(filter: &Filter, slots: &mut Slots) -> Vec<Vec<Code>> {
    if filter.entries.is_empty() {
        return vec![Vec::new()];
    }
    let mut test = |(attr, values): (&Attr, &[Value])| {
        let slot = slots.slot(SlotKey::Attr(attr.clone()));
        Code::In(Box::new(Code::Slot(slot)), values.iter().cloned().map(Code::Const).collect())
    };
    let mut entry = |e: &FilterEntry| e.tests.iter().map(|t| test((&t.attr, &t.values))).collect();
    filter.entries.iter().map(&mut entry).collect()
}
