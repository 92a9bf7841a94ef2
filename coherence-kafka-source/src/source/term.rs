//! One term: this process leads, and every map has its task.
//!
//! A producer acquires its transactional id first, and only then the tasks of its maps begin: no older publisher can
//! change the topics that they read. A producer without Kafka delays its own maps only. A task that panics is
//! restarted; the term ends with the leadership, with a fenced producer, or with a task that ended without being
//! stopped.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_core::{Lost, Producer};
use coherence_kafka_rdkafka::leadership::Leadership;
use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::{BoxFuture, Shared};
use futures::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Outcomes, PAUSE, Published, Refusals, Source, SourceError, State, Status, TOPIC_READERS, Task, TaskError,
};

/// How long one attempt to get a transactional id may take.
const FENCING: Duration = Duration::from_secs(10);
/// The longest pause between two attempts of what was refused: the repair of an operator takes effect after it.
const LONGEST_REFUSAL: Duration = Duration::from_secs(30);
/// The longest pause before a task that has panicked is restarted.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What a term knows.
pub(super) struct Term<'a> {
    /// See [`Leadership::leading`].
    pub number: u64,
    pub leadership: &'a Arc<Leadership>,
    /// The end of the term.
    pub stop: CancellationToken,
    pub once: bool,
    pub refusals: &'a Arc<Refusals>,
}

/// How a term has ended.
pub(super) enum Ended {
    /// All maps equal their topics.
    Equal,
    /// It was stopped, or another term may be better.
    Over,
    /// No waiting helps.
    Refused(SourceError),
}

/// Why the publishing of a map has ended.
enum MapError {
    Task(TaskError),
    /// Its producer got no transactional id.
    Producer(String),
}

/// Whether a producer can publish in this term.
type Begun = Shared<BoxFuture<'static, Result<bool, String>>>;

