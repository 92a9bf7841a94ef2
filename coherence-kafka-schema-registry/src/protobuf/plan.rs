//! From a message's descriptor to Connect's schema, and to the steps that make values of the message.
//!
//! Follows Confluent's `ProtobufData`. A message that contains itself has its name and no fields where it comes again, and
//! the structs have the whole schema.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use coherence_kafka_connect::data::{DATE, DECIMAL, Field, SCALE, Schema, SchemaKind, TIME, TIMESTAMP};
use prost_reflect::{
    EnumDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, OneofDescriptor,
    Value,
};

pub(super) const NAMESPACE: &str = "io.confluent.connect.protobuf";
/// Messages inside each other at most.
const MAX_LEVELS: usize = 100;

/// The options that change what Connect sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProtobufOptions {
    /// `enhanced.protobuf.schema.support`: names have their package.
    pub(super) enhanced: bool,
    /// `generate.index.for.unions`: a union's field has the position of the union in its name.
    pub(super) union_index: bool,
    /// `flatten.unions`: the members of a union are fields of the message.
    pub(super) flatten_unions: bool,
    /// `int.for.enums`.
    pub(super) int_enums: bool,
    /// `optional.for.nullables`: only fields with the keyword are optional.
    pub(super) optional_keyword: bool,
    /// `optional.for.proto2`: a field with the keyword that is not set is null in proto2 too.
    pub(super) optional_proto2: bool,
    /// `wrapper.for.nullables`: only fields of the wrapper types are optional.
    pub(super) wrappers: bool,
    /// `wrapper.for.raw.primitives`: a wrapper type at the top is its value.
    pub(super) raw_wrappers: bool,
}

/// How one value is made.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// By the type of the value alone.
    Plain,
    Int8,
    Int16,
    Enum(EnumDescriptor),
    /// The value of a message of the wrapper types.
    Wrapper,
    Decimal,
    Date,
    Time,
    Timestamp,
    /// A message, and its schema here; none where the message contains itself.
    Message {
        position: usize,
        schema: Option<Arc<Schema>>,
    },
    List(Box<Node>),
    Map(Box<Node>, Box<Node>),
}

/// How the fields of a message become those of a struct.
#[derive(Debug)]
pub(super) struct MessagePlan {
    pub(super) schema: Arc<Schema>,
    pub(super) slots: Vec<Slot>,
}

#[derive(Debug)]
pub(super) enum Slot {
    Field(Step),
    /// A union: a struct of which one field is set.
    OneOf {
        schema: Arc<Schema>,
        steps: Vec<Step>,
    },
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) field: FieldDescriptor,
    /// Null where the message does not have the field; else it is the type's default value.
    pub(super) null_if_absent: bool,
    pub(super) node: Node,
}

/// How the data of a message is read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) schema: Arc<Schema>,
    pub(super) root: Node,
    pub(super) messages: Vec<MessagePlan>,
}

struct Planner {
    options: ProtobufOptions,
    field_meta: Option<ExtensionDescriptor>,
    /// Positions of whole and of open messages by their full names.
    positions: HashMap<String, usize>,
    messages: Vec<Option<MessagePlan>>,
    levels: usize,
}

impl Plan {
    /// Plans how data of `message` is read.
    pub(super) fn new(message: &MessageDescriptor, options: ProtobufOptions) -> Result<Self, String> {
        let field_meta = message.parent_pool().get_extension_by_name("confluent.field_meta");
        let mut planner =
            Planner { options, field_meta, positions: HashMap::new(), messages: Vec::new(), levels: 0 };
        let wrapped = options.raw_wrappers.then(|| wrapped(message)).flatten();
        let (root, schema) = match wrapped {
            Some(kind) => (Node::Wrapper, Arc::new(Schema::new(kind))),
            None => {
                let (position, schema) = planner.message(message)?;
                let schema = schema.ok_or("a message without an end")?;
                (Node::Message { position, schema: Some(schema.clone()) }, schema)
            }
        };
        let messages: Option<Vec<_>> = planner.messages.into_iter().collect();
        Ok(Self { schema, root, messages: messages.ok_or("a message without an end")? })
    }
}

