//! Block `update_check`: why an update is refused. One flag per error code; the lowest that is set is the answer.
//!
//! ```text
//!  arguments ─▶ which update ─┐
//!  staged    ─▶ sums ─────────┼─▶ comparisons ─▶ what is wrong ─▶ flags ─▶ fours ─▶ pairs ─▶ pairs ─▶ pairs ─▶ code
//!  record    ─────────────────┘   in steps       a register each
//! ```
//!
//! Everything it looks at stands still while `update` waits, so the block is a pipeline that always runs, a register
//! behind every step.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Counter, Cuckoo, Protection, STAGED_WORDS, Stored, UpdateError, UpdateOp};

use crate::codes::code;
use crate::standing::{ANY_CYCLES, is_any, is_below, steps, sum};
use crate::track_check::LARGEST_SHIFT;
use crate::update_words::{Arguments, Record, Staged, Which};
use crate::widths::{KEY_INDEX, OFFSET, Widths};

/// Cycles from standing inputs to a standing code. The longest way is that of `set_slot`: the frames of its page, their
/// end, the comparison with the window's, what is wrong.
pub const CYCLES: u32 = 1 + steps(55) + 1 + 1 + FLAGS_CYCLES;
/// Cycles from what a search found to a standing code, when all else stands: another table's number.
pub const SEARCHED_CYCLES: u32 = ANY_CYCLES + FLAGS_CYCLES;
/// Cycles from what is wrong to a code: a register of each, the flags, the choice of the first.
const FLAGS_CYCLES: u32 = 2 + FIRST_CYCLES;
/// Cycles of the choice among 19 or 20 flags: in fours, then in pairs.
const FIRST_CYCLES: u32 = 4;

stagecoach_hdl::bundle! {
    /// What the other blocks found.
    pub struct Findings {
        /// `install_check`: more slots than the slice has.
        slots_exceeded,
        /// `install_check`: first_offset is wrong.
        bad_offset,
        /// `install_check`: base + length exceeds 2^64.
        address_wrap,
        /// `scan`: slices or windows overlap another table's.
        overlap,
        /// `scan`: the identifier is bound.
        found,
        /// `scan`: to this table.
        found_table,
        /// `scan`: an entry is free.
        has_free,
        /// A region is valid at the index.
        region_valid,
        /// Its variant.
        region_variant,
        /// A page is present in the slot.
        slot_present,
        /// `track_check`: the bitmap does not lie in the dirty pool.
        dirty_outside,
        /// The table's record fails its check.
        record_corrupt,
        /// The note on the region fails its check.
        valid_corrupt,
        /// The note on the slot fails its check.
        present_corrupt,
        /// `scan`: the listed binding that `peek` names fails its check.
        listed_corrupt,
        /// `scan`: some listed binding does.
        list_corrupt,
        /// `scan`: some table's record does.
        records_corrupt,
        /// As many identifiers are bound as can be. No bits with a CAM of registers: there no entry is free then.
        full,
        /// The way that `reseed` means is not empty. No bits with a CAM of registers.
        way_in_use,
    }
}

