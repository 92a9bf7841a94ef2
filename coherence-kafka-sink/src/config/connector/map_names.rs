//! The settings that name the maps of topics.

use std::collections::BTreeSet;

use coherence_kafka_connect::config::Property;
use coherence_kafka_connect::config::def::{Values, Violation, nearest};
use coherence_kafka_connect::transform::Rename;

use super::{Check, Mappings, Topics};
use crate::config::map_names::{Maker, MapNames, Rule, TOPIC};
use crate::config::mappings::has_wildcard;

const MAPPINGS: &str = "coherence.cache.mappings";
const RULES: &str = "coherence.cache.rules";
const FORMAT: &str = "coherence.cache.name.format";
const OPTIONS: [&str; 2] = ["regex", "replacement"];

impl<'a> Check<'a> {
    /// Reads the settings; `topics` are those whose records no transform gives another topic.
    pub(super) fn map_names(&mut self, values: &Values, topics: Option<&Topics>) -> MapNames {
        let refused = self.findings.errors.len();
        let names = MapNames {
            mappings: self.mappings(values, topics),
            rules: self.rules(values),
            format: self.name_format(values),
        };
        if let Some(Topics::List(topics)) = topics
            && self.findings.errors.len() == refused
        {
            self.names_of_topics(&names, topics);
        }
        names
    }

    fn mappings(&mut self, values: &Values, topics: Option<&Topics>) -> Mappings {
        let mappings = match Mappings::parse(values.list(MAPPINGS)) {
            Ok(mappings) => mappings,
            Err(refused) => {
                for why in refused {
                    self.refusal(MAPPINGS, why, "an item is not of the form topic->map, or repeats a topic");
                }
                return Mappings::default();
            }
        };
        if let (Some(Topics::List(topics)), Some(property)) =
            (topics, self.property(MAPPINGS).filter(|property| !property.secret))
        {
            for (topic, _) in mappings.iter().filter(|(topic, _)| !topics.iter().any(|known| known == topic))
            {
                let mean = nearest(topic, topics.iter().map(String::as_str))
                    .map(|known| format!(", did you mean {known}?"))
                    .unwrap_or_default();
                self.findings.warning(property, format!("maps {topic}, which topics does not list{mean}"));
            }
        }
        mappings
    }

    fn rules(&mut self, values: &Values) -> Vec<Rule> {
        let aliases = values.list(RULES);
        let mut rules = Vec::with_capacity(aliases.len());
        for alias in aliases {
            let [regex, replacement] = OPTIONS.map(|option| self.option_of_rule(alias, option));
            let (Some(regex), Some(replacement)) = (regex, replacement) else { continue };
            let rename = match Rename::new(regex.trimmed(), replacement.trimmed()) {
                Ok(rename) => rename,
                Err(why) => {
                    let (shown, key) = (regex.shown(), &regex.key);
                    let why = format!("Invalid value {shown} for configuration {key}: Invalid regex: {why}");
                    self.refusal(key, why, "is not a regular expression of Java");
                    continue;
                }
            };
            let key = &replacement.key;
            if let Err(error) = rename.check_replacement() {
                self.refusal(
                    key,
                    error.message().to_owned(),
                    "refers to a group that the regex does not have",
                );
            } else if has_wildcard(&replacement.value) {
                self.error(key, "makes map names with a wildcard: name one map");
            }
            rules.push(Rule { alias: alias.as_str().into(), rename });
        }
        self.options_without_rule(aliases);
        rules
    }

    /// Returns a setting of a rule, which must be set.
    fn option_of_rule(&mut self, alias: &str, option: &str) -> Option<&'a Property> {
        let key = format!("{RULES}.{alias}.{option}");
        let properties = self.properties;
        let property = properties.get(&key);
        if property.is_none() {
            let why = Violation::Missing { key: key.clone() }.to_string();
            self.findings.error_at(properties.get(RULES), &key, why);
        }
        property
    }

    /// Reports the settings of rules that the list does not name, and those that a rule does not have.
    fn options_without_rule(&mut self, aliases: &[String]) {
        let prefix = format!("{RULES}.");
        for (rest, property) in self.properties.below(&prefix) {
            let (alias, option) = rest.rsplit_once('.').unwrap_or((rest, ""));
            if !aliases.iter().any(|known| known == alias) {
                self.findings.warning(property, format!("without effect: {RULES} does not list {alias}"));
            } else if !OPTIONS.contains(&option) {
                let mean = nearest(option, OPTIONS)
                    .map(|name| format!(", did you mean {name}?"))
                    .unwrap_or_default();
                self.findings.warning(property, format!("without effect: a rule has no such setting{mean}"));
            }
        }
    }

    fn name_format(&mut self, values: &Values) -> Option<String> {
        let format = values.text(FORMAT).filter(|format| *format != TOPIC)?;
        let rest = format.replace(TOPIC, "");
        if rest.contains('$') {
            let why =
                format!("Invalid value {format} for configuration {FORMAT}: only {TOPIC} has a meaning");
            self.refusal(FORMAT, why, "only ${topic} has a meaning");
        } else if has_wildcard(&rest) {
            self.error(FORMAT, "makes map names with a wildcard: name one map");
        }
        Some(format.to_owned())
    }

    /// Finds listed topics without a possible map, and rules that no listed topic meets.
    fn names_of_topics(&mut self, names: &MapNames, topics: &[String]) {
        let mut met = BTreeSet::new();
        for topic in topics {
            match names.map_of(topic) {
                Ok(_) => {}
                Err(error) => {
                    let key = error.maker.key();
                    self.refusal(&key, format!("makes {} of topic {topic}", error.fault), error.fault);
                }
            }
            if names.mappings.get(topic).is_none() {
                met.extend(names.rule_of(topic).map(|(rule, _)| rule.alias.clone()));
            }
        }
        for rule in names.rules.iter().filter(|rule| !met.contains(&rule.alias)) {
            let key = Maker::Rule(rule.alias.clone()).key();
            if let Some(property) = self.properties.get(&key) {
                let why = "without effect: no topic that topics lists comes to this rule";
                self.findings.warning(property, why);
            }
        }
    }
}
