//! The children of `kafka:producer`, as properties of an entry store.

use std::sync::Arc;

use coherence_kafka_common::nearest::nearest;
use coherence_kafka_connect::config::{Properties, Property};

use super::super::value;
use super::super::xml::Element;
use super::{ENTRY_STORE, Evaluation};
use crate::read_write_backing_map::PublishExpirations;

impl Evaluation<'_, '_> {
    /// Reads a producer. As in Java only the names of the children count, and every dash becomes a dot.
    pub(super) fn producer(&mut self, producer: &Arc<Element>) -> Option<(Properties, PublishExpirations)> {
        const OWN: [&str; 4] = ["topic-name", "passthrough", "entry-store-class-name", "publish-expirations"];
        let mut properties: Vec<Property> = Vec::new();
        let mut refused = false;
        for child in &producer.children {
            let key = child.name.replace('-', ".");
            if !child.children.is_empty() {
                self.walk.error(child, "holds elements: a property of a producer is text".to_owned());
                refused = true;
            }
            let Some((text, secret)) = self.walk.text(child) else {
                refused = true;
                continue;
            };
            let origin = self.walk.origin(child);
            if let Some(first) = properties.iter().find(|property| property.key == key) {
                let message = format!("{key} is set in {} already: remove one of the two", first.origin);
                self.walk.error(child, message);
                continue;
            }
            if OWN.contains(&child.name.as_str()) && text.is_empty() {
                self.walk.error(child, "is empty".to_owned());
            }
            let mut property = Property::new(key, text, origin);
            property.secret |= secret;
            properties.push(property);
        }
        let has = |name: &str| producer.children.iter().any(|child| child.name == name);
        if !has("topic-name") {
            let slip = producer.children.iter().find(|child| nearest(&child.name, OWN) == Some("topic-name"));
            let message = "has no topic-name, the topic of its records: {cache-name} is the usual value";
            match slip {
                Some(child) => self.walk.error(child, "did you mean topic-name?".to_owned()),
                None => self.walk.error(producer, message.to_owned()),
            }
            refused = true;
        }
        let at = properties.iter().position(|property| property.key == "entry.store.class.name");
        if let Some(class) = at.map(|at| properties.remove(at)).filter(|class| class.value != ENTRY_STORE) {
            let element = producer.children.iter().find(|child| child.name == "entry-store-class-name");
            let message = format!(
                "{} is a Java class, which cannot be loaded here: only {ENTRY_STORE} is possible",
                class.shown()
            );
            self.walk.error(element.unwrap_or(producer), message);
        }
        properties.retain(|property| property.key != "publish.expirations");
        let publish = producer.children.iter().find(|child| child.name == "publish-expirations");
        let publish = self.walk.value(publish, PublishExpirations::default(), value::expirations);
        self.passthrough(producer, &mut properties);
        (!refused).then(|| (properties.into_iter().collect(), publish))
    }

    /// Reads `passthrough`; where it is not written, the system property decides.
    fn passthrough(&mut self, producer: &Arc<Element>, properties: &mut Vec<Property>) {
        let written = producer.children.iter().find(|child| child.name == "passthrough");
        match (written, self.passthrough) {
            (Some(element), _) => {
                self.walk.value(Some(element), false, value::truth);
            }
            (None, Some(text)) => match value::truth(text.trim()) {
                Ok(_) => {
                    properties.push(Property::new("passthrough", text.trim(), "coherence.kafka.passthrough"))
                }
                Err(expected) => {
                    let message =
                        format!("the system property coherence.kafka.passthrough is not {expected}");
                    self.walk.error(producer, message);
                }
            },
            (None, None) => {}
        }
    }
}
