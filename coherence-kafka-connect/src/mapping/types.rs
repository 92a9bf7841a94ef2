//! The types of a mapping: what Java's class has at a place, and how its serializer writes it.

use std::fmt;
use std::sync::Arc;

use crate::data::Schema;

/// A Java primitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Byte,
    Char,
    Short,
    Int,
    Long,
    Float,
    Double,
}

impl Kind {
    /// The primitive, its name and that of its wrapper.
    pub(super) const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Boolean, "boolean", "Boolean"),
        (Self::Byte, "byte", "Byte"),
        (Self::Char, "char", "Character"),
        (Self::Short, "short", "Short"),
        (Self::Int, "int", "Integer"),
        (Self::Long, "long", "Long"),
        (Self::Float, "float", "Float"),
        (Self::Double, "double", "Double"),
    ];

    pub(super) fn names(self) -> (&'static str, &'static str) {
        let (_, primitive, wrapper) = Self::ALL[self as usize];
        (primitive, wrapper)
    }
}

pub(super) const NANOS_PER_DAY: i128 = 86_400_000_000_000;

/// What an integer counts that stands for a day, a time of day or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Days,
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Days, "days"),
        (Self::Seconds, "seconds"),
        (Self::Millis, "millis"),
        (Self::Micros, "micros"),
        (Self::Nanos, "nanos"),
    ];

    /// Nanoseconds of one.
    pub(super) fn nanos(self) -> i128 {
        match self {
            Self::Days => NANOS_PER_DAY,
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }
}

/// A class of `java.time`, or `java.util.Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Temporal {
    LocalDate,
    LocalTime,
    LocalDateTime,
    OffsetTime,
    OffsetDateTime,
    Instant,
    /// Also `java.sql.Timestamp`.
    Date,
}

impl Temporal {
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::LocalDate, "LocalDate"),
        (Self::LocalTime, "LocalTime"),
        (Self::LocalDateTime, "LocalDateTime"),
        (Self::OffsetTime, "OffsetTime"),
        (Self::OffsetDateTime, "OffsetDateTime"),
        (Self::Instant, "Instant"),
        (Self::Date, "Date"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The type of a field, an element, a key or a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// `int`; everywhere but in a field it is written as its wrapper.
    Primitive(Kind),
    /// `Integer`.
    Wrapper(Kind),
    String,
    BigInteger,
    /// With the number of digits behind the point, if that is fixed.
    BigDecimal(Option<i32>),
    /// With the unit of integers that stand for it.
    Temporal(Temporal, Option<Unit>),
    Uuid,
    /// `byte[]`.
    ByteArray,
    /// `com.tangosol.util.Binary`.
    Binary,
    /// `int[]`, never of bytes.
    PrimitiveArray(Kind),
    /// `T[]`.
    Array(Box<Type>),
    /// `Collection<T>`, `List<T>`, `Set<T>`.
    Collection(Box<Type>),
    /// `Map<K, V>`.
    Map(Box<Type>, Box<Type>),
    /// A class of the mapping, by its position.
    User(usize),
    /// An enum of the mapping, by its position.
    Enum(usize),
}

impl Type {
    /// Returns how Java's methods write a field of this type, `writeInt` and the like.
    pub(super) fn family(&self, enums: &[Enum]) -> Family {
        match self {
            Type::Primitive(_) => Family::Primitive,
            Type::Wrapper(_) | Type::User(_) | Type::Uuid | Type::Temporal(Temporal::Instant, _) => {
                Family::Object
            }
            Type::Enum(index) => match enums.get(*index).map(|constants| constants.form) {
                Some(EnumForm::Ordinal) => Family::Primitive,
                Some(EnumForm::Name) => Family::Reference,
                _ => Family::Object,
            },
            _ => Family::Reference,
        }
    }
}

/// The family of methods of Java's `PofWriter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `writeInt`: the default is left out, small numbers are one byte.
    Primitive,
    /// `writeString`: null is left out.
    Reference,
    /// `writeObject`: everything is written in full, null too.
    Object,
}

/// How a class writes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// By the method of its type.
    Typed,
    /// By `writeObject`.
    Object,
    /// By the method that takes the class of the elements, which writes their type once.
    Uniform,
}