impl Widths {
    /// Field widths of [`Findings`].
    pub fn findings(&self) -> Vec<u32> {
        let cuckoo = u32::from(self.is_cuckoo());
        let searched = [1, 1, 1, 1, 1, self.table, 1, 1, 8];
        searched.into_iter().chain([1; 8]).chain([cuckoo; 2]).collect()
    }
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_update_check",
        "Block update_check: why an update is refused; the lowest code that applies.",
    );
    let arguments = Arguments::inputs(&m, "arg", &Arguments::WIDTHS);
    let staged = Staged::inputs(&m, "staged", &[64; STAGED_WORDS]);
    let record = Record::inputs(&m, "record", &w.record());
    let findings = Findings::inputs(&m, "find", &w.findings());

    // Where slices begin matters to the addresses that `update` makes, not to the judgement.
    for unread in [record.region_base, record.slot_base, record.dirty_base, record.epoch] {
        m.unused(unread);
    }

    m.section("Which update it is");
    let ops = Which::of(&m, &arguments);
    let group = |name: &str, when| m.delay(name, when);
    let is_peek = ops.is(UpdateOp::Peek);
    let is_inject = ops.is(UpdateOp::Inject);
    let peeks_binding = group("peeks_binding", is_peek & ops.is_space(0));
    let peeks_table = group("peeks_table", is_peek & ops.is_space(1));
    let peeks_log = group("peeks_log", is_peek & ops.is_space(4));
    // What names a region or a slot by its place in the slice, for peek and inject alike.
    let looks_at_region =
        group("looks_at_region", is_peek & ops.is_space(2) | is_inject & ops.in_space(&[2, 7]));
    let looks_at_slot = group("looks_at_slot", is_peek & ops.is_space(3) | is_inject & ops.in_space(&[3, 8]));
    let injects_entry = group("injects_entry", is_inject & ops.in_space(&[0, 5]));
    let injects_table = group("injects_table", is_inject & ops.in_space(&[1, 6, 9]));
    let injects_dirty = group("injects_dirty", is_inject & ops.is_space(10));
    let is_binding =
        group("is_binding", ops.any(&w.known_ops(&[UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::Move])));
    let takes_entry = group("takes_entry", ops.any(&w.known_ops(&[UpdateOp::Bind, UpdateOp::Move])));
    let leaves_entry = group("leaves_entry", ops.any(&w.known_ops(&[UpdateOp::Unbind, UpdateOp::Move])));
    let no_entry = match findings.full.width() {
        0 => !findings.has_free,
        _ => !findings.has_free | group("binds_too_many", ops.is(UpdateOp::Bind) & findings.full),
    };
    let names_region = group("names_region", ops.any(&[UpdateOp::Install, UpdateOp::Invalidate]));
    let names_slot = group("names_slot", ops.any(&[UpdateOp::SetSlot, UpdateOp::ClearSlot]));
    let is_set_table = ops.is(UpdateOp::SetTable);
    let is_clear_table = ops.is(UpdateOp::ClearTable);
    let is_freeze = ops.is(UpdateOp::Freeze);
    let is_thaw = ops.is(UpdateOp::Thaw);
    let is_set_slot = ops.is(UpdateOp::SetSlot);
    let is_install = ops.is(UpdateOp::Install);
    let is_track = ops.is(UpdateOp::Track);
    let has_granules = group("has_granules", arguments.data.low(8).any());
    let starts_tracking = group("starts_tracking", is_track & has_granules);
    let is_harvest = ops.is(UpdateOp::Harvest);
    let changes =
        group("changes", is_clear_table | is_binding | names_region | names_slot | is_freeze | is_thaw);
    let looks = group("looks", looks_at_region | looks_at_slot | injects_table);
    let needs_table = group("needs_table", changes | looks | is_track | is_harvest);
    let needs_record = group("needs_record", needs_table | is_set_table | peeks_table);
    let names_no_table = group("names_no_table", peeks_binding | peeks_log | injects_entry | injects_dirty);

    m.section("Comparisons");
    let index = arguments.index;
    let slices = check_slices(&m, w, &staged);
    let window = check_page(&m, w, arguments.data, &record);
    let in_use = group("in_use", is_any(&m, "counted", m.concat(&[record.regions, record.slots])));
    let has_bindings = is_any(&m, "bindings", record.bindings);
    let is_tracked = group("is_tracked", record.granule_shift.any());
    // These comparisons are short, and have time for registers of their own in front.
    let index_here = m.delay("index_here", index);
    let counts = [
        ("region_count_here", record.region_count),
        ("slot_count_here", record.slot_count),
        ("dirty_count_here", record.dirty_count),
    ];
    let [region_count, slot_count, dirty_count] = counts.map(|(name, count)| m.delay(name, count));
    let key_index = index_here.bits(8..8 + KEY_INDEX);
    let beyond = |name: &str, index, count| !is_below_wide(&m, name, index, count);
    let beyond_number = |name: &str, count: u32| !is_below(&m, name, index_here, m.constant(32, count));
    let beyond_regions = beyond("key_inside", key_index, region_count);
    let region_outside = group("region_outside", names_region & beyond_regions);
    let beyond_slots = beyond("slot_inside", index_here, slot_count);
    let slot_outside = group("slot_outside", (names_slot | looks_at_slot) & beyond_slots);
    let beyond_slice = beyond("place_inside", index_here, region_count);
    let place_outside = group("place_outside", looks_at_region & beyond_slice);
    let beyond_bindings = beyond_number("entry_inside", w.config.cam_entries());
    let entry_outside = group("entry_outside", (peeks_binding | injects_entry) & beyond_bindings);
    let beyond_words = beyond_number("word_inside", w.config.dirty_words);
    let word_outside = group("word_outside", injects_dirty & beyond_words);
    let beyond_log = beyond_number("log_entry_inside", w.config.fault_log_entries);
    let log_outside = group("log_outside", peeks_log & beyond_log);
    let bitmap_outside = group("bitmap_outside", is_track & findings.dirty_outside);
    let beyond_bitmap = beyond("harvest_inside", index_here, dirty_count);
    let harvest_outside = group("harvest_outside", is_harvest & is_tracked & beyond_bitmap);
    let slices_outside = group("slices_outside", is_set_table & slices.beyond_pool);
    let too_many_slots = group("too_many_slots", is_install & findings.slots_exceeded);
    let outsides = [
        region_outside,
        slot_outside,
        place_outside,
        entry_outside,
        word_outside,
        log_outside,
        bitmap_outside,
        harvest_outside,
        slices_outside,
        too_many_slots,
    ];
    let out_of_slice = outsides.into_iter().reduce(|a, b| a | b).expect("there are some");
    let out_of_window =
        group("out_of_window", is_set_table & slices.beyond_memory | is_set_slot & window.outside);
    let variant_differs = group("variant_differs", findings.region_variant.differs(index.low(8)));
    let bad_variant = group("bad_variant", !findings.region_valid | variant_differs);
    let corrupts = [
        group("record_is_corrupt", needs_record & findings.record_corrupt),
        group("valid_is_corrupt", names_region & !region_outside & findings.valid_corrupt),
        group("present_is_corrupt", names_slot & !slot_outside & findings.present_corrupt),
        group("listed_is_corrupt", peeks_binding & !entry_outside & findings.listed_corrupt),
        group("list_is_corrupt", is_binding & findings.list_corrupt),
        group("records_are_corrupt", (is_set_table | starts_tracking) & findings.records_corrupt),
    ];
    let is_corrupt = corrupts.into_iter().reduce(|a, b| a | b).expect("there are some");
    wire!(found_table_differs = findings.found_table ^ arguments.table.low(w.table));
    let other_table = is_any(&m, "found_other", found_table_differs);
    let inject = bad_inject(&m, w, &ops, &arguments);
    let unknown_op = group("unknown_op", arguments.op.greater_than(code(&m, last_op(w))));
    let no_such_table = !is_below_wide(&m, "table_inside", arguments.table, m.constant(16, w.config.tables));
    let needs_absent = group("needs_absent", needs_table & !record.exists);
    let replaces = group("replaces_table", is_set_table & record.exists);
    let ends_bound = group("ends_bound", (is_set_table | is_clear_table) & record.exists & has_bindings);
    let frozen_refuses = group("frozen_refuses", is_set_table | is_freeze | names_region | names_slot);
    let not_registrable = group("not_registrable", !registrable(&staged));

    m.section("One flag per error");
    let flag = |error: UpdateError, when| m.delay(&format!("refused_{}", error.name()), when);
    let mut flags = vec![
        flag(UpdateError::Unsupported, inject.unsupported | unknown_op),
        flag(UpdateError::BadArgument, bad_argument(&m, w, &ops, &arguments, &staged) | inject.bad),
        flag(UpdateError::NoSuchTable, !names_no_table & no_such_table),
        flag(UpdateError::Corrupt, is_corrupt),
        flag(UpdateError::TableAbsent, needs_absent),
        flag(UpdateError::TableInUse, replaces & in_use | ends_bound),
        flag(UpdateError::TableFrozen, frozen_refuses & record.frozen),
        flag(UpdateError::NotFrozen, is_thaw & !record.frozen),
        flag(UpdateError::OutOfSlice, m.delay("out_of_slice", out_of_slice)),
        flag(UpdateError::OutOfWindow, out_of_window),
        flag(UpdateError::Overlap, (is_set_table | starts_tracking) & findings.overlap),
        flag(UpdateError::AlreadyBound, ops.is(UpdateOp::Bind) & findings.found),
        flag(UpdateError::NotBound, leaves_entry & (!findings.found | other_table)),
        flag(UpdateError::BindingsFull, takes_entry & no_entry),
        flag(UpdateError::BadOffset, is_install & findings.bad_offset | is_set_slot & window.misaligned),
        flag(UpdateError::AddressWrap, is_install & findings.address_wrap),
        flag(UpdateError::BadRights, is_install & not_registrable),
        flag(
            UpdateError::NotValid,
            ops.is(UpdateOp::Invalidate) & bad_variant | ops.is(UpdateOp::ClearSlot) & !findings.slot_present,
        ),
        flag(UpdateError::NotTracked, is_harvest & !is_tracked),
    ];
    if w.is_cuckoo() {
        flags.push(flag(UpdateError::WayInUse, ops.is(UpdateOp::Reseed) & findings.way_in_use));
    }
    if w.config.protection != Protection::None {
        // What is judged on the way, for the words to be counted and mended; nothing of an update that makes no sense.
        wire!(senseless = flags[0] | flags[1] | flags[2]);
        let uses = |name: &str, when| {
            m.output(name, m.delay(name, m.delay(&format!("{name}_named"), when) & !senseless))
        };
        uses("uses_record", needs_record);
        uses("uses_valid", record.exists & names_region & !region_outside);
        uses("uses_present", record.exists & names_slot & !slot_outside);
        uses("uses_listed", peeks_binding & !entry_outside);
    }
    let possible = UpdateError::ALL.len() - usize::from(!w.is_cuckoo());
    assert_eq!(flags.len(), possible, "every error has its flag; WAY_IN_USE, the last, needs ways");
    let first = first_error(&m, &flags);
    m.output("error", first.error);
    m.output("refused", first.any);
    m.finish()
}

