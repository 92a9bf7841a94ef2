//! The description of the REST interface, generated from its handlers.

use axum::response::{IntoResponse, Response};
use utoipa::OpenApi as _;

use super::{browse, configure, connectors, loggers, offsets, plugins, restart, root, tasks, topics};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Kafka Connect worker for Coherence",
        description = "The REST interface of Kafka Connect. An error is an object with `error_code` and `message`.",
    ),
    paths(
        root::info,
        root::health,
        connectors::list,
        configure::create,
        connectors::info,
        connectors::delete,
        connectors::config,
        configure::replace,
        configure::patch,
        connectors::status,
        connectors::pause,
        connectors::resume,
        connectors::stop,
        restart::connector,
        tasks::list,
        tasks::configure,
        tasks::status,
        restart::task,
        topics::list,
        topics::reset,
        offsets::list,
        offsets::alter,
        offsets::reset,
        tasks::fence,
        loggers::list,
        loggers::info,
        loggers::set,
        plugins::list,
        plugins::definitions,
        plugins::validate,
        browse::features,
        browse::maps,
        browse::list,
        browse::dead_letters,
        super::measure,
        document,
    )
)]
struct Api;

/// `GET /openapi.json`. Connect has no such resource.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "worker",
    operation_id = "openapi",
    responses((status = 200, description = "This document", body = serde_json::Value))
)]
pub(super) async fn document() -> Response {
    axum::Json(Api::openapi()).into_response()
}
