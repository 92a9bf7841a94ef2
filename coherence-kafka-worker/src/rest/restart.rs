//! Restarts of connectors and tasks.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Api, error, status_json};
use crate::worker::{CONFLICT, RequestError, TaskStatus};

/// `POST /connectors/{name}/restart`. A connector here consists of its tasks only, so without one of the two flags
/// nothing is restarted. Where Connect's standalone worker answers 500 for a name that it does not know, this answers
/// 404 as its distributed one.
pub(super) async fn connector(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    // As in Java, what is not "true" is false.
    let flag = |name: &str| query.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let (include_tasks, only_failed) = (flag("includeTasks"), flag("onlyFailed"));
    let tasks: Result<Vec<(TaskStatus, bool)>, RequestError> = if include_tasks {
        api.worker.restart_tasks(&name, only_failed)
    } else {
        let tasks = api.worker.status(&name).ok_or(RequestError::UnknownConnector);
        tasks.map(|tasks| tasks.into_iter().map(|task| (task, false)).collect())
    };
    match tasks {
        Err(reason) => refused(reason, &name, ""),
        Ok(_) if !include_tasks && !only_failed => StatusCode::NO_CONTENT.into_response(),
        Ok(tasks) => {
            let mut planned = status_json(&name, &api, tasks.iter().map(|(status, _)| status));
            if !only_failed {
                planned["connector"]["state"] = "RESTARTING".into();
            }
            for (number, _) in tasks.iter().enumerate().filter(|(_, (_, again))| *again) {
                planned["tasks"][number]["state"] = "RESTARTING".into();
            }
            (StatusCode::ACCEPTED, axum::Json(planned)).into_response()
        }
    }
}

/// `POST /connectors/{name}/tasks/{id}/restart`.
pub(super) async fn task(State(api): State<Api>, Path((name, id)): Path<(String, String)>) -> Response {
    let Ok(number) = id.parse::<u32>() else {
        return error(StatusCode::NOT_FOUND, "HTTP 404 Not Found");
    };
    match api.worker.restart_task(&name, number as usize) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => refused(reason, &name, &id),
    }
}

fn refused(reason: RequestError, name: &str, task: &str) -> Response {
    match reason {
        RequestError::UnknownConnector => error(StatusCode::NOT_FOUND, &format!("Unknown connector: {name}")),
        RequestError::UnknownTask => error(StatusCode::NOT_FOUND, &format!("Task {name}-{task} not found")),
        RequestError::Conflict | RequestError::NotEnded(_) => error(StatusCode::CONFLICT, CONFLICT),
    }
}
