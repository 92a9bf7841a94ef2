//! The text of a type: `int`, `BigDecimal(2)`, `List<Line>`, `Map<String, long[]>`.

use super::types::{Kind, Temporal, Type, Unit};

/// Types inside each other at most.
const MAX_DEPTH: usize = 16;

/// A class or an enum of the mapping, by its name.
pub(super) trait Names {
    /// Returns what the mapping defines under this name.
    fn find(&self, name: &str) -> Option<Type>;
    /// Returns the name that is nearest to an unknown one.
    fn nearest(&self, name: &str) -> Option<String>;
}

/// The names that the mapping cannot define.
pub(super) fn is_built_in(name: &str) -> bool {
    matches!(
        name,
        "String"
            | "BigInteger"
            | "BigDecimal"
            | "UUID"
            | "Binary"
            | "Collection"
            | "List"
            | "Set"
            | "Map"
            | "Object"
    ) || Kind::ALL.iter().any(|(_, primitive, wrapper)| [*primitive, *wrapper].contains(&name))
        || Temporal::ALL.iter().any(|(_, class)| *class == name)
}

/// Reads the text of a type.
///
/// # Errors
/// What is wrong with it and what would be right.
pub(super) fn parse(text: &str, names: &dyn Names) -> Result<Type, String> {
    let mut parser = Parser { rest: text, names };
    let ty = parser.ty(MAX_DEPTH)?;
    match parser.rest.trim_start() {
        "" => Ok(ty),
        rest => Err(format!("{text} is not a type: it should end before {rest}")),
    }
}

struct Parser<'t, 'n> {
    rest: &'t str,
    names: &'n dyn Names,
}

impl<'t> Parser<'t, '_> {
    fn ty(&mut self, levels: usize) -> Result<Type, String> {
        let levels = levels.checked_sub(1).ok_or("too many types inside each other")?;
        let name = self.name();
        let parameter = self.parameter()?;
        let arguments = self.arguments(levels)?;
        let mut ty = self.named(name, parameter, arguments)?;
        while self.eat("[]") {
            ty = match ty {
                Type::Primitive(Kind::Byte) => Type::ByteArray,
                Type::Primitive(kind) => Type::PrimitiveArray(kind),
                Type::Array(_) | Type::ByteArray | Type::PrimitiveArray(_) => {
                    return Err("arrays of arrays are not supported: use a List of arrays".to_owned());
                }
                other => Type::Array(Box::new(other)),
            };
        }
        Ok(ty)
    }

    fn named(&self, name: &str, parameter: Option<&str>, arguments: Vec<Type>) -> Result<Type, String> {
        let temporal = Temporal::ALL.iter().find(|(_, class)| *class == name).map(|(class, _)| *class);
        if let Some(parameter) = parameter {
            let unit = Unit::ALL.iter().find(|(_, unit)| *unit == parameter).map(|(unit, _)| *unit);
            return match (name, temporal, unit, arguments.is_empty()) {
                ("BigDecimal", _, _, true) => match parameter.parse() {
                    Ok(scale @ -6143..=6144) => Ok(Type::BigDecimal(Some(scale))),
                    _ => Err(format!("{parameter} is not a scale: a number from -6143 to 6144")),
                },
                (_, Some(Temporal::OffsetTime), ..) => {
                    Err("OffsetTime has no unit: it is written from text alone".to_owned())
                }
                (_, Some(Temporal::LocalTime), Some(Unit::Days), _) => {
                    Err("LocalTime is no number of days: use seconds, millis, micros or nanos".to_owned())
                }
                (_, Some(class), Some(unit), true) => Ok(Type::Temporal(class, Some(unit))),
                (_, Some(_), None, _) => {
                    Err(format!("{parameter} is no unit: use days, seconds, millis, micros or nanos"))
                }
                _ => Err(format!("{name} takes nothing in parentheses")),
            };
        }
        let mut arguments = arguments.into_iter().map(Box::new);
        let ty = match (name, arguments.next(), arguments.next(), arguments.next()) {
            ("Collection" | "List" | "Set", Some(element), None, None) => Type::Collection(element),
            ("Collection" | "List" | "Set", ..) => {
                return Err(format!("{name} needs the type of its elements: {name}<String>"));
            }
            ("Map", Some(key), Some(value), None) => Type::Map(key, value),
            ("Map", ..) => {
                return Err("Map needs the types of its keys and values: Map<String, int>".to_owned());
            }
            (_, Some(_), ..) => return Err(format!("{name} takes no types in angle brackets")),
            ("String", ..) => Type::String,
            ("BigInteger", ..) => Type::BigInteger,
            ("BigDecimal", ..) => Type::BigDecimal(None),
            ("UUID", ..) => Type::Uuid,
            ("Binary", ..) => Type::Binary,
            ("Object", ..) => return Err("Object is not supported: name the class".to_owned()),
            ("", ..) => return Err("the name of a type is missing".to_owned()),
            _ => {
                let of = |(kind, primitive, wrapper): &(Kind, &str, &str)| match name {
                    _ if name == *primitive => Some(Type::Primitive(*kind)),
                    _ if name == *wrapper => Some(Type::Wrapper(*kind)),
                    _ => None,
                };
                let known = temporal.map(|class| Type::Temporal(class, None));
                let known = known.or_else(|| Kind::ALL.iter().find_map(of)).or_else(|| self.names.find(name));
                return known.ok_or_else(|| {
                    let mean = self.names.nearest(name);
                    let mean = mean.map_or_else(String::new, |known| format!(", did you mean {known}?"));
                    format!("unknown type {name}{mean}")
                });
            }
        };
        Ok(ty)
    }

    fn name(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        let end =
            self.rest.find(|c: char| !c.is_alphanumeric() && !"_$.".contains(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    fn parameter(&mut self) -> Result<Option<&'t str>, String> {
        if !self.eat("(") {
            return Ok(None);
        }
        let (parameter, rest) = self.rest.split_once(')').ok_or("an opening parenthesis is not closed")?;
        self.rest = rest;
        Ok(Some(parameter.trim()))
    }

    fn arguments(&mut self, levels: usize) -> Result<Vec<Type>, String> {
        let mut arguments = Vec::new();
        if self.eat("<") {
            loop {
                arguments.push(self.ty(levels)?);
                if self.eat(">") {
                    break;
                }
                if !self.eat(",") {
                    return Err("an opening angle bracket is not closed".to_owned());
                }
            }
        }
        Ok(arguments)
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}
