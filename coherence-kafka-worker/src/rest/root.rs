//! What the worker is, and whether it is ready.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Api, VERSION, blocking};
use crate::herder::Health;

/// `GET /`. The identifier of the cluster is null while no broker answers.
#[utoipa::path(
    get,
    path = "/",
    tag = "worker",
    operation_id = "root_info",
    responses((status = 200, description = "Version and cluster", body = serde_json::Value))
)]
pub(super) async fn info(State(api): State<Api>) -> Response {
    let worker = api.herder.worker().clone();
    let cluster = blocking(move || worker.cluster_id()).await.flatten();
    let commit = option_env!("COHERENCE_KAFKA_COMMIT").unwrap_or("unknown");
    axum::Json(json!({"version": VERSION, "commit": commit, "kafka_cluster_id": cluster})).into_response()
}

/// `GET /health`.
#[utoipa::path(
    get,
    path = "/health",
    tag = "worker",
    operation_id = "root_health",
    responses(
        (status = 200, description = "The worker runs", body = serde_json::Value),
        (status = 500, description = "The worker cannot be used now"),
        (status = 503, description = "The worker starts"),
    )
)]
pub(super) async fn health(State(api): State<Api>) -> Response {
    let (status, name, message) = match api.herder.health() {
        Health::Ready => {
            let message = "Worker has completed startup and is ready to handle requests.";
            (StatusCode::OK, "healthy", message.to_owned())
        }
        Health::Starting(reason) => (StatusCode::SERVICE_UNAVAILABLE, "starting", reason),
        Health::Unhealthy(reason) => (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy", reason),
    };
    (status, axum::Json(json!({"status": name, "message": message}))).into_response()
}
