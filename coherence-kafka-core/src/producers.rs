//! The producers of many stores: those of equal settings share one, with its connections, threads and memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use parking_lot::Mutex;

use crate::producer::{Producer, Transactions};

/// By librdkafka's names, sorted.
type Settings = Vec<(String, String)>;

/// One producer for each set of settings. What is bounded for a producer, such as `buffer.memory`, is bounded for all
/// that share it.
#[derive(Default)]
pub struct Producers {
    by_settings: Mutex<HashMap<Settings, Arc<Producer>>>,
    transactions: Option<Transactions>,
}
// Settings may hold passwords.
impl fmt::Debug for Producers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producers").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Producers {
    /// Producers that publish in transactions. Each has its own transactional id: that of `transactions`, a dash and
    /// its number in the order in which they are made.
    pub fn transactional(transactions: Transactions) -> Self {
        Self { transactions: Some(transactions), ..Self::default() }
    }

    /// Returns the producer of these settings, by librdkafka's names; their order does not matter unless one occurs
    /// twice.
    ///
    /// # Errors
    /// As [`Producer::new`].
    pub fn of(&self, mut settings: Settings) -> Result<Arc<Producer>, String> {
        settings.sort_by(|one, other| one.0.cmp(&other.0));
        let mut by_settings = self.by_settings.lock();
        if let Some(producer) = by_settings.get(&settings) {
            return Ok(producer.clone());
        }
        let producer = match &self.transactions {
            None => Producer::new(settings.clone())?,
            Some(of) => {
                let id = format!("{}-{}", of.id, by_settings.len());
                Producer::transactional(settings.clone(), Transactions { id, ..of.clone() })?
            }
        };
        by_settings.insert(settings, producer.clone());
        Ok(producer)
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.by_settings.lock().len()
    }

    /// Returns true without producers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As [`Producer::end_term`], for all of them concurrently.
    pub async fn end_terms(&self, flush: Duration) {
        let producers = self.all();
        join_all(producers.iter().map(|producer| producer.end_term(flush))).await;
    }

    /// As [`Producer::close`], for all of them concurrently.
    pub async fn close(&self, deadline: Duration) -> usize {
        let producers = self.all();
        join_all(producers.iter().map(|producer| producer.close(deadline))).await.into_iter().sum()
    }

    fn all(&self) -> Vec<Arc<Producer>> {
        self.by_settings.lock().values().cloned().collect()
    }
}
