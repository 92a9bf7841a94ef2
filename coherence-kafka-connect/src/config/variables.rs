//! Variables in values: `${env:NAME}`, `${file:path:key}`, `${dir:path:file}`, Connect's config providers.
//!
//! As in Connect a value is read once and what a variable holds is not read again, and an alias that is not declared
//! leaves the text as it is. Unlike Connect a variable that a known provider cannot resolve is an error, not a literal,
//! and files and arguments, which come from the operator, have the three providers by their usual aliases without a
//! declaration. What comes over the network has [`Variables::of_requests`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::file;
use super::findings::ConfigErrors;
use super::properties::{Properties, Property};

/// Bytes of a file that a variable may stand for: a path can name any file, and passwords are small.
const MAX_FILE: u64 = 1024 * 1024;

/// The environment of the process, read once. `Debug` shows the names alone: a value may be a password.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Deref for Environment {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Environment {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<const N: usize> From<[(String, String); N]> for Environment {
    fn from(variables: [(String, String); N]) -> Self {
        variables.into_iter().collect()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// `ConfigTransformer.DEFAULT_PATTERN`.
#[expect(clippy::expect_used, reason = "a constant pattern that the tests compile")]
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}").expect("the pattern is valid"));

#[derive(Debug, Clone)]
enum Provider {
    /// `FileConfigProvider`: a key of a properties file.
    File { allowed: Option<Vec<PathBuf>> },
    /// `DirectoryConfigProvider`: a file of a directory, whole but for the line ends behind it.
    Directory { allowed: Option<Vec<PathBuf>> },
    /// `EnvVarConfigProvider`: a variable of the environment.
    Environment { allowed: Option<Regex> },
}

/// The providers of variables, by alias.
#[derive(Clone)]
pub struct Variables {
    providers: BTreeMap<String, Provider>,
    /// The aliases that `config.providers` lists.
    declared: BTreeSet<String>,
    /// What to add where an alias has no provider.
    advice: &'static str,
    environment: Environment,
}

/// Aliases alone: the environment holds secrets.
impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variables").field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}

impl Variables {
    /// Returns the providers that `config.providers` declares, and the built-in aliases that it leaves free.
    pub fn declared(properties: &Properties, environment: Environment, findings: &mut ConfigErrors) -> Self {
        let mut providers = BTreeMap::from([
            ("file".to_owned(), Provider::File { allowed: None }),
            ("dir".to_owned(), Provider::Directory { allowed: None }),
            ("env".to_owned(), Provider::Environment { allowed: None }),
        ]);
        let mut declared = BTreeSet::new();
        if let Some(list) = properties.get("config.providers") {
            for alias in list.trimmed().split(',').map(str::trim).filter(|alias| !alias.is_empty()) {
                if let Some(provider) = Provider::declared(alias, properties, list, findings) {
                    declared.insert(alias.to_owned());
                    providers.insert(alias.to_owned(), provider);
                }
            }
        }
        Variables { providers, declared, advice: "", environment }
    }

    /// Returns the providers for configurations that come over the network: those that `config.providers` declares, and
    /// no built-in alias, because a sender could name any file that the process may read.
    pub fn of_requests(&self) -> Self {
        let mut requests = self.clone();
        requests.providers.retain(|alias, _| self.declared.contains(alias));
        requests.advice = "; a request can use the aliases that config.providers of the worker declares";
        requests
    }

    /// Returns the settings with their variables replaced. What a variable has touched is a secret from then on.
    pub fn resolve(&self, properties: &Properties, findings: &mut ConfigErrors) -> Properties {
        properties.iter().map(|property| self.resolve_one(property, findings)).collect()
    }

