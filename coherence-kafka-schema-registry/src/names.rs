//! Names of fields and types in the formats that allow letters, digits and `_` alone.

/// Returns a part of a name as `format` allows it, which `scrub.invalid.names` makes of every one; `underscore` where it
/// can begin with `_`.
///
/// # Errors
/// The name is not allowed, and nothing is replaced.
pub(crate) fn identifier(name: &str, scrub: bool, format: &str, underscore: bool) -> Result<String, String> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_badly = name.starts_with(|first: char| first.is_ascii_digit());
    if name.is_empty() {
        return Err("a field or a type without a name".to_owned());
    }
    if !scrub {
        if name.bytes().all(is_letter) && !begins_badly {
            return Ok(name.to_owned());
        }
        return Err(format!(
            "name {name} is not allowed in {format}: rename it, or set scrub.invalid.names=true to replace what cannot be in a name"
        ));
    }
    // As the Java converter, which encodes the name for a URL first.
    let mut scrubbed = String::with_capacity(name.len());
    if begins_badly || (name.starts_with('_') && !underscore) {
        scrubbed.push('x');
    }
    for byte in name.bytes() {
        match byte {
            byte if is_letter(byte) => scrubbed.push(char::from(byte)),
            b'.' | b'-' | b'*' | b' ' => scrubbed.push('_'),
            byte => scrubbed.push_str(&format!("_{byte:02X}")),
        }
    }
    Ok(scrubbed)
}
