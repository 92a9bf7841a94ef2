//! What Kafka Connect 4.3.1 itself answered (`vectors/converters.jsonl`, `vectors/from-connect.jsonl`), against the
//! converters of this crate.
//!
//! With `COHERENCE_KAFKA_CONNECT_VECTORS` the files are read from the folder that it names, so that new captures can be
//! tried without a change here. The last lines show how many cases passed. The program fails if one did not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program, where a panic is a failed case")]

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use coherence_kafka_connect::converter::{self, Converter, HeaderConverter, OptionError, Role};
use coherence_kafka_connect::data::Value;
use serde_json::Value as Json;

use notation::{optional_schema_json, replace_surrogates, same, sorted, unhex, value_json};

#[path = "checks/from_connect.rs"]
mod from_connect;
#[path = "checks/notation.rs"]
mod notation;

const FILE: &str = "converters.jsonl";
const CASES: &str = include_str!("vectors/converters.jsonl");
const FROM_FILE: &str = "from-connect.jsonl";
const FROM_CASES: &str = include_str!("vectors/from-connect.jsonl");

fn main() -> ExitCode {
    let mut tally = Tally::default();
    let mut from = Tally::default();
    match std::env::var_os("COHERENCE_KAFKA_CONNECT_VECTORS") {
        None => {
            tally.cases(CASES, differs);
            from.cases(FROM_CASES, from_connect::differs);
        }
        Some(folder) => {
            let folder = Path::new(&folder);
            println!("reading {}", folder.display());
            tally.file(folder, FILE, differs);
            from.file(folder, FROM_FILE, from_connect::differs);
        }
    }
    if tally.passed + tally.failed + from.passed + from.failed == 0 {
        tally.failed += 1;
        println!("nothing was checked");
    }
    println!("from connect: {} passed, {} failed", from.passed, from.failed);
    println!("vectors: {} passed, {} failed", tally.passed, tally.failed);
    if tally.failed + from.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns how the answer to a case differs from Connect's.
type Check = fn(&Json) -> Option<String>;

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn file(&mut self, folder: &Path, file: &str, check: Check) {
        match std::fs::read_to_string(folder.join(file)) {
            Ok(cases) => self.cases(&cases, check),
            Err(why) => println!("{file} not read: {why}"),
        }
    }

    fn cases(&mut self, cases: &str, check: Check) {
        for (index, line) in cases.lines().enumerate() {
            let Ok(case) = serde_json::from_str::<Json>(line) else {
                self.failed += 1;
                println!("line {}: no JSON", index + 1);
                continue;
            };
            match catch_unwind(|| check(&case)).unwrap_or(Some("panicked".to_owned())) {
                None => self.passed += 1,
                Some(what) => {
                    self.failed += 1;
                    println!("{} ({}): {what}", case["id"], case["note"]);
                }
            }
        }
    }
}

fn differs(case: &Json) -> Option<String> {
    let options: BTreeMap<String, String> = case["config"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let converter = match create(case, &options) {
        Ok(converter) => converter,
        Err(errors) if case["outcome"] == "config_error" => {
            let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
            let expected = case["error"]["message"].as_str().unwrap();
            return (texts.len() != 1 || !texts[0].starts_with(expected))
                .then(|| format!("expected {expected}, got {texts:?}"));
        }
        Err(errors) => return Some(format!("not created: {errors:?}")),
    };
    if case["outcome"] == "config_error" {
        return Some("was created".to_owned());
    }
    let bytes = case["hex"].as_str().map(unhex);
    let got = match &converter {
        Either::Data(converter) => converter.to_connect("t", &(), bytes.as_deref()),
        Either::Header(converter) => converter.to_connect_header("t", "h", bytes.as_deref()),
    };
    match (got, case["outcome"].as_str().unwrap()) {
        // Java returned no schema and value at all.
        (Ok(data), "null") => (data.schema.is_some() || data.value != Value::Null)
            .then(|| format!("expected nothing, got {data:?}")),
        (Ok(data), "value") => {
            let schema = optional_schema_json(data.schema.as_deref().map(|schema| &**schema));
            let value = sorted(value_json(&data.value));
            let expected = sorted(replace_surrogates(&case["value"]));
            (schema != case["schema"] || !same(&value, &expected))
                .then(|| format!("expected {} {expected}, got {schema} {value}", case["schema"]))
        }
        (Err(error), "error") => {
            let expected = &case["error"];
            let mut wrong = error.exception().class_name() != expected["class"].as_str().unwrap()
                || error.message() != expected["message"].as_str().unwrap();
            // The cause of Kafka's own deserializers is part of our text.
            if let Some(cause) = expected["causes"].get(0)
                && cause["class"] == "org.apache.kafka.common.errors.SerializationException"
                && !cause["message"].as_str().unwrap().starts_with("com.fasterxml.jackson")
            {
                wrong |= !error.to_string().contains(cause["message"].as_str().unwrap());
            }
            wrong.then(|| format!("expected {expected}, got {error:?}"))
        }
        (got, expected) => Some(format!("expected {expected}, got {got:?}")),
    }
}

enum Either {
    Data(Arc<dyn Converter>),
    Header(Arc<dyn HeaderConverter>),
}

fn create(case: &Json, options: &BTreeMap<String, String>) -> Result<Either, Vec<OptionError>> {
    let class = case["converter"].as_str().unwrap();
    match case["role"].as_str().unwrap() {
        "header" => converter::create_header(class, options).map(Either::Header),
        role => {
            let role = if role == "key" { Role::Key } else { Role::Value };
            converter::create(class, role, options).map(Either::Data)
        }
    }
}
