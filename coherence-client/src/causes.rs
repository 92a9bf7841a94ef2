//! Errors with their causes in one line.

use std::error::Error;
use std::fmt::Write as _;

use tonic::Status;

/// Returns an error and its causes in one line, without repetitions.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    append(&mut text, error);
    text
}

/// Returns a status in words, with its cause if the status was created on this side.
pub(crate) fn describe(status: &Status) -> String {
    let mut text = status.code().to_string();
    if !status.message().is_empty() {
        let _ = write!(text, ", {}", first_line(status.message()));
    }
    if let Some(source) = status.source() {
        append(&mut text, source);
    }
    text
}

/// Adds an error and its causes, each unless the text contains it already.
fn append(text: &mut String, error: &(dyn Error + 'static)) {
    for error in std::iter::successors(Some(error), |&error| error.source()) {
        let part = first_line(&error.to_string());
        if !text.contains(&part) {
            let separator = if text.is_empty() { "" } else { ": " };
            let _ = write!(text, "{separator}{part}");
        }
    }
}

fn first_line(text: &str) -> String {
    const LONGEST: usize = 300;
    text.lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}
