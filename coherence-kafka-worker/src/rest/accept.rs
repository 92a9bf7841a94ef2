//! What holds for every request: the media types and methods that Connect knows.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tower_http::cors::CorsLayer;

use super::error;

/// Refuses a request whose client accepts no JSON, before anything is done.
pub(super) async fn json_only(request: Request, next: Next) -> Response {
    if accepts_json(request.headers()) {
        next.run(request).await
    } else {
        error(StatusCode::NOT_ACCEPTABLE, "HTTP 406 Not Acceptable")
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if ranges.peek().is_none() {
        return true;
    }
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| {
            let quality = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            quality.is_some_and(|quality| quality.trim().parse::<f32>().is_ok_and(|quality| quality <= 0.0))
        });
        !refused && ["*/*", "application/*", "application/json"].contains(&media_type.as_str())
    })
}

/// Answers `OPTIONS` with the methods of the resource.
pub(super) async fn options(request: Request, next: Next) -> Response {
    let asked = request.method() == Method::OPTIONS;
    let response = next.run(request).await;
    let allowed = response.headers().get(header::ALLOW).and_then(|allowed| allowed.to_str().ok());
    match allowed {
        Some(allowed) if asked && response.status() == StatusCode::METHOD_NOT_ALLOWED => {
            let methods: Vec<&str> = allowed.split(',').map(str::trim).chain(["OPTIONS"]).collect();
            let headers =
                [(header::CONTENT_TYPE, "text/plain".to_owned()), (header::ALLOW, methods.join(","))];
            (headers, methods.join(", ")).into_response()
        }
        _ => response,
    }
}

/// Answers browsers that load web pages of other origins.
///
/// A browser asks before it sends a request (`OPTIONS` with the method in a header). Any other `OPTIONS` is a client's
/// question for the methods of a resource.
pub(super) fn other_origins(resources: Router, cors: CorsLayer) -> Router {
    let crossing = TowerToHyperService::new(resources.clone().layer(cors));
    let resources = TowerToHyperService::new(resources);
    Router::new().fallback(async move |request: Request| {
        let is_client = request.method() == Method::OPTIONS
            && !request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let routes = if is_client { resources } else { crossing };
        routes.call(request).await
    })
}

/// Whether the body of a request is JSON, by its headers.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    media_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_by_its_name_its_ranges_and_where_nothing_is_asked_for() {
        let accepts = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT, value.parse().unwrap());
            }
            accepts_json(&headers)
        };
        assert!(accepts(&[]));
        for good in ["*/*", "application/json", "text/html, Application/JSON;q=0.1", "application/*;q=0.5"] {
            assert!(accepts(&[good]), "{good}");
        }
        assert!(accepts(&["text/html", "*/*"]));
        for bad in ["text/html", "application/xml", "application/json;q=0", "text/*", ""] {
            assert!(!accepts(&[bad]), "{bad}");
        }
    }
}
