//! Going through the files and counting.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::differences::Differences;

/// One file of vectors.
pub struct File {
    /// Without `.jsonl`.
    pub name: &'static str,
    /// The copy that is built in.
    pub rows: &'static str,
    /// Checks one line.
    pub check: fn(&Row<'_>) -> Checked,
}

/// `Err` tells what is wrong.
pub type Checked = Result<Outcome, String>;

pub enum Outcome {
    Passed,
    /// With the reason.
    #[allow(dead_code, reason = "all lines of the present files are checked")]
    Skipped(&'static str),
}

/// One line of a file.
pub struct Row<'a> {
    /// The name of the file.
    file: &'static str,
    pub json: Value,
    /// What is known to differ from Java.
    pub differences: &'a Differences,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: BTreeMap<&'static str, usize>,
    files_read: usize,
    files_unread: usize,
}

/// Checks every line of `files`, or of those of the folder that `variable` names.
pub fn run(variable: &str, files: &[File]) -> ExitCode {
    let mut tally = Tally::default();
    let differences = Differences::listed();
    match std::env::var_os(variable) {
        None => {
            files.iter().for_each(|file| tally.file(file, file.rows, &differences));
            for unused in differences.unused() {
                tally.failed += 1;
                println!("listed as a difference, but not met: {unused}");
            }
        }
        Some(folder) => tally.folder(Path::new(&folder), files, &differences),
    }
    for (reason, count) in &tally.skipped {
        println!("{count} skipped: {reason}");
    }
    if tally.passed + tally.failed == 0 {
        tally.failed += 1;
        println!("nothing was checked");
    }
    println!(
        "{} files read, {} not read, {} lines skipped",
        tally.files_read,
        tally.files_unread,
        tally.skipped.values().sum::<usize>()
    );
    println!("vectors: {} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Tally {
    fn folder(&mut self, folder: &Path, files: &[File], differences: &Differences) {
        println!("reading {}", folder.display());
        let Ok(entries) = folder.read_dir() else {
            self.failed += 1;
            println!("no such folder");
            return;
        };
        for file in files {
            let path = folder.join(file.name).with_extension("jsonl");
            match std::fs::read_to_string(&path) {
                Ok(rows) => self.file(file, &rows, differences),
                Err(why) => {
                    // Another set of captures need not have all kinds; what cannot be read is another matter.
                    if why.kind() != std::io::ErrorKind::NotFound {
                        self.failed += 1;
                        self.files_unread += 1;
                    }
                    println!("{}.jsonl not read: {why}", file.name);
                }
            }
        }
        let mut names: Vec<_> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names.iter().filter(|name| name.ends_with(".jsonl")) {
            if !files.iter().any(|file| name.strip_suffix(".jsonl") == Some(file.name)) {
                self.files_unread += 1;
                println!("{name} not read: there is no check for it");
            }
        }
    }

    fn file(&mut self, file: &File, rows: &str, differences: &Differences) {
        self.files_read += 1;
        for (index, line) in rows.lines().enumerate() {
            let checked = match serde_json::from_str(line) {
                Err(why) => Err(format!("no JSON: {why}")),
                Ok(json) => {
                    let row = Row { file: file.name, json, differences };
                    let checked = catch_unwind(AssertUnwindSafe(|| (file.check)(&row)));
                    checked.unwrap_or_else(|_| Err("panicked".to_owned()))
                }
            };
            match checked {
                Ok(Outcome::Passed) => self.passed += 1,
                Ok(Outcome::Skipped(reason)) => *self.skipped.entry(reason).or_default() += 1,
                Err(wrong) => {
                    self.failed += 1;
                    let start: String = line.chars().take(300).collect();
                    println!("{} line {}: {wrong}\n  {start}", file.name, index + 1);
                }
            }
        }
    }
}

impl Row<'_> {
    pub fn is_of(&self, file: &str) -> bool {
        self.file == file
    }

    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_else(|| panic!("no text in {field}"))
    }

    pub fn bytes(&self, field: &str) -> Vec<u8> {
        crate::notation::hex(self.text(field))
    }

    pub fn int(&self, field: &str) -> i32 {
        i32::try_from(self.json[field].as_i64().unwrap()).unwrap()
    }
}

pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:02X?}, expected {expected:02X?}")) }
}
