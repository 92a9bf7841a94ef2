//! Who listens to what, what the grid has been told of it, and the way of an event to its listeners.
//!
//! ```text
//! listen ── Listener ──► Listeners ── Step ──► the task that talks to the grid (session/listening.rs)
//!                            │
//! reader of the stream ── event ──► queue of each listener that it is for ──► its notices
//! ```
//!
//! A grid knows one registration for a map and a target: a second one replaces the first. So there is one here, in the
//! fullest form that any of its listeners wants, and its events fan out. All of this is bookkeeping under one lock:
//! no I/O, no waiting, so that the reader of the stream never waits for a listener.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Listen, ListenTo, MapError, MapEvent, MapNotice};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::answer;
use crate::proto::cache::{MapEventMessage, NamedCacheResponse, ResponseType};

mod decode;
mod queue;

pub(crate) use queue::Queue;

const MAP_EVENT: &str = "coherence.cache.v1.MapEventMessage";

/// What a registration is for, as the grid tells registrations apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Map,
    Filter(Bytes),
    Key(Bytes),
}

/// What to tell the grid next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Subscribe { map: Arc<str>, target: Target, filter_id: i64, lite: bool, priming: bool },
    Unsubscribe { map: Arc<str>, cache_id: i32, target: Target, filter_id: i64 },
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
    pub id: ListenerId,
    pub queue: Arc<Queue>,
    /// Told when it listens, or why it does not.
    pub listens: oneshot::Receiver<Result<(), MapError>>,
}

/// All listeners of a session.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
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
    /// The grid names it in events; 0, which is no filter id, for a key.
    filter_id: i64,
    /// What the grid has, where it has it.
    form: Option<Form>,
    listeners: Vec<Listener>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Lite,
    Full,
}

#[derive(Debug)]
struct Listener {
    number: u64,
    lite: bool,
    /// Waits for the event that tells the present value.
    unprimed: bool,
    /// Wants that event, each time it begins to listen.
    primed: bool,
    /// The registration that the grid has is the one that this needs.
    listens: bool,
    /// Taken when it listens for the first time.
    told: Option<oneshot::Sender<Result<(), MapError>>>,
    queue: Arc<Queue>,
}

impl Registration {
    /// Gives up the listeners that never listened. True where there were any.
    fn fail_new(&mut self, error: &MapError) -> bool {
        let before = self.listeners.len();
        self.listeners.retain_mut(|listener| match listener.told.take() {
            Some(told) => {
                let _ = told.send(Err(error.clone()));
                false
            }
            None => true,
        });
        self.listeners.len() != before
    }
}

impl Listener {
    /// A lite registration is not enough for it.
    fn wants_full(&self) -> bool {
        !self.lite || self.primed
    }

    /// It listens from here on.
    fn settle(&mut self) {
        self.listens = true;
        self.queue.listens();
        if let Some(told) = self.told.take() {
            let _ = told.send(Ok(()));
        }
    }

    fn push(&self, event: &MapEvent) {
        let mut event = event.clone();
        if self.lite && !event.priming {
            event.old_value = None;
            event.new_value = None;
        }
        self.queue.push(MapNotice::Event(event));
    }
}

impl Listeners {
    /// Adds a listener whose queue holds up to `max_bytes`. `None` once the session is closed.
    pub(crate) fn add(&self, map: &str, listen: Listen, max_bytes: usize) -> Option<Added> {
        let mut table = self.table.lock();
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
        let map: Arc<str> = table.maps.get_key_value(map).map_or_else(|| map.into(), |(name, _)| name.clone());
        let (told, listens) = oneshot::channel();
        let queue = Arc::new(Queue::new(max_bytes));
        let listener = Listener {
            number,
            lite: listen.lite,
            unprimed: primed,
            primed,
            listens: false,
            told: Some(told),
            queue: queue.clone(),
        };
        let new_filter_id = table.next_filter_id + 1;
        let state = table.maps.entry(map.clone()).or_default();
        let registration = state.registrations.entry(target.clone()).or_insert_with(|| {
            let filter_id = if matches!(target, Target::Key(_)) { 0 } else { new_filter_id };
            if filter_id != 0 {
                state.filters.insert(filter_id, target.clone());
            }
            Registration { filter_id, form: None, listeners: Vec::new() }
        });
        registration.listeners.push(listener);
        table.next_filter_id = new_filter_id;
        table.changed.push_back((map.clone(), target.clone()));
        Some(Added { id: ListenerId { map, target, number }, queue, listens })
    }

