//! Snapshots: the bytes as a file, and as what the blocks of a whole file hold. What is loaded and saved loads the same.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use coherence_kafka_common::local::{LocalOptions, LocalSession, SnapshotError};
use libfuzzer_sys::fuzz_target;

/// Loading needs files, which one process after the other overwrites.
static FILES: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    let folder = std::env::temp_dir();
    ["read", "saved"].map(|name| folder.join(format!("coherence-kafka-fuzz-{}-{name}", std::process::id())))
});

fuzz_target!(|bytes: &[u8]| {
    judge(bytes);
    judge(&framed(bytes));
});

fn judge(file: &[u8]) {
    let [read, saved] = &*FILES;
    fs::write(read, file).expect("a writable folder");
    match load(read) {
        Ok((session, extra)) => {
            let first = saved_len(&session, &extra, saved);
            let (again, same_extra) = load(saved).expect("what was saved is loaded");
            assert_eq!(same_extra, extra);
            // Maps come in any order.
            assert_eq!(saved_len(&again, &extra, saved), first);
        }
        Err(SnapshotError::Damaged { offset, .. }) => assert!(offset <= file.len() as u64),
        Err(SnapshotError::Format { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn saved_len(session: &LocalSession, extra: &[u8], path: &Path) -> u64 {
    session.save(path, extra).expect("a writable folder");
    fs::metadata(path).expect("it was written").len()
}

fn load(path: &Path) -> Result<(LocalSession, Vec<u8>), SnapshotError> {
    LocalSession::load(path, LocalOptions::default())
}

/// A file with these contents in blocks whose checksums are right, which no fuzzer would find.
fn framed(contents: &[u8]) -> Vec<u8> {
    const BLOCK_BYTES: usize = 64 << 10;
    const LAST: u32 = 1 << 31;
    let mut file = b"CohMaps\n\x01\0\0\0".to_vec();
    let blocks: Vec<&[u8]> = contents.chunks(BLOCK_BYTES).collect();
    for (index, content) in blocks.iter().enumerate() {
        let last = if index + 1 == blocks.len() { LAST } else { 0 };
        let length = (content.len() as u32 | last).to_le_bytes();
        let mut crc = crc32fast::Hasher::new();
        for part in [&(index as u64).to_le_bytes(), &length[..], content] {
            crc.update(part);
        }
        file.extend([&length, *content, &crc.finalize().to_le_bytes()].concat());
    }
    file
}
