//! The offsets of sink connectors: those that their consumer groups have committed.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use coherence_kafka_connect::config::json::{Members, members, setting, text};
use coherence_kafka_rdkafka::group_offsets::{GroupOffsets, GroupOffsetsError};
use coherence_kafka_rdkafka::record::TopicPartition;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Api, Refused, blocking, body, error, internal, not_found};
use crate::plugin::ConsumerGroup;

/// How long the cluster has to answer one request.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a request changes: for each partition the new offset, or none where it is to be deleted.
type Changes = BTreeMap<TopicPartition, Option<i64>>;

/// `GET /connectors/{name}/offsets`.
#[utoipa::path(
    get,
    path = "/connectors/{name}/offsets",
    tag = "offsets",
    operation_id = "offsets_list",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "The committed offsets", body = serde_json::Value),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn list(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let group = match api.herder.group(&name) {
        Ok(Some(group)) => group,
        Ok(None) => return axum::Json(json!({"offsets": []})).into_response(),
        Err(_) => return not_found(&name).into_response(),
    };
    match blocking(move || open(&group)?.list()).await {
        Some(Ok(offsets)) => {
            let offset = |(partition, offset): (TopicPartition, i64)| {
                json!({
                    "partition": {"kafka_partition": partition.partition, "kafka_topic": partition.topic},
                    "offset": {"kafka_offset": offset},
                })
            };
            let offsets: Vec<Value> = offsets.into_iter().map(offset).collect();
            axum::Json(json!({"offsets": offsets})).into_response()
        }
        Some(Err(reason)) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("Failed to retrieve consumer group offsets for sink connector {name}: {reason}"),
        ),
        None => internal(),
    }
}

/// `PATCH /connectors/{name}/offsets`.
#[utoipa::path(
    patch,
    path = "/connectors/{name}/offsets",
    tag = "offsets",
    operation_id = "offsets_alter",
    params(("name" = String, Path, description = "The name of the connector")),
    request_body(content = serde_json::Value, description = "Partitions and their offsets; null removes one"),
    responses(
        (status = 200, description = "The offsets are changed", body = serde_json::Value),
        (status = 400, description = "The request is refused"),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn alter(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    // Whether there is such a connector and whether it is stopped comes before what is wrong with the partitions.
    let bad = |reason: &str| Refused::new(StatusCode::BAD_REQUEST, reason);
    let parsed = body::read(&headers, body, |body| Ok(entries(body)?.map(|all| changes(&all))))?
        .ok_or_else(|| bad("Partitions / offsets need to be provided for an alter offsets request"))?;
    let group = stopped(&api, &name)?;
    let changes = parsed.map_err(|reason| bad(&reason))?;
    if changes.values().flatten().any(|offset| *offset < 0) {
        let message = format!("Failed to modify offsets for sink connector {name}: an offset is negative");
        return Ok(failed(&message));
    }
    let outcome = blocking(move || {
        let offsets = open(&group)?;
        let set: Vec<_> = changes.iter().filter_map(|(tp, offset)| Some((tp.clone(), (*offset)?))).collect();
        let deleted: Vec<_> =
            changes.iter().filter(|(_, offset)| offset.is_none()).map(|(tp, _)| tp.clone()).collect();
        if !set.is_empty() {
            offsets.alter(&set)?;
        }
        if deleted.is_empty() { Ok(()) } else { offsets.delete(&deleted) }
    });
    Ok(done(outcome.await, &name, "alter", "altered"))
}

/// `DELETE /connectors/{name}/offsets`.
#[utoipa::path(
    delete,
    path = "/connectors/{name}/offsets",
    tag = "offsets",
    operation_id = "offsets_reset",
    params(("name" = String, Path, description = "The name of the connector")),
    responses(
        (status = 200, description = "The offsets are removed", body = serde_json::Value),
        (status = 400, description = "The request is refused"),
        (status = 404, description = "It does not exist"),
    )
)]
pub(super) async fn reset(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Refused> {
    let group = stopped(&api, &name)?;
    Ok(done(blocking(move || open(&group)?.delete_group()).await, &name, "reset", "reset"))
}

fn open(group: &ConsumerGroup) -> Result<GroupOffsets, GroupOffsetsError> {
    GroupOffsets::new(&group.settings, &group.id, DEADLINE)
}

/// Returns the group of a connector whose offsets may be changed now.
fn stopped(api: &Api, name: &str) -> Result<ConsumerGroup, Refused> {
    if !api.herder.is_stopped(name).ok_or_else(|| not_found(name))? {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            format!(
                "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for \
                 the specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
            ),
        ));
    }
    match api.herder.group(name) {
        Ok(Some(group)) => Ok(group),
        Ok(None) => Err(Refused::new(
            StatusCode::BAD_REQUEST,
            format!(
                "Connector {name} has no offsets that can be modified: it resumes from a comparison of its maps and \
                 topics"
            ),
        )),
        Err(_) => Err(not_found(name)),
    }
}

