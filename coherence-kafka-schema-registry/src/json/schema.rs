//! From JSON Schema to Connect's schema.
//!
//! Follows Confluent's `JsonSchemaData`, and the library under it in how it groups keywords. A schema that contains itself
//! has its name and no fields where it comes again, and the structs have the whole schema.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use coherence_kafka_connect::data::{Field, Schema, SchemaKind};

use super::data::{self, Under};
use super::tree::Node;

pub(super) const NAMESPACE: &str = "io.confluent.connect.json";
pub(super) const ONE_OF: &str = "io.confluent.connect.json.OneOf";
/// Schemas inside each other at most.
const MAX_LEVELS: usize = 200;
/// Schemas together at most: references can make one out of another many times.
const MAX_SCHEMAS: usize = 50_000;

/// The options that change what Connect sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonOptions {
    /// `use.optional.for.nonrequired`.
    pub(super) optional_if_not_required: bool,
    /// `flatten.singleton.unions`.
    pub(super) flatten: bool,
}

/// Returns the schema that `root` describes; `others` are the schemas that it can refer to, by their names.
pub(super) fn read(
    root: &Node<'_>,
    others: &[(&str, Node<'_>)],
    options: JsonOptions,
) -> Result<JsonSchema, String> {
    let whole = BTreeMap::new();
    let mut reading = Reading { others, options, open: vec![Open::new(root)], whole, levels: 0, schemas: 0 };
    let base = Base { document: root };
    let schema = Arc::new(reading.any(root, base, false)?);
    reading.close(&schema)?;
    Ok(JsonSchema { schema, whole: reading.whole })
}

/// A schema of the registry as Connect has it.
#[derive(Debug)]
pub(crate) struct JsonSchema {
    pub(super) schema: Arc<Schema>,
    /// The schemas that contain themselves, by the names that stand for them inside.
    pub(super) whole: BTreeMap<String, Arc<Schema>>,
}

/// Returns whether data of one schema can be read under another: fields of both have one type, and the other requires
/// none that is missing.
pub(super) fn fits(of: &Schema, under: &Schema) -> bool {
    match (&of.kind, &under.kind) {
        (SchemaKind::Struct(fields), SchemaKind::Struct(wanted)) => {
            // A schema that contains itself has no fields where it comes again.
            fields.is_empty()
                || wanted.iter().all(|wanted| match fields.iter().find(|field| field.name == wanted.name) {
                    Some(field) => fits(&field.schema, &wanted.schema),
                    None => wanted.schema.optional || wanted.schema.default.is_some(),
                })
        }
        (SchemaKind::Array(of), SchemaKind::Array(under)) => both(of, under),
        (SchemaKind::Map(keys, values), SchemaKind::Map(under_keys, under_values)) => {
            both(keys, under_keys) && both(values, under_values)
        }
        // Numbers of JSON have one form.
        (of, under) if is_whole(of) => is_whole(under) || is_float(under),
        (of, under) if is_float(of) => is_float(under),
        (of, under) => of == under,
    }
}

fn both(of: &Option<Arc<Schema>>, under: &Option<Arc<Schema>>) -> bool {
    of.as_ref().zip(under.as_ref()).is_none_or(|(of, under)| fits(of, under))
}

fn is_whole(kind: &SchemaKind) -> bool {
    matches!(kind, SchemaKind::Int8 | SchemaKind::Int16 | SchemaKind::Int32 | SchemaKind::Int64)
}

fn is_float(kind: &SchemaKind) -> bool {
    matches!(kind, SchemaKind::Float32 | SchemaKind::Float64)
}

/// What was referred to and is being read.
struct Open<'n, 'a> {
    node: &'n Node<'a>,
    /// The name that stands for it inside itself, if it comes again there.
    name: Option<String>,
}

impl<'n, 'a> Open<'n, 'a> {
    fn new(node: &'n Node<'a>) -> Self {
        Self { node, name: None }
    }
}

/// The document in which a reference stands.
#[derive(Clone, Copy)]
struct Base<'n, 'a> {
    document: &'n Node<'a>,
}

struct Reading<'n, 'a> {
    others: &'n [(&'n str, Node<'a>)],
    options: JsonOptions,
    open: Vec<Open<'n, 'a>>,
    whole: BTreeMap<String, Arc<Schema>>,
    levels: usize,
    schemas: usize,
}

/// What the keywords of one object describe.
enum Part<'n, 'a> {
    /// One of the primitive types, an array or an object, with its keywords.
    Type(&'n str),
    Enum(&'n [Node<'a>]),
    Const(&'n Node<'a>),
    /// `oneOf` and `anyOf`.
    OneOf(&'n [Node<'a>]),
    /// `type` with several types.
    Types(&'n [Node<'a>]),
    AllOf(&'n [Node<'a>]),
}

