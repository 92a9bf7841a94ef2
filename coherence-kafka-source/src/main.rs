//! The command `coherence-kafka-source`: the worker, with the connector that publishes maps; or a source alone, with a file
//! of its own.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use coherence_kafka_source::cli::{Cli, Command, own_file};
use coherence_kafka_source::{Report, Source, SourceError, SourcePlugin, Unchecked};
use coherence_kafka_source::{check, metrics, progress};
use coherence_kafka_worker::command::{self, Signals, code_of, refuse};
use coherence_kafka_worker::{Plugin, terminal};
use tokio_util::sync::CancellationToken;

// Events and entries are allocated and freed by the thousand; the system's allocator is half as fast at it and keeps more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: &str = "coherence-kafka-source";

fn main() -> anyhow::Result<ExitCode> {
    command::main(|cli: &Cli| cli.files().log_format, execute)
}

async fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let files = cli.files();
    let plugin = Arc::new(SourcePlugin) as Arc<dyn Plugin>;
    let own = if files.worker.is_none() && files.set.is_empty() { None } else { own_file(files) };
    match (&cli.command, own) {
        (Some(Command::Check(_)), Some(settings)) => {
            let findings = check::run(settings).await;
            terminal::print(&findings);
            Ok(ExitCode::from(findings.exit_code()))
        }
        (Some(Command::Check(files)), None) => Ok(command::check(PROGRAM, &plugin, files).await),
        (None, Some(settings)) => run(settings, cli.once).await,
        (None, None) if cli.once => {
            Ok(refuse(&"--once needs a file of the source's own, without connector.class: see --help", 1))
        }
        (None, None) => Ok(command::run(PROGRAM, &plugin, files).await?),
    }
}

/// Runs a source alone until a signal: the first one stops gracefully, the second at once. Or once, until maps and topics
/// are equal.
async fn run(settings: Unchecked, once: bool) -> anyhow::Result<ExitCode> {
    let config = match settings.check() {
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
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let began = Instant::now();
    if once {
        progress::start(source.session().clone(), source.statuses().to_vec());
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), maps = source.statuses().len(), "source started");
    let mut running = std::pin::pin!(source.run(&stop, once));
    let first = tokio::select! {
        ended = &mut running => {
            terminal::stop();
            return Ok(finish(ended, &Report::of(source.statuses(), began)));
        }
        first = signals.next() => first,
    };
    tracing::info!(
        "stopping: waiting until sent records are acknowledged; a second signal stops immediately"
    );
    stop.cancel();
    tokio::select! {
        ended = running => {
            terminal::stop();
            if let Err(error) = ended {
                return Ok(refuse(&error, exit_code(&error)));
            }
        }
        second = signals.next() => std::process::exit(code_of(second).into()),
    }
    Ok(ExitCode::from(code_of(first)))
}

fn finish(ended: Result<(), SourceError>, report: &Report) -> ExitCode {
    match ended {
        Ok(()) => {
            terminal::print(report);
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
