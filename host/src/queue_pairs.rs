//! Which queue pairs the packet decoder knows, and where each stands in its tables.
//!
//! A plan of what to tell the decoder, as the [`Planner`] makes one for bindings: a queue pair that has to make room for
//! another is written to its new entry before it leaves the old one, so its frames never miss it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use stagecoach_planner::{PlanError, Planner};
use stagecoach_spec::queue_pair::{identifier, table_config};
use stagecoach_spec::{Config, NetId, QueuePair, QueuePairUpdate, Update};
use thiserror::Error;

/// Why there is no plan. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueuePairError {
    /// The configuration has no packet decoder.
    #[error("there is no packet decoder: set processing.frontend = \"roce\"")]
    NoDecoder,
    /// So many are known.
    #[error("{count} queue pairs are known, and no more can be: remove one, or raise processing.queue_pairs")]
    Full {
        /// So many.
        count: u32,
    },
    /// The VM has a queue pair of that number.
    #[error("the VM has queue pair {qpn:#08x} already: remove it first")]
    Known {
        /// Its number.
        qpn: u32,
    },
    /// The VM has no queue pair of that number.
    #[error("the VM has no queue pair {qpn:#08x}")]
    Unknown {
        /// The number.
        qpn: u32,
    },
    /// A number has 24 bits.
    #[error("queue pair number {qpn:#x} is wider than 24 bits")]
    TooWide {
        /// The number.
        qpn: u32,
    },
    /// No entry can be made free.
    #[error("queue pair {qpn:#08x} finds no place in the table: {reason}")]
    NoPlace {
        /// Its number.
        qpn: u32,
        /// Why.
        reason: PlanError,
    },
}

/// The queue pairs of a controller, all made through this.
#[derive(Clone, Debug)]
pub struct QueuePairs {
    planner: Planner,
    count: u32,
    indexes: BTreeMap<(NetId, u32), u16>,
    /// The one that was given back longest ago comes first, so that nothing of it is under way any more.
    free: VecDeque<u16>,
}

impl QueuePairs {
    /// Those of a controller that knows none yet.
    ///
    /// # Errors
    /// The configuration has no packet decoder.
    pub fn new(config: &Config) -> Result<QueuePairs, QueuePairError> {
        let count = config.processing.queue_pairs();
        if count == 0 {
            return Err(QueuePairError::NoDecoder);
        }
        let free = (0..count).filter_map(|index| u16::try_from(index).ok()).collect();
        Ok(QueuePairs { planner: Planner::new(&table_config(config)), count, indexes: BTreeMap::new(), free })
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.indexes.len()
    }

    /// None is.
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    /// The index of a queue pair.
    pub fn index(&self, net_id: NetId, qpn: u32) -> Option<u16> {
        self.indexes.get(&(net_id, qpn)).copied()
    }

    /// A VM gets a queue pair, without an open message. What is given back is to be told to the decoder, in this order.
    ///
    /// # Errors
    /// As [`QueuePairError`] says.
    pub fn add(
        &mut self,
        net_id: NetId,
        qpn: u32,
        context: QueuePair,
    ) -> Result<Vec<QueuePairUpdate>, QueuePairError> {
        if qpn >> 24 != 0 {
            return Err(QueuePairError::TooWide { qpn });
        }
        if self.index(net_id, qpn).is_some() {
            return Err(QueuePairError::Known { qpn });
        }
        let index = *self.free.front().ok_or(QueuePairError::Full { count: self.count })?;
        let plan = self.planner.bind(identifier(net_id, qpn), index);
        let plan = plan.map_err(|reason| QueuePairError::NoPlace { qpn, reason })?;
        let mut updates = alloc::vec![
            QueuePairUpdate::Context { index, context },
            QueuePairUpdate::Message { index, message: None },
        ];
        updates.extend(self.play(&plan, qpn)?);
        self.free.pop_front();
        self.indexes.insert((net_id, qpn), index);
        Ok(updates)
    }

    /// A VM gives a queue pair back: frames for it are dropped from now on.
    ///
    /// # Errors
    /// As [`QueuePairError`] says.
    pub fn remove(&mut self, net_id: NetId, qpn: u32) -> Result<Vec<QueuePairUpdate>, QueuePairError> {
        let index = self.index(net_id, qpn).ok_or(QueuePairError::Unknown { qpn })?;
        let plan = self.planner.unbind(identifier(net_id, qpn));
        let plan = plan.map_err(|reason| QueuePairError::NoPlace { qpn, reason })?;
        let updates = self.play(&plan, qpn)?;
        self.indexes.remove(&(net_id, qpn));
        self.free.push_back(index);
        Ok(updates)
    }