/// Of some flags: whether one is set, and the code of the first that is, 0 if none.
#[derive(Clone, Copy)]
struct First<'m> {
    any: Signal<'m>,
    error: Signal<'m>,
}

/// The first by rank, so the lowest code that applies: in fours, then in pairs, a cycle each.
fn first_error<'m>(m: &'m ModuleBuilder, flags: &[Signal<'m>]) -> First<'m> {
    m.section("The first by rank, in fours, then in pairs, a cycle each");
    let ranked: Vec<_> = flags.iter().copied().zip(UpdateError::by_rank()).collect();
    let four = |(number, four): (usize, &[(Signal<'m>, UpdateError)])| {
        let any = four.iter().map(|(flag, _)| *flag).reduce(|a, b| a | b).expect("no four is empty");
        let mut error = m.zero(8);
        for (flag, reason) in four.iter().rev() {
            error = flag.select(code(m, *reason), error);
        }
        let name = format!("first_of_four{number}");
        First { any: m.delay(&format!("{name}_any"), any), error: m.delay(&name, error) }
    };
    let mut firsts: Vec<_> = ranked.chunks(4).enumerate().map(four).collect();
    let mut cycles = 1;
    while firsts.len() > 1 {
        cycles += 1;
        let pair = |(number, pair): (usize, &[First<'m>])| {
            let name = format!("first{cycles}_of_pair{number}");
            let [front, back] = pair else {
                let First { any, error } = pair[0];
                return First { any: m.delay(&format!("{name}_any"), any), error: m.delay(&name, error) };
            };
            // A code is zero where no flag is set.
            let error = front.error | back.error.gated_by(!front.any);
            First { any: m.delay(&format!("{name}_any"), front.any | back.any), error: m.delay(&name, error) }
        };
        firsts = firsts.chunks(2).enumerate().map(pair).collect();
    }
    assert_eq!(cycles, FIRST_CYCLES, "the block's latency counts these");
    firsts[0]
}

struct BadInject<'m> {
    unsupported: Signal<'m>,
    bad: Signal<'m>,
}

/// Whether `inject` can do nothing at all, or names no stored bit.
fn bad_inject<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    ops: &Which<'m>,
    arguments: &Arguments<'m>,
) -> BadInject<'m> {
    let is_inject = ops.is(UpdateOp::Inject);
    if w.config.protection == Protection::None {
        return BadInject { unsupported: is_inject, bad: m.bit(false) };
    }
    let bit = arguments.data.bits(16..32);
    let spaces = (0..=255u8).filter_map(|number| Stored::of(number, 0, 0));
    let names_bit = spaces.map(|stored| {
        let bits = m.constant(16, w.config.stored_bits(stored));
        let number = u32::from(stored.space());
        ops.is_space(number) & is_below(m, &format!("bit_inside{number}"), bit, bits)
    });
    let names_bit = names_bit.reduce(|a, b| a | b).expect("there are stored words");
    let reserved = m.concat(&[arguments.data.bits(32..64), arguments.data.bits(8..16)]);
    let reserved = is_any(m, "inject_reserved", reserved);
    let names_bit = m.delay("names_stored_bit", names_bit);
    let bad = m.delay("bad_inject", is_inject & (reserved | !names_bit));
    BadInject { unsupported: m.bit(false), bad }
}

/// value < count, whichever is wider, in so many steps.
fn is_below_wide<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>, count: Signal<'m>) -> Signal<'m> {
    let width = value.width().max(count.width());
    is_below(m, name, value.zero_extend(width), count.zero_extend(width))
}

/// Reserved bits, and values that the configuration has no place for.
fn bad_argument<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    ops: &Which<'m>,
    arguments: &Arguments<'m>,
    staged: &Staged<'m>,
) -> Signal<'m> {
    let data = arguments.data;
    let all_words = m.concat(&[staged.word2, staged.word1, staged.word0]);
    let binding = is_any(m, "beyond_identifier", all_words.bits(w.config.net_id_bits..192));
    let described = staged.word2;
    let reserved = [
        staged.word3.bits(32 + w.config.pd_bits..64),
        described.bits(44..64),
        described.bits(36..40),
        page_size_beyond(w, described.bits(40..44)),
    ];
    let install = is_any(m, "install_reserved", m.concat(&reserved));
    let reserved = [
        data.bits(52..56),
        data.bits(60..64),
        page_size_beyond(w, data.bits(56..60)),
        data.bits(w.frame..52),
    ];
    let set_slot = is_any(m, "set_slot_reserved", m.concat(&reserved));
    let (space, word) = (data.low(8), data.bits(8..16));
    let words: Vec<_> = [4u32, 5, 5, 1, 8].iter().map(|words| m.constant(8, *words)).collect();
    let no_space = m.delay("no_space", space.greater_than(m.constant(8, words.len() as u32 - 1)));
    let words = m.delay("words_of_space", space.low(3).choose(&words));
    let no_word = m.delay("no_word_of_space", word.at_least(words));
    let reserved = is_any(m, "peek_reserved", data.bits(16..64));
    let peek = m.delay("bad_peek", ops.is(UpdateOp::Peek) & (reserved | no_space | no_word));
    let shift = data.low(8);
    let has_shift = m.delay("has_shift", shift.any());
    let no_shift = shift.less_than(m.constant(8, OFFSET)) | shift.greater_than(m.constant(8, LARGEST_SHIFT));
    let no_shift = m.delay("no_shift", no_shift);
    let reserved = is_any(m, "track_reserved", data.bits(8..64));
    let track = reserved | has_shift & no_shift;
    let largest = m.constant(32, Counter::Uncorrectable.index() + 1);
    let counter = !is_below(m, "counter_inside", arguments.index, largest);
    let names_identifier = ops.any(&w.known_ops(&[UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::Move]));
    let bad_binding = m.delay("bad_binding", names_identifier & binding);
    let bad_install = m.delay("bad_install", ops.is(UpdateOp::Install) & install);
    let bad_set_slot = m.delay("bad_set_slot", ops.is(UpdateOp::SetSlot) & set_slot);
    let bad_track = m.delay("bad_track", ops.is(UpdateOp::Track) & track);
    let bad_counter = m.delay("bad_counter", ops.is(UpdateOp::ReadCounter) & counter);
    let bad = bad_binding | bad_install | bad_set_slot | peek | bad_track | bad_counter;
    if w.is_cuckoo() { bad | bad_way(m, w, ops, arguments, all_words) } else { bad }
}

