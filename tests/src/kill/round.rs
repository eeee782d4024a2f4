//! Rounds of the kill test: children are started and ended, and what they leave behind is judged.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::child::Order;
use super::judge::{self, Said};
use super::life::Life;
use super::look::{self, Look};
use super::point::{POINTS, Point};
use crate::random::Random;

/// Rounds of one life.
const LIFE: u64 = 22;

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
            life: Life { seed },
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
            let outcome = if point == Point::Upgrade { self.upgrade(round) } else { self.kill(round, point) };
            self.check(&format!("round {round}, {}", point.name()), outcome);
            if round % LIFE == LIFE - 1 || round + 1 == rounds {
                let outcome = self.end(round);
                self.check(&format!("the life that ends with round {round}"), outcome);
            }
        }
        self.tally
    }

    fn begin(&mut self, n: u64) {
        self.life = Life { seed: self.seed.wrapping_mul(1_000).wrapping_add(n) };
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
        // An apply comes every 90 events.
        let events = if point == Point::Apply { 100 } else { 25 + self.random.below(50) };
        Ok(Order {
            path: self.store.clone(),
            life: self.life.seed,
            round: self.seed.wrapping_mul(1_000_003).wrapping_add(round),
            from,
            upto: from + events,
            version: look.version,
            point,
            passes: self.random.below(point.chances()),
            lose: self.lose,
        })
    }

    /// Starts a child and ends it where it stands still, or after a while; keeps what it said.
    fn child(&mut self, order: &Order) -> Result<(), String> {
        let (mut child, said) = start(order)?;
        let mut patience = if order.point == Point::Random { after_a_while(&mut self.random) } else { HANGS };
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
        match outcome {
            Ok(()) if status.code().is_some_and(|c| c != 0) => Err(format!("the child ended with {status}")),
            other => other,
        }
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

    /// A store of an older version, ended while it is brought up, then opened in peace, is as if nothing had been.
    fn upgrade(&mut self, round: u64) -> Result<Vec<String>, String> {
        let [old, peaceful] = ["old.db", "peaceful.db"].map(|name| self.folder.join(name));
        for path in [&old, &peaceful] {
            std::fs::copy(OLD, path).map_err(|e| e.to_string())?;
        }
        let mine = std::mem::replace(&mut self.store, old.clone());
        let order = Order { from: 0, upto: 0, ..self.order(round, Point::Upgrade)? };
        let done = self.child(&order);
        let left = self.look();
        self.store = mine;
        done?;
        let mut wrong = left?.complaints;
        let quiet = |path: &Path| Order { path: path.to_owned(), passes: u64::MAX >> 1, lose: false, ..order.clone() };
        for path in [&old, &peaceful] {
            self.child(&quiet(path))?;
        }
        let (ended, whole) = (look::dump(&old)?, look::dump(&peaceful)?);
        wrong.extend(ended.iter().zip(&whole).filter(|(a, b)| a != b).map(|(a, b)| format!("{a} is not {b}")));
        if ended.len() != whole.len() || whole.is_empty() {
            wrong.push(format!("{} rows are not {}", ended.len(), whole.len()));
        }
        Ok(wrong)
    }
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
