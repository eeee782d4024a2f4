//! Answers for a person: a few lines, the conclusion first.

use std::fmt::{self, Display, Write as _};

use ensue_rule::Value;

use super::{Awaited, Ended, EventName, Failed, NearMiss, Story, Verdict, Why, WhyNot};
use crate::iso::Utc;

/// Writes a list with commas.
struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// A label without the quotes of JSON.
fn label(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

impl Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", label(&self.id), Utc(self.ts))
    }
}

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.condition)?;
        for (i, (of, value)) in self.found.0.iter().enumerate() {
            write!(f, "{}{of} is {value}", if i > 0 { ", " } else { ", but " })?;
        }
        Ok(())
    }
}

impl Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was nearly `{}`: {}", self.event, self.stage, List(&self.failed))
    }
}

impl Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.stage, self.next) {
            (Some(stage), _) => write!(f, "an event for `{stage}`")?,
            (None, true) => f.write_str("the very next event")?,
            (None, false) => f.write_str("its time to pass")?,
        }
        if !self.conditions.is_empty() {
            write!(f, " ({})", self.conditions.join(" AND "))?;
        }
        for (i, n) in self.forbids.iter().enumerate() {
            write!(f, "{} `{n}`", if i > 0 { "," } else { ", with no" })?;
        }
        self.until.map_or(Ok(()), |until| write!(f, ", until {}", Utc(until)))
    }
}

impl Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBegun => f.write_str("no run began"),
            Self::Waits => f.write_str("it still waits"),
            Self::Complete => f.write_str("it is complete, and waits until an earlier run has ended"),
            Self::Forbidden { stage, event } => write!(f, "it ended by {event}, which `!{stage}` forbids"),
            Self::Until { event } => write!(f, "it ended by {event}, for which UNTIL holds"),
            Self::Held { stage, event } => write!(f, "it ended by {event}, which belongs to `{stage}`"),
            Self::Strict { event } => write!(f, "it ended by {event}: the very next event had to be taken"),
            Self::Left { failed, at } => {
                write!(f, "it was not complete at {}: {}", Utc(*at), List(failed))
            }
            Self::Step { at } => write!(f, "it ended at {}: the next event had to come before", Utc(*at)),
            Self::Window { at } => write!(f, "it ended at {}: its window was over", Utc(*at)),
            Self::Session { event } => write!(f, "its session ended before {event}"),
            Self::Gap { at } => write!(f, "it ended at {}: events were lost while it waited for an absence", Utc(*at)),
        }
    }
}

impl Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(stage) = &self.stage else {
            self.awaits.iter().try_for_each(|a| writeln!(f, "no run began: it waits for {a}"))?;
            return self.near_misses.iter().try_for_each(|n| writeln!(f, "  {n}"));
        };
        f.write_str("the furthest run")?;
        self.user.as_ref().map_or(Ok(()), |user| write!(f, ", of {user},"))?;
        write!(f, " reached `{stage}`")?;
        if let Some(partition) = &self.partition {
            write!(f, " in the partition {}", List(partition))?;
        }
        match self.lacks {
            0 => writeln!(f)?,
            1 => writeln!(f, " and lacked one event")?,
            n => writeln!(f, " and lacked {n} events or more")?,
        }
        for (stage, events) in &self.bindings.0 {
            writeln!(f, "  {stage}: {}", List(events))?;
        }
        for (i, a) in self.awaits.iter().enumerate() {
            writeln!(f, "  {} for {a}", if i > 0 { "or" } else { "it waited" })?;
        }
        self.near_misses.iter().try_for_each(|n| writeln!(f, "  {n}"))?;
        writeln!(f, "  {}", self.ended)
    }
}

