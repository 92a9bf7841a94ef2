//! A peer that answers commands over its standard input and output: a line for each, answers in JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use serde_json::Value as Json;

const ANSWER_DEADLINE: Duration = Duration::from_secs(120);

/// Both pipes of a peer. Its commands come one after the other, from whichever thread.
#[derive(Debug)]
pub(crate) struct Pipes {
    peer: &'static str,
    ends: Mutex<Ends>,
}

#[derive(Debug)]
struct Ends {
    commands: ChildStdin,
    answers: Receiver<String>,
}

impl Pipes {
    /// `peer` names it in errors: `the grid`.
    pub(crate) fn new(peer: &'static str, commands: ChildStdin, output: ChildStdout) -> Self {
        let (lines, answers) = mpsc::channel();
        // A thread of its own, because a pipe cannot be read with a deadline.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        Self { peer, ends: Mutex::new(Ends { commands, answers }) }
    }

    /// Waits for the answer that reports its start.
    pub(crate) fn ready(&self, deadline: Duration) -> Result<()> {
        self.answer(&self.ends.lock(), deadline)?;
        Ok(())
    }

    /// Sends a line without its end and waits for what is in the `ok` of the answer.
    pub(crate) fn ask(&self, line: &str) -> Result<Json> {
        let mut ends = self.ends.lock();
        let sent = ends.commands.write_all(format!("{line}\n").as_bytes());
        sent.with_context(|| format!("{} is down", self.peer))?;
        self.answer(&ends, ANSWER_DEADLINE)
    }

    fn answer(&self, ends: &Ends, deadline: Duration) -> Result<Json> {
        let peer = self.peer;
        let line = match ends.answers.recv_timeout(deadline) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => bail!("{peer} did not answer within {deadline:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("{peer} has ended"),
        };
        let mut answer: Json =
            serde_json::from_str(&line).with_context(|| format!("the answer of {peer} is no JSON"))?;
        match answer.get_mut("ok") {
            Some(ok) => Ok(ok.take()),
            None => bail!("{peer} refused: {}", answer["error"].as_str().unwrap_or_default()),
        }
    }
}
