//! The tasks of connectors.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::json::task_json;
use super::{Api, Refused, error, not_found};

/// `GET /connectors/{name}/tasks`: each with the configuration of the connector, which is all that it has.
#[utoipa::path(
    get,
    path = "/connectors/{name}/tasks",
    tag = "tasks",
    operation_id = "tasks_list",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "The tasks and their settings", body = serde_json::Value),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn list(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let Some(info) = api.herder.info(&name) else { return not_found(&name).into_response() };
    let class = api.herder.worker().plugin().description().task_class;
    let mut config = info.config;
    config.insert("task.class".to_owned(), class.to_owned());
    let task = |number| json!({"id": {"connector": name, "task": number}, "config": config});
    axum::Json((0..info.tasks).map(task).collect::<Vec<Value>>()).into_response()
}

/// `GET /connectors/{name}/tasks/{id}/status`.
#[utoipa::path(
    get,
    path = "/connectors/{name}/tasks/{task}/status",
    tag = "tasks",
    operation_id = "tasks_status",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("task" = u32, Path, description = "The number of the task"),
    ),
    responses(
        (status = 200, description = "The state of the task", body = serde_json::Value),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn status(
    State(api): State<Api>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let number = number(&id)?;
    let tasks = api.herder.status(&name).map(|status| status.tasks).unwrap_or_default();
    let found = u32::try_from(number).ok().and_then(|number| Some((number, tasks.get(&number)?)));
    let (number, task) = found.ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, format!("No status found for task {name}-{number}"))
    })?;
    Ok(axum::Json(task_json(number, task)).into_response())
}

/// `POST /connectors/{name}/tasks`, which the workers of one Connect cluster send each other.
#[utoipa::path(
    post,
    path = "/connectors/{name}/tasks",
    tag = "tasks",
    operation_id = "tasks_configure",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 400, description = "Only the workers of a Connect cluster send this request"),
        (status = 500, description = "The same, in standalone mode"),
    )
)]
pub(super) async fn configure(State(api): State<Api>) -> Response {
    internal_request(&api, "does not support externally setting task configurations")
}

/// `PUT /connectors/{name}/fence`, likewise.
#[utoipa::path(
    put,
    path = "/connectors/{name}/fence",
    tag = "tasks",
    operation_id = "tasks_fence",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 400, description = "Only the workers of a Connect cluster send this request"),
        (status = 500, description = "The same, in standalone mode"),
    )
)]
pub(super) async fn fence(State(api): State<Api>) -> Response {
    internal_request(&api, "does not support exactly-once source connectors")
}

fn internal_request(api: &Api, what: &str) -> Response {
    if api.is_distributed() {
        return error(StatusCode::BAD_REQUEST, "Internal request missing required signature");
    }
    let message = format!("Kafka Connect in standalone mode {what}.");
    error(StatusCode::INTERNAL_SERVER_ERROR, &message)
}

/// Reads the number of a task as Connect does; a text that is none is a path that does not exist.
pub(super) fn number(id: &str) -> Result<i32, Refused> {
    id.parse().map_err(|_| Refused::new(StatusCode::NOT_FOUND, "HTTP 404 Not Found"))
}
