//! The listeners, their registrations on the grid, and the dispatch of events to them.
//!
//! ```text
//! listen ── Listener ──► Listeners ── Step ──► the task that talks to the grid (session_core/listening.rs)
//!                            │
//! reader of the stream ── event ──► queue of each listener that it is for ──► its notices
//! ```
//!
//! A grid knows one registration for a map and a target: a second one replaces the first. So one is kept here, in the
//! fullest form that any of its listeners wants, and its events fan out. A key registration has no id in events, and
//! where filters match too the event names only those: the listeners of a key go by the key. The grid's own priming is
//! not used, because a stream that has asked for it gets every event of the key twice and without old values; the
//! present value is got once the key is registered. All of this is bookkeeping under one lock: no I/O, no waiting, so
//! that the reader of the stream never waits for a listener.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Listen, ListenTo, MapError, MapEvent, MapNotice};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::answer;
use crate::proto::cache::{MapEventMessage, NamedCacheResponse, ResponseType};

mod decode;
mod queue;

pub(crate) use queue::Queue;

const MAP_EVENT: &str = "coherence.cache.v1.MapEventMessage";

/// The target of a registration, by which the grid distinguishes registrations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Map,
    Filter(Bytes),
    Key(Bytes),
}

/// The next request to the grid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Subscribe {
        map: Arc<str>,
        target: Target,
        filter_id: i64,
        lite: bool,
    },
    /// Get the value of the key, for the present listeners: those with numbers up to this one.
    Prime {
        map: Arc<str>,
        cache_id: i32,
        key: Bytes,
        up_to: u64,
    },
    Unsubscribe {
        map: Arc<str>,
        cache_id: i32,
        target: Target,
        filter_id: i64,
    },
}

/// Names a listener for taking it out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenerId {
    map: Arc<str>,
    target: Target,
    number: u64,
}

/// A listener as its owner has it.
pub(crate) struct Added {
    pub(crate) id: ListenerId,
    pub(crate) queue: Arc<Queue>,
    /// Notified when it listens, or why it does not.
    pub(crate) listens: oneshot::Receiver<Result<(), MapError>>,
}

/// All listeners of a session.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    registrations: Mutex<Registrations>,
    /// Notified when there may be a next step.
    pub(crate) changed: Notify,
}

#[derive(Debug, Default)]
struct Registrations {
    maps: HashMap<Arc<str>, Map>,
    /// The maps by their ids on the stream.
    ids: HashMap<i32, Arc<str>>,
    /// The stream on which the registrations are; events of others come too late or too early.
    stream: Option<u64>,
    /// Registrations that may not be as they should be.
    changed: VecDeque<(Arc<str>, Target)>,
    next_number: u64,
    next_filter_id: i64,
    closed: bool,
}

#[derive(Debug, Default)]
struct Map {
    cache_id: Option<i32>,
    registrations: HashMap<Target, Registration>,
    filters: HashMap<i64, Target>,
}

#[derive(Debug)]
struct Registration {
    /// The grid names it in events; 0 for a key.
    filter_id: i64,
    /// The registration on the grid, where it exists.
    detail: Option<Detail>,
    listeners: Vec<Listener>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    Lite,
    Full,
}

#[derive(Debug)]
struct Listener {
    number: u64,
    lite: bool,
    /// Gets the present value each time it begins to listen.
    primed: bool,
    /// The registration that the grid has is the one that this needs.
    listens: bool,
    /// Taken when it listens for the first time.
    ready: Option<oneshot::Sender<Result<(), MapError>>>,
    queue: Arc<Queue>,
}

impl Registration {
    /// Gives up the listeners that never listened. Returns true where one was given up.
    fn fail_new(&mut self, error: &MapError) -> bool {
        let before = self.listeners.len();
        self.listeners.retain_mut(|listener| match listener.ready.take() {
            Some(ready) => {
                let _ = ready.send(Err(error.clone()));
                false
            }
            None => true,
        });
        self.listeners.len() != before
    }
}

impl Listener {
    /// Marks it as listening.
    fn settle(&mut self) {
        self.listens = true;
        self.queue.listens();
        if let Some(ready) = self.ready.take() {
            let _ = ready.send(Ok(()));
        }
    }

