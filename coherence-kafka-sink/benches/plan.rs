//! How long the plan of one full batch takes: 5,000 records to one write per key.

use std::convert::Infallible;
use std::hint::black_box;

use coherence_kafka_common::map::Expiry;
use coherence_kafka_sink::plan::{BatchPlan, RecordId, WriteKind};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const RECORDS: usize = 5_000;

/// What the records of a batch are like. Keys have 16 bytes, values 100.
struct Case {
    name: &'static str,
    /// How many different keys there are.
    keys: usize,
    /// One record in this many is a tombstone.
    tombstone_every: Option<usize>,
}

const CASES: [Case; 3] = [
    Case { name: "distinct keys", keys: RECORDS, tombstone_every: None },
    Case { name: "50 keys", keys: 50, tombstone_every: None },
    Case { name: "a tenth deletes", keys: RECORDS, tombstone_every: Some(10) },
];

fn records(case: &Case) -> Vec<(String, bool)> {
    let is_tombstone = |n: usize| case.tombstone_every.is_some_and(|every| n.is_multiple_of(every));
    // 7,919 is prime: the keys come in no order.
    (0..RECORDS).map(|n| (format!("{:016}", n * 7_919 % case.keys), is_tombstone(n))).collect()
}

fn plan(criterion: &mut Criterion) {
    let value = [b'v'; 100];
    let mut group = criterion.benchmark_group("plan of 5000 records");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for case in &CASES {
        let records = records(case);
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let mut plan = BatchPlan::default();
                for (offset, (key, tombstone)) in records.iter().enumerate() {
                    let source = RecordId { partition: 0, offset: offset as i64 };
                    let applied: Result<(), Infallible> = plan.apply(
                        source,
                        |out| {
                            out.extend_from_slice(black_box(key.as_bytes()));
                            Ok(())
                        },
                        |out| {
                            out.extend_from_slice(black_box(&value));
                            Ok(if *tombstone { WriteKind::Remove } else { WriteKind::Put(Expiry::Default) })
                        },
                    );
                    let Ok(()) = applied;
                }
                plan.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, plan);
criterion_main!(benches);
