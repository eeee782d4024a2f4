//! Some of the users, under one lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::Reach;

#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Where in `entries` a user is, by the hash of their name.
    pub(super) places: HashTable<u32>,
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
        let place = self.entries.len();
        self.entries.push(Entry { name: user.into(), reach: Reach::default() });
        // There are never 2^32 users in memory.
        let Self { places, entries, .. } = self;
        places.insert_unique(hash(user), u32::try_from(place).unwrap_or(u32::MAX), |at| hash_at(entries, *at));
        place
    }

    #[inline]
    fn place(&self, user: &str) -> Option<usize> {
        self.places.find(hash(user), |at| is_at(&self.entries, *at, user)).map(|at| index(*at))
    }

    pub(super) fn has(&self, user: &str) -> bool {
        self.place(user).is_some()
    }

    pub(super) fn remove(&mut self, user: Option<&str>, count: &AtomicUsize) {
        let Some(user) = user else {
            self.anonymous = Reach::default();
            return;
        };
        let Self { places, entries, .. } = self;
        let Ok(found) = places.find_entry(hash(user), |at| is_at(entries, *at, user)) else { return };
        let (place, _) = found.remove();
        count.fetch_sub(1, Ordering::Relaxed);
        // The last one comes into its place.
        let last = entries.len().saturating_sub(1);
        if let Some(moved) =
            places.find_mut(hash_at(entries, u32::try_from(last).unwrap_or(u32::MAX)), |at| index(*at) == last)
        {
            *moved = place;
        }
        entries.swap_remove(index(place));
    }

    /// A user who is here.
    pub(super) fn known(&mut self, user: Option<&str>) -> Option<&mut Reach> {
        let Some(user) = user else { return Some(&mut self.anonymous) };
        let place = self.place(user)?;
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
        let place = match self.place(user) {
            Some(place) => place,
            None if count.load(Ordering::Relaxed) >= most => return None,
            None => {
                count.fetch_add(1, Ordering::Relaxed);
                self.add(user)
            }
        };
        self.entries.get_mut(place).map(|entry| (&mut entry.reach, Some(&entry.name)))
    }
}

/// The hash of a name; it decides no order.
#[inline]
fn hash(user: &str) -> u64 {
    use std::hash::BuildHasher;
    FxBuildHasher.hash_one(user)
}

fn hash_at(entries: &[Entry], at: u32) -> u64 {
    entries.get(index(at)).map_or(0, |entry| hash(&entry.name))
}

#[inline]
fn is_at(entries: &[Entry], at: u32, user: &str) -> bool {
    entries.get(index(at)).is_some_and(|entry| *entry.name == *user)
}

#[inline]
fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
