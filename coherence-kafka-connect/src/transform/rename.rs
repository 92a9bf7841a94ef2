//! New names for those that match an expression of Java as a whole, as `RegexRouter` makes them.

use crate::error::ConnectError;
use crate::java::regex::Pattern;
use crate::java::replacement::Replacement;

/// An expression and its replacement, with the meaning of `RegexRouter`'s settings `regex` and `replacement`.
#[derive(Debug, Clone)]
pub struct Rename {
    pattern: Pattern,
    replacement: Replacement,
}

impl Rename {
    /// Reads both.
    ///
    /// # Errors
    /// Why `regex` is no expression of Java. A replacement that cannot be made fails later, as in Connect, unless
    /// [`Rename::check_replacement`] finds it.
    pub fn new(regex: &str, replacement: &str) -> Result<Self, String> {
        let pattern = Pattern::new(regex)?;
        let replacement = Replacement::new(replacement, &pattern);
        Ok(Self { pattern, replacement })
    }

    /// Finds a replacement that fails for every name that matches.
    ///
    /// # Errors
    /// Which reference to a group is bad.
    pub fn check_replacement(&self) -> Result<(), ConnectError> {
        self.replacement.check()
    }

    /// Returns the new name; `None` where the expression does not match the whole name.
    ///
    /// # Errors
    /// That of [`Rename::check_replacement`].
    pub fn apply(&self, name: &str) -> Result<Option<String>, ConnectError> {
        if self.pattern.matches(name) {
            self.replacement.replace_first(&self.pattern, name)
        } else {
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_matches_as_a_whole_is_replaced_with_the_groups_of_its_match() {
        let rename = Rename::new(r"orders-(?<region>\w+)-\d{8}", "Orders.${region}").unwrap();
        assert_eq!(rename.check_replacement(), Ok(()));
        assert_eq!(rename.apply("orders-eu-20240131"), Ok(Some("Orders.eu".to_owned())));
        assert_eq!(rename.apply("orders-eu-20240131.old"), Ok(None));
    }

    #[test]
    fn a_bad_expression_fails_at_once_and_a_bad_reference_where_it_is_checked_or_needed() {
        assert!(Rename::new("(", "x").is_err());
        let rename = Rename::new("a(b)", "$2").unwrap();
        assert_eq!(rename.check_replacement().unwrap_err().message(), "No group 2");
        assert_eq!(rename.apply("c"), Ok(None));
        assert_eq!(rename.apply("ab").unwrap_err().message(), "No group 2");
    }
}
