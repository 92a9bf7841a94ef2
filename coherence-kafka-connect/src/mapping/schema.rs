//! What reading an object gives: the schema of each type, in the shape of the record that it is written from.

use std::sync::Arc;

use super::types::{Kind, Shape, Temporal, Type, UserType};
use crate::data::{self, Field, Schema, SchemaKind};

/// A field of a struct, or a struct that only paths name.
enum Node {
    Field(usize, usize),
    Inner(Vec<(String, Node)>),
}

/// Builds the schema and shape of every type.
///
/// # Errors
/// Which fields of a type read the same part of a record: the type, and their names.
pub(super) fn build(types: &mut [UserType]) -> Result<(), Vec<(usize, String)>> {
    let mut overlaps = Vec::new();
    let trees: Vec<_> = (0..types.len()).map(|index| tree(index, types, &mut overlaps)).collect();
    if !overlaps.is_empty() {
        return Err(overlaps);
    }
    let mut states: Vec<State> = types.iter().map(|_| State::Unseen).collect();
    for index in 0..types.len() {
        of_user(index, types, &trees, &mut states);
    }
    for ((ty, state), tree) in types.iter_mut().zip(states).zip(&trees) {
        if let State::Known(schema) = state {
            ty.shape = schema.as_ref().map_or_else(Vec::new, |schema| shape(schema, tree));
            ty.schema = schema;
        }
    }
    Ok(())
}

/// Returns the schema of a key or a value, whose types have theirs.
pub(super) fn of_root(ty: &Type, types: &[UserType]) -> Option<Arc<Schema>> {
    of(ty, &mut |index| types[index].schema.clone(), true)
}

#[derive(Clone)]
enum State {
    Unseen,
    /// It is being built, so what asks for it contains itself.
    Open,
    Known(Option<Arc<Schema>>),
}

fn tree(index: usize, types: &[UserType], overlaps: &mut Vec<(usize, String)>) -> Vec<(String, Node)> {
    let mut nodes = Vec::new();
    // The fields of the base class come first.
    let mut levels = vec![index];
    while let Some(parent) = types[levels[levels.len() - 1]].parent {
        levels.push(parent);
    }
    for level in levels.into_iter().rev() {
        for (position, field) in types[level].fields.iter().enumerate() {
            if !insert(&mut nodes, &field.from, Node::Field(level, position)) {
                let from = field.from.join(".");
                let why = format!("field {}: another field reads {from}, or a part of it", field.name);
                overlaps.push((index, why));
            }
        }
    }
    nodes
}

fn insert(nodes: &mut Vec<(String, Node)>, path: &[String], leaf: Node) -> bool {
    let Some((name, rest)) = path.split_first() else { return false };
    let known = nodes.iter_mut().find(|(known, _)| known == name);
    match (known, rest.is_empty()) {
        (None, true) => {
            nodes.push((name.clone(), leaf));
            true
        }
        (None, false) => {
            let mut inner = Vec::new();
            let inserted = insert(&mut inner, rest, leaf);
            nodes.push((name.clone(), Node::Inner(inner)));
            inserted
        }
        (Some((_, Node::Inner(inner))), false) => insert(inner, rest, leaf),
        (Some(_), _) => false,
    }
}

fn of_user(
    index: usize,
    types: &[UserType],
    trees: &[Vec<(String, Node)>],
    states: &mut Vec<State>,
) -> Option<Arc<Schema>> {
    match &states[index] {
        State::Known(schema) => return schema.clone(),
        State::Open => return None,
        State::Unseen => {}
    }
    states[index] = State::Open;
    let ty = &types[index];
    let fields = fields(&trees[index], types, trees, states);
    let schema = fields.map(|fields| {
        let version = i32::try_from(ty.version).ok();
        let name = Some(ty.class.clone().unwrap_or_else(|| ty.name.clone()));
        Arc::new(Schema { name, version, ..Schema::optional(SchemaKind::Struct(fields)) })
    });
    states[index] = State::Known(schema.clone());
    schema
}

