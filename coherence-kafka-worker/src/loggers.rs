//! The levels of this process's loggers, which the REST interface shows and changes. A logger has the name of the module
//! that logs.
//!
//! Connect's rules: a name stands for itself and for the loggers below it; a logger exists when code has used it, or when
//! a request has set its level.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

use crate::cli::LogFormat;
use crate::{panics, terminal};

/// The name that stands for all loggers.
pub(crate) const ROOT: &str = "root";

/// A level by Connect's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Off,
    Fatal,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
    All,
}

const LEVELS: [(Level, &str, LevelFilter); 8] = [
    (Level::Off, "OFF", LevelFilter::OFF),
    (Level::Fatal, "FATAL", LevelFilter::ERROR),
    (Level::Error, "ERROR", LevelFilter::ERROR),
    (Level::Warn, "WARN", LevelFilter::WARN),
    (Level::Info, "INFO", LevelFilter::INFO),
    (Level::Debug, "DEBUG", LevelFilter::DEBUG),
    (Level::Trace, "TRACE", LevelFilter::TRACE),
    (Level::All, "ALL", LevelFilter::TRACE),
];

impl Level {
    /// Reads a name in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        LEVELS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name)).map(|(level, _, _)| *level)
    }

    pub(crate) fn name(self) -> &'static str {
        LEVELS.iter().find(|(level, _, _)| *level == self).map_or("INFO", |(_, name, _)| name)
    }

    fn filter(self) -> LevelFilter {
        LEVELS.iter().find(|(level, _, _)| *level == self).map_or(LevelFilter::INFO, |(_, _, filter)| *filter)
    }

    fn of(filter: LevelFilter) -> Self {
        let by_filter =
            |(level, _, other): &&(Level, _, LevelFilter)| *other == filter && *level != Level::Fatal;
        LEVELS.iter().find(by_filter).map_or(Level::Info, |(level, _, _)| *level)
    }
}

/// A logger, and when a request last set its level, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Logger {
    pub(crate) level: Level,
    pub(crate) last_modified: Option<u64>,
}

/// The loggers of this process.
#[derive(Default)]
pub(crate) struct Loggers {
    state: Mutex<State>,
    /// Held while levels are changed and applied.
    changes: Mutex<()>,
    /// Applies the levels, once logs are written.
    apply: OnceLock<Box<dyn Fn(Targets) + Send + Sync>>,
}

#[derive(Default)]
struct State {
    /// The levels that were set, at the start or by a request; that of the root among them.
    set: BTreeMap<String, Logger>,
    /// The loggers that code has used.
    used: BTreeSet<&'static str>,
}

impl State {
    /// Returns the level of a logger: its own, or that of the nearest one above it.
    fn of(&self, name: &str) -> Logger {
        let own = self.set.get(name).copied();
        let above = || {
            self.set.iter().filter(|(above, _)| is_below(name, above)).max_by_key(|(above, _)| above.len())
        };
        let root = self.set.get(ROOT).map_or(Level::Info, |root| root.level);
        let inherited = |level| Logger { level, last_modified: None };
        own.unwrap_or_else(|| inherited(above().map_or(root, |(_, logger)| logger.level)))
    }

    fn names(&self) -> BTreeSet<String> {
        let used = self.used.iter().map(|name| (*name).to_owned());
        self.set.keys().cloned().chain(used).chain([ROOT.to_owned()]).collect()
    }

    fn targets(&self) -> Targets {
        let each = self.set.iter().filter(|(name, _)| *name != ROOT);
        Targets::new()
            .with_targets(each.map(|(name, logger)| (name.clone(), logger.level.filter())))
            .with_default(self.of(ROOT).level.filter())
    }
}

/// Whether a logger is below another one, by the separators of Rust and of Java.
fn is_below(name: &str, above: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.starts_with("::") || rest.starts_with('.'))
}

impl Loggers {
    /// Returns all of them by name.
    pub(crate) fn all(&self) -> BTreeMap<String, Logger> {
        let state = self.state.lock();
        state
            .names()
            .into_iter()
            .map(|name| {
                let logger = state.of(&name);
                (name, logger)
            })
            .collect()
    }

    /// Returns one of them.
    pub(crate) fn get(&self, name: &str) -> Option<Logger> {
        let state = self.state.lock();
        state.names().contains(name).then(|| state.of(name))
    }

    /// Sets the level of a logger and of those below it. Returns the names of those whose level has changed.
    pub(crate) fn set(&self, name: &str, level: Level) -> Vec<String> {
        let _one_at_a_time = self.changes.lock();
        let mut state = self.state.lock();
        let concerned = |other: &String| name == ROOT || other == name || is_below(other, name);
        let mut names = state.names();
        names.insert(name.to_owned());
        let last_modified = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let last_modified = last_modified.and_then(|now| u64::try_from(now.as_millis()).ok());
        let changed: Vec<String> =
            names.into_iter().filter(concerned).filter(|name| state.of(name).level != level).collect();
        for name in &changed {
            state.set.insert(name.clone(), Logger { level, last_modified });
        }
        let targets = state.targets();
        // To apply them registers every logger again, which needs the state.
        drop(state);
        if let Some(apply) = self.apply.get() {
            apply(targets);
        }
        changed
    }
}

