//! What time it is, and how to wait. Tests simulate it.

use std::time::{Duration, Instant};

#[cfg(test)]
pub(crate) mod simulated;

/// The clock of a writer.
#[derive(Debug, Clone, Default)]
pub(crate) enum Clock {
    #[default]
    System,
    #[cfg(test)]
    Simulated(simulated::Time),
}

impl Clock {
    pub(super) fn now(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            #[cfg(test)]
            Self::Simulated(time) => time.now(),
        }
    }

    pub(super) async fn sleep(&self, pause: Duration) {
        match self {
            Self::System => tokio::time::sleep(pause).await,
            #[cfg(test)]
            Self::Simulated(time) => time.sleep(pause).await,
        }
    }
}
