//! The user's `coherence-cache-config.xml`: which topic the changes of a cache go to, and how.
//!
//! Owns: reading the file, its macros, its mappings and schemes, and telling all that is wrong with them. Never does:
//! opening maps or producers, which is [`crate::cache_factory`]'s.
//!
//! ```text
//! xml.rs       bytes → elements, within limits          macros.rs    {cache-name}, ${system.property}
//! mapping.rs   cache name → scheme, init-params          schemes.rs   scheme names, scheme-ref
//! walk.rs      known, ignored, refused                    known.rs     the elements of Coherence's schema
//! evaluate.rs  the scheme of one cache → CacheScheme     value.rs     10s, 500ms, true, 128
//! ```
//!
//! The macros of a cache are put in for that cache alone; in the Java original they keep the values of the first cache
//! of their scheme.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::Format;
use coherence_kafka_common::nearest::nearest;
use coherence_kafka_connect::config::{ConfigErrors, Finding, Properties};

use crate::read_write_backing_map::ReadWriteOptions;

mod evaluate;
mod known;
mod macros;
mod mapping;
mod schemes;
mod value;
mod walk;
mod xml;

use evaluate::Evaluation;
use macros::{MacroError, Parameters};
use mapping::{Mapping, Mappings};
use schemes::Schemes;
use walk::{Ignored, Walk};
use xml::{Element, Space};

/// The scheme of one cache, with its macros replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheScheme {
    /// The name of the cache.
    pub cache_name: String,
    /// The name of the scheme that it is mapped to.
    pub scheme_name: String,
    /// The serializer of the scheme or of the file's defaults; `None` where the file leaves it to the session.
    pub serializer: Option<Format>,
    /// When entries expire that are written without a time of their own; `None` is never.
    pub expiry_delay: Option<Duration>,
    /// Where its changes go; `None` where the map has no store, or one that is read-only.
    pub store: Option<StoreScheme>,
    /// Where its scheme stands if that is a `federated-scheme`: changes that come from other clusters are seen by the grid
    /// alone.
    pub federated: Option<String>,
}

/// A `read-write-backing-map-scheme` whose store is `kafka:producer`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreScheme {
    /// The children of `kafka:producer`, dashes as dots, `topic.name` always among them; each knows its line.
    pub properties: Properties,
    /// The elements around it, and `publish-expirations` where that is among its children.
    pub options: ReadWriteOptions,
}

/// A cache configuration file, read and checked.
pub struct CacheConfig {
    file: String,
    mappings: Mappings,
    schemes: Schemes,
    /// The serializer among the `defaults`.
    serializer: Option<Arc<Element>>,
    /// The system property `coherence.kafka.passthrough`.
    passthrough: Option<String>,
    notes: Vec<Finding>,
}

impl CacheConfig {
    /// Reads and checks a file; `property` returns the value of a system property of Java.
    ///
    /// # Errors
    /// As [`CacheConfig::parse`], and where the file cannot be read.
    pub fn from_file(path: &Path, property: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let file = path.display().to_string();
        let mut bytes = Vec::new();
        // One byte more than permitted shows that the file is too large.
        let limit = xml::MAX_FILE_BYTES as u64 + 1;
        match File::open(path).and_then(|open| open.take(limit).read_to_end(&mut bytes)) {
            Ok(_) => Self::parse(&file, &bytes, property),
            Err(error) => Err(refused(finding(&file, "", format!("cannot be read: {error}")))),
        }
    }

