//! What a process uses, as the kernel counts it in `/proc`.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::time::Duration;

use anyhow::{Context, Result};

/// Peak resident memory of a process (`VmHWM`), in MiB.
///
/// # Errors
///
/// When there is no such process.
pub fn peak_mib(process: u32) -> Result<f64> {
    mib_of(process, "status", "VmHWM:")
}

/// Resident memory of a process (`VmRSS`), in MiB.
///
/// # Errors
///
/// When there is no such process.
pub fn resident_mib(process: u32) -> Result<f64> {
    mib_of(process, "status", "VmRSS:")
}

/// The proportional share of a process in the resident memory (`Pss`), in MiB: a page of n processes counts as an nth.
///
/// # Errors
///
/// When there is no such process.
pub fn share_mib(process: u32) -> Result<f64> {
    mib_of(process, "smaps_rollup", "Pss:")
}

fn mib_of(process: u32, file: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}"))?;
    let kib = text.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix("kB"));
    let kib = kib.with_context(|| format!("no {field} in the {file} of a process"))?;
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}

/// User and system CPU time that a process has used so far, to a hundredth of a second.
///
/// # Errors
///
/// When there is no such process.
pub fn cpu_of(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program stands in brackets and may hold anything; utime and stime are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').context("no name in the stat of a process")?;
    let ticks: Vec<u64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
}

/// The number of connections of a process to `port`.
///
/// # Errors
///
/// When there is no such process.
pub fn connections(id: u32, port: u16) -> io::Result<usize> {
    let files = fs::read_dir(format!("/proc/{id}/fd"))?;
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let sockets: HashSet<String> = links
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    const ESTABLISHED: &str = "01";
    let (port, table) = (format!(":{port:04X}"), fs::read_to_string(format!("/proc/{id}/net/tcp"))?);
    let mut connections = 0;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, _, remote, state, _, _, _, _, _, socket, ..] = fields[..] else { continue };
        connections +=
            usize::from(remote.ends_with(&port) && state == ESTABLISHED && sockets.contains(socket));
    }
    Ok(connections)
}

/// The number of threads of a process.
///
/// # Errors
///
/// When there is no such process.
pub fn threads(id: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{id}/task"))?.count())
}

/// The names of the threads of a process.
///
/// # Errors
///
/// When there is no such process.
pub fn thread_names(id: u32) -> io::Result<Vec<String>> {
    let names = fs::read_dir(format!("/proc/{id}/task"))?.filter_map(|thread| {
        // One that ends meanwhile has no name.
        let name = fs::read_to_string(thread.ok()?.path().join("comm")).ok()?;
        Some(name.trim_end().to_owned())
    });
    Ok(names.collect())
}

/// The number of open descriptors of a process.
///
/// # Errors
///
/// When there is no such process.
pub fn descriptors(id: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{id}/fd"))?.count())
}
