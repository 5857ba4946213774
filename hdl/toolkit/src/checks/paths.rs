//! No combinational loop, and no combinational path from an input to an output that is not declared.

use petgraph::graph::DiGraph;
use petgraph::visit::{Dfs, Reversed};

use super::error;
use crate::error::DesignError;
use crate::netlist::{Direction, Module, NodeId, Operation};

/// Loops and undeclared paths. An instance's output depends on its inputs as the child declares.
pub(super) fn check(module: &Module) -> Vec<DesignError> {
    let graph = dependencies(module);
    let mut errors = Vec::new();
    for component in petgraph::algo::tarjan_scc(&graph) {
        let first = component[0];
        if component.len() > 1 || graph.contains_edge(first, first) {
            let mut names: Vec<_> =
                component.iter().filter_map(|at| module.nodes[at.index()].name.as_deref()).collect();
            names.sort_unstable();
            let source = component.iter().map(|at| module.nodes[at.index()].source).min_by_key(|s| s.line());
            let source = source.unwrap_or(module.nodes[first.index()].source);
            let through = names.join("`, `");
            errors.push(error(
                module,
                source,
                format!("combinational loop through `{through}`; put a register in"),
            ));
        }
    }
    for (from, to) in &module.combinational_paths {
        for (name, direction) in [(from, Direction::Input), (to, Direction::Output)] {
            let found = module.ports.iter().any(|port| port.name == *name && port.direction == direction);
            if !found && !module.absent_ports.contains(name) {
                let source = module.nodes.first().map_or(std::panic::Location::caller(), |node| node.source);
                let message = format!("a combinational path names port `{name}`, which does not exist");
                errors.push(error(module, source, message));
            }
        }
    }
    for output in module.ports.iter().filter(|port| port.direction == Direction::Output) {
        let reversed = Reversed(&graph);
        let mut search = Dfs::new(reversed, output.node.0.into());
        while let Some(at) = search.next(reversed) {
            let Operation::Input(port) = module.nodes[at.index()].operation else { continue };
            let input = &module.ports[port].name;
            let declared =
                module.combinational_paths.iter().any(|(from, to)| from == input && *to == output.name);
            if !declared {
                let message = format!(
                    "output `{}` depends combinationally on input `{input}`; put a register in between or declare \
                     the path with combinational_path()",
                    output.name
                );
                errors.push(error(module, output.source, message));
            }
        }
    }
    errors
}

/// An edge from each node to the nodes whose value is a function of its present value.
fn dependencies(module: &Module) -> DiGraph<(), ()> {
    let mut graph = DiGraph::with_capacity(module.nodes.len(), module.nodes.len() * 2);
    for _ in &module.nodes {
        graph.add_node(());
    }
    for (position, node) in module.nodes.iter().enumerate() {
        for operand in node.operation.operands() {
            graph.add_edge(operand.0.into(), (position as u32).into(), ());
        }
        if let Operation::InstanceOutput(instance, port) = node.operation {
            for input in instance_dependencies(module, instance.index(), port) {
                graph.add_edge(input.0.into(), (position as u32).into(), ());
            }
        }
    }
    graph
}

/// The drivers of those inputs of an instance on which its output `port` depends combinationally.
pub(crate) fn instance_dependencies(module: &Module, instance: usize, port: usize) -> Vec<NodeId> {
    let instance = &module.instances[instance];
    let child = &instance.module;
    let output = &child.ports[port].name;
    let paths = child.combinational_paths.iter().filter(|(_, to)| to == output);
    paths
        .filter_map(|(from, _)| {
            let (position, _) = child.port(from)?;
            instance.inputs.iter().find(|(input, _)| *input == position).map(|(_, node)| *node)
        })
        .collect()
}
