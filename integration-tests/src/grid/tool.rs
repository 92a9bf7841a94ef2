//! The tests' end of the grid tool (`peers/coherence/src/GridTool.java`): an independent reader and writer of maps.

use std::collections::BTreeMap;
use std::fs;
use std::process::{ChildStdin, ChildStdout};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::values::{Contents, Event, Literal, Stays, Value};
use crate::pipes::Pipes;
use crate::sandbox::{Folder, unique};

/// The running tool. Its commands come one after the other, from whichever thread.
#[derive(Debug)]
pub struct GridTool {
    pipes: Pipes,
}

impl GridTool {
    pub(super) fn new(commands: ChildStdin, output: ChildStdout) -> Self {
        Self { pipes: Pipes::new("the grid", commands, output) }
    }

    /// Waits for the line that reports the start of the member.
    pub(super) fn ready(&self, deadline: Duration) -> Result<()> {
        self.pipes.ready(deadline)
    }

    /// The number of entries.
    ///
    /// # Errors
    ///
    /// As every command: when the grid is down or refuses; with the name of the Java exception.
    pub fn size(&self, map: &str) -> Result<u64> {
        self.ask(&["size", map])?.as_u64().context("the size is no number")
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn get(&self, map: &str, key: impl Into<Literal>) -> Result<Option<Value>> {
        let key = key.into();
        self.ask(&["get", map, key.kind, &key.text]).and_then(described)
    }

    /// Puts an entry as a Java application would.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn put(&self, map: &str, key: impl Into<Literal>, value: impl Into<Literal>) -> Result<()> {
        let (key, value) = (key.into(), value.into());
        self.ask(&["put", map, key.kind, &key.text, value.kind, &value.text])?;
        Ok(())
    }

