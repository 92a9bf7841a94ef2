//! Avro schemas as their JSON describes them.
//!
//! Owns: the grammar, and which type a name means. Properties are kept on every type: Connect's own are on primitive ones
//! too, where parsers of Avro usually leave them out.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json};

pub(super) type Props = Map<String, Json>;

/// A schema and every type that has a name in it or in what it refers to.
#[derive(Debug)]
pub(super) struct AvroSchema {
    pub(super) root: Type,
    pub(super) named: Vec<Named>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Type {
    pub(super) kind: Kind,
    /// Of a named type, its own count.
    pub(super) props: Props,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    /// The position in [`AvroSchema::named`].
    Named(usize),
}

#[derive(Debug)]
pub(super) struct Named {
    /// With its namespace.
    pub(super) name: String,
    pub(super) doc: Option<String>,
    pub(super) props: Props,
    pub(super) form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    Record(Vec<RecordField>),
    Enum { symbols: Vec<String>, default: Option<String> },
    Fixed(usize),
}

#[derive(Debug)]
pub(super) struct RecordField {
    pub(super) name: String,
    pub(super) doc: Option<String>,
    pub(super) default: Option<Json>,
    pub(super) schema: Type,
}

impl Named {
    /// Returns the name without its namespace.
    pub(super) fn simple_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }

    /// Returns the text of a property.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.props.get(key).and_then(Json::as_str)
    }
}

impl AvroSchema {
    /// Reads a schema; `references` are the schemas whose types it uses, what is referred to first.
    pub(super) fn parse<'t>(
        text: &str,
        references: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, String> {
        let mut parser = Parser::default();
        for reference in references {
            parser.text(reference)?;
        }
        let root = parser.text(text)?;
        let named: Option<Vec<_>> = parser.named.into_iter().collect();
        Ok(Self { root, named: named.ok_or("a type without an end")? })
    }
}

#[derive(Default)]
struct Parser {
    /// Types whose description has not ended are empty.
    named: Vec<Option<Named>>,
    positions: HashMap<String, usize>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<Type, String> {
        // The text of a schema that is a name alone may come without quotes.
        let json: Json = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(_) if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b)) => text.into(),
            Err(error) => return Err(format!("no JSON at line {}, column {}", error.line(), error.column())),
        };
        self.any(&json, "")
    }

    fn any(&mut self, json: &Json, namespace: &str) -> Result<Type, String> {
        match json {
            Json::String(name) => self.by_name(name, namespace),
            Json::Array(members) => {
                let members: Result<Vec<_>, _> =
                    members.iter().map(|member| self.any(member, namespace)).collect();
                let members = members?;
                if members.iter().any(|member| matches!(member.kind, Kind::Union(_))) {
                    return Err("a union directly inside a union".to_owned());
                }
                Ok(Type { kind: Kind::Union(members), props: Props::new() })
            }
            Json::Object(object) => self.object(object, namespace),
            _ => Err("a type is a name, an array or an object".to_owned()),
        }
    }

    fn by_name(&self, name: &str, namespace: &str) -> Result<Type, String> {
        let kind = match primitive(name) {
            Some(kind) => kind,
            None => {
                let found =
                    self.positions.get(&full_name(name, namespace)).or_else(|| self.positions.get(name));
                Kind::Named(*found.ok_or_else(|| format!("type {name} is not defined"))?)
            }
        };
        Ok(Type { kind, props: Props::new() })
    }

    fn object(&mut self, object: &Props, namespace: &str) -> Result<Type, String> {
        let name = match object.get("type") {
            Some(Json::String(name)) => &**name,
            Some(nested @ (Json::Object(_) | Json::Array(_))) => return self.any(nested, namespace),
            _ => return Err("a type without the member \"type\"".to_owned()),
        };
        let inner = |key: &str| object.get(key).ok_or_else(|| format!("{name} without the member \"{key}\""));
        let props = |reserved: &[&str]| -> Props {
            let own = object.iter().filter(|(key, _)| *key != "type" && !reserved.contains(&key.as_str()));
            own.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        Ok(match name {
            "array" => {
                let items = self.any(inner("items")?, namespace)?;
                Type { kind: Kind::Array(Box::new(items)), props: props(&["items"]) }
            }
            "map" => {
                let values = self.any(inner("values")?, namespace)?;
                Type { kind: Kind::Map(Box::new(values)), props: props(&["values"]) }
            }
            "record" | "error" | "enum" | "fixed" => {
                let position = self.define(name, object, namespace)?;
                Type { kind: Kind::Named(position), props: Props::new() }
            }
            _ => {
                let Type { kind, .. } = self.by_name(name, namespace)?;
                Type { kind, props: props(&[]) }
            }
        })
    }

    /// Reads a type with a name, and returns its position.
    fn define(&mut self, form: &str, object: &Props, enclosing: &str) -> Result<usize, String> {
        let text = |key: &str| object.get(key).and_then(Json::as_str);
        let given = text("name").ok_or_else(|| format!("{form} without a name"))?;
        let name = full_name(given, text("namespace").unwrap_or(enclosing));
        let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        let position = self.named.len();
        if self.positions.insert(name.clone(), position).is_some() {
            return Err(format!("type {name} is defined twice"));
        }
        self.named.push(None);
        let list = |key: &str| match object.get(key) {
            Some(Json::Array(items)) => Ok(items),
            _ => Err(format!("{form} {name} without the array \"{key}\"")),
        };
        let (parsed, reserved) = match form {
            "enum" => {
                let symbols: Option<Vec<_>> =
                    list("symbols")?.iter().map(|symbol| symbol.as_str().map(str::to_owned)).collect();
                let symbols = symbols.ok_or_else(|| format!("enum {name}: a symbol that is no text"))?;
                (
                    Form::Enum { symbols, default: text("default").map(str::to_owned) },
                    &["symbols", "default"][..],
                )
            }
            "fixed" => {
                let size =
                    object.get("size").and_then(Json::as_u64).and_then(|size| i32::try_from(size).ok());
                let size = size.and_then(|size| usize::try_from(size).ok());
                (Form::Fixed(size.ok_or_else(|| format!("fixed {name} without a size"))?), &["size"][..])
            }
            _ => (Form::Record(self.fields(list("fields")?, &name, &namespace)?), &["fields"][..]),
        };
        let reserved = [&["type", "name", "namespace", "doc", "aliases"], reserved].concat();
        let own = object.iter().filter(|(key, _)| !reserved.contains(&key.as_str()));
        let props = own.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.named[position] = Some(Named { name, doc: text("doc").map(str::to_owned), props, form: parsed });
        Ok(position)
    }

    fn fields(&mut self, items: &[Json], record: &str, namespace: &str) -> Result<Vec<RecordField>, String> {
        let mut names = HashSet::with_capacity(items.len());
        let mut fields = Vec::with_capacity(items.len());
        for item in items {
            let text = |key: &str| item.get(key).and_then(Json::as_str);
            let name = text("name").ok_or_else(|| format!("record {record}: a field without a name"))?;
            if name.is_empty() || !names.insert(name) {
                return Err(format!("record {record}: field {name} is defined twice or has no name"));
            }
            let of = item.get("type").ok_or_else(|| format!("record {record}: field {name} has no type"))?;
            fields.push(RecordField {
                name: name.to_owned(),
                doc: text("doc").map(str::to_owned),
                default: item.get("default").cloned(),
                schema: self.any(of, namespace)?,
            });
        }
        Ok(fields)
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}
