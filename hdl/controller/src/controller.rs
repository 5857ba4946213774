//! The controller: the mapping unit with its registers on AXI4-Lite.
//!
//! ```text
//!               ┌─ controller ──────────────────────────────┐
//!  s_axil_* ───▶│ control ── upd_* ──▶ mapping_unit          │
//!  irq ◀────────│                        ▲ req, ret  │ rsp   │
//!               └────────────────────────┼───────────┼──────┘
//!  req_*, ret_* ─────────────────────────┘           ▼ rsp_*
//! ```
//!
//! All ports of the mapping unit but the update port are the controller's, by the same names.

use std::sync::Arc;

use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder};
use stagecoach_spec::Config;

use crate::{control, mapping_unit};

/// Describes the controller of a configuration that [`Config::validate`] accepts. The module is called `controller`.
///
/// # Errors
/// What the toolkit's checks find: a mistake in the description, never in the configuration.
pub fn controller(config: &Config) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "controller",
        &format!("Controller: the mapping unit with its registers on AXI4-Lite.\nConfiguration: {config}."),
    );
    let (unit_module, control_module) = (mapping_unit(config)?, control::describe(config)?);
    let unit = m.instance("mapping_unit_block", &unit_module);
    let control = m.instance("control_block", &control_module);
    let between = |port: &str| port.starts_with("upd_") || port == "init_done";
    for (instance, module, section) in
        [(&control, &control_module, "Registers"), (&unit, &unit_module, "Lookups")]
    {
        m.section(section);
        for port in
            module.ports.iter().filter(|port| port.direction == Direction::Input && !between(&port.name))
        {
            instance.input(&port.name, m.input(&port.name, port.width).doc(&port.doc));
        }
    }
    m.section("Control's updates, and their answers");
    for name in ["upd_valid", "upd_op", "upd_arg_table", "upd_arg_index", "upd_arg_data"] {
        unit.input(name, control.output_as(name, name));
    }
    for name in ["upd_ready", "upd_done", "upd_error", "upd_result"] {
        control.input(name, unit.output_as(name, name));
    }
    let initialised = unit.output_as("init_done", "initialised");
    control.input("init_done", initialised);

    m.section("Outputs");
    for (instance, module) in [(&control, &control_module), (&unit, &unit_module)] {
        for port in
            module.ports.iter().filter(|port| port.direction == Direction::Output && !between(&port.name))
        {
            m.output(&port.name, instance.output(&port.name));
            m.port_doc(&port.name, &port.doc);
        }
    }
    m.output("init_done", initialised);
    m.port_doc("init_done", "every stored entry is clear; no request is accepted before");
    m.finish()
}
