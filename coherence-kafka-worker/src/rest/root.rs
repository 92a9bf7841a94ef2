//! What the worker is, and whether it is ready.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Api, VERSION, blocking};

/// `GET /`. The identifier of the cluster is null while no broker answers.
#[utoipa::path(
    get,
    path = "/",
    tag = "worker",
    operation_id = "root_info",
    responses((status = 200, description = "Version and cluster", body = serde_json::Value))
)]
pub(super) async fn info(State(api): State<Api>) -> Response {
    let worker = api.worker.clone();
    let cluster = blocking(move || worker.cluster_id()).await.flatten();
    let commit = option_env!("COHERENCE_KAFKA_COMMIT").unwrap_or("unknown");
    axum::Json(json!({"version": VERSION, "commit": commit, "kafka_cluster_id": cluster})).into_response()
}

/// `GET /health`. The worker is starting until the connectors of its files have started.
#[utoipa::path(
    get,
    path = "/health",
    tag = "worker",
    operation_id = "root_health",
    responses(
        (status = 200, description = "The worker runs", body = serde_json::Value),
        (status = 503, description = "The worker starts"),
    )
)]
pub(super) async fn health(State(api): State<Api>) -> Response {
    let (status, name, message) = if api.worker.is_ready() {
        (StatusCode::OK, "healthy", "Worker has completed startup and is ready to handle requests.")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting", "Worker is still starting up.")
    };
    (status, axum::Json(json!({"status": name, "message": message}))).into_response()
}
