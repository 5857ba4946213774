//! What [`crate::ModuleBuilder`] checks as values are made, on a finished netlist: widths, and the order of nodes.

use super::error;
use crate::error::DesignError;
use crate::netlist::{Binary, MAX_WIDTH, Module, Node, NodeId, Operation, Unary};

/// Operands that do not come before their node, and widths that do not fit each other.
pub(super) fn check(module: &Module) -> Vec<DesignError> {
    let count = module.nodes.len() as u32;
    let mut errors = Vec::new();
    for (position, node) in module.nodes.iter().enumerate() {
        let before = match node.operation {
            Operation::Wire(_) => count,
            _ => position as u32,
        };
        let operands = node.operation.operands();
        if operands.iter().any(|operand| operand.0 >= before) {
            errors.push(error(module, node.source, format!("node {position} comes before an operand")));
        } else if !fits(module, node) {
            let words = format!("node {position}: widths do not fit: {:?}", node.operation);
            errors.push(error(module, node.source, words));
        }
    }
    if !errors.is_empty() {
        return errors;
    }
    let mut expect = |what: &str, name: &str, node: Option<NodeId>, width: u32, source| {
        let found = node.map(|node| module.nodes.get(node.index()).map_or(0, |node| node.width));
        if let Some(found) = found.filter(|found| *found != width) {
            let words = format!("{what} of `{name}` has {found} bits, not {width}");
            errors.push(error(module, source, words));
        }
    };
    for register in &module.registers {
        let source = register.source;
        expect("value", &register.name, Some(register.node), register.width, source);
        expect("next value", &register.name, register.next, register.width, source);
        expect("enable", &register.name, register.enable, 1, source);
    }
    for memory in &module.memories {
        let (name, source, address) = (&memory.name, memory.source, memory.address_width());
        expect("write enable", name, memory.write.map(|port| port.enable), 1, source);
        expect("write address", name, memory.write.map(|port| port.address), address, source);
        expect("write data", name, memory.write.map(|port| port.data), memory.width, source);
        for read in &memory.reads {
            expect("read enable", name, read.enable, 1, source);
            expect("read address", name, Some(read.address), address, source);
            expect("word", name, Some(read.data), memory.width, source);
        }
    }
    for instance in &module.instances {
        for (port, node) in instance.inputs.iter().chain(&instance.outputs) {
            let width = instance.module.ports[*port].width;
            expect("port", &instance.name, Some(*node), width, instance.source);
        }
    }
    for port in &module.ports {
        expect("port", &port.name, Some(port.node), port.width, port.source);
    }
    for property in module.assertions.iter().chain(&module.covers) {
        expect("condition", &property.name, Some(property.condition), 1, property.source);
    }
    errors
}

/// Whether a node's width goes with its operands', which are known to exist.
fn fits(module: &Module, node: &Node) -> bool {
    let width = |id: &NodeId| module.node(*id).width;
    let own = node.width;
    let is_sound = match &node.operation {
        Operation::Constant(value) => value.bits() <= u64::from(own),
        Operation::EnumConstant(enumeration, variant) => {
            enumeration.width == own && *variant < enumeration.variants.len()
        }
        Operation::Input(port) => module.ports.get(*port).is_some_and(|port| port.width == own),
        Operation::Register(register) => {
            module.registers.get(register.index()).is_some_and(|register| register.width == own)
        }
        Operation::MemoryRead(memory, port) => module
            .memories
            .get(memory.index())
            .is_some_and(|memory| memory.width == own && *port < memory.reads.len()),
        Operation::InstanceOutput(instance, port) => module
            .instances
            .get(instance.index())
            .and_then(|instance| instance.module.ports.get(*port))
            .is_some_and(|port| port.width == own),
        Operation::Wire(driver) => driver.as_ref().is_none_or(|driver| width(driver) == own),
        Operation::Unary(Unary::Not, a) => width(a) == own,
        Operation::Unary(_, _) => own == 1,
        Operation::Binary(operator, a, b) => match operator {
            Binary::And | Binary::Or | Binary::Xor | Binary::Add | Binary::Sub => {
                width(a) == own && width(b) == own
            }
            Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessEqual => {
                width(a) == width(b) && own == 1
            }
            Binary::ShiftLeft | Binary::ShiftRight => width(a) == own && width(b) <= 32,
        },
        Operation::Select { condition, then, otherwise } => {
            width(condition) == 1 && width(then) == own && width(otherwise) == own
        }
        Operation::Slice { of, low } => low + own <= width(of),
        Operation::Concat(parts) => parts.len() >= 2 && parts.iter().map(width).sum::<u32>() == own,
    };
    is_sound && (1..=MAX_WIDTH).contains(&own)
}
