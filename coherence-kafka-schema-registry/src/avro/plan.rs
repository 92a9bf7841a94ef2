//! From an Avro schema to Connect's schema, and to the steps that read its data.
//!
//! Follows Confluent's `AvroData`. A type that contains itself is a schema without end, which a tree of schemas cannot be:
//! where it comes again, its schema has its name and no fields, and the structs themselves have the whole schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::data::{DATE, DECIMAL, Field, SCALE, Schema, SchemaKind, TIME, TIMESTAMP};
use serde_json::Value as Json;

use super::default;
use super::node::{Int, Node, RecordPlan};
use super::schema::{AvroSchema, Form, Kind, Named, Props, Type};

pub(super) const NAMESPACE: &str = "io.confluent.connect.avro";
/// Schemas inside each other at most.
const MAX_LEVELS: usize = 200;

/// The options that change what Connect sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct AvroOptions {
    /// `enhanced.avro.schema.support`: members of unions have the namespace in their names.
    pub(super) enhanced: bool,
    /// `connect.meta.data`: documentation and parameters are part of Connect's schema.
    pub(super) meta_data: bool,
    /// `flatten.singleton.unions`.
    pub(super) flatten: bool,
}

/// How the data of a schema is read.
#[derive(Debug)]
pub(super) struct Plan {
    /// None for data that has no schema, which Connect writes as a record that can be anything.
    pub(super) schema: Option<Arc<Schema>>,
    pub(super) root: Node,
    pub(super) records: Vec<RecordPlan>,
}

enum State {
    Unseen,
    Open,
    Whole,
}

struct Planner<'s> {
    avro: &'s AvroSchema,
    options: AvroOptions,
    states: Vec<State>,
    records: Vec<Option<RecordPlan>>,
    levels: usize,
}

/// The settings of a schema that depend on its place.
#[derive(Clone, Copy)]
struct Place<'d> {
    optional: bool,
    default: Option<&'d Json>,
}

const PLAIN: Place<'static> = Place { optional: false, default: None };
const OPTIONAL: Place<'static> = Place { optional: true, default: None };

impl Plan {
    /// Plans how the data of `avro` is read.
    pub(super) fn new(avro: &AvroSchema, options: AvroOptions) -> Result<Self, String> {
        let mut planner = Planner {
            avro,
            options,
            states: avro.named.iter().map(|_| State::Unseen).collect(),
            records: avro.named.iter().map(|_| None).collect(),
            levels: 0,
        };
        if let Kind::Named(position) = avro.root.kind
            && avro.named[position].name == "io.confluent.connect.avro.Anything"
        {
            return Ok(Self { schema: None, root: Node::Anything, records: Vec::new() });
        }
        let (root, schema) = planner.any(&avro.root, PLAIN)?;
        // Positions are those of all named types; those that are no records are never asked for.
        let empty = || RecordPlan { schema: schema.clone(), fields: Vec::new() };
        let records = planner.records.into_iter().map(|record| record.unwrap_or_else(empty)).collect();
        Ok(Self { schema: Some(schema), root, records })
    }
}

