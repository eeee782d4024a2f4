//! Schemas: the action types that an app sends, and what their `args` hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::tasks::json::{self, Node};
use crate::types::Type;

/// The name under which a schema lists what every action type has.
const EVERY: &str = "*";

/// Known action types and their attributes: `{"schema": {"pv": {"item": "string", "price": "float"}}}`.
///
/// Rules are checked against it where there is one ([`crate::ReadOptions::schema`], or the key `schema` of a document).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    types: BTreeMap<Arc<str>, Fields>,
    every: Fields,
}

type Fields = BTreeMap<Arc<str>, Field>;

/// What is known of one attribute.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Is(Type),
    /// A map of known insides.
    Has(Fields),
}

const WORDS: [(&str, Type); 9] = [
    ("string", Type::Text),
    ("int", Type::Number),
    ("float", Type::Number),
    ("number", Type::Number),
    ("bool", Type::Bool),
    ("list", Type::List),
    ("map", Type::Map),
    ("any", Type::Unknown),
    ("null", Type::Null),
];

impl Schema {
    /// Reads a schema document: an object with the key `schema`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(bytes: &[u8]) -> Result<Self, Diagnostic> {
        let json = json::parse(bytes)?;
        let root = Node { json: &json, path: String::new() }.object()?;
        Self::of(&root.require("schema")?)
    }

    /// Reads what stands under `schema`.
    pub(crate) fn of(node: &Node<'_>) -> Result<Self, Diagnostic> {
        let object = node.object()?;
        let mut out = Self::default();
        for name in object.keys() {
            let Some(inside) = object.get(name) else { continue };
            let fields = fields(&inside)?;
            if name == EVERY {
                out.every = fields;
            } else {
                out.types.insert(name.into(), fields);
            }
        }
        Ok(out)
    }

    /// Adds all that another schema knows; what both say, the other says.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.every.extend(other.every.clone());
        for (name, fields) in &other.types {
            self.types.entry(name.clone()).or_default().extend(fields.clone());
        }
    }

    /// Adds an action type whose attributes have these names and any type.
    pub(crate) fn add(&mut self, action_type: &Arc<str>, attributes: impl Iterator<Item = Arc<str>>) {
        let fields = self.types.entry(action_type.clone()).or_default();
        attributes.for_each(|name| {
            fields.entry(name).or_insert(Field::Is(Type::Unknown));
        });
    }

    pub(crate) fn has(&self, action_type: &str) -> bool {
        self.types.contains_key(action_type)
    }

    pub(crate) fn action_types(&self) -> impl Iterator<Item = &str> + Clone {
        self.types.keys().map(|n| &**n)
    }

    /// The fields of some action types; of all where none is named.
    fn fields(&self, action_types: &[Arc<str>]) -> Vec<&Fields> {
        let wanted = self.types.iter().filter(|(n, _)| action_types.is_empty() || action_types.contains(n));
        wanted.map(|(_, f)| f).chain([&self.every]).collect()
    }

    /// Whether events of one of these action types have the attribute.
    pub(crate) fn has_attribute(&self, action_types: &[Arc<str>], path: &[Arc<str>]) -> bool {
        self.fields(action_types).iter().any(|f| find(f, path).is_some())
    }

    /// The type of an attribute, where all of these action types that have it agree.
    pub(crate) fn type_of(&self, action_types: &[Arc<str>], path: &[Arc<str>]) -> Type {
        let mut types = self.fields(action_types).into_iter().filter_map(|f| find(f, path));
        let first = types.next().unwrap_or(Type::Unknown);
        if types.all(|t| t == first) { first } else { Type::Unknown }
    }

    /// The names of attributes, with a dot before what is inside a map.
    pub(crate) fn attributes(&self, action_types: &[Arc<str>]) -> Vec<String> {
        let mut out = Vec::new();
        self.fields(action_types).into_iter().for_each(|f| list(f, "", &mut out));
        out.sort_unstable();
        out.dedup();
        out
    }
}

fn list(fields: &Fields, before: &str, out: &mut Vec<String>) {
    for (name, field) in fields {
        let name = format!("{before}{name}");
        if let Field::Has(inside) = field {
            list(inside, &format!("{name}."), out);
        }
        out.push(name);
    }
}

/// The type at the end of a path; `None` where the path leads nowhere.
fn find(fields: &Fields, path: &[Arc<str>]) -> Option<Type> {
    let (first, rest) = path.split_first()?;
    match (fields.get(first)?, rest) {
        (Field::Is(t), []) => Some(*t),
        (Field::Has(_), []) => Some(Type::Map),
        // Nothing is known of the inside.
        (Field::Is(Type::Map | Type::Unknown), _) => Some(Type::Unknown),
        (Field::Is(_), _) => None,
        (Field::Has(inside), _) => find(inside, rest),
    }
}

fn fields(node: &Node<'_>) -> Result<Fields, Diagnostic> {
    let object = node.object()?;
    let each = object.keys().filter_map(|name| Some((name, object.get(name)?)));
    each.map(|(name, node)| Ok((Arc::from(name), field(&node)?))).collect()
}

fn field(node: &Node<'_>) -> Result<Field, Diagnostic> {
    match node.json {
        Json::Object(_) => fields(node).map(Field::Has),
        Json::String(word) => node.choice(&WORDS).map(Field::Is).map_err(|d| match word.as_str() {
            "str" | "text" => d.hint("did you mean `string`?"),
            "integer" | "long" => d.hint("did you mean `int`?"),
            "double" | "decimal" => d.hint("did you mean `float`?"),
            "array" => d.hint("did you mean `list`?"),
            "object" => d.hint("did you mean `map`?"),
            _ => d,
        }),
        _ => Err(node.error(codes::JSON_TYPE, "expected the name of a type, or an object of names and types")),
    }
}
