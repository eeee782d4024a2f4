//! Rounds of the kill test: children are started and ended, and what they leave behind is judged.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use ensue_engine::Engine;

use super::child::Order;
use super::judge::{self, Said};
use super::life::{FORGOTTEN, Life};
use super::look::{self, Look};
use super::point::{POINTS, Point};
use crate::random::Random;

/// Rounds of one life: each point twice.
const LIFE: u64 = 2 * POINTS.len() as u64;

/// A child that says nothing for so long hangs.
const HANGS: Duration = Duration::from_secs(60);

/// A kept store of an older version.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/formats/v1.store");

/// How rounds went.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often a child was ended at each point.
    pub hits: std::collections::BTreeMap<Point, u64>,
    /// Checks that passed: one a round, one a life.
    pub passed: u64,
    /// What is wrong, a text a failed check.
    pub failed: Vec<String>,
}

/// The rounds of a seed.
#[derive(Debug)]
pub struct Rounds {
    folder: PathBuf,
    seed: u64,
    lose: bool,
    random: Random,
    life: Life,
    store: PathBuf,
    said: Said,
    tally: Tally,
}

impl Rounds {
    /// Rounds in a folder.
    pub fn new(folder: &Path, seed: u64, lose: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            seed,
            lose,
            random: Random::new(seed),
            life: Life { seed, live: false },
            store: PathBuf::new(),
            said: Said::default(),
            tally: Tally::default(),
        }
    }

    /// So many rounds, each at another point.
    pub fn run(mut self, rounds: u64) -> Tally {
        for round in 0..rounds {
            if round % LIFE == 0 {
                self.begin(round / LIFE);
            }
            let point = POINTS[usize::try_from(round).unwrap_or(0) % POINTS.len()];
            let outcome = if point.is_aside() { self.aside(round, point) } else { self.kill(round, point) };
            self.check(&format!("round {round}, {}", point.name()), outcome);
            if round % LIFE == LIFE - 1 || round + 1 == rounds {
                let outcome = self.end(round);
                self.check(&format!("the life that ends with round {round}"), outcome);
            }
        }
        self.tally
    }

    fn begin(&mut self, n: u64) {
        self.life = Life { seed: self.seed.wrapping_mul(1_000).wrapping_add(n), live: n % 2 == 1 };
        self.store = self.folder.join(format!("life-{n}.db"));
        self.said = Said::default();
    }

    fn check(&mut self, what: &str, outcome: Result<Vec<String>, String>) {
        let wrong = outcome.unwrap_or_else(|why| vec![why]);
        if wrong.is_empty() {
            self.tally.passed += 1;
            return;
        }
        let more = wrong.len().saturating_sub(5);
        let shown: Vec<&str> = wrong.iter().take(5).map(String::as_str).collect();
        let more = if more > 0 { format!("\n    and {more} more") } else { String::new() };
        self.tally.failed.push(format!("{what}:\n    {}{more}", shown.join("\n    ")));
    }

    /// Goes on with the life until its child is ended at a point; what it leaves behind is judged.
    fn kill(&mut self, round: u64, point: Point) -> Result<Vec<String>, String> {
        let order = self.order(round, point)?;
        self.child(&order)?;
        let look = self.look()?;
        let mut wrong = judge::left_behind(self.life, &look, &self.said);
        wrong.extend(judge::so_far(self.life, &look, order.upto)?);
        Ok(wrong)
    }

    fn order(&mut self, round: u64, point: Point) -> Result<Order, String> {
        let look = self.look()?;
        // What was recorded before the sets in force is not recorded again: they may want what others did not.
        let from = look.last().max(Life::applied_at(look.version));
        // An apply comes every 90 events; a moment at random, rather before all is done.
        let long = matches!(point, Point::Apply | Point::Random);
        let events = if long { 100 } else { 25 + self.random.below(50) };
        Ok(Order {
            path: self.store.clone(),
            life: self.life,
            round: self.seed.wrapping_mul(1_000_003).wrapping_add(round),
            from,
            upto: from + events,
            version: look.version,
            point,
            passes: self.random.below(point.chances()),
            done: false,
            lose: self.lose,
        })
    }

    /// Starts a child and ends it where it stands still, or after a while; keeps what it said. Whether it was ended.
    fn child(&mut self, order: &Order) -> Result<bool, String> {
        let (mut child, said) = start(order)?;
        let mut patience = if order.point == Point::Random { after_a_while(&mut self.random) } else { HANGS };
        let before = self.tally.hits.get(&order.point).copied();
        let outcome = loop {
            match said.recv_timeout(patience) {
                Ok(line) => match line.split_once(' ') {
                    Some(("point", _)) => {
                        self.end_child(&mut child, order.point)?;
                        patience = HANGS;
                    }
                    Some(("broken", why)) => break Err(format!("the child says: {why}")),
                    _ => self.hear(&line),
                },
                Err(RecvTimeoutError::Timeout) if order.point == Point::Random && patience < HANGS => {
                    self.end_child(&mut child, order.point)?;
                    patience = HANGS;
                }
                Err(RecvTimeoutError::Timeout) => break Err("the child hangs".to_owned()),
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            }
        };
        let _ = child.kill();
        let status = child.wait().map_err(|e| e.to_string())?;
        outcome?;
        if status.code().is_some_and(|c| c != 0) {
            return Err(format!("the child ended with {status}"));
        }
        Ok(self.tally.hits.get(&order.point).copied() != before)
    }

    fn end_child(&mut self, child: &mut Child, point: Point) -> Result<(), String> {
        child.kill().map_err(|e| e.to_string())?;
        *self.tally.hits.entry(point).or_default() += 1;
        Ok(())
    }

    fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("flushed" | "durable", n)) => {
                self.said.acknowledged = self.said.acknowledged.max(n.parse().unwrap_or(0));
            }
            Some(("told", id)) => {
                self.said.told.insert(id.to_owned());
            }
            _ => {}
        }
    }

    /// A copy of the store as it was left, looked into.
    fn look(&self) -> Result<Look, String> {
        if !self.store.exists() {
            return Ok(Look::default());
        }
        Look::at(&look::copy(&self.store, &self.folder)?)
    }

    /// A life comes to its end: a last child goes on in peace, and the whole is compared.
    fn end(&mut self, round: u64) -> Result<Vec<String>, String> {
        // Passed more often than it can be: the child is not ended.
        let order = Order { passes: u64::MAX >> 1, lose: false, ..self.order(round, Point::Commit)? };
        self.child(&order)?;
        let look = self.look()?;
        let mut wrong = judge::left_behind(self.life, &look, &self.said);
        wrong.extend(judge::whole_life(self.life, &look, &self.said, order.upto)?);
        if wrong.is_empty() {
            let _ = std::fs::remove_file(&self.store);
        }
        Ok(wrong)
    }

    /// A copy of the store, or one of an older version, is ended while something is done to it. When that was done in peace
    /// after all it is as one that nobody ended; and what was erased has left no trace.
    fn aside(&mut self, round: u64, point: Point) -> Result<Vec<String>, String> {
        let order = self.order(round, point)?;
        let order = if point == Point::Upgrade { Order { from: 0, upto: 0, ..order } } else { order };
        let (ended, whole) = (self.copy("ended", point)?, self.copy("whole", point)?);
        let mine = std::mem::replace(&mut self.store, ended.clone());
        let done = self.child(&Order { path: ended.clone(), upto: order.from, ..order.clone() });
        let left = self.look();
        self.store = mine;
        let (was_ended, left) = (done?, left?);
        let erased = point.erases() && !left.users.iter().any(|u| u == FORGOTTEN);
        let mut wrong = left.complaints;
        if erased {
            // Whoever opens it next, and does nothing, overwrites the traces.
            open_and_close(&ended)?;
            wrong.extend(look::traces(&ended, FORGOTTEN)?);
        }
        let quiet = Order { passes: u64::MAX >> 1, lose: false, ..order };
        if was_ended && !erased {
            self.child(&Order { path: ended.clone(), upto: quiet.from, ..quiet.clone() })?;
        }
        self.child(&Order { path: whole.clone(), upto: quiet.from, ..quiet.clone() })?;
        // Both go on from an opening: it begins with what the store says, which is less than what was in memory.
        for path in [&ended, &whole] {
            self.child(&Order { path: path.clone(), done: true, ..quiet.clone() })?;
        }
        if point.erases() {
            wrong.extend(look::traces(&ended, FORGOTTEN)?);
        }
        // What no task can look at goes when there is time for it.
        open_and_close(&ended)?;
        open_and_close(&whole)?;
        wrong.extend(differences(&ended, &whole)?);
        Ok(wrong)
    }

    /// A store in a folder of its own: a copy of the life's, or of one of an older version.
    fn copy(&self, name: &str, point: Point) -> Result<PathBuf, String> {
        let folder = self.folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).map_err(|e| e.to_string())?;
        let from = if point == Point::Upgrade { Path::new(OLD) } else { &self.store };
        look::copy(from, &folder)
    }
}

