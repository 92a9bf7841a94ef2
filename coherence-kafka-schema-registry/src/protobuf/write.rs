//! From Connect's schema to a `.proto` file, and to the steps that write data of it.
//!
//! Follows Confluent's `ProtobufData`: the struct is a message in the package that its name has, the types of its fields
//! are inside it, and the numbers of fields are those that they were read with, or follow each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use coherence_kafka_connect::data::{DATE, DECIMAL, Field, SCALE, Schema, SchemaKind, TIME, TIMESTAMP};

use super::encode::{FieldPlan, Item, MessageFields, Shape, WritePlan};
use super::plan::NAMESPACE;
use super::scalar::Scalar;
use crate::names::identifier;

/// Messages inside each other at most.
const MAX_LEVELS: usize = 100;
const MAX_NUMBER: u32 = 536_870_911;
const WRAPPERS: &str = include_str!("proto/wrappers.proto");

/// The options that change the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriteOptions {
    /// `optional.for.nullables`: optional fields have the keyword.
    pub(super) optional_keyword: bool,
    /// `wrapper.for.nullables`: optional primitive fields have Google's wrapper types.
    pub(super) wrappers: bool,
    /// `scrub.invalid.names`: what cannot be in a name is replaced.
    pub(super) scrub: bool,
}

/// Returns the text of the file for data with this schema, and how the data is written.
pub(super) fn plan(schema: &Schema, options: WriteOptions) -> Result<(String, WritePlan), String> {
    if logical(schema).is_some() {
        return Err(format!("{} outside of a struct, where Protobuf has no type for it", schema.kind));
    }
    if !matches!(schema.kind, SchemaKind::Struct(_)) {
        let scalar = Scalar::of(&schema.kind, None)
            .map_err(|_| format!("{} outside of a struct, which Protobuf cannot express", schema.kind))?;
        let (_, inner, index) = scalar.wrapper();
        return Ok((
            WRAPPERS.to_owned(),
            WritePlan { index, root: Item::Wrapper(inner), messages: Vec::new() },
        ));
    }
    let mut writer =
        Writer { options, open: Vec::new(), messages: Vec::new(), imports: BTreeSet::new(), unnamed: 0 };
    let full = writer.name_of(schema);
    let (package, name) =
        full.rsplit_once('.').map_or((None, &*full), |(package, name)| (Some(package), name));
    let mut text = "syntax = \"proto3\";\n".to_owned();
    let mut scope = String::new();
    if let Some(package) = package {
        let parts = package.split('.').map(|part| writer.identifier(part)).collect::<Result<Vec<_>, _>>()?;
        text.push_str(&format!("package {};\n", parts.join(".")));
        scope = format!(".{}", parts.join("."));
    }
    let name = writer.identifier(name)?;
    let (root, message) = writer.message(schema, &name, &scope)?;
    text.push('\n');
    for import in &writer.imports {
        text.push_str(&format!("import \"{import}\";\n"));
    }
    text.push_str(&message);
    Ok((text, WritePlan { index: 0, root: Item::Message(root), messages: writer.messages }))
}

/// A message around what is written.
struct Open<'s> {
    schema: &'s Schema,
    /// Its name with the package and the messages around it, and a point in front.
    full: String,
    position: usize,
}

struct Writer<'s> {
    options: WriteOptions,
    open: Vec<Open<'s>>,
    messages: Vec<MessageFields>,
    imports: BTreeSet<&'static str>,
    unnamed: usize,
}

/// The types that a message defines for its fields.
#[derive(Default)]
struct Types<'s> {
    known: HashMap<String, (&'s Schema, Item)>,
    text: String,
}

