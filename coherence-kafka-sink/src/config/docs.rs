//! Renders `docs/configuration.md`, the reference of the settings, from the tables that check them.

use std::fmt::Write;

use coherence_kafka_connect::config::def::ConfigDef;
use coherence_kafka_rdkafka::settings::translate;

use super::clients;
use super::table;
use coherence_kafka_worker::config::TLS;
use coherence_kafka_worker::config::table::{self as worker, WITHOUT_EFFECT};

/// Returns the text of `docs/configuration.md`.
pub(crate) fn markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str(
        "\n## Worker\n\nIf the worker's file is also a connector's, it contains both sets of settings.\n",
    );
    tables(&mut page, &worker::WORKER);
    https(&mut page);
    prefixes(&mut page, worker::FAMILIES);
    page.push_str(
        "\n## Connector\n\nThe settings under Coherence and Delivery may also be in the worker's file; \
         a connector's own value wins.\n",
    );
    tables(&mut page, &table::CONNECTOR);
    prefixes(&mut page, table::FAMILIES);
    consumer(&mut page);
    producer(&mut page);
    page
}

const INTRODUCTION: &str = r#"# Configuration

<!-- Rendered from the code. UPDATE_DOCS=1 cargo test -p coherence-kafka-sink configuration_md renders it again. -->

The settings are those of Kafka Connect, in the same files: properties, flat JSON, or the body of a create request.
Every setting is checked before anything starts, and all errors are reported at once, with their places.
An unknown setting, of a Kafka client too, is a warning with the nearest known name.

## Sources of settings

The later wins:

1. the worker's file, and one file for each connector; one file may contain both
2. the environment: `CONNECT_…` for the worker, `CONNECTOR_…` for every connector
3. the command line: `--set key=value` for the worker, `--connector-set key=value` for every connector

In the environment, after the prefix, `_` stands for a dot, `__` for `_` and `___` for `-`: `CONNECT_BOOTSTRAP_SERVERS`
is `bootstrap.servers`.
Kubernetes sets variables such as `CONNECT_SERVICE_HOST` for a service with a name that begins with `connect` or
`connector`; these are not settings.

Properties files are read as UTF-8 if they are valid UTF-8, else as ISO-8859-1, as Java does.

## Variables

| Written in a value | Stands for |
|---|---|
| `${env:NAME}` | a variable of the environment |
| `${file:/path/to/file.properties:key}` | the value of a key in a properties file |
| `${dir:/path/to/directory:name}` | the text of a file in a directory, without trailing line ends |

In files, in the environment and on the command line `env`, `file` and `dir` work without a declaration.
`config.providers` declares other aliases, or restricts these with `allowed.paths` and `allowlist.pattern`.
A connector that is created over REST has the aliases that `config.providers` of the worker lists and no others.
Otherwise its sender could read any file that the process may read.
As in Connect, a variable of any other alias stays in the value as it is written, with a warning.
A variable of a known provider that has no value is an error; a file of more than 1 MiB is refused.
Links and `..` in paths are resolved before `allowed.paths` is checked.
The content of a variable is never shown.

With these settings of the worker `${secrets:/etc/secrets:password}` reads a file of that folder, in every connector:

* `config.providers=secrets`
* `config.providers.secrets.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider`
* `config.providers.secrets.param.allowed.paths=/etc/secrets`

## Settings that REST shows

`GET /connectors/{name}` shows the connector's own settings as its file, the command line or the create request contains
them, with variables unresolved.
It shows none of the worker's settings and nothing of the environment, even if one file contains worker and connector.
A password in a connector's own settings is shown, as in Connect: use a variable instead.
"#;

fn tables(page: &mut String, def: &ConfigDef) {
    for group in def.groups() {
        let _ = write!(page, "\n### {group}\n\n");
        if group == WITHOUT_EFFECT {
            page.push_str("| Setting | Why |\n|---|---|\n");
            let keys: Vec<_> = def.keys.iter().filter(|key| key.group == group).collect();
            for same in keys.chunk_by(|a, b| a.documentation == b.documentation) {
                let names: Vec<_> = same.iter().map(|key| format!("`{}`", key.name)).collect();
                let why = same.first().map_or("", |key| key.documentation);
                let _ = writeln!(page, "| {} | {why} |", names.join(", "));
            }
        } else {
            page.push_str(&def.markdown(group));
        }
    }
}

fn https(page: &mut String) {
    page.push_str(
        "\n### HTTPS\n\nSettings of the listeners with `https`, behind the prefix `listeners.https.`.\n\
         For those of `admin.listeners` the prefix is `admin.listeners.https.`.\n\
         As in Connect, they apply without the prefix if no setting has it; then the Kafka clients use them too.\n\n",
    );
    page.push_str(&TLS.markdown("HTTPS"));
}

