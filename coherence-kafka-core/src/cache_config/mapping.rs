//! Which scheme a cache has: its name, or the longest pattern that fits.

use std::collections::HashMap;
use std::sync::Arc;

use super::macros::Parameter;
use super::walk::{Known, Walk};
use super::xml::Element;

/// One `cache-mapping`.
pub(super) struct Mapping {
    /// A name, or its beginning followed by `*`.
    pub pattern: String,
    /// Where it stands.
    pub line: usize,
    pub scheme_name: String,
    /// The element with the name of the scheme.
    pub scheme: Arc<Element>,
    pub parameters: Vec<Parameter>,
}

impl Mapping {
    fn fits(&self, cache_name: &str) -> bool {
        self.pattern.strip_suffix('*').is_some_and(|prefix| cache_name.starts_with(prefix))
    }

    /// Returns a name that this mapping is for.
    pub(super) fn example(&self) -> String {
        self.pattern.replace('*', "x")
    }
}

/// The `caching-scheme-mapping` of a file.
#[derive(Default)]
pub(super) struct Mappings(Vec<Mapping>);

const MAPPING: Known = Known {
    strict: false,
    used: &["cache-name", "scheme-name", "init-params"],
    jvm: &["key-type", "value-type", "interceptors", "internal", "federated", "topologies"],
};
const PARAMETER: Known =
    Known { strict: false, used: &["param-name", "param-value"], jvm: &["param-type", "description"] };

impl Mappings {
    /// Reads every mapping; `walk` reports what is wrong with one.
    pub(super) fn read(element: &Element, walk: &mut Walk<'_>) -> Self {
        let mut mappings: Vec<Mapping> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        for child in walk.all(element, "cache-mapping", &["topic-mapping"]) {
            let children = walk.children(&child, &MAPPING);
            let pattern = walk.required(&child, children.get("cache-name"), "cache-name");
            let scheme_name = walk.required(&child, children.get("scheme-name"), "scheme-name");
            let parameters = children.get("init-params").map(|params| read_parameters(params, walk));
            let (Some(pattern), Some(scheme_name), Some(scheme)) =
                (pattern, scheme_name, children.get("scheme-name"))
            else {
                continue;
            };
            if pattern.trim_end_matches('*').contains('*') || pattern.ends_with("**") {
                walk.warn(
                    children.get("cache-name").unwrap_or(&child),
                    format!("{pattern} matches no cache: a * is possible only at the end"),
                );
            }
            if let Some(first) = lines.insert(pattern.clone(), child.line) {
                walk.error(
                    &child,
                    format!("{pattern} is already mapped in line {first}: remove one of the two"),
                );
                continue;
            }
            let line = children.get("cache-name").unwrap_or(&child).line;
            mappings.push(Mapping {
                pattern,
                line,
                scheme_name,
                scheme: Arc::clone(scheme),
                parameters: parameters.unwrap_or_default(),
            });
        }
        Mappings(mappings)
    }

    /// Returns the mapping of a cache: the one of its own name, else the longest pattern.
    pub(super) fn of(&self, cache_name: &str) -> Option<&Mapping> {
        let exact = self.0.iter().find(|mapping| mapping.pattern == cache_name);
        let pattern = || {
            let fitting = self.0.iter().filter(|mapping| mapping.fits(cache_name));
            fitting.max_by_key(|mapping| mapping.pattern.len())
        };
        exact.or_else(pattern)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.0.iter()
    }
}

fn read_parameters(params: &Arc<Element>, walk: &mut Walk<'_>) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for child in walk.all(params, "init-param", &[]) {
        let children = walk.children(&child, &PARAMETER);
        let name = walk.required(&child, children.get("param-name"), "param-name");
        let Some(value) = children.get("param-value") else {
            walk.error(&child, "has no <param-value>".to_owned());
            continue;
        };
        let Some(text) = walk.plain(value) else { continue };
        let Some(name) = name else { continue };
        if name == "cache-name" || parameters.iter().any(|parameter| parameter.name == name) {
            walk.error(&child, format!("the macro {{{name}}} already has a value"));
            continue;
        }
        parameters.push(Parameter { name, value: text, secret: value.secret });
    }
    parameters
}
