use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use super::*;
use crate::options::{SettingNames, TlsOptions};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn pem(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

fn trusting(ca: &str) -> TlsOptions {
    TlsOptions { ca: Some(file(ca)), ..TlsOptions::default() }
}

fn server_tls() -> ServerTlsConfig {
    ServerTlsConfig::new().identity(Identity::from_pem(pem("server.pem"), pem("server.key")))
}

/// Opening a map fails with this.
async fn failure(options: SessionOptions) -> MapError {
    let session = GrpcSession::new(options).unwrap();
    within(session.map("orders")).await.unwrap_err()
}

#[track_caller]
fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
}

#[track_caller]
fn misuse(error: &MapError) -> &str {
    match error {
        MapError::Misuse(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// A server that writes `bytes` to whoever connects and closes, or says nothing at all.
async fn no_grid(bytes: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            match bytes {
                Some(bytes) => {
                    let _ = socket.write_all(bytes).await;
                    let _ = socket.shutdown().await;
                }
                None => open.push(socket),
            }
        }
    });
    address
}

async fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn an_unreachable_grid_is_unavailable_with_each_address_and_reason() {
    let (first, second) = (nobody().await, nobody().await);
    let reason = unavailable::<()>(Err(failure(options(&[&first, &second])).await));
    holds(&reason, &[&first, &second]);
    assert_eq!(reason.matches("Connection refused").count(), 2, "{reason}");
    let reason = unavailable::<()>(Err(failure(options(&["no-such-host.invalid:1408"])).await));
    holds(&reason, &["no-such-host.invalid:1408: cannot connect"]);
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_fails() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&nobody().await, &grid.address]);
    let (_session, _map, _stream) = with_map(&mut grid, options).await;
}

#[tokio::test]
async fn after_the_end_of_a_stream_the_next_address_comes_first() {
    let (mut one, mut two) = (FakeGrid::start().await, FakeGrid::start().await);
    let options = options(&[&one.address, &two.address]);
    let (_session, map, mut stream) = with_map(&mut one, options).await;
    let call = get(&map, "a");
    stream.expect(Kind::Get).await;
    stream.end(Status::unavailable("stopping"));
    unavailable(within(call).await.unwrap());
    let call = get(&map, "a");
    let mut stream = two.stream_with_map(7).await;
    let asked = stream.expect(Kind::Get).await;
    stream.value(asked.id, None);
    within(call).await.unwrap().unwrap();
    assert_eq!(one.opened(), 1);
}

#[tokio::test]
async fn a_refused_init_is_a_misuse_that_says_what_to_change() {
    let mut grid = FakeGrid::start().await;
    let options =
        SessionOptions { format: Format::Json, scope: "staging".to_owned(), ..options(&[&grid.address]) };
    let failed = tokio::spawn(failure(options));
    let stream = grid.stream().await;
    assert_eq!((stream.init.scope.as_str(), stream.init.protocol.as_str()), ("staging", "CacheService"));
    assert_eq!((stream.init.protocol_version, stream.init.supported_protocol_version), (1, 1));
    stream.refuse(Status::internal(""));
    let error = within(failed).await.unwrap();
    holds(misuse(&error), &[&grid.address, "refused format \"json\" or scope \"staging\"", "coherence-json"]);
}

#[tokio::test]
async fn a_server_without_either_protocol_is_a_misuse_that_names_the_versions_that_have_one() {
    let mut grid = FakeGrid::start().await;
    let failed = tokio::spawn(failure(options(&[&grid.address])));
    let text = "Method not found: coherence.proxy.v1.ProxyService/subChannel";
    grid.stream().await.refuse(Status::unimplemented(text));
    let error = within(failed).await.unwrap();
    holds(misuse(&error), &[&grid.address, text, "check the port", "CE 21.06", "14.1.1.2206"]);
}

#[tokio::test]
async fn what_a_grid_took_once_is_no_misuse_later() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, stream) = with_map(&mut grid, options).await;
    stream.end(Status::unavailable("stopping"));
    // A call that meets the old stream fails before it can open a new one.
    let call = tokio::spawn(async move {
        loop {
            let reason = unavailable(map.size().await);
            if reason.contains("refused") {
                return reason;
            }
        }
    });
    grid.stream().await.refuse(Status::internal(""));
    within(call).await.unwrap();
}

#[tokio::test]
async fn a_port_that_speaks_something_else_is_unavailable_with_what_to_check() {
    for bytes in [b"220 ready\r\n".as_slice(), b"HTTP/1.1 400 Bad Request\r\n\r\n", b""] {
        let address = no_grid(Some(bytes)).await;
        let reason = unavailable::<()>(Err(failure(options(&[&address])).await));
        holds(&reason, &[&address, "check the port"]);
    }
}

