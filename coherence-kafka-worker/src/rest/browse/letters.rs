//! Dead letters, as JSON.

use std::time::Duration;

use axum::http::StatusCode;
use coherence_kafka_rdkafka::record::{Header, RawRecord};
use coherence_kafka_rdkafka::topic_reader::ReadError;
use coherence_kafka_rdkafka::topic_tail::read_tail;
use serde_json::{Value, json};

use super::super::Refused;
use super::shown::Shown;
use super::unavailable;
use crate::plugin::DeadLetterTopic;

/// Maximum bytes of the text of a header.
const HEADER_BYTES: usize = 4 << 10;
/// Maximum bytes of all headers of a dead letter; further ones are left out.
const LETTER_BYTES: usize = 32 << 10;

/// Reads the last `limit` dead letters. Blocks until then.
pub(super) fn read(topic: &DeadLetterTopic, limit: usize, patience: Duration) -> Result<Value, Refused> {
    let letters = match read_tail(&topic.settings, &topic.name, limit, patience, letter) {
        Ok(letters) => letters,
        // The first dead letter has not been written.
        Err(ReadError::NoTopic(_)) => Vec::new(),
        Err(error) if error.is_retriable() => return Err(unavailable(error.to_string())),
        Err(error) => return Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    };
    Ok(json!({"topic": topic.name, "dead_letters": letters}))
}

fn letter(record: &RawRecord<'_>) -> Value {
    let (headers, are_all) = headers(&record.headers());
    json!({
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp().map(|timestamp| timestamp.millis),
        "headers": headers,
        "cut": !are_all,
    })
}

/// Returns the headers, and whether these are all.
fn headers(all: &[Header]) -> (Vec<Value>, bool) {
    let mut shown = Vec::new();
    let mut bytes = 0;
    for (name, value) in all {
        let size = |len: usize| len.min(HEADER_BYTES);
        bytes += size(name.len()) + value.as_ref().map_or(0, |value| size(value.len()));
        if bytes > LETTER_BYTES {
            return (shown, false);
        }
        let value = value.as_ref().map(|value| Shown::text(value, HEADER_BYTES).to_json());
        let name = Shown::text(name.as_bytes(), HEADER_BYTES).into_text();
        shown.push(json!({"name": name, "value": value}));
    }
    (shown, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_shown_as_text_null_or_digits() {
        let header = |name: &str, value: Option<&[u8]>| (name.to_owned(), value.map(<[u8]>::to_vec));
        let all = [
            header("a", Some("é".as_bytes())),
            header("a", None),
            header("b", Some(b"")),
            header("c", Some(&[0xFF])),
        ];
        let (shown, are_all) = headers(&all);
        assert!(are_all);
        assert_eq!(
            shown[0],
            json!({"name": "a", "value": {"text": "é", "bytes": 2, "cut": false, "problem": null}})
        );
        assert_eq!(shown[1], json!({"name": "a", "value": null}));
        assert_eq!(shown[2]["value"]["text"], "");
        assert_eq!(shown[3]["value"]["text"], "ff");
        assert!(shown[3]["value"]["problem"].is_string());
    }

    #[test]
    fn the_headers_of_a_dead_letter_are_bounded() {
        let all = vec![("n".to_owned(), Some(vec![b'x'; 1 << 20])); 100];
        let (shown, are_all) = headers(&all);
        assert!(!are_all && shown.len() < 10, "{}", shown.len());
        assert_eq!(shown[0]["value"]["text"].as_str().unwrap().len(), HEADER_BYTES);
        assert_eq!(shown[0]["value"]["cut"], true);
    }
}
