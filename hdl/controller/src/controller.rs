//! The controller: the mapping unit with its registers on AXI4-Lite, and the processing unit before memory.
//!
//! ```text
//!                    ┌─ controller ─────────────────────────────────────────┐
//!  s_axil_* ────────▶│ control ── upd_* ──▶ mapping_unit                    │
//!  irq ◀─────────────│                    req ▲   │ rsp   ▲ ret             │
//!                    │                        │   ▼       │                 │
//!  s_axis_request ──▶│                     processing_unit                  │──▶ m_axis_read
//!  s_axis_payload ──▶│                                                      │──▶ m_axis_completion
//!                    └──────────────────────────┬───────────────────────────┘
//!                                               ▼ m_axi_*: memory
//! ```

use std::sync::Arc;

use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder};
use stagecoach_spec::Config;

use crate::processing::{self, Shape};
use crate::{control, mapping_unit};

/// Describes the controller of a configuration that [`Config::validate`] accepts. The module is called `controller`.
///
/// # Errors
/// What the toolkit's checks find: a mistake in the description, never in the configuration.
pub fn controller(config: &Config) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "controller",
        &format!(
            "Controller: the mapping unit with its registers on AXI4-Lite, and the processing unit before memory.\n\
             Configuration: {config}."
        ),
    );
    let shape = Shape::of(config);
    let (unit_module, control_module) = (mapping_unit(config)?, control::describe(config)?);
    let processing_module = processing::describe(&shape)?;
    let unit = m.instance("mapping_unit_block", &unit_module);
    let control = m.instance("control_block", &control_module);
    let processing = m.instance("processing_unit_block", &processing_module);
    let outside = [(&control, &control_module, "Registers"), (&processing, &processing_module, "Accesses")];
    for (instance, module, section) in outside {
        m.section(section);
        let inputs = module.ports.iter().filter(|port| port.direction == Direction::Input);
        for port in inputs.filter(|port| !is_between(&port.name)) {
            instance.input(&port.name, m.input(&port.name, port.width).doc(&port.doc));
        }
    }
    m.section("Between the blocks");
    for (from, module) in
        [(&control, &control_module), (&processing, &processing_module), (&unit, &unit_module)]
    {
        let outputs = module.ports.iter().filter(|port| port.direction == Direction::Output);
        for port in outputs.filter(|port| is_between(&port.name)) {
            let takers =
                [(&control, &control_module), (&processing, &processing_module), (&unit, &unit_module)];
            let takes = |module: &Module| {
                module
                    .ports
                    .iter()
                    .any(|taken| taken.direction == Direction::Input && taken.name == port.name)
            };
            let wire = from.output_as(&port.name, &format!("between_{}", port.name));
            let takers: Vec<_> = takers.into_iter().filter(|(_, module)| takes(module)).collect();
            for (taker, _) in &takers {
                taker.input(&port.name, wire);
            }
            if takers.is_empty() {
                m.unused(wire);
            }
        }
    }

    m.section("Outputs");
    for (instance, module, _) in outside {
        let outputs = module.ports.iter().filter(|port| port.direction == Direction::Output);
        for port in outputs.filter(|port| !is_between(&port.name)) {
            m.output(&port.name, instance.output(&port.name));
            m.port_doc(&port.name, &port.doc);
        }
    }
    m.output("init_done", unit.output("init_done"));
    m.port_doc("init_done", "every stored entry is clear; no request is answered before");
    m.finish()
}

/// Whether a port leads from one block to another.
fn is_between(port: &str) -> bool {
    port == "init_done" || ["upd_", "req_", "rsp_", "ret_"].iter().any(|prefix| port.starts_with(prefix))
}
