//! Block `update_check`: why an update is refused. One flag per error code; the lowest that is set is the answer.
//!
//! Everything it looks at stands still while `update` waits, so the block is a pipeline that always runs: flags in
//! cycles 1 and 2 (slices, windows and injected bits take both), the code in cycles 3 and 4.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Counter, Cuckoo, Protection, STAGED_WORDS, Stored, UpdateError, UpdateOp};

use crate::codes::{code, is};
use crate::track_check::LARGEST_SHIFT;
use crate::update_words::{Arguments, Record, Staged, Which};
use crate::widths::{KEY_INDEX, OFFSET, Widths};

/// Cycles from standing inputs to a standing code.
pub const CYCLES: u32 = 4;

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
    let ops = Which { m: &m, op: arguments.op };
    let space = arguments.data.low(8);
    let in_space = |spaces: &[u32]| {
        spaces.iter().map(|number| space.is(*number)).reduce(|a, b| a | b).expect("some space is asked for")
    };
    wire!(is_peek = ops.is(UpdateOp::Peek));
    wire!(is_inject = ops.is(UpdateOp::Inject));
    wire!(peeks_binding = is_peek & in_space(&[0]));
    wire!(peeks_table = is_peek & in_space(&[1]));
    wire!(peeks_log = is_peek & in_space(&[4]));
    // What names a region or a slot by its place in the slice, for peek and inject alike.
    wire!(looks_at_region = is_peek & in_space(&[2]) | is_inject & in_space(&[2, 7]));
    wire!(looks_at_slot = is_peek & in_space(&[3]) | is_inject & in_space(&[3, 8]));
    wire!(injects_entry = is_inject & in_space(&[0, 5]));
    wire!(injects_table = is_inject & in_space(&[1, 6, 9]));
    wire!(injects_dirty = is_inject & in_space(&[10]));
    wire!(is_binding = ops.any(&w.known_ops(&[UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::Move])));
    wire!(takes_entry = ops.any(&w.known_ops(&[UpdateOp::Bind, UpdateOp::Move])));
    wire!(names_entry = ops.any(&w.known_ops(&[UpdateOp::Unbind, UpdateOp::Move])));
    let no_entry = !findings.has_free;
    let no_entry = match findings.full.width() {
        0 => no_entry,
        _ => no_entry | ops.is(UpdateOp::Bind) & findings.full,
    };
    wire!(names_region = ops.any(&[UpdateOp::Install, UpdateOp::Invalidate]));
    wire!(names_slot = ops.any(&[UpdateOp::SetSlot, UpdateOp::ClearSlot]));
    wire!(is_set_table = ops.is(UpdateOp::SetTable));
    wire!(is_clear_table = ops.is(UpdateOp::ClearTable));
    wire!(is_freeze = ops.is(UpdateOp::Freeze));
    wire!(is_thaw = ops.is(UpdateOp::Thaw));
    wire!(is_set_slot = ops.is(UpdateOp::SetSlot));
    wire!(is_install = ops.is(UpdateOp::Install));
    wire!(is_track = ops.is(UpdateOp::Track));
    wire!(starts_tracking = is_track & arguments.data.low(8).any());
    wire!(is_harvest = ops.is(UpdateOp::Harvest));
    wire!(changes = is_clear_table | is_binding | names_region | names_slot | is_freeze | is_thaw);
    wire!(looks = looks_at_region | looks_at_slot | injects_table);
    wire!(needs_table = changes | looks | is_track | is_harvest);
    wire!(needs_record = needs_table | is_set_table | peeks_table);
    wire!(names_no_table = peeks_binding | peeks_log | injects_entry | injects_dirty);

    m.section("Cycle 1: one flag per error");
    let flag = |error: UpdateError, when| m.delay(&format!("refused_{}", error.name()), when);
    let index = arguments.index;
    let key_index = index.bits(8..8 + KEY_INDEX);
    let slices = check_slices(&m, w, &staged);
    let window = check_page(&m, w, arguments.data, &record);
    let in_use = record.regions.any() | record.slots.any();
    wire!(is_tracked = record.granule_shift.any());
    wire!(region_outside = names_region & at_least_wide(key_index, record.region_count));
    wire!(slot_outside = (names_slot | looks_at_slot) & at_least_wide(index, record.slot_count));
    wire!(place_outside = looks_at_region & at_least_wide(index, record.region_count));
    wire!(
        entry_outside =
            (peeks_binding | injects_entry) & index.at_least(m.constant(32, w.config.cam_entries()))
    );
    wire!(word_outside = injects_dirty & index.at_least(m.constant(32, w.config.dirty_words)));
    wire!(log_outside = peeks_log & beyond_log(&m, w, index));
    wire!(bitmap_outside = is_track & findings.dirty_outside);
    wire!(harvest_outside = is_harvest & is_tracked & at_least_wide(index, record.dirty_count));
    wire!(
        out_of_slice = is_set_table & slices.beyond_pool
            | is_install & findings.slots_exceeded
            | region_outside
            | slot_outside
            | place_outside
            | entry_outside
            | word_outside
            | log_outside
            | bitmap_outside
            | harvest_outside
    );
    wire!(out_of_window = is_set_table & slices.beyond_memory | is_set_slot & window.outside);
    let bad_variant = !findings.region_valid | findings.region_variant.differs(index.low(8));
    wire!(
        is_corrupt = needs_record & findings.record_corrupt
            | names_region & !region_outside & findings.valid_corrupt
            | names_slot & !slot_outside & findings.present_corrupt
            | peeks_binding & !entry_outside & findings.listed_corrupt
            | is_binding & findings.list_corrupt
            | (is_set_table | starts_tracking) & findings.records_corrupt
    );
    let other_table = findings.found_table.differs(arguments.table.low(w.table));
    let inject = bad_inject(&m, w, &arguments);
    let mut flags = vec![
        flag(UpdateError::Unsupported, inject.unsupported | arguments.op.greater_than(code(&m, last_op(w)))),
        flag(UpdateError::BadArgument, bad_argument(&m, w, &ops, &arguments, &staged) | inject.bad),
        flag(
            UpdateError::NoSuchTable,
            !names_no_table & arguments.table.at_least(m.constant(16, w.config.tables)),
        ),
        flag(UpdateError::Corrupt, is_corrupt),
        flag(UpdateError::TableAbsent, needs_table & !record.exists),
        flag(
            UpdateError::TableInUse,
            is_set_table & record.exists & in_use
                | (is_set_table | is_clear_table) & record.exists & record.bindings.any(),
        ),
        flag(
            UpdateError::TableFrozen,
            (is_set_table | is_freeze | names_region | names_slot) & record.frozen,
        ),
        flag(UpdateError::NotFrozen, is_thaw & !record.frozen),
        flag(UpdateError::OutOfSlice, out_of_slice),
        flag(UpdateError::OutOfWindow, out_of_window),
        flag(UpdateError::Overlap, (is_set_table | starts_tracking) & findings.overlap),
        flag(UpdateError::AlreadyBound, ops.is(UpdateOp::Bind) & findings.found),
        flag(UpdateError::NotBound, names_entry & (!findings.found | other_table)),
        flag(UpdateError::BindingsFull, takes_entry & no_entry),
        flag(UpdateError::BadOffset, is_install & findings.bad_offset | is_set_slot & window.misaligned),
        flag(UpdateError::AddressWrap, is_install & findings.address_wrap),
        flag(UpdateError::BadRights, is_install & !registrable(&staged)),
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

    m.section("Cycles 3 and 4: the first by rank, so the lowest code that applies, 0 if none");
    let mut lowest = m.zero(8);
    let ranks: Vec<_> = UpdateError::by_rank().collect();
    for (flag, error) in flags.iter().zip(ranks).rev() {
        lowest = flag.select(code(&m, error), lowest);
    }
    let lowest = m.delay("lowest_code", lowest);
    m.output("error", m.delay("error_code", lowest));
    m.finish()
}

