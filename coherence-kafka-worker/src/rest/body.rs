//! The bodies of requests. Where Connect answers 500 to a body that it cannot read, these answer with the cause.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use coherence_kafka_connect::config::def::trim;
use coherence_kafka_connect::config::json::{Members, members, setting, text};
use coherence_kafka_connect::config::{Properties, TargetState};

use super::{Refused, accept};

/// A request that creates a connector.
#[derive(Debug)]
pub(super) struct Create {
    /// Its configuration, with the name.
    pub config: Properties,
    /// The state in which it begins.
    pub target: TargetState,
}

/// Reads the body of a request as JSON, and that by `read`. As Java's reader does, it passes over a byte order mark.
pub(super) fn read<T>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Refused> {
    if !accept::is_json(headers) {
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP 415 Unsupported Media Type"));
    }
    let body = body.map_err(|refused| Refused::new(refused.status(), refused.body_text()))?;
    let bad = |reason: String| Refused::new(StatusCode::BAD_REQUEST, reason);
    let text = std::str::from_utf8(&body).map_err(|error| bad(format!("the body is not UTF-8: {error}")))?;
    read(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(bad)
}

/// Reads an object.
pub(super) fn object<'b>(body: &'b str, expected: &str) -> Result<Members<'b>, String> {
    let members = members(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    members.ok_or_else(|| format!("the body must be a JSON object {expected}"))
}

/// Reads `{"name": …, "config": {…}, "initial_state": …}`. A number of the configuration stays as it is written.
pub(super) fn create(body: &str) -> Result<Create, String> {
    let request = object(body, "with the members name and config")?;
    let known = ["name", "config", "initial_state"];
    if let Some((unknown, _)) = request.iter().find(|(name, _)| !known.contains(name)) {
        return Err(format!(
            "unknown member {unknown:?}: a create request has name, config and initial_state"
        ));
    }
    let target = match request.get("initial_state") {
        None => TargetState::default(),
        Some(state) if state.get() == "null" => TargetState::default(),
        Some(state) => text(state)
            .and_then(|state| TargetState::parse(&state))
            .ok_or("initial_state: must be RUNNING, PAUSED or STOPPED")?,
    };
    let config = request.get("config").and_then(|config| members(config.get()).ok().flatten());
    let Some(config) = config else {
        return Err("the member config is missing, or not a JSON object".to_owned());
    };
    let name = match request.get("name") {
        None => String::new(),
        Some(name) if name.get() == "null" => String::new(),
        Some(name) => setting(name).ok_or("the member name must be a text")?,
    };
    Ok(Create { config: named(&name, settings(&config)?)?, target })
}

/// Reads the configuration of the connector of this name.
pub(super) fn config(name: &str, body: &str) -> Result<Properties, String> {
    named(name, settings(&object(body, "with the settings of the connector")?)?)
}

/// Reads settings to change; `None` removes one.
pub(super) fn patch(body: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let patch = object(body, "with settings of the connector")?;
    let change = |(key, value): (&str, &serde_json::value::RawValue)| {
        let removes = value.get() == "null";
        let value = setting(value);
        if value.is_none() && !removes {
            return Err(not_a_setting(key));
        }
        Ok((key.to_owned(), value))
    };
    patch.iter().map(change).collect()
}

fn settings(config: &Members<'_>) -> Result<Vec<(String, String)>, String> {
    let setting = |(key, value): (&str, &serde_json::value::RawValue)| match setting(value) {
        Some(value) => Ok((key.to_owned(), value)),
        None if value.get() == "null" => {
            Err(format!("config.{key}: Null value can not be supplied as the configuration value."))
        }
        None => Err(not_a_setting(key)),
    };
    config.iter().map(setting).collect()
}

fn not_a_setting(key: &str) -> String {
    format!("config.{key}: the value must be a text, a number or a boolean")
}

