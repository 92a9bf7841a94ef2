//! Which map a topic goes to: by an item of `coherence.cache.mappings`, else by the first of `coherence.cache.rules` that
//! matches, else by `coherence.cache.name.format`.

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_connect::transform::Rename;

use super::mappings::{Mappings, has_wildcard};

/// Stands for the topic in `coherence.cache.name.format`.
pub(crate) const TOPIC: &str = "${topic}";

/// The names of a connector's maps.
#[derive(Debug, Clone, Default)]
pub struct MapNames {
    /// `coherence.cache.mappings`.
    pub(crate) mappings: Mappings,
    /// `coherence.cache.rules`, in their order.
    pub(crate) rules: Vec<Rule>,
    /// `coherence.cache.name.format`, where it is another one than `${topic}`.
    pub(crate) format: Option<String>,
}

/// One of `coherence.cache.rules`.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its name in the list.
    pub(crate) alias: Arc<str>,
    /// Its expression and replacement.
    pub(crate) rename: Rename,
}

/// A topic that has no possible map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{maker} makes {fault} of the topic")]
pub struct MapNameError {
    /// What makes the name.
    pub(crate) maker: Maker,
    /// What is wrong with it.
    pub(crate) fault: &'static str,
}

/// What makes the name of a map from a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Maker {
    /// The rule of this alias.
    Rule(Arc<str>),
    /// `coherence.cache.name.format`.
    Format,
}

impl Maker {
    /// Returns the setting that makes the name.
    pub(crate) fn key(&self) -> String {
        match self {
            Maker::Rule(alias) => format!("coherence.cache.rules.{alias}.replacement"),
            Maker::Format => "coherence.cache.name.format".to_owned(),
        }
    }
}

impl std::fmt::Display for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.key())
    }
}

impl MapNames {
    /// Returns the map that records of `topic` go to.
    ///
    /// # Errors
    /// The name that the settings make is one that no map can have.
    pub fn map_of<'a>(&'a self, topic: &'a str) -> Result<Cow<'a, str>, MapNameError> {
        if let Some(map) = self.mappings.get(topic) {
            return Ok(Cow::Borrowed(map));
        }
        let (name, maker) = match self.rule_of(topic) {
            Some((rule, name)) => (Cow::Owned(name), Maker::Rule(rule.alias.clone())),
            None => match &self.format {
                Some(format) => (Cow::Owned(format.replace(TOPIC, topic)), Maker::Format),
                None => (Cow::Borrowed(topic), Maker::Format),
            },
        };
        match fault(&name) {
            Some(fault) => Err(MapNameError { maker, fault }),
            None => Ok(name),
        }
    }

    /// Returns the first rule that matches a topic, and the name that it makes.
    pub(crate) fn rule_of(&self, topic: &str) -> Option<(&Rule, String)> {
        // A replacement that fails was refused with its setting.
        self.rules.iter().find_map(|rule| Some((rule, rule.rename.apply(topic).ok()??)))
    }
}

/// Returns what is wrong with the name of a map.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("an empty map name")
    } else if has_wildcard(name) {
        Some("a map name with a wildcard")
    } else {
        None
    }
}

impl From<Mappings> for MapNames {
    fn from(mappings: Mappings) -> Self {
        Self { mappings, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(mappings: &[&str], rules: &[(&str, &str, &str)], format: Option<&str>) -> MapNames {
        let mappings: Vec<_> = mappings.iter().map(|item| (*item).to_owned()).collect();
        MapNames {
            mappings: Mappings::parse(&mappings).unwrap(),
            rules: rules
                .iter()
                .map(|(alias, regex, replacement)| Rule {
                    alias: (*alias).into(),
                    rename: Rename::new(regex, replacement).unwrap(),
                })
                .collect(),
            format: format.map(str::to_owned),
        }
    }

    #[test]
    fn a_mapping_comes_before_the_rules_and_these_before_the_format() {
        let rules = [("daily", r"orders-\d{8}", "Orders"), ("rest", r"(\w+)-.*", "$1")];
        let names = names(&["orders-20240101->First"], &rules, Some("kafka.${topic}.${topic}"));
        for (topic, map) in [
            ("orders-20240101", "First"),
            ("orders-20240102", "Orders"),
            ("orders-eu", "orders"),
            ("other", "kafka.other.other"),
        ] {
            assert_eq!(names.map_of(topic).as_deref(), Ok(map));
        }
    }

    #[test]
    fn without_settings_a_topic_goes_to_the_map_of_its_name() {
        assert_eq!(MapNames::default().map_of("t"), Ok(Cow::Borrowed("t")));
    }

    #[test]
    fn a_name_that_no_map_can_have_is_an_error_of_the_setting_that_makes_it() {
        let names = names(&[], &[("cut", "x-(.*)", "$1")], None);
        let error = |topic| names.map_of(topic).unwrap_err().to_string();
        assert_eq!(error("x-"), "coherence.cache.rules.cut.replacement makes an empty map name of the topic");
        // A transform can give a record such a topic.
        assert_eq!(error("a*"), "coherence.cache.name.format makes a map name with a wildcard of the topic");
    }
}