    /// Removes an entry and returns what it was.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn remove(&self, map: &str, key: impl Into<Literal>) -> Result<Option<Value>> {
        let key = key.into();
        self.ask(&["remove", map, key.kind, &key.text]).and_then(described)
    }

    /// The bytes that the grid stores as the value of a key, with its decorations.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn stored(&self, map: &str, key: impl Into<Literal>) -> Result<Option<Vec<u8>>> {
        let key = key.into();
        match self.ask(&["stored", map, key.kind, &key.text])? {
            Json::Null => Ok(None),
            hex => from_hex(&hex).map(Some),
        }
    }

    /// The bytes that the grid stores as a key, with its decoration: as Java's entry store sends them.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn internal_key(&self, map: &str, key: impl Into<Literal>) -> Result<Vec<u8>> {
        let key = key.into();
        from_hex(&self.ask(&["internal", map, key.kind, &key.text])?)
    }

    /// Stores exactly these bytes as the value of a key, whether they mean anything or not.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn store(&self, map: &str, key: impl Into<Literal>, bytes: &[u8]) -> Result<()> {
        let key = key.into();
        self.ask(&["store", map, key.kind, &key.text, &to_hex(bytes)])?;
        Ok(())
    }

    /// All entries, keys and values as [`Value::text`].
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn entries(&self, map: &str) -> Result<BTreeMap<String, String>> {
        let folder = Folder::new("dump")?;
        let file = folder.path().join(unique("dump"));
        self.ask(&["dump", map, &file.display().to_string()])?;
        let lines = fs::read_to_string(&file)?;
        let entries = lines.lines().map(|line| {
            let (key, value) = line.split_once('\t').context("a dumped line has no tab")?;
            Ok((unescaped(key), unescaped(value)))
        });
        entries.collect()
    }

    /// What the map holds, for comparison with a model of any size.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn contents(&self, map: &str) -> Result<Contents> {
        let answer = self.ask(&["digest", map])?;
        let count = answer["count"].as_u64().context("the count is no number")?;
        let digest = u64::from_str_radix(answer["digest"].as_str().unwrap_or_default(), 16)?;
        Ok(Contents { count, digest })
    }

    /// Removes all entries; listeners see each of them go.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn clear(&self, map: &str) -> Result<()> {
        self.ask(&["clear", map])?;
        Ok(())
    }

    /// Removes all entries without an event for each of them.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn truncate(&self, map: &str) -> Result<()> {
        self.ask(&["truncate", map])?;
        Ok(())
    }

    /// A Java object as the grid's serializer writes it.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn to_bytes(&self, value: impl Into<Literal>) -> Result<Vec<u8>> {
        let value = value.into();
        from_hex(&self.ask(&["bytes", value.kind, &value.text])?)
    }

    /// The Java object that the grid's serializer reads from these bytes.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`]; also when the bytes are no object.
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<Option<Value>> {
        self.ask(&["object", &to_hex(bytes)]).and_then(described)
    }

    /// Puts an entry that leaves by itself after `stays`, whole milliseconds.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn put_for(
        &self,
        map: &str,
        key: impl Into<Literal>,
        value: impl Into<Literal>,
        stays: Duration,
    ) -> Result<()> {
        let (key, value, millis) = (key.into(), value.into(), stays.as_millis().to_string());
        self.ask(&["expire", map, key.kind, &key.text, value.kind, &value.text, &millis])?;
        Ok(())
    }

    /// How long an entry stays; `None` where it is not there.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn stays(&self, map: &str, key: impl Into<Literal>) -> Result<Option<Stays>> {
        let key = key.into();
        match self.ask(&["expiry", map, key.kind, &key.text])? {
            Json::Null => Ok(None),
            millis => Ok(Some(match millis.as_i64().context("the expiry is no number")? {
                0 => Stays::ForEver,
                millis => Stays::For(Duration::from_millis(u64::try_from(millis).unwrap_or(0))),
            })),
        }
    }

    /// Random puts and removes of the texts `k0` to `k{keys - 1}`, as an application would make them, one by one and in
    /// batches. Every value is `{seed}.` and a number that grows. Waits until the last of `operations` is done.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn churn(&self, map: &str, seed: u64, operations: u32, keys: u32) -> Result<()> {
        self.ask(&["churn", map, &seed.to_string(), &operations.to_string(), &keys.to_string()])?;
        Ok(())
    }

    /// Sets the behaviour of the database of the class `GuardedStore`, if the maps have such a cache store: while it is
    /// down, it refuses everything; each entry needs the time `takes`, one after the other. Keys that begin with
    /// `poison` are always refused.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn guard(&self, down: bool, takes: Duration) -> Result<()> {
        self.ask(&["guard", &down.to_string(), &takes.as_millis().to_string()])?;
        Ok(())
    }

    /// How many entries were written to that database, repetitions and removals included.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn written(&self) -> Result<u64> {
        self.ask(&["written"])?.as_u64().context("the count is no number")
    }

    /// Adds an index of a method of the values, or of their property `#N` of POF.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn index(&self, map: &str, what: &str) -> Result<()> {
        self.ask(&["index", map, what])?;
        Ok(())
    }

    /// The number of entries whose method, or property `#N` of POF, has this value.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn query(&self, map: &str, what: &str, value: impl Into<Literal>) -> Result<u64> {
        let value = value.into();
        self.ask(&["query", map, what, value.kind, &value.text])?.as_u64().context("the count is no number")
    }

    /// A filter, processor, aggregator or extractor of `Agents.java`, as the grid's serializer writes it.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`]; also where the grid cannot write it.
    pub fn agent(&self, name: &str) -> Result<Vec<u8>> {
        from_hex(&self.ask(&["agent", name])?)
    }

    /// What Java answers to a query: the `keys` of a filter, the result of an aggregator or the results of a processor by
    /// key; `operation` is `select`, `aggregate` or `invoke`, `agent` and `filter` are names of `Agents.java`.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn answer(&self, operation: &str, map: &str, agent: &str, filter: Option<&str>) -> Result<Json> {
        let mut fields = vec![operation, map, agent];
        fields.extend(filter);
        self.ask(&fields)
    }

    /// Listens to the map from now on, for [`GridTool::events`].
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn listen(&self, map: &str) -> Result<()> {
        self.ask(&["listen", map])?;
        Ok(())
    }

    /// The events of the listener of [`GridTool::listen`] since the last call.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`]; also without a listener.
    pub fn events(&self, map: &str) -> Result<Vec<Event>> {
        let answer = self.ask(&["events", map])?;
        let events = answer.as_array().context("the events are no array")?.iter().map(|event| {
            Ok(Event {
                kind: event["kind"].as_str().context("an event has no kind")?.to_owned(),
                key: described(event["key"].clone())?.context("an event has no key")?,
                old: described(event["old"].clone())?,
                new: described(event["new"].clone())?,
                synthetic: event["synthetic"] == true,
                expired: event["expired"] == true,
            })
        });
        events.collect()
    }

    fn ask(&self, fields: &[&str]) -> Result<Json> {
        let line = fields.iter().map(|f| escaped(f)).collect::<Vec<_>>().join("\t");
        self.pipes.ask(&line).with_context(|| format!("{} {}", fields[0], fields[1]))
    }
}

fn described(answer: Json) -> Result<Option<Value>> {
    if answer.is_null() {
        return Ok(None);
    }
    let field = |name: &str| answer[name].as_str().map(str::to_owned).context("a field is missing");
    Ok(Some(Value { class: field("class")?, text: field("text")? }))
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn from_hex(json: &Json) -> Result<Vec<u8>> {
    let hex = json.as_str().context("the bytes are no text")?;
    let pairs = hex.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?));
    pairs.collect()
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                other => out.extend(other),
            },
            (c, false) => out.push(c),
        }
    }
    out
}
