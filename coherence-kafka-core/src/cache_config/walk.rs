//! Going down the elements of a file: what is known, what concerns a JVM alone, what is wrong.

use std::collections::HashMap;
use std::sync::Arc;

use coherence_kafka_common::nearest::nearest;
use coherence_kafka_connect::config::def::HIDDEN;
use coherence_kafka_connect::config::{ConfigErrors, Finding};

use super::macros::Parameters;
use super::xml::{Element, Space};

/// The children that an element may have.
pub(super) struct Known {
    /// Whether anything else is refused, because it may concern a store. Elsewhere only what looks like a slip is.
    pub strict: bool,
    /// Those that mean something here; each at most once.
    pub used: &'static [&'static str],
    /// Those that concern only a JVM: where its memory, threads and services are.
    pub jvm: &'static [&'static str],
}

/// The children of one element that mean something here, by name.
pub(super) struct Children(HashMap<&'static str, Arc<Element>>);

impl Children {
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Element>> {
        self.0.get(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why an element is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ignored {
    /// It concerns only a JVM.
    Jvm,
    /// A Java class handles its namespace.
    Foreign,
    /// It is of another version of Coherence, or a slip.
    Unknown,
}

/// One way through a file, for one cache or for all.
pub(super) struct Walk<'a> {
    pub file: &'a str,
    /// What macros may name; `None` where Coherence puts none in.
    pub parameters: Option<Parameters<'a>>,
    pub findings: ConfigErrors,
    /// What was passed over, by its line and name as they are written.
    pub ignored: Vec<(Ignored, usize, String)>,
    /// The scheme is of a kind that no cache can have here.
    pub impossible: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a str, parameters: Option<Parameters<'a>>) -> Self {
        Walk { file, parameters, findings: ConfigErrors::default(), ignored: Vec::new(), impossible: false }
    }

    pub(super) fn origin(&self, element: &Element) -> String {
        format!("{}:{}", self.file, element.line)
    }

    pub(super) fn error(&mut self, element: &Element, message: String) {
        let finding = self.finding(element, message);
        self.findings.errors.push(finding);
    }

    pub(super) fn warn(&mut self, element: &Element, message: String) {
        let finding = self.finding(element, message);
        self.findings.warnings.push(finding);
    }

    fn finding(&self, element: &Element, message: String) -> Finding {
        Finding { origin: Some(self.origin(element)), key: format!("<{}>", element.shown), message }
    }

    /// Notes an element that is passed over.
    pub(super) fn ignore(&mut self, why: Ignored, element: &Element) {
        let known = (why, element.line, element.shown.clone());
        if !self.ignored.contains(&known) {
            self.ignored.push(known);
        }
    }

    /// Returns the children by name, each once.
    pub(super) fn children(&mut self, parent: &Element, known: &Known) -> Children {
        let mut found: HashMap<&'static str, Arc<Element>> = HashMap::new();
        for child in &parent.children {
            if child.space != Space::Coherence {
                self.stranger(parent, child, known.strict);
            } else if let Some(name) = known.used.iter().find(|name| **name == child.name) {
                match found.get(name) {
                    Some(first) => {
                        let first = first.line;
                        self.error(child, format!("is already in line {first}: remove one of the two"));
                    }
                    None => {
                        found.insert(*name, Arc::clone(child));
                    }
                }
            } else if known.jvm.contains(&child.name.as_str()) {
                self.ignore(Ignored::Jvm, child);
            } else if known.strict {
                self.unknown(parent, child, known.used.iter().chain(known.jvm).copied(), true);
            } else {
                self.unknown(parent, child, known.used.iter().copied(), false);
            }
        }
        Children(found)
    }

    /// Returns every child of one name; any other is ignored, unless it looks like a misspelled one.
    pub(super) fn all(&mut self, parent: &Element, name: &str, jvm: &[&str]) -> Vec<Arc<Element>> {
        let mut found = Vec::new();
        for child in &parent.children {
            if child.space != Space::Coherence {
                self.stranger(parent, child, false);
            } else if child.name == name {
                found.push(Arc::clone(child));
            } else if jvm.contains(&child.name.as_str()) {
                self.ignore(Ignored::Jvm, child);
            } else {
                self.unknown(parent, child, [name], false);
            }
        }
        found
    }

    fn stranger(&mut self, parent: &Element, child: &Element, strict: bool) {
        let why = match child.space {
            Space::Kafka => format!("is not possible in <{}>: move it into <class-scheme>", parent.shown),
            _ if strict => {
                "is read by a Java class, the handler of its namespace, which cannot be loaded here"
                    .to_owned()
            }
            _ => return self.ignore(Ignored::Foreign, child),
        };
        self.error(child, why);
    }

    /// Refuses an element that is not known where it stands, or passes it over.
    fn unknown<'n>(
        &mut self,
        parent: &Element,
        child: &Element,
        known: impl IntoIterator<Item = &'n str>,
        strict: bool,
    ) {
        let mean = nearest(&child.name, known).filter(|known| *known != child.name);
        if !strict && mean.is_none() {
            return self.ignore(Ignored::Unknown, child);
        }
        let mean = mean.map(|known| format!(", did you mean <{known}>?")).unwrap_or_default();
        self.error(child, format!("is not known in <{}>{mean}", parent.shown));
    }

    /// Returns the text of an element, system properties put in, nothing else.
    pub(super) fn plain(&mut self, element: &Element) -> Option<String> {
        match &element.text {
            Ok(text) => Some(text.clone()),
            Err(why) => {
                self.error(element, why.to_string());
                None
            }
        }
    }

    /// Returns the text of an element that must be there and must not be empty.
    pub(super) fn required(
        &mut self,
        parent: &Element,
        element: Option<&Arc<Element>>,
        name: &str,
    ) -> Option<String> {
        let Some(element) = element else {
            self.error(parent, format!("has no <{name}>"));
            return None;
        };
        let text = self.plain(element)?;
        if text.is_empty() {
            self.error(element, "is empty".to_owned());
            return None;
        }
        Some(text)
    }

    /// Returns the text of an element with all its macros replaced, and whether it is a secret.
    pub(super) fn text(&mut self, element: &Element) -> Option<(String, bool)> {
        let text = self.plain(element)?;
        let Some(parameters) = &self.parameters else { return Some((text, element.secret)) };
        match parameters.evaluate(&text) {
            Ok((text, secret)) => Some((text, secret || element.secret)),
            Err(why) => {
                self.error(element, why.to_string());
                None
            }
        }
    }

    /// Returns the value of an element, or `default` where it is missing or refused, which is reported.
    pub(super) fn value<T>(
        &mut self,
        element: Option<&Arc<Element>>,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> T {
        let Some(element) = element else { return default };
        let Some((text, secret)) = self.text(element) else { return default };
        match parse(&text) {
            Ok(value) => value,
            Err(expected) => {
                let shown = if secret { HIDDEN } else { &text };
                self.error(element, format!("{shown} is not {expected}"));
                default
            }
        }
    }
}
