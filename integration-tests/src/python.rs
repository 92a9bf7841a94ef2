//! The official Python client (`peers/python/client.py`): another independent reader and writer of maps.

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

/// The running client. Dropping it ends it.
#[derive(Debug)]
pub struct PythonClient {
    pipes: Pipes,
    // The log lies in the folder, so the process has to be gone first.
    _process: Process,
    _folder: Folder,
}

impl PythonClient {
    /// Connects one to the grid at `address`. It speaks the format `json`, whatever the grid's serializer is.
    ///
    /// # Errors
    ///
    /// When the client cannot be installed, or does not reach the grid; with the end of its log.
    pub fn start(address: &str) -> Result<Self> {
        let folder = Folder::new("python")?;
        let mut command = Command::new(peers::python()?);
        command.arg(peers::sources("python").join("client.py"));
        command.env("COHERENCE_SERVER_ADDRESS", address).env("PYTHONUTF8", "1");
        let log = folder.path().join("client.log");
        let (process, input, output) = Process::start_piped("the Python client", command, &log)?;
        let pipes = Pipes::new("the Python client", input, output);
        pipes.ready(START_DEADLINE).with_context(|| process.log_end())?;
        Ok(Self { pipes, _process: process, _folder: folder })
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
        self.pipes.ask(&Json::Array(line).to_string()).with_context(|| format!("{command} {map}"))
    }
}

fn seen(answer: Json) -> Result<Option<Seen>> {
    if answer.is_null() {
        return Ok(None);
    }
    let type_name = answer[0].as_str().context("the type is no text")?.to_owned();
    Ok(Some(Seen { type_name, value: answer[1].clone() }))
}
