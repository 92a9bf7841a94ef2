//! A server in a process of its own: started with a log file, watched while it starts, stopped, killed, frozen.
//!
//! It never outlives this process, however this one ends: every child asks the kernel to be killed with its parent.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::wait;

/// A server that has not ended cleanly after this time is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; its standard error, and its output unless `command` says otherwise, go to the file `log`.
    ///
    /// # Errors
    ///
    /// When the log file cannot be written or the program not be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stderr(file.try_clone()?);
        command.stdout(file).stdin(Stdio::null());
        Self::spawn(name, command, log)
    }

    /// As [`Process::start`], with its standard input and output as pipes.
    ///
    /// # Errors
    ///
    /// When the log file cannot be written or the program not be started.
    pub(crate) fn start_piped(
        name: &str,
        mut command: Command,
        log: &Path,
    ) -> Result<(Self, ChildStdin, ChildStdout)> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stderr(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Self::spawn(name, command, log)?;
        let pipes = process.child.stdin.take().zip(process.child.stdout.take());
        let (input, output) = pipes.context("the child has no pipes")?;
        Ok((process, input, output))
    }

    /// As [`Process::start`], with its standard error as a pipe whose other end the caller reads, and may close.
    ///
    /// # Errors
    ///
    /// When the log file cannot be written or the program not be started.
    pub(crate) fn start_read(name: &str, mut command: Command, log: &Path) -> Result<(Self, ChildStderr)> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdout(file).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = Self::spawn(name, command, log)?;
        let errors = process.child.stderr.take().context("the child has no pipe")?;
        Ok((process, errors))
    }

    fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        die_with_parent(&mut command);
        let child = spawn_from_lasting_thread(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name: name.to_owned(), log: log.to_owned() })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file of its output.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until its log holds `text`.
    ///
    /// # Errors
    ///
    /// When it ends before, or the deadline passes; with the end of its log.
    pub fn wait_for_line(&mut self, text: &str, deadline: Duration) -> Result<()> {
        let mut ended = None;
        let found = wait::within(deadline, || {
            // The state is asked before the log is read: a line printed just before the end counts.
            ended = self.child.try_wait().ok().flatten();
            fs::read_to_string(&self.log).is_ok_and(|log| log.contains(text)) || ended.is_some()
        });
        if found && fs::read_to_string(&self.log)?.contains(text) {
            return Ok(());
        }
        match ended {
            Some(status) => bail!("{} ended ({status}) before it was ready\n{}", self.name, self.log_end()),
            None => bail!("{} was not ready within {deadline:?}\n{}", self.name, self.log_end()),
        }
    }

    /// The last lines of its log, for a message.
    pub fn log_end(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Asks it to end (SIGTERM) and waits; one that does not end within 20 seconds is killed.
    ///
    /// # Errors
    ///
    /// When it had to be killed.
    pub fn stop(self) -> Result<ExitStatus> {
        self.end_by(libc::SIGTERM, STOP_DEADLINE)
    }

    /// As [`Process::stop`], with another deadline.
    pub(crate) fn stop_within(self, deadline: Duration) -> Result<ExitStatus> {
        self.end_by(libc::SIGTERM, deadline)
    }

    /// As [`Process::stop`], by the signal of Ctrl-C (SIGINT).
    ///
    /// # Errors
    ///
    /// As [`Process::stop`].
    pub fn interrupt(self) -> Result<ExitStatus> {
        self.end_by(libc::SIGINT, STOP_DEADLINE)
    }

    fn end_by(mut self, signal: libc::c_int, deadline: Duration) -> Result<ExitStatus> {
        self.signal(signal);
        // A frozen process ends only when it is allowed to run again.
        self.signal(libc::SIGCONT);
        let mut status = None;
        wait::within(deadline, || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        status.with_context(|| format!("{} did not stop within {deadline:?}", self.name))
    }

    /// Asks it to end (SIGTERM) and does not wait.
    pub fn terminate(&self) {
        self.signal(libc::SIGTERM);
    }

    /// Ends it at once (SIGKILL), as a crash of its machine would.
    ///
    /// # Errors
    ///
    /// When it had ended by itself before.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        let status = self.child.wait()?;
        ensure!(status.signal() == Some(libc::SIGKILL), "{} had ended before: {status}", self.name);
        Ok(())
    }

    /// Stops it from running (SIGSTOP): its connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Lets it run again after [`Process::freeze`].
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    #[allow(unsafe_code)]
    fn signal(&self, signal: libc::c_int) {
        // SAFETY: kill only takes numbers. The id is that of our own child, which is not reaped while `self` lives
        // unless it has ended, and then the call fails or nothing depends on it.
        unsafe {
            libc::kill(self.child.id().cast_signed(), signal);
        }
    }
}

/// Whether the process of this id has ended; it may still wait to be reaped.
pub fn is_gone(id: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { return true };
    // The name of the program stands in brackets and may hold anything.
    stat.rsplit_once(')').is_none_or(|(_, fields)| fields.trim_start().starts_with(['Z', 'X']))
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(unsafe_code)]
fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl, getppid and the construction of
    // an error from a constant are, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have ended before the line above.
            if libc::getppid().cast_unsigned() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

/// The signal of `PR_SET_PDEATHSIG` comes when the *thread* that started the child ends. A test's thread ends with its
/// test, the shared servers must live on, so all children are started by one thread that lives as long as the process.
fn spawn_from_lasting_thread(command: Command) -> Result<Child> {
    type Order = (Command, Sender<io::Result<Child>>);
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    orders.send((command, answer)).context("the thread that starts processes has ended")?;
    Ok(child.recv().context("the thread that starts processes has ended")??)
}
