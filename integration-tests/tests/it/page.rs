//! The page `GET /ui` in a browser.

use std::fs;
use std::path::Path;

use integration_tests::browser;
use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use crate::demo::{self, SOON};

const BROKER: &str = "records keep flowing through the broker at ";

fn create(sink: &Sink, name: &str, settings: &Value) {
    let mut config = json!({"connector.class": "CoherenceSink"});
    for (key, value) in settings.as_object().unwrap() {
        config[key] = value.clone();
    }
    let request = json!({"name": name, "config": config});
    ureq::post(&format!("{}/connectors", sink.rest())).send_json(request).unwrap();
}

#[test]
fn the_page_shows_and_controls_connectors_with_mouse_and_keyboard_in_light_and_dark_wide_and_narrow() {
    require_peers!();
    let Some(chromium) = browser::require_browser("the page in a browser") else { return };
    // The demo has records that keep flowing, and a broker for them.
    let folder = Folder::new("page").unwrap();
    let log = folder.path().join("demo.log");
    let mut source = Process::start("the demo", demo::demo(&["--keep-running"]), &log).unwrap();
    source.wait_for_line("until Ctrl-C", SOON).unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let bootstrap = text.split_once(BROKER).unwrap().1.split(' ').next().unwrap();
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let worker = [
        ("bootstrap.servers", bootstrap),
        ("key.converter", string),
        ("value.converter", string),
        ("coherence.session", "embedded"),
    ];
    let sink = Sink::start(&worker, &[]).unwrap();
    create(&sink, "orders", &json!({"topics": "orders", "coherence.cache.mappings": "orders->Orders"}));
    create(&sink, "customers", &json!({"topics": "customers"}));
    create(&sink, "<img src=x onerror=alert(1)>", &json!({"topics": "customers"}));
    let long = "org.apache.kafka.connect.converters.LongConverter";
    create(&sink, "orders-by-number", &json!({"topics": "orders", "value.converter": long}));
    ureq::put(&format!("{}/connectors/customers/pause", sink.rest())).send_empty().unwrap();
    let failed = || sink.failures("orders-by-number").unwrap().len() == 1;
    eventually(SOON, "a task has failed", failed);

    go_through("page.js", "page", 11, &chromium, &sink);
    source.interrupt().unwrap();
}

/// Runs a script of so many steps, whose pictures go to `target/{pictures}`.
#[track_caller]
fn go_through(script: &str, pictures: &str, steps: usize, chromium: &Path, sink: &Sink) {
    let mut script = browser::script(script).unwrap();
    script.arg(chromium).arg(sink.rest()).arg(browser::pictures(pictures).unwrap());
    let output = script.output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{}", sink.log());
    assert_eq!(text.lines().filter(|line| line.starts_with("ok: ")).count(), steps, "{text}");
}

#[test]
fn the_page_shows_entries_and_dead_letters_where_the_operator_allows_it() {
    require_peers!();
    let Some(chromium) = browser::require_browser("entries and dead letters in a browser") else { return };
    let kafka = shared::kafka();
    let (pof, text, letters) = (unique("page-pof"), unique("page-json"), unique("page-letters"));
    for topic in [&pof, &text] {
        kafka.create_topic(topic, 1).unwrap();
    }
    let value = |number: u32| match number {
        7 => "long".repeat(5_000),
        number => format!("value {number}"),
    };
    let quoted = |number: u32| format!("\"{}\"", value(number));
    let orders = |value: &dyn Fn(u32) -> String| -> Vec<_> {
        (0..120).map(|number| (Some(format!("order-{number}")), Some(value(number)))).collect()
    };
    kafka.produce(&pof, orders(&quoted)).unwrap();
    kafka.produce(&pof, [(Some("bad"), Some("{"))]).unwrap();
    kafka.produce(&text, orders(&|number| format!("{{\"number\":{number},\"open\":true}}"))).unwrap();
    let bootstrap = kafka.bootstrap();
    let worker = [
        ("bootstrap.servers", bootstrap.as_str()),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
        ("coherence.session", "embedded"),
        ("ui.browse.enable", "true"),
    ];
    let sink = Sink::start(&worker, &[]).unwrap();
    let settings = json!({
        "topics": pof,
        "coherence.cache.mappings": format!("{pof}->Orders"),
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    create(&sink, "pof-orders", &settings);
    let settings = json!({
        "topics": text,
        "coherence.cache.mappings": format!("{text}->Orders"),
        "coherence.session.format": "json",
    });
    create(&sink, "json-orders", &settings);
    let confirmed = |name| sink.metric("coherence_kafka_sink_records_confirmed_total", name).unwrap_or(0);
    eventually(SOON, "all records are in the maps", || {
        confirmed("pof-orders") >= 120 && confirmed("json-orders") >= 120
    });
    eventually(SOON, "the dead letter is written", || {
        sink.metric("coherence_kafka_sink_dead_letters_total", "pof-orders").unwrap() == 1
    });
    go_through("browse.js", "page-browse", 6, &chromium, &sink);
}
