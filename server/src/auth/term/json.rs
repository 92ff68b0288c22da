//! To and from JSON.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::Term;

impl Term {
    /// This term as JSON.
    ///
    /// | term | JSON |
    /// | --- | --- |
    /// | `nil`, `true`, `false` | `null`, `true`, `false` |
    /// | any other atom | its name, a string |
    /// | an integer from -2^63 to 2^64 - 1 | a number |
    /// | an integer beyond these | its decimal digits, a string |
    /// | a float | a number |
    /// | a binary | a string; one that is not UTF-8 is an error |
    /// | a tuple, a list | an array |
    /// | a map | an object; a key must be an atom, a binary or an integer |
    ///
    /// Two keys that have the same name as JSON, such as `:id` and `"id"`, are an error, since
    /// whoever reads the object would see one of them only.
    ///
    /// ```
    /// use herenow::auth::term::Term;
    ///
    /// let term = Term::Map(vec![(Term::atom("role"), Term::atom("admin"))]);
    /// assert_eq!(term.to_json().unwrap(), serde_json::json!({"role": "admin"}));
    /// ```
    pub fn to_json(&self) -> Result<Value, JsonError> {
        Ok(match self {
            Self::Atom(name) => match name.as_str() {
                "nil" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                name => name.into(),
            },
            Self::Int(int) => match Number::from_i128(*int) {
                Some(number) => Value::Number(number),
                None => int.to_string().into(),
            },
            Self::Float(float) => Value::Number(Number::from_f64(*float).ok_or(JsonError::Float)?),
            Self::Binary(_) => self.as_str().ok_or(JsonError::Binary)?.into(),
            Self::Tuple(elements) | Self::List(elements) => Value::Array(
                elements
                    .iter()
                    .map(Self::to_json)
                    .collect::<Result<_, _>>()?,
            ),
            Self::Map(entries) => Value::Object(object(entries)?),
        })
    }
}

fn object(entries: &[(Term, Term)]) -> Result<Map<String, Value>, JsonError> {
    let mut object = Map::new();
    for (key, value) in entries {
        let name = match key {
            Term::Atom(name) => name.clone(),
            Term::Binary(_) => key.as_str().ok_or(JsonError::Binary)?.to_owned(),
            Term::Int(int) => int.to_string(),
            Term::Float(_) | Term::Tuple(_) | Term::List(_) | Term::Map(_) => {
                return Err(JsonError::Key);
            }
        };
        if object.contains_key(&name) {
            return Err(JsonError::DuplicateKey(name));
        }
        object.insert(name, value.to_json()?);
    }
    Ok(object)
}

/// Why a term is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// A binary is not UTF-8, and JSON has only text.
    Binary,
    /// A floating-point number is infinite or not a number.
    Float,
    /// A key of a map is not an atom, a binary or an integer.
    Key,
    /// Two keys of a map have this same name.
    DuplicateKey(String),
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a term that JSON can hold: ")?;
        match self {
            Self::Binary => f.write_str("a binary is not UTF-8"),
            Self::Float => f.write_str("a float is infinite or not a number"),
            Self::Key => f.write_str("a key of a map is not an atom, a binary or an integer"),
            Self::DuplicateKey(name) => write!(f, "two keys of a map are named {name:?}"),
        }
    }
}

impl std::error::Error for JsonError {}

/// JSON as a term: `null` is `nil`, strings are binaries, and so are the keys of objects.
///
/// [`Term::to_json`] leads back to the same value.
impl From<Value> for Term {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::atom("nil"),
            Value::Bool(bool) => bool.into(),
            Value::Number(number) => match (number.as_i128(), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                (None, float) => Self::Float(float.unwrap_or(f64::NAN)),
            },
            Value::String(text) => text.into(),
            Value::Array(elements) => Self::List(elements.into_iter().map(Self::from).collect()),
            Value::Object(entries) => Self::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.into(), value.into()))
                    .collect(),
            ),
        }
    }
}