/// The last operation that the configuration has.
fn last_op(w: &Widths) -> UpdateOp {
    if w.is_cuckoo() { UpdateOp::Reseed } else { UpdateOp::Inject }
}

/// `move` and `reseed` name no way, or the seed is too wide.
fn bad_way<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    ops: &Which<'m>,
    arguments: &Arguments<'m>,
    all_words: Signal<'m>,
) -> Signal<'m> {
    let seed = is_any(m, "beyond_seed", all_words.bits(w.cuckoo().seed_bits()..192));
    let beyond = |name: &str, ways: u32| !is_below(m, name, arguments.index, m.constant(32, ways));
    let bad_move = ops.is(UpdateOp::Move) & beyond("way_or_stash", Cuckoo::WAYS + 1);
    let bad_reseed = ops.is(UpdateOp::Reseed) & (beyond("way_inside", Cuckoo::WAYS) | seed);
    m.delay("bad_way", bad_move | bad_reseed)
}

/// The four bits name no page size.
fn page_size_beyond<'m>(w: &Widths, page_size: Signal<'m>) -> Signal<'m> {
    let sizes = w.config.page_shifts.len() as u32;
    if sizes > 15 {
        return page_size.builder().bit(false);
    }
    page_size.at_least(page_size.builder().constant(4, sizes))
}

