//! Which events any task wants, and which of their fields: the look-up in front of everything.
//!
//! Compiled from the demands of all tasks, immutable, swapped as a whole. A look-up hashes the action type and, where
//! tasks name scenes, the scene; it does not depend on how many tasks there are, and allocates nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::{Attr, Demand, EventDemand, Value, Wanted};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// The demands of all tasks.
#[derive(Debug, Default)]
pub(crate) struct DemandTable {
    /// Grows with every table that is published: an event knows under which it was looked at.
    epoch: u64,
    /// By action type, what is demanded of it by name.
    named: FxHashMap<Arc<str>, Scenes>,
    /// What is demanded of every action type.
    any: Scenes,
}

/// Demands of one action type (or of all), by scene.
#[derive(Debug, Default)]
struct Scenes {
    named: FxHashMap<Arc<str>, Fields>,
    any: Option<Fields>,
}

/// The arguments that are read, as a tree of names; or all of them.
#[derive(Debug, Default)]
struct Fields {
    named: FxHashMap<Arc<str>, Branch>,
    all: bool,
}

/// An argument that is read, or a map in which some are.
#[derive(Debug)]
enum Branch {
    Whole,
    Within(Fields),
}

/// That an event is wanted, and what of it.
#[derive(Debug)]
pub(crate) struct Want<'t> {
    /// Its action type as the table has it.
    pub(crate) action_type: Option<&'t Arc<str>>,
    /// Its scene as the table has it.
    pub(crate) scene: Option<&'t Arc<str>>,
    fields: SmallVec<[&'t Fields; 4]>,
}

impl DemandTable {
    /// The table of these demands.
    pub(crate) fn of<'a>(demands: impl IntoIterator<Item = &'a Demand>, epoch: u64) -> Self {
        let mut table = Self { epoch, ..Self::default() };
        demands.into_iter().flat_map(|d| &d.events).for_each(|e| table.add(e));
        table
    }

    /// See [`DemandTable::epoch`](Self).
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether an event of this action type and scene is wanted, and what of it.
    pub(crate) fn look_up(&self, action_type: &str, scene: Option<&str>) -> Option<Want<'_>> {
        let mut want = Want { action_type: None, scene: None, fields: SmallVec::new() };
        if let Some((name, scenes)) = self.named.get_key_value(action_type) {
            want.action_type = Some(name);
            scenes.look_up(scene, &mut want);
        }
        self.any.look_up(scene, &mut want);
        (!want.fields.is_empty()).then_some(want)
    }

    fn add(&mut self, demand: &EventDemand) {
        match &demand.action_types {
            Wanted::Any => self.any.add(demand),
            Wanted::Of(names) => names.iter().for_each(|n| self.named.entry(n.clone()).or_default().add(demand)),
        }
    }
}

impl Scenes {
    fn add(&mut self, demand: &EventDemand) {
        match &demand.scenes {
            Wanted::Any => self.any.get_or_insert_default().add(demand),
            Wanted::Of(names) => names.iter().for_each(|n| self.named.entry(n.clone()).or_default().add(demand)),
        }
    }

    fn look_up<'t>(&'t self, scene: Option<&str>, want: &mut Want<'t>) {
        want.fields.extend(&self.any);
        if self.named.is_empty() {
            return;
        }
        if let Some((name, fields)) = scene.and_then(|s| self.named.get_key_value(s)) {
            want.scene = Some(name);
            want.fields.push(fields);
        }
    }
}

impl Fields {
    fn add(&mut self, demand: &EventDemand) {
        self.all |= demand.whole;
        for attr in &demand.fields {
            if let Attr::Arg(path) = attr {
                self.add_path(path);
            }
        }
    }

    fn add_path(&mut self, path: &[Arc<str>]) {
        let Some((first, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            self.named.insert(first.clone(), Branch::Whole);
        } else if let Branch::Within(below) =
            self.named.entry(first.clone()).or_insert_with(|| Branch::Within(Self::default()))
        {
            below.add_path(rest);
        }
    }
}

impl Want<'_> {
    /// What is read of the arguments.
    pub(crate) fn reads(&self) -> Reads<'_> {
        Reads(&self.fields)
    }

    /// Of these arguments those that are read, and of maps only what is read.
    pub(crate) fn keep(&self, args: BTreeMap<Arc<str>, Value>) -> BTreeMap<Arc<str>, Value> {
        args.into_iter().filter_map(|(name, value)| self.reads().keep(&name, value)).collect()
    }
}

/// What is read of the arguments of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reads<'t>(&'t [&'t Fields]);