/// The fault log has no such entry.
fn beyond_log<'m>(m: &'m ModuleBuilder, w: &Widths, index: Signal<'m>) -> Signal<'m> {
    match w.config.fault_log_entries {
        0 => m.bit(true),
        entries => index.at_least(m.constant(32, entries)),
    }
}

struct BadInject<'m> {
    unsupported: Signal<'m>,
    bad: Signal<'m>,
}

/// Whether `inject` can do nothing at all, or names no stored bit.
fn bad_inject<'m>(m: &'m ModuleBuilder, w: &Widths, arguments: &Arguments<'m>) -> BadInject<'m> {
    let is_inject = is(arguments.op, UpdateOp::Inject);
    if w.config.protection == Protection::None {
        return BadInject { unsupported: is_inject, bad: m.bit(false) };
    }
    let (space, bit) = (arguments.data.low(8), arguments.data.bits(16..32));
    let spaces = (0..=255u8).filter_map(|number| Stored::of(number, 0, 0));
    let names_bit = spaces.map(|stored| {
        let bits = m.constant(16, w.config.stored_bits(stored));
        space.is(u32::from(stored.space())) & bit.less_than(bits)
    });
    let names_bit = names_bit.reduce(|a, b| a | b).expect("there are stored words");
    let reserved = arguments.data.bits(8..16).any() | arguments.data.bits(32..64).any();
    let names_bit = m.delay("names_stored_bit", names_bit);
    BadInject { unsupported: m.bit(false), bad: is_inject & (reserved | !names_bit) }
}