    fn push(&self, event: &MapEvent) {
        let mut event = event.clone();
        if self.lite {
            event.old_value = None;
            event.new_value = None;
        }
        self.queue.push(MapNotice::Event(event));
    }
}

impl Listeners {
    /// Adds a listener whose queue holds up to `max_bytes`. `None` once the session is closed.
    pub(crate) fn add(&self, map: &str, listen: Listen, max_bytes: usize) -> Option<Added> {
        let mut table = self.registrations.lock();
        if table.closed {
            return None;
        }
        let (target, primed) = match listen.to {
            ListenTo::All => (Target::Map, false),
            ListenTo::Filter(filter) => (Target::Filter(filter), false),
            ListenTo::Key(key) => (Target::Key(key), false),
            ListenTo::PrimedKey(key) => (Target::Key(key), true),
        };
        table.next_number += 1;
        let number = table.next_number;
        let map: Arc<str> =
            table.maps.get_key_value(map).map_or_else(|| map.into(), |(name, _)| name.clone());
        let (ready, listens) = oneshot::channel();
        let queue = Arc::new(Queue::new(max_bytes));
        let listener = Listener {
            number,
            lite: listen.lite,
            primed,
            listens: false,
            ready: Some(ready),
            queue: queue.clone(),
        };
        let new_filter_id = table.next_filter_id + 1;
        let state = table.maps.entry(map.clone()).or_default();
        let registration = state.registrations.entry(target.clone()).or_insert_with(|| {
            let filter_id = if matches!(target, Target::Key(_)) { 0 } else { new_filter_id };
            if filter_id != 0 {
                state.filters.insert(filter_id, target.clone());
            }
            Registration { filter_id, detail: None, listeners: Vec::new() }
        });
        registration.listeners.push(listener);
        table.next_filter_id = new_filter_id;
        table.changed.push_back((map.clone(), target.clone()));
        Some(Added { id: ListenerId { map, target, number }, queue, listens })
    }

    /// Takes a listener out.
    pub(crate) fn remove(&self, id: &ListenerId) {
        let mut table = self.registrations.lock();
        if let Some(registration) =
            table.maps.get_mut(&id.map).and_then(|map| map.registrations.get_mut(&id.target))
        {
            registration.listeners.retain(|listener| listener.number != id.number);
            table.changed.push_back((id.map.clone(), id.target.clone()));
        }
    }

    /// Forgets registrations without listeners: without a stream they need not be removed on the grid.
    pub(crate) fn prune(&self) {
        self.registrations.lock().maps.retain(|_, map| {
            map.registrations.retain(|_, registration| !registration.listeners.is_empty());
            let kept = &map.registrations;
            map.filters.retain(|_, target| kept.contains_key(target));
            !map.registrations.is_empty()
        });
    }

    /// Returns true without any listener, and nothing to take back from the grid.
    pub(crate) fn is_idle(&self) -> bool {
        self.registrations.lock().maps.is_empty()
    }

    /// Makes all registrations again, on this stream.
    pub(crate) fn attach(&self, stream: u64) {
        self.registrations.lock().stream = Some(stream);
    }

    /// Handles the loss of the stream: each listener that listened gets one gap, and all must be registered again.
    pub(crate) fn lost(&self, reason: &str) {
        let table = &mut *self.registrations.lock();
        table.stream = None;
        table.ids.clear();
        table.changed.clear();
        for (name, map) in &mut table.maps {
            map.lost(name, reason, &mut table.changed);
        }
    }

    /// Handles the loss of the registrations of one map on the stream, as [`Listeners::lost`].
    pub(crate) fn interrupted(&self, stream: u64, cache_id: i32, reason: &str) {
        {
            let table = &mut *self.registrations.lock();
            if table.stream != Some(stream) {
                return;
            }
            let Some(name) = table.ids.remove(&cache_id) else { return };
            let Some(map) = table.maps.get_mut(&name) else { return };
            map.lost(&name, reason, &mut table.changed);
        }
        self.changed.notify_one();
    }

