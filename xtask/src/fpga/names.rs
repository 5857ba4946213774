//! From the names of placed cells back to the registers and memories of the description.
//!
//! Yosys names a cell after a wire that it drives, with the cell types on the way, `state_TRELLIS_FF_Q_1_DI_LUT4_Z`,
//! and the wire need not be the register: it may be an output that shows it. What is certain is the wire at a
//! flip-flop's output, which bears the register's name among others.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result};
use serde::Deserialize;
use stagecoach_hdl::Module;

use super::harness::{MEASURED, TOP};

/// What yosys joins to a wire's name to name a cell.
const JOINTS: [&str; 8] =
    ["_TRELLIS_FF_", "_LUT4_", "_CCU2C_", "_PFUMX_", "_L6MUX21_", "_DP16KD_", "_TRELLIS_DPR16X4_", "_INV_"];

/// The part of yosys's netlist that names are read from.
#[derive(Deserialize)]
struct Netlist {
    modules: HashMap<String, NetlistModule>,
}

#[derive(Deserialize)]
struct NetlistModule {
    cells: HashMap<String, Cell>,
    netnames: BTreeMap<String, Wire>,
}

#[derive(Deserialize)]
struct Cell {
    r#type: String,
    connections: HashMap<String, Vec<Bit>>,
}

#[derive(Deserialize)]
struct Wire {
    bits: Vec<Bit>,
}

/// A bit of a wire, or a constant.
#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Bit {
    Wire(u32),
    Constant(String),
}

/// The names of a placed design's cells.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Flip-flops of the top level, and the register that each belongs to.
    flip_flops: HashMap<String, String>,
    /// Every register and memory of the measured module, with its instances before it.
    state: HashSet<String>,
}

impl Names {
    /// Reads the netlist that yosys wrote of `module` behind its harness.
    ///
    /// # Errors
    /// It is no netlist.
    pub fn read(netlist: &str, module: &Module) -> Result<Names> {
        let mut state = HashSet::new();
        add_state(module, "", &mut state);
        Names::of(netlist, state)
    }

    /// Reads a netlist whose registers and memories have these names.
    fn of(netlist: &str, state: HashSet<String>) -> Result<Names> {
        let mut netlist: Netlist = serde_json::from_str(netlist).context("not a netlist of yosys")?;
        let top = netlist.modules.remove(TOP).context("the netlist holds no module `top`")?;
        let mut wires: HashMap<u32, &str> = HashMap::new();
        for (name, wire) in &top.netnames {
            let Some(name) = measured(name) else { continue };
            if !state.contains(name) {
                continue;
            }
            for bit in &wire.bits {
                if let Bit::Wire(bit) = bit {
                    wires.insert(*bit, name);
                }
            }
        }
        let flip_flops = top
            .cells
            .iter()
            .filter(|(_, cell)| cell.r#type == "TRELLIS_FF")
            .filter_map(|(name, cell)| match cell.connections.get("Q")?.first()? {
                Bit::Wire(bit) => Some((name.clone(), (*wires.get(bit)?).to_owned())),
                Bit::Constant(_) => None,
            })
            .collect();
        Ok(Names { flip_flops, state })
    }

    /// The register or memory that a cell belongs to. What belongs to none keeps the name that yosys gave it, without
    /// what it joined to it.
    pub fn of_cell(&self, cell: &str) -> String {
        if let Some(register) = self.flip_flops.get(cell) {
            return register.clone();
        }
        let Some(name) = measured(cell) else { return format!("harness: {}", unjoined(cell)) };
        let name = unjoined(name);
        // The longest beginning, at a dot, that is a register or a memory: wrappers lie below it.
        let ends = name.match_indices('.').map(|(place, _)| place).chain([name.len()]);
        let known = ends.map(|end| &name[..end]).rfind(|start| self.state.contains(*start));
        known.unwrap_or(name).to_owned()
    }
}

/// Every register and memory below a module.
fn add_state(module: &Module, path: &str, state: &mut HashSet<String>) {
    let registers = module.registers.iter().map(|register| &register.name);
    let memories = module.memories.iter().map(|memory| &memory.name);
    state.extend(registers.chain(memories).map(|name| format!("{path}{name}")));
    for instance in &module.instances {
        add_state(&instance.module, &format!("{path}{}.", instance.name), state);
    }
}

/// The name inside the measured module, if it is there.
fn measured(name: &str) -> Option<&str> {
    name.strip_prefix(MEASURED)?.strip_prefix('.')
}

/// A name without what yosys joined to it.
fn unjoined(name: &str) -> &str {
    let end = JOINTS.iter().filter_map(|joint| name.find(joint)).min();
    &name[..end.unwrap_or(name.len())]
}

/// Names for the samples beside this file.
#[cfg(test)]
pub fn sample() -> Names {
    let state = ["update_block.argument_op", "update_block.state", "slot_stage.slot_memory"];
    Names::of(include_str!("samples/netlist.json"), state.map(str::to_owned).into()).unwrap()
}

#[cfg(test)]
mod tests {
    use stagecoach_spec::Preset;

    use super::*;

    #[test]
    fn registers_and_memories_are_found_with_their_instances() {
        let module = stagecoach::design::module(&Preset::Tiny.config()).unwrap();
        let mut state = HashSet::new();
        add_state(&module, "", &mut state);
        for name in ["update_block.argument_op", "slot_stage.slot_memory"] {
            assert!(state.contains(name), "{name}");
        }
    }

    #[test]
    fn a_flip_flop_has_its_registers_name_whatever_yosys_called_it() {
        let names = sample();
        let cell = "dut.update_block.upd_done_TRELLIS_FF_Q_DI_LUT4_Z_TRELLIS_FF_DI_Q_TRELLIS_FF_Q";
        assert_eq!(names.of_cell(cell), "update_block.state");
        assert_eq!(names.of_cell("dut.update_block.argument_op_TRELLIS_FF_Q_2"), "update_block.argument_op");
    }

    #[test]
    fn a_block_ram_has_its_memorys_name() {
        let names = sample();
        assert_eq!(names.of_cell("dut.slot_stage.slot_memory.blocks.block[3].ram"), "slot_stage.slot_memory");
        assert_eq!(
            names.of_cell("dut.slot_stage.slot_memory.memory.0.1$DPRAM_COMB3"),
            "slot_stage.slot_memory"
        );
    }

    #[test]
    fn what_is_not_ours_says_so() {
        let names = sample();
        assert_eq!(names.of_cell("settled_TRELLIS_FF_Q_12"), "harness: settled");
        assert_eq!(names.of_cell("dut.update_block.strange_LUT4_Z"), "update_block.strange");
    }
}
