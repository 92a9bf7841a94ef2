//! Starts a broker and a grid for work by hand, prints their addresses, and stops both on Ctrl-C.

use std::thread;

use anyhow::{Context, Result};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Registered first: from here on Ctrl-C ends this program through its end, whatever has started by then.
    let (mut interrupt, mut terminate) = runtime.block_on(async {
        anyhow::Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    })?;

    let grid = thread::spawn(|| Grid::start(GridOptions { heap: "1g".to_owned(), ..GridOptions::default() }));
    let mut kafka = Kafka::start(KafkaOptions { heap: "512m".to_owned(), ..KafkaOptions::default() })?;
    let mut grid = grid.join().ok().context("the thread that starts the grid has ended")??;
    println!("kafka: {}", kafka.bootstrap());
    println!("grid: {}", grid.address());
    println!("Ctrl-C stops both");

    runtime.block_on(async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    });
    // Ctrl-C reaches the servers as well, so they may have ended already.
    let _ = kafka.stop();
    let _ = grid.stop();
    Ok(())
}
