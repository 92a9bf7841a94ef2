use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

fn apply(plan: &mut Plan, offset: i64, key: &[u8], value: Option<&[u8]>) {
    let source = Source { partition: 0, offset };
    plan.apply(
        source,
        |out| {
            out.extend_from_slice(key);
            Ok::<_, Infallible>(())
        },
        |out| {
            out.extend_from_slice(value.unwrap_or(b"ignored"));
            Ok(value.is_some())
        },
    )
    .unwrap();
}

fn run(operations: &[(Vec<u8>, Option<Vec<u8>>)]) -> MapWrites {
    let mut plan = Plan::default();
    for (offset, (key, value)) in operations.iter().enumerate() {
        apply(&mut plan, offset as i64, key, value.as_deref());
    }
    plan.finish().unwrap()
}

#[test]
fn a_put_then_delete_of_a_key_only_removes() {
    let writes = run(&[(b"k".to_vec(), Some(b"v".to_vec())), (b"k".to_vec(), None)]);
    assert!(writes.puts.is_empty());
    assert_eq!(writes.removes.get(0).unwrap().0, b"k");
    assert_eq!(writes.remove_sources[0].offset, 1);
}

#[test]
fn a_delete_then_put_of_a_key_only_puts() {
    let writes = run(&[(b"k".to_vec(), None), (b"k".to_vec(), Some(b"v".to_vec()))]);
    assert!(writes.removes.is_empty());
    assert_eq!(writes.puts.get(0), Some((&b"k"[..], &b"v"[..])));
}

#[test]
fn a_record_that_cannot_be_written_leaves_no_trace() {
    let mut plan = Plan::default();
    apply(&mut plan, 0, b"k", Some(b"old"));
    let before = plan.bytes();
    let failed = plan.apply(
        Source { partition: 0, offset: 1 },
        |out| {
            out.extend_from_slice(b"k");
            Ok(())
        },
        |out| {
            out.extend_from_slice(b"half");
            Err("bad")
        },
    );
    assert_eq!(failed, Err("bad"));
    assert_eq!(plan.bytes(), before);
    assert_eq!(plan.finish().unwrap().puts.get(0), Some((&b"k"[..], &b"old"[..])));
}

proptest! {
    #[test]
    fn the_last_operation_on_each_key_wins_and_no_key_occurs_twice(
        operations in prop::collection::vec(
            (prop::collection::vec(0u8..4, 0..3), prop::option::of(prop::collection::vec(any::<u8>(), 0..5))),
            0..200,
        )
    ) {
        let mut model = BTreeMap::new();
        for (offset, (key, value)) in operations.iter().enumerate() {
            model.insert(key.clone(), (value.clone(), offset as i64));
        }
        let writes = run(&operations);
        let mut result = BTreeMap::new();
        for ((key, value), source) in writes.puts.iter().zip(writes.put_sources.iter()) {
            let old = result.insert(key.to_vec(), (Some(value.to_vec()), source.offset));
            prop_assert!(old.is_none());
        }
        for ((key, _), source) in writes.removes.iter().zip(writes.remove_sources.iter()) {
            prop_assert!(result.insert(key.to_vec(), (None, source.offset)).is_none());
        }
        prop_assert_eq!(result, model);
    }
}
