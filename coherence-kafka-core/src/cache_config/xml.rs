//! From the bytes of a file to a tree of elements, within limits.
//!
//! System properties are put in here, once for the file, as Coherence does before it looks at any element.

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_connect::config::Finding;
use encoding_rs::{Encoding, UTF_8};
use roxmltree::{Document, Error, Node, ParsingOptions};

use super::macros::{self, MacroError};

/// Coherence's own default cache configuration has about 12 KiB.
pub(super) const MAX_FILE_BYTES: usize = 256 << 10;
const MAX_NODES: u32 = 50_000;
const MAX_DEPTH: usize = 64;
/// Every element keeps a list of the namespaces that it sees.
const MAX_NAMESPACES: usize = 64;

/// The namespace of `kafka:producer`, whatever its prefix.
pub(super) const KAFKA_NAMESPACE: &str = "class://com.oracle.coherence.kafka.KafkaNamespaceHandler";

/// The owner of the meaning of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Coherence's own schema, or none at all.
    Coherence,
    /// [`KAFKA_NAMESPACE`].
    Kafka,
    /// Another namespace handler, which is a Java class.
    Foreign,
}

/// One element. Without `Debug`: its text may be a secret.
pub(super) struct Element {
    pub space: Space,
    /// The name without prefix.
    pub name: String,
    /// The name as it is written in the file, with its prefix.
    pub shown: String,
    pub line: usize,
    /// Its own text without surrounding blanks, system properties put in; or why that is not possible.
    pub text: Result<String, MacroError>,
    /// Whether a system property is part of the text, which is a secret then.
    pub secret: bool,
    /// Its attribute `xml-override` as it is written, and what that comes to.
    pub xml_override: Option<(String, Result<String, MacroError>)>,
    pub children: Vec<Arc<Element>>,
}

impl Element {
    /// Returns the first child of Coherence's with this name.
    pub(super) fn child(&self, name: &str) -> Option<&Arc<Element>> {
        self.children.iter().find(|child| child.space == Space::Coherence && child.name == name)
    }

    /// Returns the element alone.
    pub(super) fn without_children(&self) -> Element {
        Element {
            space: self.space,
            name: self.name.clone(),
            shown: self.shown.clone(),
            line: self.line,
            text: self.text.clone(),
            secret: self.secret,
            xml_override: self.xml_override.clone(),
            children: Vec::new(),
        }
    }

    /// Returns whether this is `kafka:producer`.
    pub(super) fn is_producer(&self) -> bool {
        self.space == Space::Kafka && self.name == "producer"
    }
}

/// Parses the file. Returns its root, or why it cannot be parsed.
pub(super) fn parse(
    file: &str,
    bytes: &[u8],
    property: &dyn Fn(&str) -> Option<String>,
) -> Result<Arc<Element>, Finding> {
    let finding = |line: Option<usize>, message: String| Finding {
        origin: Some(line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))),
        key: String::new(),
        message,
    };
    if bytes.len() > MAX_FILE_BYTES {
        return Err(finding(None, format!("has more than {MAX_FILE_BYTES} bytes, which is the limit")));
    }
    let text = &*decoded(bytes).map_err(|why| finding(None, why))?;
    let lines = Lines::of(text);
    if text.matches("xmlns").count() > MAX_NAMESPACES {
        return Err(finding(
            None,
            format!("names xmlns more than {MAX_NAMESPACES} times, which is the limit"),
        ));
    }
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let (line, message) = explain(&error, text, &lines);
        finding(line, message)
    })?;
    let reader = Reader { lines, property };
    reader.element(document.root_element(), 1).map_err(|line| {
        finding(Some(line), format!("elements are nested deeper than {MAX_DEPTH}, which is the limit"))
    })
}

