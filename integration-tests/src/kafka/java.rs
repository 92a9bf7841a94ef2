//! Kafka's own clients in Java: records as its producer writes them, and rules of the authorizer.

use anyhow::Result;

use super::{Kafka, java_command};
use crate::peers::{self, output, run};

impl Kafka {
    /// Has `peers/kafka/KeyTool.java` write `count` records with keys of `kind`: string, integer, long, double or uuid.
    ///
    /// # Errors
    ///
    /// When Java is missing, or a record is not acknowledged; with its output.
    pub fn produce_in_java(&self, topic: &str, kind: &str, count: usize) -> Result<()> {
        let mut tool = java_command("256m", false)?;
        tool.arg(peers::sources("kafka").join("KeyTool.java"));
        run(tool.args([&self.bootstrap(), topic, kind, &count.to_string()]))
    }

    /// Runs Kafka's command `kafka-consumer-groups.sh` and returns what it prints, its errors included: the command ends
    /// with status 0 after most of them.
    ///
    /// # Errors
    ///
    /// When Java is missing, or the command fails; with its output.
    pub fn consumer_groups(&self, arguments: &[&str]) -> Result<String> {
        let mut tool = java_command("256m", false)?;
        tool.arg("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand");
        output(tool.args(["--bootstrap-server", &self.bootstrap()]).args(arguments))
    }

    /// Has `peers/kafka/AclTool.java` add a rule to the authorizer, with these properties of a client that may: principal,
    /// `ALLOW` or `DENY`, operation, kind of resource and its name.
    ///
    /// # Errors
    ///
    /// When Java is missing, or the broker refuses the rule; with its output.
    pub fn add_rule(&self, client: &[(&str, &str)], rule: [&str; 5]) -> Result<()> {
        self.rule(client, &[], rule)
    }

    /// Removes a rule that was added as by [`Kafka::add_rule`].
    ///
    /// # Errors
    ///
    /// When Java is missing, or the broker refuses it; with its output.
    pub fn remove_rule(&self, client: &[(&str, &str)], rule: [&str; 5]) -> Result<()> {
        self.rule(client, &["remove"], rule)
    }

    fn rule(&self, client: &[(&str, &str)], remove: &[&str], rule: [&str; 5]) -> Result<()> {
        let mut tool = java_command("256m", false)?;
        tool.arg(peers::sources("kafka").join("AclTool.java"));
        tool.arg(format!("bootstrap.servers={}", self.bootstrap()));
        tool.args(client.iter().map(|(key, value)| format!("{key}={value}")));
        run(tool.args(remove).args(rule))
    }
}