    /// Returns the next request to the grid; `None` where its registrations are complete.
    pub(crate) fn next_step(&self) -> Option<Step> {
        let table = &mut *self.registrations.lock();
        while let Some((map, target)) = table.changed.pop_front() {
            let Some(state) = table.maps.get_mut(&map) else { continue };
            let Some(registration) = state.registrations.get_mut(&target) else { continue };
            let filter_id = registration.filter_id;
            if registration.listeners.is_empty() {
                if let (Some(_), Some(cache_id)) = (registration.detail, state.cache_id) {
                    registration.detail = None;
                    return Some(Step::Unsubscribe { map, cache_id, target, filter_id });
                }
                state.registrations.remove(&target);
                state.filters.remove(&filter_id);
                table.drop_if_unused(&map);
                continue;
            }
            let full = registration.listeners.iter().any(|listener| !listener.lite);
            // What is full stays full: taking it back would be one more chance to miss something.
            if registration.detail.is_none() || (full && registration.detail == Some(Detail::Lite)) {
                return Some(Step::Subscribe { map, target, filter_id, lite: !full });
            }
            registration.listeners.iter_mut().filter(|listener| !listener.primed).for_each(Listener::settle);
            let unprimed = registration.listeners.iter().filter(|listener| !listener.listens);
            if let (Some(up_to), Target::Key(key), Some(cache_id)) =
                (unprimed.map(|listener| listener.number).max(), &target, state.cache_id)
            {
                return Some(Step::Prime { cache_id, key: key.clone(), up_to, map });
            }
        }
        None
    }

    /// Notes the id of the map on the stream.
    pub(crate) fn bind(&self, map: &Arc<str>, cache_id: i32) {
        let mut table = self.registrations.lock();
        if let Some(state) = table.maps.get_mut(map) {
            let before = state.cache_id.replace(cache_id);
            if let Some(before) = before.filter(|before| *before != cache_id) {
                table.ids.remove(&before);
            }
            table.ids.insert(cache_id, map.clone());
        }
    }

    /// Notes that the grid has registered the target of the map in this detail.
    pub(crate) fn subscribed(&self, map: &Arc<str>, target: &Target, cache_id: i32, lite: bool) {
        let table = &mut *self.registrations.lock();
        let Some(state) = table.maps.get_mut(map) else { return };
        let Some(registration) = state.registrations.get_mut(target) else { return };
        // The map may have been destroyed in between, and the registration with it.
        if state.cache_id == Some(cache_id) {
            registration.detail = Some(if lite { Detail::Lite } else { Detail::Full });
        }
        table.changed.push_back((map.clone(), target.clone()));
    }

    /// Handles the value of a key from the grid. It precedes all events since the registration: it is at least as new
    /// as the first of them, and the last of them has the final value.
    pub(crate) fn primed(&self, map: &Arc<str>, key: &Bytes, up_to: u64, value: Option<Bytes>) {
        let table = &mut *self.registrations.lock();
        let target = Target::Key(key.clone());
        let registration = table.maps.get_mut(map).and_then(|map| map.registrations.get_mut(&target));
        // Without a registration it is not the value before the first event.
        let Some(registration) = registration.filter(|registration| registration.detail.is_some()) else {
            return;
        };
        let event = decode::present(key.clone(), value);
        for listener in registration.listeners.iter_mut().filter(|l| !l.listens && l.number <= up_to) {
            listener.queue.begin_with(MapNotice::Event(event.clone()));
            listener.settle();
        }
        table.changed.push_back((map.clone(), target));
    }

    /// Handles the failure of a [`Step`]: the listeners that never listened are notified and given up, the others are
    /// still to be registered.
    pub(crate) fn failed(&self, map: &Arc<str>, target: &Target, error: &MapError) {
        let table = &mut *self.registrations.lock();
        if let Some(registration) = table.maps.get_mut(map).and_then(|map| map.registrations.get_mut(target))
        {
            registration.fail_new(error);
        }
        table.changed.push_back((map.clone(), target.clone()));
    }

    /// Notes that the grid has removed a registration, or has lost it with the map or the stream.
    pub(crate) fn unsubscribed(&self, map: &Arc<str>, target: &Target) {
        self.registrations.lock().changed.push_back((map.clone(), target.clone()));
    }

    /// Handles that no stream can be opened: the listeners that never listened are notified and given up.
    pub(crate) fn fail_new(&self, error: &MapError) {
        let table = &mut *self.registrations.lock();
        for (name, map) in &mut table.maps {
            for (target, registration) in &mut map.registrations {
                if registration.fail_new(error) {
                    table.changed.push_back((name.clone(), target.clone()));
                }
            }
        }
    }

