//! How a module's ports lie in the two arrays of 64-bit limbs that a simulator exchanges per clock cycle.
//!
//! The native simulator and the Verilator binding share this layout, so one test bench drives both.

use crate::netlist::{Direction, Module};

/// Limbs of 64 bits that hold `width` bits.
pub const fn limbs_of(width: u32) -> usize {
    width.div_ceil(64) as usize
}

/// Where one port lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSlot {
    /// Port name; `rst` for the reset.
    pub name: String,
    /// Width in bits.
    pub width: u32,
    /// Index of its least significant limb.
    pub offset: usize,
    /// Number of limbs, least significant first. Bits above the width are ignored in inputs, zero in outputs.
    pub limbs: usize,
}

/// The layout of a module's inputs and outputs.
///
/// Inputs: one limb for `rst` (bit 0) if the module has a reset, then every input port in the order of
/// [`Module::ports`]. Outputs: every output port in that order. Each port starts at a limb of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortLayout {
    /// Inputs in order, `rst` first if there is one.
    pub inputs: Vec<PortSlot>,
    /// Limbs of all inputs.
    pub input_limbs: usize,
    /// Outputs in order.
    pub outputs: Vec<PortSlot>,
    /// Limbs of all outputs.
    pub output_limbs: usize,
    /// The first input is `rst`.
    pub has_reset: bool,
}

impl PortLayout {
    /// The layout of `module`.
    pub fn of(module: &Module) -> PortLayout {
        let mut layout = PortLayout { has_reset: module.has_reset, ..PortLayout::default() };
        if module.has_reset {
            place(&mut layout.inputs, &mut layout.input_limbs, "rst", 1);
        }
        for port in &module.ports {
            match port.direction {
                Direction::Input => {
                    place(&mut layout.inputs, &mut layout.input_limbs, &port.name, port.width);
                }
                Direction::Output => {
                    place(&mut layout.outputs, &mut layout.output_limbs, &port.name, port.width);
                }
            }
        }
        layout
    }

    /// The slot of input `name` (`rst` included).
    pub fn input(&self, name: &str) -> Option<&PortSlot> {
        self.inputs.iter().find(|slot| slot.name == name)
    }

    /// The slot of output `name`.
    pub fn output(&self, name: &str) -> Option<&PortSlot> {
        self.outputs.iter().find(|slot| slot.name == name)
    }
}

fn place(slots: &mut Vec<PortSlot>, total: &mut usize, name: &str, width: u32) {
    let limbs = limbs_of(width);
    slots.push(PortSlot { name: name.to_owned(), width, offset: *total, limbs });
    *total += limbs;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModuleBuilder;

    #[test]
    fn ports_follow_each_other_with_the_reset_first() {
        let m = ModuleBuilder::new("layout", "");
        let a = m.input("a", 65);
        let b = m.input("b", 3);
        let held = m.register("held", 65).reset_to(0u32);
        held.next(a);
        m.output("wide", held.value());
        m.output("narrow", m.delay("late", b));
        let layout = PortLayout::of(&m.finish().unwrap());
        let of = |slots: &[PortSlot]| {
            slots.iter().map(|s| (s.name.clone(), s.width, s.offset, s.limbs)).collect::<Vec<_>>()
        };
        assert_eq!(
            of(&layout.inputs),
            [("rst".to_owned(), 1, 0, 1), ("a".to_owned(), 65, 1, 2), ("b".to_owned(), 3, 3, 1)]
        );
        assert_eq!(of(&layout.outputs), [("wide".to_owned(), 65, 0, 2), ("narrow".to_owned(), 3, 2, 1)]);
        assert_eq!((layout.input_limbs, layout.output_limbs), (4, 3));
        assert_eq!(layout.input("a").map(|slot| slot.offset), Some(1));
        assert_eq!(layout.output("missing"), None);
    }
}
