//! `partition.assignment.strategy`: class names of Java's assignors to librdkafka's names.

/// The list for librdkafka, and a note where it means less than Java's.
///
/// librdkafka cannot mix eager and cooperative assignors in one list. A Java member with a mixed list, such as the
/// default `range,cooperative-sticky`, rebalances eagerly, because that is what its assignors have in common; so the
/// eager ones of a mixed list are kept.
///
/// # Errors
/// Why the list is refused.
pub(super) fn translate(list: &str) -> Result<(String, Option<String>), String> {
    let mut names = Vec::new();
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        names.push(match item.strip_prefix("org.apache.kafka.clients.consumer.").unwrap_or(item) {
            "RangeAssignor" | "range" => "range",
            "RoundRobinAssignor" | "roundrobin" => "roundrobin",
            "CooperativeStickyAssignor" | "cooperative-sticky" => "cooperative-sticky",
            "StickyAssignor" | "sticky" => {
                return Err(
                    "librdkafka has no StickyAssignor: use CooperativeStickyAssignor, or RangeAssignor"
                        .to_owned(),
                );
            }
            _ => {
                return Err(format!(
                    "unknown assignor {item}: known are RangeAssignor, RoundRobinAssignor and \
                     CooperativeStickyAssignor"
                ));
            }
        });
    }
    let eager: Vec<_> = names.iter().copied().filter(|name| *name != "cooperative-sticky").collect();
    if names.is_empty() {
        return Err("names no assignor".to_owned());
    }
    if eager.is_empty() || eager.len() == names.len() {
        return Ok((names.join(","), None));
    }
    let eager = eager.join(",");
    let note = format!(
        "becomes {eager}: librdkafka cannot mix eager and cooperative assignors, \
         and Java rebalances eagerly with such a list"
    );
    Ok((eager, Some(note)))
}
