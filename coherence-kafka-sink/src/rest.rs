//! The part of Connect's REST API that creates, shows and deletes connectors.
//!
//! Owns: HTTP and JSON. Never does: what the answers are about, that is the worker's.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::worker::{ConnectorInfo, CreateError, TaskStatus, Worker};
use coherence_kafka_connect::config::Properties;

/// The version that statuses carry.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone)]
struct Api {
    worker: Arc<Worker>,
    worker_id: Arc<str>,
}

/// The routes, for a worker that is known as `worker_id` (`host:port`).
pub fn router(worker: Arc<Worker>, worker_id: &str) -> Router {
    Router::new()
        .route("/connectors", get(list).post(create))
        .route("/connectors/{name}", get(info).delete(delete))
        .route("/connectors/{name}/status", get(status))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "HTTP 404 Not Found") })
        .method_not_allowed_fallback(|| async {
            error(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
        })
        .with_state(Api { worker, worker_id: worker_id.into() })
}

async fn list(State(api): State<Api>) -> Response {
    axum::Json(api.worker.names()).into_response()
}

async fn info(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.worker.info(&name) {
        Some(info) => axum::Json(info_json(&info)).into_response(),
        None => not_found(&name),
    }
}

async fn status(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.worker.status(&name) {
        Some(tasks) => axum::Json(status_json(&name, &api.worker_id, &tasks)).into_response(),
        None => not_found(&name),
    }
}

async fn delete(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let outcome = blocking({
        let (worker, name) = (api.worker.clone(), name.clone());
        move || worker.delete(&name)
    });
    match outcome.await {
        Some(true) => StatusCode::NO_CONTENT.into_response(),
        Some(false) => not_found(&name),
        None => internal(),
    }
}

async fn create(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Response {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !media_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP 415 Unsupported Media Type");
    }
    let properties = match create_request(&body) {
        Ok(properties) => properties,
        Err(reason) => return error(StatusCode::BAD_REQUEST, &reason),
    };
    let worker = api.worker.clone();
    match blocking(move || worker.create(&properties)).await {
        Some(Ok(info)) => {
            let location = format!("http://{}/connectors/{}", api.worker_id, path_segment(&info.name));
            (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(info_json(&info)))
                .into_response()
        }
        Some(Err(exists @ CreateError::Exists(_))) => error(StatusCode::CONFLICT, &exists.to_string()),
        Some(Err(CreateError::Invalid(errors))) => {
            let lines: Vec<String> = errors.errors.iter().map(ToString::to_string).collect();
            error(
                StatusCode::BAD_REQUEST,
                &format!(
                    "Connector configuration is invalid and contains the following {} error(s):\n{}",
                    lines.len(),
                    lines.join("\n")
                ),
            )
        }
        Some(Err(other)) => error(StatusCode::INTERNAL_SERVER_ERROR, &other.to_string()),
        None => internal(),
    }
}

/// Reads `{"name": …, "config": {…}}`. Where Connect answers 500 to a body that it cannot read, this says what
/// is wrong with it.
fn create_request(body: &[u8]) -> Result<Properties, String> {
    let request: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let Value::Object(members) = request else {
        return Err("the body must be a JSON object with the members name and config".to_owned());
    };
    if let Some(unknown) = members.keys().find(|k| !["name", "config", "initial_state"].contains(&k.as_str()))
    {
        return Err(format!(
            "unknown member {unknown:?}: a create request has name, config and initial_state"
        ));
    }
    match members.get("initial_state") {
        None | Some(Value::Null) => {}
        Some(Value::String(state)) if state.eq_ignore_ascii_case("running") => {}
        Some(_) => return Err("initial_state: only RUNNING is supported".to_owned()),
    }
    let Some(Value::Object(config)) = members.get("config") else {
        return Err("the member config is missing, or not a JSON object".to_owned());
    };
    let mut settings = BTreeMap::new();
    for (key, value) in config {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(format!("config.{key}: the value must be a text, a number or a boolean")),
        };
        settings.insert(key.clone(), text);
    }
    let name = match members.get("name") {
        Some(Value::String(name)) => name.trim().to_owned(),
        None => settings.get("name").map_or_else(String::new, |name| name.trim().to_owned()),
        Some(_) => return Err("the member name must be a text".to_owned()),
    };
    match settings.get("name") {
        Some(inner) if inner.trim() != name => {
            return Err(
                "Connector name configuration in config does not match the name of the request".to_owned()
            );
        }
        _ => settings.insert("name".to_owned(), name),
    };
    Ok(Properties::from_pairs("request", settings))
}

fn info_json(info: &ConnectorInfo) -> Value {
    let tasks: Vec<Value> =
        (0..info.tasks).map(|task| json!({"connector": info.name, "task": task})).collect();
    json!({"name": info.name, "config": info.config, "tasks": tasks, "type": "sink"})
}

fn status_json(name: &str, worker_id: &str, tasks: &[TaskStatus]) -> Value {
    let tasks: Vec<Value> = tasks
        .iter()
        .enumerate()
        .map(|(id, task)| {
            let state = if task.failure.is_some() { "FAILED" } else { "RUNNING" };
            let mut status = json!({"id": id, "state": state, "worker_id": worker_id, "version": VERSION});
            if let Some(failure) = &task.failure {
                status["trace"] = Value::String(failure.to_string());
            }
            status
        })
        .collect();
    json!({
        "name": name,
        "connector": {"state": "RUNNING", "worker_id": worker_id, "version": VERSION},
        "tasks": tasks,
        "type": "sink",
    })
}

/// Creating and deleting waits for threads, which the HTTP tasks must not.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn not_found(name: &str) -> Response {
    error(StatusCode::NOT_FOUND, &format!("Connector {name} not found"))
}

fn internal() -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, "the request ended unexpectedly")
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({"error_code": status.as_u16(), "message": message}))).into_response()
}

fn path_segment(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
