//! Clients in Python, which share no code with this project: the official client of a grid, an independent reader and
//! writer of maps (`peers/python`), a client of Kafka Connect's REST interface (`peers/connect-client`), and Confluent's
//! serializers for a schema registry (`peers/confluent`).

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use crate::peers;
use crate::pipes::Pipes;
use crate::process::Process;
use crate::sandbox::Folder;

const START_DEADLINE: Duration = Duration::from_secs(60);

/// A value as a Python application sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The name of its type: `int`, `str`, `Decimal`.
    pub type_name: String,
    /// The value; the text of one that JSON does not have.
    pub value: Json,
}

/// A running `client.py`. Dropping it ends it.
#[derive(Debug)]
struct Program {
    pipes: Pipes,
    // The log lies in the folder, so the process has to be gone first.
    _process: Process,
    _folder: Folder,
}

impl Program {
    /// Starts that of `peers/{peer}`, with what `set_up` adds to the command.
    fn start(name: &'static str, peer: &str, set_up: impl FnOnce(&mut Command)) -> Result<Self> {
        let folder = Folder::new("python")?;
        let mut command = Command::new(peers::python(peer)?);
        command.arg(peers::sources(peer).join("client.py")).env("PYTHONUTF8", "1");
        set_up(&mut command);
        let log = folder.path().join("client.log");
        let (process, input, output) = Process::start_piped(name, command, &log)?;
        let pipes = Pipes::new(name, input, output);
        pipes.ready(START_DEADLINE).with_context(|| process.log_end())?;
        Ok(Self { pipes, _process: process, _folder: folder })
    }
}

/// The running client of Kafka Connect's REST interface. Dropping it ends it.
#[derive(Debug)]
pub struct ConnectClient(Program);

impl ConnectClient {
    /// Starts one for the worker at the address `rest`.
    ///
    /// # Errors
    ///
    /// When the client cannot be installed; with the end of its log.
    pub fn start(rest: &str) -> Result<Self> {
        let set_up = |command: &mut Command| {
            command.arg(rest).env("NO_PROXY", "127.0.0.1");
        };
        Program::start("the Connect client", "connect-client", set_up).map(Self)
    }

    /// Calls a method of the client with these arguments and returns its result.
    ///
    /// # Errors
    ///
    /// When the method raises an exception: with its type, its text, and the body of the response.
    pub fn call<const N: usize>(&self, method: &str, arguments: [Json; N]) -> Result<Json> {
        let mut line = vec![json!(method)];
        line.extend(arguments);
        self.0.pipes.ask(&Json::Array(line).to_string()).with_context(|| method.to_owned())
    }
}

/// Confluent's serializers, running. Dropping it ends it.
#[derive(Debug)]
pub struct Serializers(Program);

impl Serializers {
    /// Starts them for the broker `bootstrap` and the registry at `url`.
    ///
    /// # Errors
    ///
    /// When the library cannot be installed; with the end of its log.
    pub fn start(bootstrap: &str, url: &str) -> Result<Self> {
        let set_up = |command: &mut Command| {
            command.args([bootstrap, url]).env("NO_PROXY", "127.0.0.1");
        };
        Program::start("Confluent's serializers", "confluent", set_up).map(Self)
    }

    /// Writes orders, `format` is `avro`, `json` or `protobuf`, under the text keys.
    ///
    /// # Errors
    ///
    /// When a value is not an order, or a record is not acknowledged; with the name of the Python exception.
    pub fn write(&self, format: &str, topic: &str, records: &[(&str, Json)]) -> Result<()> {
        self.0.pipes.ask(&json!(["write", format, topic, records]).to_string())?;
        Ok(())
    }

    /// `count` records of a topic, sorted by their keys; those of Protobuf are purchases.
    ///
    /// # Errors
    ///
    /// When there are not so many, or a value cannot be read; with the name of the Python exception.
    pub fn read(&self, format: &str, topic: &str, count: usize) -> Result<Vec<(String, Json)>> {
        let answer = self.0.pipes.ask(&json!(["read", format, topic, count]).to_string())?;
        Ok(serde_json::from_value(answer)?)
    }
}

/// The running client of a grid. Dropping it ends it.
#[derive(Debug)]
pub struct PythonClient(Program);

impl PythonClient {
    /// Connects one to the grid at `address`. It speaks the format `json`, whatever the grid's serializer is.
    ///
    /// # Errors
    ///
    /// When the client cannot be installed, or does not reach the grid; with the end of its log.
    pub fn start(address: &str) -> Result<Self> {
        let set_up = |command: &mut Command| {
            command.env("COHERENCE_SERVER_ADDRESS", address);
        };
        Program::start("the Python client", "python", set_up).map(Self)
    }

    /// Puts an entry.
    ///
    /// # Errors
    ///
    /// As every command: with the name of the Python exception.
    pub fn put(&self, map: &str, key: impl Into<Json>, value: impl Into<Json>) -> Result<()> {
        self.ask("put", map, [key.into(), value.into()])?;
        Ok(())
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// As [`PythonClient::put`].
    pub fn get(&self, map: &str, key: impl Into<Json>) -> Result<Option<Seen>> {
        self.ask("get", map, [key.into()]).and_then(seen)
    }

    /// Removes an entry and returns what it was.
    ///
    /// # Errors
    ///
    /// As [`PythonClient::put`].
    pub fn remove(&self, map: &str, key: impl Into<Json>) -> Result<Option<Seen>> {
        self.ask("remove", map, [key.into()]).and_then(seen)
    }

    /// All entries, read page by page, in no order.
    ///
    /// # Errors
    ///
    /// As [`PythonClient::put`].
    pub fn entries(&self, map: &str) -> Result<Vec<(Json, Json)>> {
        let answer = self.ask("entries", map, [])?;
        let pairs = answer.as_array().context("the entries are no array")?;
        Ok(pairs.iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect())
    }

    /// The number of entries.
    ///
    /// # Errors
    ///
    /// As [`PythonClient::put`].
    pub fn size(&self, map: &str) -> Result<u64> {
        self.ask("size", map, [])?.as_u64().context("the size is no number")
    }

    fn ask<const N: usize>(&self, command: &str, map: &str, arguments: [Json; N]) -> Result<Json> {
        let mut line = vec![json!(command), json!(map)];
        line.extend(arguments);
        self.0.pipes.ask(&Json::Array(line).to_string()).with_context(|| format!("{command} {map}"))
    }
}

fn seen(answer: Json) -> Result<Option<Seen>> {
    if answer.is_null() {
        return Ok(None);
    }
    let type_name = answer[0].as_str().context("the type is no text")?.to_owned();
    Ok(Some(Seen { type_name, value: answer[1].clone() }))
}
