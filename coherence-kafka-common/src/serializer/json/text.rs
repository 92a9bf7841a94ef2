//! JSON strings and numbers in the exact bytes of Java's writer, because a key is found by its bytes.

use std::fmt;
use std::io::Write as _;

/// Appends an integer.
pub fn write_integer(value: impl fmt::Display, out: &mut Vec<u8>) {
    // A vector takes any bytes.
    let _ = write!(out, "{value}");
}

/// Appends an `f32` or `f64` as `toString()` of JDK 19 and later returns it, the shortest text that stands for it, and of
/// two that are equally near the one whose last digit is even; values that JSON numbers cannot express
/// are text, as in Java.
pub fn write_float<F: Into<f64> + Copy + fmt::Debug + fmt::LowerExp>(value: F, out: &mut Vec<u8>) {
    let wide: f64 = value.into();
    if wide.is_nan() {
        write_text("NaN", out);
    } else if wide.is_infinite() {
        write_text(if wide > 0.0 { "Infinity" } else { "-Infinity" }, out);
    } else if wide == 0.0 || (1e-3..1e7).contains(&wide.abs()) {
        let shortest = format!("{value:?}");
        let digits = shortest.len() - shortest.find('.').map_or(shortest.len(), |point| point + 1);
        let is_tie = fraction_digits(wide) == Some(digits + 1);
        // Formatting to a number of digits takes the even one.
        let even = is_tie.then(|| format!("{value:.digits$?}")).filter(|even| is_text_of(even, value));
        out.extend_from_slice(even.unwrap_or(shortest).as_bytes());
    } else {
        let shortest = format!("{value:e}");
        let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
        // Java gives two digits at least, and then the nearest two: 4.9E-324, where 5E-324 would do.
        let digits = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let behind_point = digits as i64 - exponent.parse::<i64>().unwrap_or_default();
        let is_tie = fraction_digits(wide).is_some_and(|exact| exact as i64 == behind_point + 1);
        let other = match digits {
            0 => Some(format!("{value:.1e}")),
            _ => is_tie.then(|| format!("{value:.digits$e}")).filter(|even| is_text_of(even, value)),
        };
        out.extend_from_slice(other.unwrap_or(shortest).replace('e', "E").as_bytes());
    }
}

/// Returns true where `text` is nearer to `value` than to any other number of its type. At a power of two those below are
/// nearer than those above.
fn is_text_of<F: Into<f64>>(text: &str, value: F) -> bool {
    let read = match size_of::<F>() {
        4 => text.parse::<f32>().map(f64::from),
        _ => text.parse(),
    };
    read == Ok(value.into())
}

/// Returns how many digits behind the point a number has when all are written; nothing for an integer. If the shortest
/// text has one digit less, two texts are equally near, because the last digit of all is 5.
fn fraction_digits(value: f64) -> Option<usize> {
    const FRACTION_BITS: i32 = 52;
    let bits = value.to_bits();
    let exponent = (bits >> FRACTION_BITS & 0x7FF) as i32;
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    // Zero and numbers near to it are not normalized.
    let (fraction, exponent) =
        if exponent == 0 { (fraction, 1) } else { (fraction | 1 << FRACTION_BITS, exponent) };
    let halvings = 1023 + FRACTION_BITS - exponent - i32::try_from(fraction.trailing_zeros()).ok()?;
    usize::try_from(halvings).ok().filter(|halvings| fraction != 0 && *halvings > 0)
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

/// Appends an array, whose elements `write` appends. After an error `out` ends in a part of it.
pub fn write_list<T, E>(
    elements: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    out.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(element, out)?;
    }
    out.push(b']');
    Ok(())
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

    /// The texts of Java 25.
    #[test]
    fn a_float_between_two_texts_has_the_even_one() {
        let text = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            String::from_utf8(out).unwrap()
        };
        for (value, expected) in [
            ("4010842.25", "4010842.2"),
            ("4010842.75", "4010842.8"),
            ("3209185.25", "3209185.2"),
            ("262144.125", "262144.12"),
            ("262144.375", "262144.38"),
            ("1048576.25", "1048576.2"),
            ("32768.0625", "32768.062"),
            ("8388607.5", "8388607.5"),
            ("4096.03125", "4096.0312"),
            ("16777216.0", "1.6777216E7"),
            ("2097152.75", "2097152.8"),
            ("0.5", "0.5"),
        ] {
            let value: f32 = value.parse().unwrap();
            assert_eq!(text(&|out| write_float(value, out)), expected);
        }
        for (value, expected) in [
            ("1125899906842624.25", "1.1258999068426242E15"),
            ("1125899906842624.75", "1.1258999068426248E15"),
            ("2251799813685248.5", "2.2517998136852485E15"),
            ("140737488355328.125", "1.4073748835532812E14"),
            ("562949953421312.375", "5.629499534213124E14"),
            ("4503599627370497.5", "4.503599627370498E15"),
            ("5.960464477539063E-8", "5.960464477539063E-8"),
            ("281474976710656.0625", "2.8147497671065606E14"),
            ("8388608.25", "8388608.25"),
            ("0.3", "0.3"),
        ] {
            let value: f64 = value.parse().unwrap();
            assert_eq!(text(&|out| write_float(value, out)), expected);
        }
    }

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
