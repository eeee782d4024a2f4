//! Symbols: the texts that rules compare with, as small numbers.
//!
//! Only rules bring texts in, and a text goes with the last rule that names it: events look texts up and never add one,
//! so that no stream can make this grow.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// A text that some rule of a set names. Good until a program is taken out of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

impl Symbol {
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

/// Texts by number, and back.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    by_text: FxHashMap<Arc<str>, Symbol>,
    rows: Vec<Row>,
    free: Vec<Symbol>,
}

#[derive(Debug)]
struct Row {
    text: Arc<str>,
    /// How many predicates name it.
    pins: u32,
}

impl Symbols {
    /// The symbol of a text that a rule names.
    #[inline]
    pub(super) fn get(&self, text: &str) -> Option<Symbol> {
        self.by_text.get(text).copied()
    }

    pub(super) fn text(&self, symbol: Symbol) -> Option<&Arc<str>> {
        self.rows.get(row(symbol)).filter(|r| r.pins > 0).map(|r| &r.text)
    }

    /// The symbol of a text that a rule names from now on.
    pub(super) fn pin(&mut self, text: &Arc<str>) -> Symbol {
        let symbol = self.get(text).unwrap_or_else(|| self.make(text));
        if let Some(r) = self.rows.get_mut(row(symbol)) {
            r.pins += 1;
        }
        symbol
    }

    /// A rule that named it is gone.
    pub(super) fn unpin(&mut self, symbol: Symbol) {
        let Some(r) = self.rows.get_mut(row(symbol)).filter(|r| r.pins > 0) else { return };
        r.pins -= 1;
        if r.pins == 0 {
            self.by_text.remove(&r.text);
            r.text = Arc::default();
            self.free.push(symbol);
        }
    }

    /// How many texts are named.
    pub(super) fn len(&self) -> usize {
        self.by_text.len()
    }

    fn make(&mut self, text: &Arc<str>) -> Symbol {
        let new = Row { text: text.clone(), pins: 0 };
        let symbol = self.free.pop().unwrap_or(Symbol(u32::try_from(self.rows.len()).unwrap_or(u32::MAX)));
        match self.rows.get_mut(row(symbol)) {
            Some(r) => *r = new,
            None => self.rows.push(new),
        }
        self.by_text.insert(text.clone(), symbol);
        symbol
    }
}

fn row(symbol: Symbol) -> usize {
    usize::try_from(symbol.0).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_with_the_last_rule_that_names_it() {
        let mut symbols = Symbols::default();
        let (a, b) = (symbols.pin(&"a".into()), symbols.pin(&"b".into()));
        assert_eq!(symbols.pin(&"a".into()), a);
        symbols.unpin(a);
        assert_eq!(symbols.get("a"), Some(a));
        symbols.unpin(a);
        assert_eq!((symbols.get("a"), symbols.text(a), symbols.len()), (None, None, 1));
        assert_eq!(symbols.pin(&"c".into()), a, "numbers are used again");
        assert_eq!(symbols.text(b).map(|t| &**t), Some("b"));
    }
}
