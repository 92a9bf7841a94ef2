//! What a grid tells of the changes of a map, held against the topic that they come from.
//!
//! ```text
//! records of a key in the topic   1   2   -   4   5      (- is a tombstone)
//! events of the key in the map        2   -       5      some are left out: the last of a batch wins; none goes back
//! ```

use std::collections::{BTreeMap, HashMap};

use integration_tests::grid::{Event, Grid};
use integration_tests::kafka::Kafka;

use crate::flow::Flow;

/// The records of each key, in their order; every value occurs once.
struct Topic(HashMap<String, Vec<Place>>);

struct Place {
    partition: usize,
    offset: i64,
    value: Option<String>,
}

impl Topic {
    fn read(kafka: &Kafka, flow: &Flow) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let mut keys: HashMap<_, Vec<_>> = HashMap::new();
        for record in kafka.records(&flow.name).unwrap() {
            let partition = usize::try_from(record.partition).unwrap();
            let place = Place { partition, offset: record.offset, value: record.value.map(text) };
            keys.entry(text(record.key.unwrap())).or_default().push(place);
        }
        Self(keys)
    }
}

/// Listens to the map of a flow, and remembers what it is told.
pub struct History<'a> {
    kafka: &'a Kafka,
    grid: &'a Grid,
    flow: &'a Flow,
    writes_are_repeated: bool,
    parts: Vec<Part>,
    moments: Vec<Moment>,
}

/// What happened from one fault to the next.
struct Part {
    events: Vec<Event>,
    /// What may be written once more.
    from: Option<Vec<i64>>,
}

/// What was committed, and a little later in the map.
struct Moment {
    committed: Vec<i64>,
    entries: BTreeMap<String, String>,
}

impl<'a> History<'a> {
    /// From now on every record is to be written once at most.
    pub fn new(kafka: &'a Kafka, grid: &'a Grid, flow: &'a Flow) -> Self {
        grid.tool().listen(&flow.name).unwrap();
        let first = Part { events: Vec::new(), from: None };
        Self { kafka, grid, flow, writes_are_repeated: false, parts: vec![first], moments: Vec::new() }
    }

    /// A write that got no answer is sent again as it was.
    pub fn where_writes_are_repeated(mut self) -> Self {
        self.writes_are_repeated = true;
        self
    }

    /// How many events there have been since the last fault.
    pub fn changes(&mut self) -> usize {
        let part = self.parts.last_mut().unwrap();
        part.events.extend(self.grid.tool().events(&self.flow.name).unwrap());
        part.events.len()
    }

    /// A fault whose consequence is that records are read again: those that are not committed, and no others.
    pub fn read_again(&mut self) {
        self.changes();
        let from = Some(self.flow.committed(self.kafka));
        self.parts.push(Part { events: Vec::new(), from });
    }

    /// From here on nothing may be written a second time.
    pub fn not_read_again(&mut self) {
        self.changes();
        self.parts.push(Part { events: Vec::new(), from: None });
    }

    /// What is committed now must be in the map now, whatever is not.
    pub fn committed_is_applied(&mut self) {
        let committed = self.flow.committed(self.kafka);
        let entries = self.grid.tool().entries(&self.flow.name).unwrap();
        self.moments.push(Moment { committed, entries });
    }

    /// Holds all of it against the topic; returns how many events there were.
    #[track_caller]
    pub fn assert_right(mut self) -> usize {
        self.changes();
        let topic = Topic::read(self.kafka, self.flow);
        for moment in &self.moments {
            assert_eq!(moment.missing(&topic), Vec::<String>::new(), "committed, and not in the map");
        }
        let mut seen = HashMap::new();
        for (number, part) in self.parts.iter().enumerate() {
            for event in &part.events {
                let key = event.key.text.as_str();
                let places = &topic.0[key];
                let last = seen.get(key).copied();
                let again = |at: usize| {
                    part.from.as_ref().is_some_and(|from| places[at].offset >= from[places[at].partition])
                };
                let value = event.new.as_ref().map(|value| value.text.as_str());
                let is_it = |at: &usize| places[*at].value.as_deref() == value;
                let behind = last.map_or(0, |last| last + 1);
                // A tombstone looks like any other: where one is behind what was seen, it is that one.
                let found = (behind..places.len()).find(is_it).or_else(|| {
                    let repeated = last.filter(|at| self.writes_are_repeated && is_it(at));
                    repeated.or_else(|| (0..behind).find(|at| is_it(at) && again(*at)))
                });
                let Some(found) = found else {
                    let records: Vec<_> = places.iter().map(|p| (p.partition, p.offset, &p.value)).collect();
                    panic!(
                        "part {number}: {event:?} of record {last:?} of {records:?}, from {:?}",
                        part.from
                    );
                };
                seen.insert(key, found);
            }
        }
        self.parts.iter().map(|part| part.events.len()).sum()
    }
}

impl Moment {
    /// The keys whose entry is older than what was committed.
    fn missing(&self, topic: &Topic) -> Vec<String> {
        let is_old = |key: &str, places: &[Place]| {
            let committed = |place: &Place| place.offset < self.committed[place.partition];
            let Some(last) = places.iter().rposition(committed) else { return false };
            let entry = self.entries.get(key);
            !places[last..].iter().any(|place| place.value.as_ref() == entry)
        };
        let keys = topic.0.iter().filter(|(key, places)| is_old(key, places));
        keys.map(|(key, _)| key.clone()).collect()
    }
}
