//! What the page shows of the data: entries of maps, and the headers of dead letters. Off unless `ui.browse.enable=true`.
//!
//! Owns: these routes, and what their questions may use: two at once, each for a bounded time, on the threads and with
//! the clients of the REST interface. Never does: change anything at a grid or a broker, or log what it reads.
//!
//! ```text
//! browse/entries.rs   a page of entries, or the entries of a key, as JSON
//! browse/place.rs     where a page begins, as the text that clients keep
//! browse/key.rs       a key as a reader types it, as the binaries that it may be
//! browse/shown.rs     a binary as a text of bounded length     browse/pof.rs   the same of a POF value
//! browse/hex.rs       bytes as digits
//! browse/letters.rs   dead letters as JSON
//! ```

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use coherence_kafka_common::map::MapError;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::entries::Which;
use super::{Api, Refused, Route, blocking, internal, not_found, of_connector};
use crate::plugin::{Connector, Context};
use crate::worker::RequestError;

mod entries;
mod hex;
mod key;
mod letters;
mod place;
mod pof;
mod shown;

/// Questions that are answered at once.
const AT_ONCE: usize = 2;
/// How long a grid has to answer one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum entries of a page, and how many there are without the parameter.
const PAGE: (usize, usize) = (100, 50);
/// The same of dead letters.
const LETTERS: (usize, usize) = (50, 20);

/// The places for questions.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

pub(super) fn routes() -> [Route; 4] {
    [
        ("/ui/api", get(features)),
        ("/ui/api/connectors/{name}/maps", get(maps)),
        ("/ui/api/connectors/{name}/maps/{map}/entries", get(list)),
        ("/ui/api/connectors/{name}/dead-letters", get(dead_letters)),
    ]
}

/// `GET /ui/api`.
#[utoipa::path(
    get,
    path = "/ui/api",
    tag = "page",
    operation_id = "page_features",
    responses((status = 200, description = "Whether entries and dead letters are shown", body = serde_json::Value))
)]
pub(super) async fn features(State(api): State<Api>) -> Response {
    axum::Json(json!({"browse": api.herder.worker().config().browse})).into_response()
}

/// `GET /ui/api/connectors/{name}/maps`.
#[utoipa::path(
    get,
    path = "/ui/api/connectors/{name}/maps",
    tag = "page",
    operation_id = "page_maps",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "Its maps, and whether it has a topic of dead letters", body = serde_json::Value),
        (status = 404, description = "It does not exist, or browsing is off"),
    )
)]
pub(super) async fn maps(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Refused> {
    let _place = admitted(&api)?;
    let (connector, maps) = connector(&api, &name).await?;
    let letters = connector.dead_letters(&api.herder.worker().context()).map(|topic| topic.name);
    Ok(axum::Json(json!({"maps": maps, "dead_letters": letters})).into_response())
}

/// The parameters of a question.
type Parameters = HashMap<String, String>;

/// `GET /ui/api/connectors/{name}/maps/{map}/entries`.
#[utoipa::path(
    get,
    path = "/ui/api/connectors/{name}/maps/{map}/entries",
    tag = "page",
    operation_id = "page_entries",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("map" = String, Path, description = "One of its maps"),
        ("limit" = Option<usize>, Query, description = "Maximum entries of the page, 1 to 100; 50 without it"),
        ("after" = Option<String>, Query, description = "The member `next` of the page before"),
        ("key" = Option<String>, Query, description = "Only the entries with this key, as JSON or as text"),
        ("binary" = Option<String>, Query, description = "Only the entry with this key, in hexadecimal digits"),
    ),
    responses(
        (status = 200, description = "The entries, and where the next page begins", body = serde_json::Value),
        (status = 400, description = "A parameter is refused"),
        (status = 404, description = "The connector or the map does not exist, or browsing is off"),
        (status = 503, description = "The grid does not answer, or other questions are being answered"),
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    Path((name, map)): Path<(String, String)>,
    Query(query): Query<Parameters>,
) -> Result<Response, Refused> {
    let _place = admitted(&api)?;
    let limit = limit_of(&query, PAGE)?;
    let (connector, maps) = connector(&api, &name).await?;
    if !maps.contains(&map) {
        let message = format!("Connector {name} has no map {map}");
        return Err(Refused::new(StatusCode::NOT_FOUND, message));
    }
    // Records move on the worker's runtime; this session lives on that of the REST interface.
    let runtime = Handle::current();
    let context = Context { runtime: &runtime, ..api.herder.worker().context() };
    let session = connector.open_maps(&context).map_err(conflict)?;
    let which = match (query.get("key"), query.get("binary")) {
        (Some(text), None) => Which::Keys(key::binaries(text, session.format()).map_err(bad)?),
        (None, Some(digits)) => Which::Keys(vec![key::of_hex(digits).map_err(bad)?]),
        (None, None) => {
            let place = query.get("after").map(|after| after.parse()).transpose().map_err(bad)?;
            Which::Page { place: place.unwrap_or_default(), limit }
        }
        (Some(_), Some(_)) => return Err(bad("use one of the parameters key and binary")),
    };
    answer(PATIENCE, entries::read(&*session, &map, which)).await.map(IntoResponse::into_response)
}

