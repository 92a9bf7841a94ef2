//! Requests as scripts and consoles send them, and what the answers must not show.

use std::process::Command;

use integration_tests::process::Process;
use integration_tests::sandbox;
use integration_tests::sink::{binary, write_properties};

use super::*;

/// A worker that needs nothing outside of its process, with more settings.
fn embedded(more: &[(&str, &str)]) -> Sink {
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let mut settings = vec![
        ("bootstrap.servers", "embedded"),
        ("coherence.session", "embedded"),
        ("key.converter", string),
        ("value.converter", string),
    ];
    settings.extend(more);
    Sink::start(&settings, &[]).unwrap()
}

const S16: &str = r#"{"name":"s16","config":{"connector.class":"CoherenceSink","topics":"s16"}}"#;

#[test]
fn a_slash_at_the_end_of_a_path_changes_nothing() {
    let sink = embedded(&[]);
    let call = |method: &str, path: &str, body: &str| {
        call(method, &format!("{}{path}", sink.rest()), Some("application/json"), body)
    };
    assert_eq!(call("POST", "/connectors/", S16).status, 201);
    for path in ["/connectors", "/connectors/s16", "/connectors/s16/status"] {
        let (plain, slash) = (get(&sink, path), get(&sink, &format!("{path}/")));
        assert_eq!((slash.status, slash.body), (200, plain.body), "{path}");
    }
    let (plain, slash) =
        (get(&sink, "/connectors/s16/tasks/0/status"), get(&sink, "/connectors/s16/tasks/0/status/"));
    assert_eq!((slash.status, slash.body), (plain.status, plain.body));
    let metrics = ureq::get(&format!("{}/metrics/", sink.rest())).call().unwrap();
    assert_eq!(metrics.status(), 200);
    assert_eq!(call("POST", "/connectors/s16/restart/", "").status, 204);
    assert_eq!(call("POST", "/connectors/s16/tasks/0/restart/", "").status, 204);
    assert_eq!(call("DELETE", "/connectors/s16/", "").status, 204);
    assert_ne!(get(&sink, "//connectors").status, 200);
    assert_error(&get(&sink, "/connectors//"), 404, &[]);
}

#[test]
fn a_body_may_have_a_byte_order_mark_and_its_numbers_are_kept_as_written() {
    let sink = embedded(&[]);
    let marked =
        "\u{feff}{\"name\":\"s18\",\"config\":{\"connector.class\":\"CoherenceSink\",\"topics\":\"s18\"}}";
    assert_eq!(post(&sink, marked).status, 201);
    let numbers = r#"{"name":"s18n","config":{"connector.class":"CoherenceSink","topics":"s18","a":1.50,"b":1e3,"c":1E3,"d":1.0E+2}}"#;
    let created = post(&sink, numbers);
    assert_eq!(created.status, 201, "{}", created.body);
    for config in [&created.body["config"], &get(&sink, "/connectors/s18n").body["config"]] {
        let written = ["a", "b", "c", "d"].map(|key| config[key].as_str().unwrap());
        assert_eq!(written, ["1.50", "1e3", "1E3", "1.0E+2"]);
    }
    for refused in [
        r#"{"name":"s18b","config":{"connector.class":"CoherenceSink","topics":"s18"}}}"#,
        r#"{"name":"s18c","config":{"connector.class":"CoherenceSink","topics":"s18","tasks.max":null}}"#,
    ] {
        assert_eq!(post(&sink, refused).status, 400, "{refused}");
    }
    assert_eq!(get(&sink, "/connectors").body, json!(["s18", "s18n"]));
}

#[test]
fn a_list_is_expanded_as_connect_does_it() {
    let sink = embedded(&[]);
    for (query, expected) in [("expand=status", json!({})), ("expand=", json!({})), ("expanded=x", json!([]))]
    {
        assert_eq!(get(&sink, &format!("/connectors?{query}")).body, expected, "{query}");
    }
    assert_eq!(post(&sink, &S16.replace("s16", "p")).status, 201);
    let (info, status) = (get(&sink, "/connectors/p").body, get(&sink, "/connectors/p/status").body);
    assert_eq!(status["tasks"][0]["state"], "RUNNING");
    for (query, expected) in [
        ("expand=status", json!({"p": {"status": status}})),
        ("expand=info", json!({"p": {"info": info}})),
        ("expand=status&expand=info", json!({"p": {"status": status, "info": info}})),
        ("expand=status&expand=nope", json!({"p": {"status": status}})),
        ("expand=info,status", json!({"p": {}})),
        ("expand=nope", json!({"p": {}})),
        ("expand=", json!({"p": {}})),
    ] {
        let answer = get(&sink, &format!("/connectors?{query}"));
        assert_eq!((answer.status, answer.body), (200, expected), "{query}");
    }
}