impl<'n, 'a> Reading<'n, 'a> {
    fn any(&mut self, node: &'n Node<'a>, base: Base<'n, 'a>, optional: bool) -> Result<Schema, String> {
        self.levels += 1;
        self.schemas += 1;
        if self.levels > MAX_LEVELS || self.schemas > MAX_SCHEMAS {
            return Err(format!(
                "more than {MAX_LEVELS} schemas inside each other, or more than {MAX_SCHEMAS} together"
            ));
        }
        let schema = self.one(node, base, optional);
        self.levels -= 1;
        schema
    }

    fn one(&mut self, node: &'n Node<'a>, base: Base<'n, 'a>, optional: bool) -> Result<Schema, String> {
        if let Some(reference) = node.member("$ref").and_then(Node::as_str) {
            let (target, base) = self.resolve(reference, base)?;
            if let Some(open) = self.open.iter_mut().find(|open| std::ptr::eq(open.node, target)) {
                let name = target.member("title").and_then(Node::as_str).unwrap_or(reference);
                open.name = Some(name.to_owned());
                let mut schema = Schema::new(SchemaKind::Struct(Vec::new()));
                schema.name = Some(name.to_owned());
                schema.optional = optional;
                return Ok(schema);
            }
            self.open.push(Open::new(target));
            let schema = self.any(target, base, optional)?;
            self.close(&Arc::new(schema.clone()))?;
            return Ok(schema);
        }
        let parts = parts(node);
        let schema = match &parts[..] {
            [] => return Err(unsupported(node)),
            [part] => self.part(part, node, base, optional)?,
            several => match self.all_of(several, node, base, optional)? {
                Some(schema) => schema,
                None => return Err(unsupported(node)),
            },
        };
        Ok(schema)
    }

    /// Ends what was opened last, whose schema this is.
    fn close(&mut self, schema: &Arc<Schema>) -> Result<(), String> {
        let Some(name) = self.open.pop().and_then(|open| open.name) else { return Ok(()) };
        match self.whole.insert(name.clone(), schema.clone()) {
            // One place may allow null where another one does not.
            Some(other) if other.kind != schema.kind => {
                Err(format!("two schemas that contain themselves are named {name}"))
            }
            _ => Ok(()),
        }
    }

    fn part(
        &mut self,
        part: &Part<'n, 'a>,
        node: &'n Node<'a>,
        base: Base<'n, 'a>,
        optional: bool,
    ) -> Result<Schema, String> {
        let schema = match part {
            Part::Type(name) => self.of_type(name, node, base)?,
            Part::Enum(symbols) => enumeration(symbols),
            Part::Const(value) => Schema::new(kind_of(value).ok_or_else(|| unsupported(node))?),
            Part::OneOf(members) => return self.union(members, node, base, optional),
            Part::AllOf(_) => {
                let all = self.all_of(std::slice::from_ref(part), node, base, optional)?;
                return all.ok_or_else(|| unsupported(node));
            }
            Part::Types(names) => {
                let names: Vec<_> = names.iter().filter_map(Node::as_str).collect();
                let other: Vec<_> = names.iter().copied().filter(|name| *name != "null").collect();
                match &other[..] {
                    [name] => {
                        let mut schema = self.of_type(name, node, base)?;
                        schema.optional = names.len() > 1;
                        schema
                    }
                    _ => {
                        let mut fields = Vec::new();
                        for name in &other {
                            let mut schema = self.of_type(name, node, base)?;
                            schema.optional = true;
                            fields.push(member(fields.len(), schema));
                        }
                        let mut schema = union(fields);
                        schema.optional = names.len() > other.len();
                        schema
                    }
                }
            }
        };
        annotate(schema, node, optional)
    }