/// `GET /ui/api/connectors/{name}/dead-letters`.
#[utoipa::path(
    get,
    path = "/ui/api/connectors/{name}/dead-letters",
    tag = "page",
    operation_id = "page_dead_letters",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("limit" = Option<usize>, Query, description = "How many of the last ones, 1 to 50; 20 without it"),
    ),
    responses(
        (status = 200, description = "The last dead letters with their headers", body = serde_json::Value),
        (status = 404, description = "The connector does not exist or has none, or browsing is off"),
        (status = 503, description = "Kafka does not answer, or other questions are being answered"),
    )
)]
pub(super) async fn dead_letters(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<Parameters>,
) -> Result<Response, Refused> {
    let place = admitted(&api)?;
    let limit = limit_of(&query, LETTERS)?;
    let (connector, _) = connector(&api, &name).await?;
    let Some(topic) = connector.dead_letters(&api.herder.worker().context()) else {
        let message =
            format!("Connector {name} has no topic of dead letters: set errors.deadletterqueue.topic.name");
        return Err(Refused::new(StatusCode::NOT_FOUND, message));
    };
    let read = blocking(move || {
        // Kept by the thread that reads, whether its client waits or not.
        let _place = place;
        letters::read(&topic, limit, PATIENCE)
    });
    match read.await {
        Some(letters) => Ok(axum::Json(letters?).into_response()),
        None => Ok(internal()),
    }
}

/// Lets a question be answered, if browsing is on and a place is free.
fn admitted(api: &Api) -> Result<OwnedSemaphorePermit, Refused> {
    if !api.herder.worker().config().browse {
        let message = "Browsing is off: set ui.browse.enable=true in the worker's configuration";
        return Err(Refused::new(StatusCode::NOT_FOUND, message));
    }
    let place = api.browsing.0.clone().try_acquire_owned();
    place.map_err(|_| unavailable(format!("{AT_ONCE} questions for data are being answered: retry later")))
}

/// Returns a connector with the names of its maps.
async fn connector(api: &Api, name: &str) -> Result<(Arc<dyn Connector>, BTreeSet<String>), Refused> {
    let found = of_connector(api, name, |herder, name| {
        let connector = herder.connector(name)?;
        let mut maps = connector.maps(&herder.topics(name));
        maps.append(&mut herder.worker().maps(name));
        Ok((connector, maps))
    });
    match found.await {
        Some(Ok(found)) => Ok(found),
        Some(Err(RequestError::Unavailable(reason))) => Err(unavailable(reason)),
        Some(Err(_)) => Err(not_found(name)),
        None => Err(unavailable("the request ended unexpectedly")),
    }
}

/// Returns the answer of a question to a grid.
async fn answer(
    patience: Duration,
    question: impl Future<Output = Result<Value, MapError>>,
) -> Result<axum::Json<Value>, Refused> {
    match timeout(patience, question).await {
        Ok(Ok(answer)) => Ok(axum::Json(answer)),
        Ok(Err(error @ MapError::Misuse(_))) => Err(bad(error.to_string())),
        Ok(Err(error)) if error.is_retriable() => Err(unavailable(error.to_string())),
        Ok(Err(error)) => Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        Err(_) => Err(unavailable(format!("the grid did not answer within {} s", patience.as_secs()))),
    }
}

/// Returns how many are asked for.
fn limit_of(query: &Parameters, (most, without): (usize, usize)) -> Result<usize, Refused> {
    let Some(limit) = query.get("limit") else { return Ok(without) };
    let limit = limit.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| bad(format!("the parameter limit must be 1 to {most}")))
}

fn bad(message: impl Into<String>) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, message)
}

fn conflict(message: String) -> Refused {
    Refused::new(StatusCode::CONFLICT, message)
}

fn unavailable(message: impl Into<String>) -> Refused {
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

#[cfg(test)]
mod tests;
