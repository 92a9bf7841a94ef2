//! What a thread panicked with, and where.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static LAST: Cell<Option<String>> = const { Cell::new(None) };
}

/// Does `work`. Where it panics the error holds the message and the place; what `work` was busy with may be left half
/// done, and is to be dropped.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            LAST.set(Some(described(info)));
            before(info);
        }));
    });
    panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| LAST.take().unwrap_or_else(|| "a panic without a message".to_owned()))
}

/// Logs panics from now on, instead of printing them.
pub(crate) fn log() {
    panic::set_hook(Box::new(|info| tracing::error!(panic = described(info), "thread panicked")));
}

fn described(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("no message");
    match info.location() {
        Some(place) => format!("panic at {place}: {message}"),
        None => format!("panic: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_message_and_its_place() {
        assert_eq!(caught(|| 7), Ok(7));
        let line = line!() + 1;
        let panicked = caught(|| assert_eq!(1, 2, "{} fails", "it"));
        let reason = panicked.unwrap_err();
        assert!(reason.starts_with(&format!("panic at {}:{line}:", file!())), "{reason}");
        assert!(reason.contains("it fails"), "{reason}");
    }
}