fn fields(
    nodes: &[(String, Node)],
    types: &[UserType],
    trees: &[Vec<(String, Node)>],
    states: &mut Vec<State>,
) -> Option<Vec<Field>> {
    let mut fields = Vec::with_capacity(nodes.len());
    for (name, node) in nodes {
        let schema = match node {
            Node::Inner(nodes) => {
                Arc::new(Schema::new(SchemaKind::Struct(self::fields(nodes, types, trees, states)?)))
            }
            Node::Field(level, position) => {
                let field = &types[*level].fields[*position];
                of(&field.ty, &mut |index| of_user(index, types, trees, states), !field.required)?
            }
        };
        fields.push(Field { name: name.clone(), schema });
    }
    Some(fields)
}

fn shape(schema: &Arc<Schema>, nodes: &[(String, Node)]) -> Vec<Shape> {
    let fields = schema.fields().iter().zip(nodes);
    let shape = fields.map(|(field, (_, node))| match node {
        Node::Field(level, position) => Shape::Field(*level, *position),
        Node::Inner(nodes) => Shape::Inner(field.schema.clone(), shape(&field.schema, nodes)),
    });
    shape.collect()
}

/// Returns the schema of a type; `optional` where it may be null, which a primitive never is.
fn of(ty: &Type, user: &mut dyn FnMut(usize) -> Option<Arc<Schema>>, optional: bool) -> Option<Arc<Schema>> {
    let mut nested = |ty: &Type, optional| of(ty, user, optional);
    let mut schema = match ty {
        Type::Primitive(kind) => Schema::new(of_kind(*kind)),
        Type::Wrapper(kind) => Schema::new(of_kind(*kind)),
        Type::String
        | Type::Uuid
        | Type::BigDecimal(None)
        | Type::Enum(_)
        | Type::Temporal(Temporal::OffsetTime | Temporal::OffsetDateTime, _) => {
            Schema::new(SchemaKind::String)
        }
        Type::BigInteger => Schema::decimal(0),
        Type::BigDecimal(Some(scale)) => Schema::decimal(*scale),
        Type::Temporal(_, Some(_)) => Schema::new(SchemaKind::Int64),
        Type::Temporal(class, None) => {
            let (kind, name) = match class {
                Temporal::LocalDate => (SchemaKind::Int32, data::DATE),
                Temporal::LocalTime => (SchemaKind::Int32, data::TIME),
                _ => (SchemaKind::Int64, data::TIMESTAMP),
            };
            Schema::logical(kind, name)
        }
        Type::ByteArray | Type::Binary => Schema::new(SchemaKind::Bytes),
        Type::PrimitiveArray(kind) => {
            Schema::new(SchemaKind::Array(Some(Arc::new(Schema::new(of_kind(*kind))))))
        }
        Type::Array(element) | Type::Collection(element) => {
            Schema::new(SchemaKind::Array(Some(nested(element, true)?)))
        }
        Type::Map(key, value) => {
            Schema::new(SchemaKind::Map(Some(nested(key, false)?), Some(nested(value, true)?)))
        }
        Type::User(index) => {
            let schema = user(*index)?;
            return Some(if optional {
                schema
            } else {
                Arc::new(Schema { optional: false, ..(*schema).clone() })
            });
        }
    };
    schema.optional = optional && !matches!(ty, Type::Primitive(_));
    Some(Arc::new(schema))
}

fn of_kind(kind: Kind) -> SchemaKind {
    match kind {
        Kind::Boolean => SchemaKind::Boolean,
        Kind::Byte => SchemaKind::Int8,
        Kind::Char => SchemaKind::String,
        Kind::Short => SchemaKind::Int16,
        Kind::Int => SchemaKind::Int32,
        Kind::Long => SchemaKind::Int64,
        Kind::Float => SchemaKind::Float32,
        Kind::Double => SchemaKind::Float64,
    }
}
