//! Reading all of a map, page by page.

use std::pin::Pin;

use bytes::Bytes;
use coherence_kafka_common::map::MapError;
use futures::future::{BoxFuture, FutureExt as _, MaybeDone, maybe_done};
use futures::poll;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

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
    /// [`Grid::replaced`](crate::session::Grid::replaced) when the first page was asked for.
    replaced: Option<u64>,
}

type Asked<'a, T> = MaybeDone<BoxFuture<'a, Result<Page<T>, MapError>>>;

impl RemoteMap {
    /// The items of all pages. The first page is asked for when the stream is polled first, every further one when
    /// the first item of the page before it is taken: what is held is one page and the answer to one request.
    pub(super) fn pages<'a, T: Send + 'a>(
        &'a self,
        kind: Kind,
        item: impl Fn(Bytes) -> Result<T, MapError> + Send + Sync + Copy + 'a,
    ) -> BoxStream<'a, Result<T, MapError>> {
        let ask = move |place| -> Asked<'a, T> { maybe_done(self.page(kind, place, item).boxed()) };
        let pages = stream::try_unfold(Some(ask(Place::default())), move |asked| async move {
            let Some(mut asked) = asked else { return Ok(None) };
            (&mut asked).await;
            let Some(page) = Pin::new(&mut asked).take_output() else { return Ok(None) };
            let page: Page<T> = page?;
            let mut next = page.next.map(ask);
            if let Some(next) = &mut next {
                // Sends the request; the answer is taken in whether or not anybody polls.
                let _ = poll!(next);
            }
            Ok(Some((stream::iter(page.items.into_iter().map(Ok)), next)))
        });
        pages.try_flatten().boxed()
    }

    async fn page<T>(
        &self,
        kind: Kind,
        place: Place,
        item: impl Fn(Bytes) -> Result<T, MapError>,
    ) -> Result<Page<T>, MapError> {
        let mut replaced = 0;
        let request = |cache_id| {
            replaced = self.grid.replaced();
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
