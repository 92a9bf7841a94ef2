//! How Java reads text: `String.trim`, `Long.parseLong`, `Double.parseDouble`.

/// `String.trim`: every character up to and including the blank goes from both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// `Long.parseLong`: an optional sign and decimal digits; Java also takes digits of other scripts, we do not.
pub(super) fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// `Double.parseDouble`: decimal, an optional `d` or `f` behind, `NaN` and `Infinity` in exactly this spelling.
pub(crate) fn double(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "NaN" || unsigned == "Infinity" {
        return text.replace("Infinity", "inf").parse().ok();
    }
    // Rust also takes "inf", "nan" and their like, which Java does not.
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text).parse().ok()
}
