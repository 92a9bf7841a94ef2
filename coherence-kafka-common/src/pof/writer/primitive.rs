//! Values that Java's `PofWriter` writes by a method for a primitive: shortened wherever a code for them exists.

use super::PofWriter;
use crate::packed::write_i32;
use crate::pof::primitive::Primitive;

impl PofWriter<'_> {
    /// A primitive as `writeInt` and its like write it as a property: left out where it is the default.
    pub(crate) fn primitive_property(&mut self, index: u32, value: Primitive) {
        if self.marked || !value.is_default() {
            self.property(index);
            self.primitive(value);
        }
    }

    /// A primitive as `writeInt` and its like write it to the root of a stream: in one byte where that is possible.
    ///
    /// That is no form for a whole value: `toBinary` and containers have the full form, which the methods named for
    /// the types write.
    pub fn primitive(&mut self, value: Primitive) {
        if !self.marked
            && let Some(code) = value.compact()
        {
            return write_i32(self.out, code);
        }
        match value {
            Primitive::Boolean(value) => self.boolean(value),
            Primitive::Octet(value) => self.octet(value),
            Primitive::Char(unit) => self.char(unit),
            Primitive::Int16(value) => self.int16(value),
            Primitive::Int32(value) => self.int32(value),
            Primitive::Int64(value) => self.int64(value),
            Primitive::Float32(value) => self.float32(value),
            Primitive::Float64(value) => self.float64(value),
        }
    }
}