impl<'s> Writer<'s> {
    /// Returns the position of the message in the plan, and its text.
    fn message(&mut self, schema: &'s Schema, name: &str, scope: &str) -> Result<(usize, String), String> {
        if self.open.len() == MAX_LEVELS {
            return Err(format!("more than {MAX_LEVELS} messages inside each other"));
        }
        let position = self.messages.len();
        self.messages.push(MessageFields::default());
        self.open.push(Open { schema, full: format!("{scope}.{name}"), position });
        let (mut types, mut lines, mut fields) = (Types::default(), String::new(), Vec::new());
        let mut numbers = Numbers::new(schema)?;
        for (at, field) in schema.fields().iter().enumerate() {
            let Some(union) = union_name(&field.schema) else {
                let (line, plan) = self.field(field, numbers.of(&field.schema)?, at, None, &mut types)?;
                lines.push_str(&line);
                fields.push(plan);
                continue;
            };
            lines.push_str(&format!("oneof {} {{\n", self.identifier(union)?));
            for (member, field) in field.schema.fields().iter().enumerate() {
                let (line, plan) =
                    self.field(field, numbers.of(&field.schema)?, at, Some(member), &mut types)?;
                lines.push_str(&line);
                fields.push(plan);
            }
            lines.push_str("}\n");
        }
        fields.sort_by_key(|field| field.number);
        let names = schema.fields().iter().map(|field| field.name.clone()).collect();
        self.messages[position] = MessageFields { names, fields };
        self.open.pop();
        Ok((position, format!("message {name} {{\n{}}}\n", indented(&(lines + &types.text)))))
    }

    fn field(
        &mut self,
        field: &'s Field,
        number: u32,
        position: usize,
        member: Option<usize>,
        types: &mut Types<'s>,
    ) -> Result<(String, FieldPlan), String> {
        let name = self.identifier(&field.name)?;
        let schema = &*field.schema;
        let bad = |why: String| format!("field {}: {why}", field.name);
        let mut meta = Vec::new();
        let mut keyword = "";
        let (of, shape) = match &schema.kind {
            SchemaKind::Array(_) | SchemaKind::Map(..) if member.is_some() => {
                return Err(bad(format!("{} in a union, which Protobuf cannot express", schema.kind)));
            }
            SchemaKind::Array(None) => {
                return Err(bad("an array without the schema of its elements".to_owned()));
            }
            SchemaKind::Array(Some(items)) => {
                keyword = "repeated ";
                let (of, item) = self.item(items, &name, &mut meta, types).map_err(bad)?;
                (of, Shape::List(item))
            }
            SchemaKind::Map(Some(keys), Some(values)) => {
                // Java counts the map as a type without a name.
                self.unnamed += usize::from(schema.name.is_none());
                let key = Scalar::of(&keys.kind, wanted(keys)).ok().filter(|key| key.is_key());
                let key = key.ok_or_else(|| {
                    bad(format!("a map with keys of {}, which Protobuf cannot express", keys.kind))
                })?;
                let (of, item) = self.item(values, "value", &mut Vec::new(), types).map_err(bad)?;
                (format!("map<{}, {of}>", key.name()), Shape::Map(key, item))
            }
            SchemaKind::Map(..) => return Err(bad("a map without the schemas of its entries".to_owned())),
            _ => {
                if self.options.optional_keyword && schema.optional && member.is_none() {
                    keyword = "optional ";
                }
                let (of, item) = self.item(schema, &name, &mut meta, types).map_err(bad)?;
                (of, Shape::One(item))
            }
        };
        let meta = self.meta(&meta);
        let has_presence = member.is_some() || keyword == "optional ";
        let line = format!("{keyword}{of} {name} = {number}{meta};\n");
        Ok((line, FieldPlan { position, member, number, shape, has_presence }))
    }

    /// Returns Confluent's option of a field with these parameters.
    fn meta(&mut self, parameters: &[(&str, String)]) -> String {
        if parameters.is_empty() {
            return String::new();
        }
        self.imports.insert("confluent/meta.proto");
        let parameters =
            parameters.iter().map(|(key, value)| format!("{{ key: \"{key}\", value: \"{value}\" }}"));
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        format!(" [(confluent.field_meta) = {{ params: [{parameters}] }}]")
    }

