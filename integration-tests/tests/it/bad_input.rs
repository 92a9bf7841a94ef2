//! What a user reads when something is wrong with records, settings, servers or certificates: what, where and what to
//! do. And that nothing beside the culprit is lost.

mod checks;
mod credentials;
mod kafka_tls;
mod maps;
mod offsets;
mod peers;
mod records;
mod settings;
mod tls;

use std::process::Output;

use integration_tests::sandbox::Folder;
use integration_tests::sink::{self, Settings};

/// What the command has printed, and its exit code.
struct Printed {
    code: Option<i32>,
    text: String,
}

impl Printed {
    /// Asserts that each of `parts` stands in the text.
    #[track_caller]
    fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.text.contains(part), "{part:?} is not in\n{}", self.text);
        }
    }
}

impl From<Output> for Printed {
    fn from(output: Output) -> Self {
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        Self { code: output.status.code(), text }
    }
}

/// Runs the command with `arguments` before a worker's and a connector's file; without settings there is no file.
fn run(arguments: &[&str], worker: Settings<'_>, connector: Settings<'_>) -> Printed {
    let folder = Folder::new("files").unwrap();
    let mut all: Vec<_> = arguments.iter().map(Into::into).collect();
    for (name, settings) in [("worker.properties", worker), ("connector.properties", connector)] {
        if !settings.is_empty() {
            all.push(sink::write_properties(folder.path(), name, settings).unwrap().into_os_string());
        }
    }
    sink::run(all).unwrap().into()
}
