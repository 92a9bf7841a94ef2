use std::collections::BTreeMap;
use std::time::Duration;

use futures::{FutureExt as _, TryStreamExt as _};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::local::{Clock, ManualClock};
use crate::map::{Expiry, NamedMap as _};

type Maps = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

fn session(clock: &ManualClock) -> LocalSession {
    LocalSession::with(options(clock))
}

fn options(clock: &ManualClock) -> LocalOptions {
    LocalOptions { clock: Clock::Manual(clock.clone()), ..LocalOptions::default() }
}

fn put(session: &LocalSession, map: &str, key: &[u8], value: &[u8], expiry: Expiry) {
    let map = session.local_map(map).unwrap();
    map.put(key, value, expiry).now_or_never().unwrap().unwrap();
}

fn contents(session: &LocalSession) -> Maps {
    let maps: Vec<_> = session.maps.lock().values().cloned().collect();
    let entries = |map: &LocalMap| {
        let entries: Vec<_> = map.entries().try_collect().now_or_never().unwrap().unwrap();
        entries.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    };
    maps.iter().map(|map| (map.name().to_owned(), entries(map))).collect()
}

/// The bytes of a snapshot with two maps, an expiring entry and something added.
fn small() -> Vec<u8> {
    let clock = ManualClock::default();
    let session = session(&clock);
    put(&session, "one", b"a", b"1", Expiry::Default);
    put(&session, "one", b"b", b"2", Expiry::After(Duration::from_secs(1)));
    put(&session, "two", b"c", b"3", Expiry::Default);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maps");
    session.save(&path, b"offsets").unwrap();
    fs::read(path).unwrap()
}

fn read(bytes: &[u8]) -> Result<(LocalSession, Vec<u8>), Fault> {
    read_session(bytes, options(&ManualClock::default()))
}

/// A file whose checksums are right, whatever its contents are.
fn framed(contents: &[u8]) -> Vec<u8> {
    let mut to = BlockWriter::new(Vec::new()).unwrap();
    to.put(contents).unwrap();
    to.finish().unwrap()
}

/// Where and why a file is refused.
fn refusal(bytes: &[u8]) -> (u64, String) {
    match read(bytes) {
        Err(Fault::Damaged { offset, reason }) => (offset, reason),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was read"),
    }
}

