//! Containers, element by element.

use super::{PofReader, conversion};
use crate::packed::DecodeError;
use crate::pof::{scalar, types};

/// An index and an element each.
type Indexed<T> = Vec<(u32, T)>;

impl PofReader<'_> {
    /// An array or collection, whether its elements stand under a common type id or not. `read` reads one element each
    /// time: `reader.elements(|element| element.string())`.
    pub fn elements<T>(
        &mut self,
        read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        match type_id {
            types::COLLECTION_EMPTY => Ok(Some(Vec::new())),
            types::NULL => Ok(None),
            _ => self.elements_of(start, type_id, read).map(Some),
        }
    }

    /// The same behind its type id, that was at `start`.
    pub(super) fn elements_of<T>(
        &mut self,
        start: usize,
        type_id: i32,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let element = match type_id {
            types::COLLECTION | types::ARRAY => None,
            types::UNIFORM_COLLECTION | types::UNIFORM_ARRAY => Some(scalar::element_type(&mut self.cursor)?),
            _ => return Err(conversion(start, "a collection", type_id)),
        };
        self.deeper()?;
        let count = self.cursor.packed_count(1, "a count of elements")?;
        let mut elements = self.reserved(count);
        for _ in 0..count {
            elements.push(self.slot(element, &mut read)?);
        }
        self.depth -= 1;
        Ok(elements)
    }

    /// A map. `key` reads one key each time, `value` one value. A key may occur twice: the last one counts.
    pub fn entries<K, V>(
        &mut self,
        mut key: impl FnMut(&mut Self) -> Result<K, DecodeError>,
        mut value: impl FnMut(&mut Self) -> Result<V, DecodeError>,
    ) -> Result<Option<Vec<(K, V)>>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        let keys = match type_id {
            types::COLLECTION_EMPTY => return Ok(Some(Vec::new())),
            types::NULL => return Ok(None),
            types::MAP => None,
            types::UNIFORM_KEYS_MAP | types::UNIFORM_MAP => Some(scalar::element_type(&mut self.cursor)?),
            _ => return Err(conversion(start, "a map", type_id)),
        };
        let values = match type_id {
            types::UNIFORM_MAP => Some(scalar::element_type(&mut self.cursor)?),
            _ => None,
        };
        self.deeper()?;
        let count = self.cursor.packed_count(2, "a count of entries")?;
        let mut entries = self.reserved(count);
        for _ in 0..count {
            let key = self.slot(keys, &mut key)?;
            entries.push((key, self.slot(values, &mut value)?));
        }
        self.depth -= 1;
        Ok(Some(entries))
    }

    /// A sparse array: its size, then index and element each. `read` reads one element each time.
    pub fn sparse_array<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<(u32, Indexed<T>)>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        let element = match type_id {
            types::COLLECTION_EMPTY => return Ok(Some((0, Vec::new()))),
            types::NULL => return Ok(None),
            types::SPARSE_ARRAY => None,
            types::UNIFORM_SPARSE_ARRAY => Some(scalar::element_type(&mut self.cursor)?),
            _ => return Err(conversion(start, "a sparse array", type_id)),
        };
        self.deeper()?;
        let size = scalar::unsigned(&mut self.cursor, "the size of a sparse array")?;
        let mut elements = Vec::new();
        let mut next = 0;
        while let Some(index) = scalar::index(&mut self.cursor, next..size, "the index of an element")? {
            elements.push((index, self.slot(element, &mut read)?));
            next = index + 1;
        }
        self.depth -= 1;
        Ok(Some((size, elements)))
    }

    /// One element. What `read` left unread is skipped.
    fn slot<T>(
        &mut self,
        uniform: Option<i32>,
        read: &mut impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let start = self.offset();
        self.uniform = uniform;
        let element = read(self)?;
        if self.offset() == start {
            self.uniform = uniform;
            self.skip()?;
        }
        Ok(element)
    }

    fn reserved<T>(&mut self, count: usize) -> Vec<T> {
        let count = count.min(self.room);
        self.room -= count;
        Vec::with_capacity(count)
    }
}
