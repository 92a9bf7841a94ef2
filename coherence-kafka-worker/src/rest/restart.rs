//! Restarts of connectors and tasks.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::json::status_json;
use super::{Api, Refused, configure, error, internal, of_connector, tasks};
use crate::worker::{CONFLICT, CreateError, RequestError, Worker};

/// `POST /connectors/{name}/restart`. Without `includeTasks` a connector is restarted that could not be started; of
/// another one nothing would be.
#[utoipa::path(
    post,
    path = "/connectors/{name}/restart",
    tag = "connectors",
    operation_id = "restart_connector",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("includeTasks" = Option<bool>, Query, description = "Restarts its tasks too"),
        ("onlyFailed" = Option<bool>, Query, description = "Restarts only what has failed"),
    ),
    responses(
        (status = 202, description = "The states, with what restarts", body = serde_json::Value),
        (status = 204, description = "The connector is restarted"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn connector(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    // As in Java, what is not "true" is false.
    let flag = |name: &str| query.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let (include_tasks, only_failed) = (flag("includeTasks"), flag("onlyFailed"));
    let Some(before) = api.worker.status(&name) else {
        return refused(RequestError::UnknownConnector, &name, "");
    };
    let restarted = if include_tasks { api.worker.restart_tasks(&name, only_failed) } else { Ok(Vec::new()) };
    let restarted = match restarted {
        Ok(restarted) => restarted,
        Err(reason) => return refused(reason, &name, ""),
    };
    let mut planned = status_json(&name, &api, &before);
    let fails = before.failure.is_some();
    if fails || !only_failed {
        planned["connector"]["state"] = "RESTARTING".into();
    }
    for (number, _) in restarted.iter().enumerate().filter(|(_, restarts)| **restarts) {
        if let Some(task) = planned["tasks"].get_mut(number) {
            task["state"] = "RESTARTING".into();
        }
    }
    match of_connector(&api, &name, Worker::restart).await {
        Some(Ok(())) if !include_tasks && !only_failed => StatusCode::NO_CONTENT.into_response(),
        Some(Ok(())) => (StatusCode::ACCEPTED, axum::Json(planned)).into_response(),
        Some(Err(CreateError::Unknown(_))) => refused(RequestError::UnknownConnector, &name, ""),
        Some(Err(reason)) => configure::refused(&reason),
        None => internal(),
    }
}

/// `POST /connectors/{name}/tasks/{id}/restart`.
#[utoipa::path(
    post,
    path = "/connectors/{name}/tasks/{task}/restart",
    tag = "tasks",
    operation_id = "restart_task",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("task" = u32, Path, description = "The number of the task"),
    ),
    responses(
        (status = 204, description = "The task restarts"),
        (status = 404, description = "It does not exist"),
        (status = 409, description = "Another operation is running"),
    )
)]
pub(super) async fn task(
    State(api): State<Api>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let outcome = usize::try_from(tasks::number(&id)?).map_err(|_| RequestError::UnknownTask);
    Ok(match outcome.and_then(|number| api.worker.restart_task(&name, number)) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => refused(reason, &name, &id),
    })
}

fn refused(reason: RequestError, name: &str, task: &str) -> Response {
    match reason {
        RequestError::UnknownConnector => error(StatusCode::NOT_FOUND, &format!("Unknown connector: {name}")),
        RequestError::UnknownTask => error(StatusCode::NOT_FOUND, &format!("Task {name}-{task} not found")),
        RequestError::Conflict | RequestError::NotEnded(_) => error(StatusCode::CONFLICT, CONFLICT),
    }
}
