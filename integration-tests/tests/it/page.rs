//! The page `GET /ui` in a browser.

use std::fs;

use integration_tests::browser;
use integration_tests::process::Process;
use integration_tests::require_peers;
use integration_tests::sandbox::Folder;
use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
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

    let mut script = browser::script("page.js").unwrap();
    script.arg(chromium).arg(sink.rest()).arg(browser::pictures("page").unwrap());
    let output = script.output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{}", sink.log());
    assert_eq!(text.lines().filter(|line| line.starts_with("ok: ")).count(), 11, "{text}");
    source.interrupt().unwrap();
}
