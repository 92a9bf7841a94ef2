//! From the bytes of a file to a tree of elements, within limits.
//!
//! System properties are put in here, once for the file, as Coherence does before it looks at any element.

use std::sync::Arc;

use coherence_kafka_connect::config::Finding;
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

/// Who gives an element its meaning.
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
    /// Whether `xml-override` is among its attributes.
    pub overridden: bool,
    pub children: Vec<Arc<Element>>,
}

impl Element {
    /// The first child of Coherence's with this name.
    pub fn child(&self, name: &str) -> Option<&Arc<Element>> {
        self.children.iter().find(|child| child.space == Space::Coherence && child.name == name)
    }

    /// The element alone.
    pub fn without_children(&self) -> Element {
        Element {
            space: self.space,
            name: self.name.clone(),
            shown: self.shown.clone(),
            line: self.line,
            text: self.text.clone(),
            secret: self.secret,
            overridden: self.overridden,
            children: Vec::new(),
        }
    }

    /// Whether this is `kafka:producer`.
    pub fn is_producer(&self) -> bool {
        self.space == Space::Kafka && self.name == "producer"
    }
}

/// The root of the file, or why there is none.
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
    let text = std::str::from_utf8(bytes)
        .map_err(|error| finding(None, format!("is not UTF-8 at byte {}", error.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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

/// The line of an error where there is one, and the error without any text of the file that may be a secret.
fn explain(error: &Error, text: &str, lines: &Lines) -> (Option<usize>, String) {
    let line = Some(error.pos().row as usize);
    match error {
        Error::DtdDetected => (
            text.find("<!DOCTYPE").map(|at| lines.line(at)),
            "a document type declaration is not read, and its entities are not: remove <!DOCTYPE …>"
                .to_owned(),
        ),
        Error::UnknownEntityReference(..) | Error::MalformedEntityReference(_) => {
            (line, "is no XML: write &amp; for an ampersand".to_owned())
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
            (None, "is no XML: it ends before its root element does".to_owned())
        }
        Error::UnclosedRootNode => (None, "is no XML: its root element is never closed".to_owned()),
        other => {
            let message = other.to_string();
            let message = message.split(" at ").next().unwrap_or_default();
            (line, format!("is no XML: {message}"))
        }
    }
}

struct Reader<'a> {
    lines: Lines,
    property: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    /// The element with all that is in it, or the line where it is nested too deep.
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
            overridden: node.has_attribute("xml-override"),
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

    /// The line of a byte, counted from 1.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}
