//! The tests' end of the grid tool (`peers/coherence/src/GridTool.java`): an independent reader and writer of maps.

use std::collections::BTreeMap;
use std::fs;
use std::process::{ChildStdin, ChildStdout};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use crate::pipes::Pipes;
use crate::sandbox::{Folder, unique};

/// A value as a Java application sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its class: `java.lang.Long`, `byte[]`.
    pub class: String,
    /// A scalar as its `toString`, bytes in hex, a container with the class of every element:
    /// `{java.lang.String(a)=java.lang.Long(1)}`.
    pub text: String,
}

/// A Java object given as text. Made from Rust values, or with [`Literal::new`].
#[derive(Debug, Clone)]
pub struct Literal {
    kind: &'static str,
    text: String,
}

impl Literal {
    /// One of the kinds that the tool knows: `string boolean byte short int long float double char big-integer
    /// big-decimal bytes binary uuid null local-date local-time local-date-time offset-date-time instant duration
    /// color ints person order team contact dog object`. Bytes are hex, dates and times as ISO 8601 has them, `ints` are an `int[]` written
    /// `1,2`, a color is `RED` or `GREEN`, a person is written `name|age|street|city`, a contact `name|email|visits`, a
    /// dog `species|legs|breed`, an order or a team by the number of its sample, and an object is what the grid's
    /// serializer reads from the given hex.
    pub fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// A container: a `list`, a `set`, an `array` (`Object[]`) or a `map` (keys and values in turn).
    pub fn of(kind: &'static str, elements: impl IntoIterator<Item = Literal>) -> Self {
        let lines = elements.into_iter().map(|e| format!("{}\t{}", e.kind, escaped(&e.text)));
        Self { kind, text: lines.collect::<Vec<_>>().join("\n") }
    }
}

macro_rules! literal_from {
    ($($rust:ty => $kind:literal),*) => {
        $(impl From<$rust> for Literal {
            fn from(value: $rust) -> Self {
                Self::new($kind, value.to_string())
            }
        })*
    };
}

literal_from!(&str => "string", String => "string", &String => "string", bool => "boolean", i16 => "short", i32 => "int",
    i64 => "long", f32 => "float", f64 => "double");

impl From<&[u8]> for Literal {
    fn from(bytes: &[u8]) -> Self {
        Self::new("bytes", to_hex(bytes))
    }
}

/// What a map holds, in one number: to compare millions of entries with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// How many entries.
    pub count: u64,
    /// The sum modulo 2^64 of the FNV-1a 64 hash of `key 0x00 value`, both as [`Value::text`] in UTF-8.
    pub digest: u64,
}

impl Contents {
    /// Counts one entry in, given as the texts of its key and value.
    pub fn add(&mut self, key: &str, value: &str) {
        let bytes = key.bytes().chain([0]).chain(value.bytes());
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        self.count += 1;
        self.digest = self.digest.wrapping_add(hash);
    }
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for Contents {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut contents = Self::default();
        entries.into_iter().for_each(|(key, value)| contents.add(key.as_ref(), value.as_ref()));
        contents
    }
}

/// What happened to one entry, as a Java listener was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `inserted`, `updated` or `deleted`.
    pub kind: String,
    /// The key.
    pub key: Value,
    /// The value before.
    pub old: Option<Value>,
    /// The value after.
    pub new: Option<Value>,
    /// Made by the map itself.
    pub synthetic: bool,
    /// Deleted because its time was over.
    pub expired: bool,
}

/// How long an entry stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// Until somebody removes it.
    ForEver,
    /// For this time from now on.
    For(Duration),
}

/// The running tool. Its commands come one after the other, from whichever thread.
#[derive(Debug)]
pub struct GridTool {
    pipes: Pipes,
}

impl GridTool {
    pub(super) fn new(commands: ChildStdin, output: ChildStdout) -> Self {
        Self { pipes: Pipes::new("the grid", commands, output) }
    }

    /// Waits for the line that says that the member has started.
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

    /// Sets how the database behaves that the class `GuardedStore` stands for, if the maps have such a cache store: while
    /// it is down it throws at everything, and an entry takes so long, one behind the other. Keys that begin with
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

    /// Listens to the map from now on, for [`GridTool::events`].
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`].
    pub fn listen(&self, map: &str) -> Result<()> {
        self.ask(&["listen", map])?;
        Ok(())
    }

    /// What the listener of [`GridTool::listen`] was told since the last call.
    ///
    /// # Errors
    ///
    /// As [`GridTool::size`]; also when nobody listens.
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

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn from_hex(json: &Json) -> Result<Vec<u8>> {
    let hex = json.as_str().context("the bytes are no text")?;
    let pairs = hex.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?));
    pairs.collect()
}

fn escaped(text: &str) -> String {
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