impl Planner<'_> {
    fn any(&mut self, of: &Type, place: Place<'_>) -> Result<(Node, Arc<Schema>), String> {
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            return Err(format!("more than {MAX_LEVELS} types inside each other"));
        }
        let planned = self.one(of, place);
        self.levels -= 1;
        planned
    }

    fn one(&mut self, of: &Type, place: Place<'_>) -> Result<(Node, Arc<Schema>), String> {
        let (node, schema) = match &of.kind {
            Kind::Null => {
                return Err("Standalone null schemas are not supported by this converter".to_owned());
            }
            Kind::Boolean => (Node::Boolean, Schema::new(SchemaKind::Boolean)),
            Kind::Int => int(&of.props)?,
            Kind::Long => match logical(&of.props) {
                Some(name) if name.eq_ignore_ascii_case("timestamp-millis") => {
                    (Node::Timestamp, well_known(SchemaKind::Int64, TIMESTAMP))
                }
                _ => (Node::Long, Schema::new(SchemaKind::Int64)),
            },
            Kind::Float => (Node::Float, Schema::new(SchemaKind::Float32)),
            Kind::Double => (Node::Double, Schema::new(SchemaKind::Float64)),
            Kind::Bytes => bytes(&of.props, None)?,
            Kind::String => (Node::String, Schema::new(SchemaKind::String)),
            Kind::Array(items) => self.array(items)?,
            Kind::Map(values) => {
                let (node, values) = self.any(values, PLAIN)?;
                let keys = Some(Arc::new(Schema::new(SchemaKind::String)));
                (Node::Map(Box::new(node)), Schema::new(SchemaKind::Map(keys, Some(values))))
            }
            Kind::Union(members) => match self.union(members)? {
                Ok(planned) => return Ok(planned),
                Err(planned) => planned,
            },
            Kind::Named(position) => {
                let named = &self.avro.named[*position];
                match &named.form {
                    Form::Record(_) => return self.record(*position, named, place),
                    Form::Enum { symbols, default } => self.enumeration(named, symbols, default.as_deref()),
                    Form::Fixed(size) => {
                        let (node, mut schema) = bytes(&named.props, Some(*size))?;
                        schema.parameters.insert("connect.fixed.size".to_owned(), size.to_string());
                        (node, schema)
                    }
                }
            }
        };
        let (props, name) = match &of.kind {
            Kind::Named(position) => {
                let named = &self.avro.named[*position];
                (&named.props, Some(&*named.name))
            }
            _ => (&of.props, None),
        };
        self.finish(node, schema, props, name, place)
    }

    /// Adds what the properties and the place of a type change.
    fn finish(
        &self,
        mut node: Node,
        mut schema: Schema,
        props: &Props,
        full_name: Option<&str>,
        place: Place<'_>,
    ) -> Result<(Node, Arc<Schema>), String> {
        self.annotate(&mut schema, props, full_name)?;
        // What makes a logical type is the name, whichever property it came from.
        node = match (schema.name.as_deref(), node) {
            (Some(DATE), Node::Int(_)) => Node::Int(Int::Date),
            (Some(TIME), Node::Int(_)) => Node::Int(Int::Time),
            (Some(TIMESTAMP), Node::Long) => Node::Timestamp,
            (Some(DECIMAL), Node::Bytes) => Node::Decimal { fixed: None, scale: scale(&schema)? },
            (Some(DECIMAL), Node::Fixed(size)) => Node::Decimal { fixed: Some(size), scale: scale(&schema)? },
            (_, node) => node,
        };
        self.defaults(&mut schema, &node, props, place.default);
        schema.optional |= place.optional;
        let schema = Arc::new(schema);
        if let Node::Union { schema: own, .. } = &mut node {
            *own = schema.clone();
        }
        Ok((node, schema))
    }

    fn annotate(&self, schema: &mut Schema, props: &Props, full_name: Option<&str>) -> Result<(), String> {
        if self.options.meta_data
            && let Some(Json::String(doc)) = props.get("connect.doc")
        {
            schema.doc = Some(doc.clone());
        }
        if let Some(version) = props.get("connect.version") {
            let version = version.as_i64().and_then(|version| i32::try_from(version).ok());
            let version = version.ok_or("Invalid Connect version found")?;
            if version >= 0 {
                if schema.version.is_some_and(|own| own != version) {
                    return Err(format!(
                        "Mismatched versions: connect.version {version} differs from that of the logical type"
                    ));
                }
                schema.version = Some(version);
            }
        }
        if self.options.meta_data
            && let Some(parameters) = props.get("connect.parameters")
        {
            let parameters = parameters.as_object().ok_or("connect.parameters is no JSON object")?;
            for (key, value) in parameters {
                let value = value.as_str().ok_or("connect.parameters has a value that is no string")?;
                schema.parameters.insert(key.clone(), value.to_owned());
            }
        }
        for (key, value) in props.iter().filter(|(key, _)| key.starts_with("avro")) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            schema.parameters.insert(key.clone(), text);
        }
        let name = match props.get("connect.name") {
            Some(Json::String(name)) => Some(&**name),
            Some(_) => return Err("connect.name is no string".to_owned()),
            None => full_name,
        };
        if let Some(name) = name.filter(|name| !name.starts_with("io.confluent.connect.avro.ConnectDefault"))
        {
            match &schema.name {
                None => schema.name = Some(name.to_owned()),
                // A decimal of fixed size has a name of its own, which is not that of the logical type.
                Some(own) if own == name || own == DECIMAL => {}
                Some(own) => return Err(format!("Mismatched names: {own} and {name}")),
            }
        }
        Ok(())
    }

    fn defaults(&self, schema: &mut Schema, node: &Node, props: &Props, field: Option<&Json>) {
        let own = props.get("connect.default");
        if field.is_some() && own.is_none() && self.options.meta_data {
            schema.parameters.insert(format!("{NAMESPACE}.field.default"), "true".to_owned());
        }
        let Some(json) = field.or(own).filter(|json| !json.is_null()) else { return };
        // A bad default changes no record that has the field.
        schema.default = default::value(json, node, schema, &self.records);
    }

    fn array(&mut self, items: &Type) -> Result<(Node, Schema), String> {
        if let Kind::Named(position) = items.kind
            && is_map_entry(&self.avro.named[position])
            && let Form::Record(fields) = &self.avro.named[position].form
        {
            let (key, value, value_first) = match &fields[..] {
                [key, value] if key.name == "key" && value.name == "value" => (key, value, false),
                [value, key] if key.name == "key" && value.name == "value" => (key, value, true),
                _ => {
                    return Err(
                        "Found map encoded as array of key-value pairs, but array elements do not match the \
                                expected format."
                            .to_owned(),
                    );
                }
            };
            let (key, keys) = self.any(&key.schema, PLAIN)?;
            let (value, values) = self.any(&value.schema, PLAIN)?;
            let node = Node::Entries { key: Box::new(key), value: Box::new(value), value_first };
            return Ok((node, Schema::new(SchemaKind::Map(Some(keys), Some(values)))));
        }
        let (node, items) = self.any(items, PLAIN)?;
        Ok((Node::Array(Box::new(node)), Schema::new(SchemaKind::Array(Some(items)))))
    }

    /// `Ok` where the union is nothing but one of its members.
    #[allow(clippy::type_complexity, reason = "the two ways a union can be planned, used once")]
    fn union(&mut self, members: &[Type]) -> Result<Result<(Node, Arc<Schema>), (Node, Schema)>, String> {
        match members {
            [member] if self.options.flatten => {
                let (node, schema) = self.any(member, PLAIN)?;
                let union = Node::Nullable { branch: 0, node: Box::new(node), default: None };
                return Ok(Ok((union, schema)));
            }
            [first, second] if (first.kind == Kind::Null) != (second.kind == Kind::Null) => {
                let (branch, member) = if first.kind == Kind::Null { (1, second) } else { (0, first) };
                let (node, schema) = self.any(member, OPTIONAL)?;
                let default = schema.default.clone();
                return Ok(Ok((Node::Nullable { branch, node: Box::new(node), default }, schema)));
            }
            _ => {}
        }
        let mut schema = Schema::new(SchemaKind::String);
        schema.name = Some(format!("{NAMESPACE}.Union"));
        let (mut fields, mut branches): (Vec<Field>, _) = (Vec::new(), Vec::with_capacity(members.len()));
        for member in members {
            if member.kind == Kind::Null {
                schema.optional = true;
                branches.push(None);
                continue;
            }
            let name = self.member_name(member);
            if fields.iter().any(|field| field.name == name) {
                return Err(format!(
                    "Multiple union schemas map to the Connect union field name {name}: \
                     enhanced.avro.schema.support=true keeps their namespaces apart"
                ));
            }
            let (node, schema) = self.any(member, OPTIONAL)?;
            fields.push(Field { name, schema });
            branches.push(Some(node));
        }
        schema.kind = SchemaKind::Struct(fields);
        let own = Arc::new(schema.clone());
        Ok(Err((Node::Union { schema: own, branches }, schema)))
    }

    fn member_name(&self, member: &Type) -> String {
        match &member.kind {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Named(position) if self.options.enhanced => &self.avro.named[*position].name,
            Kind::Named(position) => self.avro.named[*position].simple_name(),
        }
        .to_owned()
    }

    fn enumeration(&self, named: &Named, symbols: &[String], default: Option<&str>) -> (Node, Schema) {
        let mut schema = Schema::new(SchemaKind::String);
        let mut parameter = |key: String, value: &str| schema.parameters.insert(key, value.to_owned());
        if self.options.meta_data {
            if let Some(doc) = &named.doc {
                parameter(format!("{NAMESPACE}.enum.doc.{}", named.simple_name()), doc);
            }
            if let Some(default) = default {
                parameter(format!("{NAMESPACE}.enum.default.{}", named.simple_name()), default);
            }
        }
        parameter(format!("{NAMESPACE}.Enum"), &named.name);
        for symbol in symbols {
            parameter(format!("{NAMESPACE}.Enum.{symbol}"), symbol);
        }
        (Node::Enum(symbols.iter().map(|symbol| symbol.as_str().into()).collect()), schema)
    }

    fn record(
        &mut self,
        position: usize,
        named: &Named,
        place: Place<'_>,
    ) -> Result<(Node, Arc<Schema>), String> {
        match self.states[position] {
            State::Open => {
                // The record is inside itself here.
                let mut schema = Schema::new(SchemaKind::Struct(Vec::new()));
                schema.name = Some(named.text("connect.name").unwrap_or(&named.name).to_owned());
                schema.optional = place.optional;
                return Ok((Node::Record { position, schema: None }, Arc::new(schema)));
            }
            State::Whole => {}
            State::Unseen => {
                self.states[position] = State::Open;
                let plan = self.record_plan(named)?;
                self.records[position] = Some(plan);
                self.states[position] = State::Whole;
            }
        }
        let plain = self.records[position].as_ref().map(|record| record.schema.clone());
        let plain = plain.ok_or("a record without an end")?;
        if !place.optional && place.default.is_none() {
            return Ok((Node::Record { position, schema: Some(plain.clone()) }, plain));
        }
        let mut schema = (*plain).clone();
        let node = Node::Record { position, schema: Some(plain) };
        self.defaults(&mut schema, &node, &named.props, place.default);
        schema.optional = place.optional;
        let schema = Arc::new(schema);
        Ok((Node::Record { position, schema: Some(schema.clone()) }, schema))
    }

    fn record_plan(&mut self, named: &Named) -> Result<RecordPlan, String> {
        let Form::Record(fields) = &named.form else { return Err(format!("{} is no record", named.name)) };
        let mut schema = Schema::new(SchemaKind::String);
        if self.options.meta_data {
            if let Some(doc) = &named.doc {
                schema.parameters.insert(format!("{NAMESPACE}.record.doc"), doc.clone());
            }
            for field in fields {
                if let Some(doc) = &field.doc {
                    schema.parameters.insert(format!("{NAMESPACE}.field.doc.{}", field.name), doc.clone());
                }
            }
        }
        let (mut nodes, mut all) = (Vec::with_capacity(fields.len()), Vec::with_capacity(fields.len()));
        for field in fields {
            let place = Place { optional: false, default: field.default.as_ref() };
            let (node, schema) = self
                .any(&field.schema, place)
                .map_err(|why| format!("{}.{}: {why}", named.name, field.name))?;
            nodes.push(node);
            all.push(Field { name: field.name.clone(), schema });
        }
        schema.kind = SchemaKind::Struct(all);
        self.annotate(&mut schema, &named.props, Some(&named.name))?;
        Ok(RecordPlan { schema: Arc::new(schema), fields: nodes })
    }
}