    /// Takes in a message of the stream that answers no request.
    pub(crate) fn take(&self, stream: u64, response: NamedCacheResponse) {
        let table = &mut *self.registrations.lock();
        if table.stream != Some(stream) {
            return;
        }
        let Some(name) = table.ids.get(&response.cache_id).cloned() else { return };
        match response.r#type() {
            ResponseType::MapEvent if response.message.is_none() => {
                let listening = table.maps.get(&name).into_iter().flat_map(|map| map.registrations.values());
                for listener in listening.flat_map(|registration| &registration.listeners) {
                    listener.queue.push(MapNotice::Gap("an event was too large to be received".to_owned()));
                }
            }
            ResponseType::MapEvent => {
                if let Some(any) = response.message
                    && answer::is_type(&any, MAP_EVENT)
                    && let Ok(message) = prost::Message::decode(any.value)
                    && let Some(map) = table.maps.get(&name)
                {
                    map.take(message);
                }
            }
            ResponseType::Truncated => {
                let listening = table.maps.get(&name).into_iter().flat_map(|map| map.registrations.values());
                for listener in listening.flat_map(|registration| &registration.listeners) {
                    listener.queue.push(MapNotice::Truncated);
                }
            }
            ResponseType::Destroyed => table.destroyed(&name),
            ResponseType::Message => {}
        }
    }

    /// Handles the destruction of a map: its id is no longer valid on the stream.
    pub(crate) fn destroyed(&self, stream: u64, cache_id: i32) {
        let mut table = self.registrations.lock();
        if table.stream == Some(stream)
            && let Some(name) = table.ids.get(&cache_id).cloned()
        {
            table.destroyed(&name);
        }
    }

    /// Ends the notices of all listeners, behind what they hold.
    pub(crate) fn close(&self) {
        let mut table = self.registrations.lock();
        table.closed = true;
        for map in std::mem::take(&mut table.maps).into_values() {
            for registration in map.registrations.into_values() {
                registration.listeners.iter().for_each(|listener| listener.queue.end());
            }
        }
    }
}

impl Registrations {
    fn drop_if_unused(&mut self, name: &Arc<str>) {
        if let Some(map) = self.maps.get(name)
            && map.registrations.is_empty()
        {
            if let Some(cache_id) = map.cache_id {
                self.ids.remove(&cache_id);
            }
            self.maps.remove(name);
        }
    }

    /// Ends the listeners of the map. Those whose registration has only begun listen to the map that it creates.
    fn destroyed(&mut self, name: &Arc<str>) {
        let Some(map) = self.maps.get_mut(name) else { return };
        if let Some(cache_id) = map.cache_id.take() {
            self.ids.remove(&cache_id);
        }
        for (target, registration) in &mut map.registrations {
            if registration.detail.take().is_some() {
                registration.listeners.retain(|listener| {
                    if listener.listens {
                        listener.queue.push(MapNotice::Destroyed);
                        listener.queue.end();
                    }
                    !listener.listens
                });
            }
            self.changed.push_back((name.clone(), target.clone()));
        }
    }
}

impl Map {
    /// Gives each listener that listened one gap, and notes that all must be registered again.
    fn lost(&mut self, name: &Arc<str>, reason: &str, changed: &mut VecDeque<(Arc<str>, Target)>) {
        self.cache_id = None;
        for (target, registration) in &mut self.registrations {
            registration.detail = None;
            for listener in &mut registration.listeners {
                listener.listens = false;
                listener.queue.lose(reason);
            }
            changed.push_back((name.clone(), target.clone()));
        }
    }

    fn take(&self, message: MapEventMessage) {
        let Some((filter_ids, event)) = decode::event(message) else { return };
        let targets = filter_ids.iter().filter_map(|filter_id| self.filters.get(filter_id));
        let key = Target::Key(event.key.clone());
        for registration in targets.chain([&key]).filter_map(|target| self.registrations.get(target)) {
            registration.listeners.iter().for_each(|listener| listener.push(&event));
        }
    }
}

#[cfg(test)]
mod tests;
