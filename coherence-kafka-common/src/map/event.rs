//! The events of a map for its listeners.

use bytes::Bytes;
use futures::stream::BoxStream;

/// The target of a listener, and the detail of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Which entries.
    pub to: ListenTo,
    /// Events may come without values, which saves their way over the network.
    pub lite: bool,
}

/// The entries whose changes are reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenTo {
    /// All of the map.
    All,
    /// The one with this key.
    Key(Bytes),
    /// The one with this key, beginning with an event of kind [`EventKind::Inserted`], marked
    /// [`MapEvent::priming`], that holds its present value, or that it has none.
    PrimedKey(Bytes),
    /// Those for which a filter of the grid is true: a serialized object in the format of the map, which is asked about
    /// the event. A filter that asks about values needs a `MapEventFilter` around it. Only a grid can evaluate it.
    Filter(Bytes),
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It was absent before.
    Inserted,
    /// It has another value.
    Updated,
    /// It is gone: removed, or expired.
    Deleted,
}

/// One change of one entry. The events of one key come in the order of its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEvent {
    /// What happened.
    pub kind: EventKind,
    /// The key, undecorated.
    pub key: Bytes,
    /// The value before, undecorated; `None` where there was none, or where a lite event leaves it out.
    pub old_value: Option<Bytes>,
    /// The value after, undecorated; `None` where the entry was removed, or where a lite event leaves it out.
    pub new_value: Option<Bytes>,
    /// Made by the map itself, such as an expiry, not by one of its users.
    pub synthetic: bool,
    /// The entry was deleted because its time was over.
    pub expired: bool,
    /// The answer to [`ListenTo::PrimedKey`], not a change.
    pub priming: bool,
}

/// A notice to a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapNotice {
    /// An entry changed.
    Event(MapEvent),
    /// All entries were removed at once, without an event for each.
    Truncated,
    /// The map was destroyed. Nothing follows; for the map that its next use creates, listen again.
    Destroyed,
    /// Changes may have been missed: the connection to the grid was lost, or the listener did not read its notices fast
    /// enough. It listens again from here on; holds the reason.
    Gap(String),
}

/// The notices of one listener, in order. Dropping it ends the listening. It ends by itself behind
/// [`MapNotice::Destroyed`], and when its session is closed.
pub type MapNotices = BoxStream<'static, MapNotice>;
