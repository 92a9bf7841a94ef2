//! New names of topics, remembered: a connector has few topics, and each of its records asks again.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::error::ConnectError;

/// Topics that are remembered; those that come later are renamed again each time.
const CAPACITY: usize = 32;

/// The new names of the first topics.
#[derive(Debug, Default)]
pub(super) struct Topics {
    /// A topic and its new name, if it has one, from the first place on.
    known: [OnceLock<(String, Option<String>)>; CAPACITY],
}

impl Topics {
    /// Returns the new name of a topic, by `rename` where it is not known yet; `None` where it keeps its name.
    pub(super) fn renamed<'a>(
        &'a self,
        topic: &str,
        rename: impl FnOnce(&str) -> Result<Option<String>, ConnectError>,
    ) -> Result<Option<Cow<'a, str>>, ConnectError> {
        let unknown =
            |place: &&OnceLock<(String, Option<String>)>| place.get().is_none_or(|(known, _)| known == topic);
        let place = self.known.iter().find(unknown);
        if let Some((_, renamed)) = place.and_then(OnceLock::get) {
            return Ok(renamed.as_deref().map(Cow::Borrowed));
        }
        let renamed = rename(topic)?;
        if let Some(place) = place {
            // Another thread may have taken the place; then the next record tries the one behind it.
            let _ = place.set((topic.to_owned(), renamed.clone()));
        }
        Ok(renamed.map(Cow::Owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_renamed_once_and_one_beyond_the_capacity_each_time() {
        let topics = Topics::default();
        let mut renamings = 0;
        for round in 0..3 {
            for number in 0..CAPACITY + 2 {
                let topic = format!("t{number}");
                let renamed = topics.renamed(&topic, |topic| {
                    renamings += 1;
                    Ok((number % 2 == 0).then(|| format!("new {topic}")))
                });
                let expected = (number % 2 == 0).then(|| Cow::Owned(format!("new t{number}")));
                assert_eq!(renamed, Ok(expected), "{round}");
            }
        }
        assert_eq!(renamings, CAPACITY + 3 * 2);
    }

    #[test]
    fn a_failure_is_not_remembered() {
        let topics = Topics::default();
        assert!(topics.renamed("t", |_| Err(ConnectError::data("no"))).is_err());
        assert_eq!(topics.renamed("t", |_| Ok(Some("u".to_owned()))), Ok(Some(Cow::Borrowed("u"))));
    }
}
