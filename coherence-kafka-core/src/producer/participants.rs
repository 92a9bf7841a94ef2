//! The topics that take part in a transaction.

/// The topics of the open transaction.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Participants {
    #[default]
    None,
    /// An isolated topic.
    Only(usize),
    /// For each topic, by its number, whether it participates.
    Shared(Vec<bool>),
}

impl Participants {
    /// Returns the topic, where it is the only one.
    pub(super) fn only(&self) -> Option<usize> {
        match self {
            Participants::None => None,
            Participants::Only(topic) => Some(*topic),
            Participants::Shared(with) => {
                let mut with = (0..with.len()).filter(|topic| with[*topic]);
                with.next().filter(|_| with.next().is_none())
            }
        }
    }
}