    /// The entries that a plan writes: who moves is written to its new place first.
    fn play(&mut self, plan: &[Update], qpn: u32) -> Result<Vec<QueuePairUpdate>, QueuePairError> {
        let mut planner = self.planner.clone();
        let mut updates = Vec::new();
        for update in plan {
            let who = match *update {
                Update::Bind { net_id, .. } | Update::Unbind { net_id, .. } | Update::Move { net_id, .. } => {
                    net_id
                }
                _ => continue,
            };
            let before = planner.entry_of(who);
            let refused = |error| QueuePairError::NoPlace { qpn, reason: PlanError::Refused(error) };
            planner.follow(update).map_err(refused)?;
            let after = planner.entry_of(who);
            if let Some((entry, taken)) = after.and_then(|entry| Some((entry, planner.at(entry)?))) {
                updates.push(QueuePairUpdate::Entry { entry: entry as u16, taken: Some(taken) });
            }
            if let Some(entry) = before.filter(|_| before != after) {
                updates.push(QueuePairUpdate::Entry { entry: entry as u16, taken: None });
            }
        }
        self.planner = planner;
        Ok(updates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_model::decoder::Decoder;
    use stagecoach_spec::queue_pair::table_shape;
    use stagecoach_spec::{Frontend, Preset, Processing};

    fn config(queue_pairs: u32) -> Config {
        let config = Preset::Roce.config();
        let processing = Processing {
            frontend: Frontend::Roce,
            queue_pairs: Some(queue_pairs),
            ..config.processing.clone()
        };
        Config { processing, stream_bits: 24, tag_bits: 32, ..config }
    }

    #[test]
    fn as_many_as_are_configured_find_a_place_and_come_and_go() {
        let config = config(256);
        config.validate().unwrap();
        let mut pairs = QueuePairs::new(&config).unwrap();
        let mut decoder = Decoder::new(&config);
        let context = QueuePair { peer: NetId::from_u128(7), pd: 1, allows: QueuePair::ALL };
        // In four VMs. The first 70 have all their places in the first quarter of the ways, so some must make room.
        let shape = table_shape(&config);
        let seeds = shape.initial_seeds();
        let crowd = |(net_id, qpn): &(NetId, u32)| {
            seeds.iter().all(|seed| shape.bucket(*seed, identifier(*net_id, *qpn)) < shape.depth() / 4)
        };
        let numbers = (1..1 << 24).map(|qpn| (NetId::from_u128(u128::from(qpn % 4)), qpn));
        let crowded: Vec<_> = numbers.clone().filter(crowd).take(70).collect();
        let others = numbers.filter(|pair| !crowd(pair)).take(186);
        let all: Vec<_> = crowded.iter().copied().chain(others).collect();
        let mut moved = 0;
        for (number, (net_id, qpn)) in all.iter().enumerate() {
            let updates = pairs.add(*net_id, *qpn, context);
            for update in updates.unwrap_or_else(|error| panic!("{number}: {error}")) {
                decoder.update(&update);
                moved += usize::from(matches!(update, QueuePairUpdate::Entry { taken: None, .. }));
                // Whoever is known is found, whatever moves.
                for (net_id, qpn) in &all[..number] {
                    assert_eq!(decoder.find(*net_id, *qpn), pairs.index(*net_id, *qpn));
                }
            }
        }
        assert!(moved > 0, "some had to make room");
        assert_eq!(pairs.len(), 256);
        let more = pairs.add(NetId::from_u128(9), 1, context);
        assert_eq!(more, Err(QueuePairError::Full { count: 256 }));
        assert_eq!(pairs.add(all[0].0, all[0].1, context), Err(QueuePairError::Known { qpn: all[0].1 }));
        for (net_id, qpn) in &all {
            assert_eq!(decoder.find(*net_id, *qpn), pairs.index(*net_id, *qpn));
        }
        let first = pairs.index(all[0].0, all[0].1).unwrap();
        for update in pairs.remove(all[0].0, all[0].1).unwrap() {
            decoder.update(&update);
        }
        assert_eq!(decoder.find(all[0].0, all[0].1), None);
        assert_eq!(pairs.remove(all[0].0, all[0].1), Err(QueuePairError::Unknown { qpn: all[0].1 }));
        for update in pairs.add(all[0].0, 0x77_7777, context).unwrap() {
            decoder.update(&update);
        }
        assert_eq!(pairs.index(all[0].0, 0x77_7777), Some(first), "the only free index");
        assert_eq!(decoder.find(all[0].0, 0x77_7777), Some(first));
    }

    #[test]
    fn any_numbers_fill_the_table_as_far_as_is_configured() {
        let context = QueuePair { peer: NetId::from_u128(7), pd: 1, allows: QueuePair::ALL };
        for count in [16, 256, 4096] {
            let config = config(count);
            let strides = [1, 2, 16, 0x101, 0x9e_3779, 0x55_5555];
            for (stride, vms) in strides.into_iter().flat_map(|stride| [(stride, 1), (stride, 64)]) {
                let mut pairs = QueuePairs::new(&config).unwrap();
                for n in 0..count {
                    let vm = NetId::from_u128(0xffff_0a00_0000 + u128::from(n % vms));
                    let qpn = (n / vms).wrapping_mul(stride).wrapping_add(0x11) & 0xff_ffff;
                    let added = pairs.add(vm, qpn, context);
                    added.unwrap_or_else(|error| panic!("{count}, {stride:#x}, {vms}: {error}"));
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(matches!(QueuePairs::new(&Preset::Roce.config()), Err(QueuePairError::NoDecoder)));
        let mut pairs = QueuePairs::new(&config(16)).unwrap();
        let context = QueuePair { peer: NetId::from_u128(7), pd: 1, allows: QueuePair::ALL };
        let wide = pairs.add(NetId::from_u128(1), 1 << 24, context);
        assert_eq!(wide, Err(QueuePairError::TooWide { qpn: 1 << 24 }));
    }
}
