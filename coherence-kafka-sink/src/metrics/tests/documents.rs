//! `docs/metrics.md`, the alerts and the dashboard name metrics that exist, and all of them.

use std::collections::BTreeSet;

use super::*;

/// The names of all samples that the page of a worker can have.
fn names() -> BTreeSet<String> {
    let text = text_of("c", None, Counters::default());
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let samples = |line: &str| {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect::<Vec<_>>()
    };
    types.flat_map(samples).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The words of a text that are names of metrics.
fn metrics_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| {
        ["kafka_connect_", "coherence_kafka_", "process_"].iter().any(|prefix| word.starts_with(prefix))
    })
}

#[test]
fn metrics_md_lists_every_metric() {
    const MARK: &str = "metrics_md renders it again. -->\n\n";
    let page = read("docs/metrics.md");
    let table = markdown(FAMILIES);
    let (before, after) = page.split_once(MARK).unwrap();
    let end = after.find("\n\n").map_or(after.len(), |end| end + 1);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
        return std::fs::write(path, format!("{before}{MARK}{table}{}", &after[end..])).unwrap();
    }
    assert!(
        after[..end] == table,
        "docs/metrics.md is out of date: UPDATE_DOCS=1 cargo test -p coherence-kafka-sink metrics_md"
    );
}

#[test]
fn metrics_md_maps_every_attribute_of_connect_to_a_metric_or_a_reason() {
    let page = read("docs/metrics.md");
    let (mut names, mut mapped) = (names(), BTreeSet::new());
    names.extend(FAMILIES.iter().map(|family| family.name.to_owned()));
    for row in page.lines().filter(|line| line.starts_with("| `kafka.")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, mbean, attributes, metric, _] = cells[..] else { panic!("not three cells: {row}") };
        for attribute in attributes.split('`').skip(1).step_by(2) {
            assert!(
                mapped.insert((mbean.trim_matches('`'), attribute)),
                "{attribute} is mapped twice: {row}"
            );
        }
        assert!(metric.starts_with("none: ") || metric.starts_with('`'), "no metric and no reason: {row}");
        for name in metrics_in(metric) {
            assert!(names.contains(name), "{name} does not exist: {row}");
        }
    }
    let attributes = include_str!("jmx-attributes.txt").lines();
    let attributes: BTreeSet<_> = attributes.map(|line| line.rsplit_once(' ').unwrap()).collect();
    assert!(attributes.len() > 200);
    assert_eq!(mapped, attributes);
}

#[test]
fn the_alerts_and_the_dashboard_use_metrics_that_exist() {
    let names = names();
    for file in ["config/monitoring/alerts.yml", "config/monitoring/dashboard.json"] {
        let text = read(file);
        let used: BTreeSet<&str> = metrics_in(&text).collect();
        assert!(used.len() > 5, "{file}");
        // Those of the source are checked with it.
        for name in used.iter().filter(|name| !name.starts_with("coherence_kafka_source_")) {
            assert!(names.contains(*name), "{file}: {name} does not exist");
        }
    }
}

#[test]
fn every_alert_has_a_severity_and_a_text_and_is_documented() {
    let alerts: serde_json::Value = serde_norway::from_str(&read("config/monitoring/alerts.yml")).unwrap();
    let page = read("docs/metrics.md");
    let groups = alerts["groups"].as_array().unwrap();
    let rules: Vec<_> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 5);
    for rule in rules {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned).unwrap_or_default();
        let name = text(&rule["alert"]);
        assert!(page.contains(&format!("| `{name}` | {} |", text(&rule["labels"]["severity"]))), "{name}");
        for value in [&rule["expr"], &rule["annotations"]["summary"], &rule["annotations"]["description"]] {
            assert!(!text(value).is_empty(), "{name}");
        }
    }
}

#[test]
fn every_panel_of_the_dashboard_has_a_title_a_place_and_queries() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("config/monitoring/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()), "{panel}");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(panel["gridPos"]["w"].as_u64().is_some_and(|width| width <= 24), "{panel}");
        if panel["type"] != "row" {
            let queries = panel["targets"].as_array().unwrap();
            assert!(queries.iter().all(|query| query["expr"].is_string()) && !queries.is_empty(), "{panel}");
        }
    }
    assert!(ids.len() > 10);
}
