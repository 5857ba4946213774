//! The mapping unit: the stages joined. See the crate's picture.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder};
use stagecoach_spec::Config;

use crate::bundles::{Access, Asked, Beat, Checked, Decided, Early, Flow, Region, Slot, Span, Table};
use crate::slice::Riding;
use crate::table::TableWord;
use crate::update_words::{Arguments, Port};
use crate::widths::Widths;
use crate::{binding, bounds, decide, expand, prepare, region, request, respond, slice, slot, table, update};

/// Describes the mapping unit of a configuration that [`Config::validate`] accepts. Ports as in the contract,
/// section 6; the module is called `mapping_unit`.
///
/// # Errors
/// What the toolkit's checks find: a mistake in the description, never in the configuration.
pub fn mapping_unit(config: &Config) -> Result<Arc<Module>, DesignErrors> {
    let w = &Widths::of(config);
    let m = ModuleBuilder::new(
        "mapping_unit",
        &format!(
            "Mapping unit: (network identifier, key, address, length, operation) to checked physical spans.\n\
             Configuration: {config}. First beat after {} cycles.",
            w.stages.first_beat()
        ),
    );

    m.section("Requests");
    let req_valid = m.input("req_valid", 1).doc("valid/ready: a request");
    let net_id = m.input("req_net_id", w.config.net_id_bits).doc("names the VM on the network");
    let asked = Asked::inputs(&m, "req", &w.asked());
    m.section("Responses");
    let rsp_ready = m.input("rsp_ready", 1);
    m.section("Updates");
    let upd_valid = m.input("upd_valid", 1).doc("valid/ready: an update; answered by upd_done");
    let port = Port::inputs(&m, "upd", &Arguments::WIDTHS);
    m.section("Retirement of granted spans: counted from the version with fences on");
    for (name, width) in [("valid", 1), ("table", w.table), ("frame", w.frame), ("write", 1)] {
        m.unused(m.input(&format!("ret_{name}"), width));
    }

    m.section("Wires of what stands further down");
    let commit_granted = m.wire("commit_granted", 1);
    let token_done = m.wire("token_done", 1);
    let region_seen = m.wire("region_seen", 1);
    let front_credit = m.wire("front_credit", 1);
    let back_credit = m.wire("back_credit", 1);
    let wires = |prefix: &str, fields: &[&str], widths: &[u32]| -> Vec<_> {
        fields.iter().zip(widths).map(|(field, width)| m.wire(&format!("{prefix}_{field}"), *width)).collect()
    };
    let seen_region = Region::from_signals(&wires("seen_region", Region::FIELDS, &w.region_word()));
    let seen_slot = Slot::from_signals(&wires("seen_slot", Slot::FIELDS, &w.slot_word()));

    m.section("update");
    let updates = m.instance("update_block", &update::describe(w)?);
    updates.input("upd_valid", upd_valid);
    port.connect(&updates, "upd");
    updates
        .input("commit_granted", commit_granted)
        .input("token_done", token_done)
        .input("region_seen", region_seen);
    seen_region.connect(&updates, "seen_region");
    seen_slot.connect(&updates, "seen_slot");
    let init_done = updates.output_as("init_done", "initialised");
    let commit_table = updates.output("commit_table");
    let commit_region = updates.output("commit_region");
    let init_write = updates.output("init_write");

    m.section("request");
    let requests = m.instance("request_stage", &request::describe(w)?);
    requests
        .input("init_done", init_done)
        .input("req_valid", req_valid)
        .input("req_net_id", net_id)
        .input("commit_wanted", updates.output("commit_wanted"))
        .input("credit_return", front_credit);
    asked.connect(&requests, "req");
    commit_granted.drive(requests.output("commit_granted"));
    let request_flow = Flow::of_instance(&requests, "out", "request");
    let request_asked = Asked::of_instance(&requests, "out", "request_asked");

    m.section("binding, and prepare beside it");
    let bindings = m.instance("binding_stage", &binding::describe(w)?);
    request_flow.connect(&bindings, "in");
    bindings
        .input("in_net_id", requests.output("out_net_id"))
        .input("commit_binding", updates.output("commit_binding"))
        .input("commit_entry", updates.output("commit_entry"))
        .input("commit_valid", updates.output("commit_valid"))
        .input("commit_net_id", updates.output("commit_net_id"))
        .input("commit_table", commit_table);
    let binding_flow = Flow::of_instance(&bindings, "out", "binding");
    let prepares = m.instance("prepare_block", &prepare::describe(w)?);
    request_asked.connect(&prepares, "in");
    let binding_access = Access::of_instance(&prepares, "out", "binding_access");

    m.section("table");
    let tables = m.instance("table_stage", &table::describe(w)?);
    binding_flow.connect(&tables, "in");
    binding_access.connect(&tables, "in");
    tables
        .input("in_known", bindings.output("out_known"))
        .input("in_table", bindings.output("out_table"))
        .input("commit_table_word", updates.output("commit_table_word"))
        .input("commit_table", commit_table);
    TableWord::of_instance(&updates, "commit", "commit_word").connect(&tables, "commit");
    let table_flow = Flow::of_instance(&tables, "out", "table");
    let table_access = Access::of_instance(&tables, "out", "table_access");
    let table_found = Table::of_instance(&tables, "out", "table_found");

    m.section("slice");
    let slices = m.instance("slice_stage", &slice::describe(w)?);
    table_flow.connect(&slices, "in");
    table_access.connect(&slices, "in");
    table_found.connect(&slices, "in");
    slices.input("commit_region", commit_region);
    let slice_flow = Flow::of_instance(&slices, "out", "slice");
    let slice_early = Early::of_instance(&slices, "out", "slice_early");
    let slice_riding = Riding::of_instance(&slices, "out", "slice_riding");

    m.section("region");
    let regions = m.instance("region_stage", &region::describe(w)?);
    slice_flow.connect(&regions, "in");
    slice_early.connect(&regions, "in");
    slice_riding.connect(&regions, "in");
    regions
        .input("in_region", slices.output("out_region"))
        .input("commit_write_region", updates.output("commit_write_region"))
        .input("init_region", init_write)
        .input("commit_region", commit_region)
        .input("commit_region_word", updates.output("commit_region_word"));
    let region_flow = Flow::of_instance(&regions, "out", "region");
    let region_early = Early::of_instance(&regions, "out", "region_early");
    let region_riding = Riding::of_instance(&regions, "out", "region_riding");
    let region_stored = Region::of_instance(&regions, "out_region", "region_stored");
    region_seen.drive(region_flow.token);
    drive_all(&seen_region.signals(), &region_stored.signals());

    m.section("bounds");
    let compares = m.instance("bounds_stage", &bounds::describe(w)?);
    region_flow.connect(&compares, "in");
    region_early.connect(&compares, "in");
    region_riding.connect(&compares, "in");
    region_stored.connect(&compares, "in_region");
    let bounds_flow = Flow::of_instance(&compares, "out", "bounds");
    let bounds_checked = Checked::of_instance(&compares, "out", "bounds_checked");

    m.section("decide");
    let decides = m.instance("decide_stage", &decide::describe(w)?);
    bounds_flow.connect(&decides, "in");
    bounds_checked.connect(&decides, "in");
    let decided = Decided::of_instance(&decides, "out", "decided");

    m.section("expand");
    let expands = m.instance("expand_stage", &expand::describe(w)?);
    expands.input("in_valid", decides.output("out_valid")).input("credit_return", back_credit);
    decided.connect(&expands, "in");
    let expand_flow = Flow::of_instance(&expands, "out", "expand");
    let expand_span = Span::of_instance(&expands, "out", "expand_span");
    front_credit.drive(expands.output("place_free"));

    m.section("slot");
    let slots = m.instance("slot_stage", &slot::describe(w)?);
    expand_flow.connect(&slots, "in");
    expand_span.connect(&slots, "in");
    slots
        .input("in_slot", expands.output("out_slot"))
        .input("commit_write_slot", updates.output("commit_write_slot"))
        .input("init_slot", init_write)
        .input("commit_slot", updates.output("commit_slot"))
        .input("commit_slot_word", updates.output("commit_slot_word"));
    let slot_flow = Flow::of_instance(&slots, "out", "slot");
    let slot_span = Span::of_instance(&slots, "out", "slot_span");
    let slot_stored = Slot::of_instance(&slots, "out_slot", "slot_stored");
    token_done.drive(slot_flow.token);
    drive_all(&seen_slot.signals(), &slot_stored.signals());

    m.section("respond");
    let responds = m.instance("respond_stage", &respond::describe(w)?);
    responds.input("in_request", slot_flow.request).input("rsp_ready", rsp_ready);
    slot_span.connect(&responds, "in");
    slot_stored.connect(&responds, "in_slot");
    back_credit.drive(responds.output("place_free"));

    m.section("Ports out");
    m.output("req_ready", requests.output("req_ready"));
    m.output("rsp_valid", responds.output("rsp_valid"));
    Beat::of_instance(&responds, "rsp", "beat").outputs(&m, "rsp");
    m.output("upd_ready", updates.output("upd_ready"));
    m.output("upd_done", updates.output("upd_done"));
    m.output("upd_error", updates.output("upd_error"));
    m.output("upd_result", updates.output("upd_result"));
    m.output("init_done", init_done);
    for (port, doc) in PORT_DOCS {
        m.port_doc(port, doc);
    }
    m.finish()
}

