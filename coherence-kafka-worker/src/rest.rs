//! The part of Connect's REST API that creates, shows, restarts and deletes connectors; and the metrics.
//!
//! Owns: HTTP and JSON, and the threads that serve them (`rest/server.rs`). Never does: the operations themselves,
//! which are the worker's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::{Map, Value, json};

use crate::metrics;
use crate::worker::{CONFLICT, ConnectorInfo, CreateError, RequestError, TaskStatus, Worker};

mod create;
mod restart;
mod server;

pub use server::Server;

/// How long a request may take, as in Connect. An operation that it has started continues.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// The version that statuses carry.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone)]
struct Api {
    worker: Arc<Worker>,
    worker_id: Arc<str>,
}

/// Returns the routes, for a worker that is known as `worker_id` (`host:port`).
pub fn router(worker: Arc<Worker>, worker_id: &str) -> Router {
    let routes: [(&str, MethodRouter<Api>); 6] = [
        ("/connectors", get(list).post(create)),
        ("/connectors/{name}", get(info).delete(delete)),
        ("/connectors/{name}/status", get(status)),
        ("/connectors/{name}/restart", post(restart::connector)),
        ("/connectors/{name}/tasks/{task}/restart", post(restart::task)),
        ("/metrics", get(measure)),
    ];
    let mut router = Router::new();
    for (path, methods) in routes {
        // As in Connect, a slash at the end changes nothing.
        router = router.route(path, methods.clone()).route(&format!("{path}/"), methods);
    }
    router
        .fallback(|| async { error(StatusCode::NOT_FOUND, "HTTP 404 Not Found") })
        .method_not_allowed_fallback(|| async {
            error(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
        })
        .layer(from_fn(within_the_timeout))
        .with_state(Api { worker, worker_id: worker_id.into() })
}

async fn within_the_timeout(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "Request timed out"))
}

/// `GET /connectors`, with the status or the configuration of each where `expand` asks for it.
async fn list(State(api): State<Api>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let names = api.worker.names();
    let expand: Vec<&str> =
        query.iter().filter(|(key, _)| key == "expand").map(|(_, value)| value.as_str()).collect();
    if expand.is_empty() {
        return axum::Json(names).into_response();
    }
    let connector = |name: String| {
        let (info, tasks) = (api.worker.info(&name)?, api.worker.status(&name)?);
        let mut expanded = Map::new();
        for wanted in &expand {
            match *wanted {
                "status" => expanded.insert("status".to_owned(), status_json(&name, &api, &tasks)),
                "info" => expanded.insert("info".to_owned(), info_json(&info)),
                _ => None,
            };
        }
        Some((name, Value::Object(expanded)))
    };
    // One that is deleted meanwhile is left out.
    axum::Json(names.into_iter().filter_map(connector).collect::<Map<_, _>>()).into_response()
}

async fn info(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.worker.info(&name) {
        Some(info) => axum::Json(info_json(&info)).into_response(),
        None => not_found(&name),
    }
}

async fn status(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.worker.status(&name) {
        Some(tasks) => axum::Json(status_json(&name, &api, &tasks)).into_response(),
        None => not_found(&name),
    }
}

async fn measure(State(api): State<Api>) -> Response {
    match metrics::text(&api.worker) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response(),
        Err(_) => internal(),
    }
}

async fn delete(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let outcome = blocking({
        let (worker, name) = (api.worker.clone(), name.clone());
        move || worker.delete(&name)
    });
    match outcome.await {
        Some(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Some(Err(RequestError::UnknownConnector | RequestError::UnknownTask)) => not_found(&name),
        Some(Err(RequestError::Conflict)) => error(StatusCode::CONFLICT, CONFLICT),
        Some(Err(RequestError::NotEnded(tasks))) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!(
                "Connector {name} is not deleted yet: {tasks} of its tasks are still stopping; it is deleted when they \
                 have stopped"
            ),
        ),
        None => internal(),
    }
}

async fn create(State(api): State<Api>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !media_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP 415 Unsupported Media Type");
    }
    let properties = match body.map(|body| create::request(&body)) {
        Ok(Ok(properties)) => properties,
        Ok(Err(reason)) => return error(StatusCode::BAD_REQUEST, &reason),
        Err(refused) => return error(refused.status(), &refused.body_text()),
    };
    let worker = api.worker.clone();
    match blocking(move || worker.create(&properties)).await {
        Some(Ok(info)) => {
            let location = format!("http://{}/connectors/{}", api.worker_id, path_segment(&info.name));
            (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(info_json(&info)))
                .into_response()
        }
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
        Some(Err(other)) => {
            let status = match other {
                CreateError::Exists(_) | CreateError::Conflict => StatusCode::CONFLICT,
                CreateError::TooManyTasks { .. } => StatusCode::BAD_REQUEST,
                CreateError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
                CreateError::Invalid(_) | CreateError::NotStarted { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            };
            error(status, &other.to_string())
        }
        None => internal(),
    }
}

fn info_json(info: &ConnectorInfo) -> Value {
    let tasks: Vec<Value> =
        (0..info.tasks).map(|task| json!({"connector": info.name, "task": task})).collect();
    json!({"name": info.name, "config": info.config, "tasks": tasks, "type": info.kind.name()})
}

fn status_json<'t>(name: &str, api: &Api, tasks: impl IntoIterator<Item = &'t TaskStatus>) -> Value {
    let worker_id = &api.worker_id;
    let tasks: Vec<Value> = tasks
        .into_iter()
        .enumerate()
        .map(|(id, task)| {
            let state = if task.failure.is_some() { "FAILED" } else { "RUNNING" };
            let mut status = json!({"id": id, "state": state, "worker_id": **worker_id, "version": VERSION});
            if let Some(failure) = &task.failure {
                status["trace"] = Value::String(failure.to_string());
            }
            status
        })
        .collect();
    // Connect's word for a connector whose start is under way.
    let state = if tasks.is_empty() { "UNASSIGNED" } else { "RUNNING" };
    json!({
        "name": name,
        "connector": {"state": state, "worker_id": **worker_id, "version": VERSION},
        "tasks": tasks,
        "type": api.worker.config().plugin().description().kind.name(),
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