/// The serializer that writes a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The class, by `PortableObject.writeExternal`.
    PortableObject,
    /// `PofAnnotationSerializer`, for a class with `@Portable`: every field by `writeObject`.
    Portable,
    /// The generated code of a class with `@PortableType`: a user type for each class of its hierarchy.
    PortableType,
}

impl Layout {
    pub(super) const ALL: [(Self, &'static str); 3] = [
        (Self::PortableObject, "PortableObject"),
        (Self::Portable, "@Portable"),
        (Self::PortableType, "@PortableType"),
    ];
}

/// A Java class.
#[derive(Debug)]
pub(super) struct UserType {
    /// Its name in the mapping.
    pub name: String,
    /// Its name in Java, or its alias in a JSON grid.
    pub class: Option<String>,
    /// Its type id; POF only.
    pub id: Option<u32>,
    pub version: u32,
    pub layout: Layout,
    /// The class that it extends, where each has properties of its own.
    pub parent: Option<usize>,
    /// In the order of their indexes, or of the file where none has one.
    pub fields: Vec<Field>,
    /// Whether a record with a field that the type does not name is refused.
    pub refuses_unmapped: bool,
    /// What reading gives; none where the type contains itself.
    pub schema: Option<Arc<Schema>>,
    /// The shape of that: one for each field of the schema.
    pub shape: Vec<Shape>,
    /// It and the classes that it extends, in the order of their type ids.
    pub hierarchy: Vec<usize>,
    /// Where it stands, for errors.
    pub line: usize,
}

/// A field of a struct that was read.
#[derive(Debug)]
pub(super) enum Shape {
    /// A field of the class: the type of its hierarchy, and its position there.
    Field(usize, usize),
    /// A struct that only the path of fields names.
    Inner(Arc<Schema>, Vec<Shape>),
}

/// A field of a Java class.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name in Java.
    pub name: String,
    /// The path to it in the record.
    pub from: Vec<String>,
    /// Its property index; POF only.
    pub index: Option<u32>,
    pub ty: Type,
    pub write: Write,
    /// Whether null is refused.
    pub required: bool,
}

/// What an enum is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EnumForm {
    /// As an object, by `EnumPofSerializer`.
    Object,
    /// As its ordinal, an `int`.
    Ordinal,
    /// As its name, a `String`.
    Name,
}

impl EnumForm {
    pub(super) const ALL: [(Self, &'static str); 3] =
        [(Self::Object, "object"), (Self::Ordinal, "ordinal"), (Self::Name, "name")];
}

/// A Java enum.
#[derive(Debug)]
pub(super) struct Enum {
    pub name: String,
    pub class: Option<String>,
    pub id: Option<u32>,
    /// In the order of their ordinals.
    pub constants: Vec<String>,
    pub form: EnumForm,
    pub line: usize,
}

/// Shows a type as the mapping writes it.
pub(super) struct Shown<'a> {
    pub ty: &'a Type,
    pub types: &'a [UserType],
    pub enums: &'a [Enum],
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |ty| Shown { ty, ..*self };
        match self.ty {
            Type::Primitive(kind) => f.write_str(kind.names().0),
            Type::Wrapper(kind) => f.write_str(kind.names().1),
            Type::String => f.write_str("String"),
            Type::BigInteger => f.write_str("BigInteger"),
            Type::BigDecimal(None) => f.write_str("BigDecimal"),
            Type::BigDecimal(Some(scale)) => write!(f, "BigDecimal({scale})"),
            Type::Temporal(class, None) => f.write_str(class.name()),
            Type::Temporal(class, Some(unit)) => {
                write!(f, "{}({})", class.name(), Unit::ALL[*unit as usize].1)
            }
            Type::Uuid => f.write_str("UUID"),
            Type::ByteArray => f.write_str("byte[]"),
            Type::Binary => f.write_str("Binary"),
            Type::PrimitiveArray(kind) => write!(f, "{}[]", kind.names().0),
            Type::Array(element) => write!(f, "{}[]", of(element)),
            Type::Collection(element) => write!(f, "Collection<{}>", of(element)),
            Type::Map(key, value) => write!(f, "Map<{}, {}>", of(key), of(value)),
            Type::User(index) => f.write_str(self.types.get(*index).map_or("", |ty| &ty.name)),
            Type::Enum(index) => f.write_str(self.enums.get(*index).map_or("", |constants| &constants.name)),
        }
    }
}
