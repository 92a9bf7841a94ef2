//! The maps of a session in a file.
//!
//! All integers are little-endian. The file is the magic `CohMaps` and a newline, the version in 4 bytes (1), and
//! blocks. A block is
//!
//! | bytes | |
//! |---|---|
//! | 4 | the length of the content in the low 31 bits, at most 65,536; the highest bit marks the last block |
//! | that length | content |
//! | 4 | CRC-32 (that of zlib) of the index of the block in 8 bytes, the first 4 bytes and the content |
//!
//! The contents one behind the other, regardless of where blocks end, are
//!
//! | bytes | |
//! |---|---|
//! | 1, then text | length and name of the format: `pof`, `json`, `java` |
//! | 8, then bytes | length of what the caller added, and that |
//! | maps | each: `01`, the length of its name in 4 bytes, the name in UTF-8, its entries, `00`, their number in 8 bytes |
//! | 1, 4 | `00`, the number of maps |
//!
//! and an entry is
//!
//! | bytes | |
//! |---|---|
//! | 1 | `01` for an entry that stays, `02` for one that expires |
//! | 4, 4 | the lengths of key and value, neither 0, together at most 2,147,483,647 |
//! | 8 | only with `02`: when it expires, in milliseconds since 1970 |
//! | these lengths | key, value |
//!
//! The file ends behind the last block. Whatever is different is damage.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::clock::NANOS_PER_MS;
use super::entry::Entry;
use super::map::Walk;
use super::{LocalMap, LocalOptions, LocalSession};
use crate::map::Format;
use read::{BlockReader, Fault};
use write::BlockWriter;

mod read;
mod write;

const MAGIC: &[u8; 8] = b"CohMaps\n";
const VERSION: u32 = 1;
/// The largest content of a block.
const BLOCK_BYTES: usize = 64 << 10;
/// Marks the last block in the length of its content.
const LAST: u32 = 1 << 31;

const END: u8 = 0;
const MAP: u8 = 1;
const STAYS: u8 = 1;
const EXPIRES: u8 = 2;

/// Why a snapshot was not written or not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file or its folder failed.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was being done, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not a snapshot at all, or was torn or changed.
    #[error("{path} is not an intact snapshot: at byte {offset}: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes: the start of the block that is damaged, or of what does not fit.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The maps are in another format than the session is made for.
    #[error("{path} holds maps in {found}, not {expected}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format of the maps in the file.
        found: Format,
        /// The format of [`LocalOptions::format`].
        expected: Format,
    },
}

impl SnapshotError {
    fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

impl LocalSession {
    /// Writes all maps, and `extra` with them, to a file that replaces the one at `path` as a whole: after a crash at
    /// any moment the old file or the new one exists. Blocks until the file is on the disk.
    ///
    /// What the file holds: each entry that was in its map from the beginning to the end of this call, once, with a
    /// value that it had meanwhile; an entry put or removed meanwhile may be in it or not. So without concurrent writes
    /// it is the state of all maps at one moment; a caller whose `extra` belongs to the entries must prevent writes.
    /// Reading and listening continue.
    ///
    /// The new file is first written to `path` with `.tmp` appended; one that a crash left there is overwritten.
    /// Saves of one process wait for each other; no other process may save to the same path.
    ///
    /// # Errors
    /// [`SnapshotError::Io`]; the file at `path` is then the one that was there before, unless only the folder could
    /// not be brought to the disk.
    pub fn save(&self, path: &Path, extra: &[u8]) -> Result<(), SnapshotError> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock();
        let mut temporary = OsString::from(path);
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let written = self.write(&temporary, extra).map_err(SnapshotError::io("write", &temporary));
        let replaced =
            written.and_then(|()| fs::rename(&temporary, path).map_err(SnapshotError::io("replace", path)));
        if let Err(error) = replaced {
            // It may not even exist, and the first error is more useful.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(folder).map_err(SnapshotError::io("bring to the disk", folder))
    }

    /// Returns the session that was saved to `path`, and what its caller added. Entries whose time is over by now are
    /// left out; the others expire when they would have.
    ///
    /// The whole file is verified before anything of it is to be had, and memory grows only with what was verified.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn load(path: &Path, options: LocalOptions) -> Result<(Self, Vec<u8>), SnapshotError> {
        let file = File::open(path).map_err(SnapshotError::io("open", path))?;
        read_session(file, options).map_err(|fault| match fault {
            Fault::Io(source) => SnapshotError::io("read", path)(source),
            Fault::Damaged { offset, reason } => {
                SnapshotError::Damaged { path: path.to_owned(), offset, reason }
            }
            Fault::Format { found, expected } => {
                SnapshotError::Format { path: path.to_owned(), found, expected }
            }
        })
    }

    fn write(&self, path: &Path, extra: &[u8]) -> io::Result<()> {
        let mut to = BlockWriter::new(File::create(path)?)?;
        let format = self.options.format.name();
        to.put(&[format.len() as u8])?;
        to.put(format.as_bytes())?;
        to.put(&(extra.len() as u64).to_le_bytes())?;
        to.put(extra)?;
        let maps: Vec<_> =
            self.maps.lock().iter().map(|(name, map)| (name.clone(), Arc::clone(map))).collect();
        for (name, map) in &maps {
            self.write_map(&mut to, name, map)?;
        }
        to.put(&[END])?;
        to.put(&length(maps.len())?)?;
        to.finish()?.sync_all()
    }

