//! The status line of a worker on a terminal: rate, lag, entries, errors.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::plugin::Progress;
use crate::terminal;
use crate::worker::Worker;

/// Draws the line four times a second until the process ends. Does nothing where stderr is no terminal.
pub(crate) fn start(worker: Arc<Worker>) -> io::Result<()> {
    let Some(line) = terminal::spinner("{spinner} {msg}") else { return Ok(()) };
    std::thread::Builder::new().name("live-line".to_owned()).spawn(move || {
        let mut last = (Instant::now(), progress(&worker).records);
        loop {
            std::thread::park_timeout(Duration::from_millis(250));
            let (now, sum) = (Instant::now(), progress(&worker));
            let rate = (sum.records - last.1.min(sum.records)) as f64 / (now - last.0).as_secs_f64();
            last = (now, sum.records);
            line.set_message(self::line(&sum, rate));
            line.tick();
        }
    })?;
    Ok(())
}

/// Returns the progress of all tasks together. The lag is unknown where that of one task is.
fn progress(worker: &Worker) -> Progress {
    let mut sum = Progress { lag: Some(0), ..Progress::default() };
    for task in worker.names().iter().filter_map(|name| worker.tasks(name)).flatten() {
        let task = task.state.progress();
        sum.records += task.records;
        sum.lag = sum.lag.zip(task.lag).map(|(sum, lag)| sum + lag);
        for (name, count) in task.counts {
            match sum.counts.iter_mut().find(|(other, _)| *other == name) {
                Some((_, sum)) => *sum += count,
                None => sum.counts.push((name, count)),
            }
        }
        sum.errors += task.errors;
        sum.waits = sum.waits.or(task.waits);
    }
    sum
}

fn line(progress: &Progress, rate: f64) -> String {
    let lag = progress.lag.map_or_else(|| "?".to_owned(), |lag| lag.to_string());
    let counts: Vec<_> = progress.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let line = format!(
        "{rate:.0} records/s · lag {lag} · entries {} · errors {}",
        counts.join(", "),
        progress.errors
    );
    match &progress.waits {
        Some(reason) => format!("{line} · holding: {reason}"),
        None => line,
    }
}
