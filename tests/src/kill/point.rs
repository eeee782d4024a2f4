//! The moments at which a process is ended, and how it is brought to stand still there.
//!
//! Half of them are recognised by the statement that the engine runs, half by what `SQLite` does to the disk; the product
//! knows of none. A child that comes to its point says so and stops on the thread that is there: its parent ends it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use ensue_faults::{Access, Answer, Op, Part, Watcher};

/// Where a child ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Anywhere: after some time.
    Random,
    /// Between two events of a transaction, or of the journal on their way into their table.
    Batch,
    /// When the journal is in its tables, and the mark not yet drawn with which it is empty.
    Post,
    /// While a commit is written: the last page half there.
    Commit,
    /// When a commit is done, before anybody is told.
    Delivery,
    /// While task sets are put in place of others.
    Apply,
    /// While decisions are acknowledged.
    Ack,
    /// While old events are forgotten.
    Retention,
    /// While the write-ahead log is moved into the file: a page half there.
    Checkpoint,
    /// While `record_durable` waits for the disk.
    Sync,
    /// While a store is opened.
    Open,
    /// While the tables of an older version are brought up.
    Upgrade,
    /// While the rows of a user are erased.
    Forget,
    /// While the traces of what was erased are overwritten: a page half there.
    Scrub,
    /// While the rows of everyone are erased, or their traces overwritten.
    OptOut,
    /// While a history is cut, because the log is over its limits.
    Cut,
}

/// All of them.
pub const POINTS: [Point; 16] = [
    Point::Random,
    Point::Batch,
    Point::Post,
    Point::Commit,
    Point::Delivery,
    Point::Apply,
    Point::Ack,
    Point::Retention,
    Point::Checkpoint,
    Point::Sync,
    Point::Open,
    Point::Upgrade,
    Point::Forget,
    Point::Scrub,
    Point::OptOut,
    Point::Cut,
];

impl Point {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Batch => "batch",
            Self::Post => "post",
            Self::Commit => "commit",
            Self::Delivery => "delivery",
            Self::Apply => "apply",
            Self::Ack => "ack",
            Self::Retention => "retention",
            Self::Checkpoint => "checkpoint",
            Self::Sync => "sync",
            Self::Open => "open",
            Self::Upgrade => "upgrade",
            Self::Forget => "forget",
            Self::Scrub => "scrub",
            Self::OptOut => "opt-out",
            Self::Cut => "cut",
        }
    }

    /// Whether its rounds are on a store aside, so that the life goes on as if nothing had been.
    pub fn is_aside(self) -> bool {
        matches!(self, Self::Upgrade | Self::Forget | Self::Scrub | Self::OptOut | Self::Cut)
    }

    /// Whether what is done there erases a user.
    pub fn erases(self) -> bool {
        matches!(self, Self::Forget | Self::Scrub | Self::OptOut)
    }

    /// How often a child passes it, at least, in a round of usual length.
    pub fn chances(self) -> u64 {
        match self {
            Self::Random => 1,
            Self::Ack | Self::Sync => 3,
            Self::Apply | Self::Checkpoint | Self::Post => 7,
            Self::Batch | Self::Commit | Self::Delivery | Self::Retention => 20,
            Self::Open | Self::Upgrade | Self::Forget | Self::Cut => 14,
            Self::Scrub | Self::OptOut => 30,
        }
    }

    fn is_statement(self, sql: &str) -> bool {
        let starts = match self {
            Self::Batch => "INSERT INTO events",
            Self::Post => "INSERT OR REPLACE INTO numbers (name, value) VALUES (?1, random())",
            Self::Apply => "INSERT INTO tasks",
            Self::Ack => "UPDATE decisions SET acked",
            Self::Retention => "DELETE FROM events",
            Self::Open | Self::Upgrade | Self::Forget | Self::OptOut | Self::Cut => "",
            Self::Random | Self::Commit | Self::Delivery | Self::Checkpoint | Self::Sync | Self::Scrub => return false,
        };
        sql.trim_start().starts_with(starts)
    }

    fn is_access(self, access: Access, committing: bool) -> bool {
        match self {
            Self::Commit => {
                access.part == Part::Entries || committing && access.part == Part::Log && access.op == Op::Write
            }
            Self::Checkpoint => access.part == Part::Main && matches!(access.op, Op::Write | Op::Sync),
            Self::Sync => access.part == Part::Log && access.op == Op::Sync,
            Self::Upgrade => access.part == Part::Log && access.op == Op::Write,
            Self::Scrub | Self::OptOut => matches!(access.op, Op::Write | Op::Sync | Op::Truncate),
            _ => false,
        }
    }
}

