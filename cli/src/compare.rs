//! `ensue compare`: what a change of tasks, rules or policies does to recorded events: decisions gained, lost and moved.
//!
//! A decision is the same if its id is: the same match of the same rule, and the same output. Of what is left, decisions of
//! one task, user and touch are paired in order of time: they moved. What then is left was gained or lost.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ensue_engine::iso::Utc;
use ensue_engine::replay::{Item, Report};
use ensue_engine::{Decision, Outcome as Told, Refusal, Replay};
use ensue_rule::Timestamp;
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::output::{self, Output};
use crate::recording::Recording;
use crate::run::tasks::{self, Loaded};
use crate::why::{columns, refusal};

/// Examples shown of each kind of change of a task.
const EXAMPLES: usize = 3;

/// Say what a change of tasks does to recorded events: decisions gained, lost and moved
///
/// Exit code 0: both ran to the end; 1: a task was refused (the others were compared), or documents as a whole (nothing was);
/// 2: wrong arguments or unreadable files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Task documents as they are
    #[arg(long, value_name = "T1.json")]
    old: PathBuf,
    /// Task documents as they would be
    #[arg(long, value_name = "T2.json")]
    new: PathBuf,
    #[command(flatten)]
    recording: Recording,
}

/// What one side decided.
#[derive(Default)]
struct Side {
    decisions: Vec<Decision>,
    refusals: BTreeMap<Arc<str>, Refusal>,
    refused: bool,
    /// Lines that are no events.
    rejected: usize,
}

/// What changed for a task.
#[derive(Debug, Default, Serialize)]
struct Change {
    kind: &'static str,
    task: Arc<str>,
    old: u64,
    new: u64,
    same: u64,
    gained: u64,
    lost: u64,
    moved: u64,
    examples: Vec<Example>,
}

/// One decision that changed.
#[derive(Debug, Serialize)]
struct Example {
    change: &'static str,
    user: Option<Arc<str>>,
    touch: Arc<str>,
    /// When it was, and is, decided.
    old: Option<Timestamp>,
    new: Option<Timestamp>,
    /// Why the other side did not decide it, where it refused it.
    reason: Option<&'static str>,
    detail: Option<String>,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    args.recording.twice()?;
    let (old, new) = (tasks::documents(&args.old)?, tasks::documents(&args.new)?);
    let unread = note(&args.old, &old.refused) | note(&args.new, &new.refused);
    if unread {
        // All that the other side decides would be told as gained or lost.
        output::note("ensue: nothing is compared");
        return Ok(Outcome::Refused);
    }
    let (old, new) = (side(args, &args.old, old)?, side(args, &args.new, new)?);
    args.recording.note(new.rejected);
    let changes = changes(&old, &new);
    if out.is_json() {
        changes.iter().try_for_each(|c| out.object(c))?;
    } else {
        out.text(&text(&changes))?;
    }
    Ok(Outcome::refused(old.refused || new.refused))
}

/// Runs the events through one side's tasks.
fn side(args: &Args, path: &Path, loaded: Loaded) -> Result<Side, Failure> {
    let (mut replay, _) = Replay::open(args.recording.config())?;
    let refused = note(path, &replay.apply(loaded.sets)?);
    let mut side = Side { refused, ..Side::default() };
    let lines = args.recording.open()?;
    side.rejected = args.recording.feed_aside(lines, &mut replay, |item| side.take(item))?;
    Ok(side)
}

/// Notes what is refused of a side's tasks; whether there is something.
fn note(path: &Path, reports: &[Report]) -> bool {
    let mut any = false;
    for r in reports.iter().filter(|r| r.is_refusal()) {
        any = true;
        output::note(&refusal(Some(path), r));
    }
    any
}

impl Side {
    fn take(&mut self, item: Item) {
        match item {
            Item::Outcome(Told::Decision(d)) => self.decisions.push(d),
            Item::Outcome(Told::Refusal(r)) => {
                self.refusals.insert(r.id.clone(), r);
            }
            _ => {}
        }
    }
}