proptest! {
    #[test]
    fn maps_come_back_as_they_were(
        maps in btree_map("[a-zü]{1,9}", btree_map(vec(any::<u8>(), 1..20), vec(any::<u8>(), 1..3000), 0..100), 0..4),
        extra in vec(any::<u8>(), 0..100_000),
    ) {
        let clock = ManualClock::default();
        let session = session(&clock);
        for (name, entries) in &maps {
            session.local_map(name).unwrap();
            for (key, value) in entries {
                put(&session, name, key, value, Expiry::Default);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps");
        session.save(&path, &extra).unwrap();
        let (loaded, added) = LocalSession::load(&path, options(&clock)).unwrap();
        prop_assert_eq!(contents(&loaded), maps);
        prop_assert_eq!(added, extra);
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn arbitrary_contents_never_panic(contents in vec(any::<u8>(), 0..300)) {
        let _ = read(&contents);
        let _ = read(&framed(&contents));
    }
}

#[test]
fn entries_larger_than_a_block_come_back() {
    let clock = ManualClock::default();
    let session = session(&clock);
    for len in [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES] {
        put(&session, "m", &len.to_be_bytes(), &vec![7; len], Expiry::Default);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maps");
    session.save(&path, &vec![1; 3 * BLOCK_BYTES]).unwrap();
    let (loaded, extra) = LocalSession::load(&path, options(&clock)).unwrap();
    assert!(contents(&loaded) == contents(&session));
    assert_eq!(extra.len(), 3 * BLOCK_BYTES);
}

#[test]
fn an_entry_expires_when_it_would_have() {
    let clock = ManualClock::default();
    let session = session(&clock);
    clock.advance(Duration::from_secs(100));
    for seconds in [10, 20] {
        put(&session, "m", &[seconds], b"v", Expiry::After(Duration::from_secs(u64::from(seconds))));
    }
    clock.advance(Duration::from_secs(5));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maps");
    session.save(&path, b"").unwrap();
    clock.advance(Duration::from_secs(5));
    let (loaded, _) = LocalSession::load(&path, options(&clock)).unwrap();
    let map = loaded.local_map("m").unwrap();
    assert_eq!(map.len(), 1, "one is over by now");
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(map.len(), 1);
    clock.advance(Duration::from_millis(1));
    assert_eq!(map.len(), 0);
}

#[test]
fn every_single_damaged_byte_is_found() {
    let whole = small();
    assert!(read(&whole).is_ok());
    for at in 0..whole.len() {
        for flipped in [1, 0x80, 0xFF] {
            let mut damaged = whole.clone();
            damaged[at] ^= flipped;
            assert!(matches!(read(&damaged), Err(Fault::Damaged { .. })), "byte {at} ^ {flipped:#04x}");
        }
    }
}

#[test]
fn every_torn_file_is_refused() {
    let whole = small();
    for len in 0..whole.len() {
        assert!(matches!(read(&whole[..len]), Err(Fault::Damaged { .. })), "{len} bytes");
    }
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(refusal(&longer), (whole.len() as u64, "more bytes after the last block".to_owned()));
}

#[test]
fn blocks_that_were_exchanged_lost_or_doubled_are_found() {
    const FIRST: usize = MAGIC.len() + 4;
    const BLOCK: usize = 4 + BLOCK_BYTES + 4;
    let extra = vec![7; 3 * BLOCK_BYTES];
    let contents = [&[3], &b"pof"[..], &(extra.len() as u64).to_le_bytes(), &extra, &[END], &[0; 4]].concat();
    let whole = framed(&contents);
    assert!(read(&whole).is_ok());
    let block = |index: usize| &whole[FIRST + index * BLOCK..FIRST + (index + 1) * BLOCK];
    let (head, tail) = (&whole[..FIRST + BLOCK], &whole[FIRST + 3 * BLOCK..]);
    let at = (FIRST + BLOCK) as u64;
    assert_eq!(refusal(&[head, block(2), block(1), tail].concat()).0, at);
    assert_eq!(refusal(&[head, block(2), tail].concat()).0, at);
    assert_eq!(refusal(&[head, block(1), block(1), tail].concat()).0, at + BLOCK as u64);
}

#[test]
fn contents_that_do_not_fit_are_refused_with_their_place() {
    const START: u64 = 8 + 4 + 4;
    let head = [&[3], &b"pof"[..], &[0; 8]].concat();
    let with = |rest: &[u8]| refusal(&framed(&[&head, rest].concat()));
    assert_eq!(with(&[END, 1, 0, 0, 0]), (START + 13, "0 maps where 1 were written".to_owned()));
    assert_eq!(with(&[9]).0, START + 12);
    let map = [&[MAP, 1, 0, 0, 0], &b"m"[..]].concat();
    let in_map = |rest: &[u8]| with(&[&map, rest].concat());
    assert_eq!(in_map(&[END, 5, 0, 0, 0, 0, 0, 0, 0]).1, "0 entries where 5 were written");
    assert_eq!(in_map(&[7]).0, START + 18);
    assert_eq!(in_map(&[STAYS, 0, 0, 0, 0, 1, 0, 0, 0]).1, "a key of 0 and a value of 1 bytes");
    let huge = [&[STAYS][..], &[0xFF; 3], &[0x7F], &[1, 0, 0, 0]].concat();
    assert!(in_map(&huge).1.starts_with("a key of 2147483647"));
    let long = [&[STAYS][..], &[1, 0, 0, 0], &[0xFF, 0xFF, 0xFF, 0x0F], b"kv"].concat();
    assert_eq!(in_map(&long).1, "the last block ends within what was written", "no length is trusted");
    assert_eq!(with(&[MAP, 1, 0, 0, 0, 0xFF]).1, "a name that is not UTF-8");
    let empty = [&map[..], &[END], &[0; 8]].concat();
    assert_eq!(with(&[&empty[..], &empty].concat()).1, "the second map of one name");
    assert_eq!(with(&[END, 0, 0, 0, 0, 0]).1, "more than the maps that were written");
    assert!(refusal(&framed(&[&[4], &b"poof"[..]].concat())).1.contains("unknown format"));
}

#[test]
fn maps_of_each_format_are_loaded_again() {
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Pof, Format::Json, Format::Java] {
        let path = folder.path().join(format.name());
        let session = LocalSession::new(format);
        put(&session, "one", b"a", format.null(), Expiry::Default);
        session.save(&path, b"").unwrap();
        let (loaded, _) =
            LocalSession::load(&path, LocalOptions { format, ..LocalOptions::default() }).unwrap();
        assert_eq!(contents(&loaded), contents(&session));
    }
}

#[test]
fn maps_of_another_format_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maps");
    LocalSession::new(Format::Json).save(&path, b"").unwrap();
    let refused = LocalSession::load(&path, LocalOptions::default());
    assert!(matches!(refused, Err(SnapshotError::Format { found: Format::Json, expected: Format::Pof, .. })));
}

#[test]
fn a_save_that_fails_leaves_the_file_that_was_there() {
    let clock = ManualClock::default();
    let session = session(&clock);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maps");
    session.save(&path, b"old").unwrap();
    // A folder where the temporary file should be.
    fs::create_dir(folder.path().join("maps.tmp")).unwrap();
    let failed = session.save(&path, b"new").unwrap_err();
    assert!(matches!(failed, SnapshotError::Io { action: "write", .. }), "{failed}");
    assert_eq!(LocalSession::load(&path, options(&clock)).unwrap().1, b"old");
    let missing = LocalSession::load(&folder.path().join("none"), options(&clock)).unwrap_err();
    assert!(missing.to_string().starts_with("cannot open "), "{missing}");
}

#[test]
fn what_a_crash_left_behind_is_overwritten() {
    let clock = ManualClock::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maps");
    fs::write(folder.path().join("maps.tmp"), vec![0; 100_000]).unwrap();
    session(&clock).save(&path, b"new").unwrap();
    assert_eq!(LocalSession::load(&path, options(&clock)).unwrap().1, b"new");
}
