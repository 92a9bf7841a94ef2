//! The page `GET /ui`: connectors and their tasks in a browser.
//!
//! Owns: the files of the page and their headers. Never does: anything else, the page uses only the REST API.
//!
//! ```text
//! page.html style.css icon.svg   the frame, and how it looks
//! app.js                         which view is shown; asks the worker every two seconds
//! browse.js                      entries of maps and dead letters, where the operator allows it
//! api.js metrics.js history.js   the REST API, the text of the metrics, and what they were in the last minutes
//! list.js detail.js form.js      the views: all connectors, one connector, its configuration
//! charts.js dialog.js dom.js     lines over time, questions, elements
//! ```

use axum::Router;
use axum::http::header;
use axum::response::Redirect;
use axum::routing::get;

/// The page loads only its own files and connects only to its own worker; no other page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Paths, media types and texts.
const FILES: [(&str, &str, &str); 14] = [
    ("/ui", HTML, include_str!("ui/page.html")),
    ("/ui/style.css", CSS, include_str!("ui/style.css")),
    ("/ui/icon.svg", SVG, include_str!("ui/icon.svg")),
    ("/ui/api.js", JAVASCRIPT, include_str!("ui/api.js")),
    ("/ui/app.js", JAVASCRIPT, include_str!("ui/app.js")),
    ("/ui/browse.js", JAVASCRIPT, include_str!("ui/browse.js")),
    ("/ui/charts.js", JAVASCRIPT, include_str!("ui/charts.js")),
    ("/ui/detail.js", JAVASCRIPT, include_str!("ui/detail.js")),
    ("/ui/dialog.js", JAVASCRIPT, include_str!("ui/dialog.js")),
    ("/ui/dom.js", JAVASCRIPT, include_str!("ui/dom.js")),
    ("/ui/form.js", JAVASCRIPT, include_str!("ui/form.js")),
    ("/ui/history.js", JAVASCRIPT, include_str!("ui/history.js")),
    ("/ui/list.js", JAVASCRIPT, include_str!("ui/list.js")),
    ("/ui/metrics.js", JAVASCRIPT, include_str!("ui/metrics.js")),
];

/// Returns the routes of the page.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // The addresses in the page are relative to a path without a slash at its end.
    let page = Router::new().route("/ui/", get(|| async { Redirect::permanent("../ui") }));
    FILES.into_iter().fold(page, |page, (path, media_type, text)| {
        let headers = [
            (header::CONTENT_TYPE, media_type),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // A newer program has newer files.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        page.route(path, get(move || async move { (headers, text) }))
    })
}

#[cfg(test)]
mod tests;
