//! Block `update`: takes one update at a time, checks it, sends its token through the pipeline, waits for what was
//! accepted before if it is a fence, stores, answers.
//!
//! ```text
//!  IDLE ─▶ TAKE ─┬▶ LOOK ─▶ (SCAN) ─▶ JUDGE ─┬─▶ REFUSE ──────────────────────────────────────────────┬─▶ REPLY
//!          which │  records,  bind,  first   ├─▶ (REAP | UNTRACK, SWEEP, RETRACK) ─▶ LOCAL ─▶ (STORE) ┤     │
//!          one?  │  notes     track, error   │    harvest   track                    nothing travels  │     ▼
//!                │            …              └─▶ PREPARE ─▶ COMMIT ─▶ TRAVEL ─▶ (DRAIN ─▶ WALK) ─▶ STORE ┘   ANSWER
//!                └▶ STAGE ─▶ REPLY                  ▲       token     token is   fence    clear_   notes,  upd_done
//!                                                   │       enters    through             table    record
//!                                                   └────────────────────┴─ a second token, or more
//! ```
//!
//! The update is *accepted* (upd_ready) in REFUSE, LOCAL, STAGE, or in the cycle of COMMIT in which its token enters
//! the pipeline. Until then the sender holds it, and since tables change only here, what was checked stays true.
//! The checks read copies kept here and in `scan` (what tables own, which regions are valid, which slots are present,
//! who is bound), so they take nothing from the lookups.
//!
//! A word that a lookup had to correct is written back in between, like an update that nobody asked for: its token (for
//! a region or slot one token that reads and one that writes) takes a request's place.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Counter, Protection, STAGED_WORDS, UpdateError, UpdateOp};

use crate::bundles::{Region, Slot};
use crate::codes::code;
use crate::fault_log::LogEntry;
use crate::protect::{self, encode};
use crate::retire::Tracking;
use crate::scan::BindingWord;
use crate::standing::is_any;
use crate::update_check::Findings;
use crate::update_commit::{Commit, Rewrite, Spaces, put};
use crate::update_cuckoo::{Entries, Ways};
use crate::update_notes::{Note, Notes};
use crate::update_peek::{PEEK_CYCLES, Peeked};
use crate::update_scrub::Scrub;
use crate::update_seen::{Kept, Seen};
use crate::update_sequence::{Milestones, PASS, Sequence, Turns};
use crate::update_words::{Arguments, Port, Record, Staged, Which, flag, fresh_record, keep, wanted_places};
use crate::widths::{KEY_INDEX, Widths, fit};
use crate::{counters, fault_log, install_check, scan, track_check, update_check, walk};

