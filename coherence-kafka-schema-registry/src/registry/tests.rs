use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use coherence_kafka_connect::converter::{
    Converter, ConverterClass, OptionError, Options, Role, create_from,
};
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};
use coherence_kafka_connect::record::{RawHeader, RawHeaders};

use super::cache::SchemaCache;
use super::fake::{FakeRegistry, Reply, Seen};
use super::*;

/// A converter that does nothing but read its settings.
#[derive(Debug)]
struct Reads;

static SETTINGS: parking_lot::Mutex<Option<Settings>> = parking_lot::Mutex::new(None);
static READING: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

impl Converter for Reads {
    fn to_connect<'a>(
        &'a self,
        _: &str,
        _: &dyn RawHeaders,
        _: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        Err(ConnectError::data("not used"))
    }

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        _: Option<&Arc<Schema>>,
        _: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        Err(ConnectError::data("not used"))
    }

    fn class_name(&self) -> &'static str {
        "t.ReadsConverter"
    }
}

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, Vec<OptionError>> {
    fn create(_: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
        *SETTINGS.lock() = Settings::read(options);
        Some(Arc::new(Reads))
    }
    let _one = READING.lock();
    let options: BTreeMap<_, _> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let classes = [ConverterClass { class: "t.ReadsConverter", create }];
    create_from(&[&classes], "Reads", Role::Value, &options)?;
    Ok(SETTINGS.lock().take().unwrap())
}

fn refused(pairs: &[(&str, &str)]) -> String {
    let errors = settings(pairs).unwrap_err();
    errors.iter().map(|error| format!("{}: {error}\n", error.key)).collect()
}

pub(super) fn registry(url: &str, more: &[(&str, &str)]) -> SchemaRegistry {
    SchemaRegistry::new(&settings(&[&[("schema.registry.url", url)], more].concat()).unwrap()).unwrap()
}

/// An address where nothing listens.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

const SCHEMA: &str = r#"{"schema":"\"string\""}"#;

