//! The command `coherence-kafka-sink`: wires the library to arguments, signals and exit codes.

use std::process::ExitCode;

use clap::Parser as _;
use coherence_kafka_sink::cli::{Cli, Command};
use coherence_kafka_sink::run::{Running, StartError};
use coherence_kafka_sink::{check, demo, live};
use tokio::signal::unix::{SignalKind, signal};
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
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(live::log_writer).with_ansi(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let code = runtime.block_on(execute(cli))?;
    // Whatever still runs has been told to stop and had its time.
    runtime.shutdown_background();
    Ok(code)
}

async fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => run(Running::start(&cli.files).await).await,
        Some(Command::Check(files)) => {
            let findings = check::run(&files).await;
            println!("{findings}");
            Ok(ExitCode::from(findings.exit_code()))
        }
        Some(Command::Demo { files, records, keep_running }) => {
            let running = match Running::start(&files).await {
                Ok(running) => running,
                Err(error) => return Ok(refuse(&error)),
            };
            let report = demo::run(&running, records).await;
            live::stop();
            let code = match report {
                Ok(report) => {
                    println!("{report}");
                    ExitCode::from(u8::from(report.differences > 0))
                }
                Err(reason) => {
                    eprintln!("{reason}");
                    ExitCode::FAILURE
                }
            };
            if keep_running {
                return run(Ok(running)).await;
            }
            stop(running).await?;
            Ok(code)
        }
    }
}

/// Runs until a signal: the first one stops gracefully, the second at once.
async fn run(started: Result<Running, StartError>) -> anyhow::Result<ExitCode> {
    let running = match started {
        Ok(running) => running,
        Err(error) => return Ok(refuse(&error)),
    };
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let code = |signal: SignalKind| ExitCode::from(128 + u8::try_from(signal.as_raw_value()).unwrap_or(0));
    let first = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    };
    tracing::info!("stopping: the batch in flight is finished and committed; a second signal stops at once");
    tokio::select! {
        stopped = stop(running) => stopped?,
        _ = interrupt.recv() => std::process::exit(130),
        _ = terminate.recv() => std::process::exit(143),
    }
    Ok(code(first))
}

async fn stop(running: Running) -> anyhow::Result<()> {
    let worker = running.worker().clone();
    tokio::task::spawn_blocking(move || worker.stop()).await?;
    live::stop();
    Ok(())
}

fn refuse(error: &StartError) -> ExitCode {
    live::stop();
    eprintln!("{error}");
    ExitCode::from(error.exit_code())
}
