//! Which topics share a transaction.
//!
//! Pure. A record that Kafka refuses or cannot append aborts everything that shares its transaction. So each topic of an
//! aborted transaction is isolated, in a transaction without other topics, until it has committed one: a topic that keeps
//! failing then fails alone. If others commit meanwhile, or an operator has to act, it is paused, each time for longer.

use std::time::{Duration, Instant};

use super::participants::Participants;
use super::transaction::{Aborts, Transaction};
use crate::error::StoreError;

/// The shortest and the longest time for which a topic is paused.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// The longest time where an operator has to act: a repair takes effect after it.
const LONGEST_BLOCKED: Duration = Duration::from_secs(30);

/// The state of the topics of a producer.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    topics: Vec<TopicState>,
    /// How many transactions were committed.
    commits: u64,
}

#[derive(Debug, Default)]
struct TopicState {
    isolated: bool,
    /// How many transactions were committed when it failed last.
    commits: u64,
    pause: Duration,
    paused: Option<(Instant, StoreError)>,
}

impl Isolation {
    /// Adds a topic if it may participate. Returns false if it waits for another transaction.
    pub(super) fn admits(&self, participants: &mut Participants, topic: usize) -> bool {
        let isolated = self.topics.get(topic).is_some_and(|state| state.isolated);
        match participants {
            Participants::None if isolated => *participants = Participants::Only(topic),
            Participants::None => {
                let mut with = vec![false; topic + 1];
                with[topic] = true;
                *participants = Participants::Shared(with);
            }
            Participants::Only(only) => return *only == topic,
            Participants::Shared(_) if isolated => return false,
            Participants::Shared(with) => {
                if with.len() <= topic {
                    with.resize(topic + 1, false);
                }
                with[topic] = true;
            }
        }
        true
    }

    /// Returns why a topic is paused at this time.
    pub(super) fn paused(&self, topic: usize, now: impl FnOnce() -> Instant) -> Option<StoreError> {
        let (until, why) = self.topics.get(topic)?.paused.as_ref()?;
        (now() < *until).then(|| why.clone())
    }

    /// Handles the commit, or abort, of a transaction.
    pub(super) fn on_end(&mut self, transaction: &Transaction) {
        match &transaction.aborts {
            None => self.on_commit(&transaction.participants),
            Some(Aborts { why, topic_refused }) => {
                let blocked = topic_refused.clone().or_else(|| transaction.blocked());
                let why = blocked.unwrap_or_else(|| StoreError::Unavailable(why.clone()));
                self.on_abort(&transaction.participants, &why, Instant::now());
            }
        }
    }

    fn on_commit(&mut self, participants: &Participants) {
        self.commits += 1;
        if let Some(topic) = participants.only() {
            *self.state(topic) = TopicState::default();
        }
    }

    fn on_abort(&mut self, participants: &Participants, why: &StoreError, now: Instant) {
        if let Participants::Shared(with) = participants {
            for (topic, _) in with.iter().enumerate().filter(|(_, with)| **with) {
                self.state(topic).isolated = true;
            }
        }
        let Some(topic) = participants.only() else { return };
        let commits = self.commits;
        let state = self.state(topic);
        let others_commit = std::mem::replace(&mut state.commits, commits) < commits;
        let is_blocked = matches!(why, StoreError::Blocked(_));
        // Where nothing is committed, Kafka is unavailable.
        if others_commit || is_blocked {
            let longest = if is_blocked { LONGEST_BLOCKED } else { PAUSES.1 };
            state.pause = (state.pause * 2).clamp(PAUSES.0, longest);
            state.paused = Some((now + state.pause, why.clone()));
        }
    }

    fn state(&mut self, topic: usize) -> &mut TopicState {
        if self.topics.len() <= topic {
            self.topics.resize_with(topic + 1, TopicState::default);
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

    fn participants(topics: &Isolation, joining: &[usize]) -> Participants {
        let mut participants = Participants::default();
        joining.iter().for_each(|topic| _ = topics.admits(&mut participants, *topic));
        participants
    }

    #[test]
    fn a_topic_that_keeps_failing_fails_alone_and_is_paused_for_longer_each_time() {
        let (mut topics, now) = (Isolation::default(), Instant::now());
        let both = participants(&topics, &[GOOD, BAD]);
        assert_eq!(both, Participants::Shared(vec![true, true]));
        topics.on_abort(&both, &why(), now);
        let mut pauses = Vec::new();
        for _ in 0..11 {
            let mut bad = participants(&topics, &[BAD]);
            assert_eq!(bad, Participants::Only(BAD));
            assert!(!topics.admits(&mut bad, GOOD));
            topics.on_commit(&participants(&topics, &[GOOD]));
            topics.on_abort(&bad, &why(), now);
            assert_eq!(topics.paused(GOOD, || now), None);
            let paused = |seconds| topics.paused(BAD, || now + Duration::from_secs(seconds)).is_some();
            pauses.push((0..=1_000).find(|seconds| !paused(*seconds)).unwrap());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        // Once it works, it is as the others.
        topics.on_commit(&Participants::Only(BAD));
        assert_eq!(topics.paused(BAD, || now), None);
        assert_eq!(participants(&topics, &[GOOD, BAD]), both);
    }

    #[test]
    fn where_nothing_is_committed_nothing_is_paused() {
        let (mut topics, now) = (Isolation::default(), Instant::now());
        topics.on_abort(&participants(&topics, &[GOOD, BAD]), &why(), now);
        for _ in 0..5 {
            for topic in [GOOD, BAD] {
                topics.on_abort(&Participants::Only(topic), &why(), now);
                assert_eq!(topics.paused(topic, || now), None);
            }
        }
    }

    #[test]
    fn a_blocked_topic_is_paused_also_where_nothing_is_committed() {
        let (mut topics, now) = (Isolation::default(), Instant::now());
        let blocked = StoreError::Blocked("no permission".to_owned());
        let mut pauses = Vec::new();
        for _ in 0..7 {
            topics.on_abort(&participants(&topics, &[BAD]), &blocked, now);
            let paused = |seconds| topics.paused(BAD, || now + Duration::from_secs(seconds));
            assert_eq!(paused(0), Some(blocked.clone()));
            pauses.push((0..=1_000).find(|seconds| paused(*seconds).is_none()).unwrap());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_topic_is_blocked_where_its_records_are() {
        let (mut topics, blocked) = (Isolation::default(), StoreError::Blocked("no topic".to_owned()));
        let mut transaction = Transaction::default();
        transaction.participants = Participants::Only(BAD);
        transaction.on_report(1, Err(why()));
        transaction.on_report(2, Err(blocked.clone()));
        transaction.aborts = Some(Aborts { why: "failed delivery".to_owned(), topic_refused: None });
        topics.on_end(&transaction);
        assert_eq!(topics.paused(BAD, Instant::now), Some(blocked));
    }

    #[test]
    fn an_isolated_topic_waits_until_the_others_have_committed() {
        let (mut topics, now) = (Isolation::default(), Instant::now());
        topics.on_abort(&participants(&topics, &[BAD]), &why(), now);
        let mut good = participants(&topics, &[GOOD]);
        assert!(!topics.admits(&mut good, BAD) && topics.admits(&mut good, 2));
        assert_eq!(good, Participants::Shared(vec![true, false, true]));
    }
}