#[test]
fn a_schema_is_asked_for_by_id_with_its_subject_and_by_guid() {
    let guid = SchemaId::Guid([0x11; 16]);
    let fake = FakeRegistry::with(&[
        ("/schemas/ids/7?subject=a%2Fb-value", SCHEMA),
        ("/schemas/guids/11111111-1111-1111-1111-111111111111", r#"{"schema":"x","schemaType":"JSON"}"#),
    ]);
    let registry = registry(&fake.url, &[]);
    let avro = registry.schema(SchemaId::Number(7), Some("a/b-value")).unwrap();
    assert_eq!((avro.schema_type, &*avro.text), (SchemaType::Avro, "\"string\""));
    assert_eq!(registry.schema(guid, None).unwrap().schema_type, SchemaType::Json);
}

#[test]
fn references_come_with_the_schema_each_once_and_before_the_schemas_that_refer_to_them() {
    let reference = |name: &str| format!(r#"{{"name":"{name}","subject":"s {name}","version":2}}"#);
    let schema = |text: &str, references: &[&str]| {
        let references: Vec<_> = references.iter().map(|name| reference(name)).collect();
        format!(r#"{{"schema":"{text}","references":[{}]}}"#, references.join(","))
    };
    let (top, a, b) = (schema("top", &["a", "b"]), schema("A", &["b"]), schema("B", &["a"]));
    let fake = FakeRegistry::with(&[
        ("/schemas/ids/1", &*top),
        ("/subjects/s%20a/versions/2?deleted=true", &*a),
        ("/subjects/s%20b/versions/2?deleted=true", &*b),
    ]);
    let schema = registry(&fake.url, &[]).schema(SchemaId::Number(1), None).unwrap();
    let owned = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(schema.references, [owned("b", "B"), owned("a", "A")]);
    assert_eq!(fake.seen().len(), 3);
}

#[test]
fn references_without_end_are_refused() {
    // Every answer refers to a name that was not met yet.
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let endless = FakeRegistry::start(move |_| {
        let next = counted.fetch_add(1, Ordering::Relaxed);
        Reply::Answer(
            200,
            format!(
                r#"{{"schema":"x","references":[{{"name":"n{next}","subject":"s{next}","version":1}}]}}"#
            ),
        )
    });
    let error = registry(&endless.url, &[]).schema(SchemaId::Number(1), None).unwrap_err();
    assert!(!error.is_retriable(), "{error}");
    assert!(error.to_string().contains("more than 500 others"), "{error}");
    assert!(count.load(Ordering::Relaxed) < 510);
}

#[test]
fn an_id_that_the_registry_does_not_know_is_no_outage() {
    let fake = FakeRegistry::with(&[]);
    let error = registry(&fake.url, &[]).schema(SchemaId::Number(9), None).unwrap_err();
    assert!(!error.is_retriable());
    assert_eq!(error.to_string(), "schema registry knows no schema 9: error code 40403: Schema not found");
    let connect = error.under("Failed to deserialize data for topic t to Avro: ".to_owned());
    assert!(!connect.is_retriable());
}

#[test]
fn a_registry_that_cannot_serve_is_an_outage_and_the_text_shows_which_and_why() {
    for (status, expected) in [
        (500, "500 Internal Server Error"),
        (503, "503 Service Unavailable"),
        (429, "429 Too Many Requests"),
        (401, "401 Unauthorized: the credentials are missing or wrong"),
        (403, "403 Forbidden"),
        (404, "check the path in schema.registry.url"),
        (200, "the answer is not that of a schema registry"),
    ] {
        let fake = FakeRegistry::start(move |_| Reply::Answer(status, "<html>no</html>".to_owned()));
        let error = registry(&fake.url, &[]).schema(SchemaId::Number(1), None).unwrap_err();
        assert!(error.is_retriable(), "{status}: {error}");
        assert!(error.to_string().contains(expected), "{status}: {error}");
        assert!(error.under("x".to_owned()).is_retriable());
    }
    let error = registry(&closed(), &[]).schema(SchemaId::Number(1), None).unwrap_err();
    assert!(error.is_retriable() && error.to_string().contains("http://127.0.0.1:"), "{error}");
    let fake = FakeRegistry::start(|_| Reply::Close);
    assert!(registry(&fake.url, &[]).schema(SchemaId::Number(1), None).unwrap_err().is_retriable());
}

#[test]
fn a_registry_that_hangs_is_an_outage_after_the_timeout() {
    let fake = FakeRegistry::start(|_| Reply::Hang);
    let registry = registry(&fake.url, &[("http.connect.timeout.ms", "50"), ("http.read.timeout.ms", "50")]);
    let error = registry.schema(SchemaId::Number(1), None).unwrap_err();
    assert!(error.is_retriable());
    assert!(error.to_string().contains("no answer in time"), "{error}");
}

#[test]
fn an_incompatible_schema_is_refused_and_no_outage() {
    let fake = FakeRegistry::start(|_| {
        Reply::Answer(409, r#"{"error_code":409,"message":"incompatible with an earlier schema"}"#.to_owned())
    });
    let error = registry(&fake.url, &[]).register("t-value", SchemaType::Avro, "\"int\"", false).unwrap_err();
    assert!(!error.is_retriable());
    assert!(error.to_string().contains("409 Conflict: incompatible with"), "{error}");
}

#[test]
fn the_next_url_is_asked_when_one_fails_and_stays_in_use() {
    let good = FakeRegistry::with(&[("/schemas/ids/1", SCHEMA)]);
    let bad = FakeRegistry::start(|_| Reply::Answer(502, String::new()));
    let urls = format!("{}, {},{}/", closed(), bad.url, good.url);
    let registry = registry(&urls, &[]);
    for _ in 0..3 {
        registry.schema(SchemaId::Number(1), None).unwrap();
    }
    assert_eq!((bad.seen().len(), good.seen().len()), (1, 3));
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let fake = FakeRegistry::with(&[("/schemas/ids/1", SCHEMA)]);
    let with_user = fake.url.replace("http://", "http://us%40r:se%3Acret@");
    let jaas = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="us@r" password="se:cret";"#;
    let basic = "Basic dXNAcjpzZTpjcmV0";
    for (url, more, expected) in [
        (&with_user, &[][..], Some(basic)),
        (
            &fake.url,
            &[("basic.auth.credentials.source", "USER_INFO"), ("basic.auth.user.info", "us@r:se:cret")],
            Some(basic),
        ),
        (
            &fake.url,
            &[
                ("schema.registry.basic.auth.credentials.source", "user_info"),
                ("schema.registry.basic.auth.user.info", "us@r:se:cret"),
            ],
            Some(basic),
        ),
        (
            &fake.url,
            &[("basic.auth.credentials.source", "SASL_INHERIT"), ("sasl.jaas.config", jaas)],
            Some(basic),
        ),
        (
            &fake.url,
            &[("bearer.auth.credentials.source", "STATIC_TOKEN"), ("bearer.auth.token", "se:cret")],
            Some("Bearer se:cret"),
        ),
        (&fake.url, &[("basic.auth.user.info", "us@r:se:cret")], None),
    ] {
        let settings = settings(&[&[("schema.registry.url", &**url)], more].concat()).unwrap();
        let registry = SchemaRegistry::new(&settings).unwrap();
        registry.schema(SchemaId::Number(1), None).unwrap();
        assert_eq!(fake.seen().last().unwrap().authorization.as_deref(), expected);
        let shown = format!("{settings:?} {registry:?}");
        assert!(!shown.contains("cret") && !shown.contains("dXNA"), "{shown}");
    }
}

#[test]
fn bad_settings_are_refused_by_name_without_secrets() {
    let url = ("schema.registry.url", "http://h");
    for (pairs, expected) in [
        (
            vec![],
            "schema.registry.url: Missing required configuration \"schema.registry.url\" which has no default value.",
        ),
        (vec![("schema.registry.url", "ftp://u:hush@h")], "each URL begins with http:// or https://"),
        (vec![("schema.registry.url", "http://u:hush@h h")], "schema.registry.url: a URL cannot be read"),
        (vec![url, ("basic.auth.credentials.source", "USER_INFO")], "basic.auth.user.info must be set"),
        (
            vec![url, ("basic.auth.credentials.source", "FILE")],
            "must be one of (case insensitive): URL, USER_INFO",
        ),
        (vec![url, ("bearer.auth.credentials.source", "OAUTHBEARER")], "STATIC_TOKEN is the source"),
        (vec![url, ("bearer.auth.token", "hush\u{7f}")], "only printable ASCII"),
        (vec![url, ("http.read.timeout.ms", "0")], "Value must be at least 1"),
        (vec![url, ("max.schemas.per.subject", "many")], "Not a number of type INT"),
        (
            vec![
                url,
                ("basic.auth.credentials.source", "SASL_INHERIT"),
                ("sasl.jaas.config", "x required password=hush;"),
            ],
            "sasl.jaas.config needs username and password",
        ),
    ] {
        let refused = refused(&pairs);
        assert!(refused.contains(expected), "{refused}");
        assert!(!refused.contains("hush"), "{refused}");
    }
}

#[test]
fn one_request_serves_all_that_wait_for_a_schema() {
    const CALLERS: usize = 8;
    let cache = SchemaCache::new(10);
    let (begun, loads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                begun.fetch_add(1, Ordering::SeqCst);
                let value = cache.get(SchemaId::Number(1), Some("t-value"), || {
                    loads.fetch_add(1, Ordering::SeqCst);
                    while begun.load(Ordering::SeqCst) < CALLERS {
                        thread::yield_now();
                    }
                    Ok(5)
                });
                assert_eq!(*value.unwrap(), 5);
            });
        }
    });
    assert_eq!(loads.into_inner(), 1);
}