    /// Returns the name of the type of a value, and how the value is written.
    fn item(
        &mut self,
        schema: &'s Schema,
        field: &str,
        meta: &mut Vec<(&'static str, String)>,
        types: &mut Types<'s>,
    ) -> Result<(String, Item), String> {
        if let Some((file, name, item)) = logical(schema) {
            self.imports.insert(file);
            if matches!(item, Item::Decimal) {
                for (key, parameter) in [("precision", "connect.decimal.precision"), ("scale", SCALE)] {
                    let number = schema.parameters.get(parameter).and_then(|text| text.parse::<i32>().ok());
                    meta.extend(number.map(|number| (key, number.to_string())));
                }
            }
            return Ok((name.to_owned(), item));
        }
        match &schema.kind {
            SchemaKind::String | SchemaKind::Int32 if schema.parameters.contains_key(&enum_name()) => {
                self.enumeration(schema, types)
            }
            SchemaKind::Struct(_) if union_name(schema).is_some() => {
                Err("a union in a list, a map or a union, which Protobuf cannot express".to_owned())
            }
            SchemaKind::Struct(fields) => {
                let around = self.open.iter().rev().find(|open| {
                    fields.is_empty() && schema.name.is_some() && open.schema.name == schema.name
                });
                if let Some(open) = around {
                    return Ok((open.full.clone(), Item::Message(open.position)));
                }
                let full = self.name_of(schema);
                let mut name = self.identifier(full.rsplit('.').next().unwrap_or(&full))?;
                if name == field {
                    name.push_str("Message");
                }
                if let Some(item) = types.known(&name, schema)? {
                    return Ok((name, item));
                }
                let scope = self.open.last().map(|open| open.full.clone()).unwrap_or_default();
                let (position, text) = self.message(schema, &name, &scope)?;
                types.text.push_str(&text);
                types.known.insert(name.clone(), (schema, Item::Message(position)));
                Ok((name, Item::Message(position)))
            }
            SchemaKind::Array(_) | SchemaKind::Map(..) => {
                Err(format!("{} in a list or a map, which Protobuf cannot express", schema.kind))
            }
            kind => {
                let scalar = Scalar::of(kind, wanted(schema))?;
                match scalar {
                    Scalar::Int8 => meta.push(("connect.type", "int8".to_owned())),
                    Scalar::Int16 => meta.push(("connect.type", "int16".to_owned())),
                    _ => {}
                }
                if self.options.wrappers && schema.optional {
                    self.imports.insert("google/protobuf/wrappers.proto");
                    let (name, inner, _) = scalar.wrapper();
                    return Ok((name.to_owned(), Item::Wrapper(inner)));
                }
                Ok((scalar.name().to_owned(), Item::Scalar(scalar)))
            }
        }
    }

    fn enumeration(&mut self, schema: &'s Schema, types: &mut Types<'s>) -> Result<(String, Item), String> {
        let name =
            self.identifier(schema.parameters.get(&enum_name()).map(String::as_str).unwrap_or_default())?;
        if let Some(item) = types.known(&name, schema)? {
            return Ok((name, item));
        }
        let prefix = format!("{}.", enum_name());
        let mut numbers = BTreeMap::new();
        for (key, number) in &schema.parameters {
            let Some(symbol) = key.strip_prefix(&prefix) else { continue };
            let number: i32 =
                number.parse().map_err(|_| format!("symbol {symbol} of enum {name} has no number"))?;
            numbers.insert(self.identifier(symbol)?, number);
        }
        // Zero is the first one in proto3.
        let mut symbols: Vec<_> = numbers.iter().collect();
        symbols.sort_by_key(|(_, number)| (**number != 0, **number));
        let mut lines = String::new();
        if symbols.windows(2).any(|pair| pair[0].1 == pair[1].1) {
            lines.push_str("option allow_alias = true;\n");
        }
        for (symbol, number) in symbols {
            lines.push_str(&format!("{symbol} = {number};\n"));
        }
        types.text.push_str(&format!("enum {name} {{\n{}}}\n", indented(&lines)));
        types.known.insert(name.clone(), (schema, Item::Enum(numbers.clone())));
        Ok((name, Item::Enum(numbers)))
    }

    fn name_of(&mut self, schema: &Schema) -> String {
        match schema.name.as_deref() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => {
                self.unnamed += 1;
                format!("ConnectDefault{}", self.unnamed)
            }
        }
    }

