//! Macros in texts: `${property default}` of the system, `{parameter default}` of a cache.
//!
//! ```text
//! ${name}  ${name default}  ${name:-default}  ${name:+other}    once for the file; the default may hold ${…} again
//! {name}   {name default}   \{  \}                              for each cache anew
//! ```
//!
//! Unlike Java a system property that holds `${` is not read again, a macro without its closing brace is an error
//! and not a literal, and the default of a parameter ends at the brace of its own macro.

use std::fmt;

/// What a text may become; parameters that hold each other would grow without end.
const MAX_BYTES: usize = 64 << 10;
/// Defaults inside of defaults, and parameters that name parameters.
const MAX_DEPTH: usize = 8;
const MAX_MACROS: usize = 1_000;

/// Why a text cannot be evaluated. Holds names, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MacroError {
    /// A brace is opened and not closed.
    Unclosed,
    /// A macro without a name.
    Nameless,
    /// A brace inside of a macro.
    Nested,
    /// A parameter that the cache has not, and no default.
    Unknown(String),
    /// A parameter whose value needs itself.
    Cycle(String),
    /// Macros inside of macros, too many.
    TooDeep,
    /// Macros in a text, those in the values of its parameters counted, too many.
    TooMany,
    /// The text has become too long.
    TooLong,
    /// `${name:offset}`, a part of a value.
    Substring(String),
}

impl fmt::Display for MacroError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MacroError::Unclosed => {
                f.write_str("a macro is not closed: write {name}, {name default}, or \\{ for a brace")
            }
            MacroError::Nameless => f.write_str("a macro has no name: write {name} or {name default}"),
            MacroError::Nested => f.write_str("a brace is inside of a macro: write \\{ for a brace"),
            MacroError::Unknown(name) => write!(
                f,
                "the macro {{{name}}} has no value for this cache: name {name} in the init-params of its mapping, \
                 or write {{{name} default}}"
            ),
            MacroError::Cycle(name) => write!(f, "the value of the macro {{{name}}} needs itself"),
            MacroError::TooDeep => write!(f, "macros are nested more than {MAX_DEPTH} deep"),
            MacroError::TooMany => write!(f, "has more than {MAX_MACROS} macros"),
            MacroError::TooLong => write!(f, "becomes longer than {MAX_BYTES} bytes"),
            MacroError::Substring(name) => {
                write!(f, "${{{name}:…}} selects a part of a value, which is not possible here")
            }
        }
    }
}

/// Returns the text with its system properties replaced, and whether one of them is set.
pub(super) fn system(
    text: &str,
    property: &dyn Fn(&str) -> Option<String>,
) -> Result<(String, bool), MacroError> {
    let mut out = String::new();
    let mut set = false;
    expand(text, property, 0, &mut out, &mut set)?;
    Ok((out, set))
}

/// Returns an attribute of Coherence's that may be a property by itself: `{name}` or `{name default}`.
pub(super) fn attribute(text: &str, property: &dyn Fn(&str) -> Option<String>) -> Result<String, MacroError> {
    let (text, _) = system(text.trim(), property)?;
    let Some(body) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return Ok(text);
    };
    let (name, default) = body.trim().split_once(' ').unwrap_or((body.trim(), ""));
    Ok(property(name).unwrap_or_else(|| default.to_owned()).trim().to_owned())
}

fn expand(
    text: &str,
    property: &dyn Fn(&str) -> Option<String>,
    depth: usize,
    out: &mut String,
    set: &mut bool,
) -> Result<(), MacroError> {
    if depth > MAX_DEPTH {
        return Err(MacroError::TooDeep);
    }
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        push(out, &rest[..start])?;
        let body = &rest[start + 2..];
        let end = closing(body).ok_or(MacroError::Unclosed)?;
        one(&body[..end], property, depth, out, set)?;
        rest = &body[end + 1..];
    }
    push(out, rest)
}

