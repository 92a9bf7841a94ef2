//! Names, ports and folders of one test, which keep tests apart that run side by side.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use crate::peers;

static NAMES: AtomicU32 = AtomicU32::new(0);

/// `base` with a suffix that no other call of this machine's running tests gets: for topics, maps, groups, clusters.
pub fn unique(base: &str) -> String {
    format!("{base}-{}-{}", process::id(), NAMES.fetch_add(1, Ordering::Relaxed))
}

// Below Linux's range for outgoing connections (32768 and up): a client that keeps connecting to a stopped server's
// port of that range may be given the very same port as its own, connect to itself, and keep the server from restarting.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A loopback port that nothing listens on, and that no other test process of this machine chooses as long as this one
/// lives, whatever folder it runs in.
///
/// # Errors
///
/// When every port of the range is taken, or the process has no descriptor left.
pub fn free_port() -> io::Result<u16> {
    // The lock is held for ever: a server that is down for a while must find its port again.
    static HELD: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    let width = u32::from(PORTS.end - PORTS.start);
    let first = process::id().wrapping_mul(211) % width;
    for offset in 0..width {
        let port = PORTS.start + ((first + offset) % width) as u16;
        // An abstract name belongs to one socket of the machine, and is free when its process ends.
        let name = SocketAddr::from_abstract_name(format!("coherence-kafka-test-port-{port}"))?;
        let lock = match UnixListener::bind_addr(&name) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
            Err(error) => return Err(error),
        };
        // All interfaces: a Coherence member binds its gRPC port on all of them, whatever its settings.
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            HELD.lock().push(lock);
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no free port in {PORTS:?}")))
}

/// A folder of one server or test below `target/peers/run`, removed on drop.
///
/// One that a killed test left behind is removed by the next test process.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new empty folder.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn new(name: &str) -> io::Result<Self> {
        static SWEPT: std::sync::Once = std::sync::Once::new();
        let run = peers::folder().join("run");
        fs::create_dir_all(&run)?;
        SWEPT.call_once(|| sweep(&run));
        let path = run.join(format!("{}.{}.{name}", process::id(), NAMES.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test that failed keeps its servers' logs for the reader, until the next run.
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn sweep(run: &Path) {
    let Ok(entries) = fs::read_dir(run) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_string_lossy().split('.').next().map(str::to_owned).unwrap_or_default();
        if !Path::new("/proc").join(&owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
