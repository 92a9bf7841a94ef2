//! What Kafka Connect 4.3.1 writes (`vectors/from-connect.jsonl`, captured on Java 25, time zone UTC).
//!
//! One case a line: `{id, note, converter, role, config, schema, value, outcome, hex?, text?, error?}`. Schemas and values are
//! in the notation of the other vectors. The outcome is `bytes` (`hex`, and `text` where it is UTF-8), `null` (a tombstone)
//! or `error`; causes that are the Java machine's own words are left out.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::notation::{schema, unhex, value};
use super::{Either, create};

/// Returns how the answer to a case differs from Connect's.
pub(crate) fn differs(case: &Json) -> Option<String> {
    let options = case["config"].as_object().unwrap();
    let options: BTreeMap<_, _> =
        options.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
    let schema = schema(&case["schema"]);
    let value = value(&case["value"], schema.as_ref());
    let got = match create(case, &options) {
        Ok(Either::Data(converter)) => converter.from_connect("t", &mut Vec::new(), schema.as_ref(), &value),
        Ok(Either::Header(converter)) => converter.from_connect_header("t", "h", schema.as_ref(), &value),
        Err(errors) => return Some(format!("not created: {errors:?}")),
    };
    let matches = match (&got, case["outcome"].as_str().unwrap()) {
        (Ok(Some(bytes)), "bytes") => *bytes == unhex(case["hex"].as_str().unwrap()),
        (Ok(None), "null") => true,
        (Err(error), "error") => {
            error.exception().class_name() == case["error"]["class"]
                && error.message() == case["error"]["message"]
        }
        _ => false,
    };
    (!matches).then(|| {
        let got = got.map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        format!("expected {} {} {}, got {got:?}", case["outcome"], case["text"], case["error"])
    })
}
