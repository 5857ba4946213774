//! Block `registration_log`: stands before the mapping unit's update port, logs every change that is accepted, and refuses stale
//! epochs.
//!
//! ```text
//!  control ─▶ idle ─▶ look ─▶ judge ─▶ pass ─▶ upd_* ─▶ answered ─▶ write ─▶ answer ─▶ control
//!                      ▼       │ stale epoch, no room: ────────────────────────▲
//!             epochs, sequence numbers                               write ─▶ ring ─▶ m_axis_log
//! ```
//!
//! The arguments stand still at the port until the change is answered, so the record is made of them behind the answer. Records
//! and rules: `stagecoach_spec::log_record`; golden model: `stagecoach_model::registration_log`.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, bundle, index_width, wire};
use stagecoach_spec::command::UpdateOp;
use stagecoach_spec::log_record::{MOST_WORDS, URGENT_WORDS, Urgency, VERSION, freeze_reserve, reserve};
use stagecoach_spec::{Config, STAGED_WORDS, UpdateError};

use crate::stream_buffer;
use crate::widths::Widths;

/// Bits of the number of a word in a record.
const WORD: u32 = 3;

bundle! {
    /// What is kept of a table.
    pub struct Kept {
        /// The highest epoch.
        highest,
        /// It was bound in that.
        served,
        /// Identifiers that are bound.
        bound,
        /// The next record's number.
        sequence,
    }
}

