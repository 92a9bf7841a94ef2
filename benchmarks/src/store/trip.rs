//! One record and its acknowledgement: bare, and as a put that writes through. Without linger, which both would wait for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Expiry, Format, NamedMap, Session as _};
use coherence_kafka_core::{ReadWriteBackingMap, ReadWriteOptions};
use rdkafka::ClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::produce::connected;
use super::{DEADLINE, Measured, Order, Watch};
use crate::child::{entries, runtime};
use crate::{MAP, records};

const LINGER_MS: &str = "0";
/// Of each caller, before anything counts.
const WARM_CALLS: usize = 20;

/// The entries of each caller.
fn shares(count: u64, callers: usize) -> Result<Vec<Vec<(Bytes, Bytes)>>> {
    let each = (count as usize).div_ceil(callers) + WARM_CALLS;
    let mut all = records(0);
    let mut share = || {
        let mut share = Vec::with_capacity(each);
        while share.len() < each {
            let batch = entries(&mut (&mut all).take(each - share.len()))?;
            let owned = |(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            share.extend(batch.iter().map(owned));
        }
        Ok(share)
    };
    (0..callers).map(|_| share()).collect()
}

/// Lets every caller make its calls, one after the other, and all callers at once.
async fn calls<F: Future<Output = Result<()>> + Send + 'static>(
    order: &Order,
    callers: usize,
    call: impl Fn(Bytes, Bytes) -> F + Clone + Send + Sync + 'static,
) -> Result<Measured> {
    let mut shares = shares(order.count, callers)?;
    let warm: Vec<_> = shares.iter_mut().map(|share| share.split_off(share.len() - WARM_CALLS)).collect();
    all_at_once(warm, call.clone()).await?;
    let watch = Watch::start();
    let mut times = all_at_once(shares, call).await?;
    let mut measured = watch.stop(times.len() as u64)?;
    times.sort_unstable();
    let at = |part: f64| -> Result<f64> {
        let time = times.get(((times.len() - 1) as f64 * part).round() as usize).context("no call")?;
        Ok(time.as_secs_f64() * 1e6)
    };
    measured.call_us = Some([at(0.5)?, at(0.99)?]);
    Ok(measured)
}

async fn all_at_once<F: Future<Output = Result<()>> + Send + 'static>(
    shares: Vec<Vec<(Bytes, Bytes)>>,
    call: impl Fn(Bytes, Bytes) -> F + Clone + Send + Sync + 'static,
) -> Result<Vec<Duration>> {
    let mut callers = JoinSet::new();
    for share in shares {
        let call = call.clone();
        callers.spawn(async move {
            let mut times = Vec::with_capacity(share.len());
            for (key, value) in share {
                let begun = Instant::now();
                call(key, value).await?;
                times.push(begun.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut all = Vec::new();
    while let Some(times) = callers.join_next().await {
        all.append(&mut times??);
    }
    Ok(all)
}

struct Notifies;

impl ClientContext for Notifies {}

impl ProducerContext for Notifies {
    type DeliveryOpaque = Box<oneshot::Sender<bool>>;

    fn delivery(&self, result: &DeliveryResult<'_>, caller: Self::DeliveryOpaque) {
        // A failed call no longer waits.
        let _ = caller.send(result.is_ok());
    }
}

pub(super) fn bare(order: &Order, callers: usize) -> Result<Measured> {
    let producer: ThreadedProducer<Notifies> = order.bare_config(LINGER_MS).create_with_context(Notifies)?;
    let producer = Arc::new(producer);
    let (given, topic) = (producer.clone(), order.topic.clone());
    let call = move |key: Bytes, value: Bytes| {
        let (notify, outcome) = oneshot::channel();
        let event = Header { key: "event", value: Some("INSERT") };
        let record = BaseRecord::with_opaque_to(&topic, Box::new(notify))
            .key(&key[..])
            .payload(&value[..])
            .headers(OwnedHeaders::new_with_capacity(1).insert(event));
        let sent = given.send(record).map_err(|(error, _)| anyhow!("{error}"));
        async move {
            sent?;
            ensure!(outcome.await?, "a record was not acknowledged");
            Ok(())
        }
    };
    let measured = runtime()?.block_on(calls(order, callers, call))?;
    producer.flush(DEADLINE)?;
    Ok(measured)
}

pub(super) fn through(order: &Order, callers: usize) -> Result<Measured> {
    let store = Arc::new(connected(order, LINGER_MS)?);
    runtime()?.block_on(async {
        let below = LocalSession::new(Format::Pof).map(MAP).await?;
        let map = Arc::new(ReadWriteBackingMap::new(below, store, &ReadWriteOptions::default()).await?);
        let call = move |key: Bytes, value: Bytes| {
            let map = map.clone();
            async move {
                map.put(&key, &value, Expiry::Default).await?;
                Ok(())
            }
        };
        calls(order, callers, call).await
    })
}
