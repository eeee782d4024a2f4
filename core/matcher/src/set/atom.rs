//! Atoms: the conjuncts of predicates in one canonical form, so that what rules say alike is asked once.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ensue_rule::{BinaryOp, Value};
use smallvec::SmallVec;

use super::key::{Key, Range};
use super::slots::{Need, SlotId};
use super::symbols::Symbols;
use crate::expr::Code;

/// One condition on an event alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Atom {
    /// The attribute is one of these, sorted.
    OneOf(SlotId, Box<[Key]>),
    /// A number in this range.
    Within(SlotId, Range),
    /// A text that begins so.
    Starts(SlotId, Arc<str>),
    /// Anything else.
    Ask(Asked),
}

/// A condition that must be computed.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) code: Code,
    /// An attribute without which it cannot hold.
    pub(super) needs: Option<SlotId>,
    /// What tells it from others.
    text: Box<str>,
}

/// A conjunction in canonical order.
pub(super) type Atoms = SmallVec<[Atom; 4]>;

/// What makes a predicate; `None` where nothing can pass it.
///
/// Texts are pinned, once for each atom that is returned: see [`unpin`].
pub(super) fn conjunction<'c>(codes: impl Iterator<Item = &'c Code>, symbols: &mut Symbols) -> Option<Atoms> {
    let mut atoms = Atoms::new();
    for code in codes {
        let possible = match plain(code, symbols) {
            Some(Atom::OneOf(slot, keys)) => one_of(&mut atoms, (slot, keys), symbols),
            Some(Atom::Within(slot, range)) => {
                within(&mut atoms, slot, range);
                true
            }
            Some(other) => {
                atoms.push(other);
                true
            }
            None => {
                atoms.extend(begins(code));
                atoms.push(Atom::Ask(Asked::new(code)));
                true
            }
        };
        if !possible {
            atoms.iter().for_each(|a| unpin(a, symbols));
            return None;
        }
    }
    atoms.sort_unstable();
    atoms.dedup();
    Some(atoms)
}

/// Lets go of the texts of an atom that is not needed any more.
pub(super) fn unpin(atom: &Atom, symbols: &mut Symbols) {
    if let Atom::OneOf(_, keys) = atom {
        keys.iter().for_each(|k| unpin_key(*k, symbols));
    }
}

fn unpin_key(key: Key, symbols: &mut Symbols) {
    if let Key::Text(symbol) = key {
        symbols.unpin(symbol);
    }
}

/// Adds "one of" to a conjunction; false where nothing is left.
fn one_of(atoms: &mut Atoms, (slot, keys): (SlotId, Box<[Key]>), symbols: &mut Symbols) -> bool {
    let same = atoms.iter_mut().find_map(|a| match a {
        Atom::OneOf(s, keys) if *s == slot => Some(keys),
        _ => None,
    });
    let Some(old) = same else {
        let possible = !keys.is_empty();
        atoms.push(Atom::OneOf(slot, keys));
        return possible;
    };
    let (both, gone): (Vec<Key>, Vec<Key>) = old.iter().partition(|k| keys.binary_search(k).is_ok());
    gone.into_iter().chain(keys).for_each(|k| unpin_key(k, symbols));
    *old = both.into();
    !old.is_empty()
}

fn within(atoms: &mut Atoms, slot: SlotId, range: Range) {
    let same = atoms.iter_mut().find_map(|a| match a {
        Atom::Within(s, range) if *s == slot => Some(range),
        _ => None,
    });
    match same {
        Some(old) => *old = old.meet(range),
        None => atoms.push(Atom::Within(slot, range)),
    }
}

/// A condition as an atom that says all of it.
fn plain(code: &Code, symbols: &mut Symbols) -> Option<Atom> {
    if let Some((slot, values)) = equalities(code) {
        let mut keys: Vec<Key> = values.iter().map(|v| pinned(v, symbols)).collect();
        keys.sort_unstable();
        keys.dedup_by(|a, b| {
            let same = a == b;
            if same {
                unpin_key(*a, symbols);
            }
            same
        });
        return Some(Atom::OneOf(slot, keys.into()));
    }
    if let Some((slot, range)) = range(code) {
        return Some(Atom::Within(slot, range));
    }
    match code {
        Code::Like(x, like) => match (&**x, like.prefix()) {
            (Code::Slot(slot), (prefix, true)) if !prefix.is_empty() => Some(Atom::Starts(*slot, prefix.into())),
            _ => None,
        },
        _ => None,
    }
}

