//! Erases entries from the store that leave the map because they have expired.
//!
//! An embedded map notices an expiry when it is called, a grid by itself. Expirations during a gap of the events are
//! missed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::{EventKind, MapError, MapEvent, MapNotice, MapNotices};
use futures::StreamExt as _;
use tokio::time::sleep;

use super::{Mode, Shared};

/// Erases that are awaited side by side.
const SIDE_BY_SIDE: usize = 128;
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Runs until the notices end, or the map is closed or dropped.
pub(super) async fn erase_expired(notices: MapNotices, map: Weak<Shared>) {
    let keys = notices.filter_map(|notice| {
        let key = match notice {
            MapNotice::Event(MapEvent { kind: EventKind::Deleted, expired: true, key, .. }) => Some(key),
            MapNotice::Gap(reason) => {
                if let Some(map) = map.upgrade() {
                    let map = map.map.name();
                    tracing::warn!(map, reason, "events lost; expired entries may remain in the store");
                }
                None
            }
            _ => None,
        };
        std::future::ready(key)
    });
    keys.for_each_concurrent(SIDE_BY_SIDE, |key| erase(&map, key)).await;
}

async fn erase(map: &Weak<Shared>, key: Bytes) {
    while let Some(shared) = map.upgrade() {
        match shared.erase_absent(key.clone()).await {
            Err(error) if error.is_retriable() && !shared.is_closed() => {
                drop(shared);
                sleep(RETRY_DELAY).await;
            }
            Err(error) => {
                let map = shared.map.name();
                tracing::error!(map, %error, "expired entry not erased from the store");
                return;
            }
            Ok(()) => return,
        }
    }
}

impl Shared {
    /// Erases a key that is absent from the map. A put that came meanwhile has written its own record.
    async fn erase_absent(self: &Arc<Self>, key: Bytes) -> Result<(), MapError> {
        let claim = self.claim(self.order.one(&key)).await?;
        let shared = self.clone();
        self.complete_on_drop(async move {
            let _claim = claim;
            if shared.map.contains_key(&key).await? {
                return Ok(());
            }
            match &shared.mode {
                Mode::Through(through) => through.erase(&key).await,
                Mode::Behind(behind) => behind.erase(&key).await,
                Mode::ReadOnly => Ok(()),
            }
        })
        .await
    }
}