impl Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.task, self.conclusion())?;
        writeln!(f, "{}", self.reach())?;
        if let Some(t) = &self.triggers {
            let last = t.last.map_or(String::new(), |at| format!(", the last at {}", Utc(at)));
            writeln!(f, "triggered {}{last}; for this answer it looked back at {} of them", times(t.count), t.looked)?;
        }
        if let Some(last) = self.last_match {
            writeln!(f, "matched {}, last at {}", times(self.matches), Utc(last))?;
        }
        if let Some(refusal) = &self.last_refusal {
            let detail = &refusal.detail;
            writeln!(f, "last refused at {}: {}: {detail}", Utc(refusal.at), refusal.reason.as_str())?;
        }
        if self.null_keys > 0 {
            writeln!(f, "{} events were passed over: a value of PARTITION BY is null", self.null_keys)?;
        }
        if let Some(story) = &self.furthest {
            if self.matches > 0 {
                f.write_str("of what did not match, ")?;
            }
            write!(f, "{story}")?;
        }
        if self.capped {
            writeln!(f, "there were more runs than are followed: another may have come further")?;
        }
        Ok(())
    }
}

impl WhyNot {
    /// The answer in one sentence.
    pub fn conclusion(&self) -> String {
        let refused: u64 = self.refusals.values().sum();
        if self.decisions > 0 {
            return match refused {
                0 => format!("decided {}", times(self.decisions)),
                _ => format!("decided {}, refused {} ({})", times(self.decisions), times(refused), self.reasons()),
            };
        }
        if refused > 0 {
            return format!("refused {} ({})", times(refused), self.reasons());
        }
        if self.waiting > 0 {
            return format!("{} of its touches wait for their time", self.waiting);
        }
        if self.matches > 0 {
            return format!("matched {}; it makes no decisions", times(self.matches));
        }
        match (&self.triggers, &self.furthest) {
            (Some(t), _) if t.count == 0 => "nothing triggered it".to_owned(),
            (Some(_), _) if self.script.is_some() => {
                format!("its script `{}` found nothing", self.script.as_deref().unwrap_or_default())
            }
            _ if self.events == 0 => "it saw no event".to_owned(),
            (_, Some(story)) if story.stage.is_some() => format!("did not match: {}", story.ended),
            _ => "did not match: no run began".to_owned(),
        }
    }

    fn reasons(&self) -> String {
        let by: Vec<_> = self.refusals.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
        by.join(", ")
    }

    fn reach(&self) -> String {
        let events = self.events;
        let Some(from) = self.history.from else { return format!("{events} events: the log has none for it") };
        let cut = if self.history.cut { ", older ones are gone" } else { "" };
        format!("{events} events since {}{cut}", Utc(from))
    }

    /// The answer as text.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// The answer as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Decision(d) => {
                writeln!(f, "{}: decided `{}` at {}, {}", self.id, d.touch, Utc(d.at), version(d.version, &d.task))?;
                d.values.0.iter().try_for_each(|(name, value)| writeln!(f, "  {name} = {value}"))?;
            }
            Verdict::Waiting { decision: d, due } => {
                let of = version(d.version, &d.task);
                writeln!(f, "{}: `{}` waits until {}, {of}", self.id, d.touch, Utc(*due))?;
                d.values.0.iter().try_for_each(|(name, value)| writeln!(f, "  {name} = {value}"))?;
            }
            Verdict::Refusal(r) => {
                let (reason, of) = (r.reason.as_str(), version(r.version, &r.task));
                writeln!(f, "{}: refused `{reason}` at {}, {of}: {}", self.id, Utc(r.at), r.detail)?;
                r.values.0.iter().try_for_each(|(name, value)| writeln!(f, "  {name} = {value}"))?;
            }
        }
        for (stage, events) in &self.events.0 {
            for e in events {
                let kept = e.event.as_ref().map_or("no longer kept".to_owned(), ToString::to_string);
                writeln!(f, "  {stage}: {} {kept}", label(&e.id))?;
            }
        }
        for check in &self.checks {
            let mut line = format!("  {}: {}", check.control, if check.passed { "passed" } else { "refused" });
            if let Some(detail) = &check.detail {
                let _ = write!(line, ": {detail}");
            }
            writeln!(f, "{line}")?;
        }
        self.feedback.iter().try_for_each(|t| writeln!(f, "  {} at {}", t.feedback, Utc(t.at)))
    }
}

fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

fn version(version: Option<i64>, task: &str) -> String {
    version.map_or_else(|| format!("task {task}"), |v| format!("task {task} of version {v}"))
}

impl Why {
    /// The answer as text.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// The answer as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
