//! The body of a request that creates a connector.

use std::collections::BTreeMap;

use coherence_kafka_connect::config::Properties;
use coherence_kafka_connect::config::json::{members, setting, text};

/// Reads `{"name": …, "config": {…}}`. Where Connect answers 500 to a body that it cannot read, this answers with the
/// cause. As Java's reader does, it passes over a byte order mark, and keeps a number as it is written.
pub(super) fn request(body: &[u8]) -> Result<Properties, String> {
    let body = std::str::from_utf8(body).map_err(|error| format!("the body is not UTF-8: {error}"))?;
    let request = members(body.strip_prefix('\u{feff}').unwrap_or(body))
        .map_err(|error| format!("the body is not JSON: {error}"))?
        .ok_or("the body must be a JSON object with the members name and config")?;
    let known = ["name", "config", "initial_state"];
    if let Some((unknown, _)) = request.iter().find(|(name, _)| !known.contains(name)) {
        return Err(format!(
            "unknown member {unknown:?}: a create request has name, config and initial_state"
        ));
    }
    match request.get("initial_state").map(|state| (state.get(), text(state))) {
        None | Some(("null", _)) => {}
        Some((_, Some(state))) if state.eq_ignore_ascii_case("running") => {}
        Some(_) => return Err("initial_state: only RUNNING is supported".to_owned()),
    }
    let config = request.get("config").and_then(|config| members(config.get()).ok().flatten());
    let Some(config) = config else {
        return Err("the member config is missing, or not a JSON object".to_owned());
    };
    let mut settings = BTreeMap::new();
    for (key, value) in config.iter() {
        let Some(value) = setting(value) else {
            return Err(format!("config.{key}: the value must be a text, a number or a boolean"));
        };
        settings.insert(key.to_owned(), value);
    }
    let name = match request.get("name") {
        None => settings.get("name").cloned().unwrap_or_default(),
        Some(name) => text(name).ok_or("the member name must be a text")?,
    };
    let name = name.trim();
    match settings.get("name") {
        Some(inner) if inner.trim() != name => {
            return Err(
                "Connector name configuration in config does not match the name of the request".to_owned()
            );
        }
        _ => settings.insert("name".to_owned(), name.to_owned()),
    };
    Ok(Properties::from_pairs("request", settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(body: &str) -> BTreeMap<String, String> {
        request(body.as_bytes()).unwrap().to_map()
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let config = config("\u{feff}{\"name\":\"s\",\"config\":{\"topics\":\"t\"}}");
        assert_eq!((config["name"].as_str(), config["topics"].as_str()), ("s", "t"));
    }

    #[test]
    fn numbers_come_back_as_they_are_written() {
        let written =
            ["1.50", "1e3", "1E3", "1.0E+2", "-0", "12345678901234567890123456789", "0.10", "1e400"];
        for number in written {
            let config = config(&format!(r#"{{"name":"s","config":{{"a": {number} ,"b":true,"c":"1e3"}}}}"#));
            assert_eq!(config["a"], number);
            assert_eq!((config["b"].as_str(), config["c"].as_str()), ("true", "1e3"));
        }
    }

    #[test]
    fn texts_lose_their_escapes_and_of_repeated_members_the_last_counts() {
        let config = config(r#"{"config":{"a":"1","b":"\u00e9\n\"","a":"2"},"name":" s "}"#);
        assert_eq!(
            (config["a"].as_str(), config["b"].as_str(), config["name"].as_str()),
            ("2", "é\n\"", "s")
        );
    }

    #[test]
    fn a_body_that_is_no_create_request_is_refused_with_the_reason() {
        for (body, part) in [
            ("", "not JSON"),
            ("{}}", "not JSON"),
            (r#"{"name":"s","config":{"topics":"t"}}}"#, "not JSON"),
            (r#"{"name":"s","config":{"a":1e}}"#, "not JSON"),
            (r#"{"name":"s","config":{"a":tru}}"#, "not JSON"),
            ("null", "must be a JSON object"),
            ("[1]", "must be a JSON object"),
            (r#"{"name":"s","config":null}"#, "config is missing"),
            (r#"{"name":"s","config":{"tasks.max":null}}"#, "config.tasks.max: the value must be"),
            (r#"{"name":"s","config":{"a":{}}}"#, "config.a: the value must be"),
            (r#"{"name":null,"config":{}}"#, "name must be a text"),
            (r#"{"name":"s","config":{},"initial_state":1}"#, "initial_state"),
        ] {
            let reason = request(body.as_bytes()).unwrap_err();
            assert!(reason.contains(part), "{body}: {reason}");
        }
        assert!(request(b"\xff").unwrap_err().contains("not UTF-8"));
    }
}