    fn identifier(&self, name: &str) -> Result<String, String> {
        identifier(name, self.options.scrub, "Protobuf", false)
    }
}

impl<'s> Types<'s> {
    /// Returns a type that is defined already.
    fn known(&self, name: &str, schema: &'s Schema) -> Result<Option<Item>, String> {
        match self.known.get(name) {
            None => Ok(None),
            Some((known, item)) if known.kind == schema.kind && is_same_enum(known, schema) => {
                Ok(Some(item.clone()))
            }
            Some(_) => Err(format!("two types are named {name}")),
        }
    }
}

fn is_same_enum(a: &Schema, b: &Schema) -> bool {
    let symbols = |schema: &'_ Schema| -> Vec<(String, String)> {
        let symbols = schema.parameters.iter().filter(|(key, _)| key.starts_with(&enum_name()));
        symbols.map(|(key, number)| (key.clone(), number.clone())).collect()
    };
    symbols(a) == symbols(b)
}

/// The numbers of the fields of a message.
struct Numbers {
    used: HashSet<u32>,
    next: u32,
}

impl Numbers {
    fn new(message: &Schema) -> Result<Self, String> {
        let mut used = HashSet::new();
        for field in message.fields() {
            let members = if union_name(&field.schema).is_some() { field.schema.fields() } else { &[] };
            for schema in std::iter::once(&field.schema).chain(members.iter().map(|member| &member.schema)) {
                used.extend(tag(schema)?);
            }
        }
        Ok(Self { used, next: 1 })
    }

    /// Returns the number that a field was read with, or the next one that is free.
    fn of(&mut self, schema: &Schema) -> Result<u32, String> {
        if let Some(tag) = tag(schema)? {
            return Ok(tag);
        }
        // Protobuf keeps some numbers for itself.
        while self.used.contains(&self.next) || (19_000..20_000).contains(&self.next) {
            self.next += 1;
        }
        self.next += 1;
        Ok(self.next - 1)
    }
}

fn tag(schema: &Schema) -> Result<Option<u32>, String> {
    let Some(text) = schema.parameters.get(&format!("{NAMESPACE}.Tag")) else { return Ok(None) };
    match text.parse() {
        Ok(number @ 1..=MAX_NUMBER) => Ok(Some(number)),
        _ => Err(format!("{NAMESPACE}.Tag is no number of a field")),
    }
}

/// Returns the type that a number was read with.
fn wanted(schema: &Schema) -> Option<&str> {
    schema.parameters.get(&format!("{NAMESPACE}.Type")).map(String::as_str)
}

fn enum_name() -> String {
    format!("{NAMESPACE}.Enum")
}

/// Returns the name of the union that a struct is.
fn union_name(schema: &Schema) -> Option<&str> {
    let name = schema.name.as_deref()?.strip_prefix(NAMESPACE)?.strip_prefix(".Union.")?;
    matches!(schema.kind, SchemaKind::Struct(_)).then(|| name.rsplit('.').next().unwrap_or(name))
}

/// Returns the file, the name and the form of the type that Protobuf has for a logical type.
fn logical(schema: &Schema) -> Option<(&'static str, &'static str, Item)> {
    Some(match schema.name.as_deref()? {
        DECIMAL => ("confluent/type/decimal.proto", "confluent.type.Decimal", Item::Decimal),
        DATE => ("google/type/date.proto", "google.type.Date", Item::Date),
        TIME => ("google/type/timeofday.proto", "google.type.TimeOfDay", Item::Time),
        TIMESTAMP => ("google/protobuf/timestamp.proto", "google.protobuf.Timestamp", Item::Timestamp),
        _ => return None,
    })
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests;
