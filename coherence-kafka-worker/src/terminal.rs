//! The status line on a terminal: rate, lag, entries, errors.
//!
//! Only where stderr is a terminal; otherwise the logs show the progress.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::plugin::Progress;
use crate::worker::Worker;

static LINE: OnceLock<ProgressBar> = OnceLock::new();

/// Draws the line four times a second until the process ends. Does nothing where stderr is no terminal.
pub fn start(worker: Arc<Worker>) -> io::Result<()> {
    if !io::stderr().is_terminal() {
        return Ok(());
    }
    let line = LINE.get_or_init(|| {
        let line = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            line.set_style(style);
        }
        line
    });
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

/// Draws a bar of this template instead of the line; `None` where stderr is no terminal.
pub fn bar(template: &str) -> Option<&'static ProgressBar> {
    if !io::stderr().is_terminal() {
        return None;
    }
    Some(LINE.get_or_init(|| {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }))
}

/// Removes the line, before a report or the end.
pub fn stop() {
    if let Some(line) = LINE.get() {
        line.finish_and_clear();
    }
}

/// Prints without breaking the status line.
pub fn aside<T>(print: impl FnOnce() -> T) -> T {
    match LINE.get() {
        Some(line) => line.suspend(print),
        None => print(),
    }
}

/// Prints a line on stdout. Where stdout is closed, nothing is printed: `println!` would panic.
pub fn print(line: &dyn Display) {
    let _ = aside(|| writeln!(io::stdout(), "{line}"));
}

/// The same on stderr.
pub fn complain(line: &dyn Display) {
    let _ = aside(|| writeln!(io::stderr(), "{line}"));
}

/// Returns the writer of log lines: stderr, without breaking the status line.
pub fn log_writer() -> impl Write {
    Above
}

struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        aside(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
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