    /// Reads and checks the bytes of the file named `file`.
    ///
    /// Every mapping to a scheme with `kafka:producer` is checked whole, a pattern as for a cache of a made-up name.
    /// Other schemes are a Java member's, and are checked when one of their caches is asked for.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line and element.
    pub fn parse(
        file: &str,
        bytes: &[u8],
        property: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigErrors> {
        let root = xml::parse(file, bytes, &property).map_err(refused)?;
        let mut walk = Walk::new(file, None);
        if root.space != Space::Coherence || root.name != "cache-config" {
            walk.error(
                &root,
                "is not a cache configuration: expected the root element <cache-config>".to_owned(),
            );
            return Err(walk.findings);
        }
        if let Some((written, name)) = &root.xml_override {
            look_for_override(&mut walk, &root, written, name);
        }
        let children = walk.children(&root, &known::ROOT);
        let defaults = children.get("defaults").map(|defaults| walk.children(defaults, &known::DEFAULTS));
        let schemes = match children.get("caching-schemes") {
            Some(schemes) => Schemes::read(schemes, &mut walk),
            None => Schemes::default(),
        };
        let mappings = match children.get("caching-scheme-mapping") {
            Some(mappings) => Mappings::read(mappings, &mut walk),
            None => {
                walk.error(&root, "has no <caching-scheme-mapping>, which lists the caches".to_owned());
                Mappings::default()
            }
        };
        let Walk { mut findings, mut ignored, .. } = walk;
        let mut config = CacheConfig {
            file: file.to_owned(),
            mappings,
            schemes,
            serializer: defaults.and_then(|defaults| defaults.get("serializer").cloned()),
            passthrough: property("coherence.kafka.passthrough"),
            notes: Vec::new(),
        };
        for mapping in config.mappings.iter() {
            let mut walk = Walk::new(file, None);
            match config.schemes.get(&mapping.scheme_name) {
                None => walk.error(&mapping.scheme, config.schemes.missing(&mapping.scheme_name)),
                Some(scheme) if config.leads_to_producer(scheme) => {
                    let name = mapping.example();
                    walk = config.evaluate(&name, mapping, scheme).0;
                    ignored.extend(walk.ignored);
                    add_new(&mut findings.warnings, walk.findings.warnings);
                    // A scheme that cannot be opened here does not affect other caches.
                    let errors = if walk.impossible { &mut findings.warnings } else { &mut findings.errors };
                    add_new(errors, walk.findings.errors);
                    continue;
                }
                Some(_) => {}
            }
            add_new(&mut findings.errors, walk.findings.errors);
        }
        if !findings.errors.is_empty() {
            return Err(findings);
        }
        config.notes = findings.warnings;
        config.notes.extend(ignored_notes(file, &ignored));
        Ok(config)
    }

    /// Returns the notes that are not errors: one for each reason lists every element that is ignored.
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }

    /// Returns the scheme of a cache.
    ///
    /// # Errors
    /// Where no mapping is for it, and everything that is wrong with its scheme, each with its line and element.
    pub fn cache(&self, cache_name: &str) -> Result<CacheScheme, ConfigErrors> {
        let Some(mapping) = self.mappings.of(cache_name) else {
            let mean = nearest(cache_name, self.mappings.iter().map(|mapping| mapping.pattern.as_str()));
            let mean = mean.map(|known| format!(", did you mean {known}?")).unwrap_or_default();
            let message = format!("no mapping matches cache {cache_name}{mean}");
            return Err(refused(finding(&self.file, "<caching-scheme-mapping>", message)));
        };
        let Some(scheme) = self.schemes.get(&mapping.scheme_name) else {
            let message = self.schemes.missing(&mapping.scheme_name);
            return Err(refused(finding(&self.file, "<caching-schemes>", message)));
        };
        let (walk, scheme) = self.evaluate(cache_name, mapping, scheme);
        if walk.findings.errors.is_empty() { Ok(scheme) } else { Err(walk.findings) }
    }

    /// Returns the name that the file was read by.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the caches that have a store, as they are mapped: each a name, or its beginning followed by `*`, and
    /// where it stands.
    pub fn stored(&self) -> impl Iterator<Item = (&str, String)> {
        let stored = self.mappings.iter().filter(|mapping| self.store(mapping).is_some());
        stored.map(|mapping| (mapping.pattern.as_str(), format!("{}:{}", self.file, mapping.line)))
    }

    /// Returns the store of every mapping that has one, for a pattern that of a cache of a made-up name.
    pub(crate) fn stores(&self) -> impl Iterator<Item = StoreScheme> {
        self.mappings.iter().filter_map(|mapping| self.store(mapping))
    }

    fn store(&self, mapping: &Mapping) -> Option<StoreScheme> {
        let scheme = self.schemes.get(&mapping.scheme_name)?;
        self.evaluate(&mapping.example(), mapping, scheme).1.store
    }