fn is_map_entry(named: &Named) -> bool {
    named.name == "io.confluent.connect.avro.MapEntry"
        || named.text("connect.internal.type") == Some("MapEntry")
}

fn logical(props: &Props) -> Option<&str> {
    props.get("logicalType").and_then(Json::as_str)
}

fn well_known(kind: SchemaKind, name: &str) -> Schema {
    Schema { name: Some(name.to_owned()), version: Some(1), ..Schema::new(kind) }
}

fn int(props: &Props) -> Result<(Node, Schema), String> {
    Ok(match (logical(props), props.get("connect.type").and_then(Json::as_str)) {
        (Some(name), _) if name.eq_ignore_ascii_case("date") => {
            (Node::Int(Int::Date), well_known(SchemaKind::Int32, DATE))
        }
        (Some(name), _) if name.eq_ignore_ascii_case("time-millis") => {
            (Node::Int(Int::Time), well_known(SchemaKind::Int32, TIME))
        }
        (Some(_), _) | (None, None) => (Node::Int(Int::Int32), Schema::new(SchemaKind::Int32)),
        (None, Some("int8")) => (Node::Int(Int::Int8), Schema::new(SchemaKind::Int8)),
        (None, Some("int16")) => (Node::Int(Int::Int16), Schema::new(SchemaKind::Int16)),
        (None, Some(_)) => return Err("Connect type annotation for Avro int field is null".to_owned()),
    })
}

