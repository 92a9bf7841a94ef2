//! The chain of transforms that a connector's properties name.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::classes::Classes;
use super::{Predicate, Transform};
use crate::config::def::Importance::Low;
use crate::config::def::{
    ConfigDef, ConfigKey, DefaultValue, Kind, Typed, Validator, Values, Violation, key, trim,
};
use crate::converter::OptionError;
use crate::error::ConnectError;
use crate::record::Record;

const TRANSFORMS: ConfigKey = aliases("transforms");
const PREDICATES: ConfigKey = aliases("predicates");
const NEGATE: &str = "negate";

const fn aliases(name: &'static str) -> ConfigKey {
    key(name, Kind::List, DefaultValue::Text(""), Validator::DistinctAliases, ("", Low), "")
}

/// The transforms of a connector, in the order in which they are applied.
#[derive(Debug, Default)]
pub struct Transforms {
    steps: Vec<Step>,
    uses_headers: bool,
}

/// A transform, and when it is applied.
#[derive(Debug)]
struct Step {
    transform: Box<dyn Transform>,
    condition: Option<Condition>,
}

#[derive(Debug)]
struct Condition {
    predicate: Arc<dyn Predicate>,
    negate: bool,
}

/// Why a record could not be transformed, and by which class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformFailure {
    /// The full name of the class.
    pub class: &'static str,
    /// The error.
    pub error: ConnectError,
}

impl fmt::Display for TransformFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.class)
    }
}

impl std::error::Error for TransformFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Transforms {
    /// Creates the chain that the properties of a connector name: `transforms`, `transforms.<alias>.…`, `predicates` and
    /// `predicates.<alias>.…`. Properties that no class reads are ignored, as Connect does.
    ///
    /// # Errors
    /// Every property that is refused, by its full name.
    pub fn new(classes: &Classes, properties: &BTreeMap<String, String>) -> Result<Self, Vec<OptionError>> {
        let mut building = Building { classes, properties, errors: Vec::new() };
        let predicates = building.predicates();
        let steps = building.steps(&predicates);
        if !building.errors.is_empty() {
            return Err(building.errors);
        }
        let uses_headers = steps.iter().any(Step::uses_headers);
        Ok(Self { steps, uses_headers })
    }

    /// Returns whether no transform is configured.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns whether a transform or predicate reads or writes headers; if not, a record needs none.
    pub fn uses_headers(&self) -> bool {
        self.uses_headers
    }

    /// Returns the record that the transforms make of this one, or `None` where one of them drops it.
    ///
    /// # Errors
    /// The first failure, with the class that failed.
    pub fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, TransformFailure> {
        for Step { transform, condition } in &self.steps {
            if condition
                .as_ref()
                .is_some_and(|condition| condition.negate == condition.predicate.test(&record))
            {
                continue;
            }
            let changed = transform.apply(record);
            match changed.map_err(|error| TransformFailure { class: transform.class_name(), error })? {
                Some(changed) => record = changed,
                None => return Ok(None),
            }
        }
        Ok(Some(record))
    }
}

impl Step {
    fn uses_headers(&self) -> bool {
        let condition = self.condition.as_ref();
        self.transform.uses_headers() || condition.is_some_and(|condition| condition.predicate.uses_headers())
    }
}

/// A chain that is being created.
struct Building<'p> {
    classes: &'p Classes,
    properties: &'p BTreeMap<String, String>,
    errors: Vec<OptionError>,
}

type Predicates<'p> = HashMap<&'p str, Option<Arc<dyn Predicate>>>;

