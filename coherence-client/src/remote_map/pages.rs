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

/// One page, and the cookie of the next one.
struct Page<T> {
    items: Vec<T>,
    next: Option<Bytes>,
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
        let ask = move |cookie| -> Asked<'a, T> { maybe_done(self.page(kind, cookie, item).boxed()) };
        let pages = stream::try_unfold(Some(ask(Bytes::new())), move |asked| async move {
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
        cookie: Bytes,
        item: impl Fn(Bytes) -> Result<T, MapError>,
    ) -> Result<Page<T>, MapError> {
        let request = |cache_id| Request::page(kind, cache_id, &cookie);
        let mut messages = self.ask(cookie.len(), request).await?.into_iter();
        let next = messages.next().ok_or_else(|| answer::unreadable("a page without a cookie".to_owned()))?;
        let next: Bytes = answer::inner(next, BYTES_VALUE)?;
        if !next.is_empty() && next == cookie {
            return Err(answer::unreadable("the same page twice".to_owned()));
        }
        let items = messages.map(item).collect::<Result<Vec<T>, MapError>>()?;
        Ok(Page { items, next: (!next.is_empty()).then_some(next) })
    }
}
