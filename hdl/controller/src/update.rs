//! Block `update`: takes one update at a time, checks it, sends its token through the pipeline, stores, answers.
//!
//! ```text
//!  IDLE ─▶ LOOK ─▶ (SCAN) ─▶ JUDGE ─┬─▶ REFUSE ───────────────────────────────┬─▶ ANSWER ─▶ IDLE
//!    │     records,  bind,  lowest  ├─▶ LOCAL (peek at a binding or table) ───┤   upd_done
//!    │     entries,  unbind, error  └─▶ COMMIT ─▶ TRAVEL ─▶ STORE ────────────┤
//!    └─▶ STAGE   set_table             token     token is   counts and copies ┘
//!                                      enters    through
//! ```
//!
//! The update is *accepted* (upd_ready) in REFUSE, LOCAL, STAGE, or in the cycle of COMMIT in which its token enters
//! the pipeline. Until then the sender holds it, and since tables change only here, what was checked stays true.
//! The checks read copies kept here and in `scan` (what tables own, which regions are valid, which slots are present,
//! who is bound), so they take nothing from the lookups.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Enumeration, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{STAGED_WORDS, UpdateError, UpdateOp};

use crate::bundles::{Region, Slot};
use crate::codes::{code, is};
use crate::scan::{BindingWord, Owned};
use crate::update_check::Findings;
use crate::update_commit::{Commit, put};
use crate::update_peek::Peeked;
use crate::update_words::{Arguments, Port, Record, Staged, Which};
use crate::widths::{KEY_INDEX, Widths, fit};
use crate::{init, install_check, scan, update_check};

