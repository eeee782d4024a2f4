//! The automaton as text and as a graph.

use std::fmt::Write;

use ensue_rule::Contiguity;

use super::{Program, Target, TestId, WaitId};
use crate::table::Id;

impl Program {
    /// The automaton as text: a line per position and per wait.
    pub fn describe(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "begin");
        self.starts.iter().for_each(|w| self.describe_wait(*w, &mut out));
        for (p, position) in self.positions.iter() {
            let complete = if position.complete.is_empty() { "" } else { "  complete" };
            let _ = writeln!(out, "{}{}", self.position_name(p), complete);
            position.waits.iter().for_each(|w| self.describe_wait(*w, &mut out));
        }
        let _ = writeln!(out, "{}", self.bounds());
        out
    }

    /// The automaton in Graphviz's dot.
    pub fn dot(&self) -> String {
        let mut out = String::from(
            "digraph program {\n  rankdir=LR;\n  begin [shape=point];\n  end [shape=doublecircle,label=\"\"];\n",
        );
        for (p, position) in self.positions.iter() {
            let shape = if position.complete.is_empty() { "circle" } else { "doublecircle" };
            let _ = writeln!(out, "  p{} [shape={shape},label=\"{}\"];", p.index(), escape(&self.position_name(p)));
        }
        self.starts.iter().for_each(|w| self.dot_wait("begin", *w, &mut out));
        for (p, position) in self.positions.iter() {
            position.waits.iter().for_each(|w| self.dot_wait(&format!("p{}", p.index()), *w, &mut out));
        }
        out.push_str("}\n");
        out
    }

    fn position_name(&self, p: super::PositionId) -> String {
        let stage = self.positions[p].stage;
        let copy = self.positions.iter().take(p.index() + 1).filter(|(_, x)| x.stage == stage).count();
        format!("{}#{copy}", self.stages[stage].name)
    }

    fn describe_wait(&self, id: WaitId, out: &mut String) {
        let _ = writeln!(out, "  {} {}", self.arrow(id), self.target(id));
        let wait = &self.waits[id];
        let mut line = |what: &str, tests: &[TestId]| {
            if !tests.is_empty() {
                let _ = writeln!(out, "     {what} {}", self.labels(tests));
            }
        };
        line("ended by, unless taken:", &wait.forbids);
        line("ended by:", &wait.watch);
        line("ended, if the very next event, by:", &wait.next_forbids.iter().map(|n| n.test).collect::<Vec<_>>());
        line("closed by:", &wait.untils);
        line("held back by greedy:", &wait.held.iter().map(|h| h.test).collect::<Vec<_>>());
        if let Some(b) = wait.bound {
            let _ = writeln!(
                out,
                "     within {}{} ms of the event before",
                if b.inclusive { "<= " } else { "< " },
                b.limit.0
            );
        }
        let _ = match self.remembered(id) {
            none if none.is_empty() => writeln!(out, "     cost: {}", self.tier_of(id)),
            stages => writeln!(out, "     cost: {} (remembers {stages})", self.tier_of(id)),
        };
    }

    fn arrow(&self, id: WaitId) -> &'static str {
        match self.waits[id].arrow {
            Contiguity::Strict => "=>",
            Contiguity::Relaxed => "->",
            Contiguity::Any => "->>",
        }
    }

    fn target(&self, id: WaitId) -> String {
        match self.waits[id].target {
            Target::Take(p) => self.position_name(p),
            Target::Absence => "complete at the deadline".into(),
            Target::Next => "complete at the next event".into(),
        }
    }

    fn labels(&self, tests: &[TestId]) -> String {
        tests.iter().map(|t| self.tests[*t].label.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn dot_wait(&self, from: &str, id: WaitId, out: &mut String) {
        let to = match self.waits[id].target {
            Target::Take(p) => format!("p{}", p.index()),
            Target::Absence | Target::Next => "end".into(),
        };
        let forbids = self.labels(&self.waits[id].forbids);
        let label =
            if forbids.is_empty() { self.arrow(id).to_owned() } else { format!("{} !{forbids}", self.arrow(id)) };
        let _ = writeln!(out, "  {from} -> {to} [label=\"{}\"];", escape(&label));
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
