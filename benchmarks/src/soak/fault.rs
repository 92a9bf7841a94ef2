//! What can go wrong.

use std::fmt;

use coherence_kafka_common::splitmix::SplitMix64;

/// Something that breaks for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All of the grid answers nothing; its connections stay.
    GridFrozen,
    /// The same of one member.
    MemberFrozen,
    /// One member crashes and is started again.
    MemberKilled,
    /// Every connection to the grid breaks; new ones pass.
    PathCut,
    /// One way to the grid refuses connections.
    PathReset,
    /// Nothing passes on any way to the grid; connections stay.
    PathStoppedUp,
    /// The broker answers nothing.
    BrokerFrozen,
    /// The broker is shut down in order and started again.
    BrokerStopped,
    /// The broker crashes and is started again.
    BrokerKilled,
    /// The sink that does not last is ended by SIGTERM and started again.
    SinkStopped,
    /// The same by SIGKILL.
    SinkKilled,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 11] = [
        Fault::GridFrozen,
        Fault::MemberFrozen,
        Fault::MemberKilled,
        Fault::PathCut,
        Fault::PathReset,
        Fault::PathStoppedUp,
        Fault::BrokerFrozen,
        Fault::BrokerStopped,
        Fault::BrokerKilled,
        Fault::SinkStopped,
        Fault::SinkKilled,
    ];

    /// All of them in a random order: a short run sees as many different ones as it has time for.
    pub(super) fn shuffled(random: &mut SplitMix64) -> [Fault; 11] {
        let mut all = Self::ALL;
        for last in (1..all.len()).rev() {
            all.swap(last, random.below(last + 1));
        }
        all
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::GridFrozen => "grid frozen",
            Fault::MemberFrozen => "grid member frozen",
            Fault::MemberKilled => "grid member killed",
            Fault::PathCut => "connections to the grid cut",
            Fault::PathReset => "one way to the grid refused",
            Fault::PathStoppedUp => "ways to the grid stopped up",
            Fault::BrokerFrozen => "broker frozen",
            Fault::BrokerStopped => "broker stopped",
            Fault::BrokerKilled => "broker killed",
            Fault::SinkStopped => "a sink stopped",
            Fault::SinkKilled => "a sink killed",
        })
    }
}