impl<'p> Building<'p> {
    /// Creates the predicates, by their aliases; `None` stands for one that is refused.
    fn predicates(&mut self) -> Predicates<'p> {
        let mut predicates = HashMap::new();
        for alias in self.aliases(&PREDICATES) {
            let prefix = format!("predicates.{alias}.");
            let created = self.class(&prefix, Classes::predicate).and_then(|class| {
                let values = self.values(&prefix, class.settings)?;
                self.created(&prefix, (class.create)(&values))
            });
            predicates.insert(alias, created.map(Arc::from));
        }
        predicates
    }

    fn steps(&mut self, predicates: &Predicates<'p>) -> Vec<Step> {
        let mut steps = Vec::new();
        for alias in self.aliases(&TRANSFORMS) {
            let prefix = format!("transforms.{alias}.");
            let condition = self.condition(&prefix, predicates);
            let transform = self.class(&prefix, Classes::transform).and_then(|class| {
                let values = self.values(&prefix, class.settings)?;
                self.created(&prefix, (class.create)(&values))
            });
            steps.extend(transform.map(|transform| Step { transform, condition }));
        }
        steps
    }

    /// Returns the aliases of a list, each once.
    fn aliases(&mut self, list: &ConfigKey) -> Vec<&'p str> {
        let Some(text) = self.properties.get(list.name) else { return Vec::new() };
        if let Err(violation) = list.parse(text) {
            self.refuse(list.name, violation.to_string());
        }
        let mut aliases = Vec::new();
        if !trim(text).is_empty() {
            for alias in trim(text).split(',').map(trim) {
                if !aliases.contains(&alias) {
                    aliases.push(alias);
                }
            }
        }
        aliases
    }

    /// Returns the class that the alias with this prefix names.
    fn class<T>(
        &mut self,
        prefix: &str,
        find: impl Fn(&'p Classes, &str, &str) -> Result<&'p T, String>,
    ) -> Option<&'p T> {
        let key = format!("{prefix}type");
        let found = match self.properties.get(&key) {
            None => Err(Violation::Missing { key: key.clone() }.to_string()),
            Some(name) => find(self.classes, &key, trim(name)),
        };
        found.map_err(|why| self.refuse(&key, why)).ok()
    }

    /// Returns the values of the settings below `prefix`.
    fn values(&mut self, prefix: &str, settings: ConfigDef) -> Option<Values> {
        let given = |name: &str| self.properties.get(&format!("{prefix}{name}")).map(String::as_str);
        let (values, violations) = settings.parse(given);
        let refused = !violations.is_empty();
        for violation in violations {
            let key = format!("{prefix}{}", violation.key());
            let message = match violation {
                Violation::Missing { .. } => Violation::Missing { key: key.clone() }.to_string(),
                other => other.to_string(),
            };
            self.refuse(&key, message);
        }
        (!refused).then_some(values)
    }

    /// Returns what was created, or notes why it is refused, by full names.
    fn created<T>(&mut self, prefix: &str, created: Result<T, Vec<OptionError>>) -> Option<T> {
        let refused = created.map_err(|errors| {
            for error in errors {
                let name = if error.key.is_empty() { "type" } else { &error.key };
                self.refuse(&format!("{prefix}{name}"), error.message);
            }
        });
        refused.ok()
    }

    /// Returns the condition of the transform with this prefix.
    fn condition(&mut self, prefix: &str, predicates: &Predicates<'p>) -> Option<Condition> {
        let (predicate, negate) = (format!("{prefix}predicate"), format!("{prefix}{NEGATE}"));
        let negated = match self.properties.get(&negate).map(|text| Kind::Boolean.parse(text)) {
            None => None,
            Some(Ok(Typed::Boolean(negated))) => Some(negated),
            Some(Ok(_)) => Some(false),
            Some(Err(why)) => {
                let shown = trim(&self.properties[&negate]);
                self.refuse(&negate, format!("Invalid value {shown} for configuration {negate}: {why}"));
                Some(false)
            }
        };
        let Some(alias) = self.properties.get(&predicate).map(|alias| trim(alias)) else {
            if negated.is_some() {
                let message = format!(
                    "Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be \
                     negated."
                );
                self.refuse(&format!("{prefix}type"), message);
            }
            return None;
        };
        match predicates.get(alias) {
            Some(found) => {
                found.clone().map(|predicate| Condition { predicate, negate: negated == Some(true) })
            }
            None => {
                let message = format!(
                    "Invalid value {alias} for configuration {predicate}: add {alias} to the list of predicates"
                );
                self.refuse(&predicate, message);
                None
            }
        }
    }

    fn refuse(&mut self, key: &str, message: String) {
        let value = self.properties.get(key).map(|value| trim(value).to_owned());
        self.errors.push(OptionError { key: key.to_owned(), value, message });
    }
}

#[cfg(test)]
mod tests;
