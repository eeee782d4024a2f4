//! A rule with its conditions by stage: what several lints ask of it, found once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ensue_rule::{Attr, Condition, ExprKind, Moment, Rule, Value};

use super::domain::{self, Domain};

/// A rule, its conditions by the stage at which they are asked, and what follows from them.
pub(super) struct Index<'r> {
    pub(super) rule: &'r Rule,
    /// What the spans of the rule are in.
    pub(super) text: Option<&'r str>,
    by_stage: HashMap<&'r str, Vec<&'r Condition>>,
    mentioned: HashSet<&'r str>,
    action_types: HashMap<&'r str, Vec<Arc<str>>>,
}

impl<'r> Index<'r> {
    pub(super) fn of(rule: &'r Rule, text: Option<&'r str>) -> Self {
        let mut out =
            Self { rule, text, by_stage: HashMap::new(), mentioned: HashSet::new(), action_types: HashMap::new() };
        for c in &rule.conditions {
            out.by_stage.entry(&c.stage).or_default().push(c);
            c.expr.walk(|e| out.mentioned.extend(e.stage().map(|s| &**s)));
        }
        for stage in rule.pattern.stages() {
            let domain = out.of_attr(stage.name, &Attr::ActionType);
            let names = domain.one_of().unwrap_or_default().iter().filter_map(Value::as_str);
            out.action_types.insert(stage.name, names.map(Arc::from).collect());
        }
        out
    }

    /// The conditions that are asked at a stage.
    pub(super) fn conditions(&self, stage: &str) -> &[&'r Condition] {
        self.by_stage.get(stage).map_or(&[], Vec::as_slice)
    }

    /// Whether some condition looks at the stage.
    pub(super) fn is_mentioned(&self, stage: &str) -> bool {
        self.mentioned.contains(stage)
    }

    /// What an attribute of the events that a stage takes may be.
    pub(super) fn of_attr(&self, stage: &str, attr: &Attr) -> Domain {
        let mut domain = Domain::default();
        let taken = self.conditions(stage).iter().filter(|c| c.moment == Moment::Take);
        for (term, test) in taken.flat_map(|c| domain::tests(&c.expr)) {
            if matches!(&term.kind, ExprKind::Attr { stage: Some(s), attr: a } if **s == *stage && a == attr) {
                domain.narrow(&test);
            }
        }
        domain
    }

    /// The action types of the events that a stage takes; empty: any.
    pub(super) fn action_types(&self, stage: Option<&Arc<str>>) -> &[Arc<str>] {
        stage.and_then(|s| self.action_types.get(&**s)).map_or(&[], Vec::as_slice)
    }
}