/// Cycles of LOOK: records (3 from the arguments), entries of the slices (4 more), checks.
const LOOK_CYCLES: u64 = 8 + install_check::CYCLES as u64 + update_check::CYCLES as u64;
/// Cycles of JUDGE: the check again, after a search.
const JUDGE_CYCLES: u64 = 1 + update_check::CYCLES as u64;

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_update",
        "Block update: takes one update at a time, checks it, sends its token through the pipeline,\n\
         stores what it changed, answers.",
    );
    let states = Enumeration::new(
        "state",
        4,
        &[
            ("idle", 0),
            ("stage", 1),
            ("look", 2),
            ("scan", 3),
            ("judge", 4),
            ("refuse", 5),
            ("local", 6),
            ("commit", 7),
            ("travel", 8),
            ("store", 9),
            ("answer", 10),
        ],
    );
    let upd_valid = m.input("upd_valid", 1);
    let port = Port::inputs(&m, "upd", &Arguments::WIDTHS);
    let commit_granted = m.input("commit_granted", 1).doc("the token enters the pipeline in this cycle");
    let token_done = m.input("token_done", 1).doc("the token has left stage slot");
    let region_seen = m.input("region_seen", 1).doc("the token has left stage region");
    let seen_region = Region::inputs(&m, "seen_region", &w.region_word());
    let seen_slot = Slot::inputs(&m, "seen_slot", &w.slot_word());
    m.combinational_path("commit_granted", "upd_ready");

    m.section("Clearing after reset");
    let walk = m.instance("init", &init::describe(w)?);
    let clear = walk.output_as("clear", "clear");
    let clear_place = walk.output_as("clear_place", "clear_place");
    let init_done = walk.output_as("init_done", "initialised");

    m.section("Arguments, held while the update is worked on");
    let state = m.register("state", 4).reset_to(0u32);
    let at = |name: &str| state.value().equals(m.variant(&states, name));
    wire!(is_idle = at("idle"));
    wire!(is_staging = at("stage"));
    wire!(is_looking = at("look"));
    wire!(is_judging = at("judge"));
    wire!(is_committing = at("commit"));
    wire!(is_storing = at("store"));
    wire!(is_answering = at("answer"));
    wire!(begins = is_idle & upd_valid & init_done);
    let argument = port.arguments().hold(&m, "argument", begins);
    let staged: Vec<_> = (0..STAGED_WORDS as u32)
        .map(|word| {
            let chosen = is_staging & argument.index.is(word);
            let register = m.register(&format!("staged{word}"), 64).enabled_by(chosen);
            register.next(argument.data);
            register.value()
        })
        .collect();
    let staged = Staged::from_signals(&staged);
    let ops = Which { m: &m, op: argument.op };
    let table = fit(argument.table, w.table);

    m.section("The table's record");
    let (scan_start, scan_place) = (m.wire("scan_start", 1), m.wire("scan_place", w.scan_place()));
    let scan_busy = m.wire("scan_busy", 1);
    let (record_write, record_after) =
        (m.wire("record_write", 1), m.wire("record_after", w.record().iter().sum()));
    let records = m.memory("table_records", w.record().iter().sum(), 1 << w.table).output_register();
    m.unused(scan_place.bits(w.table..w.scan_place()));
    let record_place = scan_busy.select(scan_place.low(w.table), table);
    // Every write is registered: it has time, and what it is made of stands far away.
    let record_target = m.delay("record_target", clear.select(clear_place.low(w.table), table));
    let record_stored = m.delay("record_stored", record_after.gated_by(!clear));
    records.write(m.delay_reset("record_written", clear | record_write), record_target, record_stored);
    let read = Record::unpack(records.read("record_word", record_place), &w.record());
    // A search moves the read port on, so the record is kept where the search begins.
    let record = read.hold(&m, "record", is_looking);

    m.section("The region and the slot that the arguments name");
    let index = argument.index;
    let (peeked, keyed) = (fit(index.low(KEY_INDEX), w.region), fit(index.bits(8..32), w.region));
    wire!(named_index = ops.is(UpdateOp::Peek).select(peeked, keyed));
    let region_place = m.delay("region_place", record.region_base + named_index);
    let slot_place = m.delay("slot_place", record.slot_base + fit(argument.index, w.slot));
    let (region_write, slot_write) = (m.wire("region_write", 1), m.wire("slot_write", 1));
    let valid_after = m.wire("valid_after", 9);
    let present_after = m.wire("present_after", 1);
    let valid_regions = m.memory("valid_regions", 9, 1 << w.region).output_register();
    let commit_region = m.delay("commit_region", clear.select(clear_place.low(w.region), region_place));
    let valid_stored = m.delay("valid_stored", valid_after.gated_by(!clear));
    valid_regions.write(m.delay_reset("valid_written", clear | region_write), commit_region, valid_stored);
    let valid_word = valid_regions.read("valid_word", region_place);
    let present_slots = m.memory("present_slots", 1, 1 << w.slot).output_register();
    let commit_slot = m.delay("commit_slot", clear.select(clear_place.low(w.slot), slot_place));
    let present_stored = m.delay("present_stored", present_after & !clear);
    present_slots.write(m.delay_reset("present_written", clear | slot_write), commit_slot, present_stored);
    let was_present = present_slots.read("was_present", slot_place);
    let was_valid = valid_word.bit(8);

    m.section("Arithmetic of install, and the search");
    let page_size = staged.word2.bits(40..40 + w.page_size);
    let install = m.instance("install_check", &install_check::describe(w)?);
    install
        .input("base", staged.word0)
        .input("length", staged.word1)
        .input("first_offset", staged.word2.low(32))
        .input("page_size", page_size)
        .input("first_slot", staged.word3.low(32))
        .input("slot_count", record.slot_count);
    // Bits of a staged word beyond the identifier must be zero: `update_check` looks at them.
    let words = [staged.word0, staged.word1, staged.word2];
    let mut parts = Vec::new();
    for (word, low) in words.into_iter().zip([0, 64, 128]) {
        parts.insert(0, word.low(w.config.net_id_bits.saturating_sub(low).min(64)));
    }
    wire!(identifier = m.concat(&parts));
    let wanted = wanted_slices(w, &staged);
    let search = m.instance("scan", &scan::describe(w)?);
    let taken = BindingWord { valid: m.bit(true), table, net_id: identifier };
    let binds = ops.is(UpdateOp::Bind);
    let list_entry = m.wire("list_entry", w.binding);
    let list_write = m.wire("list_write", 1);
    wire!(lists = binds & !clear);
    let list_word = taken.gated_by(lists).delay(&m, "listed_word");
    let list_target = m.delay("list_target", clear.select(clear_place.low(w.binding), list_entry));
    search
        .input("start", scan_start)
        .input("net_id", identifier)
        .input("own_table", table)
        .input("record_exists", read.exists)
        .input("peek_entry", argument.index.low(w.binding))
        .input("write", m.delay_reset("list_written", clear | list_write))
        .input("write_entry", list_target);
    wanted.connect(&search, "wanted");
    read.owned().connect(&search, "record");
    list_word.connect(&search, "write");
    scan_place.drive(search.output_as("place", "search_place"));
    scan_busy.drive(search.output_as("busy", "search_busy"));
    let listed = BindingWord::of_instance(&search, "peek", "listed");
    let found_entry = search.output_as("found_entry", "found_entry");
    let free_entry = search.output_as("free_entry", "free_entry");
    list_entry.drive(binds.select(free_entry, found_entry));

    m.section("The judgement");
    let findings = Findings {
        slots_exceeded: install.output_as("slots_exceeded", "slots_exceeded"),
        bad_offset: install.output_as("bad_offset", "bad_offset"),
        address_wrap: install.output_as("address_wrap", "address_wrap"),
        overlap: search.output_as("overlap", "overlap"),
        found: search.output_as("found", "found"),
        found_table: search.output_as("found_table", "found_table"),
        has_free: search.output_as("has_free", "has_free"),
        region_valid: was_valid,
        region_variant: valid_word.low(8),
        slot_present: was_present,
    };
    let check = m.instance("update_check", &update_check::describe(w)?);
    argument.connect(&check, "arg");
    staged.connect(&check, "staged");
    record.connect(&check, "record");
    findings.connect(&check, "find");
    let error = check.output_as("error", "check_error");

    m.section("The sequence");
    let wait = m.register("wait_cycles", 5).reset_to(0u32);
    wire!(looked = is_looking & wait.value().is(LOOK_CYCLES));
    wire!(judged = is_judging & wait.value().is(JUDGE_CYCLES));
    wire!(waits = (is_looking & !looked) | (is_judging & !judged));
    wait.next(waits.select(wait.value().plus(1u32), m.zero(5)));
    wire!(searches = ops.any(&[UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::SetTable]));
    let space = argument.data.low(8);
    wire!(is_local = ops.is(UpdateOp::Peek) & !space.bit(1));
    scan_start.drive(looked & searches);
    let go = |name: &str| m.variant(&states, name);
    let after_idle = begins.select(is(port.op, UpdateOp::Stage).select(go("stage"), go("look")), go("idle"));
    let after_look = looked.select(searches.select(go("scan"), go("judge")), go("look"));
    let scan_done = search.output_as("done", "scan_done");
    let after_scan = scan_done.select(go("judge"), go("scan"));
    let verdict = error.any().select(go("refuse"), is_local.select(go("local"), go("commit")));
    let after_judge = judged.select(verdict, go("judge"));
    let after_commit = commit_granted.select(go("travel"), go("commit"));
    let after_travel = token_done.select(go("store"), go("travel"));
    let next_states = [
        after_idle,
        go("answer"),
        after_look,
        after_scan,
        after_judge,
        go("answer"),
        go("answer"),
        after_commit,
        after_travel,
        go("answer"),
        go("idle"),
    ];
    state.next(state.value().choose(&next_states));
    wire!(accepts = is_staging | at("refuse") | at("local") | (is_committing & commit_granted));
    m.output("upd_ready", accepts);
    m.output("init_done", init_done);
    m.output("commit_wanted", is_committing);

    m.section("What the token does where it passes");
    let commit = Commit { m: &m, w, ops: &ops };
    commit.outputs(&record, &argument, &wanted, clear, table);
    put(&m, "commit_entry", list_entry);
    put(&m, "commit_net_id", identifier);
    m.output("commit_region", commit_region);
    m.output("commit_slot", commit_slot);
    let region = Region {
        valid: m.bit(true),
        variant: argument.index.low(8),
        pd: staged.word3.bits(32..32 + w.config.pd_bits),
        rights: staged.word2.bits(32..36),
        page_size,
        base: staged.word0,
        limit: install.output_as("limit", "limit"),
        origin: install.output_as("origin", "origin"),
        first_slot: fit(staged.word3.low(32), w.slot_count),
    };
    let writes_region = ops.is(UpdateOp::Install) & !clear;
    put(&m, "commit_region_word", region.pack(&m).gated_by(writes_region));

    m.section("What is stored once the token is through");
    let installs = ops.is(UpdateOp::Install);
    let sets_slot = ops.is(UpdateOp::SetSlot);
    wire!(changes_region = installs | ops.is(UpdateOp::Invalidate));
    wire!(changes_slot = sets_slot | ops.is(UpdateOp::ClearSlot));
    wire!(changes_binding = binds | ops.is(UpdateOp::Unbind));
    region_write.drive(is_storing & changes_region);
    slot_write.drive(is_storing & changes_slot);
    list_write.drive(is_storing & changes_binding);
    valid_after.drive(m.concat(&[installs, argument.index.low(8).gated_by(installs)]));
    present_after.drive(sets_slot);
    record_write.drive(is_storing & !ops.is(UpdateOp::Peek));
    let sets_table = ops.is(UpdateOp::SetTable);
    let changed = Record {
        exists: m.bit(true),
        frozen: ops.is(UpdateOp::Freeze) | (record.frozen & !ops.is(UpdateOp::Thaw)),
        bindings: count(&m, "bindings", record.bindings, binds, ops.is(UpdateOp::Unbind)),
        regions: count(&m, "regions", record.regions, installs & !was_valid, ops.is(UpdateOp::Invalidate)),
        slots: count(&m, "slots", record.slots, sets_slot & !was_present, ops.is(UpdateOp::ClearSlot)),
        ..record
    };
    let Owned { region_base, region_count, slot_base, slot_count, window_base, window_count } = wanted;
    let fresh = Record {
        exists: m.bit(true),
        frozen: m.bit(false),
        region_base,
        region_count,
        slot_base,
        slot_count,
        window_base,
        window_count,
        bindings: m.zero(w.binding_count),
        regions: m.zero(w.region_count),
        slots: m.zero(w.slot_count),
    };
    record_after.drive(fresh.select(sets_table, changed).pack(&m));

    m.section("The answer");
    let refused = m.register("refused", 1).enabled_by(accepts);
    let bad_stage = is_staging & argument.index.at_least(m.constant(32, STAGED_WORDS as u32));
    refused.next(at("refuse") | bad_stage);
    let peeked_region = seen_region.hold(&m, "peeked_region", region_seen);
    let peeked_slot = seen_slot.hold(&m, "peeked_slot", token_done);
    let peeked = Peeked { m: &m, region: peeked_region, slot: peeked_slot, record, listed };
    let word = argument.data.bits(8..11);
    let looked_up = peeked.word(space.low(2), word).gated_by(ops.is(UpdateOp::Peek));
    let bad_argument = code(&m, UpdateError::BadArgument);
    let reason = ops.is(UpdateOp::Stage).select(bad_argument, error);
    m.output("upd_done", is_answering);
    m.output("upd_error", reason.gated_by(refused.value() & is_answering));
    m.output("upd_result", looked_up.gated_by(!refused.value() & is_answering));
    m.finish()
}

/// What `set_table` asks for, cut to what the pools have: more was refused.
fn wanted_slices<'m>(w: &Widths, staged: &Staged<'m>) -> Owned<'m> {
    Owned {
        region_base: staged.word0.low(w.region),
        region_count: staged.word0.bits(32..32 + w.region_count),
        slot_base: staged.word1.low(w.slot),
        slot_count: staged.word1.bits(32..32 + w.slot_count),
        window_base: staged.word2.low(w.frame),
        window_count: staged.word3.low(w.frame_count),
    }
}

/// A counter's value after an update that adds one, takes one, or neither.
fn count<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    value: Signal<'m>,
    up: Signal<'m>,
    down: Signal<'m>,
) -> Signal<'m> {
    let one = m.constant(value.width(), 1u32);
    up.select(value + one, down.select(value - one, value)).named(format!("{name}_after"))
}
