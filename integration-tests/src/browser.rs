//! A headless Chromium, which a script of `peers/browser` drives.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::peers::{folder, made, run, sources};

/// The names of the browser, in the order in which they are looked for.
const NAMES: [&str; 4] = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/// Where the browser is; `None` where this machine has none, or nothing that drives it. The test `name` is skipped then,
/// with a line.
pub fn require_browser(name: &str) -> Option<PathBuf> {
    let found = |program: &str| {
        let paths = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&paths).map(|folder| folder.join(program)).find(|file| file.is_file())
    };
    let browser = NAMES.iter().find_map(|name| found(name));
    let complete = browser.filter(|_| found("node").is_some() && found("npm").is_some());
    if complete.is_none() {
        // Past the capture of the test harness, which shows nothing of a test that passes.
        let line = format!("SKIPPED (no Chromium, or no Node.js: run make setup): {name}\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }
    complete
}

/// The command that runs a script of `peers/browser`, with the libraries that it names.
///
/// # Errors
///
/// When they cannot be fetched.
pub fn script(name: &str) -> Result<Command> {
    let sources = sources("browser");
    let lock = fs::read_to_string(sources.join("package-lock.json"))?;
    let libraries = made("browser", &lock, |libraries| {
        eprintln!("fetching what drives the browser from the npm registry");
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(file), libraries.join(file))?;
        }
        let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run(Command::new("npm").args(options).current_dir(libraries))
    })?;
    let mut node = Command::new("node");
    node.arg(sources.join(name)).env("NODE_PATH", libraries.join("node_modules"));
    Ok(node)
}

/// An empty folder `target/{name}` for pictures, which stay for the reader.
///
/// # Errors
///
/// When it cannot be made.
pub fn pictures(name: &str) -> Result<PathBuf> {
    let peers = folder();
    let pictures = peers.parent().context("the folder of the peers has no parent")?.join(name);
    if pictures.exists() {
        fs::remove_dir_all(&pictures)?;
    }
    fs::create_dir_all(&pictures)?;
    Ok(pictures.canonicalize()?)
}