#[test]
fn an_outage_is_not_kept_and_an_unknown_schema_only_for_a_moment() {
    let cache: SchemaCache<u8> = SchemaCache::new(10);
    let id = SchemaId::Number(1);
    let outage = RegistryError::Unavailable("x".to_owned());
    assert_eq!(cache.get(id, None, || Err(outage.clone())).unwrap_err(), outage);
    let unknown = RegistryError::Unknown("y".to_owned());
    assert_eq!(cache.get(id, None, || Err(unknown.clone())).unwrap_err(), unknown);
    assert_eq!(cache.get(id, None, || Ok(1)).unwrap_err(), unknown);
    assert_eq!(*cache.get(id, Some("another"), || Ok(2)).unwrap(), 2);
}

#[test]
fn the_oldest_schema_makes_room_for_a_new_one() {
    let cache = SchemaCache::new(2);
    let get = |id| *cache.get(SchemaId::Number(id), None, || Ok(id)).unwrap();
    let kept = |id| {
        cache.get(SchemaId::Number(id), None, || Err(RegistryError::Unavailable("x".to_owned()))).is_ok()
    };
    assert_eq!((get(1), get(2), get(3)), (1, 2, 3));
    assert!(kept(2) && kept(3));
    assert!(!kept(1));
}

#[test]
fn a_store_that_cannot_be_used_is_named_with_its_setting() {
    let url = ("schema.registry.url", "https://h");
    for (setting, expected) in [
        (
            ("schema.registry.ssl.truststore.location", "/nowhere/t.p12"),
            "schema.registry.ssl.truststore: /nowhere/t.p12",
        ),
        (("schema.registry.ssl.truststore.certificates", "none"), "truststore: contains no certificate"),
        (
            ("schema.registry.ssl.keystore.location", "/nowhere/k.p12"),
            "schema.registry.ssl.keystore: /nowhere/k.p12",
        ),
    ] {
        let error = SchemaRegistry::new(&settings(&[url, setting]).unwrap()).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_schema_is_registered_and_looked_up_under_its_subject() {
    let fake = FakeRegistry::start(|_| Reply::Answer(200, r#"{"id":42}"#.to_owned()));
    let registry = registry(&fake.url, &[]);
    assert_eq!(registry.register("t-value", SchemaType::Json, "{}", true), Ok(42));
    assert_eq!(registry.lookup("t-key", SchemaType::Avro, "\"int\"", false), Ok(42));
    let Seen { line, body, .. } = fake.seen()[0].clone();
    assert_eq!(line, "POST /subjects/t-value/versions?normalize=true");
    assert_eq!(body, r#"{"schema":"{}","schemaType":"JSON"}"#);
    assert_eq!(fake.lines()[1], "POST /subjects/t-key?normalize=false&deleted=false");
}
