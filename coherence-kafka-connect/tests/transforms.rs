//! What the transforms and predicates of Kafka Connect 4.3.1 itself made of records (`vectors/transforms.jsonl`), against
//! those of this crate.
//!
//! With `COHERENCE_KAFKA_CONNECT_VECTORS` the file is read from the folder that it names, so that new captures can be tried
//! without a change here. The last line shows how many cases passed. The program fails if one did not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program, where a panic is a failed case")]

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;

use coherence_kafka_connect::transform::{Classes, Transforms};
use serde_json::Value as Json;

#[path = "checks/notation.rs"]
mod notation;

use notation::{record, record_json, replace_classes, replace_surrogates, same, sorted};

const FILE: &str = "transforms.jsonl";
const CASES: &str = include_str!("vectors/transforms.jsonl");

/// Returns why a case has another outcome here, if it has.
fn on_purpose(case: &Json) -> Option<&'static str> {
    let class = case["class"].as_str().unwrap_or_default();
    let has = |option: &str| !case["config"][option].is_null();
    if class.contains("ReplaceField$") && (has("blacklist") || has("whitelist")) {
        return Some(
            "the former names blacklist and whitelist are accepted, which Connect ignores since 4.0",
        );
    }
    let message = case["error"]["message"].as_str().unwrap_or_default();
    let masks_big_integer = class.contains("MaskField$") && case["config"]["fields"] == "bi";
    if masks_big_integer && message == "Unable to convert 1.5 (class java.lang.String) to number" {
        return Some("no converter gives a BigInteger: it is a BigDecimal here, which 1.5 can replace");
    }
    None
}

fn main() -> ExitCode {
    let cases = match std::env::var_os("COHERENCE_KAFKA_CONNECT_VECTORS") {
        None => CASES.to_owned(),
        Some(folder) => {
            let path = Path::new(&folder).join(FILE);
            println!("reading {}", path.display());
            match std::fs::read_to_string(&path) {
                Ok(cases) => cases,
                Err(why) => {
                    println!("{FILE} not read: {why}");
                    println!("transforms: 0 passed, 1 failed");
                    return ExitCode::FAILURE;
                }
            }
        }
    };
    let (mut passed, mut failed) = (0, 0);
    let mut differing: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, line) in cases.lines().enumerate() {
        let what = match serde_json::from_str::<Json>(line) {
            Err(_) => Some(format!("line {}: no JSON", index + 1)),
            Ok(case) => {
                if let Some(reason) = on_purpose(&case) {
                    *differing.entry(reason).or_default() += 1;
                    continue;
                }
                let differs = catch_unwind(|| differs(&case)).unwrap_or(Some("panicked".to_owned()));
                differs.map(|what| format!("{} ({}): {what}", case["id"], case["note"]))
            }
        };
        match what {
            None => passed += 1,
            Some(what) => {
                failed += 1;
                println!("{what}");
            }
        }
    }
    for (reason, count) in differing {
        println!("{count} differ on purpose: {reason}");
    }
    if passed + failed == 0 {
        failed += 1;
        println!("nothing was checked");
    }
    println!("transforms: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn differs(case: &Json) -> Option<String> {
    let transforms = match Transforms::new(&Classes::default(), &properties(case)) {
        Ok(transforms) => transforms,
        Err(errors) if case["outcome"] == "config_error" => {
            let expected = config_message(case["error"]["message"].as_str().unwrap());
            let known = |message: &str| match expected {
                Message::Whole(expected) => bare(message) == expected,
                Message::Beginning(expected) => bare(message).starts_with(expected),
            };
            let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return (!texts.iter().any(|text| known(text)))
                .then(|| format!("expected {}, got {texts:?}", case["error"]));
        }
        Err(errors) => return Some(format!("not created: {errors:?}")),
    };
    match case["outcome"].as_str().unwrap() {
        "configured" => return None,
        "config_error" => return Some(format!("was created, expected {}", case["error"])),
        _ => {}
    }
    let input = replace_surrogates(&case["input"]);
    let applied = transforms.apply(record(&input));
    match (applied, case["outcome"].as_str().unwrap()) {
        // A predicate decides here whether a filter is applied.
        (Ok(None), "dropped" | "true") | (Ok(Some(_)), "false") => None,
        (Ok(Some(changed)), outcome @ ("record" | "unchanged")) => {
            let expected = if outcome == "record" { replace_surrogates(&case["output"]) } else { input };
            let (expected, ours) = (sorted(replace_classes(&expected)), sorted(record_json(&changed)));
            let wrong: Vec<_> = expected
                .as_object()
                .unwrap()
                .iter()
                .filter(|(name, expected)| !same(&ours[*name], expected))
                .map(|(name, expected)| format!("{name}: expected {expected}, got {}", ours[name]))
                .collect();
            (!wrong.is_empty()).then(|| wrong.join("; "))
        }
        (Err(failure), "error") => {
            let expected = &case["error"];
            let class = expected["class"].as_str().unwrap();
            // The messages of these two are the virtual machine's own words.
            let of_machine = class.ends_with("NullPointerException") || class.ends_with("ClassCastException");
            let wrong = failure.class != case["class"]
                || failure.error.exception().class_name() != class
                || !of_machine && failure.error.message() != message(expected["message"].as_str().unwrap());
            wrong.then(|| format!("expected {expected}, got {failure:?}"))
        }
        (got, expected) => Some(format!("expected {expected}, got {got:?}")),
    }
}