/// What changed, task by task.
fn changes(old: &Side, new: &Side) -> Vec<Change> {
    let mut changes: BTreeMap<Arc<str>, Change> = BTreeMap::new();
    let ids = |side: &Side| side.decisions.iter().map(|d| d.id.clone()).collect::<std::collections::BTreeSet<_>>();
    let (of_old, of_new) = (ids(old), ids(new));
    let mut gone: BTreeMap<_, VecDeque<&Decision>> = BTreeMap::new();
    for d in &old.decisions {
        let change = change(&mut changes, d);
        change.old += 1;
        if of_new.contains(&d.id) {
            change.same += 1;
        } else {
            gone.entry(group(d)).or_default().push_back(d);
        }
    }
    let mut came: Vec<&Decision> = Vec::new();
    for d in &new.decisions {
        change(&mut changes, d).new += 1;
        if !of_old.contains(&d.id) {
            came.push(d);
        }
    }
    for list in gone.values_mut() {
        list.make_contiguous().sort_by_key(|d| d.at);
    }
    came.sort_by_key(|d| d.at);
    for d in came {
        match gone.get_mut(&group(d)).and_then(VecDeque::pop_front) {
            Some(was) => change(&mut changes, d).add("moved", (Some(was), Some(d)), None),
            None => change(&mut changes, d).add("gained", (None, Some(d)), old.refusals.get(&d.id)),
        }
    }
    for d in gone.into_values().flatten() {
        change(&mut changes, d).add("lost", (Some(d), None), new.refusals.get(&d.id));
    }
    changes.into_values().collect()
}

fn group(d: &Decision) -> (Arc<str>, Option<Arc<str>>, Arc<str>) {
    (d.task.clone(), d.user.clone(), d.touch.clone())
}

fn change<'a>(changes: &'a mut BTreeMap<Arc<str>, Change>, d: &Decision) -> &'a mut Change {
    let new = || Change { kind: "comparison", task: d.task.clone(), ..Change::default() };
    changes.entry(d.task.clone()).or_insert_with(new)
}

impl Change {
    fn add(&mut self, change: &'static str, (old, new): (Option<&Decision>, Option<&Decision>), by: Option<&Refusal>) {
        let count = match change {
            "moved" => &mut self.moved,
            "gained" => &mut self.gained,
            _ => &mut self.lost,
        };
        *count += 1;
        let shown = self.examples.iter().filter(|e| e.change == change).count();
        let Some(d) = new.or(old).filter(|_| shown < EXAMPLES) else { return };
        self.examples.push(Example {
            change,
            user: d.user.clone(),
            touch: d.touch.clone(),
            old: old.map(|d| d.at),
            new: new.map(|d| d.at),
            reason: by.map(|r| r.reason.as_str()),
            detail: by.map(|r| r.detail.clone()),
        });
    }
}

/// A table, and the examples below it.
fn text(changes: &[Change]) -> String {
    let head = ["task", "old", "new", "same", "gained", "lost", "moved"].map(str::to_owned);
    let row = |c: &Change| {
        let [old, new, same, gained, lost, moved] =
            [c.old, c.new, c.same, c.gained, c.lost, c.moved].map(|n| n.to_string());
        [c.task.to_string(), old, new, same, gained, lost, moved]
    };
    let rows: Vec<_> = std::iter::once(head).chain(changes.iter().map(row)).collect();
    let mut text = columns(&rows);
    for c in changes {
        for e in &c.examples {
            text.push_str(&example(&c.task, e));
        }
    }
    text
}

fn example(task: &str, e: &Example) -> String {
    let user = e.user.as_deref().unwrap_or("anonymous");
    let when = match (e.old, e.new) {
        (Some(old), Some(new)) => format!("from {} to {}", Utc(old), Utc(new)),
        (Some(at), None) | (None, Some(at)) => format!("at {}", Utc(at)),
        (None, None) => String::new(),
    };
    let why = match (e.change, e.reason, &e.detail) {
        ("lost", Some(reason), Some(detail)) => format!(": now refused, {reason}: {detail}"),
        ("gained", Some(reason), Some(detail)) => format!(": was refused, {reason}: {detail}"),
        _ => String::new(),
    };
    format!("{task}: {} `{}` for {user} {when}{why}\n", e.change, e.touch)
}
