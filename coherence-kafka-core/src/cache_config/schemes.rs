//! The schemes of a file, by name, and what `scheme-ref` makes of them.

use std::collections::HashMap;
use std::sync::Arc;

use coherence_kafka_common::nearest::nearest;

use super::walk::Walk;
use super::xml::{Element, Space};

/// The `caching-schemes` of a file.
#[derive(Default)]
pub(super) struct Schemes {
    by_name: HashMap<String, Arc<Element>>,
}

impl Schemes {
    /// Collects every scheme that has a name; two with one name are an error.
    pub(super) fn read(element: &Element, walk: &mut Walk<'_>) -> Self {
        let mut by_name: HashMap<String, Arc<Element>> = HashMap::new();
        for scheme in &element.children {
            // No element refers to schemes without a name, such as that of a proxy.
            let Some(name) = scheme.child("scheme-name") else { continue };
            let Some(text) = walk.required(scheme, Some(name), "scheme-name") else { continue };
            match by_name.get(&text) {
                Some(first) => {
                    let message = format!("{text} is already the name of the scheme in line {}", first.line);
                    walk.error(name, message);
                }
                None => {
                    by_name.insert(text, Arc::clone(scheme));
                }
            }
        }
        Schemes { by_name }
    }

    /// Returns the scheme of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Element>> {
        self.by_name.get(name)
    }

    /// Returns the error for a name that no scheme has.
    pub(super) fn missing(&self, name: &str) -> String {
        let mean = nearest(name, self.by_name.keys().map(String::as_str));
        let mean = mean.map(|known| format!(", did you mean {known}?")).unwrap_or_default();
        format!("no scheme in <caching-schemes> has the name {name}{mean}")
    }

    /// Returns the element merged with the schemes that it refers to, one after the other: of each the children whose
    /// names it does not have. `None` after an error, which is reported.
    pub(super) fn resolve(&self, element: &Arc<Element>, walk: &mut Walk<'_>) -> Option<Arc<Element>> {
        let Some(mut reference) = element.child("scheme-ref").cloned() else {
            return Some(Arc::clone(element));
        };
        let mut children = element.children.clone();
        let mut seen = vec![Arc::as_ptr(element)];
        loop {
            children.retain(|child| !is_reference(child));
            let name = walk.required(element, Some(&reference), "scheme-ref")?;
            let Some(scheme) = self.get(&name) else {
                walk.error(&reference, self.missing(&name));
                return None;
            };
            if seen.contains(&Arc::as_ptr(scheme)) {
                walk.error(&reference, format!("{name} refers to itself, directly or through other schemes"));
                return None;
            }
            if (scheme.space, &scheme.name) != (element.space, &element.name) {
                let message = format!(
                    "{name} in line {} is a <{}>: only another <{}> can be referred to from here",
                    scheme.line, scheme.shown, element.shown
                );
                walk.error(&reference, message);
                return None;
            }
            seen.push(Arc::as_ptr(scheme));
            let own = children.len();
            for child in &scheme.children {
                let same = |own: &Arc<Element>| (own.space, &own.name) == (child.space, &child.name);
                if !children[..own].iter().any(same) {
                    children.push(Arc::clone(child));
                }
            }
            match scheme.child("scheme-ref") {
                Some(next) => reference = Arc::clone(next),
                None => break,
            }
        }
        Some(Arc::new(Element { children, ..element.without_children() }))
    }
}

fn is_reference(element: &Element) -> bool {
    element.space == Space::Coherence && element.name == "scheme-ref"
}