/// LIKE with more than a prefix: what it begins with, to be found by.
fn begins(code: &Code) -> Option<Atom> {
    let Code::Like(x, like) = code else { return None };
    let Code::Slot(slot) = &**x else { return None };
    let (prefix, _) = like.prefix();
    (!prefix.is_empty()).then(|| Atom::Starts(*slot, prefix.into()))
}

/// `slot = constant`, `slot IN (constants)`, and such joined by OR.
fn equalities<'c>(code: &'c Code) -> Option<(SlotId, Vec<&'c Value>)> {
    let indexed = |v: &Value| matches!(v, Value::Str(_)) || Key::of_plain(v).is_some();
    match code {
        Code::Binary(BinaryOp::Eq, a, b) => match (&**a, &**b) {
            (Code::Slot(slot), Code::Const(v)) | (Code::Const(v), Code::Slot(slot)) if indexed(v) => {
                Some((*slot, vec![v]))
            }
            _ => None,
        },
        Code::In(x, list) => {
            let Code::Slot(slot) = &**x else { return None };
            let constant = |c: &'c Code| match c {
                Code::Const(v) if indexed(v) => Some(v),
                _ => None,
            };
            Some((*slot, list.iter().map(constant).collect::<Option<_>>()?))
        }
        Code::Binary(BinaryOp::Or, a, b) => {
            let ((slot, mut values), (other, more)) = (equalities(a)?, equalities(b)?);
            values.extend(more);
            (slot == other).then_some((slot, values))
        }
        _ => None,
    }
}

fn pinned(value: &Value, symbols: &mut Symbols) -> Key {
    match value {
        Value::Str(text) => Key::Text(symbols.pin(text)),
        v => Key::of_plain(v).unwrap_or(Key::Other),
    }
}

/// A comparison of a slot with numbers.
fn range(code: &Code) -> Option<(SlotId, Range)> {
    let number = |c: &Code| match c {
        Code::Const(v @ (Value::Int(_) | Value::Float(_))) => Key::of_plain(v),
        _ => None,
    };
    match code {
        Code::Binary(op, a, b) => {
            let (slot, key, op) = match (&**a, &**b) {
                (Code::Slot(slot), c) => (*slot, number(c)?, *op),
                (c, Code::Slot(slot)) => (*slot, number(c)?, op.mirrored()),
                _ => return None,
            };
            let range = match op {
                BinaryOp::Lt => Range { low: None, high: Some((key, false)) },
                BinaryOp::Le => Range { low: None, high: Some((key, true)) },
                BinaryOp::Gt => Range { low: Some((key, false)), high: None },
                BinaryOp::Ge => Range { low: Some((key, true)), high: None },
                _ => return None,
            };
            Some((slot, range))
        }
        Code::Between(x, low, high) => {
            let Code::Slot(slot) = &**x else { return None };
            Some((*slot, Range { low: Some((number(low)?, true)), high: Some((number(high)?, true)) }))
        }
        _ => None,
    }
}

impl Asked {
    fn new(code: &Code) -> Self {
        Self { needs: needs(code), text: format!("{code:?}").into(), code: code.clone() }
    }
}

/// A slot without whose value the condition is false: a comparison with null is.
fn needs(code: &Code) -> Option<SlotId> {
    let slot = |c: &Code| match c {
        Code::Slot(slot) => Some(*slot),
        _ => None,
    };
    match code {
        Code::Binary(op, a, b) if op.is_comparison() => slot(a).or_else(|| slot(b)),
        Code::Like(x, _) | Code::Matches(x, _) | Code::Between(x, ..) | Code::In(x, _) => slot(x),
        _ => None,
    }
}

impl Atom {
    /// Calls `visit` with every slot that it looks at, and what for.
    pub(super) fn slots(&self, visit: &mut impl FnMut(SlotId, Need)) {
        match self {
            Self::OneOf(slot, _) | Self::Within(slot, _) => visit(*slot, Need::Key),
            Self::Starts(slot, _) => {
                visit(*slot, Need::Key);
                visit(*slot, Need::Value);
            }
            Self::Ask(asked) => {
                asked.code.slots(&mut |slot| visit(slot, Need::Value));
                asked.needs.into_iter().for_each(|slot| visit(slot, Need::Key));
            }
        }
    }
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Asked {}

impl PartialOrd for Asked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Asked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