    fn write_map(&self, to: &mut BlockWriter<File>, name: &str, map: &LocalMap) -> io::Result<()> {
        to.put(&[MAP])?;
        to.put(&length(name.len())?)?;
        to.put(name.as_bytes())?;
        let (now, wall_ms) = (self.options.clock.now(), self.options.clock.wall_ms());
        let mut entries = 0_u64;
        for entry in Walk::new(map, Entry::clone) {
            to.put(&[if entry.expires() { EXPIRES } else { STAYS }])?;
            to.put(&length(entry.key().len())?)?;
            to.put(&length(entry.value().len())?)?;
            if let Some(deadline) = entry.deadline() {
                let left_ms = deadline.saturating_sub(now).div_ceil(NANOS_PER_MS);
                to.put(&wall_ms.saturating_add(left_ms).to_le_bytes())?;
            }
            to.put(entry.payload())?;
            entries += 1;
        }
        to.put(&[END])?;
        to.put(&entries.to_le_bytes())
    }
}

/// Of a block with its length in front. The index keeps whole blocks from being lost, doubled or exchanged unseen.
fn checksum(index: u64, block: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&index.to_le_bytes());
    crc.update(block);
    crc.finalize()
}

fn length(length: usize) -> io::Result<[u8; 4]> {
    u32::try_from(length).map(u32::to_le_bytes).map_err(io::Error::other)
}

/// A renamed file is safe only once its folder is. Other systems than Unix cannot open folders.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn read_session(file: impl io::Read, options: LocalOptions) -> Result<(LocalSession, Vec<u8>), Fault> {
    let mut from = BlockReader::new(file)?;
    check_format(&mut from, options.format)?;
    let extra_len = from.u64()?;
    let mut extra = Vec::new();
    from.append(extra_len, &mut extra)?;
    let mut maps = HashMap::new();
    loop {
        let offset = from.offset();
        match from.u8()? {
            END => break,
            MAP => {
                let (name, map) = read_map(&mut from, &options)?;
                if maps.insert(name, Arc::new(map)).is_some() {
                    return Err(Fault::at(offset, "the second map of one name"));
                }
            }
            other => return Err(Fault::at(offset, format!("expected a map or the end, found {other:#04x}"))),
        }
    }
    let offset = from.offset();
    let count = from.u32()?;
    if count as usize != maps.len() {
        return Err(Fault::at(offset, format!("{} maps where {count} were written", maps.len())));
    }
    from.end()?;
    Ok((LocalSession { options, maps: Mutex::new(maps) }, extra))
}

fn check_format(from: &mut BlockReader<impl io::Read>, expected: Format) -> Result<(), Fault> {
    let offset = from.offset();
    let len = from.u8()?;
    let name = from.text(u64::from(len))?;
    let found: Format = name.parse().map_err(|reason| Fault::at(offset, reason))?;
    if found != expected {
        return Err(Fault::Format { found, expected });
    }
    Ok(())
}

fn read_map(
    from: &mut BlockReader<impl io::Read>,
    options: &LocalOptions,
) -> Result<(String, LocalMap), Fault> {
    let name_len = from.u32()?;
    let name = from.text(u64::from(name_len))?;
    let map = LocalMap::with(&name, options);
    let (now, wall_ms) = (options.clock.now(), options.clock.wall_ms());
    let mut entries = 0_u64;
    let mut payload = Vec::new();
    loop {
        let offset = from.offset();
        let kind = from.u8()?;
        if kind == END {
            break;
        }
        if ![STAYS, EXPIRES].contains(&kind) {
            return Err(Fault::at(
                offset,
                format!("expected an entry or the end of a map, found {kind:#04x}"),
            ));
        }
        let (key_len, value_len) = (from.u32()?, from.u32()?);
        let len = u64::from(key_len) + u64::from(value_len);
        if key_len == 0 || value_len == 0 || len > super::entry::MAX_ENTRY_BYTES as u64 {
            return Err(Fault::at(offset, format!("a key of {key_len} and a value of {value_len} bytes")));
        }
        let expires = if kind == EXPIRES { Some(from.u64()?) } else { None };
        payload.clear();
        from.append(len, &mut payload)?;
        let (key, value) = payload.split_at(key_len as usize);
        match expires {
            None => map.restore(key, value, None),
            Some(at_ms) => {
                if let Some(left_ms) = at_ms.checked_sub(wall_ms).filter(|left| *left > 0) {
                    map.restore(key, value, Some(now.saturating_add(left_ms.saturating_mul(NANOS_PER_MS))));
                }
            }
        }
        entries += 1;
    }
    let offset = from.offset();
    let count = from.u64()?;
    if count != entries {
        return Err(Fault::at(offset, format!("{entries} entries where {count} were written")));
    }
    Ok((name, map))
}

#[cfg(test)]
mod tests;
