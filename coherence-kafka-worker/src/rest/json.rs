//! Connectors and tasks in Connect's form.

use serde_json::{Value, json};

use super::Api;
use crate::herder::{PartStatus, Status};
use crate::worker::ConnectorInfo;

pub(super) fn info_json(info: &ConnectorInfo) -> Value {
    let tasks: Vec<Value> =
        (0..info.tasks).map(|task| json!({"connector": info.name, "task": task})).collect();
    json!({"name": info.name, "config": info.config, "tasks": tasks, "type": info.kind.name()})
}

pub(super) fn status_json(name: &str, api: &Api, status: &Status) -> Value {
    let tasks: Vec<Value> = status.tasks.iter().map(|(number, task)| task_json(*number, task)).collect();
    json!({
        "name": name,
        "connector": part_json(&status.connector),
        "tasks": tasks,
        "type": api.herder.worker().plugin().description().kind.name(),
    })
}

pub(super) fn task_json(number: u32, task: &PartStatus) -> Value {
    let mut status = part_json(task);
    status["id"] = number.into();
    status
}

fn part_json(part: &PartStatus) -> Value {
    let mut status = json!({"state": part.state, "worker_id": part.worker_id, "version": part.version});
    if let Some(trace) = &part.trace {
        status["trace"] = Value::String(trace.clone());
    }
    status
}
