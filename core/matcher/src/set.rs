//! What programs share: slots for the attributes that they read, and the index that says which programs an event
//! concerns.

mod index;
mod slots;

use std::sync::Arc;

use ensue_rule::{Event, Filter, Rule, Value};

pub(crate) use index::Marks;
pub(crate) use slots::{SlotId, SlotKey, Slots};

use crate::expr::View;
use crate::program::Predicate;
use crate::registers::Registers;
use crate::table::Table;
use crate::{Arrival, Error, Hit, Limits, Observation, Program};
use index::Index;

/// Names a program of a set; never reused in one set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramId(pub u32);

/// Programs, and the predicate index over all of them.
#[derive(Debug, Default)]
pub struct ProgramSet {
    limits: Limits,
    slots: Slots,
    /// By id; `None` where one was removed.
    programs: Vec<Option<Entry>>,
    index: Index,
}

#[derive(Debug)]
struct Entry {
    program: Arc<Program>,
    filter: Vec<Predicate>,
}

impl ProgramSet {
    /// An empty set.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Compiles a rule whose stream is what passes `filter`, and adds it.
    ///
    /// # Errors
    /// As [`Program::compile`]; the set is unchanged.
    pub fn add(&mut self, rule: &Rule, filter: &Filter) -> Result<ProgramId, Error> {
        let program = Arc::new(Program::compile_in(rule, &self.limits, &mut self.slots)?);
        let id = ProgramId(u32::try_from(self.programs.len()).unwrap_or(u32::MAX));
        let filter: Vec<Predicate> = filter.entries.iter().map(|e| index::entry(e, &mut self.slots)).collect();
        for (bit, predicate) in program.predicates.iter().enumerate() {
            self.index.add(index::Target { program: id, bit: u8::try_from(bit).ok() }, &predicate.conjuncts);
        }
        if program.sees_all() {
            if filter.is_empty() {
                self.index.add(index::Target { program: id, bit: None }, &[]);
            }
            for entry in &filter {
                self.index.add(index::Target { program: id, bit: None }, &entry.conjuncts);
            }
        }
        self.programs.push(Some(Entry { program, filter }));
        Ok(id)
    }

    /// Takes a program out.
    pub fn remove(&mut self, id: ProgramId) {
        if let Some(entry) = self.programs.get_mut(row(id)) {
            *entry = None;
            self.index.remove(id);
        }
    }

    /// The program of that name.
    pub fn program(&self, id: ProgramId) -> Option<&Arc<Program>> {
        self.entry(id).map(|e| &e.program)
    }

    fn entry(&self, id: ProgramId) -> Option<&Entry> {
        self.programs.get(row(id)).and_then(Option::as_ref)
    }

    /// Looks at an event once for all programs: fills the slots that they read and names those that it concerns.
    pub fn observe(&self, event: &Event, arrival: Arrival, into: &mut Observation) {
        self.fill(event, arrival, into);
        let Observation { slots, hits, marks, .. } = into;
        hits.clear();
        marks.begin(self.programs.len());
        self.index.look_up(slots, |target| marks.mark(target));
        for (id, bits) in marks.marked() {
            if self.entry(id).is_some_and(|e| in_stream(&e.filter, slots)) {
                hits.push(Hit { program: id, bits });
            }
        }
    }

    /// Looks at an event for one program only (look-back, replay): `None` where it does not concern it.
    pub fn observe_for(&self, id: ProgramId, event: &Event, arrival: Arrival, into: &mut Observation) -> Option<Hit> {
        let entry = self.entry(id)?;
        self.fill(event, arrival, into);
        if !in_stream(&entry.filter, &into.slots) {
            return None;
        }
        let holds = |p: &Predicate| index::holds(&p.conjuncts, view(&into.slots));
        let bits = entry.program.predicates.iter().enumerate();
        let bits = bits.filter(|(_, p)| holds(p)).fold(0_u64, |bits, (bit, _)| bits | 1 << bit);
        (bits != 0 || entry.program.sees_all()).then_some(Hit { program: id, bits })
    }

    /// The values of PARTITION BY of the observed event; `None` where one of them is null (such an event is skipped
    /// and counted). Empty for a program without the clause.
    pub fn partition(&self, id: ProgramId, event: &Observation) -> Option<Vec<Value>> {
        let program = self.program(id)?;
        let value = |slot: &SlotId| event.slots.get(slot.index()).filter(|v| !v.is_null()).cloned();
        program.partition.iter().map(value).collect()
    }

    fn fill(&self, event: &Event, arrival: Arrival, into: &mut Observation) {
        into.arrival = arrival;
        self.slots.fill(event, arrival, &mut into.slots, &mut into.filled);
    }
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

fn in_stream(filter: &[Predicate], slots: &[Value]) -> bool {
    filter.is_empty() || filter.iter().any(|entry| index::holds(&entry.conjuncts, view(slots)))
}
