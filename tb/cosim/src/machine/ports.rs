//! A top's ports by name, for engines of any kind.

use std::collections::HashMap;

use stagecoach_hdl::native::{PortLayout, PortSlot};

/// What is at the ports in a cycle.
#[derive(Clone, Debug)]
pub struct Ports {
    input_places: HashMap<String, PortSlot>,
    output_places: HashMap<String, PortSlot>,
    /// The limbs of all inputs.
    pub inputs: Vec<u64>,
    /// The limbs of all outputs.
    pub outputs: Vec<u64>,
}

impl Ports {
    /// All zero.
    pub fn new(layout: &PortLayout) -> Ports {
        let by_name =
            |slots: &[PortSlot]| slots.iter().map(|slot| (slot.name.clone(), slot.clone())).collect();
        Ports {
            input_places: by_name(&layout.inputs),
            output_places: by_name(&layout.outputs),
            inputs: vec![0; layout.input_limbs],
            outputs: vec![0; layout.output_limbs],
        }
    }

    /// Sets an input; a field of no bits has no port.
    pub fn set(&mut self, port: &str, value: u64) {
        self.set_wide(port, &[value]);
    }

    /// Sets a wide input, least significant limb first.
    pub fn set_wide(&mut self, port: &str, value: &[u64]) {
        if let Some(slot) = self.input_places.get(port) {
            for limb in 0..slot.limbs {
                self.inputs[slot.offset + limb] = value.get(limb).copied().unwrap_or(0);
            }
        }
    }

    /// The lowest 64 bits of an output; 0 if there is none of that name.
    pub fn get(&self, port: &str) -> u64 {
        self.output_places.get(port).map_or(0, |slot| self.outputs[slot.offset])
    }

    /// An output, least significant limb first.
    pub fn get_wide(&self, port: &str) -> Vec<u64> {
        let slot = self.output_places.get(port);
        slot.map_or(Vec::new(), |slot| self.outputs[slot.offset..slot.offset + slot.limbs].to_vec())
    }
}

/// Bytes as limbs.
pub fn limbs(bytes: &[u8]) -> Vec<u64> {
    let limb = |part: &[u8]| part.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
    bytes.chunks(8).map(limb).collect()
}

/// Limbs as bytes.
pub fn bytes(limbs: &[u64]) -> Vec<u8> {
    limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}
