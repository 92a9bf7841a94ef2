//! The pipelines of `docs/cookbook.md`, all at once: the files that the page shows move the records that it shows, and
//! the maps hold the entries that it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use apache_avro::Schema;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use integration_tests::grid::Stays;
use integration_tests::sink::Sink;
use integration_tests::source::Source;
use integration_tests::wait::within;
use integration_tests::{require_peers, shared};
use serde_json::{Value as Json, json};

use super::letters::{self, Letter};
use crate::docs::{blocks, root};
use crate::flow::SOON;
use crate::support::delivered;

/// What a line of a block begins: a record of a topic, or an entry of a map.
#[derive(Debug, Default)]
struct Item {
    is_record: bool,
    /// The topic or the map.
    of: String,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, String)>,
    expires_ms: Option<u128>,
}

/// A section of the page.
#[derive(Debug)]
struct Recipe {
    title: String,
    /// The texts of the files.
    files: Vec<String>,
    before: Vec<Item>,
    after: Vec<Item>,
}

impl Recipe {
    fn new(section: &str) -> Self {
        let files = blocks(section, "properties").into_iter().map(|(_, text)| text).collect();
        let block = blocks(section, "text").remove(0).1;
        let (before, after) = block.split_once("becomes\n").unwrap();
        let title = section.lines().next().unwrap().to_owned();
        Self { title, files, before: items(before), after: items(after) }
    }

    /// The entries of each map that the block shows.
    fn entries(&self) -> BTreeMap<&str, BTreeMap<String, String>> {
        let mut maps = BTreeMap::<_, BTreeMap<_, _>>::new();
        for entry in self.after.iter().filter(|item| !item.is_record) {
            let (key, value) = (entry.key.clone().unwrap(), entry.value.clone().unwrap());
            maps.entry(entry.of.as_str()).or_default().insert(key, value);
        }
        maps
    }
}

fn items(block: &str) -> Vec<Item> {
    let mut items = Vec::<Item>::new();
    for line in block.lines() {
        let (name, text) = line.trim_start().split_once(' ').unwrap();
        let text = text.trim_start().to_owned();
        if matches!(name, "record" | "entry") {
            items.push(Item { is_record: name == "record", of: text, ..Item::default() });
            continue;
        }
        let item = items.last_mut().unwrap();
        match name {
            "key" => item.key = Some(text),
            "value" => item.value = Some(text),
            "expires" => item.expires_ms = Some(text.parse().unwrap()),
            "header" => {
                let (name, value) = text.split_once('=').unwrap();
                item.headers.push((name.to_owned(), value.to_owned()));
            }
            other => panic!("no line of a block begins with {other}"),
        }
    }
    items
}

/// The value of a setting in the text of a file.
fn setting<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// The text of a value without the classes of its elements.
fn plain(text: &str) -> String {
    let mut parts: Vec<_> = text.split('(').collect();
    let last = parts.pop().unwrap_or_default();
    let is_of_class = |c: char| c.is_alphanumeric() || c == '.' || c == '$';
    let parts = parts.into_iter().map(|part| part.trim_end_matches(is_of_class)).chain([last]);
    parts.collect::<String>().replace(')', "")
}

/// A schema registry that knows one schema by every id. Returns its URL.
fn registry_of(schema: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = json!({ "schema": schema }).to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let request = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            request.take_while(|line| !line.is_empty()).for_each(drop);
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    url
}

/// What a producer writes that has the schema by the id 1.
fn avro(schema: &str, json: &str) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let data = Avro::try_from(serde_json::from_str::<Json>(json).unwrap()).unwrap().resolve(&schema).unwrap();
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    [&[0, 0, 0, 0, 1], &writer.write_value_to_vec(data).unwrap()[..]].concat()
}

