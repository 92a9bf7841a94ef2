use super::*;
use crate::name_service::fake::serve_name_service;
use crate::options::ClientIdentity;

#[tokio::test]
async fn a_silent_stream_is_asked_for_a_sign_of_life_and_stays_open_with_it() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { heartbeat: Some(Duration::from_millis(50)), ..options(&[&grid.address]) };
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    within(stream.heartbeats(3)).await;
    let call = get(&map, "a");
    let asked = stream.expect(Kind::Get).await;
    stream.value(asked.id, None);
    within(call).await.unwrap().unwrap();
    assert_eq!(grid.opened(), 1);
}

#[tokio::test]
async fn a_stream_without_a_sign_of_life_is_given_up() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { heartbeat: Some(Duration::from_millis(100)), ..options(&[&grid.address]) };
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    stream.silent = true;
    assert!(stream.next().await.is_none(), "the stream is over");
    assert_eq!(stream.heartbeats, 1);

    let again = get(&map, "a");
    let mut stream = grid.stream_with_map(8).await;
    let asked = stream.expect(Kind::Get).await;
    stream.value(asked.id, None);
    within(again).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_takes_its_time_is_no_silence() {
    let mut grid = FakeGrid::start().await;
    let heartbeat = Some(Duration::from_millis(30));
    let options = SessionOptions {
        heartbeat,
        request_timeout: Duration::from_millis(500),
        ..options(&[&grid.address])
    };
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let call = get(&map, "a");
    stream.expect(Kind::Get).await;
    stream.silent = true;
    let reason = unanswered(within(call).await.unwrap());
    assert!(reason.contains("no answer within 500ms"), "{reason}");
}

#[tokio::test]
async fn requests_take_turns_on_the_streams_of_a_session() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { streams: 2, ..options(&[&grid.address]) };
    let (session, map, mut first) = with_map(&mut grid, options).await;
    let calls = [get(&map, "a"), get(&map, "b")];
    let mut second = grid.stream_with_map(3).await;
    let asked = [first.expect(Kind::Get).await, second.expect(Kind::Get).await];
    assert_eq!((asked[0].cache_id, asked[1].cache_id), (Some(7), Some(3)), "each stream has ids of its own");
    first.value(asked[0].id, None);
    second.value(asked[1].id, None);
    for call in calls {
        within(call).await.unwrap().unwrap();
    }
    assert_eq!(grid.opened(), 2);
    within(session.close()).await;
    assert!(first.half_closed().await && second.half_closed().await);
}

#[tokio::test]
async fn a_stream_that_ends_takes_no_other_with_it() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { streams: 2, ..options(&[&grid.address]) };
    let (_session, map, mut first) = with_map(&mut grid, options).await;
    let calls = [get(&map, "a"), get(&map, "b")];
    let mut second = grid.stream_with_map(3).await;
    let asked = first.expect(Kind::Get).await;
    second.expect(Kind::Get).await;
    second.end(Status::unavailable("stopping"));
    first.value(asked.id, None);
    let mut failed = 0;
    for call in calls {
        failed += usize::from(within(call).await.unwrap().is_err());
    }
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn a_call_waits_for_a_grid_as_long_as_it_is_ready_to() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions {
        ready_timeout: Duration::from_secs(9),
        reconnect_backoff: (Duration::from_millis(1), Duration::from_millis(5)),
        ..options(&[&grid.address])
    };
    let session = GrpcSession::new(options).unwrap();
    let opened = tokio::spawn(async move { session.map("orders").await.map(|_| ()) });
    for _ in 0..3 {
        grid.stream().await.refuse(Status::unavailable("not yet"));
    }
    let _stream = grid.stream_with_map(7).await;
    within(opened).await.unwrap().unwrap();

    let options = SessionOptions {
        ready_timeout: Duration::from_millis(40),
        reconnect_backoff: (Duration::from_millis(5), Duration::from_millis(5)),
        ..super::options(&["127.0.0.1:1"])
    };
    let session = GrpcSession::new(options).unwrap();
    unavailable(within(session.map("orders")).await.map(|_| ()));
}

#[tokio::test]
async fn wrong_settings_are_told_at_once_however_long_a_call_would_wait() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { ready_timeout: Duration::from_secs(3_600), ..options(&[&grid.address]) };
    let session = GrpcSession::new(options).unwrap();
    let opened = tokio::spawn(async move { session.map("orders").await.map(|_| ()) });
    grid.stream().await.refuse(Status::internal(""));
    assert!(matches!(within(opened).await.unwrap(), Err(MapError::Misuse(_))));
}

#[tokio::test]
async fn proxies_are_looked_up_at_each_connect() {
    let (mut one, mut two) = (FakeGrid::start().await, FakeGrid::start().await);
    let known = Arc::new(Mutex::new(one.address.clone()));
    let port = serve_name_service({
        let known = known.clone();
        move |name| {
            name.ends_with("$GRPC:GrpcProxy").then(|| format!("[{}]", known.lock().replace(':', ", ")))
        }
    })
    .await;
    let address = format!("coherence:///127.0.0.1:{port}");
    let (_session, map, stream) = with_map(&mut one, options(&[&address])).await;
    *known.lock() = two.address.clone();
    stream.end(Status::unavailable("stopping"));
    let again = tokio::spawn(async move { while map.size().await.is_err() {} });
    let mut stream = two.stream_with_map(7).await;
    let asked = stream.expect(Kind::Size).await;
    stream.message(asked.id, "google.protobuf.Int32Value", &1i32);
    stream.complete(asked.id);
    within(again).await.unwrap();
}

#[tokio::test]
async fn a_name_service_without_proxies_is_unavailable_and_says_so() {
    let port = serve_name_service(|_| None).await;
    let session = GrpcSession::new(options(&[&format!("coherence:///127.0.0.1:{port}")])).unwrap();
    let reason = unavailable(within(session.map("orders")).await.map(|_| ()));
    assert!(reason.contains("knows no gRPC proxy"), "{reason}");
}

#[tokio::test]
async fn a_client_says_who_it_is_where_it_was_told() {
    let mut grid = FakeGrid::start().await;
    let identity = ClientIdentity { rack: "r7".to_owned(), ..ClientIdentity::default() };
    let options = SessionOptions { identity, ..options(&[&grid.address]) };
    let (_session, _map, stream) = with_map(&mut grid, options).await;
    let said = stream.init.identity.as_ref().unwrap();
    assert_eq!((said.rack_name.as_deref(), said.site_name.as_deref()), (Some("r7"), None));
}