impl Source {
    /// Runs the tasks until they have ended, or this process no longer leads.
    pub(super) async fn lead(&self, term: &Term<'_>) -> Ended {
        let (mut running, mut losses) = (JoinSet::new(), FuturesUnordered::new());
        let readers = Arc::new(Semaphore::new(TOPIC_READERS));
        let mut begun: Vec<(Arc<Producer>, Begun)> = Vec::new();
        for (index, Published { producer, .. }) in self.maps.iter().enumerate() {
            let known = begun.iter().find(|(known, _)| Arc::ptr_eq(known, producer));
            let begun = match known {
                Some((_, begun)) => begun.clone(),
                None => {
                    let new = self.begin(producer.clone(), term);
                    losses.push(loss(producer.clone(), new.clone()));
                    begun.push((producer.clone(), new.clone()));
                    new
                }
            };
            let make = self.maker(index, term, readers.clone());
            let (stop, status) = (term.stop.clone(), self.statuses[index].clone());
            running.spawn(async move {
                match begun.await {
                    Ok(true) => {
                        let run = || async { make().run(&stop).await };
                        again_after_panic(run, &stop, &status).await.map_err(MapError::Task)
                    }
                    Ok(false) => Ok(false),
                    Err(why) => Err(MapError::Producer(why)),
                }
            });
        }
        let (mut all_equal, mut refused) = (true, Vec::new());
        let mut settings = None;
        loop {
            let next = tokio::select! {
                next = running.join_next() => next,
                () = term.leadership.standing_by(term.number), if !term.stop.is_cancelled() => {
                    all_equal = false;
                    term.stop.cancel();
                    continue;
                }
                Some(lost) = losses.next(), if !term.stop.is_cancelled() => {
                    if lost == Lost::Fenced {
                        term.leadership.doubt();
                    }
                    all_equal = false;
                    term.stop.cancel();
                    continue;
                }
            };
            match next {
                None => break,
                Some(Ok(Ok(true))) => {}
                // Something stopped it: the term, unless the task was mistaken about that.
                Some(Ok(Ok(false))) => {
                    all_equal = false;
                    term.stop.cancel();
                }
                Some(Ok(Err(error))) => {
                    match error {
                        MapError::Task(error) => refused.push(error),
                        MapError::Producer(why) => settings = Some(why),
                    }
                    // A run that ends by itself publishes what it can.
                    if !term.once {
                        term.stop.cancel();
                    }
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "task of a map ended unexpectedly; the term ends");
                    all_equal = false;
                    term.stop.cancel();
                }
            }
        }
        match settings {
            Some(why) => Ended::Refused(SourceError::Settings(why)),
            None if !refused.is_empty() => Ended::Refused(SourceError::Maps(refused)),
            None if all_equal => Ended::Equal,
            None => Ended::Over,
        }
    }

    /// Fences older publishers, as soon as the coordinator of the transactions is available. Returns false where the
    /// term ended before, and an error where that is not permitted and nothing works.
    fn begin(&self, producer: Arc<Producer>, term: &Term<'_>) -> Begun {
        let of_producer =
            self.maps.iter().zip(&self.statuses).filter(|(map, _)| Arc::ptr_eq(&map.producer, &producer));
        let statuses: Vec<_> = of_producer.map(|(_, status)| status.clone()).collect();
        let (stop, refusals) = (term.stop.clone(), term.refusals.clone());
        let begun = async move {
            let mut pause = PAUSE;
            loop {
                let (producer, stopped) = (producer.clone(), stop.clone());
                let begun = tokio::task::spawn_blocking(move || {
                    producer.begin_term(FENCING, &|| !stopped.is_cancelled())
                });
                let lost = match stop.run_until_cancelled(begun).await {
                    None => return Ok(false),
                    Some(Ok(Ok(()))) => return Ok(true),
                    Some(Ok(Err(lost))) => lost,
                    Some(Err(error)) => Lost::Failed(error.to_string()),
                };
                if let Lost::Refused(reason) = &lost {
                    let why = format!(
                        "kafka does not permit to publish in transactions: {reason}; permit Write and Describe on the \
                         transactional ids that begin with coherence-source- and the name of the source"
                    );
                    let mut ends = false;
                    for status in &statuses {
                        if status.refuse(&why) {
                            tracing::error!(
                                map = status.map,
                                why,
                                "publishing in transactions refused, retrying"
                            );
                        }
                        ends |= refusals.on_refused(&status.map);
                    }
                    if ends {
                        return Err(why);
                    }
                    pause = (pause * 2).min(LONGEST_REFUSAL);
                } else {
                    statuses.iter().for_each(|status| status.set(State::KafkaAway));
                    tracing::warn!(reason = %lost, "transactional id not acquired yet, retrying");
                    pause = PAUSE;
                }
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return Ok(false);
                }
            }
        };
        // It continues whichever of its maps waits for it.
        begun.boxed().shared()
    }

    /// Returns the function that creates the task of a map.
    fn maker(
        &self,
        index: usize,
        term: &Term<'_>,
        readers: Arc<Semaphore>,
    ) -> impl Fn() -> Task + Send + 'static {
        let (config, session) = (self.config.clone(), self.session.clone());
        let (status, refusals) = (self.statuses[index].clone(), term.refusals.clone());
        let Published { store, records, .. } = &self.maps[index];
        let (store, records) = (store.clone(), records.clone());
        let (leadership, number, once) = (term.leadership.clone(), term.number, term.once);
        move || {
            let map = &config.maps[index];
            let leadership = leadership.clone();
            Task {
                session: Arc::new(session.clone()),
                records: records.clone(),
                store: store.clone(),
                outcomes: Outcomes::new(status.clone()),
                consumer: map.consumer.clone(),
                readers: readers.clone(),
                may_send: Arc::new(move || leadership.leads(number)),
                refusals: refusals.clone(),
                publish_expirations: map.publish_expirations,
                comparison_interval: config.comparison_interval,
                errors: config.errors,
                fatal: None,
                once,
                status: status.clone(),
            }
        }
    }
}

/// Runs a task to its end; one that panics is restarted.
async fn again_after_panic<F: Future<Output = Result<bool, TaskError>>>(
    run: impl Fn() -> F,
    stop: &CancellationToken,
    status: &Status,
) -> Result<bool, TaskError> {
    let mut pause = PAUSE;
    loop {
        match AssertUnwindSafe(run()).catch_unwind().await {
            Ok(ended) => return ended,
            Err(_) => {
                status.refuse("the task of the map panicked");
                tracing::error!(map = status.map, "task of a map panicked, restarting it");
            }
        }
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return Ok(false);
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Ready once the term of a producer is lost.
fn loss(producer: Arc<Producer>, begun: Begun) -> BoxFuture<'static, Lost> {
    let lost = async move {
        if begun.await != Ok(true) {
            return std::future::pending().await;
        }
        producer.term_lost().await
    };
    lost.boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_made_again_and_is_refused_meanwhile() {
        let (status, stop, runs) = (Status::new("m", "t"), CancellationToken::new(), AtomicUsize::new(0));
        let run = || async {
            assert!(runs.fetch_add(1, Ordering::Relaxed) > 0, "the first one panics");
            assert_eq!(status.state(), State::Refused);
            Ok(true)
        };
        assert_eq!(again_after_panic(run, &stop, &status).await, Ok(true));
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn nothing_is_made_again_behind_a_stop() {
        let (status, stop) = (Status::new("m", "t"), CancellationToken::new());
        stop.cancel();
        let run = || async { panic!("it always panics") };
        assert_eq!(again_after_panic(run, &stop, &status).await, Ok(false));
    }
}
