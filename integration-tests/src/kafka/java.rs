//! Records that Kafka's own producer in Java writes.

use anyhow::Result;

use super::Kafka;
use crate::peers::{self, java, run};

impl Kafka {
    /// Has `peers/kafka/KeyTool.java` write `count` records with keys of `kind`: string, integer, long, double or uuid.
    ///
    /// # Errors
    ///
    /// When Java is missing, or a record is not acknowledged; with its output.
    pub fn produce_in_java(&self, topic: &str, kind: &str, count: usize) -> Result<()> {
        let mut tool = java("256m", false);
        tool.args(["-cp", &peers::kafka_class_path()?]).arg(peers::sources("kafka").join("KeyTool.java"));
        run(tool.args([&self.bootstrap(), topic, kind, &count.to_string()]))
    }
}
