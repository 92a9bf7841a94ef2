use coherence_kafka_common::grid_address::GridAddress;
use proptest::prelude::*;
use tokio::net::TcpListener;

use super::fake::{answer, serve_name_service as name_service};
use super::*;
use crate::fake_grid::within;

fn options() -> SessionOptions {
    SessionOptions { connect_timeout: Duration::from_secs(5), ..SessionOptions::default() }
}

fn parse(address: &str) -> NameServiceAddress {
    match GridAddress::parse(address) {
        Ok(GridAddress::NameService { members, cluster }) => NameServiceAddress { members, cluster },
        other => panic!("{other:?}"),
    }
}

async fn resolve(address: &str) -> Result<Vec<String>, String> {
    within(parse(address).resolve(&options())).await
}

#[test]
fn the_answers_of_a_real_member_are_read() {
    assert_eq!(channel_id(b"\0\0\0\0\0\0\0\0ab\x40").unwrap(), b"ab");
    let long = "x".repeat(300);
    assert_eq!(text(&answer(&long), 4), Ok(Some(long)));
    assert_eq!(text(b"chan\0\0\0\0\0\0\0\0", 4), Ok(None));
    assert_eq!(proxies("[127.0.0.1, 58193, ::1, 58192]").unwrap(), ["127.0.0.1:58193", "[::1]:58192"]);
    assert!(proxies("[]").unwrap().is_empty());
    for wrong in ["[127.0.0.1]", "[a, b]", "[a b, 1]", "[a, 70000]"] {
        assert!(matches!(proxies(wrong), Err(LookupError::NotAList)), "{wrong}");
    }
}

#[tokio::test]
async fn the_proxies_of_a_cluster_are_found() {
    let port =
        name_service(|name| (name == PROXIES).then(|| "[127.0.0.1, 12, 127.0.0.1, 13]".to_owned())).await;
    assert_eq!(
        resolve(&format!("coherence:///127.0.0.1:{port}")).await.unwrap(),
        ["127.0.0.1:12", "127.0.0.1:13"]
    );
}

#[tokio::test]
async fn the_next_member_is_asked_where_one_does_not_answer_or_knows_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let empty = name_service(|_| Some("[]".to_owned())).await;
    let knows = name_service(|name| (name == PROXIES).then(|| "[h, 12]".to_owned())).await;
    let address = format!("coherence:///127.0.0.1:{closed},127.0.0.1:{empty},127.0.0.1:{knows}");
    assert_eq!(resolve(&address).await.unwrap(), ["h:12"]);
}

#[tokio::test]
async fn a_cluster_that_shares_the_port_is_found_at_its_own() {
    let other = name_service(|name| (name == PROXIES).then(|| "[h, 99]".to_owned())).await;
    let member = name_service(move |name| match name {
        "NameService/string/Cluster/foreign/other/NameService/localPort" => Some(other.to_string()),
        CLUSTER_NAME => Some("own".to_owned()),
        PROXIES => Some("[h, 1]".to_owned()),
        _ => None,
    })
    .await;
    assert_eq!(resolve(&format!("coherence:///127.0.0.1:{member}/other")).await.unwrap(), ["h:99"]);
    assert_eq!(resolve(&format!("coherence:///127.0.0.1:{member}/own")).await.unwrap(), ["h:1"]);
    let error = resolve(&format!("coherence:///127.0.0.1:{member}/absent")).await.unwrap_err();
    assert!(error.contains("does not know cluster \"absent\"") && error.contains("\"own\""), "{error}");
}

#[tokio::test]
async fn a_cluster_without_proxies_is_said_to_have_none() {
    let port = name_service(|_| None).await;
    let error = resolve(&format!("coherence:///127.0.0.1:{port}")).await.unwrap_err();
    assert!(error.contains(&format!("127.0.0.1:{port}: it knows no gRPC proxy")), "{error}");
}

#[tokio::test]
async fn a_member_without_proxies_yet_is_asked_again() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let port = name_service(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        Some(if first { "[]" } else { "[h, 1]" }.to_owned())
    })
    .await;
    let options = SessionOptions { resolver_retries: 1, ..options() };
    let address = parse(&format!("coherence:///127.0.0.1:{port}"));
    assert_eq!(within(address.resolve(&options)).await.unwrap(), ["h:1"]);
}

#[tokio::test]
async fn a_port_that_is_something_else_is_said_so() {
    for bytes in
        [b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), b"", b"\xff\xff\xff\xff\xff\xff", b"\x01\x00\x02ab"]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.write_all(bytes).await;
        });
        let error = resolve(&format!("coherence:///127.0.0.1:{port}")).await.unwrap_err();
        assert!(error.contains("check "), "{error}");
    }
}

#[tokio::test]
async fn a_member_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = parse(&format!("coherence:///{}", listener.local_addr().unwrap()));
    let options = SessionOptions { connect_timeout: Duration::from_millis(100), ..options() };
    let error = within(address.resolve(&options)).await.unwrap_err();
    assert!(error.contains("no answer within 100ms"), "{error}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), channel_len in 0usize..20) {
        let _ = channel_id(&bytes);
        if let Ok(Some(text)) = text(&bytes, channel_len) {
            let _ = proxies(&text);
        }
        let _ = proxies(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_comes_back(sent in "\\PC{2,300}") {
        prop_assert_eq!(text(&answer(&sent), 4), Ok(Some(sent)));
    }
}