#[tokio::test]
async fn a_port_that_never_answers_is_given_up_after_the_connect_timeout() {
    let address = no_grid(None).await;
    let options = SessionOptions { connect_timeout: Duration::from_millis(300), ..options(&[&address]) };
    let reason = unavailable::<()>(Err(failure(options).await));
    holds(&reason, &[&address, "no answer within 300ms", "check the port"]);
}

#[tokio::test]
async fn tls_works_with_the_right_authority() {
    let mut grid = FakeGrid::start_with_tls(server_tls()).await;
    let options = SessionOptions { tls: Some(trusting("ca.pem")), ..options(&[&grid.address]) };
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(5_000));
    let asked = stream.expect(Kind::PutAll).await;
    stream.complete(asked.id);
    within(call).await.unwrap().unwrap();
    within(session.close()).await;
}

#[tokio::test]
async fn an_untrusted_certificate_is_a_misuse_that_names_the_setting() {
    let grid = FakeGrid::start_with_tls(server_tls()).await;
    let options = SessionOptions { tls: Some(trusting("other-ca.pem")), ..options(&[&grid.address]) };
    let error = failure(options).await;
    holds(misuse(&error), &[&grid.address, "not trusted", "tls.ca"]);
}

#[tokio::test]
async fn messages_name_the_settings_as_their_user_knows_them() {
    let grid = FakeGrid::start_with_tls(server_tls()).await;
    let setting_names = SettingNames {
        use_tls: "say --tls",
        use_plaintext: "say --plain",
        ca: "--ca",
        ..SettingNames::default()
    };
    let with = |tls| SessionOptions { tls, setting_names, ..options(&[&grid.address]) };
    holds(misuse(&failure(with(Some(trusting("other-ca.pem")))).await), &["check --ca"]);
    holds(&failure(with(None)).await.to_string(), &["(then say --tls)"]);
    let plain = FakeGrid::start().await;
    let with = SessionOptions { addresses: vec![plain.address.clone()], ..with(Some(trusting("ca.pem"))) };
    holds(misuse(&failure(with).await), &["or say --plain"]);
    let absent = TlsOptions { ca: Some("/nowhere.pem".into()), ..TlsOptions::default() };
    let refused = GrpcSession::new(SessionOptions { tls: Some(absent), setting_names, ..options(&["h:1"]) });
    assert!(refused.unwrap_err().to_string().starts_with("--ca: cannot read /nowhere.pem"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_a_misuse_that_names_the_setting() {
    let grid = FakeGrid::start_with_tls(server_tls()).await;
    let tls = TlsOptions { server_name: Some("grid.example".to_owned()), ..trusting("ca.pem") };
    let error = failure(SessionOptions { tls: Some(tls), ..options(&[&grid.address]) }).await;
    holds(misuse(&error), &[&grid.address, "tls.server_name"]);
}

#[tokio::test]
async fn a_client_certificate_is_presented_and_its_absence_is_told() {
    let tls = server_tls().client_ca_root(Certificate::from_pem(pem("ca.pem")));
    let mut grid = FakeGrid::start_with_tls(tls).await;
    let without = SessionOptions { tls: Some(trusting("ca.pem")), ..options(&[&grid.address]) };
    // The reset of the connection may overtake the alert of the server, which then only looks unavailable.
    holds(&failure(without).await.to_string(), &[&grid.address, "tls.certificate"]);

    let (certificate, key) = (Some(file("client.pem")), Some(file("client.key")));
    let tls = TlsOptions { certificate, key, ..trusting("ca.pem") };
    let with = SessionOptions { tls: Some(tls), ..options(&[&grid.address]) };
    with_map(&mut grid, with).await;
}

#[tokio::test]
async fn tls_against_a_plaintext_server_is_a_misuse() {
    let grid = FakeGrid::start().await;
    let error = failure(SessionOptions { tls: Some(trusting("ca.pem")), ..options(&[&grid.address]) }).await;
    holds(misuse(&error), &[&grid.address, "does not speak TLS"]);
}

#[tokio::test]
async fn plaintext_against_a_tls_server_says_to_check_tls() {
    let grid = FakeGrid::start_with_tls(server_tls()).await;
    let reason = unavailable::<()>(Err(failure(options(&[&grid.address])).await));
    holds(&reason, &[&grid.address, "expects TLS"]);
}
