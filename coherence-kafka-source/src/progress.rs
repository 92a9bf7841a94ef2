//! The bar that a person at a terminal sees during a snapshot.
//!
//! Only where stderr is a terminal; otherwise the logs show the progress.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use coherence_client::GrpcSession;
use coherence_kafka_common::map::Session as _;
use indicatif::{ProgressBar, ProgressStyle};

use crate::status::Status;

static BAR: OnceLock<ProgressBar> = OnceLock::new();

const TEMPLATE: &str = "{bar:30} {human_pos}/{human_len} entries  {per_sec}  {eta}  {msg}";

/// Draws the bar until [`stop`]. Does nothing where stderr is no terminal.
pub fn start(session: GrpcSession, statuses: Vec<Arc<Status>>) {
    if !io::stderr().is_terminal() {
        return;
    }
    let bar = BAR.get_or_init(|| {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar
    });
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

/// Takes the bar away, before a report or the end.
pub fn stop() {
    if let Some(bar) = BAR.get() {
        bar.finish_and_clear();
    }
}

/// Returns the writer of log lines: stderr, without breaking the progress bar.
pub fn log_writer() -> impl Write {
    Above
}

struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match BAR.get() {
            Some(bar) => bar.suspend(|| io::stderr().write_all(bytes)),
            None => io::stderr().write_all(bytes),
        }?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