impl Planner {
    /// Returns the position of a message and its schema; none where it is inside itself.
    fn message(&mut self, message: &MessageDescriptor) -> Result<(usize, Option<Arc<Schema>>), String> {
        if let Some(&position) = self.positions.get(message.full_name()) {
            return Ok((position, self.messages[position].as_ref().map(|plan| plan.schema.clone())));
        }
        if self.levels == MAX_LEVELS {
            return Err(format!("more than {MAX_LEVELS} messages inside each other"));
        }
        self.levels += 1;
        let position = self.messages.len();
        self.positions.insert(message.full_name().to_owned(), position);
        self.messages.push(None);
        let (mut fields, mut slots) = (Vec::new(), Vec::new());
        for (index, oneof) in message.oneofs().enumerate().filter(|(_, oneof)| !oneof.is_synthetic()) {
            if self.options.flatten_unions {
                let (union, steps) = self.oneof(&oneof)?;
                fields.extend_from_slice(union.fields());
                slots.extend(steps.into_iter().map(Slot::Field));
                continue;
            }
            let name = match self.options.union_index {
                true => format!("{}_{index}", oneof.name()),
                false => oneof.name().to_owned(),
            };
            let (schema, steps) = self.oneof(&oneof)?;
            fields.push(Field { name, schema: schema.clone() });
            slots.push(Slot::OneOf { schema, steps });
        }
        let is_real = |oneof: OneofDescriptor| !oneof.is_synthetic();
        // Fields in the order of the text; those of prost-reflect are sorted by number.
        let mut all: Vec<_> =
            message.fields().filter(|f| !f.containing_oneof().is_some_and(is_real)).collect();
        all.sort_by_key(|field| field.path().last().copied());
        for field in all {
            let (node, schema) = self.field(&field)?;
            fields.push(Field { name: field.name().to_owned(), schema: Arc::new(schema) });
            slots.push(Slot::Field(Step { null_if_absent: self.null_if_absent(&field), field, node }));
        }
        if let Some(twice) = repeated(&fields) {
            return Err(format!("message {} has two fields {twice} in Connect", message.full_name()));
        }
        let name = if self.options.enhanced { message.full_name() } else { message.name() };
        let schema = Schema { name: Some(name.to_owned()), ..Schema::new(SchemaKind::Struct(fields)) };
        let schema = Arc::new(schema);
        self.messages[position] = Some(MessagePlan { schema: schema.clone(), slots });
        self.levels -= 1;
        Ok((position, Some(schema)))
    }

    fn oneof(&mut self, oneof: &OneofDescriptor) -> Result<(Arc<Schema>, Vec<Step>), String> {
        let (mut fields, mut steps) = (Vec::new(), Vec::new());
        let mut all: Vec<_> = oneof.fields().collect();
        all.sort_by_key(|field| field.path().last().copied());
        for field in all {
            let (node, mut schema) = self.field(&field)?;
            // In the message itself, nothing else allows the nulls of the others.
            schema.optional |= self.options.flatten_unions;
            fields.push(Field { name: field.name().to_owned(), schema: Arc::new(schema) });
            steps.push(Step { field, null_if_absent: true, node });
        }
        let name = if self.options.enhanced { oneof.full_name() } else { oneof.name() };
        let name = Some(format!("{NAMESPACE}.Union.{name}"));
        Ok((Arc::new(Schema { name, ..Schema::optional(SchemaKind::Struct(fields)) }), steps))
    }

    fn null_if_absent(&self, field: &FieldDescriptor) -> bool {
        let is_message = matches!(field.kind(), Kind::Message(_)) && !field.is_list() && !field.is_map();
        let proto = field.field_descriptor_proto();
        let keyword = proto.proto3_optional() || (self.options.optional_proto2 && has_keyword(field));
        is_message || keyword
    }