fn done(outcome: Option<Result<(), GroupOffsetsError>>, name: &str, what: &str, was: &str) -> Response {
    match outcome {
        Some(Ok(())) => {
            let message = format!("The offsets for this connector have been {was} successfully");
            axum::Json(json!({"message": message})).into_response()
        }
        Some(Err(GroupOffsetsError::GroupIsActive)) => failed(&format!(
            "Failed to {what} consumer group offsets for connector {name}: its consumer group still has members; if \
             the connector is stopped, repeat the request when they have left the group, at the latest after \
             session.timeout.ms; if other consumers use the group, stop them"
        )),
        Some(Err(reason)) => {
            failed(&format!("Failed to {what} consumer group offsets for connector {name}: {reason}"))
        }
        None => internal(),
    }
}

fn failed(message: &str) -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, message)
}

/// Reads the items of `{"offsets": […]}`; `None` where there are none.
fn entries(body: &str) -> Result<Option<Vec<Members<'_>>>, String> {
    let request = body::object(body, "with the member offsets")?;
    let Some(offsets) = request.get("offsets").filter(|offsets| offsets.get() != "null") else {
        return Ok(None);
    };
    let items: Vec<&RawValue> =
        serde_json::from_str(offsets.get()).map_err(|_| "the member offsets must be a list".to_owned())?;
    let mut entries = Vec::new();
    for item in items {
        let entry = members(item.get()).ok().flatten();
        entries.push(entry.ok_or("an item of offsets must have the members partition and offset")?);
    }
    Ok(Some(entries).filter(|entries| !entries.is_empty()))
}

/// Reads the partitions and the offsets. Of a partition that is there twice, the last one counts.
fn changes(items: &[Members<'_>]) -> Result<Changes, String> {
    let is_null = |value: &RawValue| value.get() == "null";
    let mut changes = Changes::new();
    for item in items {
        let partition = item
            .get("partition")
            .filter(|partition| !is_null(partition))
            .ok_or("The partition for a sink connector offset cannot be null or missing")?;
        let keys = "The partition for a sink connector offset must contain the keys 'kafka_topic' and \
                    'kafka_partition'";
        let partition = members(partition.get()).ok().flatten().ok_or(keys)?;
        let (topic, number) =
            partition.get("kafka_topic").zip(partition.get("kafka_partition")).ok_or(keys)?;
        let topic = text(topic).ok_or("Kafka topic names must be valid strings and may not be null")?;
        let number = setting(number).unwrap_or_else(|| number.get().to_owned());
        let partition: i32 = number.parse().map_err(|_| {
            format!(
                "Failed to parse the following Kafka partition value in the provided offsets: '{number}'. Partition \
                 values for sink connectors need to be integers."
            )
        })?;
        let offset = match item.get("offset").filter(|offset| !is_null(offset)) {
            None => None,
            Some(offset) => {
                let offset = members(offset.get()).ok().flatten();
                let offset = offset.as_ref().and_then(|offset| offset.get("kafka_offset")).ok_or(
                    "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
                )?;
                let offset = setting(offset).unwrap_or_else(|| offset.get().to_owned());
                Some(offset.parse().map_err(|_| {
                    format!(
                        "Failed to parse the following Kafka offset value in the provided offsets: '{offset}'. Offset \
                         values for sink connectors need to be integers."
                    )
                })?)
            }
        };
        changes.insert(TopicPartition { topic, partition }, offset);
    }
    Ok(changes)
}
