//! Many small designs in one module, so that one compilation serves them all.

use std::ops::Range;
use std::sync::Arc;

use stagecoach_hdl::native::PortLayout;
use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::{Module, ModuleBuilder};

use crate::Error;

/// A module that holds an instance of each of several designs, with all their ports side by side.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The module: port `p` of design `i` is its port `d<i>_p`; `rst` is common to all.
    pub top: Arc<Module>,
    /// For each design, where its inputs lie among the module's (without `rst`).
    pub inputs: Vec<Range<usize>>,
    /// For each design, where its outputs lie among the module's.
    pub outputs: Vec<Range<usize>>,
}

impl Batch {
    /// Wraps `designs`, whose names must differ, into module `name`.
    ///
    /// # Errors
    /// [`Error::Design`] if the module breaks a rule of the toolkit.
    pub fn new(name: &str, designs: &[Arc<Module>]) -> Result<Batch, Error> {
        let builder = ModuleBuilder::new(name, "Several designs side by side.");
        for (index, design) in designs.iter().enumerate() {
            let instance = builder.instance(&format!("d{index}"), design);
            for port in &design.ports {
                let outer = format!("d{index}_{}", port.name);
                match port.direction {
                    Direction::Input => {
                        instance.input(&port.name, builder.input(&outer, port.width));
                    }
                    Direction::Output => {
                        builder.output(&outer, instance.output(&port.name));
                    }
                }
            }
            for (from, to) in &design.combinational_paths {
                builder.combinational_path(&format!("d{index}_{from}"), &format!("d{index}_{to}"));
            }
        }
        let top = builder.finish().map_err(|errors| Error::Design(errors.to_string()))?;
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        let (mut next_input, mut next_output) = (usize::from(top.has_reset), 0);
        for design in designs {
            let layout = PortLayout::of(design);
            let own = layout.input_limbs - usize::from(layout.has_reset);
            inputs.push(next_input..next_input + own);
            outputs.push(next_output..next_output + layout.output_limbs);
            next_input += own;
            next_output += layout.output_limbs;
        }
        Ok(Batch { top, inputs, outputs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(name: &str, width: u32, has_reset: bool) -> Arc<Module> {
        let m = ModuleBuilder::new(name, "");
        let a = m.input("a", width);
        let register = m.register("held", width);
        if has_reset { register.reset_to(0u32) } else { register }.next(a);
        m.output("b", register.value());
        m.finish().unwrap()
    }

    #[test]
    fn ports_of_designs_follow_each_other() {
        let batch = Batch::new("pair", &[held("one", 65, false), held("two", 8, true)]).unwrap();
        assert_eq!(batch.inputs, [1..3, 3..4]);
        assert_eq!(batch.outputs, [0..2, 2..3]);
        let layout = PortLayout::of(&batch.top);
        assert_eq!(layout.input("d1_a").map(|slot| slot.offset), Some(3));
        assert_eq!(layout.output("d1_b").map(|slot| slot.offset), Some(2));
    }
}