    fn field(&mut self, field: &FieldDescriptor) -> Result<(Node, Schema), String> {
        let (node, mut schema) = self.one(field)?;
        let (node, mut schema) = if field.is_list() {
            schema.optional = true;
            let list = Schema::optional(SchemaKind::Array(Some(Arc::new(schema))));
            (Node::List(Box::new(node)), list)
        } else {
            (node, schema)
        };
        if self.options.optional_keyword {
            schema.optional |= field.field_descriptor_proto().proto3_optional() || has_keyword(field);
        } else if !self.options.wrappers {
            schema.optional = true;
        }
        schema.parameters.insert(format!("{NAMESPACE}.Tag"), field.number().to_string());
        Ok((node, schema))
    }

    fn one(&mut self, field: &FieldDescriptor) -> Result<(Node, Schema), String> {
        let meta = |key: &str| self.meta(field, key);
        let of_type = |kind: SchemaKind, name: &str| {
            let mut schema = Schema::new(kind);
            schema.parameters.insert(format!("{NAMESPACE}.Type"), name.to_owned());
            (Node::Plain, schema)
        };
        Ok(match field.kind() {
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                match (meta("connect.type").as_deref(), field.kind()) {
                    (Some("int8"), _) => (Node::Int8, Schema::new(SchemaKind::Int8)),
                    (Some("int16"), _) => (Node::Int16, Schema::new(SchemaKind::Int16)),
                    (_, Kind::Sint32) => of_type(SchemaKind::Int32, "sint32"),
                    (_, Kind::Sfixed32) => of_type(SchemaKind::Int32, "sfixed32"),
                    _ => (Node::Plain, Schema::new(SchemaKind::Int32)),
                }
            }
            Kind::Int64 => (Node::Plain, Schema::new(SchemaKind::Int64)),
            Kind::Uint32 => of_type(SchemaKind::Int64, "uint32"),
            Kind::Fixed32 => of_type(SchemaKind::Int64, "fixed32"),
            Kind::Uint64 => of_type(SchemaKind::Int64, "uint64"),
            Kind::Sint64 => of_type(SchemaKind::Int64, "sint64"),
            Kind::Fixed64 => of_type(SchemaKind::Int64, "fixed64"),
            Kind::Sfixed64 => of_type(SchemaKind::Int64, "sfixed64"),
            Kind::Float => (Node::Plain, Schema::new(SchemaKind::Float32)),
            Kind::Double => (Node::Plain, Schema::new(SchemaKind::Float64)),
            Kind::Bool => (Node::Plain, Schema::new(SchemaKind::Boolean)),
            Kind::String => (Node::Plain, Schema::new(SchemaKind::String)),
            Kind::Bytes => (Node::Plain, Schema::new(SchemaKind::Bytes)),
            Kind::Enum(symbols) => self.enumeration(symbols),
            Kind::Message(message) => {
                let (node, mut schema) = match message.full_name() {
                    "confluent.type.Decimal" => {
                        let number = |key: &str| meta(key).and_then(|text| text.parse::<i32>().ok());
                        let scale = number("scale").unwrap_or(0).to_string();
                        let mut parameters = BTreeMap::from([(SCALE.to_owned(), scale)]);
                        if let Some(precision) = number("precision") {
                            parameters.insert("connect.decimal.precision".to_owned(), precision.to_string());
                        }
                        (Node::Decimal, Schema { parameters, ..well_known(SchemaKind::Bytes, DECIMAL) })
                    }
                    "google.type.Date" => (Node::Date, well_known(SchemaKind::Int32, DATE)),
                    "google.type.TimeOfDay" => (Node::Time, well_known(SchemaKind::Int32, TIME)),
                    "google.protobuf.Timestamp" => {
                        (Node::Timestamp, well_known(SchemaKind::Int64, TIMESTAMP))
                    }
                    _ => self.of_message(field, &message)?,
                };
                schema.optional = true;
                (node, schema)
            }
        })
    }

    fn of_message(
        &mut self,
        field: &FieldDescriptor,
        message: &MessageDescriptor,
    ) -> Result<(Node, Schema), String> {
        if self.options.wrappers
            && let Some(kind) = wrapped(message)
        {
            return Ok((Node::Wrapper, Schema::new(kind)));
        }
        if field.is_map() {
            let (key, keys) = self.field(&message.map_entry_key_field())?;
            let (value, values) = self.field(&message.map_entry_value_field())?;
            let name = if self.options.enhanced { message.full_name() } else { message.name() };
            let kind = SchemaKind::Map(Some(Arc::new(keys)), Some(Arc::new(values)));
            let schema = Schema { name: Some(map_field(name)), ..Schema::new(kind) };
            return Ok((Node::Map(Box::new(key), Box::new(value)), schema));
        }
        let (position, whole) = self.message(message)?;
        let schema = match &whole {
            Some(schema) => (**schema).clone(),
            None => {
                let name = if self.options.enhanced { message.full_name() } else { message.name() };
                Schema { name: Some(name.to_owned()), ..Schema::new(SchemaKind::Struct(Vec::new())) }
            }
        };
        Ok((Node::Message { position, schema: whole }, schema))
    }

    fn enumeration(&self, symbols: EnumDescriptor) -> (Node, Schema) {
        let int = self.options.int_enums;
        let mut schema = Schema::optional(if int { SchemaKind::Int32 } else { SchemaKind::String });
        let name = if self.options.enhanced { symbols.full_name() } else { symbols.name() };
        schema.name = Some(name.to_owned());
        schema.parameters.insert(format!("{NAMESPACE}.Enum"), symbols.name().to_owned());
        for value in symbols.values() {
            schema
                .parameters
                .insert(format!("{NAMESPACE}.Enum.{}", value.name()), value.number().to_string());
        }
        (if int { Node::Plain } else { Node::Enum(symbols) }, schema)
    }

    /// Returns a parameter that Confluent's own option of the field has.
    fn meta(&self, field: &FieldDescriptor, key: &str) -> Option<String> {
        let options = field.options();
        let extension = self.field_meta.as_ref().filter(|extension| options.has_extension(extension))?;
        let Value::Message(meta) = &*options.get_extension(extension) else { return None };
        let params = meta.get_field_by_name("params")?;
        match params.as_map()?.get(&MapKey::String(key.to_owned()))? {
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// Returns whether a field of proto2 has the keyword `optional`.
fn has_keyword(field: &FieldDescriptor) -> bool {
    let proto2 = field.parent_file().syntax() == prost_reflect::Syntax::Proto2;
    proto2
        && !field.is_list()
        && !field.is_map()
        && !field.is_required()
        && field.containing_oneof().is_none()
}

fn well_known(kind: SchemaKind, name: &str) -> Schema {
    Schema { name: Some(name.to_owned()), version: Some(1), ..Schema::new(kind) }
}

/// Returns the type of the value in one of Google's wrapper messages.
fn wrapped(message: &MessageDescriptor) -> Option<SchemaKind> {
    Some(match message.full_name().strip_prefix("google.protobuf.")? {
        "DoubleValue" => SchemaKind::Float64,
        "FloatValue" => SchemaKind::Float32,
        "Int64Value" | "UInt64Value" | "UInt32Value" => SchemaKind::Int64,
        "Int32Value" => SchemaKind::Int32,
        "BoolValue" => SchemaKind::Boolean,
        "StringValue" => SchemaKind::String,
        "BytesValue" => SchemaKind::Bytes,
        _ => return None,
    })
}

fn repeated(fields: &[Field]) -> Option<&str> {
    let mut names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Returns the name of the field whose entries have this type: `a.b.LineItemsEntry` is that of `a.b.line_items`.
fn map_field(entry: &str) -> String {
    let name = entry.strip_suffix("Entry").unwrap_or(entry);
    let (package, simple) = name.rsplit_once('.').map_or(("", name), |(package, simple)| (package, simple));
    let mut field = String::with_capacity(simple.len() + 4);
    for (at, c) in simple.chars().enumerate() {
        if c.is_ascii_uppercase() && at > 0 {
            field.push('_');
        }
        field.push(c.to_ascii_lowercase());
    }
    if package.is_empty() { field } else { format!("{package}.{field}") }
}
