//! Records become objects of the grid's Java classes, by the mapping file of `docs/typed-entries.md`, and objects become
//! structs.

use std::fs;

use coherence_kafka_connect::converter::{self, Role};
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::mapping::Mapping;
use integration_tests::grid::Literal;
use integration_tests::sandbox::Folder;
use integration_tests::{require_peers, shared, sink};

use crate::docs::root;
use crate::flow::{Flow, SOON};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const EXAMPLE: &str = "config/examples/shop.toml";
const FIELDS: &str = r#"{"customer":{"name":"Ann","city":"Prague"},"status":"PAID","lines":[{"article":"nut","count":3,
    "price":0.5},{"article":"bolt"}],"due":"2026-12-24","rating":5,"express":true,"points":{"home":3},"total":"1.50",
    "codes":[1,2],"unknown":{}}"#;
const PURCHASE: &str = "Purchase{Ann, PAID, [Line{nut, 3, 0.5}, Line{bolt, 0, 0.0}], 2026-12-24, 5, true, {home=3}, 1.50, \
                        [1, 2]}";

/// The mapping of the document, with the types of its map for the map of this name.
pub(crate) fn mapping(map: &str) -> String {
    let text = fs::read_to_string(root().join(EXAMPLE)).unwrap();
    assert!(text.contains("[maps.Purchases]"));
    text.replace("[maps.Purchases]", &format!("[maps.\"{map}\"]"))
}

/// What JSON without a schema becomes.
fn json(text: &str) -> Value<'static> {
    let options = [("schemas.enable".to_owned(), "false".to_owned())].into();
    let json = converter::create(JSON, Role::Value, &options).unwrap();
    json.to_connect("topic", &(), Some(text.as_bytes())).unwrap().value.into_owned()
}

