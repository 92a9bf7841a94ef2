use std::collections::BTreeSet;

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::Expiry;

use super::*;

const MAP: &str = "m";

/// A map of so many entries `"k0"` → 0, `"k1"` → 1, …
async fn session(entries: usize) -> LocalSession {
    let session = LocalSession::new(Format::Json);
    let map = session.map(MAP).await.unwrap();
    for number in 0..entries {
        let (key, value) = (format!("\x15\"k{number}\""), format!("\x15{number}"));
        map.put(key.as_bytes(), value.as_bytes(), Expiry::Default).await.unwrap();
    }
    session
}

async fn page(session: &LocalSession, place: Place, limit: usize) -> (Vec<String>, Option<Place>) {
    let answer = read(session, MAP, Which::Page { place, limit }).await.unwrap();
    let text = |entry: &Value| entry["key"]["text"].as_str().unwrap().to_owned();
    let keys = answer["entries"].as_array().unwrap().iter().map(text).collect();
    (keys, answer["next"].as_str().map(|next| next.parse().unwrap()))
}

#[tokio::test]
async fn all_pages_together_have_every_entry_once_whatever_their_size() {
    let session = session(300).await;
    let expected: BTreeSet<_> = (0..300).map(|number| format!("\"k{number}\"")).collect();
    for limit in [1, 7, 100] {
        let (mut found, mut next) = (Vec::new(), Some(Place::default()));
        while let Some(place) = next {
            let (keys, behind) = page(&session, place, limit).await;
            assert!(keys.len() == limit || behind.is_none(), "only the last page has fewer entries");
            found.extend(keys);
            next = behind;
        }
        assert_eq!(found.len(), 300);
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

#[tokio::test]
async fn a_page_whose_time_is_over_has_what_was_found_and_continues() {
    let session = session(300).await;
    let map = session.map(MAP).await.unwrap();
    let (first, next) = keys(&*map, Place::default(), 300, Instant::now()).await.unwrap();
    assert!(first.len() < 300);
    let later = Instant::now() + Duration::from_secs(60);
    let (rest, end) = keys(&*map, next.unwrap(), 300, later).await.unwrap();
    assert_eq!((first.len() + rest.len(), end), (300, None));
}

#[tokio::test]
async fn a_place_behind_the_end_of_its_page_continues_with_the_next_one() {
    // So many that no page is empty, however the keys are spread.
    let session = session(3_000).await;
    let skip = 1_000;
    let (all, _) = page(&session, Place::default(), 100).await;
    let (found, _) = page(&session, Place { cookie: Bytes::new(), skip }, 100).await;
    assert!(!found.is_empty() && found[0] != all[0]);
    let beyond = Place { cookie: Bytes::from_static(b"\xFF"), skip: 0 };
    assert!(read(&session, MAP, Which::Page { place: beyond, limit: 1 }).await.is_err());
}

#[tokio::test]
async fn the_keys_that_are_present_are_found_with_their_values() {
    let session = session(3).await;
    let keys = [&b"\x15\"k1\""[..], b"\x15\"k9\"", b"\x15\"k2\""].map(<[u8]>::to_vec).to_vec();
    let answer = read(&session, MAP, Which::Keys(keys)).await.unwrap();
    let values: Vec<_> = answer["entries"].as_array().unwrap().iter().map(|e| &e["value"]["text"]).collect();
    assert_eq!(values, ["1", "2"]);
    assert_eq!(answer["entries"][0]["binary"], "15226b3122");
    assert_eq!((&answer["format"], &answer["next"]), (&json!("json"), &Value::Null));
}

#[tokio::test]
async fn a_huge_value_is_cut_and_less_so_where_it_was_looked_up() {
    let session = LocalSession::new(Format::Json);
    let map = session.map(MAP).await.unwrap();
    let value = format!("\x15\"{}\"", "é".repeat(1 << 20));
    map.put(b"\x15\"k\"", value.as_bytes(), Expiry::Default).await.unwrap();
    let on_a_page = Which::Page { place: Place::default(), limit: 1 };
    let looked_up = Which::Keys(vec![b"\x15\"k\"".to_vec()]);
    for (which, max) in [(on_a_page, VALUE_BYTES), (looked_up, LOOKED_UP_BYTES)] {
        let answer = read(&session, MAP, which).await.unwrap();
        let shown = &answer["entries"][0]["value"];
        assert_eq!((&shown["cut"], &shown["bytes"]), (&json!(true), &json!(value.len())));
        let len = shown["text"].as_str().unwrap().len();
        assert!((max - 3..=max).contains(&len), "{len} of {max}");
    }
}
