//! The terminal: the status line, and what is printed above it.
//!
//! The line is drawn only where stderr is a terminal; otherwise the logs show the progress.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};

static LINE: OnceLock<ProgressBar> = OnceLock::new();

/// Draws a bar of this template instead of the line; `None` where stderr is no terminal.
pub fn bar(template: &str) -> Option<&'static ProgressBar> {
    line(template, || ProgressBar::new(0))
}

/// Draws a line of this template; `None` where stderr is no terminal.
pub(crate) fn spinner(template: &str) -> Option<&'static ProgressBar> {
    line(template, ProgressBar::new_spinner)
}

fn line(template: &str, create: impl FnOnce() -> ProgressBar) -> Option<&'static ProgressBar> {
    if !io::stderr().is_terminal() {
        return None;
    }
    Some(LINE.get_or_init(|| {
        let line = create();
        if let Ok(style) = ProgressStyle::with_template(template) {
            line.set_style(style);
        }
        line
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