/// value >= count, whichever is wider.
fn at_least_wide<'m>(value: Signal<'m>, count: Signal<'m>) -> Signal<'m> {
    let width = value.width().max(count.width());
    value.zero_extend(width).at_least(count.zero_extend(width))
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
    let binding = all_words.bits(w.config.net_id_bits..192).any();
    let described = staged.word2;
    let install = described.bits(36..40).any()
        | described.bits(44..64).any()
        | page_size_beyond(w, described.bits(40..44))
        | staged.word3.bits(32 + w.config.pd_bits..64).any();
    let set_slot = data.bits(52..56).any()
        | data.bits(60..64).any()
        | page_size_beyond(w, data.bits(56..60))
        | data.bits(w.frame..52).any();
    let (space, word) = (data.low(8), data.bits(8..16));
    let words: Vec<_> = [4u32, 5, 5, 1, 8].iter().map(|words| m.constant(8, *words)).collect();
    let no_space = space.greater_than(m.constant(8, words.len() as u32 - 1));
    let peek = data.bits(16..64).any() | no_space | word.at_least(space.low(3).choose(&words));
    let shift = data.low(8);
    let no_shift = shift.less_than(m.constant(8, OFFSET)) | shift.greater_than(m.constant(8, LARGEST_SHIFT));
    let track = data.bits(8..64).any() | shift.any() & no_shift;
    let counter = arguments.index.greater_than(m.constant(32, Counter::Uncorrectable.index()));
    let names_identifier = ops.any(&w.known_ops(&[UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::Move]));
    wire!(bad_binding = names_identifier & binding);
    wire!(bad_install = ops.is(UpdateOp::Install) & install);
    wire!(bad_set_slot = ops.is(UpdateOp::SetSlot) & set_slot);
    wire!(bad_peek = ops.is(UpdateOp::Peek) & peek);
    wire!(bad_track = ops.is(UpdateOp::Track) & track);
    wire!(bad_counter = ops.is(UpdateOp::ReadCounter) & counter);
    let bad = bad_binding | bad_install | bad_set_slot | bad_peek | bad_track | bad_counter;
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
    let seed = all_words.bits(w.cuckoo().seed_bits()..192).any();
    let is_beyond = |ways| arguments.index.at_least(m.constant(32, ways));
    ops.is(UpdateOp::Move) & is_beyond(Cuckoo::WAYS + 1)
        | ops.is(UpdateOp::Reseed) & (is_beyond(Cuckoo::WAYS) | seed)
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
        let end = m.delay(&format!("{name}_end"), base.add_carry(count));
        let base_outside = m.delay(&format!("{name}_base_outside"), base.at_least(m.constant(32, pool)));
        base_outside | end.greater_than(m.constant(33, pool))
    };
    let regions = beyond("regions", staged.word0, w.config.regions);
    let slots = beyond("slots", staged.word1, w.config.slots);
    let (base, count) = (staged.word2, staged.word3);
    let frames = stagecoach_hdl::BigUint::from(1u32) << w.frame;
    let base_outside = m.delay("window_base_outside", base.bits(w.frame..64).any());
    let count_outside = m.delay("window_count_outside", count.greater_than(m.constant(64, frames.clone())));
    let (base, count) = (base.low(w.frame), count.low(w.frame_count));
    let width = w.frame_count + 1;
    let end = m.delay("window_end", base.zero_extend(width) + count.zero_extend(width));
    let end_outside = end.greater_than(m.constant(width, frames));
    Slices { beyond_pool: regions | slots, beyond_memory: base_outside | count_outside | end_outside }
}

struct Page<'m> {
    outside: Signal<'m>,
    misaligned: Signal<'m>,
}

/// Whether the page of `set_slot` lies in the table's window, and its frame is aligned to its size.
fn check_page<'m>(m: &'m ModuleBuilder, w: &Widths, data: Signal<'m>, record: &Record<'m>) -> Page<'m> {
    let width = w.frame_count + 2;
    let frame = data.low(w.frame);
    let page_size = data.bits(56..56 + w.page_size);
    let sizes = &w.config.page_shifts;
    let frames: Vec<_> = sizes.iter().map(|shift| m.constant(width, 1u64 << (shift - OFFSET))).collect();
    let page_end = frame.zero_extend(width) + page_size.choose(&frames);
    let window_end = record.window_base.zero_extend(width) + record.window_count.zero_extend(width);
    let page_end = m.delay("page_end", page_end);
    let window_end = m.delay("owned_window_end", window_end);
    let begins_before = m.delay("page_begins_before", frame.less_than(record.window_base));
    let misaligned: Vec<_> =
        sizes.iter().map(|shift| frame.low((shift - OFFSET).min(w.frame)).any()).collect();
    Page {
        outside: begins_before | page_end.greater_than(window_end),
        misaligned: page_size.choose(&misaligned),
    }
}
