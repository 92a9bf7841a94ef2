//! The rooms of the house: what each crate may depend on, and in which module each foreign library is named.
//!
//! The rules are those of ARCHITECTURE.md; a crate that is not in the table fails until it has its row.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod circles;

struct Room {
    name: &'static str,
    /// The only crates of this workspace that it may use.
    uses: &'static [&'static str],
    /// Libraries that it must not name as a dependency.
    without: &'static [&'static str],
    /// Libraries that only the given sources may name: a file, or a folder with a slash at its end.
    places: &'static [(&'static str, &'static [&'static str])],
}

const RUNTIMES: [&str; 3] = ["tokio", "async-std", "smol"];
const GRPC: [&str; 3] = ["tonic", "tonic-prost", "tonic-prost-build"];
const PROTOBUF: [&str; 4] = ["prost", "prost-types", "prost-reflect", "protox"];
const HTTP: [&str; 4] = ["axum", "hyper", "ureq", "reqwest"];
const LOGGING: [&str; 3] = ["tracing", "log", "tracing-subscriber"];

const ROOMS: [Room; 11] = [
    Room {
        name: "coherence-kafka-common",
        uses: &[],
        without: &["rdkafka", "config", "tokio-stream", "tokio-util"],
        places: &[("bincode", &["src/serializer/bincode.rs"])],
    },
    Room { name: "coherence-client", uses: &["coherence-kafka-common"], without: &["rdkafka"], places: &[] },
    Room {
        name: "coherence-kafka-connect",
        uses: &["coherence-kafka-common"],
        without: &["rdkafka"],
        places: &[("config", &["src/config/layers.rs"])],
    },
    Room {
        name: "coherence-kafka-schema-registry",
        uses: &["coherence-kafka-common", "coherence-kafka-connect"],
        without: &["rdkafka", "config"],
        places: &[],
    },
    Room {
        name: "coherence-kafka-rdkafka",
        uses: &["coherence-kafka-connect"],
        without: &["config"],
        places: &[],
    },
    Room {
        name: "coherence-kafka-core",
        // The settings of Kafka clients are read in the crate that knows Connect's.
        uses: &[
            "coherence-kafka-common",
            "coherence-kafka-connect",
            "coherence-kafka-schema-registry",
            "coherence-kafka-rdkafka",
        ],
        without: &["rdkafka", "config"],
        places: &[("rdkafka", &[])],
    },
    Room {
        name: "coherence-kafka-worker",
        uses: &[
            "coherence-kafka-common",
            "coherence-client",
            "coherence-kafka-connect",
            "coherence-kafka-schema-registry",
            "coherence-kafka-rdkafka",
        ],
        without: &["rdkafka", "config"],
        places: &[],
    },
    Room {
        name: "coherence-kafka-sink",
        uses: &[
            "coherence-kafka-common",
            "coherence-kafka-connect",
            "coherence-kafka-rdkafka",
            "coherence-kafka-worker",
        ],
        without: &["rdkafka", "config", "axum"],
        // Its suite of delivery reads and commits on its own.
        places: &[("rdkafka", &[])],
    },
    Room {
        name: "coherence-kafka-source",
        uses: &[
            "coherence-kafka-common",
            "coherence-client",
            "coherence-kafka-connect",
            "coherence-kafka-rdkafka",
            "coherence-kafka-core",
            "coherence-kafka-worker",
        ],
        without: &["rdkafka", "config"],
        places: &[],
    },
    Room {
        name: "integration-tests",
        uses: &[
            "coherence-kafka-common",
            "coherence-client",
            "coherence-kafka-connect",
            "coherence-kafka-schema-registry",
            "coherence-kafka-rdkafka",
            "coherence-kafka-core",
            "coherence-kafka-worker",
            "coherence-kafka-sink",
            "coherence-kafka-source",
        ],
        without: &[],
        places: &[],
    },
    Room {
        name: "benchmarks",
        uses: &[
            "coherence-kafka-common",
            "coherence-client",
            "coherence-kafka-connect",
            "coherence-kafka-schema-registry",
            "coherence-kafka-rdkafka",
            "coherence-kafka-core",
            "coherence-kafka-worker",
            "coherence-kafka-sink",
            "coherence-kafka-source",
            "integration-tests",
        ],
        without: &[],
        places: &[],
    },
];

