//! The mapping unit: the stages joined. See the crate's picture.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, InstanceHandle, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Config, Cuckoo, Protection};

use crate::binding_cuckoo::Slices;
use crate::bundles::{
    Access, Asked, Beat, Check, Checked, Decided, Early, Flow, Formed, Issued, Region, Slot, Span, Table,
};
use crate::fault_log::LogEntry;
use crate::retire::Retirement;
use crate::slice::Riding;
use crate::table::Found;
use crate::table_state::State;
use crate::update_seen::Seen;
use crate::update_words::{Arguments, Port};
use crate::widths::Widths;
use crate::{
    binding, binding_cuckoo, bounds, counters, cuckoo_entries, decide, dirty, expand, fault_log, fence,
    prepare, region, request, respond, retire, scrub, slice, slot, table, table_state, update,
};

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
    m.section("Retirement of granted spans");
    let retirement = Retirement::inputs(&m, "ret", &w.retirement());

    m.section("Wires of what stands further down");
    let commit_granted = m.wire("commit_granted", 1);
    let token_done = m.wire("token_done", 1);
    let region_seen = m.wire("region_seen", 1);
    let slot_seen = m.wire("slot_seen", 1);
    let front_credit = m.wire("front_credit", 1);
    let back_credit = m.wire("back_credit", 1);
    let (flight_retired, flight_unused) = (m.wire("flight_retired", 1), m.wire("flight_unused", 1));
    let drained = m.wire("drained", 1);
    let counter_value = m.wire("counter_value", counters::COUNT);
    let harvested = m.wire("harvested", dirty::WORD);
    let unsure = m.wire("dirty_unsure", w.corrupt());
    let tracking_raw =
        m.wire("tracking_raw", if w.corrupt() == 0 { 0 } else { w.coded(w.tracking().iter().sum()) });
    let wires = |prefix: &str, fields: &[&str], widths: &[u32]| -> Vec<_> {
        fields.iter().zip(widths).map(|(field, width)| m.wire(&format!("{prefix}_{field}"), *width)).collect()
    };
    let seen_region = Region::from_signals(&wires("seen_region", Region::FIELDS, &w.region_word()));
    let seen_slot = Slot::from_signals(&wires("seen_slot", Slot::FIELDS, &w.slot_word()));
    let seen = Seen::from_signals(&wires("seen", Seen::FIELDS, &w.seen()));
    let scrubs = w.config.protection == Protection::Secded;
    let memories = scrub::memories(w);
    let checks: Vec<_> = memories
        .iter()
        .map(|(name, bits)| {
            Check::from_signals(&wires(&format!("{name}_check"), Check::FIELDS, &w.check(*bits)))
        })
        .collect();
    let logged =
        has_log(w).then(|| LogEntry::from_signals(&wires("logged", LogEntry::FIELDS, &w.log_entry_fields())));
    let erase_done = has_log(w).then(|| m.wire("erase_done", 1));

    m.section("update");
    let updates = m.instance("update_block", &update::describe(w)?);
    updates.input("upd_valid", upd_valid);
    port.connect(&updates, "upd");
    updates
        .input("commit_granted", commit_granted)
        .input("token_done", token_done)
        .input("region_seen", region_seen)
        .input("slot_seen", slot_seen)
        .input("drained", drained)
        .input("counter_value", counter_value)
        .input("harvested", harvested)
        .input("dirty_unsure", unsure)
        .input("tracking_raw", tracking_raw);
    seen_region.connect(&updates, "seen_region");
    seen_slot.connect(&updates, "seen_slot");
    seen.connect(&updates, "seen");
    if scrubs {
        for ((name, _), check) in memories.iter().zip(&checks) {
            check.connect(&updates, &format!("{name}_check"));
        }
    }
    if let (Some(logged), Some(erase_done)) = (&logged, erase_done) {
        logged.connect(&updates, "logged");
        updates.input("erase_done", erase_done);
    }
    let peeks = |port: &str| if w.corrupt() == 0 { m.zero(0) } else { updates.output(port) };
    let init_done = updates.output_as("init_done", "initialised");
    let commit_table = updates.output("commit_table");
    let commit_region = updates.output("commit_region");
    let commit_slot = updates.output("commit_slot");
    let (init, init_place) = (updates.output("init"), updates.output("init_place"));
    // The list of a cuckoo CAM's entries may be the longest of the smaller memories, and lies in `update`.
    if w.is_cuckoo() {
        m.unused(init_place);
    }

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
    let request_net_id = requests.output("out_net_id");

    m.section("binding, and prepare beside it");
    let bindings = if w.is_cuckoo() {
        let bindings = m.instance("binding_stage", &binding_cuckoo::describe(w)?);
        bindings
            .input("req_net_id", net_id)
            .input("in_net_id", request_net_id)
            .input("init", init)
            .input("init_place", init_place.low(w.cuckoo().bucket_bits()))
            .input("reseed_way", updates.output("reseed_way"))
            .input("reseed_seed", updates.output("reseed_seed"));
        for field in cuckoo_entries::Commit::FIELDS {
            let port = format!("commit_{field}");
            bindings.input(&port, updates.output(&port));
        }
        for way in 0..Cuckoo::WAYS {
            let seed = bindings.output_as(&format!("seed{way}"), &format!("binding_seed{way}"));
            updates.input(&format!("seed{way}"), seed);
        }
        bindings
    } else {
        let bindings = m.instance("binding_stage", &binding::describe(w)?);
        bindings
            .input("commit_table", commit_table)
            .input("commit_binding", updates.output("commit_binding"))
            .input("commit_entry", updates.output("commit_entry"))
            .input("commit_identifier", updates.output("commit_identifier"))
            .input("commit_number", updates.output("commit_number"));
        match w.config.protection {
            Protection::None => {
                if w.config.fault_log_entries == 0 {
                    m.unused(request_net_id);
                }
                bindings.input("req_net_id", net_id)
            }
            Protection::Parity | Protection::Secded => bindings
                .input("in_net_id", request_net_id)
                .input("commit_flip", updates.output("commit_flip")),
        };
        bindings
    };
    request_flow.connect(&bindings, "in");
    let binding_flow = Flow::of_instance(&bindings, "out", "binding");
    let binding_found = Found::of_instance(&bindings, "out", "binding_found");
    let binding_seen = if w.is_cuckoo() {
        binding_cuckoo::Seen::of_instance(&bindings, "seen", "binding_seen")
    } else {
        binding_cuckoo::Seen { token: m.zero(0), raw: m.zero(0) }
    };
    drive_all(&checks[0].signals(), &Check::of_instance(&bindings, "check", "binding_checked").signals());
    let prepares = m.instance("prepare_block", &prepare::describe(w)?);
    request_asked.connect(&prepares, "in");
    let binding_access = Access::of_instance(&prepares, "out", "binding_access");

    m.section("table");
    let stage = if w.is_cuckoo() { table_state::describe(w)? } else { table::describe(w)? };
    let tables = m.instance("table_stage", &stage);
    binding_flow.connect(&tables, "in");
    binding_found.connect(&tables, "in");
    tables
        .input("commit_write_table", updates.output("commit_write_table"))
        .input("commit_table", commit_table)
        .input("commit_table_word", updates.output("commit_table_word"));
    let (table_flow, table_access, table_found, table_seen) = if w.is_cuckoo() {
        // The stage stands beside `slice`.
        let Found { known, table, corrupt } = binding_found;
        let Slices { region_base, region_count, slot_base } =
            Slices::of_instance(&bindings, "out", "binding_slices");
        let (frozen, epoch) = (m.zero(0), m.zero(0));
        let found = Table { known, table, corrupt, frozen, epoch, region_base, region_count, slot_base };
        (binding_flow, binding_access, found, tables.output("out_token"))
    } else {
        binding_access.connect(&tables, "in");
        let flow = Flow::of_instance(&tables, "out", "table");
        let access = Access::of_instance(&tables, "out", "table_access");
        (flow, access, Table::of_instance(&tables, "out", "table_found"), flow.token.low(w.corrupt()))
    };
    drive_all(&checks[1].signals(), &Check::of_instance(&tables, "check", "table_checked").signals());

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
    if w.is_cuckoo() {
        State::of_instance(&tables, "state", "table_state").connect(&regions, "state");
    }
    regions
        .input("commit_peeks", peeks("commit_peeks_region"))
        .input("ahead_region", slices.output("ahead_region"))
        .input("ahead_token", slices.output("ahead_token"))
        .input("commit_write_region", updates.output("commit_write_region"))
        .input("init_region", updates.output("init_region"))
        .input("commit_region", commit_region)
        .input("commit_region_word", updates.output("commit_region_word"));
    let region_flow = Flow::of_instance(&regions, "out", "region");
    let region_early = Early::of_instance(&regions, "out", "region_early");
    let region_riding = Riding::of_instance(&regions, "out", "region_riding");
    let region_stored = Region::of_instance(&regions, "out_region", "region_stored");
    let region_corrupt = regions.output_as("out_corrupt", "region_corrupt");
    drive_all(&checks[2].signals(), &Check::of_instance(&regions, "check", "region_checked").signals());
    region_seen.drive(region_flow.token);
    drive_all(&seen_region.signals(), &region_stored.signals());

    m.section("bounds");
    let compares = m.instance("bounds_stage", &bounds::describe(w)?);
    region_flow.connect(&compares, "in");
    region_early.connect(&compares, "in");
    region_riding.connect(&compares, "in");
    region_stored.connect(&compares, "in_region");
    compares.input("in_corrupt", region_corrupt);
    let bounds_flow = Flow::of_instance(&compares, "out", "bounds");
    let bounds_checked = Checked::of_instance(&compares, "out", "bounds_checked");

    m.section("decide");
    let decides = m.instance("decide_stage", &decide::describe(w)?);
    bounds_flow.connect(&decides, "in");
    bounds_checked.connect(&decides, "in");
    decides.input("commit_slot", commit_slot);
    let decided = Decided::of_instance(&decides, "out", "decided");

    m.section("expand");
    let expands = m.instance("expand_stage", &expand::describe(w)?);
    expands
        .input("in_valid", decides.output("out_valid"))
        .input("credit_return", back_credit)
        .input("flight_retired", flight_retired)
        .input("flight_unused", flight_unused);
    decided.connect(&expands, "in");
    let expand_flow = Flow::of_instance(&expands, "out", "expand");
    let expand_issued = Issued::of_instance(&expands, "out", "expand_issued");
    front_credit.drive(expands.output("place_free"));

    m.section("slot");
    let slots = m.instance("slot_stage", &slot::describe(w)?);
    expand_flow.connect(&slots, "in");
    expand_issued.connect(&slots, "in");
    slots
        .input("commit_peeks", peeks("commit_peeks_slot"))
        .input("in_slot_base", expands.output("out_slot_base"))
        .input("in_slot_index", expands.output("out_slot_index"))
        .input("commit_write_slot", updates.output("commit_write_slot"))
        .input("init_slot", updates.output("init_slot"))
        .input("commit_slot", commit_slot)
        .input("commit_slot_word", updates.output("commit_slot_word"));
    let slot_flow = Flow::of_instance(&slots, "out", "slot");
    let slot_span = Span::of_instance(&slots, "out", "slot_span");
    let slot_stored = Slot::of_instance(&slots, "out_slot", "slot_stored");
    let slot_corrupt = slots.output_as("out_corrupt", "slot_corrupt");
    drive_all(&checks[3].signals(), &Check::of_instance(&slots, "check", "slot_checked").signals());
    slot_seen.drive(slot_flow.token);
    drive_all(&seen_slot.signals(), &slot_stored.signals());
    let read_by_token = Seen {
        table_raw: tables.output_as("out_raw", "table_raw"),
        region_raw: regions.output_as("out_raw", "region_raw"),
        region_corrupt,
        slot_raw: slots.output_as("out_raw", "slot_raw"),
        slot_corrupt,
        table_seen,
        binding_raw: binding_seen.raw,
        binding_seen: binding_seen.token,
    };
    drive_all(&seen.signals(), &read_by_token.signals());

    m.section("respond");
    let responds = m.instance("respond_stage", &respond::describe(w)?);
    slot_flow.connect(&responds, "in");
    responds.input("in_corrupt", slot_corrupt).input("rsp_ready", rsp_ready);
    slot_span.connect(&responds, "in");
    slot_stored.connect(&responds, "in_slot");
    back_credit.drive(responds.output("place_free"));
    flight_unused.drive(responds.output_as("flight_unused", "span_unused"));
    let formed = Formed::of_instance(&responds, "formed", "formed");

    m.section("retire: the way back of granted spans, and dirty memory");
    let retires = m.instance("retire_block", &retire::describe(w)?);
    retirement.connect(&retires, "ret");
    retires
        .input("track_write", updates.output("track_write"))
        .input("track_table", updates.output("track_table"))
        .input("track_word", updates.output("track_word"))
        .input("harvest", updates.output("harvest"))
        .input("harvest_place", updates.output("harvest_place"))
        .input("init", init)
        .input("init_place", init_place.low(w.table))
        .input("init_word", init_place.low(w.dirty));
    if w.config.protection != Protection::None {
        retires.input("flip", updates.output("flip")).input("flip_bit", updates.output("flip_bit"));
        retires.input("unsure_clear", updates.output("unsure_clear"));
    }
    flight_retired.drive(retires.output_as("flight_retired", "span_retired"));
    harvested.drive(retires.output_as("harvested", "harvested_word"));
    if w.config.protection != Protection::None {
        unsure.drive(retires.output_as("unsure", "retire_unsure"));
        tracking_raw.drive(retires.output_as("track_raw", "tracking_word"));
    }
    let disagree = match w.config.protection {
        Protection::None => m.zero(0),
        _ => retires.output_as("disagree", "copies_disagree"),
    };
    drive_all(&checks[4].signals(), &Check::of_instance(&retires, "check", "tracking_checked").signals());

    m.section("fence: what of a table is under way");
    let fences = m.instance("fence_block", &fence::describe(w)?);
    fences
        .input("formed", formed.beat & formed.known)
        .input("formed_table", formed.table)
        .input("formed_epoch", formed.epoch)
        .input("left", responds.output("left_valid"))
        .input("left_table", responds.output("left_table"))
        .input("left_epoch", responds.output("left_epoch"))
        .input("retired", retires.output("retired"))
        .input("retired_table", retires.output("retired_table"))
        .input("retired_epoch", retires.output("retired_epoch"))
        .input("watch_table", updates.output("watch_table"))
        .input("watch_epoch", updates.output("watch_epoch"))
        .input("init", init)
        .input("init_place", init_place.low(w.table + 1));
    drained.drive(fences.output_as("drained", "fence_drained"));

    m.section("counters");
    let (corrected, uncorrectable) = events(&m, w, &checks, &updates, disagree);
    let counts = m.instance("counters_block", &counters::describe(w, uncorrectable.width())?);
    wire!(verdict = formed.beat & formed.last);
    counts
        .input("count", verdict)
        .input("count_table", formed.table)
        .input("count_fault", formed.fault)
        .input("token", formed.token)
        .input("token_reads", updates.output("commit_counter_reads"))
        .input("token_clears", updates.output("commit_counter_clears"))
        .input("token_table", commit_table)
        .input("token_index", updates.output("commit_counter"))
        .input("corrected_events", corrected)
        .input("uncorrectable_events", uncorrectable)
        .input("init", init)
        .input("init_place", init_place.low(w.table + counters::INDEX));
    counter_value.drive(counts.output_as("value", "counted_value"));
    token_done.drive(counts.output_as("token_out", "token_counted"));

    if let (Some(logged), Some(erase_done)) = (logged, erase_done) {
        m.section("fault_log");
        let logs = m.instance("fault_log_block", &fault_log::describe(w)?);
        request_asked.connect(&logs, "in");
        logs.input("in_request", request_flow.request)
            .input("in_net_id", request_net_id)
            .input("verdict", verdict)
            .input("verdict_fault", formed.fault)
            .input("verdict_table", formed.table)
            .input("token", formed.token)
            .input("token_entry", updates.output("commit_log_entry"))
            .input("erase", updates.output("erase"))
            .input("erase_table", updates.output("erase_table"));
        drive_all(&logged.signals(), &LogEntry::of_instance(&logs, "entry", "log_entry").signals());
        erase_done.drive(logs.output_as("erase_done", "log_erased"));
    }

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

