//! The state that an operator wants a connector to be in.

/// Connect's target state of a connector; also its `initial_state` (KIP-980).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TargetState {
    /// Its tasks run.
    #[default]
    Running,
    /// Its tasks move no records, and keep what they have of their group. A connector that is created in this state has
    /// no tasks until it is resumed.
    Paused,
    /// It has no tasks until it is resumed; its offsets may be altered.
    Stopped,
}

impl TargetState {
    /// Reads the name of a state, in any case, as Connect does.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "RUNNING" => Some(TargetState::Running),
            "PAUSED" => Some(TargetState::Paused),
            "STOPPED" => Some(TargetState::Stopped),
            _ => None,
        }
    }
}
