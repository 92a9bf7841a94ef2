//! JSON strings and numbers in the exact bytes of Java's writer, because a key is found by its bytes.

use std::fmt;
use std::io::Write as _;

/// Appends an integer.
pub fn write_integer(value: impl fmt::Display, out: &mut Vec<u8>) {
    // A vector takes any bytes.
    let _ = write!(out, "{value}");
}

/// Appends an `f32` or `f64` as `toString()` of JDK 19 and later returns it; values that JSON numbers cannot express
/// are text, as in Java.
pub fn write_float<F: Into<f64> + Copy + fmt::Debug + fmt::LowerExp>(value: F, out: &mut Vec<u8>) {
    let wide: f64 = value.into();
    if wide.is_nan() {
        write_text("NaN", out);
    } else if wide.is_infinite() {
        write_text(if wide > 0.0 { "Infinity" } else { "-Infinity" }, out);
    } else if wide == 0.0 || (1e-3..1e7).contains(&wide.abs()) {
        out.extend_from_slice(format!("{value:?}").as_bytes());
    } else {
        let shortest = format!("{value:e}");
        // Java gives two digits at least, and then the nearest two: 4.9E-324, where 5E-324 would do.
        let digits = if shortest.contains('.') { shortest } else { format!("{value:.1e}") };
        out.extend_from_slice(digits.replace('e', "E").as_bytes());
    }
}

/// Returns what `BigDecimal.toString()` does for `unscaled` × 10^-`scale`.
pub fn decimal_text(unscaled: &impl fmt::Display, scale: i32) -> String {
    let unscaled = unscaled.to_string();
    let (sign, digits) = unscaled.split_at(usize::from(unscaled.starts_with('-')));
    let exponent = digits.len() as i64 - 1 - i64::from(scale);
    match usize::try_from(scale) {
        Ok(0) => unscaled,
        Ok(scale) if exponent >= -6 => {
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = padded.split_at(padded.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{point}{rest}E{exponent:+}")
        }
    }
}

/// Appends one UTF-16 unit as a `Character`: an escape, whatever it is.
pub fn write_char(unit: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\"\\u{unit:04x}\"").as_bytes());
}

/// Appends a string, escaped as by Java. One escape differs: a text that holds `\u0041` as six characters keeps them
/// for Java's reader, although Java's writer would leave its backslash bare.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let control;
        let (escape, len) = match byte {
            b'"' => ("\\\"", 1),
            b'\\' => ("\\\\", 1),
            b'\n' => ("\\n", 1),
            b'\r' => ("\\r", 1),
            b'\t' => ("\\t", 1),
            0x08 => ("\\b", 1),
            0x0C => ("\\f", 1),
            0x00..0x20 => {
                control = format!("\\u{byte:04x}");
                (&*control, 1)
            }
            // JavaScript's line ends.
            0xE2 if text[at..].starts_with('\u{2028}') => ("\\u2028", 3),
            0xE2 if text[at..].starts_with('\u{2029}') => ("\\u2029", 3),
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        out.extend_from_slice(escape.as_bytes());
        plain = at + len;
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_the_text_that_java_gives_it() {
        for (unscaled, scale, expected) in [
            (125, 2, "1.25"),
            (-5, 3, "-0.005"),
            (0, 0, "0"),
            (0, 2, "0.00"),
            (0, -3, "0E+3"),
            (1, -20, "1E+20"),
            (123, 10, "1.23E-8"),
            (123, 8, "0.00000123"),
            (-12345, -1, "-1.2345E+5"),
        ] {
            assert_eq!(decimal_text(&unscaled, scale), expected);
        }
    }
}
