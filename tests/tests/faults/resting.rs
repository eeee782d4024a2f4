//! Users whose live runs rest in a log that fails, tears or is taken away (docs/adr/0012): they come back, or are refused.

use std::path::Path;

use ensue_engine::{Config, Outcome, StoreState};
use ensue_faults::{Fault, Op, Part};
use ensue_rule::{EventRef, Timestamp};

use crate::Site;

/// So many users whose live runs rest in the log, all but a few; each has seen an `a`.
struct Resting {
    site: Site,
    dir: tempfile::TempDir,
}

const USERS: i64 = 400;

impl Resting {
    fn config(path: &Path) -> Config {
        Config { users: 2, ..Config::at(path).replay() }
    }

    fn begun() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ensue.db");
        let rest = Self { site: Site::with(Self::config(&path), &path), dir };
        let pair = r#"[{"taskArray": [
          {"id": "pair", "rule": "EVENT: a -> b WHERE a.actionType = 'a' AND a.args.text != '' AND b.actionType = 'b' WITHIN 60 MIN"}]},
         {"source": "t", "actionTypeIn": ["go"], "taskArray": [
          {"id": "back", "rule": "EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 60 MIN"}]}]"#;
        let read = ensue_dsl::read_documents(pair.as_bytes(), &ensue_dsl::ReadOptions::default()).unwrap();
        rest.site.engine.apply(read).unwrap();
        // More than `SQLite` keeps in memory.
        rest.each(1_000, "a", &"x".repeat(20_000));
        rest
    }

    /// The same over the file as it is, nothing of it in `SQLite`'s memory but what opening reads.
    fn again(self) -> Self {
        let Self { site, dir } = self;
        site.engine.shutdown();
        let path = site.path.clone();
        drop(site);
        let site = Site::with(Self::config(&path), &path);
        site.engine.ready().unwrap();
        let rest = Self { site, dir };
        // Who opens a file has all of its users in memory until there are more.
        for ts in 0..100 {
            rest.record(10_000 + ts, "noise", USERS, "");
            rest.site.engine.flush().unwrap();
        }
        assert!(rest.site.engine.stats().users < 30, "they rest");
        rest
    }

    fn record(&self, ts: i64, action: &str, user: i64, text: &str) {
        let (name, args) = (format!("user{user}"), [("text", text.into())]);
        let (ts, user_id) = (Some(Timestamp(ts)), Some(name.as_str()));
        self.site.engine.record(&EventRef { ts, action_type: action, user_id, args: &args, ..EventRef::default() });
    }

    /// An event of each; whether all of it was well.
    fn each(&self, ts: i64, action: &str, text: &str) -> bool {
        let each = |user: i64| {
            self.record(ts + user, action, user, text);
            user % 50 != 0 || self.site.engine.flush().is_ok()
        };
        (0..USERS).map(each).fold(true, |all, well| all & well) & self.site.engine.flush().is_ok()
    }

    /// How many matches, and how many refusals with what reason.
    fn told(&self) -> (usize, usize, usize) {
        let told = std::mem::take(&mut *self.site.told.outcomes.lock().unwrap());
        let is = |o: &&Outcome| matches!(o, Outcome::Match(_));
        let refused = |task: &str| {
            let is = |o: &&Outcome| matches!(o, Outcome::Refusal(r) if &*r.task == task && r.reason.as_str() == "history_truncated");
            told.iter().filter(is).count()
        };
        (told.iter().filter(is).count(), refused("pair"), refused("back"))
    }
}

#[test]
fn who_rests_comes_back_from_a_file_that_is_deleted() {
    let rest = Resting::begun();
    std::fs::remove_file(&rest.site.path).unwrap();
    assert!(rest.each(20_000, "b", ""));
    assert_eq!(rest.told(), (400, 0, 0), "all of it was written anew");
    assert_eq!(rest.site.states(), [StoreState::Afresh]);
}

#[test]
fn who_rests_in_a_log_that_tears_comes_back_or_is_refused() {
    let rest = Resting::begun().again();
    let mut bytes = std::fs::read(&rest.site.path).unwrap();
    // A part of the log is gone, and what `SQLite` says of it.
    let pages = bytes.len() / 2_048;
    bytes.chunks_mut(2_048).skip(pages / 3).take(pages / 3).for_each(|page| page[..300].fill(0xee));
    let file = std::fs::OpenOptions::new().write(true).open(&rest.site.path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    assert!(!rest.each(20_000, "b", ""));
    let detail = rest.site.told.store.lock().unwrap()[0].detail.clone();
    assert!(detail.contains(" live runs could not be read, and ended"), "{detail}");
    assert_eq!(rest.site.states(), [StoreState::Afresh]);
    let (matches, refused, _) = rest.told();
    assert!(matches > 50 && refused > 50, "{matches} {refused}");
    assert_eq!(matches + refused, 400, "each is answered, or refused");
    assert_eq!(rest.site.engine.stats().refusals, u64::try_from(refused).unwrap());
}

#[test]
fn a_resting_user_whose_log_cannot_be_read_is_refused_and_not_guessed() {
    let rest = Resting::begun().again();
    rest.site.disk.fail(Part::Main, Op::Read, Fault::Broken);
    rest.record(20_000, "b", 7, "");
    assert!(rest.site.engine.flush().unwrap_err().is_store());
    rest.site.disk.heal();
    assert_eq!(rest.told(), (0, 1, 0));
    // It ends there: the log, which can be read now, does not bring it back, and a new one begins.
    rest.record(20_100, "b", 7, "");
    rest.record(20_200, "a", 7, "x");
    rest.record(20_300, "b", 7, "");
    rest.record(20_301, "b", 8, "");
    rest.site.engine.flush().unwrap();
    assert_eq!(rest.told(), (2, 0, 0));
    rest.record(20_400, "go", 7, "");
    rest.record(20_401, "a", 9, "x");
    rest.site.engine.flush().unwrap();
    assert_eq!(rest.told(), (1, 0, 0), "a look back begins behind what is lost");
    let rest = rest.again();
    rest.record(20_500, "b", 7, "");
    rest.record(20_501, "b", 9, "");
    rest.site.engine.flush().unwrap();
    assert_eq!(rest.told(), (1, 0, 0));
}
