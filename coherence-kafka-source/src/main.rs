//! The command `coherence-kafka-source`: wires the library to arguments, signals and exit codes.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;
use coherence_kafka_source::cli::{Cli, Command, Settings};
use coherence_kafka_source::source::{Report, Source, SourceError};
use coherence_kafka_source::{check, config, metrics, progress};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

// Events and entries are allocated and freed by the thousand; the system's allocator is half as fast at it and keeps more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            error.print()?;
            // As the sink does, and connect-standalone: --version is a question answered.
            let asked_version = error.kind() == clap::error::ErrorKind::DisplayVersion;
            return Ok(ExitCode::from(u8::from(!asked_version)));
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(progress::log_writer)
        .with_ansi(false)
        // Where stderr is closed a line is lost. Reported there, that would be a panic of the thread that logs.
        .log_internal_errors(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let code = runtime.block_on(execute(cli))?;
    // Everything that still runs was asked to stop and had its time.
    runtime.shutdown_background();
    Ok(code)
}

async fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let settings = match &cli.command {
        Some(Command::Check(settings)) => settings,
        None => &cli.settings,
    };
    if settings.file.is_none() && settings.set.is_empty() {
        complain(&"usage: coherence-kafka-source SOURCE.properties, see --help");
        return Ok(ExitCode::from(1));
    }
    match cli.command {
        Some(Command::Check(settings)) => {
            let findings = check::run(&settings.sources()).await;
            writeln!(io::stdout(), "{findings}")?;
            Ok(ExitCode::from(findings.exit_code()))
        }
        None => run(&cli.settings, cli.once).await,
    }
}

/// Runs until a signal: the first one stops gracefully, the second at once. Or once, until maps and topics are equal.
async fn run(settings: &Settings, once: bool) -> anyhow::Result<ExitCode> {
    let config = match config::load(&settings.sources()) {
        Ok(config) => config,
        Err(errors) => return Ok(refuse(&errors, check::SETTINGS)),
    };
    for warning in &config.warnings {
        tracing::warn!("configuration: {warning}");
    }
    let listener = config.metrics.clone();
    let source = match Source::new(config) {
        Ok(source) => source,
        Err(error) => return Ok(refuse(&error, exit_code(&error))),
    };
    if let Some((host, port)) = listener {
        match metrics::serve(&host, port, source.statuses().to_vec()) {
            Ok(address) => tracing::info!(%address, "metrics endpoint listening"),
            Err(error) => {
                let why = format!(
                    "metrics.listener: cannot listen on http://{host}:{port}: {error}; choose another port, or stop \
                     the program that uses it"
                );
                return Ok(refuse(&why, check::SETTINGS));
            }
        }
    }
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let began = Instant::now();
    if once {
        progress::start(source.session().clone(), source.statuses().to_vec());
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), maps = source.statuses().len(), "source started");
    let mut running = std::pin::pin!(source.run(&stop, once));
    let signalled = tokio::select! {
        ended = &mut running => {
            progress::stop();
            return Ok(finish(ended, &Report::of(source.statuses(), began)));
        }
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    };
    tracing::info!(
        "stopping: waiting until sent records are acknowledged; a second signal stops immediately"
    );
    stop.cancel();
    tokio::select! {
        ended = running => {
            progress::stop();
            if let Err(error) = ended {
                return Ok(refuse(&error, exit_code(&error)));
            }
        }
        _ = interrupt.recv() => std::process::exit(130),
        _ = terminate.recv() => std::process::exit(143),
    }
    Ok(ExitCode::from(128 + u8::try_from(signalled.as_raw_value()).unwrap_or(0)))
}

fn finish(ended: Result<(), SourceError>, report: &Report) -> ExitCode {
    match ended {
        Ok(()) => {
            // Stdout may be closed.
            let _ = writeln!(io::stdout(), "{report}");
            ExitCode::from(if report.is_complete() { 0 } else { check::MAPS })
        }
        Err(error) => refuse(&error, exit_code(&error)),
    }
}

fn exit_code(error: &SourceError) -> u8 {
    match error {
        SourceError::Settings(_) | SourceError::AnotherLeads { .. } => check::SETTINGS,
        SourceError::Maps(_) => check::MAPS,
    }
}

fn refuse(error: &dyn std::fmt::Display, exit_code: u8) -> ExitCode {
    progress::stop();
    complain(error);
    ExitCode::from(exit_code)
}

/// Prints a line on stderr. `eprintln!` would panic where stderr is closed.
fn complain(line: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