#[test]
fn a_connector_beyond_the_limit_of_tasks_is_refused_with_the_limit() {
    let sink = embedded(&[("coherence.tasks.limit", "2")]);
    let with_tasks = |name: &str, tasks: u32| {
        json!({"name": name, "config": {"connector.class": "CoherenceSink", "topics": name, "tasks.max": tasks}})
            .to_string()
    };
    assert_error(&post(&sink, &with_tasks("a", 1_000_000)), 400, &["tasks.max", "coherence.tasks.limit"]);
    assert_eq!(post(&sink, &with_tasks("a", 2)).status, 201);
    assert_error(&post(&sink, &with_tasks("b", 1)), 400, &["2 of at most 2 tasks", "coherence.tasks.limit"]);
    assert_eq!(delete(&sink, "/connectors/a").status, 204);
    assert_eq!(post(&sink, &with_tasks("b", 2)).status, 201);
}

/// Starts the command with one file and one environment, and returns the base of its REST interface.
fn start_with(folder: &Folder, settings: &[(&str, &str)], environment: &[(&str, &str)]) -> (Process, String) {
    let rest = format!("http://127.0.0.1:{}", sandbox::free_port().unwrap());
    let mut all = vec![("listeners", rest.as_str())];
    all.extend(settings);
    let mut command = Command::new(binary().unwrap());
    command.arg(write_properties(folder.path(), "both.properties", &all).unwrap());
    command.envs(environment.iter().copied());
    let mut process =
        Process::start("coherence-kafka-sink", command, &folder.path().join("sink.log")).unwrap();
    process.wait_for_line("sink started", SOON).unwrap();
    (process, rest)
}

#[test]
fn passwords_of_the_worker_and_of_the_environment_are_shown_by_no_answer() {
    let folder = Folder::new("canary").unwrap();
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let (process, rest) = start_with(
        &folder,
        &[
            ("bootstrap.servers", "embedded"),
            ("coherence.session", "embedded"),
            ("key.converter", string),
            ("value.converter", string),
            ("ssl.key.password", "canary-1"),
            ("consumer.ssl.key.password", "canary-2"),
            ("name", "one"),
            ("connector.class", "CoherenceSink"),
            ("topics", "one"),
            ("consumer.override.client.id", "${env:CANARY}"),
        ],
        &[
            ("CANARY", "canary-3"),
            ("CONNECT_PRODUCER_SSL_KEY_PASSWORD", "canary-4"),
            ("CONNECTOR_CONSUMER_OVERRIDE_SSL_KEYSTORE_PASSWORD", "canary-5"),
        ],
    );
    let body = S16.replace(r#""topics""#, r#""consumer.override.client.id":"${env:CANARY}","topics""#);
    let created = call("POST", &format!("{rest}/connectors"), Some("application/json"), &body);
    assert_eq!(created.status, 201, "{}", created.body);
    assert!(!created.body.to_string().contains("canary"), "{}", created.body);
    for path in ["/connectors?expand=info&expand=status", "/connectors/one", "/connectors/one/status"] {
        let answer = call("GET", &format!("{rest}{path}"), None, "");
        assert_eq!(answer.status, 200);
        assert!(!answer.body.to_string().contains("canary"), "{}", answer.body);
    }
    let config = call("GET", &format!("{rest}/connectors/one"), None, "").body["config"].clone();
    let expected = json!({
        "name": "one",
        "connector.class": "CoherenceSink",
        "topics": "one",
        "coherence.session": "embedded",
        "consumer.override.client.id": "${env:CANARY}",
    });
    assert_eq!(config, expected);
    process.stop().unwrap();
    let log = fs::read_to_string(folder.path().join("sink.log")).unwrap();
    assert!(!log.contains("canary"), "{log}");
    assert!(log.contains("${env:CANARY} is not replaced: no provider has the alias env"), "{log}");
}

#[test]
fn requests_use_the_providers_that_the_worker_declares_within_their_limits() {
    let folder = Folder::new("providers").unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    for each in [&inside, &outside] {
        fs::create_dir(each).unwrap();
        fs::write(each.join("topic"), "declared").unwrap();
    }
    let allowed = inside.display().to_string();
    let sink = embedded(&[
        ("config.providers", "secrets"),
        ("config.providers.secrets.class", "DirectoryConfigProvider"),
        ("config.providers.secrets.param.allowed.paths", &allowed),
    ]);
    let request = |name: &str, topics: &str| {
        json!({"name": name, "config": {"connector.class": "CoherenceSink", "topics": topics}}).to_string()
    };
    let variable = format!("${{secrets:{allowed}:topic}}");
    assert_eq!(post(&sink, &request("good", &variable)).status, 201);
    assert_eq!(get(&sink, "/connectors/good").body["config"]["topics"], variable.as_str());
    let stranger = format!("${{secrets:{}:topic}}", outside.display());
    assert_error(&post(&sink, &request("bad", &stranger)), 400, &["allowed.paths of the provider"]);
    // A variable that is not replaced is not a topic name.
    for undeclared in [format!("${{dir:{allowed}:topic}}"), "${env:PATH}".to_owned()] {
        assert_error(&post(&sink, &request("bad", &undeclared)), 400, &[&undeclared]);
    }
}