    fn of_type(&mut self, name: &str, node: &'n Node<'a>, base: Base<'n, 'a>) -> Result<Schema, String> {
        let connect = node.member("connect.type").and_then(Node::as_str);
        Ok(Schema::new(match (name, connect) {
            ("boolean", _) => SchemaKind::Boolean,
            ("integer", None) => SchemaKind::Int64,
            ("number", None) => SchemaKind::Float64,
            ("integer" | "number", Some(connect)) => match connect {
                "int8" => SchemaKind::Int8,
                "int16" => SchemaKind::Int16,
                "int32" => SchemaKind::Int32,
                "int64" => SchemaKind::Int64,
                "float32" => SchemaKind::Float32,
                "float64" => SchemaKind::Float64,
                "bytes" => SchemaKind::Bytes,
                other => return Err(format!("Unsupported type {other}")),
            },
            ("string", Some("bytes")) => SchemaKind::Bytes,
            ("string", _) => SchemaKind::String,
            ("array", connect) => {
                let items = node.member("items").filter(|items| matches!(items, Node::Object(_)));
                let items = items.ok_or("Array schema did not specify the items type")?;
                let entry = |name| items.member("properties").and_then(|properties| properties.member(name));
                match (connect, entry("key"), entry("value")) {
                    (Some("map"), Some(key), Some(value)) => {
                        let (key, value) = (self.any(key, base, false)?, self.any(value, base, false)?);
                        SchemaKind::Map(Some(Arc::new(key)), Some(Arc::new(value)))
                    }
                    _ => SchemaKind::Array(Some(Arc::new(self.any(items, base, false)?))),
                }
            }
            ("object", Some("map")) => {
                let values =
                    node.member("additionalProperties").filter(|node| matches!(node, Node::Object(_)));
                let values = values.ok_or("Map schema did not specify the type of its values")?;
                let values = self.any(values, base, false)?;
                SchemaKind::Map(Some(Arc::new(Schema::new(SchemaKind::String))), Some(Arc::new(values)))
            }
            ("object", _) => {
                let mut properties = Properties::default();
                properties.collect(node, base);
                SchemaKind::Struct(self.fields(properties)?)
            }
            _ => return Err(unsupported(node)),
        }))
    }

    fn fields(&mut self, properties: Properties<'n, 'a>) -> Result<Vec<Field>, String> {
        let mut fields = Vec::with_capacity(properties.all.len());
        for (name, node, base) in properties.in_order() {
            let required = properties.required.contains(&name);
            let optional = self.options.optional_if_not_required && !required;
            let schema = self.any(node, base, optional).map_err(|why| format!("{name}: {why}"))?;
            if name.is_empty() {
                return Err("a property without a name".to_owned());
            }
            fields.push(Field { name: name.to_owned(), schema: Arc::new(schema) });
        }
        Ok(fields)
    }

