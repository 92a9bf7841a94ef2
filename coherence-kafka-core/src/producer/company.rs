//! Which topics share a transaction.
//!
//! Pure. A record that Kafka refuses, or cannot take, aborts everything that shares its transaction. So the topics of an
//! aborted transaction get transactions of their own, until they have committed one: a topic that keeps failing then
//! fails alone. Where others commit meanwhile, or an operator has to act, it is left out for a while, ever longer.

use std::time::{Duration, Instant};

use super::transaction::{Aborts, Transaction};
use crate::error::StoreError;

/// The shortest and the longest time for which a topic is left out.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// The longest time where an operator has to act: a repair takes effect after it.
const LONGEST_BLOCKED: Duration = Duration::from_secs(30);

/// The topics, by the transaction that is open.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Company {
    #[default]
    Nobody,
    Alone(usize),
    /// Whether each topic, by its number, takes part.
    Together(Vec<bool>),
}

impl Company {
    /// Returns the topic, where it is the only one.
    pub fn only(&self) -> Option<usize> {
        match self {
            Company::Nobody => None,
            Company::Alone(topic) => Some(*topic),
            Company::Together(with) => {
                let mut with = (0..with.len()).filter(|topic| with[*topic]);
                with.next().filter(|_| with.next().is_none())
            }
        }
    }
}

/// The state of the topics of a producer.
#[derive(Debug, Default)]
pub(super) struct Topics {
    topics: Vec<Known>,
    /// How many transactions were committed.
    commits: u64,
}

#[derive(Debug, Default)]
struct Known {
    alone: bool,
    /// How many were committed when it failed last.
    commits: u64,
    pause: Duration,
    left_out: Option<(Instant, StoreError)>,
}

impl Topics {
    /// Lets a topic join where it may. False where it waits for another transaction.
    pub fn joins(&self, company: &mut Company, topic: usize) -> bool {
        let alone = self.topics.get(topic).is_some_and(|known| known.alone);
        match company {
            Company::Nobody if alone => *company = Company::Alone(topic),
            Company::Nobody => {
                let mut with = vec![false; topic + 1];
                with[topic] = true;
                *company = Company::Together(with);
            }
            Company::Alone(only) => return *only == topic,
            Company::Together(_) if alone => return false,
            Company::Together(with) => {
                if with.len() <= topic {
                    with.resize(topic + 1, false);
                }
                with[topic] = true;
            }
        }
        true
    }

    /// Returns why nothing of a topic is sent at this time.
    pub fn left_out(&self, topic: usize, now: impl FnOnce() -> Instant) -> Option<StoreError> {
        let (until, why) = self.topics.get(topic)?.left_out.as_ref()?;
        (now() < *until).then(|| why.clone())
    }

    /// Handles the commit, or abort, of a transaction.
    pub fn on_end(&mut self, transaction: &Transaction) {
        match &transaction.aborts {
            None => self.on_commit(&transaction.company),
            Some(Aborts { why, topic_refused }) => {
                let blocked = topic_refused.clone().or_else(|| transaction.blocked());
                let why = blocked.unwrap_or_else(|| StoreError::Unavailable(why.clone()));
                self.on_abort(&transaction.company, &why, Instant::now());
            }
        }
    }

    fn on_commit(&mut self, company: &Company) {
        self.commits += 1;
        if let Some(topic) = company.only() {
            *self.known(topic) = Known::default();
        }
    }

    fn on_abort(&mut self, company: &Company, why: &StoreError, now: Instant) {
        if let Company::Together(with) = company {
            for (topic, _) in with.iter().enumerate().filter(|(_, with)| **with) {
                self.known(topic).alone = true;
            }
        }
        let Some(topic) = company.only() else { return };
        let commits = self.commits;
        let known = self.known(topic);
        let others_commit = std::mem::replace(&mut known.commits, commits) < commits;
        let is_blocked = matches!(why, StoreError::Blocked(_));
        // Where nothing is committed, Kafka is unavailable.
        if others_commit || is_blocked {
            let longest = if is_blocked { LONGEST_BLOCKED } else { PAUSES.1 };
            known.pause = (known.pause * 2).clamp(PAUSES.0, longest);
            known.left_out = Some((now + known.pause, why.clone()));
        }
    }

