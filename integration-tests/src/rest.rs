//! Requests of Connect's REST interface, to a sink or to a worker of Kafka Connect.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A worker answers each request within 90 seconds, also where it waits for something; one that is frozen does not.
const DEADLINE: Duration = Duration::from_secs(100);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// Null where the body is empty.
    pub body: Value,
}

/// Sends a request. An answer with an error is an answer.
///
/// # Errors
///
/// When there is no answer, or its body is no JSON.
pub fn call(method: &str, url: &str, content_type: Option<&str>, body: &str) -> Result<Answer> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(DEADLINE));
    let agent: ureq::Agent = agent.build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if let Some(content_type) = content_type {
        request = request.header("Content-Type", content_type);
    }
    let mut response = match body {
        "" => agent.run(request.body(())?)?,
        body => agent.run(request.body(body.as_bytes().to_vec())?)?,
    };
    let text = response.body_mut().read_to_string()?;
    let location = response.headers().get("Location").and_then(|l| l.to_str().ok()).map(str::to_owned);
    let body = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).with_context(|| format!("{method} {url}: {text}"))?,
    };
    Ok(Answer { status: response.status().as_u16(), location, body })
}

/// `GET` of a path of a worker.
///
/// # Errors
///
/// As [`call`].
pub fn get(worker: &str, path: &str) -> Result<Answer> {
    call("GET", &format!("{worker}{path}"), None, "")
}

/// A request to change something, with a body of JSON unless it is null.
///
/// # Errors
///
/// As [`call`].
pub fn change(worker: &str, method: &str, path: &str, body: &Value) -> Result<Answer> {
    let url = format!("{worker}{path}");
    match body {
        Value::Null => call(method, &url, None, ""),
        body => call(method, &url, Some("application/json"), &body.to_string()),
    }
}
