use coherence_kafka_common::map::Expiry;
use coherence_kafka_common::pof::PofWriter;
use serde_json::json;

use super::feed::{CUSTOMERS, ORDERS};
use super::*;

/// A Coherence binary of what `write` writes.
fn binary(write: impl FnOnce(&mut PofWriter<'_>)) -> Vec<u8> {
    let mut binary = vec![FMT_EXT];
    write(&mut PofWriter::new(&mut binary));
    binary
}

fn text(text: &str) -> Vec<u8> {
    binary(|writer| writer.string(text))
}

fn order(total: f64) -> Vec<u8> {
    binary(|writer| {
        writer.map(2);
        writer.string("status");
        writer.string("paid");
        writer.string("total");
        writer.float64(total);
    })
}

fn model() -> feed::Model {
    let order = json!({"status": "paid", "total": 1.5});
    let orders = ["a", "b"].map(|key| (key.to_owned(), order.clone()));
    feed::Model::from([(ORDERS, BTreeMap::from(orders)), (CUSTOMERS, BTreeMap::new())])
}

/// The differences between the model and a map of orders with these entries.
fn differences(entries: &[(Vec<u8>, Vec<u8>)]) -> (usize, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let session = LocalSession::new(Format::Pof);
        let map = session.map(feed::map_of(ORDERS)).await.unwrap();
        for (key, value) in entries {
            map.put(key, value, Expiry::Default).await.unwrap();
        }
        compare(&session, &model()).await.unwrap()
    })
}

#[test]
fn equal_maps_have_no_difference() {
    assert_eq!(differences(&[(text("a"), order(1.5)), (text("b"), order(1.5))]), (2, 0));
}

#[test]
fn a_missing_entry_is_a_difference() {
    assert_eq!(differences(&[(text("a"), order(1.5))]), (1, 1));
}

#[test]
fn an_entry_too_many_is_a_difference() {
    let entries = [(text("a"), order(1.5)), (text("b"), order(1.5)), (text("c"), order(1.5))];
    assert_eq!(differences(&entries), (3, 1));
}

#[test]
fn a_wrong_value_is_a_difference_and_so_is_one_of_another_type() {
    for wrong in [order(1.6), text("paid"), binary(|writer| writer.map(0))] {
        assert_eq!(differences(&[(text("a"), order(1.5)), (text("b"), wrong)]), (2, 1));
    }
}

#[test]
fn a_key_of_another_type_is_an_entry_too_many_and_one_that_is_missing() {
    assert_eq!(
        differences(&[(text("a"), order(1.5)), (binary(|writer| writer.int64(1)), order(1.5))]),
        (2, 2)
    );
}

#[test]
fn any_difference_is_exit_code_1() {
    let code = |differences| Report { text: String::new(), differences }.exit_code();
    assert_eq!([0, 1, 256, 300].map(code), [0, 1, 1, 1]);
}
