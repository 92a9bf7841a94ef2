use proptest::prelude::*;

use super::*;
use crate::proto::cache::{
    ExecuteRequest, KeysOrFilter, PutAllRequest, PutRequest, keys_or_filter::KeyOrFilter,
};
use crate::proto::common::{BinaryKeyAndValue, CollectionOfBytesValues};
use crate::split::{Purpose, split};

fn bytes_of(id: i64, request: Request) -> Vec<u8> {
    let frame = Frame { id, request, gate: None };
    let hint = frame.encoded_len_hint();
    let mut out = Vec::new();
    frame.encode(&mut out);
    assert!(hint == 0 || hint >= out.len(), "the reserved buffer must not grow");
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn whole(entries: &[(Vec<u8>, Vec<u8>)], purpose: Purpose) -> Batch {
    let mut batches = split(&Arc::new(Entries::from_pairs(entries.iter().cloned())), purpose, 0).unwrap();
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

fn through_prost(id: i64, kind: Kind, cache_id: i32, type_url: &'static str, body: &impl Message) -> Vec<u8> {
    let inner = NamedCacheRequest {
        r#type: kind.into(),
        cache_id: Some(cache_id),
        message: Some(pack(type_url, body)),
    };
    let request = Some(proxy_request::Request::Message(pack(CACHE_REQUEST, &inner)));
    ProxyRequest { id, request, ..ProxyRequest::default() }.encode_to_vec()
}

#[test]
fn requests_equal_the_bytes_of_the_reference_encoder() {
    // Written by a standard protobuf encoder from the published messages.
    let url = "0a38747970652e676f6f676c65617069732e636f6d2f636f686572656e63652e63616368652e76312e4e616d6564436163686552657175657374";
    assert_eq!(
        hex(&bytes_of(1, Request::init("", Format::Json, &ClientIdentity::default()))),
        "08011a181a046a736f6e220c43616368655365727669636528013001"
    );
    assert_eq!(hex(&bytes_of(3, Request::of_map(Kind::Size, 7))), format!("08032240{url}1204081b1007"));
    assert_eq!(
        hex(&bytes_of(2, Request::ensure_cache("t"))),
        format!(
            "0802228001{url}124408011a400a39747970652e676f6f676c65617069732e636f6d2f636f686572656e63652e63616368652e76312e456e7375726543616368655265717565737412030a0174"
        )
    );
    assert_eq!(
        hex(&bytes_of(4, Request::of_key(Kind::Get, 7, b"\x15\"k\""))),
        format!(
            "0804227a{url}123e080a10071a380a2e747970652e676f6f676c65617069732e636f6d2f676f6f676c652e70726f746f6275662e427974657356616c756512060a0415226b22"
        )
    );
    let batch = whole(&[(b"\x15\"k\"".to_vec(), b"\x151".to_vec())], Purpose::Puts);
    assert_eq!(
        hex(&bytes_of(5, Request::PutAll { cache_id: 7, batch })),
        format!(
            "0805228601{url}124a081210071a440a34747970652e676f6f676c65617069732e636f6d2f636f686572656e63652e63616368652e76312e507574416c6c52657175657374120c0a0a0a0415226b2212021531"
        )
    );
}

#[test]
fn heartbeats_and_registrations_equal_the_bytes_of_the_reference_encoder() {
    assert_eq!(hex(&bytes_of(7, Request::heartbeat())), "08072a021001");
    let url = "0a38747970652e676f6f676c65617069732e636f6d2f636f686572656e63652e63616368652e76312e4e616d6564436163686552657175657374";
    assert_eq!(
        hex(&bytes_of(6, Request::map_listener(7, true, &Target::Map, 1, false))),
        format!(
            "0806228301{url}1247080e10071a410a39747970652e676f6f676c65617069732e636f6d2f636f686572656e63652e63616368652e76312e4d61704c697374656e657252657175657374120408011801"
        )
    );
}

#[test]
fn a_put_all_never_carries_a_ttl() {
    // With a ttl other than 0 the grid stores null for every entry and still answers with success.
    let batch = whole(&[(vec![1], vec![2])], Purpose::Puts);
    let bytes = bytes_of(9, Request::PutAll { cache_id: 1, batch });
    let Some(proxy_request::Request::Message(outer)) =
        ProxyRequest::decode(bytes.as_slice()).unwrap().request
    else {
        panic!("not a message");
    };
    let inner = NamedCacheRequest::decode(outer.value).unwrap().message.unwrap();
    assert_eq!(PutAllRequest::decode(inner.value).unwrap().ttl, None);
}

fn pairs() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let some_bytes = || {
        prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 1..40),
            2 => prop::collection::vec(any::<u8>(), 100..140),
            1 => (16_300usize..16_500).prop_map(|len| vec![7; len]),
        ]
    };
    // Keys without decoration, each once.
    let unique = |pairs: Vec<(Vec<u8>, Vec<u8>)>| {
        let pairs = pairs.into_iter().zip(0_u8..);
        pairs.map(|((key, value), index)| ([&[0x15, index], &key[..]].concat(), value)).collect()
    };
    prop::collection::vec((some_bytes(), some_bytes()), 1..40).prop_map(unique)
}

fn ids() -> impl Strategy<Value = (i64, i32)> {
    (prop_oneof![1i64..300, Just(i64::MAX)], prop_oneof![0i32..300, any::<i32>()])
}