/// Replaces one macro, without its braces.
fn one(
    body: &str,
    property: &dyn Fn(&str) -> Option<String>,
    depth: usize,
    out: &mut String,
    set: &mut bool,
) -> Result<(), MacroError> {
    let end = body.find([' ', ':']).unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    if name.is_empty() {
        return Err(MacroError::Nameless);
    }
    if name.contains("${") {
        return Err(MacroError::Nested);
    }
    let value = property(name);
    let mut known = |out: &mut String, value: &str| {
        *set = true;
        push(out, value)
    };
    if let Some(word) = rest.strip_prefix(":-") {
        match value.filter(|value| !value.is_empty()) {
            Some(value) => known(out, &value),
            None => expand(word, property, depth + 1, out, set),
        }
    } else if let Some(word) = rest.strip_prefix(":+") {
        match value.filter(|value| !value.is_empty()) {
            Some(_) => expand(word, property, depth + 1, out, set),
            None => Ok(()),
        }
    } else if rest.starts_with(':') {
        Err(MacroError::Substring(name.to_owned()))
    } else {
        match value {
            Some(value) => known(out, &value),
            // Java puts nothing in for a property that is not set and has no default.
            None => expand(rest.trim(), property, depth + 1, out, set),
        }
    }
}

/// Returns where the macro ends whose inside begins `body`.
fn closing(body: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut before = 0;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'{' if before == b'$' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
        before = byte;
    }
    None
}

fn push(out: &mut String, text: &str) -> Result<(), MacroError> {
    if out.len() + text.len() > MAX_BYTES {
        return Err(MacroError::TooLong);
    }
    out.push_str(text);
    Ok(())
}

/// One init-param of a mapping, as it stands in the file. Without `Debug`: its value may be a secret.
pub(super) struct Parameter {
    pub name: String,
    pub value: String,
    /// Whether a system property is part of the value.
    pub secret: bool,
}

/// What the macros of one cache may name: `cache-name`, and the init-params of its mapping.
#[derive(Clone, Copy)]
pub(super) struct Parameters<'a> {
    pub cache_name: &'a str,
    pub of_mapping: &'a [Parameter],
}

impl Parameters<'_> {
    /// Returns the text with the parameters replaced, and whether one of them is a secret.
    pub(super) fn evaluate(&self, text: &str) -> Result<(String, bool), MacroError> {
        let mut evaluation = Evaluation {
            parameters: self,
            out: String::new(),
            secret: false,
            inside: Vec::new(),
            left: MAX_MACROS,
        };
        evaluation.expand(text.trim())?;
        Ok((evaluation.out, evaluation.secret))
    }
}

struct Evaluation<'a> {
    parameters: &'a Parameters<'a>,
    out: String,
    secret: bool,
    /// The parameters whose values are being read, the outermost first.
    inside: Vec<&'a str>,
    /// How many macros may still be met: parameters that name each other multiply.
    left: usize,
}

impl<'a> Evaluation<'a> {
    fn expand(&mut self, mut text: &'a str) -> Result<(), MacroError> {
        while let Some(at) = text.find(['\\', '{']) {
            push(&mut self.out, &text[..at])?;
            let rest = &text[at..];
            if rest.starts_with("\\{") || rest.starts_with("\\}") {
                push(&mut self.out, &rest[1..2])?;
                text = &rest[2..];
            } else if let Some(after) = rest.strip_prefix('\\') {
                push(&mut self.out, "\\")?;
                text = after;
            } else {
                let end = rest.find('}').ok_or(MacroError::Unclosed)?;
                self.one(&rest[1..end])?;
                text = &rest[end + 1..];
            }
        }
        push(&mut self.out, text)
    }

    /// Replaces one macro, without its braces.
    fn one(&mut self, body: &'a str) -> Result<(), MacroError> {
        self.left = self.left.checked_sub(1).ok_or(MacroError::TooMany)?;
        if body.contains('{') {
            return Err(MacroError::Nested);
        }
        let (name, default) = match body.trim_start().split_once(' ') {
            Some((name, default)) => (name, Some(default.trim())),
            None => (body.trim(), None),
        };
        if name.is_empty() {
            return Err(MacroError::Nameless);
        }
        if name == "cache-name" {
            return push(&mut self.out, self.parameters.cache_name);
        }
        match self.parameters.of_mapping.iter().find(|parameter| parameter.name == name) {
            Some(_) if self.inside.contains(&name) => Err(MacroError::Cycle(name.to_owned())),
            Some(_) if self.inside.len() == MAX_DEPTH => Err(MacroError::TooDeep),
            Some(parameter) => {
                self.secret |= parameter.secret;
                self.inside.push(&parameter.name);
                self.expand(parameter.value.trim())?;
                self.inside.pop();
                Ok(())
            }
            None => push(&mut self.out, default.ok_or_else(|| MacroError::Unknown(name.to_owned()))?),
        }
    }
}

#[cfg(test)]
mod tests;
