//! Names are legal in Verilog-2005, SystemVerilog and the C++ that simulators make of them, and unique.

use std::collections::HashMap;

use super::error;
use crate::error::DesignError;
use crate::netlist::{Module, NodeId, Operation, Source};

/// Words that one of the languages reserves. Verilator warns of the C++ ones.
const RESERVED: &str = "always always_comb always_ff always_latch and assert assign assume automatic auto before begin \
    bind bins bit bool break buf bufif0 bufif1 byte case casex casez catch cell char chandle checker class clocking \
    cmos config const constraint context continue cover covergroup coverpoint cross deassign default defparam delete \
    design disable dist do double edge else end endcase endclass endconfig endfunction endgenerate endmodule \
    endprimitive endprogram endproperty endspecify endsequence endtable endtask enum event expect explicit export \
    extends extern false final first_match float for force foreach forever fork forkjoin friend function generate \
    genvar global goto highz0 highz1 if iff ifnone ignore_bins illegal_bins implies import incdir include initial \
    inline inout input inside instance int integer interface intersect join join_any join_none large let liblist \
    library local localparam logic long longint macromodule matches medium modport module mutable namespace nand \
    negedge nettype new nmos nor noshowcancelled not notif0 notif1 null operator or output package packed parameter \
    pmos posedge primitive priority private program property protected public pull0 pull1 pulldown pullup \
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg register \
    reinterpret_cast release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always scalared sequence \
    short shortint shortreal showcancelled signed sizeof small solve specify specparam static static_cast string \
    strong strong0 strong1 struct super supply0 supply1 switch sync_accept_on table tagged task template this throw \
    throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg true try type \
    typedef typeid typename union unique unique0 unsigned until untyped use using uwire var vectored virtual void \
    volatile wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor clk rst";

/// Illegal and repeated names. An output port may have the name of the value it shows.
pub(super) fn check(module: &Module) -> Vec<DesignError> {
    let mut errors = Vec::new();
    for (position, port) in module.ports.iter().enumerate() {
        if module.ports[..position].iter().any(|earlier| earlier.name == port.name) {
            let message = format!("there are two ports called `{}`", port.name);
            errors.push(error(module, port.source, message));
        }
    }
    let mut seen: HashMap<&str, (Source, Option<NodeId>)> = HashMap::new();
    for (name, source, node) in all(module) {
        if let Some(problem) = illegal(name) {
            errors.push(error(module, source, format!("name `{name}` {problem}")));
        }
        match seen.get(name) {
            Some((_, earlier)) if node.is_some() && *earlier == node => {}
            Some((earlier, _)) => {
                let message = format!(
                    "name `{name}` is taken already, at {}:{}; names are unique in a module",
                    earlier.file(),
                    earlier.line()
                );
                errors.push(error(module, source, message));
            }
            None => {
                seen.insert(name, (source, node));
            }
        }
    }
    errors
}

/// Why a name cannot be used; nothing if it can.
pub(crate) fn illegal(name: &str) -> Option<String> {
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !starts_well || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some("is not a letter followed by letters, digits and underscores".to_owned());
    }
    if name.contains("__") || name.ends_with('_') {
        return Some("has a double or trailing underscore, which simulators keep for themselves".to_owned());
    }
    RESERVED.split_whitespace().any(|word| word == name).then(|| "is a reserved word".to_owned())
}

/// Every name of a module, with the node that it names if it names a value.
fn all(module: &Module) -> Vec<(&str, Source, Option<NodeId>)> {
    let mut names = Vec::new();
    for (position, node) in module.nodes.iter().enumerate() {
        // Registers and inputs are nodes too; memories' words and instances' outputs likewise.
        if let Some(name) = &node.name {
            names.push((name.as_str(), node.source, Some(NodeId(position as u32))));
        }
        debug_assert!(!matches!(node.operation, Operation::Register(_)) || node.name.is_some());
    }
    names.extend(module.ports.iter().map(|port| (port.name.as_str(), port.source, Some(port.node))));
    names.extend(module.memories.iter().map(|memory| (memory.name.as_str(), memory.source, None)));
    names.extend(module.instances.iter().map(|instance| (instance.name.as_str(), instance.source, None)));
    let properties = module.assertions.iter().chain(&module.covers);
    names.extend(properties.map(|property| (property.name.as_str(), property.source, None)));
    names
}
