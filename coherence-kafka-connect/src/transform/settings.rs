//! Settings that several transforms have.

use crate::config::def::{Check, Typed, Validator};

/// A list that may not be empty.
pub(super) const FILLED: Validator = Validator::Check(Check(|key, value| match value {
    Typed::List(items) if items.is_empty() => {
        Err(format!("Configuration '{key}' must not be empty. Valid values include: any non-empty value"))
    }
    _ => Ok(()),
}));
