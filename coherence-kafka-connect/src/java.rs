//! What Java's own classes make of text, numbers and dates, as far as Connect's converters and transforms use them.
//!
//! ```text
//! number.rs       Integer.parseInt, Double.parseDouble, BigDecimal     date_format.rs   SimpleDateFormat
//! regex.rs        java.util.regex.Pattern                              calendar.rs      GregorianCalendar
//! replacement.rs  Matcher.replaceFirst
//! ```

pub(super) mod calendar;
pub(super) mod date_format;
pub(super) mod number;
pub(super) mod regex;
pub(super) mod replacement;
