//! The names that Kafka accepts for topics.

/// The characters that a name may have at most.
const MAX_LEN: usize = 249;

/// Checks the name of a topic as Kafka's `Topic.validate` does.
///
/// # Errors
/// Why Kafka refuses the name.
pub fn check_topic_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("it is empty")
    } else if name == "." || name == ".." {
        Err("it cannot be . or ..")
    } else if name.len() > MAX_LEN {
        Err("it is longer than 249 characters")
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        Err("it may hold ASCII letters, digits, dot, underscore and dash")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_kafka_refuses_are_refused() {
        for bad in ["", ".", "..", "a b", "ä", "a/b", "a\n", &"x".repeat(250)] {
            assert!(check_topic_name(bad).is_err(), "{bad}");
        }
        for good in ["a", "A.b_c-9", "...", &"x".repeat(249)] {
            assert_eq!(check_topic_name(good), Ok(()), "{good}");
        }
    }
}