/// Describes the block, for a configuration with a log.
pub fn describe(config: &Config) -> Result<Arc<Module>, DesignErrors> {
    let w = &Widths::of(config);
    let m = ModuleBuilder::new(
        "mapping_registration_log",
        "Block registration_log: logs every accepted change of a table, and refuses stale epochs.",
    );
    m.section("From block control");
    let offered = m.input("log_valid", 1);
    let op = m.input("log_op", 5);
    let table = m.input("log_arg_table", 16);
    let index = m.input("log_arg_index", 32);
    let data = m.input("log_arg_data", 64);
    let epoch = m.input("log_epoch", 32);
    m.section("From the mapping unit");
    let upd_ready = m.input("upd_ready", 1);
    let upd_done = m.input("upd_done", 1);
    let upd_error = m.input("upd_error", 8);
    let upd_result = m.input("upd_result", 64);
    m.section("The log's reader");
    let reader_ready = m.input("m_axis_log_tready", 1);

    m.section("The states");
    let state = |name: &str| m.register(name, 1).reset_to(0u32);
    let (looks, reads, judges, passes) = (state("looks"), state("reads"), state("judges"), state("passes"));
    let (waits, writes, answers) = (state("waits"), state("writes"), state("answers"));
    let clearing = m.register("clearing", 1).reset_to(1u32);
    let busy = looks.value() | reads.value() | judges.value() | passes.value();
    let busy = busy | waits.value() | writes.value() | answers.value() | clearing.value();
    let takes = (offered & !busy).named("takes");
    looks.next(takes);
    reads.next(looks.value());

    m.section("What is asked");
    let is = |wanted: UpdateOp| op.is(u32::from(wanted.code()));
    let any_of = |urgency: Urgency| {
        let ops = UpdateOp::ALL.into_iter().filter(|op| op.urgency() == urgency).map(is);
        ops.reduce(|a, b| a | b).expect("there are such operations")
    };
    let stages = m.delay("stages", is(UpdateOp::Stage));
    let is_bind = m.delay("is_bind", is(UpdateOp::Bind));
    let is_unbind = m.delay("is_unbind", is(UpdateOp::Unbind));
    let is_thaw = m.delay("is_thaw", is(UpdateOp::Thaw));
    let is_set = m.delay("is_set_table", is(UpdateOp::SetTable));
    let registers = m.delay("is_registration", any_of(Urgency::Registration));
    let urgent = m.delay("is_urgent", any_of(Urgency::Urgent));
    let freezes = m.delay("is_freeze", any_of(Urgency::Freeze));
    let known = table.less_than(m.constant(16, config.tables));
    let known = m.delay("table_is_known", if config.tables > 0xffff { m.bit(true) } else { known });

    m.section("What is kept of the table");
    let widths = [32, 1, w.binding_count, 32];
    let places = config.tables.next_power_of_two().max(2);
    let place_bits = index_width(places.into());
    let memory = m.memory("kept_memory", widths.iter().sum(), places);
    let clear_place = m.register("clear_place", place_bits).reset_to(0u32);
    clear_place.next(clear_place.value() + clearing.value().zero_extend(place_bits));
    clearing.next(clearing.value() & !clear_place.value().all());
    let place = table.low(place_bits);
    let kept = Kept::unpack(memory.read_enabled("kept_word", looks.value(), place), &widths);

    m.section("Stale epochs");
    let same = m.delay("same_epoch", epoch.equals(kept.highest));
    let newer = m.delay("newer_epoch", epoch.greater_than(kept.highest));
    let is_bound = m.delay("is_bound", kept.bound.any());
    let served = m.delay("has_served", kept.served);
    let first_fine = newer | (same & !served);
    let bind_fine = is_bound.select(same, first_fine);
    wire!(stale = known & ((is_bind & !bind_fine) | (is_thaw & !same)));

    m.section("Room");
    let words = config.log_room();
    let room_bits = index_width(u64::from(words) + 1);
    let room = m.register("room", room_bits).reset_to(words);
    let more_than = |least: u32| room.value().at_least(m.constant(room_bits, least));
    let tables = config.tables;
    let registration_room = m.delay("registration_room", more_than(reserve(tables) + MOST_WORDS as u32));
    let urgent_room = m.delay("urgent_room", more_than(freeze_reserve(tables) + URGENT_WORDS));
    m.comment("A registration is refused rather than held at the port: a freeze behind it must not wait for a reader.");
    wire!(full = (registers & !registration_room) | (urgent & !urgent_room));

    m.section("judge: a cycle after what is kept stands in registers");
    let judged = m.delay_reset("judged", reads.value());
    wire!(refused = judges.value() & (stale | full));
    wire!(goes = judges.value() & !(stale | full));
    judges.next(judged);
    passes.next(goes | (passes.value() & !upd_ready));
    wire!(passed = passes.value() & upd_ready);
    wire!(answered = waits.value() & upd_done);
    waits.next(passed | (waits.value() & !upd_done));
    let logged = (registers | urgent | freezes).named("is_logged");
    wire!(fine = !upd_error.any());
    wire!(begins_write = answered & fine & logged);

    m.section("The answer");
    let error = m.register("error", 8).enabled_by(answered | refused);
    let code = |error: UpdateError| m.constant(8, u32::from(error.code()));
    let own = stale.select(code(UpdateError::StaleEpoch), code(UpdateError::LogFull));
    error.next(answered.select(upd_error, own));
    let result = m.register("result", 64).enabled_by(answered | refused);
    result.next(upd_result.gated_by(answered));
    let last_word = m.wire("last_word", 1);
    answers.next(refused | (answered & !begins_write) | (writes.value() & last_word));

    m.section("Staged words");
    wire!(staged_now = answered & fine & stages);
    let staged: Vec<_> = (0..STAGED_WORDS as u32)
        .map(|word| {
            let here = staged_now & index.low(2).is(word);
            let kept = m.register(&format!("staged{word}"), 64).enabled_by(here);
            kept.next(data);
            kept.value()
        })
        .collect();

    m.section("What is kept behind the change");
    let highest = (is_set | is_bind).select(epoch, kept.highest);
    let bound_more = kept.bound + is_bind.zero_extend(w.binding_count);
    let bound = bound_more - is_unbind.zero_extend(w.binding_count);
    let sequence = kept.sequence.gated_by(!is_set);
    let next = Kept {
        highest,
        served: (kept.served | is_bind) & !is_set,
        bound: bound.gated_by(!is_set),
        sequence: sequence.plus(1u32),
    };
    let store = m.delay_reset("store_kept", begins_write);
    let store_word = m.delay("store_word", next.pack(&m));
    let record_epoch = m.delay("record_epoch", highest);
    let record_sequence = m.delay("record_sequence", sequence);
    let write = (clearing.value() | store).named("write_kept");
    let write_place = clearing.value().select(clear_place.value(), place);
    memory.write(write, write_place, store_word.gated_by(!clearing.value()));

    m.section("write: a word of the record a cycle");
    let number = m.register("word_number", WORD).reset_to(0u32);
    writes.next(begins_write | (writes.value() & !last_word));
    number.next((number.value() + writes.value().zero_extend(WORD)).gated_by(!last_word));
    let ops: Vec<UpdateOp> =
        UpdateOp::ALL.into_iter().filter(|op| op.urgency() != Urgency::Unlogged).collect();
    let mut shape = m.zero(WORD);
    let mut sources: Vec<Vec<Signal<'_>>> = vec![Vec::new(); MOST_WORDS];
    let nothing = m.zero(64);
    for logged in ops {
        let (has_index, has_data, count) = logged.logged_words();
        let mut words = vec![nothing, nothing];
        words.extend(has_index.then_some(index.zero_extend(64)));
        words.extend(has_data.then_some(data));
        words.extend(&staged[..count]);
        let length = m.constant(WORD, words.len() as u32);
        let here = m.delay(&format!("logs_{}", logged.name()), is(logged));
        shape = shape | length.gated_by(here);
        for (place, word) in words.into_iter().enumerate().skip(2) {
            sources[place].push(word.gated_by(here));
        }
    }
    let length = m.delay("record_words", shape);
    let end = freezes;
    let head = m.concat(&[
        m.zero(16),
        table,
        m.zero(7),
        end,
        length.zero_extend(8),
        op.zero_extend(8),
        m.constant(8, u32::from(VERSION)),
    ]);
    let second = m.concat(&[record_sequence, record_epoch]);
    let mut choices = vec![head, second];
    for sources in sources.into_iter().skip(2) {
        choices.push(sources.into_iter().reduce(|a, b| a | b).expect("every place is somebody's"));
    }
    last_word.drive(number.value().plus(1u32).equals(length) & writes.value());
    let word = m.delay("log_word", number.value().choose(&choices));
    let word_last = m.delay("log_word_last", last_word);
    let word_valid = m.delay_reset("log_word_valid", writes.value());

    m.section("The ring");
    let ring = m.instance("ring", &stream_buffer::describe("mapping_log_ring", 65, words)?);
    ring.input("in_valid", word_valid)
        .input("in_word", m.concat(&[word_last, word]))
        .input("take", reader_ready);
    let front = ring.output("front_word");
    let front_valid = ring.output("front_valid");
    let gone = m.delay_reset("word_gone", front_valid & reader_ready);
    let less = (writes.value() & !gone).repeat(room_bits - 1);
    room.next(room.value() + m.concat(&[less, writes.value() ^ gone]));

    m.section("Outputs");
    m.output("log_ready", takes);
    m.combinational_path("log_valid", "log_ready");
    m.output("log_done", answers.value());
    m.output("log_error", error.value());
    m.output("log_result", result.value());
    m.output("log_room", room.value().zero_extend(32));
    m.output("upd_valid", passes.value());
    m.output("upd_op", op);
    m.output("upd_arg_table", table);
    m.output("upd_arg_index", index);
    m.output("upd_arg_data", data);
    for (from, to) in
        [("op", "op"), ("arg_table", "arg_table"), ("arg_index", "arg_index"), ("arg_data", "arg_data")]
    {
        m.combinational_path(&format!("log_{from}"), &format!("upd_{to}"));
    }
    m.output("m_axis_log_tvalid", front_valid);
    m.output("m_axis_log_tdata", front.low(64));
    m.output("m_axis_log_tlast", front.bit(64));
    m.finish()
}
