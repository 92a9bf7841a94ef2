//! Keys and values as callers have them.

/// A key or value of a map, or what stands for one: a `&str` for a `String`.
pub trait Lend<T> {
    /// Calls `take` with the key or value itself.
    fn lend<R>(&self, take: impl FnOnce(&T) -> R) -> R;
}

impl<T> Lend<T> for T {
    fn lend<R>(&self, take: impl FnOnce(&T) -> R) -> R {
        take(self)
    }
}

impl Lend<String> for str {
    fn lend<R>(&self, take: impl FnOnce(&String) -> R) -> R {
        take(&self.to_owned())
    }
}
