//! The stream of one listener.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use parking_lot::Mutex;

use crate::local::listening::Mailbox;
use crate::local::shard::Shard;
use crate::map::MapNotice;

/// The stream of one listener. Dropping it ends the listening.
pub(super) struct Notices {
    pub(super) mailbox: Arc<Mailbox>,
    /// The shards that know of the listener, of a map that may be gone.
    pub(super) shards: Weak<[Mutex<Shard>]>,
    /// The one key that is listened to, and the index of its shard.
    pub(super) key: Option<(usize, Bytes)>,
}

impl Stream for Notices {
    type Item = MapNotice;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<MapNotice>> {
        self.mailbox.poll(context)
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        let Some(shards) = self.shards.upgrade() else { return };
        let (concerned, key) = match &self.key {
            None => (&shards[..], None),
            Some((index, key)) => (&shards[*index..=*index], Some(key)),
        };
        for shard in concerned {
            let listeners = &mut shard.lock().listeners;
            if listeners.as_mut().is_some_and(|listeners| listeners.remove(&self.mailbox, key)) {
                *listeners = None;
            }
        }
    }
}