    fn union(
        &mut self,
        members: &'n [Node<'a>],
        node: &'n Node<'a>,
        base: Base<'n, 'a>,
        optional: bool,
    ) -> Result<Schema, String> {
        let is_null = |member: &&Node<'a>| member.member("type").and_then(Node::as_str) == Some("null");
        let others: Vec<_> = members.iter().filter(|member| !is_null(member)).collect();
        let nullable = others.len() < members.len();
        match &others[..] {
            [] => return Err(unsupported(node)),
            [one] if nullable => return self.any(one, base, true),
            [one] if self.options.flatten => return self.any(one, base, optional),
            _ => {}
        }
        let mut fields = Vec::with_capacity(others.len());
        for other in others {
            let schema = self.any(other, base, true)?;
            fields.push(member(fields.len(), schema));
        }
        let mut schema = union(fields);
        schema.optional = nullable;
        annotate(schema, node, optional)
    }

    /// Reads what fulfils several schemas: an object with the properties of all, or the first that is more than a type.
    fn all_of(
        &mut self,
        parts: &[Part<'n, 'a>],
        node: &'n Node<'a>,
        base: Base<'n, 'a>,
        optional: bool,
    ) -> Result<Option<Schema>, String> {
        let mut properties = Properties::default();
        properties.collect(node, base);
        let mut inside = Vec::new();
        for part in parts {
            let Part::AllOf(members) = part else { continue };
            for of in *members {
                let (target, base) = match of.member("$ref").and_then(Node::as_str) {
                    Some(reference) => self.resolve(reference, base)?,
                    None => (of, base),
                };
                properties.collect(target, base);
                inside.push((target, base));
            }
        }
        if !properties.all.is_empty() {
            let schema = Schema::new(SchemaKind::Struct(self.fields(properties)?));
            return annotate(schema, node, optional).map(Some);
        }
        let order = |wanted: fn(&Part<'n, 'a>) -> bool| parts.iter().find(|part| wanted(part));
        let first = order(|part| matches!(part, Part::OneOf(_)))
            .or_else(|| order(|part| matches!(part, Part::Enum(_))))
            .or_else(|| order(|part| matches!(part, Part::Type(_) | Part::Types(_))))
            .or_else(|| order(|part| matches!(part, Part::Const(_))));
        if let Some(part) = first {
            return self.part(part, node, base, optional).map(Some);
        }
        match inside.first() {
            Some((target, base)) => self.any(target, *base, optional).map(Some),
            None => Ok(None),
        }
    }

    /// Returns what a reference means: a name of another schema, and behind `#` the way to a part of it.
    fn resolve(&self, reference: &str, base: Base<'n, 'a>) -> Result<(&'n Node<'a>, Base<'n, 'a>), String> {
        let missing = || format!("reference {reference} leads nowhere");
        let (document, way) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if document.is_empty() {
            base.document
        } else {
            let last = |name: &str| name.rsplit('/').next().map(str::to_owned);
            let exact = self.others.iter().find(|(name, node)| {
                *name == document || node.member("$id").and_then(Node::as_str) == Some(document)
            });
            let by_last = || self.others.iter().find(|(name, _)| last(name) == last(document));
            &exact.or_else(by_last).ok_or_else(missing)?.1
        };
        let mut node = document;
        for step in way.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~").replace("%25", "%");
            node = match node {
                Node::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
                node => node.member(&step),
            }
            .ok_or_else(missing)?;
        }
        Ok((node, Base { document }))
    }
}

/// The properties of an object, or of several objects that are one.
#[derive(Default)]
struct Properties<'n, 'a> {
    all: Vec<(&'n str, &'n Node<'a>, Base<'n, 'a>)>,
    positions: HashMap<&'n str, usize>,
    required: Vec<&'n str>,
}

impl<'n, 'a> Properties<'n, 'a> {
    fn collect(&mut self, node: &'n Node<'a>, base: Base<'n, 'a>) {
        for (name, property) in node.member("properties").map(Node::members).unwrap_or_default() {
            if let std::collections::hash_map::Entry::Vacant(free) = self.positions.entry(name) {
                free.insert(self.all.len());
                self.all.push((name, property, base));
            }
        }
        let required = node.member("required").map(Node::items).unwrap_or_default();
        self.required.extend(required.iter().filter_map(Node::as_str));
    }

