//! Reading all of a map, page by page.

use bytes::Bytes;
use coherence_kafka_common::map::{KeyPage, MapError};
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tokio::task::JoinHandle;

use super::{BYTES_VALUE, RemoteMap};
use crate::answer;
use crate::proto::cache::NamedCacheRequestType as Kind;
use crate::request::Request;

/// One page, and how to ask for the next one.
struct Page<T> {
    items: Vec<T>,
    next: Option<Place>,
}

/// Where a scan stands.
#[derive(Debug, Clone, Default)]
struct Place {
    /// Empty before the first page.
    cookie: Bytes,
    /// [`SessionCore::replaced`](crate::session_core::SessionCore::replaced) when the first page was asked for.
    replaced: Option<u64>,
}

/// What the stream of items does next.
enum Next<T> {
    /// Asks for a page.
    Ask(Place),
    /// Waits for one that a task has requested: the consumer of the items may leave the stream unpolled for any time,
    /// and a call that is not polled would keep the room that others wait for.
    Asked(Asked<T>),
}

/// A task that is aborted with its handle.
struct Asked<T>(JoinHandle<Result<Page<T>, MapError>>);

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RemoteMap {
    /// Returns the items of all pages. The first page is asked for when the stream is polled first, every further one
    /// when the first item of the page before it is taken: what is held is one page and the answer to one request.
    pub(super) fn pages<T: Send + 'static>(
        &self,
        kind: Kind,
        item: impl Fn(Bytes) -> Result<T, MapError> + Send + Sync + Copy + 'static,
    ) -> BoxStream<'static, Result<T, MapError>> {
        let map = self.clone();
        let pages = stream::try_unfold(Some(Next::Ask(Place::default())), move |next| {
            let map = map.clone();
            async move {
                let page = match next {
                    None => return Ok(None),
                    Some(Next::Ask(place)) => map.page(kind, place, item).await?,
                    Some(Next::Asked(mut page)) => {
                        (&mut page.0).await.unwrap_or_else(|_| Err(runtime_gone()))?
                    }
                };
                let next = page.next.map(|place| {
                    let runtime = map.core.runtime().clone();
                    let page = runtime.spawn(async move { map.page(kind, place, item).await });
                    Next::Asked(Asked(page))
                });
                Ok(Some((stream::iter(page.items.into_iter().map(Ok)), next)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// Returns the page of keys that the grid's cookie asks for, for callers that keep it between two calls.
    pub(super) async fn key_page(&self, cookie: Bytes) -> Result<KeyPage, MapError> {
        let place = Place { cookie, replaced: None };
        let page = self.page(Kind::PageOfKeys, place, key_of).await?;
        Ok(KeyPage { keys: page.items, next: page.next.map(|place| place.cookie) })
    }

    async fn page<T>(
        &self,
        kind: Kind,
        place: Place,
        item: impl Fn(Bytes) -> Result<T, MapError>,
    ) -> Result<Page<T>, MapError> {
        let mut replaced = 0;
        let request = |cache_id| {
            replaced = self.core.replaced();
            Request::page(kind, cache_id, &place.cookie)
        };
        let mut messages = self.ask(place.cookie.len(), request).await?.into_iter();
        // A grid that was away may have come back empty, and its rest would look like the end.
        if place.replaced.is_some_and(|before| before != replaced) {
            return Err(MapError::Unavailable("the stream to the grid ended between two pages".to_owned()));
        }
        let cookie =
            messages.next().ok_or_else(|| answer::unreadable("a page without a cookie".to_owned()))?;
        let cookie: Bytes = answer::inner(cookie, BYTES_VALUE)?;
        if !cookie.is_empty() && cookie == place.cookie {
            return Err(answer::unreadable("the same page twice".to_owned()));
        }
        let items = messages.map(item).collect::<Result<Vec<T>, MapError>>()?;
        let next = (!cookie.is_empty()).then_some(Place { cookie, replaced: Some(replaced) });
        Ok(Page { items, next })
    }
}

/// Returns the key of a message of a page.
pub(super) fn key_of(message: Bytes) -> Result<Bytes, MapError> {
    answer::inner(message, BYTES_VALUE)
}

fn runtime_gone() -> MapError {
    MapError::Unavailable("the runtime of the session has ended".to_owned())
}
