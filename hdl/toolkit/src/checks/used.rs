//! Nothing is silently unused: every bit of every input, register, memory word, instance output and named
//! value matters to an output, or is declared with `unused()`.

use super::error;
use crate::error::DesignError;
use crate::netlist::{Direction, Module, NodeId, Operation};

/// Values of which some bits reach nothing.
pub(super) fn check(module: &Module) -> Vec<DesignError> {
    let mut used = Usage::of(module);
    used.spread(module);
    let mut errors = unasked_outputs(module);
    for (position, node) in module.nodes.iter().enumerate() {
        let Some(name) = &node.name else { continue };
        let missing = used.missing(NodeId(position as u32), node.width);
        if let Some((low, high)) = missing {
            let bits = if low == 0 && high == node.width {
                "is".to_owned()
            } else {
                format!("bits {low}..{high} (of 0..{}) are", node.width)
            };
            let message =
                format!("`{name}` {bits} read by nothing that reaches an output; remove or call unused()");
            errors.push(error(module, node.source, message));
        }
    }
    errors
}

/// Outputs of instances that were never asked for.
fn unasked_outputs(module: &Module) -> Vec<DesignError> {
    let mut errors = Vec::new();
    for instance in &module.instances {
        for (position, port) in instance.module.ports.iter().enumerate() {
            let asked = instance.outputs.iter().any(|(output, _)| *output == position);
            if port.direction == Direction::Output && !asked {
                let message = format!(
                    "output `{}` of instance `{}` is asked for by nobody; ask for it, and call unused() if it is not needed",
                    port.name, instance.name
                );
                errors.push(error(module, instance.source, message));
            }
        }
    }
    errors
}

/// Which bits of each node are read, as limbs of 64.
struct Usage {
    bits: Vec<Vec<u64>>,
    work: Vec<NodeId>,
}

impl Usage {
    /// Marks what is read from outside: outputs, declared unused values, properties, memory ports, instances.
    fn of(module: &Module) -> Usage {
        let bits = module.nodes.iter().map(|node| vec![0; node.width.div_ceil(64) as usize]).collect();
        let mut usage = Usage { bits, work: Vec::new() };
        let outputs = module.ports.iter().filter(|port| port.direction == Direction::Output);
        let roots = outputs.map(|port| port.node).chain(module.unused.iter().copied());
        let properties = module.assertions.iter().chain(&module.covers).map(|property| property.condition);
        let inputs =
            module.instances.iter().flat_map(|instance| instance.inputs.iter().map(|(_, node)| *node));
        for root in roots.chain(properties).chain(inputs) {
            usage.mark(root, 0, module.node(root).width);
        }
        usage
    }

    /// Follows reads back from what is marked until nothing new appears.
    fn spread(&mut self, module: &Module) {
        let mut spread_registers = vec![false; module.registers.len()];
        let mut spread_memories = vec![false; module.memories.len()];
        while let Some(id) = self.work.pop() {
            match &module.node(id).operation {
                Operation::Slice { of, low } => self.mark_as(*of, *low, id),
                Operation::Wire(Some(driver)) => self.mark_as(*driver, 0, id),
                Operation::Unary(crate::netlist::Unary::Not, operand) => self.mark_as(*operand, 0, id),
                Operation::Concat(parts) => {
                    let mut low = 0;
                    for part in parts.iter().rev() {
                        let width = module.node(*part).width;
                        let any = (low..low + width).any(|bit| self.is_used(id, bit));
                        if any {
                            let used: Vec<_> = (0..width).filter(|bit| self.is_used(id, low + bit)).collect();
                            used.into_iter().for_each(|bit| self.mark(*part, bit, bit + 1));
                        }
                        low += width;
                    }
                }
                Operation::Register(register) => {
                    let register_index = register.index();
                    let register = &module.registers[register_index];
                    if let Some(next) = register.next {
                        self.mark_as(next, 0, id);
                    }
                    if !std::mem::replace(&mut spread_registers[register_index], true)
                        && let Some(enable) = register.enable
                    {
                        self.mark(enable, 0, 1);
                    }
                }
                Operation::MemoryRead(memory, _) => {
                    if !std::mem::replace(&mut spread_memories[memory.index()], true) {
                        let memory = &module.memories[memory.index()];
                        for port in &memory.reads {
                            self.mark_all(module, port.address);
                            port.enable.into_iter().for_each(|enable| self.mark(enable, 0, 1));
                        }
                        if let Some(port) = &memory.write {
                            self.mark_all(module, port.enable);
                            self.mark_all(module, port.address);
                            self.mark_all(module, port.data);
                        }
                    }
                }
                other => other.operands().into_iter().for_each(|operand| self.mark_all(module, operand)),
            }
        }
    }

    fn mark_all(&mut self, module: &Module, id: NodeId) {
        self.mark(id, 0, module.node(id).width);
    }

    fn mark(&mut self, id: NodeId, low: u32, high: u32) {
        let mut changed = false;
        for bit in low..high {
            let limb = &mut self.bits[id.index()][(bit / 64) as usize];
            changed |= *limb >> (bit % 64) & 1 == 0;
            *limb |= 1 << (bit % 64);
        }
        if changed {
            self.work.push(id);
        }
    }

    /// Marks the bits of `of`, from `low` on, that are used of `reader`.
    fn mark_as(&mut self, of: NodeId, low: u32, reader: NodeId) {
        let width = self.bits[reader.index()].len() as u32 * 64;
        let used: Vec<_> = (0..width).filter(|bit| self.is_used(reader, *bit)).collect();
        for bit in used {
            self.mark(of, low + bit, low + bit + 1);
        }
    }

    fn is_used(&self, id: NodeId, bit: u32) -> bool {
        self.bits[id.index()][(bit / 64) as usize] >> (bit % 64) & 1 == 1
    }

    /// The first run of unused bits, half-open.
    fn missing(&self, id: NodeId, width: u32) -> Option<(u32, u32)> {
        let low = (0..width).find(|bit| !self.is_used(id, *bit))?;
        let high = (low..width).find(|bit| self.is_used(id, *bit)).unwrap_or(width);
        Some((low, high))
    }
}
