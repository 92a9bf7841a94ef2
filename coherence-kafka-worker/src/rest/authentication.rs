//! Basic authentication of every request.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::error;
use crate::config::Users;

/// Answers 401 where a request has no credentials of one of the users.
pub(super) async fn require(State(users): State<Arc<Users>>, request: Request, next: Next) -> Response {
    if credentials(request.headers()).is_some_and(|credentials| users.admit(&credentials)) {
        return next.run(request).await;
    }
    let answer = error(StatusCode::UNAUTHORIZED, "User cannot access the resource.");
    ([(header::WWW_AUTHENTICATE, "Basic realm=\"Kafka Connect\"")], answer).into_response()
}

fn credentials(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    BASE64_STANDARD.decode(credentials.trim()).ok()
}