impl Reads<'_> {
    /// Whether anything of the argument of this name is read.
    pub(crate) fn any_of(self, name: &str) -> bool {
        self.0.iter().any(|f| f.all || f.named.contains_key(name))
    }

    /// The argument `name` as far as it is read, with the name that the table has.
    pub(crate) fn keep(self, name: &str, value: Value) -> Option<(Arc<str>, Value)> {
        if let [only] = self.0
            && let Some((interned, Branch::Whole)) = only.named.get_key_value(name)
        {
            return Some((interned.clone(), value));
        }
        keep(self.0, name, &value)
    }
}

/// The argument `name` as far as any of `fields` reads it, with the name that the table has.
fn keep(fields: &[&Fields], name: &str, value: &Value) -> Option<(Arc<str>, Value)> {
    let found: SmallVec<[(&Arc<str>, &Branch); 4]> =
        fields.iter().filter_map(|f| f.named.get_key_value(name)).collect();
    if fields.iter().any(|f| f.all) {
        let name = found.first().map_or_else(|| name.into(), |(interned, _)| (*interned).clone());
        return Some((name, value.clone()));
    }
    let (interned, _) = *found.first()?;
    if found.iter().any(|(_, b)| matches!(b, Branch::Whole)) {
        return Some((interned.clone(), value.clone()));
    }
    // What is no map has nothing in it: looking into it gives null, as looking for nothing does.
    let Value::Map(map) = value else { return None };
    let below: SmallVec<[&Fields; 4]> = found.iter().filter_map(|(_, b)| b.within()).collect();
    let kept: BTreeMap<_, _> = map.iter().filter_map(|(k, v)| keep(&below, k, v)).collect();
    (!kept.is_empty()).then(|| (interned.clone(), Value::Map(Arc::new(kept))))
}

impl Branch {
    fn within(&self) -> Option<&Fields> {
        match self {
            Self::Whole => None,
            Self::Within(fields) => Some(fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(action_types: &[&str], scenes: &[&str], fields: &[&str]) -> Demand {
        let wanted = |names: &[&str]| match names {
            [] => Wanted::Any,
            names => Wanted::Of(names.iter().map(|n| Arc::from(*n)).collect()),
        };
        let fields = fields.iter().map(|f| Attr::try_from(format!("args.{f}")).unwrap()).collect();
        Demand {
            events: vec![EventDemand {
                action_types: wanted(action_types),
                scenes: wanted(scenes),
                fields,
                whole: false,
            }],
        }
    }

    fn kept(table: &DemandTable, action_type: &str, scene: Option<&str>, json: &str) -> Option<String> {
        let args: BTreeMap<String, Value> = serde_json::from_str(json).unwrap();
        let want = table.look_up(action_type, scene)?;
        let kept = want.keep(args.into_iter().map(|(k, v)| (Arc::from(k), v)).collect());
        Some(Value::Map(Arc::new(kept)).to_string())
    }

    #[test]
    fn an_event_is_wanted_if_any_demand_wants_it() {
        let demands = [demand(&["pv"], &["home"], &["a"]), demand(&["leave"], &[], &[]), demand(&[], &["cart"], &[])];
        let table = DemandTable::of(&demands, 1);
        for (action, scene, wanted) in [
            ("pv", Some("home"), true),
            ("pv", Some("away"), false),
            ("pv", None, false),
            ("leave", None, true),
            ("leave", Some("x"), true),
            ("click", Some("cart"), true),
            ("pv", Some("cart"), true),
            ("click", Some("home"), false),
        ] {
            assert_eq!(table.look_up(action, scene).is_some(), wanted, "{action} {scene:?}");
        }
    }

    #[test]
    fn who_reads_all_gets_all() {
        let mut whole = demand(&["pv"], &[], &[]);
        whole.events[0].whole = true;
        let table = DemandTable::of(&[demand(&["pv"], &[], &["m.x"]), whole], 1);
        let json = r#"{"a":1,"m":{"x":1,"y":2}}"#;
        assert_eq!(kept(&table, "pv", None, json).unwrap(), json);
    }

    #[test]
    fn only_the_fields_that_some_task_reads_are_kept() {
        let demands = [
            demand(&["pv"], &[], &["a", "m.x", "deep.p.q"]),
            demand(&["pv"], &["s"], &["b"]),
            demand(&[], &[], &["m.y", "deep"]),
        ];
        let table = DemandTable::of(&demands, 1);
        let json = r#"{"a":1,"b":2,"c":3,"m":{"x":1,"y":2,"z":3},"deep":{"p":{"q":1,"r":2}}}"#;
        assert_eq!(kept(&table, "pv", None, json).unwrap(), r#"{"a":1,"deep":{"p":{"q":1,"r":2}},"m":{"x":1,"y":2}}"#);
        assert_eq!(kept(&table, "pv", Some("s"), r#"{"b":2,"m":5}"#).unwrap(), r#"{"b":2}"#);
        assert_eq!(kept(&table, "other", None, json).unwrap(), r#"{"deep":{"p":{"q":1,"r":2}},"m":{"y":2}}"#);
    }
}
