//! What Kafka's own clients in Java do: records written by its producer, permissions given.

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

    /// Permits a user one operation on a topic, such as `WRITE`, with `peers/kafka/AclTool.java`. The broker needs an
    /// authorizer.
    ///
    /// # Errors
    ///
    /// When Java is missing, or the broker refuses; with its output.
    pub fn permit(&self, topic: &str, user: &str, operation: &str) -> Result<()> {
        let mut tool = java("128m", false);
        tool.args(["-cp", &peers::kafka_class_path()?]).arg(peers::sources("kafka").join("AclTool.java"));
        run(tool.args([&self.bootstrap(), topic, user, operation]))
    }
}
