//! The group: what it assigns and revokes.

use coherence_kafka_rdkafka::record::TopicPartition;

use super::World;

impl World {
    pub(super) fn assign_all(&mut self) {
        let free = self.partitions.iter().filter(|p| p.position.is_none() && !p.gone);
        let free: Vec<_> = free.map(|p| p.tp.clone()).collect();
        // A member for which nothing is left is assigned nothing.
        if !free.is_empty() || self.random.one_in(4) {
            self.owed += 1;
            let saves = self.saves.as_ref();
            self.delivery.on_assigned(free, |tp| saves.and_then(|saves| saves.position(tp)));
            self.perform();
        }
    }

    fn some_assigned(&mut self) -> Vec<TopicPartition> {
        let random = &mut self.random;
        let assigned = self.partitions.iter().filter(|p| p.position.is_some());
        assigned.filter(|_| random.one_in(2)).map(|p| p.tp.clone()).collect()
    }

    pub(super) fn revoke(&mut self) {
        let mut partitions = self.some_assigned();
        partitions.retain(|tp| !self.asked_for.contains(tp));
        self.revoke_these(partitions);
    }

    pub(super) fn revoke_these(&mut self, partitions: Vec<TopicPartition>) {
        self.owed += 1;
        self.asked_for.extend(partitions.iter().cloned());
        self.delivery.on_revoked(partitions, false, self.now);
    }

    /// What was asked for can be lost, too.
    pub(super) fn lose(&mut self) {
        let partitions = self.some_assigned();
        self.owed += 1;
        self.delivery.on_revoked(partitions, true, self.now);
    }

    /// What was fetched of it is still read; the group asks for its partitions some time.
    pub(super) fn delete_topic(&mut self) {
        let topic = format!("t{}", self.random.below(8));
        self.partitions.iter_mut().filter(|p| p.tp.topic == topic).for_each(|p| p.gone = true);
    }

    /// The group revokes partitions that are gone, and assigns those without owner.
    pub(super) fn rebalance(&mut self) {
        let gone = self.partitions.iter().filter(|p| p.gone && p.position.is_some());
        let gone: Vec<_> = gone.map(|p| p.tp.clone()).collect();
        if gone.is_empty() {
            self.assign_all();
        } else {
            self.revoke_these(gone);
            self.perform();
        }
    }
}
