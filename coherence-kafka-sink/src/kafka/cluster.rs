//! One look at a cluster, for the start of a worker and for `check`.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::{ClientSettings, client_config};

/// The names of all topics of the cluster that `settings` lead to.
///
/// # Errors
/// Why it cannot be reached within `wait`, in librdkafka's words.
pub fn topics(settings: &ClientSettings, wait: Duration) -> Result<Vec<String>, String> {
    let mut config = client_config(settings);
    // No member of any group: nobody's partitions move because somebody looked.
    config.remove("group.id");
    config.remove("group.instance.id");
    let client: BaseConsumer = config.create().map_err(|error| error.to_string())?;
    let metadata = client.fetch_metadata(None, wait).map_err(|error| error.to_string())?;
    Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
}
