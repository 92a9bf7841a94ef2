//! The topics that connectors use.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, json};

use super::{Api, error, internal, of_connector, unavailable};
use crate::worker::RequestError;

/// `GET /connectors/{name}/topics`. As in Connect, a connector that does not exist uses none.
#[utoipa::path(
    get,
    path = "/connectors/{name}/topics",
    tag = "topics",
    operation_id = "topics_list",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "The topics that the connector uses", body = serde_json::Value),
        (status = 403, description = "Topics are not tracked"),
    )
)]
pub(super) async fn list(State(api): State<Api>, Path(name): Path<String>) -> Response {
    if !api.herder.worker().config().topic_tracking {
        return disabled();
    }
    let topics = api.herder.topics(&name);
    axum::Json(Map::from_iter([(name, json!({"topics": topics}))])).into_response()
}

/// `PUT /connectors/{name}/topics/reset`.
#[utoipa::path(
    put,
    path = "/connectors/{name}/topics/reset",
    tag = "topics",
    operation_id = "topics_reset",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 202, description = "The list of topics is empty"),
        (status = 403, description = "The list may not be reset"),
    )
)]
pub(super) async fn reset(State(api): State<Api>, Path(name): Path<String>) -> Response {
    if !api.herder.worker().config().topic_tracking {
        return disabled();
    }
    if !api.herder.worker().config().topic_tracking_reset {
        return error(StatusCode::FORBIDDEN, "Topic tracking reset is disabled.");
    }
    match of_connector(&api, &name, |herder, name| herder.forget_topics(name)).await {
        Some(Ok(())) => StatusCode::ACCEPTED.into_response(),
        Some(Err(RequestError::Unavailable(reason))) => unavailable(&reason),
        Some(Err(_)) | None => internal(),
    }
}

fn disabled() -> Response {
    error(StatusCode::FORBIDDEN, "Topic tracking is disabled.")
}