#[test]
fn the_agent_of_put_newer_has_the_bytes_that_java_writes() {
    let agent = |names: &[&str], version, value: &[u8]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let bytes = [&put_newer_head(&names, version)[..], value, PUT_NEWER_END].concat();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!(
        agent(&["version"], 1_234_567_890_123, b"\x4e\x01x"),
        "159c01000092010000860100003200005702800300004e0776657273696f6e40800300004e0b6c6f6e6756616c7565282940\
         4001428b93d89fee474040014e017840"
    );
    assert_eq!(
        agent(&["meta", "version"], -5, b"\x5b\x01\x4e\x01a\x42\x01"),
        "159c01000092010000860100003200005703800300004e046d65746140800300004e0776657273696f6e40800300004e0b6c\
         6f6e6756616c7565282940400142444040015b014e0161420140"
    );
}

proptest! {
    #[test]
    fn a_put_all_equals_what_the_generated_types_write((id, cache_id) in ids(), pairs in pairs()) {
        let batch = whole(&pairs, Purpose::Puts);
        let entries = pairs
            .iter()
            .map(|(key, value)| BinaryKeyAndValue { key: key.clone().into(), value: value.clone().into() })
            .collect();
        let expected =
            through_prost(id, Kind::PutAll, cache_id, PUT_ALL, &PutAllRequest { entries, ttl: None });
        prop_assert_eq!(bytes_of(id, Request::PutAll { cache_id, batch }), expected);
    }

    #[test]
    fn a_write_of_one_entry_equals_what_the_generated_types_write(
        (id, cache_id) in ids(),
        pairs in pairs(),
        at: prop::sample::Index,
        ttl in prop_oneof![Just(None), any::<i64>().prop_map(Some), (0i64..300).prop_map(Some)],
    ) {
        let index = at.index(pairs.len());
        let batch = Batch::one(&Arc::new(Entries::from_pairs(pairs.iter().cloned())), index);
        let (key, value) = (Bytes::from(pairs[index].0.clone()), Bytes::from(pairs[index].1.clone()));
        for kind in [Kind::Put, Kind::PutIfAbsent] {
            let request = Request::Entry { kind, cache_id, batch: batch.clone(), ttl };
            let body = PutRequest { key: key.clone(), value: value.clone(), ttl };
            prop_assert_eq!(bytes_of(id, request), through_prost(id, kind, cache_id, PUT, &body));
        }
        let request = Request::Entry { kind: Kind::Replace, cache_id, batch, ttl: None };
        let expected = through_prost(id, Kind::Replace, cache_id, ENTRY, &BinaryKeyAndValue { key, value });
        prop_assert_eq!(bytes_of(id, request), expected);
    }

    #[test]
    fn a_get_all_equals_what_the_generated_types_write((id, cache_id) in ids(), pairs in pairs()) {
        let batch = whole(&pairs, Purpose::Keys);
        let values = pairs.iter().map(|(key, _)| key.clone().into()).collect();
        let expected = through_prost(id, Kind::GetAll, cache_id, KEYS, &CollectionOfBytesValues { values });
        prop_assert_eq!(bytes_of(id, Request::GetAll { cache_id, batch }), expected);
    }

    #[test]
    fn a_remove_all_equals_what_the_generated_types_write(
        (id, cache_id) in ids(),
        pairs in pairs(),
        format in prop_oneof![Just(Format::Pof), Just(Format::Json), Just(Format::Java)],
    ) {
        let batch = whole(&pairs, Purpose::Keys);
        let values = pairs.iter().map(|(key, _)| key.clone().into()).collect();
        let keys = KeysOrFilter { key_or_filter: Some(KeyOrFilter::Keys(CollectionOfBytesValues { values })) };
        let agent = remove_agent(format);
        let execute = ExecuteRequest { agent: agent.clone(), keys: Some(keys) };
        let expected = through_prost(id, Kind::Invoke, cache_id, EXECUTE, &execute);
        prop_assert_eq!(bytes_of(id, Request::Execute { kind: Kind::Invoke, cache_id, agent, batch }), expected);
    }
}

#[test]
fn the_requests_that_may_change_entries_are_told_from_the_others() {
    let batch = || whole(&[(b"\x15k".to_vec(), b"\x15v".to_vec())], Purpose::Puts);
    let (agent, key) = (Bytes::from_static(b"\x15a"), b"\x15k".as_slice());
    for request in [
        Request::Entry { kind: Kind::Put, cache_id: 1, batch: batch(), ttl: None },
        Request::PutAll { cache_id: 1, batch: batch() },
        Request::Execute { kind: Kind::Invoke, cache_id: 1, agent: agent.clone(), batch: batch() },
        Request::of_key(Kind::Remove, 1, key),
        Request::of_map(Kind::Clear, 1),
        Request::of_map(Kind::Truncate, 1),
        Request::of_map(Kind::Destroy, 1),
        Request::invoke(1, agent.clone(), key),
        Request::execute_where(Kind::Invoke, 1, agent.clone(), agent.clone()),
        Request::execute_on_all(Kind::Invoke, 1, agent.clone()),
    ] {
        assert!(request.changed().is_some(), "{request:?}");
    }
    for request in [
        Request::init("", Format::Pof, &ClientIdentity::default()),
        Request::ensure_cache("m"),
        Request::heartbeat(),
        Request::GetAll { cache_id: 1, batch: batch() },
        Request::Execute { kind: Kind::Aggregate, cache_id: 1, agent: agent.clone(), batch: batch() },
        Request::of_key(Kind::Get, 1, key),
        Request::of_key(Kind::ContainsKey, 1, key),
        Request::of_map(Kind::Size, 1),
        Request::page(Kind::PageOfEntries, 1, &Bytes::new()),
        Request::query(Kind::QueryEntries, 1, agent.clone()),
        Request::execute_on_all(Kind::Aggregate, 1, agent.clone()),
        Request::index(1, agent, Some(true)),
        Request::map_listener(1, true, &Target::Map, 1, false),
    ] {
        assert!(request.changed().is_none(), "{request:?}");
    }
}