    /// Takes a listener out.
    pub(crate) fn remove(&self, id: &ListenerId) {
        let mut table = self.table.lock();
        if let Some(registration) =
            table.maps.get_mut(&id.map).and_then(|map| map.registrations.get_mut(&id.target))
        {
            registration.listeners.retain(|listener| listener.number != id.number);
            table.changed.push_back((id.map.clone(), id.target.clone()));
        }
    }

    /// Without a stream there is nothing to take back from the grid: forgets what nobody listens to.
    pub(crate) fn prune(&self) {
        self.table.lock().maps.retain(|_, map| {
            map.registrations.retain(|_, registration| !registration.listeners.is_empty());
            let kept = &map.registrations;
            map.filters.retain(|_, target| kept.contains_key(target));
            !map.registrations.is_empty()
        });
    }

    /// True without any listener, and nothing to take back from the grid.
    pub(crate) fn is_idle(&self) -> bool {
        self.table.lock().maps.is_empty()
    }

    /// Registrations are made on this stream from now on, and are made anew.
    pub(crate) fn attach(&self, stream: u64) {
        self.table.lock().stream = Some(stream);
    }

    /// The stream is gone: each listener that listened is told so, once, and all must be registered again.
    pub(crate) fn lost(&self, reason: &str) {
        let table = &mut *self.table.lock();
        table.stream = None;
        table.ids.clear();
        table.changed.clear();
        for (name, map) in &mut table.maps {
            map.cache_id = None;
            for (target, registration) in &mut map.registrations {
                registration.form = None;
                for listener in &mut registration.listeners {
                    listener.listens = false;
                    listener.unprimed = listener.primed;
                    listener.queue.lose(reason);
                }
                table.changed.push_back((name.clone(), target.clone()));
            }
        }
    }

    /// What to tell the grid next; `None` where it knows everything.
    pub(crate) fn next_step(&self) -> Option<Step> {
        let table = &mut *self.table.lock();
        while let Some((map, target)) = table.changed.pop_front() {
            let Some(state) = table.maps.get_mut(&map) else { continue };
            let Some(registration) = state.registrations.get_mut(&target) else { continue };
            let filter_id = registration.filter_id;
            if registration.listeners.is_empty() {
                if let (Some(_), Some(cache_id)) = (registration.form, state.cache_id) {
                    registration.form = None;
                    return Some(Step::Unsubscribe { map, cache_id, target, filter_id });
                }
                state.registrations.remove(&target);
                state.filters.remove(&filter_id);
                table.drop_if_unused(&map);
                continue;
            }
            let full = registration.listeners.iter().any(Listener::wants_full);
            let priming = registration.listeners.iter().any(|listener| listener.unprimed);
            // What is full stays full: taking it back would be one more chance to miss something.
            let lite = !full && registration.form != Some(Form::Full);
            if priming || registration.form.is_none() || (full && registration.form == Some(Form::Lite)) {
                return Some(Step::Subscribe { map, target, filter_id, lite, priming });
            }
            registration.listeners.iter_mut().for_each(Listener::settle);
        }
        None
    }

    /// The map has this id on the stream.
    pub(crate) fn bind(&self, map: &Arc<str>, cache_id: i32) {
        let mut table = self.table.lock();
        if let Some(state) = table.maps.get_mut(map) {
            let before = state.cache_id.replace(cache_id);
            if let Some(before) = before.filter(|before| *before != cache_id) {
                table.ids.remove(&before);
            }
            table.ids.insert(cache_id, map.clone());
        }
    }