#[test]
fn java_finds_reads_and_queries_the_objects_that_records_become() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "purchases", 2);
    let folder = Folder::new("typed").unwrap();
    let file = folder.path().join("shop.toml");
    fs::write(&file, mapping(&flow.name)).unwrap();
    let file = file.display().to_string();
    grid.tool().index(&flow.name, "getCustomer").unwrap();
    let sink = flow.start(
        &[],
        &[
            ("coherence.mapping.file", &file),
            ("key.converter", JSON),
            ("key.converter.schemas.enable", "false"),
            ("value.converter", JSON),
            ("value.converter.schemas.enable", "false"),
        ],
    );
    let key = |number: u32| format!(r#"{{"number":{number},"customer":7}}"#);
    let records = (0..20).map(|number| {
        let fields = FIELDS.replace("Ann", if number < 15 { "Ann" } else { "Bob" });
        (Some(key(number)), Some(fields))
    });
    kafka.produce(&flow.name, records).unwrap();
    kafka.produce(&flow.name, [(Some(key(20)), Some("{}".to_owned()))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    let tool = grid.tool();
    assert_eq!(tool.size(&flow.name).unwrap(), 21);
    let id = |number: u32| Literal::new("purchase-id", format!("7|{number}"));
    let found = tool.get(&flow.name, id(3)).unwrap().unwrap();
    assert_eq!((found.class.as_str(), found.text.as_str()), ("com.acme.Shop$Purchase", PURCHASE));
    let empty = tool.get(&flow.name, id(20)).unwrap().unwrap();
    assert_eq!(empty.text, "Purchase{null, null, [], null, null, false, {}, null, null}");
    // By the index, without one, and by the property of POF.
    assert_eq!(tool.query(&flow.name, "getCustomer", "Bob").unwrap(), 5);
    assert_eq!(tool.query(&flow.name, "getStatus", Literal::new("purchase-status", "PAID")).unwrap(), 20);
    assert_eq!(tool.query(&flow.name, "#0", "Ann").unwrap(), 15);
    // A put of Java replaces the entry of a record, and a tombstone removes an entry of Java.
    tool.put(&flow.name, id(3), Literal::new("purchase", "1")).unwrap();
    assert_eq!(tool.size(&flow.name).unwrap(), 21);
    kafka.produce(&flow.name, [(Some(key(3)), None::<String>)]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(tool.get(&flow.name, id(3)).unwrap(), None);
}

#[test]
fn records_with_a_schema_become_the_same_objects_and_bad_ones_are_reported_with_their_field() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "purchases-struct", 1);
    let folder = Folder::new("typed").unwrap();
    let file = folder.path().join("shop.toml");
    fs::write(&file, mapping(&flow.name).replace("key = \"PurchaseId\"", "key = \"String\"")).unwrap();
    let file = file.display().to_string();
    let sink = flow.start(
        &[],
        &[("coherence.mapping.file", &file), ("value.converter", JSON), ("errors.tolerance", "none")],
    );
    let schema = r#"{"type":"struct","fields":[
        {"field":"customer","type":"struct","fields":[{"field":"name","type":"string"}]},
        {"field":"due","type":"int32","name":"org.apache.kafka.connect.data.Date"},
        {"field":"total","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}},
        {"field":"rating","type":"int16"}]}"#;
    let record = |payload: &str| (Some("a"), Some(format!(r#"{{"schema":{schema},"payload":{payload}}}"#)));
    kafka
        .produce(&flow.name, [record(r#"{"customer":{"name":"Ann"},"due":20787,"total":"AJY=","rating":4}"#)])
        .unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    let found = grid.tool().get(&flow.name, "a").unwrap().unwrap();
    assert_eq!(found.text, "Purchase{Ann, null, [], 2026-11-30, 4, false, {}, 1.50, null}");
    let secret = (Some("a"), Some(format!(r#"{{"schema":{},"payload":"secret"}}"#, r#"{"type":"string"}"#)));
    kafka.produce(&flow.name, [secret]).unwrap();
    let failure = flow.failure(&sink);
    assert!(failure.contains("value: STRING found, expected data for Purchase"), "{failure}");
    assert!(!failure.contains("secret"), "{failure}");
}

#[test]
fn objects_are_written_as_java_writes_them_and_read_as_structs() {
    require_peers!();
    let tool = shared::grid().tool();
    let shop = Mapping::parse(&mapping("Purchases")).unwrap();
    let others = Mapping::parse(
        r#"
        [types.Contact]
        id = 1006
        version = 2
        [types.Contact.fields]
        name = { index = 0, type = "String" }
        email = { index = 1, type = "String" }
        visits = { index = 2, type = "int" }
        [types.Animal]
        id = 1010
        version = 1
        layout = "@PortableType"
        [types.Animal.fields]
        legs = { index = 0, type = "int" }
        species = { index = 1, type = "String" }
        [types.Dog]
        id = 1011
        version = 2
        layout = "@PortableType"
        extends = "Animal"
        [types.Dog.fields]
        breed = { index = 0, type = "String" }
        [maps.Contacts]
        value = "Contact"
        [maps.Dogs]
        value = "Dog"
        "#,
    )
    .unwrap();
    let purchase = r#"{"customer":{"name":"Zoë 4"},"status":"SHIPPED","lines":[{"article":"nut","count":3,"price":0.5},{}],
        "due":"2026-11-30","rating":4,"express":true,"points":{"home":3},"total":"1.50","codes":[1,4]}"#;
    let cases = [
        (&shop, "Purchases", Role::Key, Literal::new("purchase-id", "7|3"), r#"{"customer":7,"number":3}"#),
        (&shop, "Purchases", Role::Key, Literal::new("purchase-id", "-1|0"), r#"{"customer":-1}"#),
        (&shop, "Purchases", Role::Value, Literal::new("purchase", "4"), purchase),
        (&shop, "Purchases", Role::Value, Literal::new("purchase", "0"), "{}"),
        (
            &others,
            "Contacts",
            Role::Value,
            Literal::new("contact", "Ann|a@b|0"),
            r#"{"name":"Ann","email":"a@b"}"#,
        ),
        (
            &others,
            "Dogs",
            Role::Value,
            Literal::new("dog", "canis|4|lab"),
            r#"{"species":"canis","legs":4,"breed":"lab"}"#,
        ),
    ];
    for (mapping, map, role, java, text) in cases {
        let part = mapping.part(map, role).unwrap();
        let binary = tool.to_bytes(java).unwrap();
        let mut out = Vec::new();
        part.write(coherence_kafka_common::map::Format::Pof, &json(text), &mut out).unwrap();
        assert_eq!(out, binary, "{map} {text}");
        let read = part.read(&binary).unwrap().value;
        assert!(matches!(read, Value::Struct(_)));
        let mut again = Vec::new();
        part.write(coherence_kafka_common::map::Format::Pof, &read, &mut again).unwrap();
        assert_eq!(again, binary, "{map} {text}, read and written again");
    }
}

#[test]
fn a_json_grid_reads_objects_by_the_alias_of_their_class() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::json_grid());
    let flow = Flow::new(kafka, grid, "teams", 1);
    let folder = Folder::new("typed").unwrap();
    let file = folder.path().join("teams.toml");
    let text = r#"
        [types.Team]
        class = "sports.Team"
        [types.Team.fields]
        name = { type = "String" }
        color = { type = "Color", from = "colour" }
        captain = { type = "Person" }
        members = { type = "List<Person>" }
        points = { type = "Map<String, Integer>" }
        rank = { type = "Integer" }
        rating = { type = "double" }
        active = { type = "boolean" }
        [types.Person]
        class = "Person"
        [types.Person.fields]
        name = { type = "String" }
        age = { type = "int" }
        address = { type = "Address" }
        [types.Address]
        class = "Address"
        [types.Address.fields]
        street = { type = "String" }
        city = { type = "String" }
        [enums.Color]
        class = "Color"
        constants = ["RED", "GREEN"]
        [maps.TEAMS]
        value = "Team"
    "#;
    fs::write(&file, text.replace("TEAMS", &format!("\"{}\"", flow.name))).unwrap();
    let file = file.display().to_string();
    let sink = flow.start(
        &[],
        &[
            ("coherence.session.format", "json"),
            ("coherence.mapping.file", &file),
            ("value.converter", JSON),
            ("value.converter.schemas.enable", "false"),
        ],
    );
    let ann = r#"{"name":"Ann","age":50,"address":{"city":"Prague"}}"#;
    let team = format!(
        r#"{{"name":"Owls","colour":"GREEN","captain":{ann},"members":[{ann}],"points":{{"home":3}},"rank":2,"rating":0.5,"active":true}}"#
    );
    kafka.produce(&flow.name, [(Some("owls"), Some(team))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    let found = grid.tool().get(&flow.name, "owls").unwrap().unwrap();
    let ann = "Person{Ann, 50, Address{null, Prague}}";
    let expected = format!("Team{{Owls, GREEN, {ann}, [{ann}], {{home=3}}, 2, 0.5, true}}");
    assert_eq!((found.class.as_str(), found.text), ("Team", expected));
}

#[test]
fn the_mapping_of_the_document_agrees_with_the_pof_configuration_of_the_grid() {
    let (file, pof) = (root().join(EXAMPLE), root().join("integration-tests/peers/coherence/pof-config.xml"));
    let (file, pof) = (file.display().to_string(), pof.display().to_string());
    let output = sink::run(["mapping", "check", &file, "--pof-config", &pof]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.lines().count() > 4 && text.lines().all(|line| line.starts_with("ok ")), "{text}");
}
