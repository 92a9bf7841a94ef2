//! The command `coherence-kafka-sink`: wires the library to arguments, signals and exit codes.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use coherence_kafka_sink::cli::{Cli, Command};
use coherence_kafka_sink::run::{Running, StartError};
use coherence_kafka_sink::{check, demo, descriptors, live};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

// Entries are allocated and freed by the thousand; the system's allocator is half as fast at it and keeps more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            error.print()?;
            // connect-standalone ends with 1 for --help and for wrong usage; --version is a question answered.
            let asked_version = error.kind() == clap::error::ErrorKind::DisplayVersion;
            return Ok(ExitCode::from(u8::from(!asked_version)));
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(live::log_writer)
        .with_ansi(false)
        // Where stderr is closed a line is lost. Reported there, that would be a panic of the thread that logs.
        .log_internal_errors(false)
        .init();
    descriptors::raise_limit();
    // For the data: the REST interface has its own threads.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let code = runtime.block_on(execute(cli))?;
    // Everything that still runs was asked to stop and had its time.
    runtime.shutdown_background();
    Ok(code)
}

async fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => match Running::start(&cli.files).await {
            Ok(running) => {
                let mut signals = Signals::new()?;
                let first = signals.next().await;
                stop_by(running, signals, first).await
            }
            Err(error) => Ok(refuse(&error)),
        },
        Some(Command::Check(files)) => {
            let findings = check::run(&files).await;
            writeln!(io::stdout(), "{findings}")?;
            Ok(ExitCode::from(findings.exit_code()))
        }
        Some(Command::Demo { files, records, keep_running }) => {
            let running = match Running::start(&files).await {
                Ok(running) => running,
                Err(error) => return Ok(refuse(&error)),
            };
            demonstrate(running, records, keep_running).await
        }
    }
}

async fn demonstrate(running: Running, records: u64, keep_running: bool) -> anyhow::Result<ExitCode> {
    let report = match demo::run(&running, records).await {
        Ok(report) => report,
        Err(reason) => return fail(running, &reason).await,
    };
    live::print(&report);
    if !keep_running {
        stop(running).await?;
        return Ok(ExitCode::from(report.exit_code()));
    }
    let address = running.embedded_kafka().map(|broker| broker.bootstrap_servers()).unwrap_or_default();
    live::print(&format_args!("records keep flowing through the broker at {address} until Ctrl-C"));
    let mut signals = Signals::new()?;
    let first = tokio::select! {
        signal = signals.next() => signal,
        Err(reason) = demo::go_on(&running, records) => return fail(running, &reason).await,
    };
    let code = stop_by(running, signals, first).await?;
    // The findings take precedence over the signal that ended the run.
    Ok(if report.differences > 0 { ExitCode::from(report.exit_code()) } else { code })
}

async fn fail(running: Running, reason: &str) -> anyhow::Result<ExitCode> {
    stop(running).await?;
    live::complain(&reason);
    Ok(ExitCode::FAILURE)
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        }
    }
}

/// Stops gracefully because of `first`; a second signal stops at once.
async fn stop_by(running: Running, mut signals: Signals, first: SignalKind) -> anyhow::Result<ExitCode> {
    let code = |signal: SignalKind| 128 + u8::try_from(signal.as_raw_value()).unwrap_or(0);
    tracing::info!(
        "stopping: tasks finish and commit the batch in flight; a second signal stops immediately"
    );
    tokio::select! {
        stopped = stop(running) => stopped?,
        second = signals.next() => std::process::exit(code(second).into()),
    }
    Ok(ExitCode::from(code(first)))
}

async fn stop(running: Running) -> anyhow::Result<()> {
    let worker = running.worker().clone();
    tokio::task::spawn_blocking(move || worker.stop()).await?;
    live::stop();
    Ok(())
}

fn refuse(error: &StartError) -> ExitCode {
    live::stop();
    live::complain(error);
    ExitCode::from(error.exit_code())
}
