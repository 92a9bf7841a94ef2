//! The task that keeps the listeners of a session registered: it sends each change to the grid, one request after the
//! other because a grid would reorder them, and after the end of the stream it connects and registers all of them
//! again.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use coherence_kafka_common::decoration::undecorated_key;
use coherence_kafka_common::map::{Listen, ListenTo, MapError, MapNotice, MapNotices};
use futures::stream::Stream;
use tokio::time::sleep;

use super::{SessionCore, session_closed};
use crate::answer;
use crate::events::{ListenerId, Listeners, Queue, Step, Target};
use crate::proto::cache::NamedCacheRequestType as Kind;
use crate::proto::common::OptionalValue;
use crate::request::Request;
use crate::split::{check_agent, check_key};
use crate::sub_channel::SubChannel;

/// The stream on which the listeners are. One, so that the events of a key keep their order.
pub(super) const LISTENER_STREAM: usize = 0;

const OPTIONAL_VALUE: &str = "coherence.common.v1.OptionalValue";

/// The listeners of a session and the signals to their task.
#[derive(Debug, Default)]
pub(super) struct Listening {
    pub(crate) listeners: Arc<Listeners>,
    /// Whether the task has been started.
    started: AtomicBool,
}

impl Listening {
    pub(super) fn close(&self) {
        self.listeners.close();
    }
}

impl SessionCore {
    /// Listens to the map of this name.
    pub(crate) async fn listen(self: &Arc<Self>, map: &str, listen: Listen) -> Result<MapNotices, MapError> {
        let listen = Listen { to: checked(listen.to)?, lite: listen.lite };
        let added = self.listening.listeners.add(map, listen, self.options.listener_bytes);
        let added = added.ok_or_else(session_closed)?;
        // Before anything is waited for: dropping it takes the listener out again.
        let notices = Notices { core: self.clone(), id: added.id, queue: added.queue };
        if !self.listening.started.swap(true, Ordering::AcqRel) {
            self.runtime.spawn(keep_registered(Arc::downgrade(self)));
        }
        self.listening.listeners.changed.notify_one();
        added.listens.await.unwrap_or_else(|_| Err(session_closed()))?;
        Ok(Box::pin(notices))
    }
}

/// The target with its key as events have it.
fn checked(to: ListenTo) -> Result<ListenTo, MapError> {
    let undecorated = |key: &Bytes| undecorated_key(key).map(|plain| key.slice_ref(plain));
    let plain = |key: Bytes| {
        check_key(&key, 0)?;
        undecorated(&key).map_err(|error| MapError::NotSent { index: 0, reason: error.to_string() })
    };
    Ok(match to {
        ListenTo::All => ListenTo::All,
        ListenTo::Key(key) => ListenTo::Key(plain(key)?),
        ListenTo::PrimedKey(key) => ListenTo::PrimedKey(plain(key)?),
        ListenTo::Filter(filter) if filter.is_empty() => {
            return Err(MapError::Misuse("the filter has no bytes".to_owned()));
        }
        ListenTo::Filter(filter) => {
            check_agent(&[&filter])?;
            ListenTo::Filter(filter)
        }
    })
}

/// The notices of one listener. Keeps the session alive.
struct Notices {
    core: Arc<SessionCore>,
    id: ListenerId,
    queue: Arc<Queue>,
}

impl Stream for Notices {
    type Item = MapNotice;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<MapNotice>> {
        self.queue.poll_next(context)
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        let listening = &self.core.listening;
        listening.listeners.remove(&self.id);
        listening.listeners.changed.notify_one();
    }
}

/// Runs until the session is closed or gone.
async fn keep_registered(core: Weak<SessionCore>) {
    let Some((listening, closed, mut pauses)) =
        core.upgrade().map(|core| (core.listening.clone(), core.closed.clone(), core.pauses()))
    else {
        return;
    };
    let listeners = &listening.listeners;
    let work = async {
        let mut stream: Option<Arc<SubChannel>> = None;
        loop {
            if let Some(ended) = stream.take_if(|stream| !stream.is_open()) {
                listeners.lost(&ended.end().await);
                pause(&listening, &mut pauses).await;
            }
            if stream.is_none() {
                listeners.prune();
            }
            if listeners.is_idle() {
                stream = None;
                listening.listeners.changed.notified().await;
                continue;
            }
            let current = match &stream {
                Some(stream) => stream.clone(),
                None => {
                    let Some(core) = core.upgrade() else { return };
                    match core.stream(LISTENER_STREAM).await {
                        Ok(opened) => {
                            listeners.attach(opened.number());
                            stream.insert(opened).clone()
                        }
                        Err(error) => {
                            drop(core);
                            listeners.fail_new(&error);
                            tracing::warn!(%error, "no grid to listen to");
                            pause(&listening, &mut pauses).await;
                            continue;
                        }
                    }
                }
            };
            if let Some(step) = listeners.next_step() {
                if let Err(error) = perform(listeners, &current, &step).await {
                    tracing::warn!(%error, "listener not registered");
                    if current.is_open() && !listeners.is_idle() {
                        pause(&listening, &mut pauses).await;
                    }
                }
                continue;
            }
            if let Some(core) = core.upgrade() {
                pauses = core.pauses();
            }
            tokio::select! {
                _ = current.end() => {}
                () = listening.listeners.changed.notified() => {}
            }
        }
    };
    closed.run_until_cancelled(work).await;
    listeners.close();
}

/// Waits for the next attempt, or until somebody listens or leaves.
async fn pause(listening: &Listening, pauses: &mut impl Iterator<Item = std::time::Duration>) {
    let Some(pause) = pauses.next() else { return };
    tokio::select! {
        () = sleep(pause) => {}
        () = listening.listeners.changed.notified() => {}
    }
}

async fn perform(listeners: &Listeners, stream: &SubChannel, step: &Step) -> Result<(), MapError> {
    match step {
        Step::Subscribe { map, target, filter_id, lite } => {
            let subscribed = async {
                let cache_id = stream.cache_id(map).await?;
                listeners.bind(map, cache_id);
                let request = Request::map_listener(cache_id, true, target, *filter_id, *lite);
                stream.call(Some((map, cache_id)), request, None).await?;
                Ok(cache_id)
            };
            match subscribed.await {
                Ok(cache_id) => listeners.subscribed(map, target, cache_id, *lite),
                Err(error) => {
                    listeners.failed(map, target, &error);
                    return Err(error);
                }
            }
        }
        Step::Prime { map, cache_id, key, up_to } => {
            let request = Request::of_key(Kind::Get, *cache_id, key);
            let value = stream.call(Some((map, *cache_id)), request, None).await;
            match value.and_then(|answer| answer::single::<OptionalValue>(answer, OPTIONAL_VALUE)) {
                Ok(found) => listeners.primed(map, key, *up_to, found.present.then_some(found.value)),
                Err(error) => {
                    listeners.failed(map, &Target::Key(key.clone()), &error);
                    return Err(error);
                }
            }
        }
        Step::Unsubscribe { map, cache_id, target, filter_id } => {
            let request = Request::map_listener(*cache_id, false, target, *filter_id, false);
            // Where it fails, the grid has none to take back: the map or the stream has gone.
            let taken_back = stream.call(Some((map, *cache_id)), request, None).await;
            listeners.unsubscribed(map, target);
            taken_back?;
        }
    }
    Ok(())
}