fn has_log(w: &Widths) -> bool {
    w.config.fault_log_entries > 0
}

/// Bits, one for each place that corrects words, and one for each that finds them beyond correction; none without
/// protection. A disagreement of the dirty pool's copies counts as corrected: the word that is harvested is right.
fn events<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    checks: &[Check<'m>],
    updates: &InstanceHandle<'m>,
    disagree: Signal<'m>,
) -> (Signal<'m>, Signal<'m>) {
    let pool = m.zero(1);
    match w.config.protection {
        Protection::None => (m.zero(0), m.zero(0)),
        Protection::Parity | Protection::Secded => {
            let of_stages =
                |event: fn(&Check<'m>) -> Signal<'m>| checks.iter().map(event).collect::<Vec<_>>();
            let missed = updates.output_as("uncorrectable", "update_uncorrectable");
            let (none, of_update) = (m.zero(checks.len() as u32), m.zero(missed.width()));
            let corrected = match w.config.protection {
                Protection::Secded => {
                    let mended = updates.output_as("corrected", "update_corrected");
                    m.concat(&[m.concat(&of_stages(|check| check.corrected)), mended, disagree])
                }
                _ => m.concat(&[none, of_update, disagree]),
            };
            (corrected, m.concat(&[m.concat(&of_stages(|check| check.uncorrectable)), missed, pool]))
        }
    }
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
    ("rsp_epoch", "goes back as ret_epoch when the span is retired"),
    ("upd_ready", "the update is accepted: it acts between the requests before and after this cycle"),
    ("upd_op", "operation"),
    ("upd_arg_table", "table"),
    ("upd_arg_index", "key, slot, entry or staging word"),
    ("upd_arg_data", "see the update port's page"),
    ("upd_done", "one cycle for each accepted update"),
    ("upd_error", "why it was refused, 0 if it was not"),
    ("upd_result", "what peek, harvest or read_counter read"),
    ("init_done", "every stored entry is clear; nothing is accepted before"),
    ("ret_valid", "a granted span with bytes is over"),
    ("ret_table", "its table"),
    ("ret_frame", "its frame"),
    ("ret_write", "it was written, not read"),
    ("ret_epoch", "rsp_epoch of its beat"),
];

#[cfg(test)]
mod tests {
    use stagecoach_spec::Preset;

    use super::*;

    #[test]
    fn every_preset_passes_the_structural_checks_under_every_protection() {
        for preset in Preset::all() {
            for protection in [Protection::None, Protection::Parity, Protection::Secded] {
                let config = Config { protection, ..preset.config() };
                if let Err(errors) = mapping_unit(&config) {
                    panic!("{} {protection:?}: {errors}", preset.name());
                }
            }
        }
    }
}