/// Tokens of `clear_table`: one that takes the table out of the order, one for each counter.
const CLEAR_TABLE_PASSES: u32 = Counter::Corrected.index();

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_update",
        "Block update: takes one update at a time, checks it, sends its token through the pipeline,\n\
         waits for what was accepted before if it is a fence, stores what it changed, answers.",
    );
    let protected = w.config.protection != Protection::None;
    let corrects = w.config.protection == Protection::Secded;

    m.section("Ports");
    let upd_valid = m.input("upd_valid", 1);
    let port = Port::inputs(&m, "upd", &Arguments::WIDTHS);
    let commit_granted = m.input("commit_granted", 1).doc("the token enters the pipeline in this cycle");
    let token_done = m.input("token_done", 1).doc("the token, and all that it counts or reads, is through");
    let region_seen = m.input("region_seen", 1).doc("the token has left stage region");
    let slot_seen = m.input("slot_seen", 1).doc("the token has left stage slot");
    let seen_region = Region::inputs(&m, "seen_region", &w.region_word());
    let seen_slot = Slot::inputs(&m, "seen_slot", &w.slot_word());
    let seen = Seen::inputs(&m, "seen", &w.seen());
    let drained = m.input("drained", 1).doc("nothing of the watched table and epoch is in flight");
    let counter_value = m.input("counter_value", 32).doc("with token_done");
    let harvested = m.input("harvested", 64);
    let unsure = m.input("dirty_unsure", w.corrupt()).doc("dirty bits may be missing");
    let tracking_bits = w.coded(w.tracking().iter().sum()) * w.corrupt();
    let tracking_raw =
        m.input("tracking_raw", tracking_bits).doc("the table's tracking word as it is stored");
    let has_log = w.config.fault_log_entries > 0;
    let logged = has_log.then(|| LogEntry::inputs(&m, "logged", &w.log_entry_fields()));
    let erase_done = if has_log { m.input("erase_done", 1) } else { m.bit(true) };
    m.combinational_path("commit_granted", "upd_ready");

    m.section("Clearing after reset, and for clear_table");
    let walk = m.instance("walk", &walk::describe(w)?);
    let clear = walk.output_as("clear", "clear");
    let clear_place = walk.output_as("clear_place", "clear_place");
    let clear_region = walk.output_as("clear_region", "clear_region");
    let clear_slot = walk.output_as("clear_slot", "clear_slot");
    let walk_region = walk.output_as("region_place", "walk_region");
    let walk_slot = walk.output_as("slot_place", "walk_slot");
    let init_done = walk.output_as("init_done", "initialised");
    put(&m, "init", clear);
    put(&m, "init_place", clear_place);

    m.section("Arguments, held while the update is worked on");
    let sequence = Sequence::new(&m);
    let scrubs = sequence.scrubs();
    let begins = sequence.first_of("take");
    wire!(takes_scrub = begins & scrubs);
    let scrub = Scrub::describe(&m, w, corrects, takes_scrub, scrubs)?;
    // They are loaded until something is offered, so nothing here waits for upd_valid.
    let is_idle = sequence.at("idle");
    let argument = if corrects {
        // Not by `scrubs`: in the idle cycle behind a write-back it still says so of that one.
        let offered = scrub.arguments.select(takes_scrub, port.arguments());
        offered.hold(&m, "argument", is_idle | takes_scrub)
    } else {
        port.arguments().hold(&m, "argument", is_idle)
    };
    let is_staging = sequence.at("stage");
    let beyond_staged = is_any(&m, "staged_beyond", argument.index.bits(2..32));
    let staged: Vec<_> = (0..STAGED_WORDS as u32)
        .map(|word| {
            let is_word = m.delay(&format!("names_staged{word}"), argument.index.low(2).is(word));
            let chosen = is_staging & is_word & !beyond_staged;
            let register = m.register(&format!("staged{word}"), 64).enabled_by(chosen);
            register.next(argument.data);
            register.value()
        })
        .collect();
    let staged = Staged::from_signals(&staged);
    let ops = Which::of(&m, &argument);
    // An entry of a cuckoo CAM is written back with its table's slices, and the list says which table that is.
    let listed_table = m.wire("table_of_listed", if w.is_cuckoo() && corrects { w.table } else { 0 });
    let table = match listed_table.width() {
        0 => fit(argument.table, w.table),
        _ => scrub.binding.select(listed_table, fit(argument.table, w.table)).named("meant_table"),
    };
    let space = argument.data.low(8);
    let is_space = |number: u32| ops.is_space(number);
    // What is written back looks like `stage` in all that follows, which changes nothing.
    let is_inject = ops.is(UpdateOp::Inject);
    let is_peek = ops.is(UpdateOp::Peek);
    let injects: Vec<_> = (0..=10u8)
        .map(|number| match stagecoach_spec::Stored::of(number, 0, 0) {
            Some(_) if protected => {
                m.delay(&format!("injects_space{number}"), is_inject & is_space(number.into()))
            }
            _ => m.bit(false),
        })
        .collect();
    let injects = |number: usize| injects[number];

    m.section("The table's record");
    let (scan_start, scan_place) = (m.wire("scan_start", 1), m.wire("scan_place", w.scan_place()));
    let scan_busy = m.wire("scan_busy", 1);
    let record_bits = w.record().iter().sum();
    let (record_write, record_after) =
        (m.wire("record_write", 1), m.wire("record_after", w.coded(record_bits)));
    let records = m.memory("table_records", w.coded(record_bits), 1 << w.table).output_register();
    if w.table < w.scan_place() {
        m.unused(scan_place.bits(w.table..w.scan_place()));
    }
    let record_place = m.delay("record_place", scan_busy.select(scan_place.low(w.table), table));
    // Every write is registered: it has time, and what it is made of stands far away.
    let target = clear.select(clear_place.low(w.table), table);
    let stored = m.delay("record_to_store", record_after).gated_by(!clear);
    let mend = corrects.then(|| RecordMend {
        writes: m.wire("search_mends_record", 1),
        table: m.wire("mended_table", w.table),
        word: m.wire("mended_record", w.coded(record_bits)),
    });
    let (target, stored, written) = match &mend {
        Some(mend) => (
            mend.writes.select(mend.table, target),
            mend.writes.select(mend.word, stored),
            clear | record_write | mend.writes,
        ),
        None => (target, stored, clear | record_write),
    };
    let record_target = m.delay("record_target", target);
    let record_stored = m.delay("record_stored", stored);
    records.write(m.delay_reset("record_written", written), record_target, record_stored);
    let record_raw = m.delay("record_word", records.read("record_read", record_place));
    let record_checked = protect::check(&m, w, "record_checked", record_raw);
    let read = Record::unpack(record_checked.word, &w.record());
    // A search moves the read port on, so the record is kept where the search begins.
    let is_looking = sequence.at("look");
    let record = read.hold(&m, "record", is_looking);
    let record_corrupt = flag(&m, keep(&m, "record_corrupt", is_looking, record_checked.uncorrectable));
    let record_corrected = keep(&m, "record_corrected", is_looking, record_checked.corrected);

    m.section("The notes on the region and the slot that the arguments name");
    let index = argument.index;
    let names_key = ops.any(&[UpdateOp::Install, UpdateOp::Invalidate]);
    let (plain, keyed) = (fit(index.low(KEY_INDEX), w.region), fit(index.bits(8..32), w.region));
    let named_index = m.delay("named_index", names_key.select(keyed, plain));
    // What is written back is named by its place in the pool.
    let region_origin = m.delay("region_origin", record.region_base.gated_by(!scrubs));
    let slot_origin = m.delay("slot_origin", record.slot_base.gated_by(!scrubs));
    let region_place = m.delay("region_place", region_origin + named_index);
    let slot_place = m.delay("slot_place", slot_origin + fit(index, w.slot));
    let (region_write, slot_write) = (m.wire("region_write", 1), m.wire("slot_write", 1));
    let valid_after = m.wire("valid_after", w.coded(9));
    let present_after = m.wire("present_after", w.coded(1));
    let valid_regions = m.memory("valid_regions", w.coded(9), 1 << w.region).output_register();
    let commit_region = m.delay("commit_region", clear_region.select(walk_region, region_place));
    let valid_stored = m.delay("valid_stored", valid_after.gated_by(!clear_region));
    let valid_written = m.delay_reset("valid_written", clear_region | region_write);
    valid_regions.write(valid_written, commit_region, valid_stored);
    let valid_raw = m.delay("valid_word", valid_regions.read("valid_read", region_place));
    let valid = protect::check(&m, w, "valid_checked", valid_raw);
    let present_slots = m.memory("present_slots", w.coded(1), 1 << w.slot).output_register();
    let commit_slot = m.delay("commit_slot", clear_slot.select(walk_slot, slot_place));
    let present_stored = m.delay("present_stored", present_after.gated_by(!clear_slot));
    let present_written = m.delay_reset("present_written", clear_slot | slot_write);
    present_slots.write(present_written, commit_slot, present_stored);
    let present_raw = m.delay("present_word", present_slots.read("present_read", slot_place));
    let present = protect::check(&m, w, "present_checked", present_raw);
    let (was_valid, was_present) = (valid.word.bit(8), present.word);

    m.section("Arithmetic of install and track");
    let page_size = staged.word2.bits(40..40 + w.page_size);
    let install = m.instance("install_check", &install_check::describe(w)?);
    install
        .input("base", staged.word0)
        .input("length", staged.word1)
        .input("first_offset", staged.word2.low(32))
        .input("page_size", page_size)
        .input("first_slot", staged.word3.low(32))
        .input("slot_count", record.slot_count);
    let granule_shift = argument.data.low(track_check::SHIFT);
    let track = m.instance("track_check", &track_check::describe(w)?);
    track
        .input("window_count", record.window_count)
        .input("granule_shift", granule_shift)
        .input("dirty_base", index);
    let bitmap_words = track.output_as("words", "bitmap_words");

    m.section("The search");
    // Bits of a staged word beyond the identifier must be zero: `update_check` looks at them.
    let words = [staged.word0, staged.word1, staged.word2];
    let mut parts = Vec::new();
    for (word, low) in words.into_iter().zip([0, 64, 128]) {
        parts.insert(0, word.low(w.config.net_id_bits.saturating_sub(low).min(64)));
    }
    wire!(identifier = m.concat(&parts));
    let is_track = ops.is(UpdateOp::Track);
    let wanted = wanted_places(w, &staged, is_track, index, bitmap_words).delay(&m, "wanted");
    let search = m.instance("scan", &scan::describe(w)?);
    let binds = ops.is(UpdateOp::Bind);
    let ways = Ways::describe(&m, w, &ops, begins, identifier, index)?;
    let (takes_binding, takes_free, clears_list) = match &ways {
        None => (binds, binds, clear),
        Some(ways) => {
            let takes = m.delay("takes_binding", binds | ops.is(UpdateOp::Move));
            (takes, takes & !ways.stores_move, (clear | ways.clears_old).named("clears_list"))
        }
    };
    let list_entry = m.wire("list_entry", w.binding);
    let (list_write, listed_after) =
        (m.wire("list_write", 1), m.wire("listed_after", w.coded(w.listed_bits())));
    let list_target = m.delay("list_target", clear.select(clear_place.low(w.binding), list_entry));
    search
        .input("start", scan_start)
        .input("net_id", identifier)
        .input("own_table", table)
        .input("record_exists", read.exists)
        .input("record_corrupt", flag(&m, record_checked.uncorrectable))
        .input("peek_entry", index.low(w.binding))
        .input("write", m.delay_reset("list_written", clears_list | list_write))
        .input("write_entry", list_target)
        .input("write_word", m.delay("listed_word", listed_after.gated_by(!clears_list)));
    if let Some(ways) = &ways {
        ways.connect(&search);
    }
    wanted.connect(&search, "wanted");
    read.owned().connect(&search, "record");
    scan_place.drive(search.output_as("place", "search_place"));
    scan_busy.drive(search.output_as("busy", "search_busy"));
    let listed = BindingWord::of_instance(&search, "peek", "listed");
    let listed_corrupt = search.output_as("peek_corrupt", "listed_corrupt");
    let found_entry = search.output_as("found_entry", "found_entry");
    let free_entry = search.output_as("free_entry", "free_entry");
    let names_entry = m.delay("names_entry", injects(0) | injects(5) | is_peek | scrubs);
    let searched_entry = m.delay("searched_entry", takes_free.select(free_entry, found_entry));
    list_entry.drive(names_entry.select(index.low(w.binding), searched_entry));

    let mends_record = mend.as_ref().map_or(m.zero(0), |mend| mend.writes);
    if let Some(mend) = mend {
        // A search corrects what it reads, too, and is past it when it is written.
        let looked = search.output_as("record_looked", "record_looked");
        mend.writes.drive(looked & record_checked.corrected);
        mend.table.drive(search.output_as("record_place", "mended_place"));
        mend.word.drive(encode(w, read.pack(&m).named("read_record")));
    }

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
        region_variant: valid.word.low(8),
        slot_present: was_present,
        dirty_outside: track.output_as("outside", "dirty_outside"),
        record_corrupt,
        valid_corrupt: flag(&m, valid.uncorrectable),
        present_corrupt: flag(&m, present.uncorrectable),
        listed_corrupt,
        list_corrupt: search.output_as("list_corrupt", "list_corrupt"),
        records_corrupt: search.output_as("records_corrupt", "records_corrupt"),
        full: ways.as_ref().map_or(m.zero(0), |ways| ways.full),
        way_in_use: ways.as_ref().map_or(m.zero(0), |ways| ways.way_in_use),
    };
    let check = m.instance("update_check", &update_check::describe(w)?);
    argument.connect(&check, "arg");
    staged.connect(&check, "staged");
    record.connect(&check, "record");
    findings.connect(&check, "find");
    let error = check.output_as("error", "check_error");
    let is_refused = check.output_as("refused", "check_refuses");

    m.section("The sequence");
    let has_granules = m.delay("has_granules", granule_shift.any());
    let starts_tracking = m.delay("starts_tracking", is_track & has_granules);
    let searching = [UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::SetTable, UpdateOp::Move];
    let searches = m.delay("searches", ops.any(&w.known_ops(&searching)) | starts_tracking);
    let is_set_slot = ops.is(UpdateOp::SetSlot);
    let replaces = m.delay("replaces", is_set_slot & was_present);
    let is_clear_table = ops.is(UpdateOp::ClearTable);
    let plain_fences = [UpdateOp::Unbind, UpdateOp::Freeze, UpdateOp::Invalidate, UpdateOp::ClearSlot];
    let is_fence = m.delay("is_fence", ops.any(&plain_fences) | is_clear_table | replaces);
    let injects_here = m.delay("injects_here", (5..=10).map(injects).reduce(|a, b| a | b).expect("spaces"));
    let is_harvest = ops.is(UpdateOp::Harvest);
    let peeks_here = m.delay("peeks_here", is_peek & (is_space(0) | is_space(1)));
    let local = [UpdateOp::Track, UpdateOp::Harvest, UpdateOp::Reseed];
    let is_local = m.delay("is_local", peeks_here | injects_here | ops.any(&w.known_ops(&local)));
    // Entries that are registers are flipped where they are; those of a cuckoo CAM are read first.
    let flips_by_two = injects(1) | injects(2) | injects(3);
    let flips_by_two = if w.is_cuckoo() { injects(0) | flips_by_two } else { flips_by_two };
    let two_tokens = m.delay("two_tokens", flips_by_two | scrub.region | scrub.slot);
    let passes = m.constant(PASS, CLEAR_TABLE_PASSES);
    let second = two_tokens.zero_extend(PASS);
    let sweep_last = m.wire("sweep_last", 1);
    let seen_corrupt = Kept::of(&m, protected, &seen, region_seen, slot_seen);
    let cleared = walk.output_as("done", "walk_done") & erased(&m, has_log, erase_done, &sequence);
    let cleared = m.delay_reset("walks_are_done", sequence.at("walk") & cleared);
    wire!(offered = upd_valid & init_done);
    let needs_record = scrub.table | scrub.tracking;
    let needs_record = if w.is_cuckoo() { needs_record | scrub.binding } else { needs_record };
    wire!(scrub_fails = needs_record & record_corrupt | scrub.binding & listed_corrupt);
    let turns = Turns {
        offered,
        is_stage: ops.is(UpdateOp::Stage),
        scrub_wanted: scrub.wanted,
        searches,
        scan_done: search.output_as("done", "scan_done"),
        is_refused,
        scrub_is_local: scrub.tracking,
        scrub_fails,
        is_local,
        is_local_write: m.delay(
            "is_local_write",
            injects_here | ops.any(&w.known_ops(&[UpdateOp::Track, UpdateOp::Reseed])),
        ),
        is_harvest,
        is_track,
        starts_tracking,
        sweep_last,
        commit_granted,
        token_done,
        last_pass: is_clear_table.select(passes, second),
        accept_pass: second,
        gives_up: m.delay("gives_up", scrub.region & seen_corrupt.region | scrub.slot & seen_corrupt.slot),
        is_fence,
        drained,
        is_clear_table,
        walk_done: cleared,
    };
    let milestones = sequence.run(w, &turns);
    let Milestones { accepts, looked, judged, fence_over } = milestones;
    scan_start.drive(looked & searches);
    wire!(walk_start = fence_over & is_clear_table);
    walk.input("start", walk_start)
        .input("region_base", record.region_base)
        .input("region_count", record.region_count)
        .input("slot_base", record.slot_base)
        .input("slot_count", record.slot_count);
    m.output("upd_ready", accepts);
    m.output("init_done", init_done);
    m.output("commit_wanted", sequence.at("commit"));
    m.output("watch_table", table);
    m.output("watch_epoch", record.epoch);
    if has_log {
        put(&m, "erase", walk_start);
        put(&m, "erase_table", table);
    }

    m.section("What the token does where it passes");
    let mask = protected.then(|| flipped_bit(&m, w, argument.data.bits(16..32)));
    let first_token = sequence.first_token();
    let rewrite = mask.map(|mask| Rewrite {
        injects: Spaces { binding: injects(0), table: injects(1), region: injects(2), slot: injects(3) },
        scrubs: Spaces { binding: scrub.binding, table: scrub.table, region: scrub.region, slot: scrub.slot },
        reads: (two_tokens & first_token).named("reads_first"),
        mask,
        raw: seen_corrupt.raw,
    });
    let commit = Commit { m: &m, w, ops: &ops, rewrite, first: first_token, is_fence };
    let peeked_region = seen_region.hold(&m, "peeked_region", region_seen);
    let peeked_slot = seen_slot.hold(&m, "peeked_slot", slot_seen);
    commit.table(&record, &wanted, table);
    match &ways {
        None => commit.binding(list_entry, identifier, table, &listed),
        Some(ways) => {
            if listed_table.width() > 0 {
                listed_table.drive(listed.table);
            }
            let entries = Entries { named: index.low(w.binding), free: free_entry, found: found_entry };
            ways.commit(&commit, &entries, identifier, &listed, &record, table);
        }
    }
    let installs = ops.is(UpdateOp::Install);
    let region = Region {
        valid: m.bit(true),
        variant: index.low(8),
        pd: staged.word3.bits(32..32 + w.config.pd_bits),
        rights: staged.word2.bits(32..36),
        page_size,
        base: staged.word0,
        limit: install.output_as("limit", "limit"),
        origin: install.output_as("origin", "origin"),
        first_slot: fit(staged.word3.low(32), w.slot_count),
    };
    commit.region(region.pack(&m).gated_by(installs), &peeked_region, clear_region);
    commit.slot(&argument, &peeked_slot, clear_slot);
    m.output("commit_region", commit_region);
    m.output("commit_slot", commit_slot);
    put(&m, "init_region", clear_region);
    put(&m, "init_slot", clear_slot);
    put(&m, "commit_counter_reads", ops.is(UpdateOp::ReadCounter));
    let clears_counter = m.delay("clears_counter", is_clear_table & !first_token);
    let cleared = m.delay("cleared_counter", sequence.pass() - m.constant(PASS, 1u32));
    put(&m, "commit_counter_clears", clears_counter);
    put(&m, "commit_counter", clears_counter.select(cleared, index.low(PASS)));
    if has_log {
        put(&m, "commit_log_entry", index.low(w.log_entry));
    }

    m.section("Dirty memory: a word is harvested, or all of a bitmap cleared; a table's tracking set");
    let is_sweeping = sequence.at("sweep");
    let swept = m.register("swept_words", w.dirty_count);
    swept.next(swept.value().plus(1u32).gated_by(is_sweeping));
    // Counts down from the words less two: the last, or only one, is swept when that is below zero.
    let width = w.dirty_count + 2;
    let words_less_two =
        m.delay("words_less_two", wanted.dirty_count.zero_extend(width) - m.constant(width, 2u32));
    let left = m.register("words_left", width);
    left.next(is_sweeping.select(left.value() - m.constant(width, 1u32), words_less_two));
    sweep_last.drive(left.value().bit(width - 1));
    let word_of_table = is_sweeping.select(fit(swept.value(), w.dirty), fit(index, w.dirty));
    let word_of_table = m.delay("word_of_table", word_of_table);
    let dirty_base = m.delay("harvest_base", record.dirty_base.gated_by(!is_inject));
    let bitmap = m.delay("bitmap_base", is_track.select(wanted.dirty_base, dirty_base));
    put(&m, "harvest_place", bitmap + word_of_table);
    let has_words = m.delay("has_words", wanted.dirty_count.any());
    let asks = m.delay_reset("asks_for_word", sequence.first_of("reap") | is_sweeping & has_words);
    let harvests = m.delay_reset("harvest", asks);
    m.output("harvest", harvests);
    let in_store = sequence.at("store");
    wire!(storing = in_store & !scrubs);
    wire!(untracks = sequence.first_of("untrack"));
    wire!(retracks = sequence.first_of("retrack"));
    let is_set_table = ops.is(UpdateOp::SetTable);
    wire!(forgets = storing & (is_set_table | is_clear_table));
    wire!(restores = in_store & scrub.tracking);
    wire!(sets_tracking = retracks | restores);
    let tracking = Tracking {
        granule_shift: scrubs.select(record.granule_shift, granule_shift),
        window_base: record.window_base,
        dirty_base: scrubs.select(record.dirty_base, wanted.dirty_base),
    };
    let tracking_word = m.delay("tracking_word", tracking.pack(&m));
    let coded = m.delay("tracking_coded", encode(w, tracking_word));
    let mut track_word = coded.gated_by(sets_tracking);
    let mut track_write = untracks | sets_tracking | forgets;
    if let Some(mask) = mask {
        let flipped = tracking_raw ^ mask.low(tracking_bits);
        track_word = injects(9).select(flipped, track_word);
        track_write = track_write | (storing & injects(9));
        m.output("flip", m.delay_reset("flip", storing & injects(10)));
        put(&m, "flip_bit", argument.data.bits(16..23));
    }
    m.output("track_write", m.delay_reset("track_write", track_write));
    put(&m, "track_table", table);
    put(&m, "track_word", track_word);
    if protected {
        // Whose bits may be missing is not kept, so the doubt ends when nobody's are left that it could be about.
        wire!(was_tracked = record.granule_shift.any());
        let tracked = m.register("tracked_tables", w.table + 1).reset_to(0u32);
        wire!(
            ends_tracking = storing & was_tracked & (is_track | ops.is(UpdateOp::SetTable) | is_clear_table)
        );
        let left = tracked.value() - ends_tracking.zero_extend(w.table + 1);
        tracked.next(left + (storing & starts_tracking).zero_extend(w.table + 1));
        wire!(tracked_alone = tracked.value().equals(was_tracked.zero_extend(w.table + 1)));
        m.output("unsure_clear", m.delay_reset("unsure_clear", retracks & tracked_alone));
    }

    m.section("What is stored");
    let sets_slot = ops.is(UpdateOp::SetSlot);
    let changes_region = m.delay("changes_region", installs | ops.is(UpdateOp::Invalidate));
    let changes_slot = m.delay("changes_slot", sets_slot | ops.is(UpdateOp::ClearSlot));
    let of_bindings = w.known_ops(&[UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::Move]);
    let changes_binding = m.delay("changes_binding", ops.any(&of_bindings));
    let looked_at =
        [UpdateOp::Peek, UpdateOp::Inject, UpdateOp::ReadCounter, UpdateOp::Harvest, UpdateOp::Reseed];
    let changes_record = m.delay("changes_record", !ops.any(&w.known_ops(&looked_at)));
    let sets_table = ops.is(UpdateOp::SetTable);
    let adds_region = m.delay("adds_region", installs & !was_valid);
    let adds_slot = m.delay("adds_slot", sets_slot & !was_present);
    let changed = Record {
        exists: m.bit(true),
        frozen: ops.is(UpdateOp::Freeze) | (record.frozen & !ops.is(UpdateOp::Thaw)),
        epoch: record.epoch ^ is_fence,
        dirty_base: is_track.select(wanted.dirty_base, record.dirty_base),
        dirty_count: is_track.select(bitmap_words.gated_by(starts_tracking), record.dirty_count),
        granule_shift: is_track.select(granule_shift, record.granule_shift),
        bindings: count(&m, "bindings", record.bindings, binds, ops.is(UpdateOp::Unbind)),
        regions: count(&m, "regions", record.regions, adds_region, ops.is(UpdateOp::Invalidate)),
        slots: count(&m, "slots", record.slots, adds_slot, ops.is(UpdateOp::ClearSlot)),
        ..record
    };
    let after = fresh_record(&m, w, &wanted, record.epoch).select(sets_table, changed);
    let after = after.gated_by(!is_clear_table).delay(&m, "record_next");
    let valid_note = m.delay("valid_note", m.concat(&[installs, index.low(8).gated_by(installs)]));
    let taken = BindingWord { valid: m.bit(true), table, net_id: identifier }.gated_by(takes_binding);
    if let Some(ways) = &ways {
        ways.store(w, &ops, &staged, index, storing);
    }
    let taken = taken.delay(&m, "listed_next");
    let uses = ["record", "valid", "present", "listed"].map(|word| {
        let port = format!("uses_{word}");
        if protected {
            (check.output_as(&port, &port) & judged).named(format!("judges_{word}"))
        } else {
            m.zero(0)
        }
    });
    let [mends_record_now, mends_valid, mends_present, mends_listed] =
        if corrects { uses } else { [m.zero(0); 4] };
    let notes = Notes { w, stores: storing, judges: sequence.at("judge") };
    let flip = |number: usize| mask.map(|mask| (injects(number), mask));
    let record_now = if corrects { record.pack(&m).named("record_word_now") } else { m.zero(0) };
    let record_word = Note {
        name: "record",
        after: after.pack(&m).named("record_word_after"),
        changes: changes_record,
        checked: record_now,
        corrected: record_corrected.gated_by(mends_record_now),
        // It was read for the judgement already, and put right.
        raw: if corrects { encode(w, record_now) } else { record_raw },
        flip: flip(6),
    };
    notes.write(record_word, record_write, record_after);
    let valid_word = Note {
        name: "valid",
        after: valid_note,
        changes: changes_region,
        checked: valid.word,
        corrected: valid.corrected.gated_by(mends_valid),
        raw: valid_raw,
        flip: flip(7),
    };
    notes.write(valid_word, region_write, valid_after);
    let present_word = Note {
        name: "present",
        after: sets_slot,
        changes: changes_slot,
        checked: was_present,
        corrected: present.corrected.gated_by(mends_present),
        raw: present_raw,
        flip: flip(8),
    };
    notes.write(present_word, slot_write, present_after);
    let list_raw = if protected { search.output_as("peek_raw", "listed_raw") } else { m.zero(0) };
    let list_corrected = search.output_as("peek_corrected", "listed_corrected");
    let list_word = Note {
        name: "listed",
        after: taken.pack(&m).named("listed_word_after"),
        changes: changes_binding,
        checked: if corrects { listed.pack(&m).named("listed_word_now") } else { m.zero(0) },
        corrected: list_corrected.gated_by(mends_listed),
        raw: list_raw,
        flip: flip(5),
    };
    notes.write(list_word, list_write, listed_after);

    m.section("Events of protection: of the judgement's words, of a search, of what a token saw");
    if protected {
        let failed = [record_corrupt, valid.uncorrectable, present.uncorrectable, listed_corrupt];
        let mut events: Vec<_> = failed.iter().zip(uses).map(|(failed, uses)| *failed & uses).collect();
        events.push(search.output_as("list_failed", "list_failed"));
        events.push(search.output_as("record_failed", "record_failed"));
        m.output("uncorrectable", m.delay_reset("uncorrectable", m.concat(&events)));
    }
    if corrects {
        let mended = [record_corrected, valid.corrected, present.corrected, list_corrected];
        let mut events: Vec<_> = mended.iter().zip(uses).map(|(mended, uses)| *mended & uses).collect();
        events.push(search.output_as("list_corrected", "list_corrected"));
        events.push(mends_record);
        m.output("corrected", m.delay_reset("corrected", m.concat(&events)));
    }
    put_peeks(&m, w, is_peek & is_space(2), is_peek & is_space(3));

    m.section("The answer, from registers: what it is chosen from stands far away");
    let refused = m.register("refused", 1).enabled_by(accepts);
    refused.next(sequence.at("refuse") | is_staging & beyond_staged);
    let peeked = Peeked { m: &m, region: peeked_region, slot: peeked_slot, record, listed, logged };
    let peeked = peeked.word(space.low(3), argument.data.bits(8..11), is_peek)?;
    let counted = keep(&m, "counter", token_done, counter_value).zero_extend(64);
    let reaped = keep(&m, "reaped_word", sequence.at("reap"), harvested);
    let reads_counter = ops.is(UpdateOp::ReadCounter);
    let result = peeked | counted.gated_by(reads_counter) | reaped.gated_by(is_harvest);
    let result = m.delay("result", result);
    let reaped_unsure = flag(&m, keep(&m, "reaped_unsure", harvests, unsure));
    let sees_corrupt = is_peek & (is_space(2) & seen_corrupt.region | is_space(3) & seen_corrupt.slot)
        | is_harvest & reaped_unsure;
    let sees_corrupt = m.delay("sees_corrupt", sees_corrupt);
    let reason = ops.is(UpdateOp::Stage).select(code(&m, UpdateError::BadArgument), error);
    let reason = m.delay("reason", reason);
    let reason = refused.value().select(reason, code(&m, UpdateError::Corrupt));
    let replies = sequence.at("reply");
    wire!(fails = refused.value() | sees_corrupt);
    // `stage` is answered so soon that the word is still that of whatever was at the port before.
    wire!(shows = replies & !(fails | ops.is(UpdateOp::Stage)));
    m.output("upd_done", sequence.at("answer"));
    m.output("upd_error", m.delay("answered_error", reason.gated_by(fails & replies)));
    m.output("upd_result", m.delay("answered_result", result.gated_by(shows)));
    m.finish()
}

