//! The garbage that a memory returns when one cycle reads and writes the same address.
//!
//! Every simulator gives the same garbage, so co-simulation stays cycle-exact even for a design that reads it
//! by mistake: a Galois LFSR per read port, stepped once at each collision, repeated over the word.

/// The seed when nobody chooses one; also the default in the generated Verilog.
pub const DEFAULT_SEED: u32 = 0x5eed_c0de;

/// The collision noise of one memory read port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise(u32);

impl Noise {
    /// Noise that starts from `seed`; zero, which the LFSR cannot leave, becomes one.
    pub fn new(seed: u32) -> Noise {
        Noise(seed.max(1))
    }

    /// The 32 bits that the next collision repeats over the word, least significant bits first.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Steps after a collision: polynomial x^32 + x^22 + x^2 + x + 1, Galois form, shifting right.
    pub fn step(&mut self) {
        self.0 = (self.0 >> 1) ^ if self.0 & 1 == 1 { 0x8020_0003 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_neither_stops_nor_repeats_soon() {
        let mut noise = Noise::new(DEFAULT_SEED);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10_000 {
            assert!(noise.bits() != 0 && seen.insert(noise.bits()));
            noise.step();
        }
    }
}