#[test]
fn each_pipeline_of_the_cookbook_makes_of_its_records_the_entries_that_it_shows() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let page = fs::read_to_string(root().join("docs/cookbook.md")).unwrap();
    let schema = fs::read_to_string(root().join("config/examples/cookbook/purchase.avsc")).unwrap();
    let registry = registry_of(&schema);
    let (bootstrap, address) = (kafka.bootstrap(), grid.address());
    let recipes: Vec<_> = page.split("\n## ").skip(1).map(Recipe::new).collect();
    assert_eq!(recipes.len(), 10);
    let files = recipes.iter().flat_map(|recipe| &recipe.files).map(|text| {
        text.replace(
            "config/examples/shop.toml",
            &root().join("config/examples/shop.toml").display().to_string(),
        )
        .replace("http://localhost:8081", &registry)
        .replace("localhost:9092", &bootstrap)
        .replace("localhost:1408", &address)
    });
    let (sinks, sources): (Vec<_>, Vec<_>) =
        files.partition(|text| setting(text, "connector.class").is_some());

    let records = || recipes.iter().flat_map(|recipe| recipe.before.iter().filter(|item| item.is_record));
    let named = sinks.iter().filter_map(|text| setting(text, "topics"));
    let dead = sinks.iter().filter_map(|text| setting(text, "errors.deadletterqueue.topic.name"));
    let topics: BTreeSet<_> = records().map(|record| record.of.as_str()).chain(named).chain(dead).collect();
    for topic in topics {
        kafka.create_topic(topic, 1).unwrap();
    }
    for recipe in &recipes {
        let is_avro = recipe.files.iter().any(|file| file.contains("AvroConverter"));
        let bytes = |text: &String| if is_avro { avro(&schema, text) } else { text.clone().into_bytes() };
        let letter = |item: &Item| Letter {
            key: item.key.clone().map(String::into_bytes),
            value: item.value.as_ref().map(bytes),
            headers: item
                .headers
                .iter()
                .map(|(name, text)| (name.clone(), Some(text.clone().into_bytes())))
                .collect(),
            timestamp: 1_700_000_000_000,
        };
        for of_one in recipe.before.chunk_by(|a, b| a.of == b.of) {
            let of = &of_one[0].of;
            if of_one[0].is_record {
                letters::produce(kafka, of, &of_one.iter().map(letter).collect::<Vec<_>>());
                continue;
            }
            for item in of_one {
                let (key, value) = (item.key.as_deref().unwrap(), item.value.as_deref().unwrap());
                grid.tool().put(of, key, value).unwrap();
            }
        }
    }

    let worker = [
        ("bootstrap.servers", bootstrap.as_str()),
        ("coherence.session.address", &address),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("offset.flush.interval.ms", "100"),
    ];
    let named = sinks.iter().enumerate().map(|(number, text)| (format!("{number}.properties"), text.clone()));
    let settings = |text: &str| -> Vec<_> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    let sources: Vec<_> = sources
        .iter()
        .map(|text| {
            let settings = settings(text);
            let settings: Vec<_> = settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            Source::start(&settings).unwrap()
        })
        .collect();
    let sink = Sink::start_files(&worker, named).unwrap();
    assert_eq!((sinks.len(), sources.len()), (10, 1));

    for recipe in &recipes {
        let connector = recipe
            .files
            .iter()
            .find_map(|file| setting(file, "connector.class").and_then(|_| setting(file, "name")));
        for record in recipe.before.iter().filter(|item| item.is_record) {
            delivered(&sink, connector.unwrap(), &record.of);
        }
        let title = &recipe.title;
        for (map, expected) in recipe.entries() {
            let entries = || -> BTreeMap<_, _> {
                let entries = grid.tool().entries(map).unwrap().into_iter();
                entries.map(|(key, value)| (key, plain(&value))).collect()
            };
            // What a source publishes has no offset to wait for.
            within(SOON, || entries() == expected);
            assert_eq!(entries(), expected, "{title}\n{}", sink.process().log_end());
        }
        for item in &recipe.after {
            if let Some(expires_ms) = item.expires_ms {
                let stays = grid.tool().stays(&item.of, item.key.as_deref().unwrap()).unwrap();
                let Some(Stays::For(left)) = stays else { panic!("{title}: {stays:?}") };
                let expected = expires_ms.saturating_sub(SOON.as_millis() * 2)..=expires_ms;
                assert!(expected.contains(&left.as_millis()), "{title}: {left:?}");
            }
            if item.is_record {
                let [(_, letter)] = &letters::read(kafka, &item.of)[..] else { panic!("{title}") };
                let text = |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone().unwrap()).unwrap();
                assert_eq!(Some(text(&letter.key)), item.key, "{title}");
                assert_eq!(Some(text(&letter.value)), item.value, "{title}");
                let headers: BTreeSet<_> =
                    letter.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
                assert!(item.headers.iter().all(|header| headers.contains(header)), "{title}: {headers:?}");
            }
        }
    }
}
