//! What the servers, the Python clients and the browser need, below `target/peers`: made the first time, and again when a
//! version changes.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Whether the test `name` may use the real servers.
///
/// `COHERENCE_KAFKA_PEERS=off` switches them off, for machines without Java or network; each test that is
/// skipped prints a line, and `make test` counts these lines.
pub fn require_peers(name: &str) -> bool {
    let on = env::var_os("COHERENCE_KAFKA_PEERS").is_none_or(|v| v != "off");
    if !on {
        // Past the capture of the test harness, which shows nothing of a test that passes.
        let line = format!("SKIPPED (COHERENCE_KAFKA_PEERS=off): {name}\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }
    on
}

/// Returns from the test, with a line, when the real servers are switched off: `require_peers!();` as its first line.
#[macro_export]
macro_rules! require_peers {
    () => {{
        fn here() {}
        let name = ::std::any::type_name_of_val(&here);
        if !$crate::peers::require_peers(name.trim_end_matches("::here").trim_end_matches("::{{closure}}")) {
            return;
        }
    }};
}

/// The folder of everything that belongs to the servers: `target/peers`.
pub(crate) fn folder() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("peers")
}

/// The files of a peer that are part of this crate: `peers/kafka`, `peers/coherence`, `peers/python`, `peers/browser`.
pub(crate) fn sources(peer: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(peer)
}

/// The Python interpreter that finds what `peers/{peer}/requirements.txt` lists.
///
/// # Errors
///
/// When Python is missing, or a package cannot be fetched.
pub fn python(peer: &str) -> Result<PathBuf> {
    let requirements = sources(peer).join("requirements.txt");
    let version =
        Command::new("python3").arg("--version").output().context("cannot start python3: run make setup")?;
    let stamp = fs::read_to_string(&requirements)? + &String::from_utf8_lossy(&version.stdout);
    let environment = made(peer, &stamp, |environment| {
        eprintln!("fetching the packages of peers/{peer} from the Python Package Index");
        run(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
        let mut pip = Command::new(environment.join("bin/pip"));
        pip.args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--requirement",
        ]);
        run(pip.arg(&requirements))
    })?;
    Ok(environment.join("bin/python"))
}

/// The folder `target/peers/{name}`, made by `make` unless it was made from the same `stamp` before.
///
/// A lock file keeps the test processes that run side by side from making it twice.
pub(crate) fn made(name: &str, stamp: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let all = folder();
    fs::create_dir_all(&all).with_context(|| format!("cannot make {}", all.display()))?;
    let all = all.canonicalize()?;
    let (made, stamp_file) = (all.join(name), all.join(format!("{name}.stamp")));
    let lock = File::create(all.join(format!("{name}.lock")))?;
    lock.lock()?;
    if fs::read_to_string(&stamp_file).is_ok_and(|s| s == stamp) {
        return Ok(made);
    }
    // First: it is of what was made before, and would speak for a half if anything fails from here on.
    if stamp_file.exists() {
        fs::remove_file(&stamp_file)?;
    }
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    fs::create_dir(&made)?;
    make(&made)?;
    fs::write(&stamp_file, stamp)?;
    Ok(made)
}

/// Runs a command to its end; its output becomes the error when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// As [`run`]; returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program}: run make setup"))?;
    ensure!(
        output.status.success(),
        "{program} failed ({})\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