/// Remote write and remote atomic need local write.
fn registrable<'m>(staged: &Staged<'m>) -> Signal<'m> {
    let rights = staged.word2.bits(32..36);
    rights.bit(0) | !(rights.bit(1) | rights.bit(3))
}

struct Slices<'m> {
    beyond_pool: Signal<'m>,
    beyond_memory: Signal<'m>,
}

/// Whether the staged slices lie in their pools and the window in physical memory.
fn check_slices<'m>(m: &'m ModuleBuilder, w: &Widths, staged: &Staged<'m>) -> Slices<'m> {
    let beyond = |name: &str, word: Signal<'m>, pool: u32| {
        let (base, count) = (word.low(32), word.high(32));
        let end = sum(m, &format!("{name}_end"), base, count);
        let end_outside = is_below(m, &format!("{name}_pool_below_end"), m.constant(33, pool), end);
        let base_inside = is_below(m, &format!("{name}_base_inside"), base, m.constant(32, pool));
        m.delay(&format!("{name}_beyond"), !base_inside | end_outside)
    };
    let regions = beyond("regions", staged.word0, w.config.regions);
    let slots = beyond("slots", staged.word1, w.config.slots);
    let (base, count) = (staged.word2, staged.word3);
    let frames = stagecoach_hdl::BigUint::from(1u32) << w.frame;
    let base_outside = is_any(m, "window_base_outside", base.bits(w.frame..64));
    let most = m.constant(64, frames.clone());
    let count_outside = is_below(m, "window_most_below_count", most, count);
    let (base, count) = (base.low(w.frame), count.low(w.frame_count));
    let width = w.frame_count;
    let end = sum(m, "window_end", base.zero_extend(width), count);
    let end_outside = is_below(m, "window_most_below_end", m.constant(width + 1, frames), end);
    let beyond_memory = m.delay("window_outside", base_outside | count_outside | end_outside);
    Slices { beyond_pool: regions | slots, beyond_memory }
}