/// Nothing of these is published, so `anyhow` does for their errors.
const UNPUBLISHED: [&str; 2] = ["integration-tests", "benchmarks"];

/// Which of the crates must not depend on a whole family of libraries.
fn family_rules(name: &str) -> Vec<&'static str> {
    let mut forbidden = Vec::new();
    if ["coherence-kafka-common", "coherence-kafka-connect"].contains(&name) {
        forbidden.extend(RUNTIMES);
        forbidden.extend(HTTP);
        forbidden.extend(LOGGING);
    }
    if name == "coherence-kafka-schema-registry" {
        forbidden.extend(RUNTIMES);
    }
    if ["coherence-kafka-rdkafka", "coherence-kafka-core"].contains(&name) {
        forbidden.extend(HTTP);
    }
    // The gRPC stack is the client's alone; the suites reach the grid through it or through the grid tool.
    if name != "coherence-client" {
        forbidden.extend(GRPC);
    }
    if !["coherence-client", "coherence-kafka-schema-registry"].contains(&name) {
        forbidden.extend(PROTOBUF);
    }
    forbidden
}

/// Clocks, files and sockets of the standard library.
const OUTSIDE_WORLD: [&str; 4] = ["std::fs", "std::net", "Instant", "SystemTime"];
/// What only computes: the crate, and the folder of it that is excepted.
const PURE: [(&str, &str); 1] = [("coherence-kafka-common", "src/local/")];

/// Rooms of the sink that decide and do no I/O: of Kafka they may name the types of records alone.
const WITHOUT_CLIENTS: [&str; 8] = [
    "src/errors/discarded.rs",
    "src/errors/reporter.rs",
    "src/expiry.rs",
    "src/pipeline.rs",
    "src/plan.rs",
    "src/offset_tracker.rs",
    "src/task/delivery.rs",
    "src/task/delivery/",
];

/// Whether code (not a comment) names anything of the Kafka clients other than records.
fn names_clients(text: &str) -> bool {
    let code = || text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code().any(|line| {
        let mut uses = line.split("coherence_kafka_rdkafka").skip(1);
        uses.any(|rest| !rest.starts_with("::record::"))
    })
}

/// Whether a source is one of these files, or in one of these folders.
fn is_among(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| file == *place || (place.ends_with('/') && file.starts_with(place)))
}

/// Every broken rule, one line each.
fn broken_rules(packages: &[Package]) -> Vec<String> {
    let mut broken = Vec::new();
    for package in packages {
        let name = &package.name;
        let Some(room) = ROOMS.iter().find(|r| r.name == *name) else {
            broken.push(format!("{name} has no row in the table of rooms"));
            continue;
        };
        let forbidden = [room.without, &family_rules(name)].concat();
        for dependency in &package.dependencies {
            let ours = ROOMS.iter().any(|r| r.name == dependency);
            if (ours && !room.uses.contains(&dependency.as_str())) || forbidden.contains(&dependency.as_str())
            {
                broken.push(format!("{name} must not depend on {dependency}"));
            }
        }
        for dependency in &package.faulty {
            broken.push(format!(
                "{name} enables the feature testing of {dependency}, which is for tests alone"
            ));
        }
        for (file, text) in &package.sources {
            if file.ends_with("/mod.rs") {
                broken.push(format!("{name}/{file}: modules have no mod.rs"));
            }
            if PURE.iter().any(|(pure, except)| pure == name && !file.starts_with(except))
                && file.starts_with("src/")
                && !file.ends_with("tests.rs")
            {
                let code = || text.lines().map(|line| line.split("//").next().unwrap_or_default());
                for named in OUTSIDE_WORLD.iter().filter(|named| code().any(|line| line.contains(**named))) {
                    broken
                        .push(format!("{name}/{file} names {named}: there are no clocks, files and sockets"));
                }
            }
            if name == "coherence-kafka-sink" && is_among(file, &WITHOUT_CLIENTS) && names_clients(text) {
                broken.push(format!("{name}/{file} names a Kafka client: only records are allowed there"));
            }
            if !UNPUBLISHED.contains(&name.as_str()) && file.starts_with("src/") {
                if names(text, "anyhow") && file != "src/main.rs" {
                    broken.push(format!("{name}/{file} names anyhow, which belongs into main.rs and tests"));
                }
                for (library, places) in room.places {
                    if !is_among(file, places) && names(text, library) {
                        broken.push(format!("{name}/{file} names {library}, which only {places:?} may name"));
                    }
                }
            }
        }
    }
    broken
}

