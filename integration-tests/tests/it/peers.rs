//! The real servers themselves: started, used without our code, broken, and gone afterwards.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use integration_tests::connect::{Cluster, Connect};
use integration_tests::grid::{Contents, Grid, GridOptions, GridTool, Literal, Serializer};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::rest;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::tls::ClientAuth;
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};
use serde_json::json;

use crate::flow::SOON;

fn pair(key: &str, value: Option<&str>) -> (Option<String>, Option<String>) {
    (Some(key.to_owned()), value.map(str::to_owned))
}

#[test]
fn records_come_back_from_a_topic_with_their_tombstones() {
    require_peers!();
    let kafka = shared::kafka();
    let topic = unique("records");
    kafka.create_topic(&topic, 3).unwrap();
    let sent = [pair("a", Some("1")), pair("b", None), (None, Some("3".to_owned())), pair("a", Some("4"))];
    kafka.produce(&topic, sent.clone()).unwrap();

    let records = kafka.records(&topic).unwrap();
    assert_eq!(kafka.end_offsets(&topic).unwrap().iter().sum::<i64>(), 4);
    let text = |bytes: &Option<Vec<u8>>| bytes.clone().map(|b| String::from_utf8(b).unwrap());
    let mut got: Vec<_> = records.iter().map(|r| (text(&r.key), text(&r.value))).collect();
    let of_a: Vec<_> = got.iter().filter(|(k, _)| k.as_deref() == Some("a")).cloned().collect();
    assert_eq!(of_a, [pair("a", Some("1")), pair("a", Some("4"))], "a key keeps its order");
    let mut sent = sent.to_vec();
    got.sort();
    sent.sort();
    assert_eq!(got, sent);
    assert_eq!(kafka.committed(&unique("group"), &topic).unwrap(), [None; 3]);
}

#[test]
fn a_topic_is_never_created_by_accident() {
    require_peers!();
    let kafka = shared::kafka();
    assert!(kafka.end_offsets(&unique("absent")).is_err());
}

