//! Values of events and outcomes.

use std::collections::HashMap;
use std::sync::Arc;

use ensue_rule::Value as Core;

/// A value.
#[derive(Clone, Debug, PartialEq, uniffi::Enum)]
pub enum Value {
    /// Missing.
    Null,
    /// A truth value.
    Truth {
        /// It.
        value: bool,
    },
    /// A whole number.
    Whole {
        /// It.
        value: i64,
    },
    /// A number with a fraction.
    Number {
        /// It.
        value: f64,
    },
    /// Text.
    Text {
        /// It.
        value: String,
    },
    /// Values in order.
    Items {
        /// They.
        values: Vec<Value>,
    },
    /// Values by name.
    Entries {
        /// They.
        values: HashMap<String, Value>,
    },
}

/// A value with its name.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Value,
}

impl From<&Value> for Core {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Truth { value } => Self::Bool(*value),
            Value::Whole { value } => Self::Int(*value),
            Value::Number { value } => Self::Float(*value),
            Value::Text { value } => Self::Str(value.as_str().into()),
            Value::Items { values } => Self::List(values.iter().map(Self::from).collect()),
            Value::Entries { values } => {
                let entry = |(name, value): (&String, &Value)| (Arc::from(name.as_str()), Self::from(value));
                Self::Map(Arc::new(values.iter().map(entry).collect()))
            }
        }
    }
}

impl From<&Core> for Value {
    fn from(value: &Core) -> Self {
        match value {
            Core::Null => Self::Null,
            Core::Bool(value) => Self::Truth { value: *value },
            Core::Int(value) => Self::Whole { value: *value },
            Core::Float(value) => Self::Number { value: *value },
            Core::Str(value) => Self::Text { value: (**value).to_owned() },
            Core::List(values) => Self::Items { values: values.iter().map(Self::from).collect() },
            Core::Map(values) => {
                let entry = |(name, value): (&Arc<str>, &Core)| ((**name).to_owned(), Self::from(value));
                Self::Entries { values: values.iter().map(entry).collect() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        let text = Value::Text { value: "é".to_owned() };
        let inside = Value::Items { values: vec![Value::Null, Value::Truth { value: true }, text] };
        let numbers = [("i", Value::Whole { value: i64::MIN }), ("f", Value::Number { value: 0.1 }), ("l", inside)];
        let entries = numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let value = Value::Entries { values: entries };
        assert_eq!(Value::from(&Core::from(&value)), value);
    }
}
