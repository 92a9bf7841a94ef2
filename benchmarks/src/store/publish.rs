//! The events of a map: counted, and published; and the memory of the digest.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{Listen, ListenTo, MapNotice, NamedMap as _};
use coherence_kafka_connect::config::Environment;
use coherence_kafka_source::digest::{Digest, Hasher, Held};
use coherence_kafka_source::{Source, Sources, State, load};
use futures::StreamExt as _;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{DEADLINE, Measured, Order, Watch};
use crate::child::runtime;
use crate::client::LISTENING;
use crate::{MAP, records};

/// How exact the times of the source are; looking more often would cost what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The memory of the digest is looked at so often while it fills.
const LOOKS: u64 = 40;

/// A listener that gets every event with its values, and drops it.
pub(super) fn listen(order: &Order) -> Result<Measured> {
    let options = SessionOptions { addresses: vec![order.grid.clone()], ..SessionOptions::default() };
    let count = order.count;
    let runtime = runtime()?;
    runtime.block_on(runtime.spawn(async move {
        let session = GrpcSession::new(options)?;
        let map = session.remote_map(MAP).await?;
        let mut notices = map.listen(Listen { to: ListenTo::All, lite: false }).await?;
        println!("{LISTENING}");
        let mut watch = Watch::start();
        for event in 0..count {
            let notice = timeout(DEADLINE, notices.next()).await.context("no event")?;
            ensure!(matches!(notice, Some(MapNotice::Event(_))), "{notice:?} instead of an event");
            if event == 0 {
                watch = Watch::start();
            }
        }
        let measured = watch.stop(count)?;
        session.close().await;
        Ok(measured)
    }))?
}

/// The source as its command runs it, while another task watches it: from the first event to the last acknowledgement.
pub(super) fn source(order: &Order) -> Result<Measured> {
    let settings = [
        ("name", order.topic.as_str()),
        ("bootstrap.servers", &order.bootstrap),
        ("coherence.session.address", &order.grid),
        ("coherence.cache.mappings", &format!("{MAP}->{}", order.topic)),
        ("coherence.passthrough", "true"),
    ];
    let set = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let sources = Sources { file: None, environment: Environment::default(), set };
    let config = load(&sources).map_err(|errors| anyhow!("{errors}"))?;
    let count = order.count;
    runtime()?.block_on(async move {
        let source = Source::new(config)?;
        let status = source.statuses().first().context("no map")?.clone();
        let stop = CancellationToken::new();
        let watching = async {
            let end = Instant::now() + DEADLINE;
            let reached = async |what: &str, condition: &dyn Fn() -> bool| {
                while !condition() {
                    ensure!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
                    sleep(LOOK_EVERY).await;
                }
                Ok(())
            };
            reached("following", &|| status.state() == State::Following).await?;
            println!("{LISTENING}");
            reached("the first event", &|| status.events.now() > 0).await?;
            let watch = Watch::start();
            // What came before the watch began is not counted.
            let before = status.acknowledged.now();
            reached("the last record", &|| status.acknowledged.now() >= count).await?;
            let mut measured = watch.stop(count - before.min(count - 1))?;
            measured.gaps = status.gaps.now();
            anyhow::Ok(measured)
        };
        let (measured, ended) = tokio::join!(
            async {
                let measured = watching.await;
                stop.cancel();
                measured
            },
            source.run(&stop, false)
        );
        ended?;
        measured
    })
}

/// Resident memory of the process, in bytes.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kb = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    Ok(kb.context("no VmRSS in the status of a process")?.trim().parse::<u64>()? * 1024)
}

/// From `count` keys to twice as many: its tables double on the way, behind which each key takes the most room.
pub(super) fn digest(count: u64) -> Result<Measured> {
    let hasher = Hasher::default();
    let before = resident()?;
    let watch = Watch::start();
    let mut digest = Digest::default();
    let mut worst = 0.0_f64;
    for (number, (key, value)) in (0..2 * count).zip(records(0)) {
        digest.slot(hasher.key(&key)).hold(Held::Value(hasher.value(&value)));
        let keys = number + 1;
        if keys >= count && (keys - count).is_multiple_of((count / LOOKS).max(1)) {
            worst = worst.max((resident()?.saturating_sub(before)) as f64 / keys as f64);
        }
    }
    let mut measured = watch.stop(2 * count)?;
    ensure!(digest.len() as u64 == 2 * count, "{} keys of {}", digest.len(), 2 * count);
    measured.bytes_a_key = Some(worst);
    Ok(measured)
}