fn prefixes(page: &mut String, families: &[(&str, Option<&str>)]) {
    page.push_str("\n### Families of settings\n\n| Setting | |\n|---|---|\n");
    for (prefix, without_effect) in families {
        let meaning = match (*prefix, without_effect) {
            ("transforms." | "predicates.", _) => {
                "Class and settings of what the list names by its alias.".to_owned()
            }
            (_, Some(why)) => format!("Accepted, without effect: {why}"),
            ("key.converter." | "value.converter." | "header.converter.", None) => "Options of the converter.".to_owned(),
            ("consumer." | "consumer.override.", None) => "Settings of the consumers, see below.".to_owned(),
            ("producer." | "producer.override.", None) => {
                "Settings of the dead letter queue's producer, see below.".to_owned()
            }
            ("admin." | "admin.override.", None) => {
                "Settings of the client that creates its topic: those of security and connections. The settings of the \
                 producer apply too, unless they are set here."
                    .to_owned()
            }
            ("coherence.cache.rules.", None) => {
                "`regex` and `replacement` of the rule that `coherence.cache.rules` lists by this alias.".to_owned()
            }
            ("coherence.ttl.ms.", None) => {
                "`coherence.ttl.ms` for the records of one topic; the rest of the key is its name.".to_owned()
            }
            ("listeners.https." | "admin.listeners.https.", None) => {
                "TLS of the REST interface, see above.".to_owned()
            }
            ("config.providers.", None) => "Class and parameters of a variable provider.".to_owned(),
            _ => "Security of the consumers, unless `consumer.*` sets it. \
                  In Connect these do not reach the consumers."
                .to_owned(),
        };
        let _ = writeln!(page, "| `{prefix}*` | {meaning} |");
    }
    page.push_str("| `*.plugin.version` | Ignored: there is one version of everything. |\n");
}

fn consumer(page: &mut String) {
    page.push_str(
        "\n## Consumer settings\n\nThe settings are the worker's `consumer.*`, overridden by the connector's `consumer.override.*`.\n\
         Names and values are those of Java's consumer, or of librdkafka, which this program uses.\n\n| Set by the sink | |\n|---|---|\n\
         | `group.id` | `connect-<name>`, as in Connect: the sink continues where a connector of the Java worker stopped |\n\
         | `client.id` | `connector-consumer-<name>-<task>` |\n",
    );
    for (name, value) in clients::CONSUMER.defaults.iter().filter(|(name, _)| *name != "bootstrap.servers") {
        let _ = writeln!(page, "| `{name}` | `{value}`, unless set |");
    }
    for (name, value) in clients::CONSUMER.fixed {
        let _ = writeln!(page, "| `{name}` | `{value}`, cannot be changed |");
    }
    page.push_str("\n| Java | Here |\n|---|---|\n");
    for (java, here) in translate::RENAMED {
        let _ = writeln!(page, "| `{java}` | `{here}` |");
    }
    page.push_str(
        "| `max.poll.records` | bounds the batch |\n\
         | `metadata.max.age.ms` | the same, and `topic.metadata.refresh.interval.ms` |\n\
         | `auto.offset.reset=none` | `error` |\n\
         | `exclude.internal.topics` | `topic.blacklist`, for `topics.regex` |\n\
         | `partition.assignment.strategy` | `range`, `roundrobin`, `cooperative-sticky` from Java's class names. \
         Of a list that mixes eager and cooperative assignors the eager ones are kept, because Java rebalances eagerly \
         with such a list. `StickyAssignor` is refused |\n\
         | `sasl.jaas.config` | `sasl.username` and `sasl.password`, for PLAIN and SCRAM; escapes and comments as in Java |\n\
         | `ssl.truststore.*` | `ssl.ca.location` or `ssl.ca.pem`, from PEM; JKS and PKCS12 are refused, with the command that converts them |\n\
         | `ssl.truststore.certificates`, `ssl.keystore.certificate.chain`, `ssl.keystore.key` | PEM in one property; blanks \
         between its lines count as line ends |\n\
         | `ssl.keystore.*` | `ssl.keystore.location` for PKCS12, `ssl.certificate.*` and `ssl.key.*` for PEM; \
         JKS is refused, with the command that converts it |\n\
         | `ssl.endpoint.identification.algorithm=` | `none` |\n",
    );
    page.push_str("\n| Accepted, without effect | Why |\n|---|---|\n");
    for (name, why) in clients::CONSUMER.without_effect.iter().copied().flatten() {
        let _ = writeln!(page, "| {} | {why} |", family(name));
    }
    page.push_str("\n| Refused | Why |\n|---|---|\n");
    for (name, why) in translate::REFUSED {
        let _ = writeln!(page, "| {} | {why} |", family(name));
    }
}

fn producer(page: &mut String) {
    page.push_str(
        "\n## Producer settings\n\nThe producer of the dead letter queue has the worker's `producer.*`, overridden by the connector's\n\
         `producer.override.*`.\nSettings that are common to all clients are as above.\n\n| Set by the sink | |\n|---|---|\n\
         | `client.id` | `connector-dlq-producer-<name>-<task>` |\n",
    );
    for (name, value) in
        clients::QUEUE_PRODUCER.defaults.iter().filter(|(name, _)| *name != "bootstrap.servers")
    {
        let _ = writeln!(page, "| `{name}` | `{value}`, unless set |");
    }
    page.push_str("| `acks` | `all`, cannot be changed |\n\n| Java | Here |\n|---|---|\n");
    for (java, here) in translate::PRODUCER_RENAMED {
        let _ = writeln!(page, "| `{java}` | `{here}` |");
    }
    page.push_str("\n| Accepted, without effect | Why |\n|---|---|\n");
    for (name, why) in clients::QUEUE_WITHOUT_EFFECT {
        let _ = writeln!(page, "| {} | {why} |", family(name));
    }
}

fn family(name: &str) -> String {
    if name.ends_with('.') { format!("`{name}*`") } else { format!("`{name}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_md_is_what_the_tables_render() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).unwrap();
            std::fs::write(path, markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == markdown(),
            "docs/configuration.md is out of date: UPDATE_DOCS=1 cargo test -p coherence-kafka-sink configuration_md"
        );
    }

    #[test]
    fn every_setting_is_in_the_page_and_says_what_it_does() {
        let page = markdown();
        for key in worker::WORKER.keys.iter().chain(table::CONNECTOR.keys) {
            assert!(page.contains(&format!("`{}`", key.name)), "{}", key.name);
            assert!(!key.documentation.is_empty(), "{}", key.name);
        }
    }
}
