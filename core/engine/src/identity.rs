//! Stable names: the hash of what decides matches, the ids of matches and decisions.
//!
//! The same history gives the same ids on every run, so that what is written twice is seen to be one thing. Nothing here
//! looks anything up: every part of an identity is handed in.

use std::fmt;
use std::sync::Arc;

use ensue_matcher::{Match, Position};
use ensue_rule::{Task, Value};
use sha2::{Digest, Sha256};

/// The hash of all that decides what a task matches; tasks that differ only in RETURN, outputs or policy share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleHash([u8; 32]);

impl fmt::Display for RuleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash over pattern, conditions, window, partition, AFTER MATCH, filter, trigger and scope, and the
/// text of a script.
pub(crate) fn rule_hash(task: &Task) -> RuleHash {
    let r = &task.rule;
    let rule = (&r.pattern, &r.conditions, &r.within, &r.partition_by, &r.after_match);
    let parts = (rule, &task.filter, &task.trigger, task.scope);
    // Plain data whose map keys are text always serialises; the debug form keeps tasks apart all the same.
    let mut bytes = serde_json::to_vec(&parts).unwrap_or_else(|_| format!("{parts:?}").into_bytes());
    if let Some((name, hash)) = task.script() {
        // Nothing is added for other tasks: what stores remember goes by their hash.
        bytes.extend_from_slice(format!("script {name} {hash}").as_bytes());
    }
    RuleHash(Sha256::digest(bytes).into())
}

/// The id of a match: its task and rule, whose it is, its events, when it was complete, and `ordinal` among matches that
/// are equal in all of these.
#[allow(clippy::too_many_arguments, reason = "each is a part of the identity, and they belong to nothing together")]
pub(crate) fn match_id(
    task_id: &str,
    hash: RuleHash,
    user: Option<&str>,
    partition: Option<&[Value]>,
    m: &Match,
    ordinal: u32,
) -> Arc<str> {
    let mut id = Fields::default();
    id.field(task_id.as_bytes());
    id.field(&hash.0);
    id.optional(user.map(str::as_bytes));
    match partition {
        None => id.optional(None),
        Some(key) => {
            id.optional(Some(&length(key.len())));
            for value in key {
                id.value(value);
            }
        }
    }
    id.field(&length(m.bindings.len()));
    for (stage, events) in &m.bindings {
        id.field(stage.as_bytes());
        id.field(&events.iter().flat_map(|seq| seq.to_le_bytes()).collect::<Vec<_>>());
    }
    id.field(&m.at.0.to_le_bytes());
    id.field(&ordinal.to_le_bytes());
    id.hex()
}

/// The id of a call that a trigger made.
pub(crate) fn call_id(task_id: &str, hash: RuleHash, user: Option<&str>, trigger: Position) -> Arc<str> {
    let mut id = Fields::default();
    id.field(b"call");
    id.field(task_id.as_bytes());
    id.field(&hash.0);
    id.optional(user.map(str::as_bytes));
    id.field(&trigger.ts.0.to_le_bytes());
    id.field(&trigger.seq.to_le_bytes());
    id.hex()
}

/// The id of what becomes of one output of a match.
pub(crate) fn decision_id(match_id: &str, output: usize) -> Arc<str> {
    let mut id = Fields::default();
    id.field(match_id.as_bytes());
    id.field(&length(output));
    id.hex()
}

/// A hash over fields with their lengths, so that no two lists of fields run into the same bytes.
#[derive(Default)]
struct Fields(Sha256);

impl Fields {
    fn field(&mut self, bytes: &[u8]) {
        self.0.update(length(bytes.len()));
        self.0.update(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.0.update([u8::from(bytes.is_some())]);
        self.field(bytes.unwrap_or_default());
    }

    /// A value with its type, so that `1`, `1.0` and `"1"` differ.
    fn value(&mut self, value: &Value) {
        self.field(value.type_name().as_bytes());
        self.field(value.to_string().as_bytes());
    }

    /// The first 16 hex digits.
    fn hex(self) -> Arc<str> {
        let digest: [u8; 32] = self.0.finalize().into();
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16);
        let digits = digest.iter().take(8).flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]);
        digits.flatten().collect::<String>().into()
    }
}

