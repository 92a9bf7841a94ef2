//! What leaves once a gate is closed: nothing that changes entries.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::limits::MAX_REQUESTS_IN_FLIGHT;

#[derive(Debug, Default)]
struct Gate {
    closed: AtomicBool,
}

impl SendGate for Gate {
    fn check(&self) -> Result<(), String> {
        if self.closed.load(Ordering::SeqCst) { Err("the gate is closed".to_owned()) } else { Ok(()) }
    }
}

impl Gate {
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}

fn gated(map: &RemoteMap) -> (RemoteMap, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let asked: Arc<dyn SendGate> = gate.clone();
    (map.gated(&asked), gate)
}

fn entries(len: usize) -> Arc<Entries> {
    Arc::new(Entries::from_pairs((0..len).map(|n| (n.to_be_bytes(), FIVE))))
}

fn not_sent(result: Result<(), MapError>) {
    assert_eq!(result, Err(MapError::Unavailable("not sent: the gate is closed".to_owned())));
}

/// The next request is a read: no change has left before it.
async fn nothing_has_left(map: &RemoteMap, stream: &mut FakeStream) {
    let size = start(map, |map| async move { map.size().await });
    let asked = stream.expect(Kind::Size).await;
    answer(stream, &asked, INT32_VALUE, &3);
    assert_eq!(end(size).await, Ok(3), "a read asks no gate");
}

#[tokio::test]
async fn a_gate_that_closes_amid_a_thousand_puts_lets_none_of_the_others_leave() {
    let mut f = fixture().await;
    let (map, gate) = gated(&f.map);
    let call = start(&map, |map| async move { map.put_all(entries(1000), Expiry::Never).await });
    let mut open = Vec::new();
    for _ in 0..MAX_REQUESTS_IN_FLIGHT {
        open.push(f.stream.expect(Kind::Put).await);
    }
    gate.close();
    for asked in &open {
        bytes(&f.stream, asked, b"");
    }
    not_sent(end(call).await);
    nothing_has_left(&map, &mut f.stream).await;
}

#[tokio::test]
async fn a_closed_gate_lets_no_part_of_a_batch_leave() {
    let mut f = fixture().await;
    let (map, gate) = gated(&f.map);
    gate.close();
    let batch = entries(3 * MAX_REQUEST_ENTRIES);
    not_sent(within(map.put_all(batch.clone(), Expiry::Default)).await);
    not_sent(within(map.remove_all(batch)).await);
    not_sent(within(map.put(b"k", FIVE, Expiry::Default)).await.map(drop));
    not_sent(within(map.remove(b"k")).await.map(drop));
    nothing_has_left(&map, &mut f.stream).await;
}

#[tokio::test]
async fn a_gate_that_closes_while_the_grid_is_reached_again_lets_nothing_leave() {
    let mut f = fixture().await;
    let (map, gate) = gated(&f.map);
    f.stream.end(Status::unavailable("Socket closed"));
    let call = start(&map, |map| async move {
        // The end of the stream may be noticed late.
        loop {
            let result = map.put_all(entries(5), Expiry::Default).await;
            if !matches!(&result, Err(MapError::Unavailable(reason)) if reason.contains("Socket closed")) {
                return result;
            }
        }
    });
    let mut stream = f.grid.stream().await;
    gate.close();
    stream.accept();
    stream.ensure(8).await;
    not_sent(end(call).await);
    nothing_has_left(&map, &mut stream).await;
}