struct Page<'m> {
    outside: Signal<'m>,
    misaligned: Signal<'m>,
}

/// Whether the page of `set_slot` lies in the table's window, and its frame is aligned to its size.
fn check_page<'m>(m: &'m ModuleBuilder, w: &Widths, data: Signal<'m>, record: &Record<'m>) -> Page<'m> {
    let width = w.frame_count + 1;
    let frame = data.low(w.frame);
    let page_size = data.bits(56..56 + w.page_size);
    let sizes = &w.config.page_shifts;
    let frames: Vec<_> = sizes.iter().map(|shift| m.constant(width, 1u64 << (shift - OFFSET))).collect();
    let frames = m.delay("page_frames", page_size.choose(&frames));
    let page_end = sum(m, "page_end", frame.zero_extend(width), frames);
    let (base, count) = (record.window_base.zero_extend(width), record.window_count.zero_extend(width));
    let window_end = sum(m, "owned_window_end", base, count);
    let begins_before = is_below(m, "page_begins_before", frame, record.window_base);
    let ends_behind = is_below(m, "window_ends_before", window_end, page_end);
    let misaligned: Vec<_> = sizes
        .iter()
        .map(|shift| is_any(m, &format!("frame_below_{shift}"), frame.low((shift - OFFSET).min(w.frame))))
        .collect();
    Page {
        outside: m.delay("page_outside", begins_before | ends_behind),
        misaligned: m.delay("page_misaligned", page_size.choose(&misaligned)),
    }
}
