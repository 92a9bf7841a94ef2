//! Objects that other parts of the same stream refer to.
//!
//! Java's grids have references off unless their POF configuration turns them on; then only user types bear identities.
//! Here a reference is read as a copy of its object. So an object cannot contain itself, and what the copies take
//! together is bounded, for each level of references may multiply the one below.

use std::collections::HashMap;

/// The objects of one stream, by identity.
#[derive(Debug)]
pub(super) struct Identities {
    objects: HashMap<u32, Object>,
    /// Bytes of objects that may still be read once more for a reference.
    room: usize,
}

/// Where an object is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object {
    /// At least 0.
    pub(super) type_id: i32,
    /// Where what follows its type id starts.
    pub(super) body: usize,
    /// Where it ends, once it is known.
    end: Option<usize>,
}

const MAX_IDENTITY: u32 = 1_000_000;

impl Identities {
    /// For a stream of `len` bytes.
    pub(super) fn new(len: usize) -> Self {
        Self { objects: HashMap::new(), room: len.saturating_mul(16).saturating_add(65_536) }
    }

    /// Meets an object. It may be met again, when it is read for a reference to an object around it.
    pub(super) fn begin(&mut self, id: u32, type_id: i32, body: usize) -> Result<(), &'static str> {
        if type_id < 0 {
            return Err("used by a value that is not a user type");
        }
        if !(1..=MAX_IDENTITY).contains(&id) {
            return Err("outside 1 to 1000000");
        }
        let object = self.objects.entry(id).or_insert(Object { type_id, body, end: None });
        if object.body == body { Ok(()) } else { Err("used by two objects") }
    }

    /// The object `id` is whole.
    pub(super) fn finish(&mut self, id: u32, end: usize) {
        if let Some(object) = self.objects.get_mut(&id) {
            object.end = Some(end);
        }
    }

    /// Returns the object `id`, which must end before `offset`.
    pub(super) fn object(&self, id: u32, offset: usize) -> Result<Object, &'static str> {
        match self.objects.get(&id) {
            Some(object) if object.end.is_some_and(|end| end <= offset) => Ok(*object),
            Some(_) => Err("to an object that it is a part of"),
            None => Err("to an unknown identity"),
        }
    }

    /// The same, to be read once more.
    pub(super) fn resolve(&mut self, id: u32, offset: usize) -> Result<Object, &'static str> {
        let object = self.object(id, offset)?;
        let len = object.end.unwrap_or(object.body) - object.body;
        self.room = self.room.checked_sub(len.max(1)).ok_or("to more copies than the stream may have")?;
        Ok(object)
    }

    /// Returns whether a number that stands for an element of the common type `type_id` is a reference, as against a
    /// version. Nothing in the stream shows it; Java guesses in this way too.
    pub(super) fn is(&self, number: i32, type_id: i32, offset: usize) -> bool {
        u32::try_from(number)
            .is_ok_and(|id| self.object(id, offset).is_ok_and(|object| object.type_id == type_id))
    }
}
