//! Reserved descriptors: requests are answered even where the process has none left.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::TcpStream;

const SPARE: usize = 4;

/// Up to [`SPARE`] descriptors that the rest of the process cannot use.
#[derive(Clone)]
pub(super) struct Spare(Arc<Inner>);

struct Inner {
    /// The file that a reserved descriptor refers to.
    null: File,
    reserved: Mutex<Vec<OwnedFd>>,
}

impl Spare {
    /// Reserves none yet.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Inner { null: open()?, reserved: Mutex::default() })))
    }

    /// Reserves the missing ones, as far as the process has any left.
    pub(super) fn fill(&self) {
        let mut reserved = self.0.reserved.lock();
        while reserved.len() < SPARE
            && let Ok(file) = open()
        {
            reserved.push(file.into());
        }
    }

    /// Returns whether none is missing.
    pub(super) fn is_full(&self) -> bool {
        self.0.reserved.lock().len() >= SPARE
    }

    /// Closes one, so that a connection can use it. Returns false if none is reserved.
    pub(super) fn spend(&self) -> bool {
        self.0.reserved.lock().pop().is_some()
    }

    /// Closes a connection, and reserves its descriptor if one is missing.
    ///
    /// Both happen in one system call: no other thread can open a file with this descriptor in between.
    pub(super) fn replace(&self, socket: TcpStream) {
        let mut reserved = self.0.reserved.lock();
        if reserved.len() < SPARE
            && let Ok(socket) = socket.into_std()
        {
            let mut descriptor = OwnedFd::from(socket);
            if rustix::io::dup2(&self.0.null, &mut descriptor).is_ok() {
                reserved.push(descriptor);
            }
        }
    }
}

fn open() -> io::Result<File> {
    File::open("/dev/null")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd as _;
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn the_descriptor_of_a_closed_connection_is_reserved_where_one_is_missing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let spare = Spare::new().unwrap();
        spare.fill();
        assert!(spare.is_full());
        assert!(spare.spend());
        assert!(!spare.is_full());

        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let number = socket.as_raw_fd();
        spare.replace(socket);
        assert!(spare.is_full());
        assert_eq!(fs::read_link(format!("/proc/self/fd/{number}")).unwrap(), Path::new("/dev/null"));
        let (mut other, _) = listener.accept().unwrap();
        assert_eq!(io::Read::read(&mut other, &mut [0]).unwrap(), 0, "the connection is closed");
    }

    #[test]
    fn no_more_can_be_spent_than_are_reserved() {
        let spare = Spare::new().unwrap();
        spare.fill();
        for _ in 0..SPARE {
            assert!(spare.spend());
        }
        assert!(!spare.spend());
    }
}