/// Whether code (not a comment) names the library: `use library`, `library::…`, `::library::…`.
///
/// A module of ours may have the library's name, as `crate::config` has: a path that only passes through the name
/// does not count, nor does a file that declares or imports the module.
fn names(text: &str, library: &str) -> bool {
    let library = library.replace('-', "_");
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let in_line = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.match_indices(&library).any(|(at, _)| {
            let (before, after) = (&code[..at], &code[at + library.len()..]);
            let before = before.strip_suffix("::").filter(|b| !b.ends_with(in_word)).unwrap_or(before);
            let starts_path = !before.ends_with(|c| in_word(c) || c == ':' || c == '"');
            let imported = before.trim_end().ends_with("use") && !after.starts_with(in_word);
            starts_path && (imported || after.starts_with("::"))
        })
    };
    let of_ours = ["mod #;", "crate::#;", "super::#;", "crate::#::{self", "super::#::{self"];
    !of_ours.iter().any(|form| text.contains(&form.replace('#', &library))) && text.lines().any(in_line)
}

struct Package {
    name: String,
    dependencies: Vec<String>,
    /// Dependencies that bring the faulty maps of tests into the product.
    faulty: Vec<String>,
    /// Every Rust source, by its path inside the crate.
    sources: BTreeMap<String, String>,
}

fn workspace() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(package).collect()
}

fn package(json: &Value) -> Package {
    let text = |json: &Value| json.as_str().unwrap().to_owned();
    let folder = PathBuf::from(text(&json["manifest_path"]));
    let folder = folder.parent().unwrap();
    let mut sources = BTreeMap::new();
    for part in ["src", "tests", "benches", "examples"] {
        read_sources(&folder.join(part), part, &mut sources);
    }
    // What tests alone depend on is their own business.
    let dependencies = json["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"] != "dev");
    let dependencies = dependencies.filter(|d| d["kind"] != "build");
    let is_faulty = |d: &&Value| d["features"].as_array().unwrap().iter().any(|feature| feature == "testing");
    let faulty = dependencies.clone().filter(is_faulty).map(|d| text(&d["name"])).collect();
    let dependencies = dependencies.map(|d| text(&d["name"])).collect();
    Package { name: text(&json["name"]), dependencies, faulty, sources }
}