/// Adds the name, which the settings may repeat.
pub(super) fn named(name: &str, mut settings: Vec<(String, String)>) -> Result<Properties, String> {
    let name = trim(name).to_owned();
    match settings.iter().find(|(key, _)| key == "name") {
        Some((_, inner)) if trim(inner) == name => settings.retain(|(key, _)| key != "name"),
        Some((_, inner)) => {
            return Err(format!(
                "Connector name configuration ({inner}) doesn't match connector name in the URL ({name})"
            ));
        }
        None => {}
    }
    if !settings.iter().any(|(key, _)| key == "connector.class") {
        return Err(format!("Connector config {{name={name}}} contains no connector type"));
    }
    settings.push(("name".to_owned(), name));
    Ok(Properties::from_pairs("request", settings))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config(body: &str) -> BTreeMap<String, String> {
        create(body).unwrap().config.to_map()
    }

    #[test]
    fn numbers_come_back_as_they_are_written() {
        let written =
            ["1.50", "1e3", "1E3", "1.0E+2", "-0", "12345678901234567890123456789", "0.10", "1e400"];
        for number in written {
            let config = config(&format!(
                r#"{{"name":"s","config":{{"connector.class":"C","a": {number} ,"b":true,"c":"1e3"}}}}"#
            ));
            assert_eq!(config["a"], number);
            assert_eq!((config["b"].as_str(), config["c"].as_str()), ("true", "1e3"));
        }
    }

    #[test]
    fn texts_lose_their_escapes_and_of_repeated_members_the_last_counts() {
        let config =
            config(r#"{"config":{"connector.class":"C","a":"1","b":"\u00e9\n\"","a":"2"},"name":" s "}"#);
        assert_eq!(
            (config["a"].as_str(), config["b"].as_str(), config["name"].as_str()),
            ("2", "é\n\"", "s")
        );
    }

    #[test]
    fn a_connector_begins_in_the_state_that_is_asked_for() {
        let target = |state: &str| {
            let body =
                format!(r#"{{"name":"s","config":{{"connector.class":"C"}},"initial_state":{state}}}"#);
            create(&body).unwrap().target
        };
        assert_eq!(target("null"), TargetState::Running);
        assert_eq!(target(r#""paused""#), TargetState::Paused);
        assert_eq!(target(r#""STOPPED""#), TargetState::Stopped);
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
            (r#"{"name":"s","config":{"tasks.max":null}}"#, "config.tasks.max: Null value can not be"),
            (r#"{"name":"s","config":{"a":{}}}"#, "config.a: the value must be"),
            (r#"{"name":[],"config":{}}"#, "name must be a text"),
            (r#"{"name":"s","config":{},"initial_state":1}"#, "initial_state"),
            (r#"{"name":"s","config":{},"initial_state":"RUN"}"#, "must be RUNNING, PAUSED or STOPPED"),
            (r#"{"name":"s","config":{}}"#, "Connector config {name=s} contains no connector type"),
            (r#"{"name":"s","config":{"name":"t"}}"#, "(t) doesn't match connector name in the URL (s)"),
        ] {
            let reason = create(body).unwrap_err();
            assert!(reason.contains(part), "{body}: {reason}");
        }
    }

    #[test]
    fn a_body_is_json_in_utf_8_perhaps_after_a_byte_order_mark() {
        let mut headers = HeaderMap::new();
        let status = |headers: &HeaderMap, body: &'static [u8]| {
            let text = read(headers, Ok(Bytes::from_static(body)), |text| Ok(text.to_owned()));
            text.map_err(|refused| refused.status.as_u16())
        };
        assert_eq!(status(&headers, b"{}"), Err(415));
        headers.insert("content-type", "Application/JSON; charset=utf-8".parse().unwrap());
        assert_eq!(status(&headers, b"\xef\xbb\xbf{}").as_deref(), Ok("{}"));
        assert_eq!(status(&headers, b"\xff"), Err(400));
    }
}
