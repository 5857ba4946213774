//! Everything that needs a driver has one. (That nothing has two is checked as it is driven.)

use super::error;
use crate::error::DesignError;
use crate::netlist::{Direction, Module, Operation};

/// Undriven wires, registers without next value, memories without ports, unconnected instance inputs.
pub(super) fn check(module: &Module) -> Vec<DesignError> {
    let mut errors = Vec::new();
    for node in &module.nodes {
        if let Operation::Wire(None) = node.operation {
            let name = node.name.as_deref().unwrap_or("?");
            errors.push(error(module, node.source, format!("wire `{name}` has no driver; call drive()")));
        }
    }
    for register in &module.registers {
        if register.next.is_none() {
            let message = format!("register `{}` has no next value; call next()", register.name);
            errors.push(error(module, register.source, message));
        }
    }
    for memory in &module.memories {
        if memory.write.is_none() || memory.reads.is_empty() {
            let message = format!("memory `{}` needs a write port and one or two read ports", memory.name);
            errors.push(error(module, memory.source, message));
        }
    }
    for instance in &module.instances {
        for (position, port) in instance.module.ports.iter().enumerate() {
            let connected = instance.inputs.iter().any(|(input, _)| *input == position);
            if port.direction == Direction::Input && !connected {
                let message = format!("input `{}` of instance `{}` has no driver", port.name, instance.name);
                errors.push(error(module, instance.source, message));
            }
        }
    }
    errors
}
