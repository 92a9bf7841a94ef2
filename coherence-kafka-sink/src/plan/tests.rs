use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

fn apply(plan: &mut BatchPlan, offset: i64, key: &[u8], value: Option<&[u8]>) {
    let source = RecordId { partition: 0, offset };
    plan.apply(
        source,
        |out| {
            out.extend_from_slice(key);
            Ok::<_, Infallible>(())
        },
        |out| {
            out.extend_from_slice(value.unwrap_or(b"ignored"));
            Ok(value.map_or(WriteKind::Remove, |_| WriteKind::Put(Expiry::Default)))
        },
    )
    .unwrap();
}

fn run(operations: &[(Vec<u8>, Option<Vec<u8>>)]) -> Vec<MapWrite> {
    let mut plan = BatchPlan::default();
    for (offset, (key, value)) in operations.iter().enumerate() {
        apply(&mut plan, offset as i64, key, value.as_deref());
    }
    plan.finish().unwrap()
}

/// The only write of a plan.
fn only(writes: &[MapWrite]) -> &MapWrite {
    assert_eq!(writes.len(), 1);
    &writes[0]
}

#[test]
fn a_put_then_delete_of_a_key_only_removes() {
    let writes = run(&[(b"k".to_vec(), Some(b"v".to_vec())), (b"k".to_vec(), None)]);
    assert_eq!(only(&writes).kind, WriteKind::Remove);
    assert_eq!(only(&writes).entries.get(0), Some((&b"k"[..], &b""[..])));
    assert_eq!(only(&writes).sources[0].offset, 1);
}

#[test]
fn a_delete_then_put_of_a_key_only_puts() {
    let writes = run(&[(b"k".to_vec(), None), (b"k".to_vec(), Some(b"v".to_vec()))]);
    assert_eq!(only(&writes).kind, WriteKind::Put(Expiry::Default));
    assert_eq!(only(&writes).entries.get(0), Some((&b"k"[..], &b"v"[..])));
}

#[test]
fn of_several_versions_of_a_key_the_greatest_remains_and_of_equal_ones_the_last() {
    let mut plan = BatchPlan::default();
    for (offset, (version, value)) in
        [(5, b"a"), (7, b"b"), (6, b"c"), (7, b"d"), (1, b"e")].iter().enumerate()
    {
        plan.apply(
            RecordId { partition: 0, offset: offset as i64 },
            |out| {
                out.extend_from_slice(b"k");
                Ok::<_, Infallible>(())
            },
            |out| {
                out.extend_from_slice(*value);
                Ok(WriteKind::PutNewer(*version))
            },
        )
        .unwrap();
    }
    let writes = plan.finish().unwrap();
    assert_eq!(only(&writes).kind, WriteKind::PutNewer(7));
    assert_eq!(only(&writes).entries.get(0), Some((&b"k"[..], &b"d"[..])));
    assert_eq!(only(&writes).sources[0].offset, 3);
}

#[test]
fn a_record_that_cannot_be_written_leaves_no_trace() {
    let mut plan = BatchPlan::default();
    apply(&mut plan, 0, b"k", Some(b"old"));
    let before = plan.bytes();
    let failed = plan.apply(
        RecordId { partition: 0, offset: 1 },
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
    assert_eq!(only(&plan.finish().unwrap()).entries.get(0), Some((&b"k"[..], &b"old"[..])));
}

proptest! {
    #[test]
    fn the_last_operation_on_each_key_wins_and_no_key_occurs_twice(
        operations in prop::collection::vec(
            (
                prop::collection::vec(0u8..4, 0..3),
                prop::option::of((prop::collection::vec(any::<u8>(), 0..5), 0u64..3)),
            ),
            0..200,
        )
    ) {
        let expiry = |millis: u64| match millis {
            0 => Expiry::Default,
            millis => Expiry::After(std::time::Duration::from_millis(millis)),
        };
        let mut plan = BatchPlan::default();
        let mut model = BTreeMap::new();
        for (offset, (key, value)) in operations.iter().enumerate() {
            let source = RecordId { partition: 0, offset: offset as i64 };
            let kind = value.as_ref().map_or(WriteKind::Remove, |(_, millis)| WriteKind::Put(expiry(*millis)));
            let bytes = value.as_ref().map(|(bytes, _)| bytes.clone()).unwrap_or_default();
            plan.apply(
                source,
                |out| {
                    out.extend_from_slice(key);
                    Ok::<_, Infallible>(())
                },
                |out| {
                    out.extend_from_slice(&bytes);
                    Ok(kind)
                },
            )
            .unwrap();
            model.insert(key.clone(), (kind, bytes, offset as i64));
        }
        let mut result = BTreeMap::new();
        let writes = plan.finish().unwrap();
        for write in &writes {
            prop_assert_eq!(write.entries.len(), write.sources.len());
            for ((key, value), source) in write.entries.iter().zip(write.sources.iter()) {
                prop_assert!(result.insert(key.to_vec(), (write.kind, value.to_vec(), source.offset)).is_none());
            }
        }
        let kinds: std::collections::HashSet<_> = writes.iter().map(|write| write.kind).collect();
        prop_assert_eq!(kinds.len(), writes.len());
        prop_assert_eq!(result, model);
    }
}
