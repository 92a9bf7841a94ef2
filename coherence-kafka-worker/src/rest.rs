//! Connect's REST API; and the metrics.
//!
//! Owns: HTTP and JSON, and the threads that serve them (`rest/server.rs`). Never does: the operations themselves,
//! which are the worker's.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use serde_json::json;

use crate::config::{AdminListeners, ResponseHeader, RestConfig};
use crate::herder::{Herder, StandaloneHerder, VERSION};
use crate::worker::Worker;
use crate::{metrics, ui};

mod accept;
mod authentication;
mod body;
mod browse;
mod configure;
mod connectors;
mod json;
mod limits;
mod loggers;
mod offsets;
mod openapi;
mod plugins;
mod restart;
mod root;
mod server;
mod tasks;
mod topics;

pub use server::{Endpoint, Server};

/// How long a request may take, as in Connect. An operation that it has started continues.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

#[derive(Clone)]
struct Api {
    herder: Arc<dyn Herder>,
    /// Where others reach this interface, without a slash at the end.
    url: Arc<str>,
    browsing: browse::Places,
}

impl Api {
    /// Whether the worker is one of a cluster.
    fn is_distributed(&self) -> bool {
        self.herder.worker().config().distributed.is_some()
    }
}

/// Returns the routes of a worker that is alone and known as `worker_id` (`host:port`), without those below `/admin` if
/// these have listeners of their own.
pub fn router(worker: Arc<Worker>, worker_id: &str) -> Router {
    router_of(Arc::new(StandaloneHerder::new(worker, worker_id)))
}

/// Returns the routes of a worker, without those below `/admin` if these have listeners of their own.
pub(crate) fn router_of(herder: Arc<dyn Herder>) -> Router {
    let worker = herder.worker();
    let has_admin = worker.config().rest.admin == AdminListeners::Shared;
    let routes = routes().into_iter().chain(plugins::routes());
    let has_page = worker.config().ui;
    let routes = routes.chain(browse::routes().into_iter().filter(|_| has_page));
    let routes = with_slashes(routes.filter(|(path, _)| has_admin || !is_admin(path)));
    let routes = routes.route("/metrics", get(measure)).route("/metrics/", get(measure));
    let routes =
        routes.route("/openapi.json", get(openapi::document)).route("/openapi.json/", get(openapi::document));
    let routes = if has_page { routes.merge(ui::routes()) } else { routes };
    serving(routes, herder)
}

/// Returns the routes below `/admin`, for listeners of their own.
pub(crate) fn admin_router(herder: Arc<dyn Herder>) -> Router {
    serving(with_slashes(routes().into_iter().filter(|(path, _)| is_admin(path))), herder)
}

fn is_admin(path: &str) -> bool {
    path.starts_with("/admin/")
}

type Route = (&'static str, MethodRouter<Api>);

fn routes() -> [Route; 19] {
    [
        ("/", get(root::info)),
        ("/health", get(root::health)),
        ("/connectors", get(connectors::list).post(configure::create)),
        ("/connectors/{name}", get(connectors::info).delete(connectors::delete)),
        (
            "/connectors/{name}/config",
            get(connectors::config).put(configure::replace).patch(configure::patch),
        ),
        ("/connectors/{name}/status", get(connectors::status)),
        ("/connectors/{name}/pause", put(connectors::pause)),
        ("/connectors/{name}/resume", put(connectors::resume)),
        ("/connectors/{name}/stop", put(connectors::stop)),
        ("/connectors/{name}/restart", post(restart::connector)),
        ("/connectors/{name}/tasks", get(tasks::list).post(tasks::configure)),
        ("/connectors/{name}/tasks/{task}/status", get(tasks::status)),
        ("/connectors/{name}/tasks/{task}/restart", post(restart::task)),
        ("/connectors/{name}/topics", get(topics::list)),
        ("/connectors/{name}/topics/reset", put(topics::reset)),
        ("/connectors/{name}/offsets", get(offsets::list).patch(offsets::alter).delete(offsets::reset)),
        ("/connectors/{name}/fence", put(tasks::fence)),
        ("/admin/loggers", get(loggers::list)),
        ("/admin/loggers/{logger}", get(loggers::info).put(loggers::set)),
    ]
}

/// As in Connect, a slash at the end of a path changes nothing.
fn with_slashes(routes: impl Iterator<Item = Route>) -> Router<Api> {
    let mut router = Router::new();
    for (path, methods) in routes {
        router = router.route(path, methods.clone());
        if path != "/" {
            router = router.route(&format!("{path}/"), methods);
        }
    }
    router.route_layer(from_fn(accept::json_only))
}

/// Adds what holds for every request.
fn serving(routes: Router<Api>, herder: Arc<dyn Herder>) -> Router {
    let RestConfig { limits, users, cors, headers, advertised, .. } = herder.worker().config().rest.clone();
    let url = format!("{}://{}", advertised.scheme, herder.worker_id());
    let resources = routes
        .fallback(|| async { error(StatusCode::NOT_FOUND, "HTTP 404 Not Found") })
        .method_not_allowed_fallback(|| async {
            error(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
        })
        .layer(from_fn(within_the_timeout))
        .layer(DefaultBodyLimit::max(limits.body_bytes));
    let resources = match users {
        Some(users) => resources.layer(from_fn_with_state(Arc::new(users), authentication::require)),
        None => resources,
    };
    let resources = resources
        .layer(from_fn_with_state(limits::Places::new(limits), limits::admit))
        .with_state(Api { herder, url: url.into(), browsing: browse::Places::default() });
    // The methods of a resource are known outside of it.
    let resources = Router::new().fallback_service(resources).layer(from_fn(accept::options));
    let resources = match cors {
        Some(cors) => accept::other_origins(resources, cors),
        None => resources,
    };
    if headers.is_empty() {
        return resources;
    }
    resources.layer(from_fn_with_state(Arc::<[ResponseHeader]>::from(headers), with_headers))
}

async fn with_headers(
    State(headers): State<Arc<[ResponseHeader]>>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = next.run(request).await;
    for header in headers.iter() {
        header.apply(answer.headers_mut(), SystemTime::now());
    }
    answer
}

async fn within_the_timeout(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "Request timed out"))
}

#[utoipa::path(
    get,
    path = "/metrics",
    tag = "worker",
    operation_id = "metrics",
    responses(
        (status = 200, description = "The metrics, for Prometheus", body = String, content_type = "text/plain"),
    )
)]
async fn measure(State(api): State<Api>) -> Response {
    match metrics::text(api.herder.worker()) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response(),
        Err(_) => internal(),
    }
}

/// Creating and ending waits for threads, which the HTTP tasks must not.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// Has the worker do to a connector what may take a while.
async fn of_connector<T: Send + 'static>(
    api: &Api,
    name: &str,
    operation: impl FnOnce(&dyn Herder, &str) -> T + Send + 'static,
) -> Option<T> {
    let (herder, name) = (api.herder.clone(), name.to_owned());
    blocking(move || operation(&*herder, &name)).await
}

fn unavailable(reason: &str) -> Response {
    error(StatusCode::SERVICE_UNAVAILABLE, reason)
}

fn not_found(name: &str) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("Connector {name} not found"))
}

fn internal() -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, "the request ended unexpectedly")
}

fn error(status: StatusCode, message: &str) -> Response {
    Refused::new(status, message).into_response()
}

/// Why a request is not done; an answer in Connect's form.
struct Refused {
    status: StatusCode,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused { status, message } = self;
        (status, axum::Json(json!({"error_code": status.as_u16(), "message": message}))).into_response()
    }
}

#[cfg(test)]
mod tests;