    fn known(&mut self, topic: usize) -> &mut Known {
        if self.topics.len() <= topic {
            self.topics.resize_with(topic + 1, Known::default);
        }
        &mut self.topics[topic]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: usize = 0;
    const BAD: usize = 1;

    fn why() -> StoreError {
        StoreError::Unavailable("away".to_owned())
    }

    fn company(topics: &Topics, joining: &[usize]) -> Company {
        let mut company = Company::default();
        joining.iter().for_each(|topic| _ = topics.joins(&mut company, *topic));
        company
    }

    #[test]
    fn a_topic_that_goes_on_failing_fails_alone_and_is_left_out_ever_longer() {
        let (mut topics, now) = (Topics::default(), Instant::now());
        let both = company(&topics, &[GOOD, BAD]);
        assert_eq!(both, Company::Together(vec![true, true]));
        topics.on_abort(&both, &why(), now);
        let mut pauses = Vec::new();
        for _ in 0..11 {
            let mut bad = company(&topics, &[BAD]);
            assert_eq!(bad, Company::Alone(BAD));
            assert!(!topics.joins(&mut bad, GOOD));
            topics.on_commit(&company(&topics, &[GOOD]));
            topics.on_abort(&bad, &why(), now);
            assert_eq!(topics.left_out(GOOD, || now), None);
            let left_out = |seconds| topics.left_out(BAD, || now + Duration::from_secs(seconds)).is_some();
            pauses.push((0..=1_000).find(|seconds| !left_out(*seconds)).unwrap());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        // Once it works, it is as the others.
        topics.on_commit(&Company::Alone(BAD));
        assert_eq!(topics.left_out(BAD, || now), None);
        assert_eq!(company(&topics, &[GOOD, BAD]), both);
    }

    #[test]
    fn where_nothing_is_committed_nothing_is_left_out() {
        let (mut topics, now) = (Topics::default(), Instant::now());
        topics.on_abort(&company(&topics, &[GOOD, BAD]), &why(), now);
        for _ in 0..5 {
            for topic in [GOOD, BAD] {
                topics.on_abort(&Company::Alone(topic), &why(), now);
                assert_eq!(topics.left_out(topic, || now), None);
            }
        }
    }

    #[test]
    fn a_blocked_topic_is_left_out_also_where_nothing_is_committed() {
        let (mut topics, now) = (Topics::default(), Instant::now());
        let blocked = StoreError::Blocked("no permission".to_owned());
        let mut pauses = Vec::new();
        for _ in 0..7 {
            topics.on_abort(&company(&topics, &[BAD]), &blocked, now);
            let left_out = |seconds| topics.left_out(BAD, || now + Duration::from_secs(seconds));
            assert_eq!(left_out(0), Some(blocked.clone()));
            pauses.push((0..=1_000).find(|seconds| left_out(*seconds).is_none()).unwrap());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_topic_is_blocked_where_its_records_are() {
        let (mut topics, blocked) = (Topics::default(), StoreError::Blocked("no topic".to_owned()));
        let mut transaction = Transaction::default();
        transaction.company = Company::Alone(BAD);
        transaction.on_report(1, Err(why()));
        transaction.on_report(2, Err(blocked.clone()));
        transaction.aborts = Some(Aborts { why: "failed delivery".to_owned(), topic_refused: None });
        topics.on_end(&transaction);
        assert_eq!(topics.left_out(BAD, Instant::now), Some(blocked));
    }

    #[test]
    fn a_topic_that_must_be_alone_waits_until_the_others_have_committed() {
        let (mut topics, now) = (Topics::default(), Instant::now());
        topics.on_abort(&company(&topics, &[BAD]), &why(), now);
        let mut good = company(&topics, &[GOOD]);
        assert!(!topics.joins(&mut good, BAD) && topics.joins(&mut good, 2));
        assert_eq!(good, Company::Together(vec![true, false, true]));
    }
}