/// What a store says, but for numbers that may differ: the next arrival number, which need not be written where the end of
/// the log says it, in how many transactions counters have changed, and the number that each store draws for itself.
fn said(store: &Path) -> Result<Vec<String>, String> {
    let may_differ = |row: &String| {
        ["next_seq", "counts_changed", "install"].iter().any(|n| row.starts_with(&format!("numbers: {n}")))
    };
    let rows = look::dump(store)?.into_iter().filter(|row| !may_differ(row));
    let cut = |row: String| match row.split_once('{') {
        Some((head, counts)) if row.starts_with("counts:") => {
            format!("{} | {{{counts}", head.trim_end_matches([' ', '|']).rsplit_once('|').map_or("", |(task, _)| task))
        }
        _ => row,
    };
    Ok(rows.map(cut).collect())
}

/// In what two stores differ.
fn differences(a: &Path, b: &Path) -> Result<Vec<String>, String> {
    let (a, b) = (said(a)?, said(b)?);
    let mut wrong: Vec<String> =
        a.iter().zip(&b).filter(|(a, b)| a != b).map(|(a, b)| format!("{a} is not {b}")).collect();
    if a.len() != b.len() || b.is_empty() {
        wrong.push(format!("{} rows are not {}", a.len(), b.len()));
    }
    Ok(wrong)
}

fn open_and_close(store: &Path) -> Result<(), String> {
    let engine = Engine::open(Life::config(store)).map_err(|e| e.to_string())?;
    engine.ready().map_err(|e| e.to_string())?;
    engine.close();
    Ok(())
}

fn after_a_while(random: &mut Random) -> Duration {
    Duration::from_micros(random.below(12_000))
}

/// A child, and the lines that it says.
fn start(order: &Order) -> Result<(Child, Receiver<String>), String> {
    let text = serde_json::to_string(order).map_err(|e| e.to_string())?;
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut child =
        Command::new(this).args(["--child", &text]).stdout(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
    let out = child.stdout.take().ok_or("the child has no output")?;
    let (sender, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Ok((child, said))
}