fn length(n: usize) -> [u8; 8] {
    u64::try_from(n).unwrap_or(u64::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ensue_matcher::Cause;
    use ensue_rule::{
        Duration, Element, Expr, On, Output, OutputKind, Pattern, Return, Rule, TaskKind, TaskScope, Timestamp,
        Trigger, Within, WithinKind,
    };

    fn task() -> Task {
        Task::of("t", Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() }))
    }

    fn found(bindings: &[(&str, &[u64])]) -> Match {
        Match {
            bindings: bindings.iter().map(|(n, e)| (Arc::from(*n), e.iter().copied().collect())).collect(),
            start: Position::default(),
            end: Position::default(),
            at: Timestamp(7),
            by: Cause::Event,
            values: Vec::new(),
        }
    }

    #[test]
    fn returns_outputs_and_policy_leave_the_rule_hash_alone() {
        let mut other = task();
        other.id = "u".into();
        other.rule.returns.push(Return { name: "x".into(), expr: Expr::literal(1) });
        other.rule.on_timeout = Some(Vec::new());
        other.policy.priority = 3;
        other.expires = Some(Timestamp(9));
        let kind = OutputKind::Touch { touch: "t".into(), payload: Value::Null };
        other.outputs.push(Output { on: On::Match, when: None, kind });
        assert_eq!(rule_hash(&task()), rule_hash(&other));
    }

    #[test]
    fn everything_that_decides_a_match_is_in_the_rule_hash() {
        let changes: [fn(&mut Task); 7] = [
            |t| t.kind = TaskKind::PyBacktrace { python_name: "s".into(), hash: Some("1".into()) },
            |t| t.kind = TaskKind::PyBacktrace { python_name: "s".into(), hash: Some("2".into()) },
            |t| t.rule.pattern.first = Element::stage("b"),
            |t| t.rule.within = Some(Within { duration: Duration::HOUR, kind: WithinKind::Match }),
            |t| t.rule.after_match = ensue_rule::AfterMatch::NoSkip { limit: None },
            |t| t.trigger = Some(Trigger::default()),
            |t| t.scope = TaskScope::Device,
        ];
        let mut seen = vec![rule_hash(&task())];
        for change in changes {
            let mut other = task();
            change(&mut other);
            assert!(!seen.contains(&rule_hash(&other)));
            seen.push(rule_hash(&other));
        }
    }

    #[test]
    fn the_hash_prints_as_hex() {
        let hex = rule_hash(&task()).to_string();
        assert_eq!(hex.len(), 64);
        assert!(hex.chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn every_part_of_a_match_changes_its_id() {
        let hash = rule_hash(&task());
        let m = found(&[("a", &[1, 2]), ("b", &[3])]);
        let key = [Value::Int(1)];
        let ids = [
            match_id("t", hash, None, None, &m, 0),
            match_id("u", hash, None, None, &m, 0),
            match_id("t", hash, Some(""), None, &m, 0),
            match_id("t", hash, Some("u"), None, &m, 0),
            match_id("t", hash, None, Some(&[]), &m, 0),
            match_id("t", hash, None, Some(&key), &m, 0),
            match_id("t", hash, None, Some(&[Value::Float(1.0)]), &m, 0),
            match_id("t", hash, None, Some(&["1".into()]), &m, 0),
            match_id("t", hash, None, None, &found(&[("a", &[1]), ("b", &[2, 3])]), 0),
            match_id("t", hash, None, None, &Match { at: Timestamp(8), ..m.clone() }, 0),
            match_id("t", hash, None, None, &m, 1),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        assert!(ids.iter().all(|id| id.len() == 16));
        assert_eq!(match_id("t", hash, None, None, &m, 0), ids[0]);
    }

    #[test]
    fn what_a_match_returned_is_no_part_of_its_id() {
        let hash = rule_hash(&task());
        let m = found(&[("a", &[1])]);
        let valued = Match { values: vec![("x".into(), Value::Int(1))], by: Cause::Time, ..m.clone() };
        assert_eq!(match_id("t", hash, None, None, &m, 0), match_id("t", hash, None, None, &valued, 0));
    }

    #[test]
    fn outputs_of_one_match_have_ids_of_their_own() {
        assert_ne!(decision_id("m", 0), decision_id("m", 1));
        assert_ne!(decision_id("m", 0), decision_id("n", 0));
        assert_eq!(decision_id("m", 0).len(), 16);
    }
}
