//! The controller: the mapping unit with its registers on AXI4-Lite, and the processing unit before memory.
//!
//! ```text
//!                    ┌─ controller ─────────────────────────────────────────┐
//!  s_axil_* ────────▶│ control ─▶ registration_log ── upd_* ──▶ mapping_unit│
//!  irq ◀─────────────│                 │  req ▲   │ rsp   ▲ ret             │──▶ m_axis_log
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
use crate::{control, decoder, mapping_unit, registration_log};

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
    let log_module = if config.log_room() > 0 { Some(registration_log::describe(config)?) } else { None };
    let unit = m.instance("mapping_unit_block", &unit_module);
    let control = m.instance("control_block", &control_module);
    let processing = m.instance("processing_unit_block", &processing_module);
    let log = log_module.as_ref().map(|module| (m.instance("registration_log_block", module), module));
    let decoder_module = match shape.has_decoder() {
        true => Some(decoder::describe(&decoder::Shape::of(config))?),
        false => None,
    };
    let decoder = decoder_module.as_ref().map(|module| (m.instance("packet_decoder_block", module), module));
    let mut outside =
        vec![(&control, &control_module, "Registers"), (&processing, &processing_module, "Accesses")];
    if let Some((instance, module)) = &log {
        outside.push((instance, *module, "The registration log"));
    }
    if let Some((instance, module)) = &decoder {
        outside.push((instance, *module, "Frames"));
    }
    let has_decoder = decoder.is_some();
    for (instance, module, section) in &outside {
        m.section(section);
        let inputs = module.ports.iter().filter(|port| port.direction == Direction::Input);
        for port in inputs.filter(|port| !is_between(&port.name, has_decoder)) {
            instance.input(&port.name, m.input(&port.name, port.width).doc(&port.doc));
        }
    }
    m.section("Between the blocks");
    let arguments = ["valid", "op", "arg_table", "arg_index", "arg_data"];
    let answers = ["ready", "done", "error", "result"];
    let named = |prefix: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{prefix}_{name}")).collect()
    };
    let before = if let Some((log, _)) = &log {
        for (control_port, log_port) in named("upd", &arguments).iter().zip(named("log", &arguments)) {
            log.input(&log_port, control.output(control_port));
        }
        for (log_port, control_port) in named("log", &answers).iter().zip(named("upd", &answers)) {
            control.input(&control_port, log.output(log_port));
        }
        log.input("log_epoch", control.output("log_epoch"));
        control.input("log_room", log.output("log_room"));
        log
    } else {
        &control
    };
    for port in named("upd", &arguments) {
        unit.input(&port, before.output(&port));
    }
    for port in named("upd", &answers) {
        before.input(&port, unit.output(&port));
    }
    control.input("init_done", unit.output("init_done"));
    let mut joined = vec![
        (&processing, &processing_module, &unit, &unit_module, OF_REQUESTS),
        (&unit, &unit_module, &processing, &processing_module, OF_REQUESTS),
    ];
    if let Some((decoder, module)) = &decoder {
        joined.extend([
            (decoder, *module, &processing, &processing_module, OF_ACCESSES),
            (&processing, &processing_module, decoder, *module, OF_ACCESSES),
            (decoder, *module, &control, &control_module, OF_COMMANDS),
            (&control, &control_module, decoder, *module, OF_COMMANDS),
        ]);
    }
    for (from, module, to, takers, prefixes) in joined {
        let accesses = |port: &str| prefixes.iter().any(|prefix| port.starts_with(prefix));
        for port in
            module.ports.iter().filter(|port| port.direction == Direction::Output && accesses(&port.name))
        {
            let wire = from.output(&port.name);
            if takers.ports.iter().any(|taken| taken.direction == Direction::Input && taken.name == port.name)
            {
                to.input(&port.name, wire);
            } else {
                m.unused(wire);
            }
        }
    }

    m.section("Outputs");
    for (instance, module, _) in &outside {
        let outputs = module.ports.iter().filter(|port| port.direction == Direction::Output);
        for port in outputs.filter(|port| !is_between(&port.name, has_decoder)) {
            m.output(&port.name, instance.output(&port.name));
            m.port_doc(&port.name, &port.doc);
        }
    }
    m.output("init_done", unit.output("init_done"));
    m.port_doc("init_done", "every stored entry is clear; no request is answered before");
    m.finish()
}

/// Prefixes of the ports between processing unit and mapping unit.
const OF_REQUESTS: &[&str] = &["req_", "rsp_", "ret_"];
/// Prefixes of the ports between packet decoder and processing unit.
const OF_ACCESSES: &[&str] = &["s_axis_request_", "s_axis_payload_", "message_"];
/// Prefixes of the ports between packet decoder and block `control`.
const OF_COMMANDS: &[&str] = &["command_", "frames_"];

/// Whether a port leads from one block to another.
fn is_between(port: &str, has_decoder: bool) -> bool {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| port.starts_with(prefix));
    port == "init_done"
        || starts(&["upd_", "log_"])
        || starts(OF_REQUESTS)
        || has_decoder && (starts(OF_ACCESSES) || starts(OF_COMMANDS))
}