fn bytes(props: &Props, fixed: Option<usize>) -> Result<(Node, Schema), String> {
    let plain = || fixed.map_or(Node::Bytes, Node::Fixed);
    if !logical(props).is_some_and(|name| name.eq_ignore_ascii_case("decimal")) {
        return Ok((plain(), Schema::new(SchemaKind::Bytes)));
    }
    let number = |key: &str| props.get(key).map(|value| value.as_i64().and_then(|n| i32::try_from(n).ok()));
    let scale = number("scale").unwrap_or(Some(0)).ok_or("scale must be a number.")?;
    let mut parameters = BTreeMap::from([(SCALE.to_owned(), scale.to_string())]);
    match number("precision") {
        None | Some(Some(64)) => {}
        Some(Some(precision)) => {
            parameters.insert("connect.decimal.precision".to_owned(), precision.to_string());
        }
        Some(None) => return Err("precision property must be a JSON Integer.".to_owned()),
    }
    let schema = Schema { parameters, ..well_known(SchemaKind::Bytes, DECIMAL) };
    Ok((Node::Decimal { fixed, scale }, schema))
}

fn scale(schema: &Schema) -> Result<i32, String> {
    let scale = schema.parameters.get(SCALE).and_then(|scale| scale.parse().ok());
    scale.ok_or_else(|| "a decimal without the parameter scale".to_owned())
}
