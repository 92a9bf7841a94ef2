//! Coherence's own classes: the methods by which Java writes their properties.
//!
//! Owns: the table. Their objects are keys too, for example `Duration` and `CompositeKey`, and a grid compares keys
//! byte by byte: what is written here must be what Java writes.

use super::primitive::Primitive;
use super::value::PofValue;

/// How Java writes one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// `writeBoolean`.
    Boolean,
    /// `writeByte`.
    Octet,
    /// `writeInt`.
    Int32,
    /// `writeLong`.
    Int64,
    /// `writeDouble`.
    Float64,
    /// `writeCollection` with `String` as the class of the elements.
    Strings,
    /// Any other method: in full, if it is present at all.
    Object,
}

use Property::{Boolean, Float64, Int32, Int64, Object, Octet, Strings};

/// Returns the properties of a class from index 0 on; `None` for a class that is not known here.
pub(super) fn properties(type_id: u32) -> Option<&'static [Property]> {
    Some(match type_id {
        // Throwable: class, message, stack trace, cause.
        0 => &[Object, Object, Strings, Object],
        // NullImplementation's set and map.
        11 | 17 => &[],
        // com.tangosol.util.UUID, UID, CompositeKey, and the comparator that reverses.
        14 => &[Int64, Int32, Int32, Int32, Int32, Int32, Int32],
        15 => &[Int32, Int64, Int32],
        18 => &[Object, Object],
        43 => &[Object, Boolean],
        // SimpleHolder.
        264 => &[Object],
        // TimeUnit, Optional and its like.
        901 => &[Object],
        903 => &[Boolean, Object],
        904 => &[Boolean, Int32],
        905 => &[Boolean, Int64],
        906 => &[Boolean, Float64],
        // InetAddress, InetSocketAddress, java.util.UUID.
        907 => &[Object],
        908 => &[Object, Int32],
        909 => &[Int64, Int64],
        // TreeSet, TreeMap.
        920 | 921 => &[Object, Object],
        // Duration, Instant, MonthDay, Period, Year, YearMonth, ZoneId, ZoneOffset, DayOfWeek, Month.
        940 | 941 => &[Int64, Int32],
        942 => &[Int32, Int32],
        943 => &[Int32, Int32, Int32],
        944 => &[Int32],
        945 => &[Int32, Int32],
        946 => &[Object],
        947 => &[Octet, Int32],
        948 | 949 => &[Object],
        _ => return None,
    })
}

impl Property {
    /// What Java's class writes where the property is missing.
    pub(super) fn default(self) -> Option<Primitive> {
        match self {
            Boolean => Some(Primitive::Boolean(false)),
            Octet => Some(Primitive::Octet(0)),
            Int32 => Some(Primitive::Int32(0)),
            Int64 => Some(Primitive::Int64(0)),
            Float64 => Some(Primitive::Float64(0.0)),
            Strings | Object => None,
        }
    }

    /// Returns the value as the argument of the method; `None` where the property is no primitive or the value no such
    /// one.
    pub(super) fn primitive(self, value: &PofValue) -> Option<Primitive> {
        self.of(match value {
            PofValue::Boolean(value) => Primitive::Boolean(*value),
            PofValue::Octet(value) => Primitive::Octet(*value),
            PofValue::Int16(value) => Primitive::Int16(*value),
            PofValue::Int32(value) => Primitive::Int32(*value),
            PofValue::Int64(value) => Primitive::Int64(*value),
            PofValue::Float64(value) => Primitive::Float64(*value),
            _ => return None,
        })
    }

    /// Whole numbers take the width that the property has in Java, where they fit.
    pub(super) fn of(self, value: Primitive) -> Option<Primitive> {
        let whole = match value {
            Primitive::Boolean(_) => return (self == Boolean).then_some(value),
            Primitive::Float64(_) => return (self == Float64).then_some(value),
            Primitive::Char(_) | Primitive::Float32(_) => return None,
            Primitive::Octet(value) => i64::from(value as i8),
            Primitive::Int16(value) => i64::from(value),
            Primitive::Int32(value) => i64::from(value),
            Primitive::Int64(value) => value,
        };
        match self {
            Octet => i8::try_from(whole).ok().map(|value| Primitive::Octet(value as u8)),
            Int32 => i32::try_from(whole).ok().map(Primitive::Int32),
            Int64 => Some(Primitive::Int64(whole)),
            // The few that Java writes in one byte, whose type is lost by that.
            Float64 => i16::try_from(whole).ok().map(|value| Primitive::Float64(value.into())),
            Boolean | Strings | Object => None,
        }
    }
}