fn read_sources(folder: &Path, inside: &str, sources: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{inside}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read_sources(&entry.path(), &name, sources);
        } else if name.ends_with(".rs") {
            sources.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

#[test]
fn every_crate_keeps_to_its_room() {
    let packages = workspace();
    assert!(packages.len() >= 5, "the workspace was read");
    assert!(packages.iter().all(|p| p.sources.contains_key("src/lib.rs")), "the sources were read");
    let broken = broken_rules(&packages);
    assert!(broken.is_empty(), "broken rules of the rooms:\n  {}", broken.join("\n  "));
}

#[test]
fn the_modules_of_a_published_crate_form_no_circle() {
    let packages = workspace();
    let published = packages.iter().filter(|package| !UNPUBLISHED.contains(&package.name.as_str()));
    let published: Vec<_> = published.collect();
    assert!(published.len() >= 8, "the workspace was read");
    for Package { name, sources, .. } in published {
        let circles = circles::circles(sources);
        assert!(circles.is_empty(), "{name} has a circle of modules:\n  {}", circles.join("\n  "));
    }
}

#[test]
fn each_broken_rule_is_noticed() {
    let broken = |name: &str, dependencies: &[&str], file: &str, text: &str| {
        let dependencies = dependencies.iter().map(|&d| d.to_owned()).collect();
        let sources = BTreeMap::from([(file.to_owned(), text.to_owned())]);
        let faulty = Vec::new();
        broken_rules(&[Package { name: name.to_owned(), dependencies, faulty, sources }]).len()
    };
    let (sink, connect) = ("coherence-kafka-sink", "coherence-kafka-connect");
    let rdkafka = "coherence-kafka-rdkafka";
    assert_eq!(broken("another-crate", &[], "src/lib.rs", ""), 1);
    assert_eq!(broken(rdkafka, &["rdkafka", "tokio"], "src/consumer.rs", "use rdkafka::Message;"), 0);
    assert_eq!(broken(rdkafka, &["axum", "coherence-client"], "src/lib.rs", ""), 2);
    let allowed = ["coherence-kafka-worker", "coherence-kafka-rdkafka", "tokio"];
    assert_eq!(broken(sink, &allowed, "src/lib.rs", ""), 0);
    let worker = "coherence-kafka-worker";
    assert_eq!(
        broken(worker, &[sink, "coherence-kafka-source", "coherence-kafka-core"], "src/lib.rs", ""),
        3
    );
    assert_eq!(broken(sink, &["rdkafka"], "src/lib.rs", ""), 1);
    assert_eq!(broken("coherence-kafka-core", &["rdkafka"], "src/lib.rs", ""), 1);
    assert_eq!(broken("coherence-kafka-source", &["rdkafka"], "src/lib.rs", ""), 1);
    assert_eq!(broken(sink, &["coherence-kafka-core"], "src/lib.rs", ""), 1);
    assert_eq!(broken(sink, &["tonic"], "src/lib.rs", ""), 1);
    assert_eq!(broken(sink, &["config"], "src/lib.rs", ""), 1);
    assert_eq!(broken(connect, &["config"], "src/config/layers.rs", "use config::Config;"), 0);
    assert_eq!(broken("coherence-kafka-common", &["tokio", "tracing"], "src/lib.rs", ""), 2);
    assert_eq!(broken("coherence-kafka-common", &[], "src/packed.rs", "use std::time::Instant;"), 1);
    assert_eq!(broken("coherence-kafka-common", &[], "src/packed.rs", "use std::time::Duration;"), 0);
    assert_eq!(broken("coherence-kafka-common", &[], "src/local/snapshot.rs", "use std::fs::File;"), 0);
    assert_eq!(broken("coherence-client", &["rdkafka", "coherence-kafka-sink"], "src/lib.rs", ""), 2);
    assert_eq!(broken(sink, &[], "src/plan.rs", "use rdkafka::Message;"), 1);
    assert_eq!(broken(sink, &[], "src/plan.rs", "let x = ::rdkafka::util::get();"), 1);
    assert_eq!(broken(sink, &[], "src/plan.rs", "// as rdkafka::Message does\nuse crate::rdkafka::x;"), 0);
    assert_eq!(broken(sink, &[], "src/plan.rs", "use coherence_kafka_rdkafka::record::Header;"), 0);
    assert_eq!(broken(sink, &[], "src/plan.rs", "use coherence_kafka_rdkafka::consumer::Consumer;"), 1);
    assert_eq!(broken(sink, &[], "src/task/delivery/logs.rs", "use coherence_kafka_rdkafka::admin;"), 1);
    assert_eq!(broken(sink, &[], "src/task.rs", "use coherence_kafka_rdkafka::consumer::Consumer;"), 0);
    assert_eq!(broken(sink, &[], "tests/delivery/main.rs", "use rdkafka::Message;"), 0);
    assert_eq!(broken(connect, &[], "src/cli.rs", "use config::Config;"), 1);
    assert_eq!(broken(connect, &[], "src/cli.rs", "use crate::config::Worker; let config = 1;"), 0);
    assert_eq!(broken(connect, &[], "src/lib.rs", "pub mod config;\nuse config::Worker;"), 0);
    assert_eq!(broken(connect, &[], "src/run.rs", "use crate::config::{self, X};\nconfig::load();"), 0);
    assert_eq!(broken(sink, &[], "src/cli.rs", "use anyhow::Result;"), 1);
    assert_eq!(broken(sink, &[], "src/main.rs", "use anyhow::Result;"), 0);
    assert_eq!(broken(sink, &[], "tests/all.rs", "use anyhow::Result;"), 0);
    assert_eq!(broken(sink, &[], "src/task/mod.rs", ""), 1);
    let faulty = vec!["coherence-kafka-common".to_owned()];
    let (name, dependencies, sources) = (sink.to_owned(), Vec::new(), BTreeMap::new());
    assert_eq!(broken_rules(&[Package { name, dependencies, faulty, sources }]).len(), 1);
}
