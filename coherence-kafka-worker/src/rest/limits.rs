//! What a request may use: the size of its body, and one of the places for requests.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::error;
use crate::config::RestLimits;

/// The places for requests, on all listeners together.
#[derive(Clone)]
pub(super) struct Places {
    limits: RestLimits,
    free: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new(limits: RestLimits) -> Self {
        Self { limits, free: Arc::new(Semaphore::new(limits.requests)) }
    }
}

/// Refuses a request that has no place, or whose body is known to be too large, before anything is done.
///
/// A probe of the worker's health has a place always: a busy REST interface is no reason to restart the process.
pub(super) async fn admit(State(places): State<Places>, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length > places.limits.body_bytes)
    {
        return too_large(&places);
    }
    let _place = match places.free.try_acquire() {
        Ok(place) => Some(place),
        Err(_) if request.uri().path().trim_end_matches('/') == "/health" => None,
        Err(_) => return busy(&format!("{} requests are being processed", places.limits.requests)),
    };
    let answer = next.run(request).await;
    // The length of a body in chunks is known only when it has been read.
    if answer.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large(&places) } else { answer }
}

fn too_large(places: &Places) -> Response {
    let message = format!(
        "the body is larger than {} bytes: send less, or raise coherence.rest.body.max.bytes",
        places.limits.body_bytes
    );
    error(StatusCode::PAYLOAD_TOO_LARGE, &message)
}

/// Answers that all places are taken.
pub(super) fn busy(why: &str) -> Response {
    let answer = error(StatusCode::SERVICE_UNAVAILABLE, &format!("{why}: retry later"));
    ([(header::RETRY_AFTER, "1")], answer).into_response()
}
