//! A table whose changes Debezium captures ends in the map as the table is, whatever the borders of batches and whatever
//! is read again after a restart.

use coherence_kafka_common::splitmix::SplitMix64;
use serde_json::{Value as Json, json};

use super::*;
use crate::plan::WriteKind;

const WORLDS: u64 = 40;

/// What a map holds of the rows that were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deleted {
    Nothing,
    /// The row as it was last.
    LastState,
    /// The row as the event of its deletion has it.
    Marked,
}

/// A table, and the records that its connector has written.
#[derive(Debug)]
struct Table {
    random: SplitMix64,
    schemas: bool,
    /// The event of a deletion has the whole row, not only its key.
    whole_before: bool,
    tombstones: bool,
    rows: BTreeMap<usize, Json>,
    /// Each row that was deleted: as it was, and as the event of its deletion had it.
    gone: BTreeMap<usize, (Json, Json)>,
    records: Vec<(String, Option<String>)>,
    made: u32,
}

impl Table {
    fn new(seed: u64) -> Self {
        let mut random = SplitMix64(seed);
        let mut flip = || random.one_in(2);
        let (schemas, whole_before, tombstones) = (flip(), flip(), flip());
        let (rows, gone) = (BTreeMap::new(), BTreeMap::new());
        Self { random, schemas, whole_before, tombstones, rows, gone, records: Vec::new(), made: 0 }
    }

    fn row(&mut self, id: usize) -> Json {
        self.made += 1;
        let note = if self.random.one_in(3) { Json::Null } else { "n".into() };
        json!({"id": id, "name": format!("name {}", self.made), "note": note})
    }

    /// Makes one change, or reads one row as a snapshot does.
    fn change(&mut self) {
        let (id, other) = (self.random.below(8), self.random.below(8));
        match (self.rows.get(&id).cloned(), self.random.below(4)) {
            (None, _) => self.insert(id),
            (Some(row), 0) => self.event("r", id, Json::Null, row),
            (Some(row), 1) => self.delete(id, row),
            // A row with another key is another row: deleted here, created there.
            (Some(row), 2) if !self.rows.contains_key(&other) => {
                self.delete(id, row);
                self.insert(other);
            }
            (Some(before), _) => {
                let after = self.row(id);
                let before = if self.whole_before { before } else { Json::Null };
                self.rows.insert(id, after.clone());
                self.event("u", id, before, after);
            }
        }
    }

    fn insert(&mut self, id: usize) {
        let row = self.row(id);
        self.rows.insert(id, row.clone());
        self.gone.remove(&id);
        self.event("c", id, Json::Null, row);
    }

    fn delete(&mut self, id: usize, row: Json) {
        let before =
            if self.whole_before { row.clone() } else { json!({"id": id, "name": null, "note": null}) };
        self.rows.remove(&id);
        self.gone.insert(id, (row, before.clone()));
        self.event("d", id, before, Json::Null);
        if self.tombstones {
            self.records.push((self.key(id), None));
        }
    }

    fn key(&self, id: usize) -> String {
        let payload = json!({"id": id});
        if !self.schemas {
            return payload.to_string();
        }
        let id = json!({"field": "id", "type": "int32", "optional": false});
        let schema = json!({"type": "struct", "name": "shop.items.Key", "fields": [id]});
        json!({"schema": schema, "payload": payload}).to_string()
    }

    fn event(&mut self, operation: &str, id: usize, before: Json, after: Json) {
        let source = json!({"table": "items"});
        let payload = json!({"before": before, "after": after, "source": source, "op": operation});
        let value =
            if self.schemas { json!({"schema": schema_of_events(), "payload": payload}) } else { payload };
        self.records.push((self.key(id), Some(value.to_string())));
    }

    /// What the map must hold; `marks`: each row has the mark whether it was deleted.
    fn expected(&self, deleted: Deleted, marks: bool) -> BTreeMap<String, Json> {
        let entry = |id: &usize, row: &Json, mark: &str| {
            let mut row = row.clone();
            if marks {
                row["__deleted"] = mark.into();
            }
            (json!({"id": id}).to_string(), row)
        };
        let rows = self.rows.iter().map(|(id, row)| entry(id, row, "false"));
        let gone = self.gone.iter().filter_map(|(id, (row, before))| match deleted {
            Deleted::Nothing => None,
            Deleted::LastState => Some(entry(id, row, "false")),
            Deleted::Marked => Some(entry(id, before, "true")),
        });
        rows.chain(gone).collect()
    }
}