// The log's entry comes with the token, and is chosen from by the time that the token is counted and the update stored.
const _: () = assert!(fault_log::LOG_CYCLES + PEEK_CYCLES <= counters::CYCLES + 1);

impl Widths {
    /// Bits of a listed binding.
    fn listed_bits(&self) -> u32 {
        self.binding_word().iter().sum()
    }
}

/// The write of a record that a search had to correct.
struct RecordMend<'m> {
    writes: Signal<'m>,
    table: Signal<'m>,
    word: Signal<'m>,
}

/// Which of a peek's words are reported when they are corrected, so that software can have any word mended.
fn put_peeks<'m>(m: &'m ModuleBuilder, w: &Widths, region: Signal<'m>, slot: Signal<'m>) {
    if w.corrupt() > 0 {
        put(m, "commit_peeks_region", region);
        put(m, "commit_peeks_slot", slot);
    }
}

/// The bit that `inject` flips, among as many as the widest stored word has. It stands still by the time it is used.
fn flipped_bit<'m>(m: &'m ModuleBuilder, w: &Widths, bit: Signal<'m>) -> Signal<'m> {
    let widest = (0..=10u8).filter_map(|space| stagecoach_spec::Stored::of(space, 0, 0));
    let widest = widest.map(|stored| w.config.stored_bits(stored)).max().unwrap_or(1);
    let width = stagecoach_hdl::index_width(u64::from(widest));
    m.unused(bit.bits(width..16));
    m.delay("flipped_bit", bit.low(width).decode(widest))
}

/// The fault log's walk is over: it and the slices' walk end at different times.
fn erased<'m>(m: &'m ModuleBuilder, has_log: bool, done: Signal<'m>, sequence: &Sequence<'m>) -> Signal<'m> {
    if !has_log {
        return done;
    }
    let erased = m.register("erased", 1).reset_to(0u32);
    erased.next(sequence.at("walk") & (erased.value() | done));
    erased.value() | done
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
    let more = m.delay(&format!("{name}_and_one"), value + one);
    let less = m.delay(&format!("{name}_less_one"), value - one);
    up.select(more, down.select(less, value)).named(format!("{name}_after"))
}
