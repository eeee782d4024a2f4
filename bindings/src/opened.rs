//! Engines by number, for the JNI entry: a number that is no longer one of an engine does no harm.
//!
//! Looked up without a lock. Numbers are never given twice, so that a late call does not reach another engine.

use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use ensue_engine::Engine;

type Slots = Vec<Option<Arc<Engine>>>;

static OPENED: LazyLock<ArcSwap<Slots>> = LazyLock::new(ArcSwap::default);

/// Gives an engine a number.
pub(crate) fn put(engine: &Arc<Engine>) -> u64 {
    let before = OPENED.rcu(|slots| {
        let mut slots = Slots::clone(slots);
        slots.push(Some(engine.clone()));
        slots
    });
    u64::try_from(before.len()).unwrap_or(u64::MAX)
}

/// Takes the number from its engine.
pub(crate) fn remove(number: u64) {
    OPENED.rcu(|slots| {
        let mut slots = Slots::clone(slots);
        if let Some(slot) = usize::try_from(number).ok().and_then(|n| slots.get_mut(n)) {
            *slot = None;
        }
        slots
    });
}

/// Asks the engine of that number, if there is one.
pub(crate) fn with<T>(number: u64, ask: impl FnOnce(&Engine) -> T) -> Option<T> {
    let slots = OPENED.load();
    let slot = slots.get(usize::try_from(number).ok()?)?;
    slot.as_deref().map(ask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ensue_engine::Config;

    #[test]
    fn a_number_is_of_one_engine_until_it_is_removed() {
        let engine = Arc::new(Engine::open(Config::in_memory()).unwrap());
        let (one, two) = (put(&engine), put(&engine));
        assert_ne!(one, two);
        remove(one);
        assert!(with(one, |_| ()).is_none());
        assert!(with(two, |_| ()).is_some());
        assert!(with(u64::MAX, |_| ()).is_none());
        remove(two);
        assert_eq!(Arc::strong_count(&engine), 1);
    }
}
