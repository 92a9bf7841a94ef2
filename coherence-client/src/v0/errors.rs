//! What a status of protocol v0 means.

use coherence_kafka_common::map::MapError;
use tonic::{Code, Status};

use super::Connection;
use super::connection::{is_broken, method};
use crate::answer::classify;
use crate::proto::common::ErrorMessage;
use crate::proto::v0::{Entry, GetAllRequest};

/// Why a call has failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// With the connection, or it must be treated so: what was sent may still be applied.
    Broken(Status),
    /// The grid has answered with an error, or nothing was sent.
    Error(MapError),
}

impl From<MapError> for Failure {
    fn from(error: MapError) -> Self {
        Failure::Error(error)
    }
}

/// Reads a status that came in answer to a call about `key` of a map.
pub(super) async fn failure(
    connection: &Connection,
    status: Status,
    explain: impl FnOnce() -> GetAllRequest,
) -> Failure {
    if is_broken(&status) {
        return Failure::Broken(status);
    }
    if let Some(error) = too_large(&status) {
        return Failure::Error(error);
    }
    if status.code() == Code::Unknown && status.message().is_empty() {
        // 21.06 hides the reason, except from calls whose answer is a stream.
        return match connection.collect::<_, Entry>(method!("getAll"), explain()).await {
            Err(status) if is_broken(&status) => Failure::Broken(status),
            Err(status) => Failure::Error(read(&status)),
            Ok(_) => Failure::Error(read(&status)),
        };
    }
    Failure::Error(read(&status))
}

/// Sorts an error by its text, as those of protocol v1.
pub(super) fn read(status: &Status) -> MapError {
    classify(&ErrorMessage { message: status.message().to_owned(), error: None }).error
}

/// Reads the error that the transport makes of an answer that is too large.
fn too_large(status: &Status) -> Option<MapError> {
    let text = status.message().strip_prefix("Error, decoded message length too large: found ")?;
    let (bytes, rest) = text.split_once(" bytes, the limit is: ")?;
    let max = rest.strip_suffix(" bytes")?;
    Some(MapError::TooLarge { bytes: bytes.parse().ok()?, max: max.parse().ok()? })
}