    /// Returns a variable of the environment.
    pub fn environment(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    fn resolve_one(&self, property: &Property, findings: &mut ConfigErrors) -> Property {
        let mut resolved = property.clone();
        // Connect never substitutes in these.
        if property.key == "plugin.path" || property.key.starts_with("config.providers") {
            return resolved;
        }
        resolved.value.clear();
        let mut rest = 0;
        for captures in VARIABLE.captures_iter(&property.value) {
            let (Some(whole), Some(alias), Some(key)) = (captures.get(0), captures.get(1), captures.get(4))
            else {
                continue;
            };
            let path = captures.get(3).map_or("", |path| path.as_str());
            resolved.value.push_str(&property.value[rest..whole.start()]);
            rest = whole.end();
            match self.providers.get(alias.as_str()) {
                None => {
                    findings.warning(
                        property,
                        format!(
                            "{} is not replaced: no provider has the alias {}{}",
                            whole.as_str(),
                            alias.as_str(),
                            self.advice
                        ),
                    );
                    resolved.value.push_str(whole.as_str());
                }
                Some(provider) => match provider.look_up(path, key.as_str(), &self.environment) {
                    Ok(value) => {
                        resolved.secret = true;
                        resolved.value.push_str(&value);
                    }
                    Err(why) => findings.error(property, format!("{}: {why}", whole.as_str())),
                },
            }
        }
        resolved.value.push_str(&property.value[rest..]);
        resolved
    }
}

impl Provider {
    fn declared(
        alias: &str,
        properties: &Properties,
        list: &Property,
        findings: &mut ConfigErrors,
    ) -> Option<Provider> {
        const CLASSES: &str = "FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider of \
                               org.apache.kafka.common.config.provider";
        let key = format!("config.providers.{alias}.class");
        let Some(class) = properties.get(&key) else {
            findings.error_at(
                Some(list),
                &key,
                format!("Missing required configuration \"{key}\" which has no default value."),
            );
            return None;
        };
        let param = |name: &str| properties.get(&format!("config.providers.{alias}.param.{name}"));
        let simple = class.trimmed();
        let simple = simple.strip_prefix("org.apache.kafka.common.config.provider.").unwrap_or(simple);
        match simple {
            "FileConfigProvider" => {
                Some(Provider::File { allowed: allowed_paths(param("allowed.paths"), findings) })
            }
            "DirectoryConfigProvider" => {
                Some(Provider::Directory { allowed: allowed_paths(param("allowed.paths"), findings) })
            }
            "EnvVarConfigProvider" => {
                let allowed = param("allowlist.pattern").and_then(|property| {
                    Regex::new(&format!("^(?:{})$", property.trimmed()))
                        .map_err(|_| findings.error(property, "is not a valid regular expression"))
                        .ok()
                });
                Some(Provider::Environment { allowed })
            }
            _ => {
                findings.error(
                    class,
                    format!("Class {} could not be found: built in are {CLASSES}", class.shown()),
                );
                None
            }
        }
    }

    fn look_up(&self, path: &str, key: &str, environment: &Environment) -> Result<String, String> {
        match self {
            Provider::Environment { .. } if !path.is_empty() => {
                Err(format!("Path is not supported for EnvVarConfigProvider, invalid value '{path}'"))
            }
            Provider::Environment { allowed } => {
                if allowed.as_ref().is_some_and(|allowed| !allowed.is_match(key)) {
                    return Err("allowlist.pattern of the provider does not allow this name".to_owned());
                }
                environment.get(key).cloned().ok_or_else(|| "the environment variable is not set".to_owned())
            }
            Provider::File { allowed } => {
                let bytes = read(Path::new(path), allowed.as_deref())?;
                let entries = file::properties_of(&bytes)
                    .map_err(|line| format!("{path}:{line} has a malformed \\uxxxx encoding"))?;
                entries.get(key).cloned().ok_or_else(|| format!("{path} has no key {key}"))
            }
            Provider::Directory { allowed } => {
                let name = Path::new(key);
                if name.file_name() != Some(name.as_os_str()) {
                    return Err(format!("{key} is not the name of a file directly inside {path}"));
                }
                let bytes = read(&Path::new(path).join(name), allowed.as_deref())?;
                let text = String::from_utf8(bytes).map_err(|_| format!("{key} in {path} is not UTF-8"))?;
                // An editor's, or that of `echo`; inside sasl.jaas.config it would end the password's line.
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        }
    }
}

/// Reads a regular file inside one of the allowed paths, links followed.
fn read(path: &Path, allowed: Option<&[PathBuf]>) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("could not read {}: {error}", path.display());
    let real = path.canonicalize().map_err(cannot)?;
    if allowed.is_some_and(|allowed| !allowed.iter().any(|root| real.starts_with(root))) {
        return Err(format!("allowed.paths of the provider does not hold {}", path.display()));
    }
    if !real.is_file() {
        return Err(format!("{} is not a regular file", path.display()));
    }
    let mut bytes = Vec::new();
    File::open(&real).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("{} is larger than {MAX_FILE} bytes", path.display()));
    }
    Ok(bytes)
}

fn allowed_paths(property: Option<&Property>, findings: &mut ConfigErrors) -> Option<Vec<PathBuf>> {
    let property = property.filter(|property| !property.trimmed().is_empty())?;
    let mut paths = Vec::new();
    for text in property.trimmed().split(',').map(str::trim) {
        match Path::new(text).canonicalize() {
            Ok(real) if Path::new(text).is_absolute() => paths.push(real),
            Ok(_) => findings.error(property, format!("Path {text} is not absolute")),
            Err(error) => findings.error(property, format!("Path {text} does not exist: {error}")),
        }
    }
    Some(paths)
}

#[cfg(test)]
mod tests;