/// Returns the loggers of this process.
pub(crate) fn loggers() -> &'static Loggers {
    static LOGGERS: OnceLock<Loggers> = OnceLock::new();
    LOGGERS.get_or_init(Loggers::default)
}

/// Notes which loggers code uses.
struct Used;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Used {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        loggers().state.lock().used.insert(metadata.target());
        Interest::always()
    }
}

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Returns the form of the log.
pub(crate) fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or_default()
}

/// Writes the logs of this process to stderr from now on, with the levels of `RUST_LOG`, such as
/// `info,coherence_client=debug`. Returns what is wrong with it. Where the log is in JSON, panics are events of it.
pub(crate) fn init(levels: Option<&str>, format: LogFormat) -> Option<String> {
    let parsed = levels.unwrap_or("info").parse::<Targets>();
    let wrong = parsed.as_ref().err().map(ToString::to_string);
    let targets = parsed.unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    {
        let mut state = loggers().state.lock();
        let logger = |filter| Logger { level: Level::of(filter), last_modified: None };
        let root = targets.default_level().unwrap_or(LevelFilter::ERROR);
        state.set.insert(ROOT.to_owned(), logger(root));
        state.set.extend(targets.iter().map(|(name, filter)| (name.to_owned(), logger(filter))));
    }
    let (filter, handle) = reload::Layer::<Targets, Registry>::new(targets);
    let apply = Box::new(move |targets| {
        // Fails only where the subscriber is gone, with the process.
        let _ = handle.reload(targets);
    });
    let _ = loggers().apply.set(apply);
    let lines = lines(format, terminal::log_writer);
    tracing_subscriber::registry().with(filter).with(Used).with(lines).init();
    let _ = FORMAT.set(format);
    if format == LogFormat::Json {
        panics::log();
    }
    wrong
}

/// Returns what writes the lines of the log. Each line of JSON has the members `timestamp`, `level`, `target` and
/// `message`, and the fields of its event.
fn lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        // Where stderr is closed a line is lost. Reported there, that would be a panic of the thread that logs.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            lines.with_current_span(false).with_span_list(false).boxed()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_of_json_has_the_time_the_level_the_target_the_message_and_the_fields() {
        let log = Memory::default();
        let writer = log.clone();
        let lines = lines(LogFormat::Json, move || writer.clone());
        tracing::subscriber::with_default(Registry::default().with(lines), || {
            tracing::warn!(
                task = "c-0",
                attempts = 3,
                reason = "no \"grid\"\nhere",
                "write failed, retrying"
            );
            tracing::info!("connector created");
        });
        let log = String::from_utf8(log.0.lock().clone()).unwrap();
        let lines: Vec<serde_json::Value> =
            log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'), "{log}");
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["target"], module_path!());
        assert_eq!(lines[0]["message"], "write failed, retrying");
        assert_eq!((&lines[0]["task"], &lines[0]["attempts"]), (&"c-0".into(), &3.into()));
        assert_eq!(lines[0]["reason"], "no \"grid\"\nhere");
        assert_eq!((&lines[1]["level"], &lines[1]["message"]), (&"INFO".into(), &"connector created".into()));
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_level_holds_for_a_logger_and_those_below_it_and_is_listed_where_it_changes() {
        let loggers = Loggers::default();
        loggers.state.lock().used.extend(["a::b", "a::b::c", "ab"]);
        let level = |name: &str| loggers.get(name).map(|logger| logger.level);
        assert_eq!(level("a::b"), Some(Level::Info));
        assert_eq!(level("a"), None, "no code has used it");
        assert_eq!(loggers.set("a", Level::Info), names(&[]), "as it was");
        assert_eq!(level("a"), None);
        assert_eq!(loggers.set("a", Level::Debug), names(&["a", "a::b", "a::b::c"]));
        assert_eq!((level("a::b::c"), level("ab")), (Some(Level::Debug), Some(Level::Info)));
        assert!(loggers.get("a").unwrap().last_modified.is_some());
        assert_eq!(loggers.get("ab").unwrap().last_modified, None);
        assert_eq!(loggers.set("a::b::c", Level::Off), names(&["a::b::c"]));
        assert_eq!(loggers.set("root", Level::Debug), names(&["a::b::c", "ab", "root"]));
        assert_eq!(level("new"), None);
        assert_eq!(loggers.set("no.such", Level::Warn), names(&["no.such"]));
        assert_eq!(loggers.set("no", Level::Error), names(&["no", "no.such"]));
    }

    #[test]
    fn levels_have_connect_s_names_in_any_case() {
        for (level, name, _) in LEVELS {
            assert_eq!((Level::parse(name), level.name()), (Some(level), name));
            assert_eq!(Level::parse(&name.to_ascii_lowercase()), Some(level));
        }
        assert_eq!(Level::parse("LOUD"), None);
    }
}
