//! The bar that a person at a terminal sees during a snapshot.
//!
//! Only where stderr is a terminal; otherwise the logs show the progress.

use std::sync::Arc;
use std::time::Duration;

use coherence_client::GrpcSession;
use coherence_kafka_common::map::Session as _;
use coherence_kafka_worker::terminal;

use crate::status::Status;

const TEMPLATE: &str = "{bar:30} {human_pos}/{human_len} entries  {per_sec}  {eta}  {msg}";

/// Draws the bar until [`terminal::stop`]. Does nothing where stderr is no terminal.
pub fn start(session: GrpcSession, statuses: Vec<Arc<Status>>) {
    let Some(bar) = terminal::bar(TEMPLATE) else { return };
    tokio::spawn(async move {
        for status in &statuses {
            // A bar without the size of a map is too short, and no more than that.
            if let Ok(map) = session.map(&status.map).await
                && let Ok(size) = map.size().await
            {
                bar.inc_length(size as u64);
            }
        }
        loop {
            let sum = |read: fn(&Status) -> u64| statuses.iter().map(|status| read(status)).sum::<u64>();
            bar.set_position(sum(|status| status.scanned.now()));
            bar.set_message(format!("{} records", sum(|status| status.records.now())));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
}
