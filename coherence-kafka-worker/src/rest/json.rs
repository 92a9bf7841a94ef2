//! Connectors and tasks in Connect's form.

use serde_json::{Value, json};

use super::{Api, VERSION};
use crate::worker::{ConnectorInfo, ConnectorStatus, TaskStatus};

pub(super) fn info_json(info: &ConnectorInfo) -> Value {
    let tasks: Vec<Value> =
        (0..info.tasks).map(|task| json!({"connector": info.name, "task": task})).collect();
    json!({"name": info.name, "config": info.config, "tasks": tasks, "type": info.kind.name()})
}

pub(super) fn status_json(name: &str, api: &Api, status: &ConnectorStatus) -> Value {
    let tasks: Vec<Value> =
        status.tasks.iter().enumerate().map(|(id, task)| task_json(api, id, task)).collect();
    let mut connector =
        json!({"state": status.state.name(), "worker_id": *api.worker_id, "version": VERSION});
    if let Some(failure) = &status.failure {
        connector["trace"] = Value::String(failure.clone());
    }
    json!({
        "name": name,
        "connector": connector,
        "tasks": tasks,
        "type": api.worker.config().plugin().description().kind.name(),
    })
}

pub(super) fn task_json(api: &Api, id: usize, task: &TaskStatus) -> Value {
    let mut status =
        json!({"id": id, "state": task.state(), "worker_id": *api.worker_id, "version": VERSION});
    if let Some(failure) = &task.failure {
        status["trace"] = Value::String(failure.to_string());
    }
    status
}