    /// By `connect.index`; a property without one has its position.
    fn in_order(&self) -> Vec<(&'n str, &'n Node<'a>, Base<'n, 'a>)> {
        let mut all: Vec<_> = self.all.iter().copied().enumerate().collect();
        all.sort_by_key(|(at, (_, node, _))| {
            let position = i64::try_from(*at).unwrap_or(i64::MAX);
            (node.member("connect.index").and_then(Node::as_i64).unwrap_or(position), *at)
        });
        all.into_iter().map(|(_, property)| property).collect()
    }
}

fn parts<'n, 'a>(node: &'n Node<'a>) -> Vec<Part<'n, 'a>> {
    let mut parts = Vec::new();
    let list = |name: &str| node.member(name).map(Node::items).filter(|items| !items.is_empty());
    parts.extend(["oneOf", "anyOf"].into_iter().filter_map(list).map(Part::OneOf));
    parts.extend(list("allOf").map(Part::AllOf));
    parts.extend(list("enum").map(Part::Enum));
    parts.extend(node.member("const").map(Part::Const));
    match node.member("type") {
        Some(Node::String(name)) => parts.push(Part::Type(name)),
        Some(Node::Array(names)) => parts.push(Part::Types(names)),
        _ => {
            let has = |name: &str| node.member(name).is_some();
            if ["properties", "required", "additionalProperties", "patternProperties"].into_iter().any(has) {
                parts.push(Part::Type("object"));
            } else if has("items") {
                parts.push(Part::Type("array"));
            } else if ["pattern", "minLength", "maxLength"].into_iter().any(has) {
                parts.push(Part::Type("string"));
            } else if ["minimum", "maximum", "multipleOf"].into_iter().any(has) {
                parts.push(Part::Type("number"));
            }
        }
    }
    parts
}

fn member(at: usize, schema: Schema) -> Field {
    Field { name: format!("{ONE_OF}.field.{at}"), schema: Arc::new(schema) }
}

fn union(fields: Vec<Field>) -> Schema {
    Schema { name: Some(ONE_OF.to_owned()), ..Schema::new(SchemaKind::Struct(fields)) }
}

fn enumeration(symbols: &[Node<'_>]) -> Schema {
    let mut schema = Schema::new(SchemaKind::String);
    // Enums of JSON have no name.
    schema.parameters.insert(format!("{NAMESPACE}.Enum"), String::new());
    for symbol in symbols {
        let text = match symbol {
            Node::String(text) => text.to_string(),
            Node::Number(number) => number.text.to_owned(),
            Node::Boolean(value) => value.to_string(),
            _ => continue,
        };
        schema.parameters.insert(format!("{NAMESPACE}.Enum.{text}"), text);
    }
    schema
}

fn kind_of(value: &Node<'_>) -> Option<SchemaKind> {
    match value {
        Node::String(_) => Some(SchemaKind::String),
        Node::Boolean(_) => Some(SchemaKind::Boolean),
        Node::Number(number) if number.is_integer => Some(SchemaKind::Int64),
        Node::Number(_) => Some(SchemaKind::Float64),
        _ => None,
    }
}

/// Adds what stands next to the type.
fn annotate(mut schema: Schema, node: &Node<'_>, optional: bool) -> Result<Schema, String> {
    let text = |name| node.member(name).and_then(Node::as_str).map(str::to_owned);
    schema.name = text("title").or(schema.name);
    schema.doc = text("description");
    schema.version =
        node.member("connect.version").and_then(Node::as_i64).and_then(|v| i32::try_from(v).ok());
    for (name, value) in node.member("connect.parameters").map(Node::members).unwrap_or_default() {
        let value = value.as_str().ok_or("connect.parameters has a value that is no string")?;
        schema.parameters.insert(name.to_string(), value.to_owned());
    }
    schema.optional |= optional;
    if let Some(default) = node.member("default").filter(|default| **default != Node::Null) {
        // A bad default changes no record that has the property.
        let (of, whole) = (Arc::new(schema.clone()), BTreeMap::new());
        let read = data::read(&of, default, Under { whole: &whole, null_is_default: true });
        schema.default = read.ok().map(|value| value.into_owned());
    }
    Ok(schema)
}

fn unsupported(node: &Node<'_>) -> String {
    let keywords: Vec<_> = node.members().iter().map(|(name, _)| &**name).take(5).collect();
    if keywords.is_empty() {
        return "Unsupported schema type: a schema without keywords".to_owned();
    }
    format!("Unsupported schema type: keywords {}", keywords.join(", "))
}
