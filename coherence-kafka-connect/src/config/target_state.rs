//! The state in which a connector starts.

/// State of a connector after its creation (KIP-980).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InitialState {
    /// Its tasks run.
    #[default]
    Running,
    /// It has no tasks until it is resumed.
    Paused,
    /// It has no tasks until it is resumed; its offsets may be altered.
    Stopped,
}

impl InitialState {
    /// Reads the name of a state, in any case, as Connect does.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "RUNNING" => Some(InitialState::Running),
            "PAUSED" => Some(InitialState::Paused),
            "STOPPED" => Some(InitialState::Stopped),
            _ => None,
        }
    }
}
