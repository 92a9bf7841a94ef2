//! Asking an address whether what its proxy had received can still run.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::options::SessionOptions;
use crate::sub_channel;

/// How long a proxy has to have run since the connection broke before nothing of it is expected any more. An
/// assumption: a proxy reads what lies in its sockets, and runs or drops it, within milliseconds.
pub(super) const GRACE: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 2_000 });

/// Longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Returns, with the reason in words, when what was sent to `address` before the connection broke can no longer run:
///
/// * a connection is refused: the process has gone, or
/// * it answered, and answered again what was asked [`GRACE`] later: it was running meanwhile. A first answer says
///   little: a proxy that thaws gives it while it runs what it had received. Whether it is the same process does not
///   matter, because a member that was expelled from its cluster comes back as another one, with the same requests.
///
/// A proxy that does not answer may be frozen. One whose host has gone cannot be told from it.
pub(super) async fn until_over(options: &SessionOptions, address: &str, broke: Instant) -> &'static str {
    let mut answers_since: Option<Instant> = None;
    let mut pause = options.reconnect_backoff.0.min(LONGEST_PAUSE);
    let mut at = broke + GRACE;
    loop {
        sleep_until(at).await;
        let asked = Instant::now();
        match sub_channel::greet(options, address).await {
            Ok(()) => match answers_since {
                Some(since) if asked >= since + GRACE => return "the proxy has answered for a while",
                Some(since) => at = since + GRACE,
                None => {
                    let now = Instant::now();
                    answers_since = Some(now);
                    at = now + GRACE;
                }
            },
            Err(failure) if failure.refused => return "the proxy has gone",
            Err(failure) => {
                tracing::debug!(address, reason = failure.reason, "no word from the proxy");
                answers_since = None;
                at = Instant::now() + pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
