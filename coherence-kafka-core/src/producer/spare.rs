//! Header lists of reported records, for other records.

use coherence_kafka_rdkafka::producer::HeaderList;

use crate::outbound::Event;

/// How many lists of one event are kept: as many as return while their producer waits for room.
const MAX_SPARE: usize = 16 * 1024;

/// The lists that hold one event alone, by event.
#[derive(Debug, Default)]
pub(super) struct Spare([Vec<HeaderList>; 3]);

impl Spare {
    /// A list of this event alone.
    pub(super) fn take(&mut self, event: Event) -> HeaderList {
        self.0[event as usize].pop().unwrap_or_else(|| HeaderList::new(&[event.header()]))
    }

    /// Keeps a list of this event alone.
    pub(super) fn keep(&mut self, event: Event, list: HeaderList) {
        let lists = &mut self.0[event as usize];
        if lists.len() < MAX_SPARE {
            lists.push(list);
        }
    }
}