fn schema_of_events() -> Json {
    let row = |field: &str| {
        json!({"type": "struct", "optional": true, "name": "shop.items.Value", "field": field, "fields": [
            {"field": "id", "type": "int32", "optional": false},
            {"field": "name", "type": "string", "optional": true},
            {"field": "note", "type": "string", "optional": true}]})
    };
    let source = json!({"type": "struct", "field": "source", "fields": [
        {"field": "table", "type": "string", "optional": false}]});
    let operation = json!({"field": "op", "type": "string", "optional": false});
    json!({"type": "struct", "name": "shop.items.Envelope", "fields": [row("before"), row("after"), source, operation]})
}

/// A map, and what writes records into it.
struct Sink {
    pipeline: Pipeline,
    map: BTreeMap<String, Json>,
}

impl Sink {
    fn new(mode: &str, schemas: bool) -> Self {
        let properties = [
            ("transforms", "row"),
            ("transforms.row.type", "io.debezium.transforms.ExtractNewRecordState"),
            ("transforms.row.delete.tombstone.handling.mode", mode),
        ];
        let options = BTreeMap::from([("schemas.enable".to_owned(), schemas.to_string())]);
        let json = |role| converter::create("JsonConverter", role, &options).unwrap();
        let pipeline = converting(&properties);
        let Form::Converted { entries, .. } = pipeline.form else { panic!() };
        let form = Form::Converted { key: json(Role::Key), value: json(Role::Value), entries };
        Self { pipeline: Pipeline { form, ..pipeline }, map: BTreeMap::new() }
    }

    /// Reads the records in one batch.
    fn read(&mut self, records: &[(String, Option<String>)]) {
        let mut plan = (Arc::from("m"), BatchPlan::default());
        for (key, value) in records {
            let record = record(Some(key), value.as_deref(), &[]);
            if let Some(transformed) = self.pipeline.transform(&record).unwrap() {
                self.pipeline.apply_transformed(&mut plan, SOURCE, transformed, PUT).unwrap();
            }
        }
        for write in plan.1.finish().unwrap() {
            for (key, value) in write.entries.iter() {
                let key = String::from_utf8(key[1..].to_vec()).unwrap();
                match write.kind {
                    WriteKind::Put(_) | WriteKind::PutNewer(_) => {
                        self.map.insert(key, serde_json::from_slice(&value[1..]).unwrap())
                    }
                    WriteKind::Remove => self.map.remove(&key),
                };
            }
        }
    }
}

#[test]
fn a_table_that_is_changed_ends_in_the_map_as_the_table_is() {
    for (mode, marks) in [
        ("tombstone", false),
        ("delete-to-tombstone", false),
        ("drop", false),
        ("rewrite", true),
        ("rewrite-with-tombstone", true),
    ] {
        for seed in 0..WORLDS {
            let mut table = Table::new(seed);
            let mut sink = Sink::new(mode, table.schemas);
            let deleted = match mode {
                "drop" => Deleted::LastState,
                "rewrite" => Deleted::Marked,
                "rewrite-with-tombstone" if !table.tombstones => Deleted::Marked,
                _ => Deleted::Nothing,
            };
            let mut read = 0;
            for _ in 0..table.random.between(1, 80) {
                table.change();
                // A batch ends anywhere, also between a deletion and its tombstone.
                if table.random.one_in(4) {
                    let end = table.random.between(read, table.records.len());
                    sink.read(&table.records[read..end]);
                    // After a crash, some of the records come again.
                    read = if table.random.one_in(5) { table.random.between(0, end) } else { end };
                }
            }
            sink.read(&table.records[read..]);
            assert_eq!(sink.map, table.expected(deleted, marks), "{mode}, seed {seed}");
        }
    }
}
