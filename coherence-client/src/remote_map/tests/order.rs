//! One handle never has two requests for one key in flight.

use super::*;

/// Proves that nothing else has arrived: the next request is one that was sent just now.
async fn nothing_but_this_came(f: &mut Fixture) {
    let other = start(&f.map, |map| async move { map.size().await });
    let asked = f.stream.expect(Kind::Size).await;
    answer(&f.stream, &asked, INT32_VALUE, &0);
    no_error(end(other).await);
}

/// Starts a put and lets it get as far as it can alone.
async fn started_put(
    map: &RemoteMap,
    key: &'static [u8],
) -> tokio::task::JoinHandle<Result<Option<Bytes>, MapError>> {
    let call = put(map, key, Expiry::Default);
    tokio::task::yield_now().await;
    call
}

#[tokio::test]
async fn a_second_write_of_a_key_waits_for_the_answer_to_the_first() {
    let mut f = fixture().await;
    let first = started_put(&f.map, b"k").await;
    let second = started_put(&f.map, b"k").await;
    let other = started_put(&f.map, b"other").await;
    let asked = [f.stream.expect(Kind::Put).await, f.stream.expect(Kind::Put).await];
    assert_eq!(asked[0].body::<PutRequest>().key, "k");
    assert_eq!(asked[1].body::<PutRequest>().key, "other");
    bytes(&f.stream, &asked[1], b"");
    no_error(end(other).await);
    nothing_but_this_came(&mut f).await;
    bytes(&f.stream, &asked[0], b"");
    no_error(end(first).await);
    let asked = f.stream.expect(Kind::Put).await;
    assert_eq!(asked.body::<PutRequest>().key, "k");
    bytes(&f.stream, &asked, b"");
    no_error(end(second).await);
}

#[tokio::test]
async fn batches_and_single_calls_wait_for_each_other() {
    let mut f = fixture().await;
    let batch = start(&f.map, |map| async move {
        map.put_all(Arc::new(Entries::from_pairs([("a", "1"), ("b", "2")])), Expiry::Default).await
    });
    let batch_asked = f.stream.expect(Kind::PutAll).await;
    let removal = start(&f.map, |map| async move { map.remove_all(keys(&[b"b", b"c"])).await });
    let disjoint = start(&f.map, |map| async move { map.remove_all(keys(&[b"x"])).await });
    let asked = f.stream.expect(Kind::Invoke).await;
    let Some(KeyOrFilter::Keys(sent)) = asked.body::<ExecuteRequest>().keys.unwrap().key_or_filter else {
        panic!()
    };
    assert_eq!(sent.values, ["x"]);
    f.stream.complete(asked.id);
    no_error(end(disjoint).await);
    // Behind the removal, although the batch in flight does not concern it.
    let put = started_put(&f.map, b"c").await;
    nothing_but_this_came(&mut f).await;
    f.stream.complete(batch_asked.id);
    no_error(end(batch).await);
    let asked = f.stream.expect(Kind::Invoke).await;
    nothing_but_this_came(&mut f).await;
    f.stream.complete(asked.id);
    no_error(end(removal).await);
    let asked = f.stream.expect(Kind::Put).await;
    bytes(&f.stream, &asked, b"");
    no_error(end(put).await);
}

#[tokio::test]
async fn reads_of_one_key_run_side_by_side_behind_its_write() {
    let mut f = fixture().await;
    let write = started_put(&f.map, b"k").await;
    let asked_write = f.stream.expect(Kind::Put).await;
    let reads = [(); 2].map(|()| start(&f.map, |map| async move { map.get(b"k").await }));
    tokio::task::yield_now().await;
    nothing_but_this_came(&mut f).await;
    bytes(&f.stream, &asked_write, b"");
    no_error(end(write).await);
    let asked = [f.stream.expect(Kind::Get).await, f.stream.expect(Kind::Get).await];
    for asked in asked {
        f.stream.value(asked.id, None);
    }
    for read in reads {
        no_error(end(read).await);
    }
}

#[tokio::test]
async fn a_change_of_the_whole_map_waits_for_all_and_all_for_it() {
    let mut f = fixture().await;
    let before = started_put(&f.map, b"a").await;
    let asked_before = f.stream.expect(Kind::Put).await;
    let clear = start(&f.map, |map| async move { map.clear().await });
    tokio::task::yield_now().await;
    let after = started_put(&f.map, b"b").await;
    nothing_but_this_came(&mut f).await;
    bytes(&f.stream, &asked_before, b"");
    no_error(end(before).await);
    let asked = f.stream.expect(Kind::Clear).await;
    nothing_but_this_came(&mut f).await;
    f.stream.complete(asked.id);
    no_error(end(clear).await);
    let asked = f.stream.expect(Kind::Put).await;
    bytes(&f.stream, &asked, b"");
    no_error(end(after).await);
}

#[tokio::test]
async fn a_caller_that_leaves_frees_its_key_only_with_the_answer() {
    let mut f = fixture().await;
    let left = started_put(&f.map, b"k").await;
    let asked_left = f.stream.expect(Kind::Put).await;
    left.abort();
    assert!(within(left).await.unwrap_err().is_cancelled());
    let next = started_put(&f.map, b"k").await;
    nothing_but_this_came(&mut f).await;
    bytes(&f.stream, &asked_left, b"");
    let asked = f.stream.expect(Kind::Put).await;
    bytes(&f.stream, &asked, b"");
    no_error(end(next).await);
}

#[tokio::test]
async fn the_end_of_the_stream_frees_its_keys() {
    let mut f = fixture().await;
    let first = started_put(&f.map, b"k").await;
    f.stream.expect(Kind::Put).await;
    let second = started_put(&f.map, b"k").await;
    f.stream.end(Status::unavailable("Socket closed"));
    assert!(matches!(end(first).await, Err(MapError::Unavailable(_))));
    let mut stream = f.grid.stream_with_map(8).await;
    let asked = stream.expect(Kind::Put).await;
    bytes(&stream, &asked, b"");
    no_error(end(second).await);
}

#[tokio::test]
async fn who_asks_for_it_has_many_requests_for_one_key_in_flight() {
    let mut f = fixture().await;
    let map = f.map.unordered();
    let calls = [put(&map, b"k", Expiry::Default), put(&map, b"k", Expiry::Default)];
    let asked = [f.stream.expect(Kind::Put).await, f.stream.expect(Kind::Put).await];
    for asked in &asked {
        bytes(&f.stream, asked, b"");
    }
    for call in calls {
        no_error(end(call).await);
    }
}

#[tokio::test]
async fn a_request_that_is_not_sent_takes_no_key() {
    let mut f = fixture().await;
    assert!(within(f.map.put(b"k", b"", Expiry::Default)).await.is_err());
    let call = put(&f.map, b"k", Expiry::Default);
    let asked = f.stream.expect(Kind::Put).await;
    bytes(&f.stream, &asked, b"");
    no_error(end(call).await);
}
