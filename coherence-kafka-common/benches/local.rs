//! How long the embedded map takes for a batch of 2,000 entries, one thread, nobody listening.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use coherence_kafka_common::local::LocalMap;
use coherence_kafka_common::map::{Entries, Expiry, NamedMap};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::FutureExt as _;
use futures::future::BoxFuture;

const BATCH: u64 = 2_000;
/// Together more than a processor's cache holds, as in a map that is used.
const BATCHES: u64 = 100;
const VALUE_BYTES: usize = 100;

fn batch(number: u64) -> Arc<Entries> {
    let keys = (number * BATCH..(number + 1) * BATCH)
        .map(|n| format!("{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    Arc::new(Entries::from_pairs(keys.map(|key| (key, [b'v'; VALUE_BYTES]))))
}

/// The embedded map never waits.
fn now<T, E: std::fmt::Debug>(future: BoxFuture<'_, Result<T, E>>) -> T {
    future.now_or_never().expect("ready at once").expect("no failure")
}

fn local_map(criterion: &mut Criterion) {
    let batches: Vec<_> = (0..BATCHES).map(batch).collect();
    let turn = Cell::new(0);
    let next = || {
        turn.set((turn.get() + 1) % batches.len());
        batches[turn.get()].clone()
    };
    let put = |map: &LocalMap, batch| now(map.put_all(batch, Expiry::Default));
    let full = || {
        let map = LocalMap::new("bench");
        batches.iter().for_each(|batch| put(&map, batch.clone()));
        map
    };
    let mut group = criterion.benchmark_group("local map");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("insert", |bencher| {
        let fill = |map: LocalMap| {
            put(&map, batches[0].clone());
            map
        };
        bencher.iter_batched(|| LocalMap::new("bench"), fill, BatchSize::SmallInput);
    });
    let map = full();
    group.bench_function("overwrite", |bencher| bencher.iter(|| put(&map, next())));
    group.bench_function("get", |bencher| {
        bencher.iter(|| {
            for (key, _) in next().iter() {
                black_box(now(map.get(key)));
            }
        });
    });
    group.bench_function("remove", |bencher| {
        let present = || {
            let batch = next();
            put(&map, batch.clone());
            batch
        };
        bencher.iter_batched(present, |batch| now(map.remove_all(batch)), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, local_map);
criterion_main!(benches);
