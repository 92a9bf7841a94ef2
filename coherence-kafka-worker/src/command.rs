//! What the programs have in common: logs, signals and exit codes.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Files, LogFormat};
use crate::plugin::Plugin;
use crate::start::{Running, StartError, load};
use crate::{check, descriptors, loggers, terminal};

/// Parses the arguments of the process, and runs `execute` with them on a runtime for data; the REST interface has its
/// own threads. Logs go to stderr, in the form that the arguments name.
///
/// # Errors
/// The system refuses a thread, or the arguments cannot be answered.
pub fn main<C: Parser, E, F>(
    log_format: impl FnOnce(&C) -> LogFormat,
    execute: impl FnOnce(C) -> F,
) -> Result<ExitCode, E>
where
    E: From<io::Error>,
    F: Future<Output = Result<ExitCode, E>>,
{
    let cli = match C::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            error.print()?;
            let answered = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // As connect-standalone after wrong usage.
            return Ok(ExitCode::from(u8::from(!answered)));
        }
    };
    if let Some(wrong) = loggers::init(std::env::var("RUST_LOG").ok().as_deref(), log_format(&cli)) {
        tracing::warn!(
            "RUST_LOG: {wrong}; it is a list such as info,coherence_client=debug; the level is info"
        );
    }
    descriptors::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let code = runtime.block_on(execute(cli))?;
    // Everything that still runs was asked to stop and had its time.
    runtime.shutdown_background();
    Ok(code)
}

/// Starts the worker of `program` with these files.
///
/// # Errors
/// See [`StartError`]; nothing is left running then.
pub async fn start(program: &str, plugin: &Arc<dyn Plugin>, files: &Files) -> Result<Running, StartError> {
    Running::start(plugin.clone(), load(program, &**plugin, files)?).await
}

/// Runs the worker of `program` until a signal: the first one stops gracefully, the second at once.
///
/// # Errors
/// Signals cannot be received.
pub async fn run(program: &str, plugin: &Arc<dyn Plugin>, files: &Files) -> io::Result<ExitCode> {
    match start(program, plugin, files).await {
        Ok(running) => {
            let mut signals = Signals::new()?;
            let first = signals.next().await;
            stop_by(running, signals, first).await
        }
        Err(error) => Ok(refuse(&error, error.exit_code())),
    }
}

/// Prints what `check` finds.
pub async fn check(program: &str, plugin: &Arc<dyn Plugin>, files: &Files) -> ExitCode {
    let findings = check::run(program, &**plugin, files).await;
    terminal::print(&findings);
    ExitCode::from(findings.exit_code())
}

/// SIGINT and SIGTERM.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Receives them from now on.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn new() -> io::Result<Self> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        }
    }
}

/// Returns the exit code of a process that a signal ends.
pub fn code_of(signal: SignalKind) -> u8 {
    128 + u8::try_from(signal.as_raw_value()).unwrap_or(0)
}

/// Stops gracefully because of `first`; a second signal stops at once.
///
/// # Errors
/// The thread that stops the worker has panicked.
pub async fn stop_by(running: Running, mut signals: Signals, first: SignalKind) -> io::Result<ExitCode> {
    tracing::info!("stopping: tasks finish and commit what is in flight; a second signal stops immediately");
    tokio::select! {
        stopped = stop(running) => stopped?,
        second = signals.next() => std::process::exit(code_of(second).into()),
    }
    Ok(ExitCode::from(code_of(first)))
}

/// Stops gracefully.
///
/// # Errors
/// The thread that stops the worker has panicked.
pub async fn stop(running: Running) -> io::Result<()> {
    tokio::task::spawn_blocking(move || running.stop()).await?;
    terminal::stop();
    Ok(())
}

/// Prints why the program ends, on stderr; where the log is in JSON, as a line of it.
pub fn refuse(error: &dyn Display, exit_code: u8) -> ExitCode {
    terminal::stop();
    if loggers::format() == LogFormat::Json && tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(%error, exit_code, "program ends");
    } else {
        terminal::complain(error);
    }
    ExitCode::from(exit_code)
}
