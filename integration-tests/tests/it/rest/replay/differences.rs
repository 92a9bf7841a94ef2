//! The steps whose answers differ on purpose, and why: lists, and the table of `docs/rest-api.md`.

use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;

use super::Mode;

/// A request that Connect cannot read.
const UNREADABLE: &str = "A body that cannot be read is the client's mistake: 400 with the place, not 500.";
/// A connector that Connect creates, and whose task fails.
const REFUSED: &str = "A configuration with which no task can run is refused when it is created.";
const UNKNOWN: &str = "A name that no connector has is 404 in every request, as in distributed mode.";
const PATHS: &str = "A name with any letters is found by its encoded form, and no answer is HTML.";
const NO_LEFTOVER: &str = "A refused restart leaves no failed task behind.";
const PLUGINS: &str = "The worker has its own plugins.";
const TASKS: &str = "The answer to a change shows the tasks of the new configuration.";
const LOGGERS: &str = "Loggers have the names of this program's modules.";

/// Steps with the status of their answer here, and why it differs.
pub(super) type Differences = &'static [(RangeInclusive<u32>, u16, &'static str)];

/// The steps whose answers differ on purpose in both modes. `docs/rest-api.md` shows them.
pub(super) const DIFFERENT: Differences = &[
    (12..=12, 404, PATHS),
    (20..=20, 200, "Metrics are served, for Prometheus."),
    (26..=31, 400, UNREADABLE),
    (37..=38, 400, UNREADABLE),
    (42..=42, 400, PLUGINS),
    (50..=53, 400, UNREADABLE),
    (54..=54, 400, "A client setting that is refused is an error of the configuration."),
    (66..=66, 400, UNREADABLE),
    (67..=67, 400, "The error names the setting."),
    (71..=71, 200, PATHS),
    (72..=72, 404, PATHS),
    (119..=121, 400, UNREADABLE),
    (132..=132, 400, "A change of the name is refused: it would have no effect."),
    (133..=133, 200, "A change of the name is refused: it would have no effect."),
    (135..=135, 400, UNREADABLE),
    (176..=178, 400, UNREADABLE),
    (234..=234, 200, "There is no file that could be missing."),
    (236..=236, 400, REFUSED),
    (237..=238, 404, REFUSED),
    (239..=239, 400, REFUSED),
    (240..=241, 404, REFUSED),
    (242..=242, 400, REFUSED),
    (243..=244, 404, REFUSED),
    (245..=245, 400, REFUSED),
    (246..=247, 404, REFUSED),
    (251..=251, 400, REFUSED),
    (252..=253, 404, REFUSED),
    (254..=254, 400, REFUSED),
    (255..=256, 404, REFUSED),
    (257..=262, 200, PLUGINS),
    (274..=274, 400, "A class that does not exist is the client's mistake: 400, not 500."),
    (275..=275, 200, LOGGERS),
    (286..=287, 400, UNREADABLE),
    (295..=297, 200, LOGGERS),
];

/// Those that differ in standalone mode only.
pub(super) const DIFFERENT_STANDALONE: Differences = &[
    (153..=153, 404, UNKNOWN),
    (207..=207, 404, UNKNOWN),
    (213..=213, 404, UNKNOWN),
    (218..=218, 200, NO_LEFTOVER),
    (305..=305, 200, NO_LEFTOVER),
];

/// Those that differ in distributed mode only.
pub(super) const DIFFERENT_DISTRIBUTED: Differences = &[
    (47..=47, 201, TASKS),
    (57..=57, 201, TASKS),
    (68..=68, 201, TASKS),
    (70..=70, 201, TASKS),
    (74..=74, 201, TASKS),
    (79..=79, 201, TASKS),
    (113..=113, 200, TASKS),
    (123..=123, 201, TASKS),
    (126..=126, 200, TASKS),
    (220..=220, 201, TASKS),
    (233..=233, 201, TASKS),
    (248..=248, 201, TASKS),
];

/// The reasons and their steps, as a table.
fn table() -> String {
    let mut steps: Vec<(&str, Vec<String>)> = Vec::new();
    let both = DIFFERENT.iter().map(|different| (None, different));
    let of_one =
        Mode::ALL.into_iter().flat_map(|mode| mode.different().iter().map(move |it| (Some(mode), it)));
    for (mode, (range, status, reason)) in both.chain(of_one) {
        let numbers = match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}–{last}"),
        };
        let mode = match mode {
            None => "",
            Some(Mode::Standalone) => ", standalone",
            Some(Mode::Distributed) => ", distributed",
        };
        let step = format!("{numbers} ({status}{mode})");
        match steps.iter_mut().find(|(known, _)| known == reason) {
            Some((_, steps)) => steps.push(step),
            None => steps.push((reason, vec![step])),
        }
    }
    let mut table = "| Difference | Steps, with the status here |\n|---|---|\n".to_owned();
    for (reason, steps) in steps {
        writeln!(table, "| {reason} | {} |", steps.join(", ")).unwrap();
    }
    table
}

#[test]
fn the_steps_that_differ_are_those_of_docs_rest_api_md() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rest-api.md");
    let document = fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once("| Difference | Steps").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let rendered = format!("{before}{}\n{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, &rendered).unwrap();
    }
    assert!(
        document == rendered || std::env::var_os("UPDATE_DOCS").is_some(),
        "docs/rest-api.md is out of date: UPDATE_DOCS=1 cargo test -p integration-tests --test it steps_that_differ"
    );
}
