//! Records that only workers of Connect use. Nothing follows from them here; a malformed one is reported, because it
//! may end a Connect cluster that takes the topic over.

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::{Applied, NOT_INTEGER, TASK, object, properties};
use crate::distributed::record::{Json, class, integer, member, text};

/// Java's decoder accepts a key with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The number of a task is what follows the last hyphen.
pub(super) fn task(task: &str, value: &Json<'_>) -> Result<Applied, String> {
    let number = task.rsplit_once('-').map(|(_, number)| number.parse::<i32>());
    if !matches!(number, Some(Ok(0..))) {
        return Err(format!(
            "Ignoring task configuration because {TASK}{task} couldn't be parsed as a task config key"
        ));
    }
    let record = object(value, |class| match class {
        "null" => format!("Ignoring task configuration for task {task} because it is unexpectedly null"),
        _ => format!(
            "Ignoring task configuration for task {task} because the value is not a Map but is {class}"
        ),
    })?;
    properties(record, || format!("of task {task}")).map(|_| Applied::Nothing)
}

pub(super) fn fencing(name: &str, value: &Json<'_>) -> Result<Applied, String> {
    let record = object(value, |class| {
        format!(
            "Ignoring task count record for connector '{name}' because it is in the wrong format: {class}"
        )
    })?;
    match integer(record, "task-count") {
        Some(_) => Ok(Applied::Nothing),
        None => Err(format!("Ignoring task count record for connector '{name}': {NOT_INTEGER}")),
    }
}

/// Workers of Connect sign their requests to each other with this key.
pub(super) fn session_key(value: &Json<'_>) -> Result<Applied, String> {
    let record = object(value, |class| match class {
        "null" => "Ignoring session key because it is unexpectedly null".to_owned(),
        _ => format!("Ignoring session key because the value is not a Map but is {class}"),
    })?;
    let key = text(record, "key").ok_or_else(|| {
        format!(
            "Invalid data for session key 'key' field should be a String but is {}",
            class(member(record, "key"))
        )
    })?;
    if BASE64.decode(key).is_err() {
        return Err("Invalid data for session key 'key' field should be base64".to_owned());
    }
    if text(record, "algorithm").is_none() {
        return Err(format!(
            "Invalid data for session key 'algorithm' field should be a String but it is {}",
            class(member(record, "algorithm"))
        ));
    }
    if integer(record, "creation-timestamp").is_none() {
        return Err(format!(
            "Invalid data for session key 'creation-timestamp' field should be a long but it is {}",
            class(member(record, "creation-timestamp"))
        ));
    }
    Ok(Applied::Nothing)
}