fn drive_all<'m>(wires: &[stagecoach_hdl::Signal<'m>], drivers: &[stagecoach_hdl::Signal<'m>]) {
    for (wire, driver) in wires.iter().zip(drivers) {
        wire.drive(*driver);
    }
}

/// A line on each port that its name does not explain.
const PORT_DOCS: &[(&str, &str)] = &[
    ("req_key", "index in 31:8, variant in 7:0"),
    ("req_pd", "protection domain of the asker"),
    ("req_op", "0 remote_read, 1 remote_write, 2 remote_atomic, 3 local_read, 4 local_write"),
    ("req_va", "virtual address of the first byte"),
    ("req_length", "bytes to translate now"),
    ("req_bound", "bytes from req_va that must lie in the region"),
    ("req_stream", "queue pair or other source, handed through"),
    ("req_tag", "handed through"),
    ("req_ready", "a request is accepted"),
    ("rsp_ready", "the beat is taken"),
    ("rsp_tag", "from the request"),
    ("rsp_stream", "from the request"),
    ("rsp_first", "first beat of its request"),
    ("rsp_last", "last beat of its request"),
    ("rsp_valid", "valid/ready: a beat, in request order"),
    ("rsp_fault", "verdict, 0 granted"),
    ("rsp_pa", "physical address of the first byte"),
    ("rsp_span", "bytes"),
    ("rsp_table", "table that the network identifier names"),
    ("upd_ready", "the update is accepted: it acts between the requests before and after this cycle"),
    ("upd_op", "operation"),
    ("upd_arg_table", "table"),
    ("upd_arg_index", "key, slot, entry or staging word"),
    ("upd_arg_data", "see the update port's page"),
    ("upd_done", "one cycle for each accepted update"),
    ("upd_error", "why it was refused, 0 if it was not"),
    ("upd_result", "what peek read"),
    ("init_done", "every stored entry is clear; nothing is accepted before"),
    ("ret_valid", "a granted span with bytes is over"),
    ("ret_table", "its table"),
    ("ret_frame", "its frame"),
    ("ret_write", "it was written, not read"),
];

#[cfg(test)]
mod tests {
    use stagecoach_spec::Preset;

    use super::*;

    #[test]
    fn every_preset_passes_the_structural_checks() {
        for preset in Preset::all() {
            if let Err(errors) = mapping_unit(&preset.config()) {
                panic!("{}: {errors}", preset.name());
            }
        }
    }
}
