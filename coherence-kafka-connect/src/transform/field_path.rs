//! The place of a field: its name (`V1`), or names with dots between them (`V2`).

use super::part::{no_map, position};
use super::schemas::or_default;
use crate::data::{Schema, SchemaKind, Struct, Value};
use crate::error::{ConnectError, Exception};
use std::fmt;
use std::sync::Arc;

const NESTED: &str = "nested field access";

/// The names on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    steps: Vec<String>,
    /// As it is written.
    text: String,
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FieldPath {
    /// Returns the path of a field of the outermost struct or map.
    pub(super) fn of_name(name: &str) -> Self {
        Self { steps: vec![name.to_owned()], text: name.to_owned() }
    }

    /// Reads a path with dots. A name that contains dots stands in backticks.
    ///
    /// # Errors
    /// A backtick at the beginning of a name has no other one at its end.
    pub fn parse(path: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = path;
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('`') {
                None => match rest.split_once('.') {
                    Some((step, after)) => (step.to_owned(), Some(after)),
                    None => (rest.to_owned(), None),
                },
                Some(quoted) => {
                    let (step, after) = read_quoted(quoted).ok_or_else(|| {
                        format!(
                            "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at \
                             position {} to escape it",
                            path.encode_utf16().count() - rest.encode_utf16().count()
                        )
                    })?;
                    (step, after)
                }
            };
            steps.push(step);
            match after {
                // A path that ends in a dot has an empty name behind it.
                Some("") => {
                    steps.push(String::new());
                    break;
                }
                Some(after) => rest = after,
                None => break,
            }
        }
        Ok(Self { steps, text: path.to_owned() })
    }

    /// Returns its names.
    pub fn names(&self) -> &[String] {
        &self.steps
    }

    /// Returns the last of its names; empty for the empty path.
    pub fn last(&self) -> &str {
        self.steps.last().map_or("", String::as_str)
    }

    /// Returns the value of the field in a struct or a map. `None` where it is missing, or null without a default.
    pub fn find<'r, 'a>(&self, data: &'r Value<'a>) -> Option<&'r Value<'a>> {
        let mut current = data;
        for step in &self.steps {
            current = match current {
                Value::Struct(of) => {
                    let at = of.schema.field_index(step)?;
                    match of.values.get(at)? {
                        Value::Null => of.schema.fields()[at].schema.default.as_ref()?,
                        value => value,
                    }
                }
                Value::Map(entries) => &entries[position(entries, step)?].1,
                _ => return None,
            };
        }
        (!matches!(current, Value::Null)).then_some(current)
    }

    /// The last name and those before it; Connect finds out about an empty path when it uses it.
    fn split(&self) -> Result<(&String, &[String]), ConnectError> {
        self.steps
            .split_last()
            .ok_or_else(|| ConnectError::new(Exception::IllegalArgument, "fromIndex(0) > toIndex(-1)"))
    }

    /// Returns the schema of the field in a struct with this schema, if there is one.
    pub(super) fn schema<'s>(&self, schema: &'s Schema) -> Result<Option<&'s Arc<Schema>>, ConnectError> {
        let (last, before) = self.split()?;
        let mut current = schema;
        for step in before {
            match field(current, step)? {
                Some(inner) => current = inner,
                None => return Ok(None),
            }
        }
        field(current, last)
    }

    /// Moves the value of the field out of a struct; null where it or a struct on the way is.
    pub(super) fn of_struct<'a>(&self, of: Struct<'a>, defaults: bool) -> Result<Value<'a>, ConnectError> {
        let (last, before) = self.split()?;
        let mut current = of;
        for step in before {
            current = match take_field(current, step, defaults) {
                Value::Struct(inner) => inner,
                Value::Null => return Ok(Value::Null),
                other => {
                    let found = other.class_name();
                    let message = format!("Only Struct objects supported for [{NESTED}], found: {found}");
                    return Err(ConnectError::data(message));
                }
            };
        }
        Ok(take_field(current, last, defaults))
    }

    /// Moves the value of the field out of a map; null where it or a map on the way is missing.
    pub(super) fn of_map<'a>(&self, of: Vec<(Value<'a>, Value<'a>)>) -> Result<Value<'a>, ConnectError> {
        let (last, before) = self.split()?;
        let mut current = of;
        for step in before {
            current = match take_entry(current, step) {
                Value::Map(inner) => inner,
                Value::Null => return Ok(Value::Null),
                other => return Err(no_map(&other, NESTED)),
            };
        }
        Ok(take_entry(current, last))
    }
}

/// Reads a name up to its closing backtick, which a dot or the end follows; returns it and what is behind the dot.
/// Other backticks belong to the name, also the one of `` \`. ``, which loses its backslash.
fn read_quoted(quoted: &str) -> Option<(String, Option<&str>)> {
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let at = rest.find('`')?;
        let escaped = rest[..at].ends_with('\\');
        let after = &rest[at + 1..];
        if after.is_empty() {
            return if escaped { None } else { Some((name + &rest[..at], None)) };
        }
        if !after.starts_with('.') {
            name.push_str(&rest[..=at]);
        } else if escaped {
            name.push_str(&rest[..at - 1]);
            name.push('`');
        } else {
            return Some((name + &rest[..at], Some(&after[1..])));
        }
        rest = after;
    }
}

fn field<'s>(schema: &'s Schema, name: &str) -> Result<Option<&'s Arc<Schema>>, ConnectError> {
    match &schema.kind {
        SchemaKind::Struct(fields) => {
            Ok(fields.iter().find(|field| field.name == name).map(|field| &field.schema))
        }
        _ => Err(ConnectError::data("Cannot look up fields on non-struct type")),
    }
}

fn take_field<'a>(mut of: Struct<'a>, name: &str, defaults: bool) -> Value<'a> {
    let Some(at) = of.schema.field_index(name).filter(|at| *at < of.values.len()) else { return Value::Null };
    or_default(of.values.swap_remove(at), &of.schema.fields()[at].schema, defaults)
}

fn take_entry<'a>(mut of: Vec<(Value<'a>, Value<'a>)>, name: &str) -> Value<'a> {
    position(&of, name).map_or(Value::Null, |at| of.swap_remove(at).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_at_dots_outside_of_backticks() {
        for (path, expected) in [
            ("a", &["a"][..]),
            ("a.b.c", &["a", "b", "c"]),
            ("`a.b`.c", &["a.b", "c"]),
            ("a.`b.c`", &["a", "b.c"]),
            ("a`b.c", &["a`b", "c"]),
            ("`a`b`.c", &["a`b", "c"]),
            (r"`a\`.b`.c", &["a`.b", "c"]),
            (".a", &["", "a"]),
            ("a.", &["a", ""]),
            ("", &[]),
        ] {
            assert_eq!(FieldPath::parse(path).unwrap().steps, expected, "{path}");
        }
    }

    #[test]
    fn a_backtick_without_another_one_is_refused() {
        for (path, position) in [("`a", 0), ("`a`b", 0), (r"x.`a\`", 2)] {
            let expected = format!(
                "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position \
                 {position} to escape it"
            );
            assert_eq!(FieldPath::parse(path), Err(expected));
        }
    }
}