fn round_trip(tool: &GridTool) {
    let map = unique("round trip");
    tool.put(&map, "tab\tback\\slash \"quote\" \u{1F600}", 5_000_000_000_i64).unwrap();
    let value = tool.get(&map, "tab\tback\\slash \"quote\" \u{1F600}").unwrap().unwrap();
    assert_eq!((value.class.as_str(), value.text.as_str()), ("java.lang.Long", "5000000000"));
    assert_eq!(tool.get(&map, "other").unwrap(), None);
    assert_eq!(tool.size(&map).unwrap(), 1);
    tool.put(&map, "second", "line\nbreak").unwrap();
    let model = [("tab\tback\\slash \"quote\" \u{1F600}", "5000000000"), ("second", "line\nbreak")];
    assert_eq!(tool.contents(&map).unwrap(), Contents::from_iter(model));
    let entries = tool.entries(&map).unwrap();
    assert_eq!(entries, model.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    assert_eq!(tool.remove(&map, "second").unwrap().unwrap().text, "line\nbreak");
    tool.clear(&map).unwrap();
    assert_eq!(tool.contents(&map).unwrap(), Contents::default());
}

#[test]
fn the_grid_tool_reads_what_it_wrote_with_every_serializer() {
    require_peers!();
    round_trip(shared::grid().tool());
    for serializer in [Serializer::Java, Serializer::Json] {
        let grid = Grid::start(GridOptions { serializer, ..GridOptions::default() }).unwrap();
        round_trip(grid.tool());
    }
}

#[test]
fn the_grid_tool_sees_stored_bytes_and_user_types() {
    require_peers!();
    let tool = shared::grid().tool();
    let map = unique("stored");
    tool.put(&map, "k", 5_i64).unwrap();
    assert_eq!(tool.stored(&map, "k").unwrap().unwrap(), [0x15, 0x42, 0x05]);
    let person = tool.to_bytes(Literal::new("person", "Ann|30|Main Street|Prague")).unwrap();
    assert_eq!(person[..4], [0x15, 0xA9, 0x0F, 0x00], "user type 1001");
    tool.store(&map, "k", &person).unwrap();
    let value = tool.get(&map, "k").unwrap().unwrap();
    assert_eq!(value.class, "GridTool$Person");
    assert_eq!(value.text, "Person{Ann, 30, Address{Main Street, Prague}}");
    assert_eq!(tool.from_bytes(&[0x15, 0x6A]).unwrap().unwrap().class, "java.lang.Integer");
    assert!(tool.from_bytes(&[0xFF]).is_err());
}

#[test]
fn a_map_is_compared_with_a_model_by_its_digest() {
    require_peers!();
    let tool = shared::grid().tool();
    let map = unique("many");
    let model: Vec<_> = (0..50).map(|i| (format!("key-{i}"), format!("value-{i}"))).collect();
    for (key, value) in &model {
        tool.put(&map, key, value).unwrap();
    }
    assert_eq!(tool.contents(&map).unwrap(), model.iter().map(|(k, v)| (k, v)).collect());
    tool.put(&map, "key-7", "another").unwrap();
    assert_ne!(tool.contents(&map).unwrap(), model.iter().map(|(k, v)| (k, v)).collect());
    tool.truncate(&map).unwrap();
    assert_eq!(tool.size(&map).unwrap(), 0);
}

#[test]
fn a_killed_broker_comes_back_with_its_records() {
    require_peers!();
    let mut kafka = Kafka::start(KafkaOptions::default()).unwrap();
    let bootstrap = kafka.bootstrap();
    kafka.create_topic("t", 1).unwrap();
    kafka.produce("t", [pair("a", Some("1"))]).unwrap();
    kafka.kill().unwrap();
    assert!(std::net::TcpStream::connect(&bootstrap).is_err());
    kafka.restart().unwrap();
    assert_eq!(kafka.bootstrap(), bootstrap);
    kafka.produce("t", [pair("b", Some("2"))]).unwrap();
    assert_eq!(kafka.records("t").unwrap().len(), 2);

    kafka.freeze();
    let client = rdkafka_answers(&bootstrap, Duration::from_secs(1));
    kafka.thaw();
    assert!(!client, "a frozen broker answers nothing");
    assert!(rdkafka_answers(&bootstrap, SOON));

    let process = format!("/proc/{}", kafka.process_id().unwrap());
    assert!(Path::new(&process).exists());
    kafka.freeze();
    drop(kafka);
    assert!(within(SOON, || !Path::new(&process).exists()), "a dropped broker is gone, even a frozen one");
}

fn rdkafka_answers(bootstrap: &str, deadline: Duration) -> bool {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    let mut config = rdkafka::ClientConfig::new();
    let consumer: BaseConsumer = config.set("bootstrap.servers", bootstrap).create().unwrap();
    consumer.fetch_metadata(None, deadline).is_ok()
}

#[test]
fn a_killed_grid_comes_back_empty_at_its_address() {
    require_peers!();
    let mut grid = Grid::start(GridOptions::default()).unwrap();
    let address = grid.address();
    grid.tool().put("m", "k", "v").unwrap();
    grid.freeze();
    grid.thaw();
    assert_eq!(grid.tool().size("m").unwrap(), 1);
    grid.kill().unwrap();
    assert!(std::net::TcpStream::connect(&address).is_err());
    grid.restart().unwrap();
    assert_eq!(grid.address(), address);
    assert_eq!(grid.tool().size("m").unwrap(), 0);
    grid.stop().unwrap();
}

#[test]
fn a_second_member_keeps_the_entries_of_a_killed_one() {
    require_peers!();
    let mut first = Grid::start(GridOptions::default()).unwrap();
    let second = first.second_member().unwrap();
    for i in 0..100 {
        first.tool().put("m", i, i).unwrap();
    }
    first.kill().unwrap();
    assert_eq!(second.tool().size("m").unwrap(), 100);
}

#[test]
fn grids_with_tls_and_from_before_protocol_1_start() {
    require_peers!();
    let tls = Grid::start(GridOptions { tls: Some(ClientAuth::Required), ..GridOptions::default() }).unwrap();
    let certificates = tls.certificates().unwrap();
    let handshake = |trusted: &Path| {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "s_client",
            "-verify_return_error",
            "-alpn",
            "h2",
            "-connect",
            &tls.address(),
            "-CAfile",
        ]);
        openssl.arg(trusted).arg("-cert").arg(certificates.client_certificate());
        openssl.arg("-key").arg(certificates.client_key()).stdin(Stdio::null());
        openssl.output().unwrap().status.success()
    };
    assert!(handshake(&certificates.authority()));
    assert!(!handshake(&certificates.client_certificate()), "another authority is not trusted");
    assert_eq!(shared::old_grid().tool().size("m").unwrap(), 0);
}

#[test]
fn kafka_connect_finds_its_connectors_again_in_the_topics_of_its_cluster() {
    require_peers!();
    let (kafka, folder, topic) = (shared::kafka(), Folder::new("file-sink").unwrap(), unique("file-sink"));
    let cluster = Cluster::new(kafka, "cluster");
    kafka.create_topic(&topic, 1).unwrap();
    let file = folder.path().join("lines");
    let config = json!({"connector.class": "FileStreamSink", "topics": topic, "file": file});
    let connect = Connect::start(&cluster).unwrap();
    let body = json!({"name": topic, "config": config});
    assert_eq!(rest::change(connect.rest(), "POST", "/connectors", &body).unwrap().status, 201);
    kafka.produce(&topic, [pair("a", Some("1"))]).unwrap();
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    eventually(SOON, "the record is in the file", || lines() == "1\n");
    connect.stop().unwrap();

    let connect = Connect::start(&cluster).unwrap();
    kafka.produce(&topic, [pair("a", Some("2"))]).unwrap();
    eventually(SOON, "it goes on where it committed", || lines() == "1\n2\n");
    assert_eq!(rest::get(connect.rest(), "/connectors").unwrap().body, json!([topic]));
}