/// With `lose` commits reach the file by so many at once, at most. By few they would be there before the process ends more often than
/// not: whoever is told of one commits something else next, and a quick worker each event by itself.
const LATE: u64 = 32;

/// Brings a process to stand still at a point.
#[derive(Debug)]
pub struct Stopper {
    point: Point,
    /// How often the point is passed before.
    left: AtomicI64,
    /// A commit is under way.
    committing: AtomicBool,
    /// The point counts only from here on (an upgrade's transaction, what is done aside) or only until here (opening).
    counts: AtomicBool,
    /// Commits are held back until [`LATE`] later ones begin: what is told then is not true yet.
    lose: bool,
    release: AtomicBool,
    commits: AtomicU64,
}

impl Stopper {
    /// Stands still the time after `passes` passes of `point`; `lose` moves the boundary of transactions.
    pub fn new(point: Point, passes: u64, lose: bool) -> Self {
        Self {
            point,
            left: AtomicI64::new(i64::try_from(passes).unwrap_or(i64::MAX)),
            committing: AtomicBool::new(false),
            counts: AtomicBool::new(!point.is_aside()),
            lose,
            release: AtomicBool::new(false),
            commits: AtomicU64::new(0),
        }
    }

    /// The store is open.
    pub fn opened(&self) {
        if self.point == Point::Open {
            self.counts.store(false, Ordering::SeqCst);
        }
    }

    /// What is done aside begins, or has ended.
    pub fn aside(&self, begins: bool) {
        // The traces are overwritten after the rows are gone.
        self.counts.store(begins && self.point != Point::Scrub, Ordering::SeqCst);
    }

    /// Whether this pass is the one.
    fn is_now(&self) -> bool {
        self.counts.load(Ordering::SeqCst) && self.left.fetch_sub(1, Ordering::SeqCst) == 0
    }

    /// A commit begins.
    fn commits(&self) {
        if self.commits.fetch_add(1, Ordering::SeqCst).is_multiple_of(LATE) {
            self.release.store(true, Ordering::SeqCst);
        }
    }

    #[allow(clippy::print_stdout, reason = "the parent reads it")]
    fn stop(&self) {
        println!("point {}", self.point.name());
        loop {
            std::thread::park();
        }
    }
}

impl Watcher for Stopper {
    fn access(&self, access: Access) -> Answer {
        let committing = self.committing.load(Ordering::SeqCst);
        if self.point.is_access(access, committing) && self.is_now() {
            if access.op == Op::Write {
                return Answer::Half;
            }
            self.stop();
        }
        if access.part == Part::Entries {
            self.commits();
        }
        let held = self.lose && matches!(access.part, Part::Log | Part::Entries) && access.op == Op::Write;
        if held && !self.release.swap(false, Ordering::SeqCst) { Answer::Hold } else { Answer::Pass }
    }

    fn halved(&self) {
        self.stop();
    }

    fn entered(&self) {
        if self.point == Point::Delivery && self.is_now() {
            self.stop();
        }
    }

    fn statement(&self, sql: &str, done: bool) {
        let commit = sql.trim_start().starts_with("COMMIT");
        if commit {
            self.committing.store(!done, Ordering::SeqCst);
            if !done {
                self.commits();
            }
        }
        let begins = match self.point {
            Point::Upgrade => "BEGIN",
            Point::Scrub => "VACUUM",
            _ => "none",
        };
        if sql.trim_start().starts_with(begins) {
            self.counts.store(true, Ordering::SeqCst);
        }
        let here = if done { self.point == Point::Delivery && commit } else { self.point.is_statement(sql) };
        if here && self.is_now() {
            self.stop();
        }
        if self.point == Point::Upgrade && commit && done {
            self.counts.store(false, Ordering::SeqCst);
        }
    }
}