    fn evaluate<'a>(
        &'a self,
        cache_name: &'a str,
        mapping: &'a Mapping,
        scheme: &Arc<Element>,
    ) -> (Walk<'a>, CacheScheme) {
        let parameters = Parameters { cache_name, of_mapping: &mapping.parameters };
        let mut walk = Walk::new(&self.file, Some(parameters));
        let mut evaluation = Evaluation::new(&self.schemes, self.passthrough.as_deref(), &mut walk);
        evaluation.scheme(scheme, false);
        if let (None, Some(serializer)) = (evaluation.result.serializer, &self.serializer) {
            evaluation.serializer(serializer);
        }
        let result = evaluation.result;
        let scheme = CacheScheme {
            cache_name: cache_name.to_owned(),
            scheme_name: mapping.scheme_name.clone(),
            serializer: result.serializer,
            expiry_delay: result.expiry_delay,
            store: result.store,
            federated: result.federated,
        };
        (walk, scheme)
    }

    /// Returns whether a scheme, or one that it refers to, holds `kafka:producer`.
    fn leads_to_producer(&self, scheme: &Element) -> bool {
        let mut seen = HashSet::new();
        let mut next = vec![scheme];
        while let Some(element) = next.pop() {
            if element.is_producer() {
                return true;
            }
            if !seen.insert(std::ptr::from_ref(element)) {
                continue;
            }
            next.extend(element.children.iter().map(|child| &**child));
            if let (true, Ok(name)) = (element.name == "scheme-ref", &element.text) {
                next.extend(self.schemes.get(name).map(|scheme| &**scheme));
            }
        }
        false
    }
}

impl fmt::Debug for CacheConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheConfig").field("file", &self.file).finish_non_exhaustive()
    }
}

/// As [`in_variables`], from the environment of the process.
pub(crate) fn environment(name: &str) -> Option<String> {
    in_variables(name, |variable| std::env::var(variable).ok())
}

/// Returns a system property of Java from variables: the one of the same name, else the one in upper case with
/// underscores for dots, as `COHERENCE_KAFKA_PASSTHROUGH` for `coherence.kafka.passthrough`.
pub fn in_variables(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    variable(name).or_else(|| variable(&name.to_uppercase().replace(['.', '-'], "_")))
}

fn refused(error: Finding) -> ConfigErrors {
    ConfigErrors { errors: vec![error], warnings: Vec::new() }
}

fn finding(file: &str, key: &str, message: String) -> Finding {
    Finding { origin: Some(file.to_owned()), key: key.to_owned(), message }
}

/// Caches of one scheme share what is wrong with it.
fn add_new(known: &mut Vec<Finding>, found: Vec<Finding>) {
    for finding in found {
        if !known.contains(&finding) {
            known.push(finding);
        }
    }
}

/// An override that does not exist changes nothing. An existing one is not followed, and not ignored either: it is an
/// error.
fn look_for_override(walk: &mut Walk<'_>, root: &Element, written: &str, name: &Result<String, MacroError>) {
    let name = match name {
        Ok(name) if name.is_empty() => return,
        Ok(name) => name,
        Err(why) => return walk.error(root, format!("xml-override: {why}")),
    };
    let path = Path::new(name.strip_prefix("file:").unwrap_or(name));
    let beside = Path::new(walk.file).parent().unwrap_or(Path::new("")).join(path);
    if name.contains("://") || path.exists() || beside.exists() {
        let message =
            format!("xml-override=\"{written}\" is not followed: copy what it changes into this file");
        return walk.error(root, message);
    }
    let message = format!(
        "xml-override=\"{written}\" names a file that does not exist, so it changes nothing: copy what a Java member \
         finds on its class path into this file"
    );
    walk.warn(root, message);
}

/// Returns one note for each reason.
fn ignored_notes(file: &str, ignored: &[(Ignored, usize, String)]) -> Vec<Finding> {
    let mut kinds: BTreeMap<Ignored, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (why, line, name) in ignored {
        let lines = kinds.entry(*why).or_default().entry(name).or_default();
        if !lines.contains(line) {
            lines.push(*line);
        }
    }
    let list = |lines: &[usize]| lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let note = |(why, lines): (Ignored, BTreeMap<&str, Vec<usize>>)| {
        let names: Vec<_> = lines.iter().map(|(name, lines)| format!("<{name}> ({})", list(lines))).collect();
        let because = match why {
            Ignored::Jvm => "they concern only a JVM",
            Ignored::Foreign => "Java classes handle their namespaces",
            Ignored::Unknown => "they are not known here",
        };
        let message = format!("ignored, because {because} (with their lines): {}", names.join(", "));
        finding(file, "", message)
    };
    kinds.into_iter().map(note).collect()
}

#[cfg(test)]
mod tests;
