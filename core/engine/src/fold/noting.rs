//! Events that many tasks have in common are noted once in a stream (docs/adr/0011); here who has missed some catches up.
//!
//! Nothing comes out of that, so that it may be done at any place. It must be before runs are looked at or moved by
//! anything but their own next event: before tasks change, history goes, events are lost, a stream is put away.

use super::Fold;
use super::live::{Live, RunKey};
use crate::log::StreamKey;
use crate::tasks::{Active, TaskId};

impl Fold {
    /// How many events are noted.
    #[cfg(test)]
    pub(crate) fn notes(&self) -> usize {
        self.streams.values().map(|stream| stream.lives.notes()).sum()
    }

    /// Lets all tasks of all streams catch up on what was noted.
    pub(crate) fn settle_all(&mut self) {
        let noted = self.streams.iter().filter(|(_, stream)| stream.lives.notes() > 0);
        let mut keys: Vec<StreamKey> = noted.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys.iter().for_each(|key| self.settle(key));
    }

    /// Lets all tasks of a stream catch up on what was noted in it.
    pub(super) fn settle(&mut self, key: &StreamKey) {
        let Some(stream) = self.streams.get(key).filter(|stream| stream.lives.notes() > 0) else { return };
        let tasks: Vec<TaskId> =
            stream.lives.missed().iter().filter_map(|program| Some(self.book.of_program(*program)?.id)).collect();
        tasks.iter().for_each(|task| self.catch_up(key, *task));
        if let Some(stream) = self.streams.get_mut(key) {
            stream.lives.drop_notes();
        }
    }

    /// Lets the tasks catch up in whose runs the store's skip bounds matter, as long as these are known.
    pub(super) fn settle_bounded(&mut self) {
        let mut places: Vec<(TaskId, StreamKey)> =
            self.restored.keys().map(|(task, key, _)| (*task, key.clone())).collect();
        places.sort_unstable();
        places.iter().for_each(|(task, key)| self.catch_up(key, *task));
    }

    /// Lets a task catch up on what was noted in a stream.
    fn catch_up(&mut self, key: &StreamKey, task: TaskId) {
        let book = &self.book;
        let Some(task) = book.get(task).filter(|task| self.shows(task, key)) else { return };
        let since = self.since(task, key);
        let (Some(program), Some(stream)) = (book.program(task), self.streams.get_mut(key)) else { return };
        if task.is_triggered() || !stream.lives.has_missed(task.program) {
            return;
        }
        let run = RunKey { task: task.id, key: [].into() };
        let alive = stream.lives.take(&run);
        let mut live = alive.unwrap_or_else(|| {
            let place = (run.task, key.clone(), Vec::new());
            Box::new(Live::new(run, task.program, self.restored.get(&place).copied()))
        });
        stream
            .lives
            .catch_up(&mut live, (program, None), &mut self.recalled, |place| task.reads(place) && place.ts > since);
        stream.lives.keep(live, program);
        self.effects.tally.capped += stream.lives.make_room(book.limits().keys);
    }

    /// Whether events of a stream are shown to a task.
    pub(super) fn shows(&self, task: &Active, key: &StreamKey) -> bool {
        key.is_of(task.task.scope) && self.only.as_ref().is_none_or(|only| only.contains(&task.id))
    }
}
