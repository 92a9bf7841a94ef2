//! The status line on a terminal: rate, lag, entries, errors.
//!
//! Only where stderr is a terminal; otherwise the logs show the progress.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::counters::Holding;
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
        let mut last = (Instant::now(), Sum::of(&worker).records);
        loop {
            std::thread::park_timeout(Duration::from_millis(250));
            let (now, sum) = (Instant::now(), Sum::of(&worker));
            let rate = (sum.records - last.1.min(sum.records)) as f64 / (now - last.0).as_secs_f64();
            last = (now, sum.records);
            line.set_message(sum.line(rate));
            line.tick();
        }
    })?;
    Ok(())
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

#[derive(Default)]
struct Sum {
    records: u64,
    puts: u64,
    removes: u64,
    /// Unknown where that of a running task is.
    lag: Option<u64>,
    errors: u64,
    holding: Option<Holding>,
}

impl Sum {
    fn of(worker: &Worker) -> Self {
        let mut sum = Self { lag: Some(0), ..Self::default() };
        for task in worker.names().iter().filter_map(|name| worker.status(name)).flatten() {
            sum.records += task.counters.records.now();
            sum.puts += task.counters.puts.now();
            sum.removes += task.counters.removes.now();
            sum.lag = sum.lag.zip(task.counters.lag.now()).map(|(sum, lag)| sum + lag);
            sum.errors += task.counters.errors.now() + task.counters.null_keys.now();
            sum.holding = sum.holding.or_else(|| task.counters.holding.lock().clone());
        }
        sum
    }

    fn line(&self, rate: f64) -> String {
        let Self { puts, removes, errors, .. } = self;
        let lag = self.lag.map_or_else(|| "?".to_owned(), |lag| lag.to_string());
        let line = format!(
            "{rate:.0} records/s · lag {lag} · entries {puts} put, {removes} removed · errors {errors}"
        );
        match &self.holding {
            Some(Holding { reason, .. }) => format!("{line} · holding: {reason}"),
            None => line,
        }
    }
}