/// Returns the properties of a connector with the one transform, or with a filter under the one predicate.
fn properties(case: &Json) -> BTreeMap<String, String> {
    let class = case["class"].as_str().unwrap();
    let (list, prefix) = if class.contains(".predicates.") {
        ("predicates", "predicates.t.")
    } else {
        ("transforms", "transforms.t.")
    };
    let options = case["config"].as_object().unwrap().iter();
    let options =
        options.filter_map(|(name, value)| Some((format!("{prefix}{name}"), value.as_str()?.to_owned())));
    let mut properties: BTreeMap<_, _> = options.collect();
    properties.insert(list.to_owned(), "t".to_owned());
    properties.insert(format!("{prefix}type"), class.to_owned());
    if list == "predicates" {
        let filter = [("transforms", "f"), ("transforms.f.type", "Filter"), ("transforms.f.predicate", "t")];
        properties.extend(filter.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
    properties
}

/// Removes the prefix from the name of a setting that is missing, which this crate gives in full.
fn bare(message: &str) -> String {
    message.replace("\"transforms.t.", "\"").replace("\"predicates.t.", "\"")
}

#[derive(Clone, Copy)]
enum Message<'m> {
    Whole(&'m str),
    Beginning(&'m str),
}

/// Why an expression is none is not in Java's words here, and the hash of an object is not there.
fn config_message(message: &str) -> Message<'_> {
    for (marker, kept) in
        [("Invalid regex: ", true), (": org.apache.kafka.connect.transforms.InsertField$", false)]
    {
        if let Some(at) = message.find(marker) {
            return Message::Beginning(&message[..if kept { at + marker.len() } else { at }]);
        }
    }
    Message::Whole(message)
}

/// Errors here never hold what is in a record, which Connect's may.
fn message(theirs: &str) -> String {
    let theirs = theirs
        .replace("java.math.BigInteger", "java.math.BigDecimal")
        .replace("java.nio.HeapByteBuffer", "[B");
    if theirs.starts_with("Value (") && theirs.ends_with(") was out of range for requested data type") {
        return "Value was out of range for requested data type".to_owned();
    }
    if theirs.starts_with("Timestamp missing on record: ") {
        return "Timestamp missing on record".to_owned();
    }
    match theirs.rsplit_once(") does not match pattern (") {
        Some((begin, pattern)) if begin.starts_with("Could not parse timestamp: value (") => {
            format!("Could not parse timestamp: value does not match pattern ({pattern}")
        }
        _ => theirs,
    }
}
