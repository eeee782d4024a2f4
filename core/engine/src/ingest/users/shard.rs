//! Some of the users, under one lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use super::Reach;

#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Where in `entries` a user is.
    pub(super) places: FxHashMap<Arc<str>, usize>,
    pub(super) entries: Vec<Entry>,
    /// The anonymous user, in the shard of its own.
    pub(super) anonymous: Reach,
    pub(super) events: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) reach: Reach,
}

impl Shard {
    #[cold]
    fn add(&mut self, user: &str) -> usize {
        let name: Arc<str> = user.into();
        self.places.insert(name.clone(), self.entries.len());
        self.entries.push(Entry { name, reach: Reach::default() });
        self.entries.len() - 1
    }

    pub(super) fn remove(&mut self, user: Option<&str>, count: &AtomicUsize) {
        let Some(user) = user else {
            self.anonymous = Reach::default();
            return;
        };
        let Some(place) = self.places.remove(user) else { return };
        self.entries.swap_remove(place);
        count.fetch_sub(1, Ordering::Relaxed);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.name.clone(), place);
        }
    }

    /// A user who is here.
    pub(super) fn known(&mut self, user: Option<&str>) -> Option<&mut Reach> {
        let Some(user) = user else { return Some(&mut self.anonymous) };
        let place = *self.places.get(user)?;
        self.entries.get_mut(place).map(|e| &mut e.reach)
    }

    /// A user, who is new where they were not here; `None`: there are `most` already.
    pub(super) fn reach(
        &mut self,
        user: Option<&str>,
        count: &AtomicUsize,
        most: usize,
    ) -> Option<(&mut Reach, Option<&Arc<str>>)> {
        let Some(user) = user else { return Some((&mut self.anonymous, None)) };
        let place = match self.places.get(user) {
            Some(place) => *place,
            None if count.load(Ordering::Relaxed) >= most => return None,
            None => {
                count.fetch_add(1, Ordering::Relaxed);
                self.add(user)
            }
        };
        self.entries.get_mut(place).map(|entry| (&mut entry.reach, Some(&entry.name)))
    }
}
