//! The command `coherence-kafka-sink`: the worker, with the connector that moves topics to maps.

use std::process::ExitCode;
use std::sync::Arc;

use coherence_kafka_sink::cli::{Cli, Command, MappingCommand};
use coherence_kafka_sink::{SinkPlugin, demo, mapping};
use coherence_kafka_worker::command::{self, Signals};
use coherence_kafka_worker::{Plugin, Running, terminal};

// Entries are allocated and freed by the thousand; the system's allocator is half as fast at it and keeps more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: &str = "coherence-kafka-sink";

fn main() -> anyhow::Result<ExitCode> {
    command::main(|cli: &Cli| cli.files().log_format, execute)
}

async fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let sink = Arc::new(SinkPlugin::default());
    let plugin = sink.clone() as Arc<dyn Plugin>;
    match cli.command {
        None => Ok(command::run(PROGRAM, &plugin, &cli.files).await?),
        Some(Command::Check(files)) => Ok(command::check(PROGRAM, &plugin, &files).await),
        Some(Command::Mapping { command: MappingCommand::Check { file, pof_config } }) => {
            let findings = mapping::check(&file, pof_config.as_deref());
            terminal::print(&findings);
            Ok(ExitCode::from(findings.exit_code()))
        }
        Some(Command::Demo { files, records, keep_running }) => {
            match command::start(PROGRAM, &plugin, &files).await {
                Ok(running) => demonstrate(&sink, running, records, keep_running).await,
                Err(error) => Ok(command::refuse(&error, error.exit_code())),
            }
        }
    }
}

async fn demonstrate(
    sink: &SinkPlugin,
    running: Running,
    records: u64,
    keep_running: bool,
) -> anyhow::Result<ExitCode> {
    let report = match demo::run(&running, sink.sessions().local(), records).await {
        Ok(report) => report,
        Err(reason) => return fail(running, &reason).await,
    };
    terminal::print(&report);
    if !keep_running {
        command::stop(running).await?;
        return Ok(ExitCode::from(report.exit_code()));
    }
    let address = running.embedded_kafka().map(|broker| broker.bootstrap_servers()).unwrap_or_default();
    terminal::print(&format_args!("records keep flowing through the broker at {address} until Ctrl-C"));
    let mut signals = Signals::new()?;
    let first = tokio::select! {
        signal = signals.next() => signal,
        Err(reason) = demo::go_on(&running, records) => return fail(running, &reason).await,
    };
    let code = command::stop_by(running, signals, first).await?;
    // The findings take precedence over the signal that ended the run.
    Ok(if report.differences > 0 { ExitCode::from(report.exit_code()) } else { code })
}

async fn fail(running: Running, reason: &str) -> anyhow::Result<ExitCode> {
    command::stop(running).await?;
    Ok(command::refuse(&reason, 1))
}