    /// The grid has done what a [`Step`] asked, or has not. After a failure the listeners that never listened are
    /// told and given up; the others remain to be registered.
    pub(crate) fn done(&self, step: &Step, cache_id: Option<i32>, result: Result<(), &MapError>) {
        let table = &mut *self.table.lock();
        let (map, target, asked_lite) = match step {
            Step::Subscribe { map, target, lite, .. } => (map, target, Some(*lite)),
            // Gone with the registration on the grid, or with the map or the stream: there is nothing to do again.
            Step::Unsubscribe { map, target, .. } => (map, target, None),
        };
        let Some(state) = table.maps.get_mut(map) else { return };
        let Some(registration) = state.registrations.get_mut(target) else { return };
        match (asked_lite, result) {
            // The map may have been destroyed in between, and the registration with it.
            (Some(lite), Ok(())) if state.cache_id.is_some() && state.cache_id == cache_id => {
                registration.form = Some(if lite { Form::Lite } else { Form::Full });
                for listener in &mut registration.listeners {
                    // Those that came meanwhile need not have been part of what was asked.
                    if !(listener.wants_full() && lite) && !(listener.unprimed && !step.primes()) {
                        if listener.unprimed {
                            // An absent entry has no event of its own.
                            listener.unprimed = false;
                            listener.queue.push(MapNotice::Event(decode::absent(target)));
                        }
                        listener.settle();
                    }
                }
                if registration.listeners.is_empty() || registration.listeners.iter().any(|l| !l.listens) {
                    table.changed.push_back((map.clone(), target.clone()));
                }
            }
            (Some(_), Err(error)) => {
                registration.fail_new(error);
                table.changed.push_back((map.clone(), target.clone()));
            }
            _ => table.changed.push_back((map.clone(), target.clone())),
        }
    }

    /// There is no stream: the listeners that never listened are told and given up.
    pub(crate) fn fail_new(&self, error: &MapError) {
        let table = &mut *self.table.lock();
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
        let table = &mut *self.table.lock();
        if table.stream != Some(stream) {
            return;
        }
        let Some(name) = table.ids.get(&response.cache_id).cloned() else { return };
        match response.r#type() {
            ResponseType::MapEvent => {
                if let Some(any) = response.message
                    && answer::is_type(&any, MAP_EVENT)
                    && let Ok(message) = prost::Message::decode(any.value)
                    && let Some(map) = table.maps.get_mut(&name)
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

    /// The id means nothing on the stream any more.
    pub(crate) fn destroyed(&self, stream: u64, cache_id: i32) {
        let mut table = self.table.lock();
        if table.stream == Some(stream)
            && let Some(name) = table.ids.get(&cache_id).cloned()
        {
            table.destroyed(&name);
        }
    }

    /// Ends the notices of all listeners, behind what they hold.
    pub(crate) fn close(&self) {
        let mut table = self.table.lock();
        table.closed = true;
        for map in std::mem::take(&mut table.maps).into_values() {
            for registration in map.registrations.into_values() {
                registration.listeners.iter().for_each(|listener| listener.queue.end());
            }
        }
    }
}

impl Step {
    fn primes(&self) -> bool {
        matches!(self, Step::Subscribe { priming: true, .. })
    }
}

impl Table {
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

    /// Ends those who listen to the map. Those who have only begun to ask listen to the map that their asking makes.
    fn destroyed(&mut self, name: &Arc<str>) {
        let Some(map) = self.maps.get_mut(name) else { return };
        if let Some(cache_id) = map.cache_id.take() {
            self.ids.remove(&cache_id);
        }
        for (target, registration) in &mut map.registrations {
            if registration.form.take().is_some() {
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
    fn take(&mut self, message: MapEventMessage) {
        let Some((filter_ids, event)) = decode::event(message) else { return };
        let key = Target::Key(event.key.clone());
        if event.priming {
            let unprimed = self.registrations.get_mut(&key).into_iter().flat_map(|r| &mut r.listeners);
            for listener in unprimed.filter(|listener| listener.unprimed) {
                listener.unprimed = false;
                listener.push(&event);
            }
            return;
        }
        for filter_id in &filter_ids {
            let registration = self.filters.get(filter_id).and_then(|target| self.registrations.get(target));
            for listener in registration.into_iter().flat_map(|registration| &registration.listeners) {
                listener.push(&event);
            }
        }
        // The id of all key registrations is 0.
        if filter_ids.is_empty() || filter_ids.contains(&0) {
            let registration = self.registrations.get(&key);
            for listener in registration.into_iter().flat_map(|registration| &registration.listeners) {
                listener.push(&event);
            }
        }
    }
}

#[cfg(test)]
mod tests;
