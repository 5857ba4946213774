//! Memories: contents, read registers, collisions.

use super::layout::limbs_of;
use super::program::MemoryPlan;
use super::storage::spare;
use crate::noise::Noise;

/// A memory's contents.
#[derive(Debug)]
pub(super) struct MemoryState {
    words: Vec<u64>,
    limbs: usize,
    noise: Vec<Noise>,
}

impl MemoryState {
    /// A memory whose limbs are first filled by `fill`.
    pub(super) fn new(plan: &MemoryPlan, noise_seed: u32, fill: impl FnOnce(&mut [u64])) -> MemoryState {
        let limbs = limbs_of(plan.width);
        let mut words = vec![0; limbs * plan.depth as usize];
        fill(&mut words);
        let top = u64::MAX >> spare(plan.width);
        words.chunks_exact_mut(limbs).for_each(|word| word[limbs - 1] &= top);
        let noise = vec![Noise::new(noise_seed); plan.reads.len()];
        MemoryState { words, limbs, noise }
    }

    /// The clock edge, with the ports where `plan` says: output registers, then read registers, then the write.
    pub(super) fn edge(&mut self, plan: &MemoryPlan, m: &mut [u64]) {
        let writes = m[plan.write_enable as usize] != 0;
        let written = m[plan.write_address as usize];
        for (read, noise) in plan.reads.iter().zip(&mut self.noise) {
            let register = read.register as usize;
            if let Some(output) = read.output {
                m.copy_within(register..register + self.limbs, output as usize);
            }
            if read.enable.is_some_and(|enable| m[enable as usize] == 0) {
                continue;
            }
            let address = m[read.address as usize];
            let register = &mut m[register..register + self.limbs];
            if writes && address == written {
                let bits = u64::from(noise.bits());
                register.fill(bits << 32 | bits);
                register[self.limbs - 1] &= u64::MAX >> spare(plan.width);
                noise.step();
            } else {
                let first = address as usize * self.limbs;
                register.copy_from_slice(&self.words[first..first + self.limbs]);
            }
        }
        if writes {
            let (first, data) = (written as usize * self.limbs, plan.write_data as usize);
            self.words[first..first + self.limbs].copy_from_slice(&m[data..data + self.limbs]);
        }
    }
}