/// Returns the text of a file in the encoding of its byte order mark, or else in the one that it declares.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let (encoding, mark) = match (Encoding::for_bom(bytes), declared(bytes)) {
        (Some(marked), _) => marked,
        (None, None) => (UTF_8, 0),
        (None, Some(label)) => match Encoding::for_label(label) {
            Some(encoding) => (encoding, 0),
            None => {
                let label = String::from_utf8_lossy(label);
                return Err(format!("declares the encoding {label}, which is not known: write it in UTF-8"));
            }
        },
    };
    let text = bytes.get(mark..).unwrap_or_default();
    if encoding == UTF_8 {
        let bad = |error: std::str::Utf8Error| format!("is not UTF-8 at byte {}", mark + error.valid_up_to());
        return std::str::from_utf8(text).map(Cow::Borrowed).map_err(bad);
    }
    let text = encoding.decode_without_bom_handling_and_without_replacement(text);
    text.ok_or_else(|| format!("is not {}, which is its encoding", encoding.name()))
}

/// Returns the encoding in the declaration of a file that begins with one.
fn declared(bytes: &[u8]) -> Option<&[u8]> {
    let declaration = bytes.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|two| two == b"?>")?;
    let declaration = &declaration[..end];
    let name = b"encoding";
    let at = declaration.windows(name.len()).position(|word| word == name)? + name.len();
    let value = declaration[at..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    value.split(|byte| byte == quote).next()
}

/// Returns the line of an error, if known, and the error without any text of the file that may be a secret.
fn explain(error: &Error, text: &str, lines: &Lines) -> (Option<usize>, String) {
    let line = Some(error.pos().row as usize);
    match error {
        Error::DtdDetected => (
            text.find("<!DOCTYPE").map(|at| lines.line(at)),
            "a document type declaration is not read, and its entities are not: remove <!DOCTYPE …>"
                .to_owned(),
        ),
        Error::UnknownEntityReference(..) | Error::MalformedEntityReference(_) => {
            (line, "is not XML: write &amp; for an ampersand".to_owned())
        }
        Error::UnknownNamespace(prefix, _) => (
            line,
            format!(
                "the prefix {prefix} is bound to nothing: write xmlns:{prefix}=\"…\" into <cache-config>"
            ),
        ),
        Error::NodesLimitReached => {
            (None, format!("has more than {MAX_NODES} elements and texts, which is the limit"))
        }
        Error::NoRootNode | Error::UnexpectedEndOfStream => {
            (None, "is not XML: it ends before its root element does".to_owned())
        }
        Error::UnclosedRootNode => (None, "is not XML: its root element is never closed".to_owned()),
        other => {
            let message = other.to_string();
            let message = message.split(" at ").next().unwrap_or_default();
            (line, format!("is not XML: {message}"))
        }
    }
}

struct Reader<'a> {
    lines: Lines,
    property: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    /// Returns the element with all that is in it, or the line where it is nested too deep.
    fn element(&self, node: Node<'_, '_>, depth: usize) -> Result<Arc<Element>, usize> {
        let line = self.lines.line(node.range().start);
        if depth > MAX_DEPTH {
            return Err(line);
        }
        let tag = node.tag_name();
        let space = match tag.namespace() {
            Some(KAFKA_NAMESPACE) => Space::Kafka,
            Some(other) if other.starts_with("class://") => Space::Foreign,
            _ => Space::Coherence,
        };
        let prefix = tag.namespace().and_then(|uri| node.lookup_prefix(uri)).unwrap_or_default();
        let shown =
            if prefix.is_empty() { tag.name().to_owned() } else { format!("{prefix}:{}", tag.name()) };
        let own: String =
            node.children().filter(Node::is_text).filter_map(|text| text.text()).collect::<String>();
        // As in Java: the property, where it is set, stands for the whole text, and may hold macros itself.
        let set = node.attribute("system-property").and_then(|name| (self.property)(name.trim()));
        let annotated = set.is_some();
        let text = macros::system(set.as_deref().unwrap_or(&own).trim(), self.property);
        let secret = annotated || matches!(text, Ok((_, true)));
        let children = node
            .children()
            .filter(Node::is_element)
            .map(|child| self.element(child, depth + 1))
            .collect::<Result<_, _>>()?;
        Ok(Arc::new(Element {
            space,
            name: tag.name().to_owned(),
            shown,
            line,
            text: text.map(|(text, _)| text),
            secret,
            xml_override: node
                .attribute("xml-override")
                .map(|written| (written.to_owned(), macros::attribute(written, self.property))),
            children,
        }))
    }
}

/// Where each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Lines(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Returns the line of a byte, counted from 1.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}
