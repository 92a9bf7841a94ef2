//! Rules between settings, which librdkafka checks only when a client is created.

use super::{Client, Translation, jaas, renamed, stores};

impl Translation<'_, '_> {
    /// What depends on the security protocol: credentials and stores count only with a protocol that uses them.
    pub(super) fn security(&mut self) {
        let protocol = self.settings.get("security.protocol").cloned().unwrap_or_default();
        if protocol.contains("ssl") {
            let java =
                |name: &str| self.java.iter().find(|(java, _)| *java == name).map(|(_, property)| *property);
            self.settings.extend(stores::translate(java, self.findings));
        }
        if !protocol.starts_with("sasl_") {
            return;
        }
        if let Some(property) = self.java("sasl.jaas.config") {
            match jaas::parse(property.trimmed()) {
                Ok(credentials) => {
                    self.set("sasl.username", credentials.username);
                    self.set("sasl.password", credentials.password);
                }
                Err(why) => self.findings.error(property, why),
            }
        }
        const MECHANISMS: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
        match self.java("sasl.mechanism").or_else(|| self.java("sasl.mechanisms")) {
            Some(property) if MECHANISMS.contains(&property.trimmed()) => {}
            Some(property) => {
                let why = format!("{} is not supported yet: use {}", property.shown(), MECHANISMS.join(", "));
                self.findings.error(property, why);
            }
            None => {
                let why = format!(
                    "must be set, to one of {}: Java's default GSSAPI is not supported yet",
                    MECHANISMS.join(", ")
                );
                self.findings.error_at(self.java("security.protocol"), "sasl.mechanism", why);
            }
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.settings.get(name).and_then(|value| value.parse().ok())
    }

    /// Checks what the settings of this kind of client require of each other.
    pub(super) fn consistency(&mut self) {
        // Java does the same with a shortest pause above the longest one.
        if let (Some(min), Some(max)) =
            (self.number("reconnect.backoff.ms"), self.number("reconnect.backoff.max.ms"))
            && min > max
        {
            self.set("reconnect.backoff.max.ms", min.to_string());
        }
        match self.profile.client {
            Client::Consumer => self.consumer_consistency(),
            Client::Producer => self.producer_consistency(),
            Client::Admin => {}
        }
    }

    fn producer_consistency(&mut self) {
        let idempotent = self.settings.get("enable.idempotence").is_some_and(|value| value == "true");
        for (java, property) in self.java.clone() {
            let name = renamed(self.profile.client, java);
            let Some(value) = self.number(name) else { continue };
            let why = match name {
                "max.in.flight" | "max.in.flight.requests.per.connection" if idempotent && value > 5 => {
                    "must be 5 at most with enable.idempotence=true"
                }
                "message.send.max.retries" if idempotent && value < 1 => {
                    "must be 1 at least with enable.idempotence=true"
                }
                "queue.buffering.backpressure.threshold" if idempotent && value > 1 => {
                    "must be 1 with enable.idempotence=true"
                }
                "linger.ms" if self.number("message.timeout.ms").is_some_and(|t| t != 0 && t <= value) => {
                    "must be less than delivery.timeout.ms, librdkafka's message.timeout.ms"
                }
                _ => continue,
            };
            self.findings.error(
                property,
                format!("Invalid value {} for configuration {java}: {why}", property.shown()),
            );
        }
    }

    fn consumer_consistency(&mut self) {
        let poll = self.number("max.poll.interval.ms").unwrap_or(300_000);
        let session = self.number("session.timeout.ms").unwrap_or(45_000);
        // librdkafka wants a fetch to hold the largest message that it would produce; a consumer produces none.
        const MESSAGE_MAX_BYTES: i64 = 1_000_000;
        if let Some(fetch) = self.number("fetch.max.bytes").filter(|fetch| *fetch < MESSAGE_MAX_BYTES) {
            self.set("message.max.bytes", fetch.max(1000).to_string());
            self.set("fetch.max.bytes", fetch.max(1000).to_string());
        }
        if let Some(receive) = self.number("receive.message.max.bytes") {
            // An answer is as large as a fetch, and has a frame.
            let least = self.number("fetch.max.bytes").unwrap_or(52_428_800).saturating_add(512);
            self.set("receive.message.max.bytes", receive.max(least).to_string());
        }
        if self.settings.get("group.protocol").is_none_or(|protocol| protocol != "consumer") {
            // Java has no such rule: what is polled too seldom leaves the group in either case.
            if session > poll {
                /// The least that a broker accepts by default.
                const SHORTEST: i64 = 6_000;
                let both = poll.max(session.min(SHORTEST));
                self.set("session.timeout.ms", both.to_string());
                self.set("max.poll.interval.ms", both.to_string());
                if let Some(property) =
                    self.java("session.timeout.ms").or_else(|| self.java("max.poll.interval.ms"))
                {
                    let note = format!(
                        "librdkafka takes no session.timeout.ms above max.poll.interval.ms: {both} is used for both"
                    );
                    self.findings.warning(property, note);
                }
            }
        } else {
            for name in ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"] {
                if let Some(property) = self.java(name) {
                    self.findings
                        .error(property, "cannot be set with group.protocol=consumer: the broker decides");
                }
            }
        }
    }
}
