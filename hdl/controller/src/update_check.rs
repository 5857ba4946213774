//! Block `update_check`: why an update is refused. One flag per error code; the lowest that is set is the answer.
//!
//! Everything it looks at stands still while `update` waits, so the block is a pipeline that always runs: flags in
//! cycle 1 (slices and windows in cycles 1 and 2), the code in cycle 3.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{STAGED_WORDS, UpdateError, UpdateOp};

use crate::codes::code;
use crate::update_words::{Arguments, Record, Staged, Which};
use crate::widths::{KEY_INDEX, OFFSET, Widths};

/// Cycles from standing inputs to a standing code.
pub const CYCLES: u32 = 3;

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
    }
}

impl Widths {
    /// Field widths of [`Findings`].
    pub fn findings(&self) -> Vec<u32> {
        vec![1, 1, 1, 1, 1, self.table, 1, 1, 8, 1]
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
    m.unused(record.region_base);
    m.unused(record.slot_base);

    m.section("Which update it is");
    let ops = Which { m: &m, op: arguments.op };
    let space = arguments.data.low(8);
    wire!(is_peek = ops.is(UpdateOp::Peek));
    wire!(peeks_binding = is_peek & space.is(0u32));
    wire!(peeks_region = is_peek & space.is(2u32));
    wire!(peeks_slot = is_peek & space.is(3u32));
    wire!(is_binding = ops.any(&[UpdateOp::Bind, UpdateOp::Unbind]));
    wire!(names_region = ops.any(&[UpdateOp::Install, UpdateOp::Invalidate]));
    wire!(names_slot = ops.any(&[UpdateOp::SetSlot, UpdateOp::ClearSlot]));
    wire!(is_set_table = ops.is(UpdateOp::SetTable));
    wire!(is_freeze = ops.is(UpdateOp::Freeze));
    wire!(is_thaw = ops.is(UpdateOp::Thaw));
    wire!(is_set_slot = ops.is(UpdateOp::SetSlot));
    wire!(is_install = ops.is(UpdateOp::Install));
    wire!(
        needs_table =
            is_binding | names_region | names_slot | is_freeze | is_thaw | peeks_region | peeks_slot
    );

    m.section("Cycle 1: one flag per error");
    let known_ops: Vec<_> = UpdateOp::ALL.iter().filter(|op| is_supported(**op)).copied().collect();
    let flag = |error: UpdateError, when| m.delay(&format!("refused_{}", error.name()), when);
    let index = arguments.index;
    let key_index = index.bits(8..8 + KEY_INDEX);
    let region_outside = at_least_wide(key_index, record.region_count);
    let slot_outside = at_least_wide(index, record.slot_count);
    let peek_region_outside = at_least_wide(index, record.region_count);
    let peek_binding_outside = index.at_least(m.constant(32, w.config.bindings));
    let slices = check_slices(&m, w, &staged);
    let window = check_page(&m, w, arguments.data, &record);
    let in_use = record.bindings.any() | record.regions.any() | record.slots.any();
    wire!(
        out_of_slice = is_set_table & slices.beyond_pool
            | names_region & region_outside
            | is_install & findings.slots_exceeded
            | (names_slot | peeks_slot) & slot_outside
            | peeks_region & peek_region_outside
            | peeks_binding & peek_binding_outside
    );
    wire!(out_of_window = is_set_table & slices.beyond_memory | is_set_slot & window.outside);
    let bad_variant = !findings.region_valid | findings.region_variant.differs(index.low(8));
    let flags = [
        flag(UpdateError::Unsupported, !ops.any(&known_ops)),
        flag(UpdateError::BadArgument, bad_argument(&m, w, &ops, &arguments, &staged)),
        flag(
            UpdateError::NoSuchTable,
            !peeks_binding & arguments.table.at_least(m.constant(16, w.config.tables)),
        ),
        flag(UpdateError::TableAbsent, needs_table & !record.exists),
        flag(UpdateError::TableInUse, is_set_table & record.exists & in_use),
        flag(
            UpdateError::TableFrozen,
            (is_set_table | is_freeze | names_region | names_slot) & record.frozen,
        ),
        flag(UpdateError::NotFrozen, is_thaw & !record.frozen),
        flag(UpdateError::OutOfSlice, out_of_slice),
        flag(UpdateError::OutOfWindow, out_of_window),
        flag(UpdateError::Overlap, is_set_table & findings.overlap),
        flag(UpdateError::AlreadyBound, ops.is(UpdateOp::Bind) & findings.found),
        flag(
            UpdateError::NotBound,
            ops.is(UpdateOp::Unbind)
                & !(findings.found & findings.found_table.equals(arguments.table.low(w.table))),
        ),
        flag(UpdateError::BindingsFull, ops.is(UpdateOp::Bind) & !findings.has_free),
        flag(UpdateError::BadOffset, is_install & findings.bad_offset | is_set_slot & window.misaligned),
        flag(UpdateError::AddressWrap, is_install & findings.address_wrap),
        flag(UpdateError::BadRights, is_install & !registrable(&staged)),
        flag(
            UpdateError::NotValid,
            ops.is(UpdateOp::Invalidate) & bad_variant | ops.is(UpdateOp::ClearSlot) & !findings.slot_present,
        ),
    ];
    assert_eq!(flags.len(), UpdateError::ALL.len(), "every error has its flag");

    m.section("Cycles 2 and 3: the lowest code that applies, 0 if none");
    let mut lowest = m.zero(8);
    for (flag, error) in flags.iter().zip(UpdateError::ALL).rev() {
        lowest = flag.select(code(&m, error), lowest);
    }
    let lowest = m.delay("lowest_code", lowest);
    m.output("error", m.delay("error_code", lowest));
    m.finish()
}

/// The updates of this version.
pub fn is_supported(op: UpdateOp) -> bool {
    !matches!(
        op,
        UpdateOp::ClearTable | UpdateOp::Track | UpdateOp::Harvest | UpdateOp::ReadCounter | UpdateOp::Inject
    )
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
    let words: Vec<_> = [4u32, 5, 5, 1].iter().map(|words| m.constant(8, *words)).collect();
    let peek = data.bits(16..64).any() | space.bits(2..8).any() | word.at_least(space.low(2).choose(&words));
    wire!(bad_binding = (ops.is(UpdateOp::Bind) | ops.is(UpdateOp::Unbind)) & binding);
    wire!(bad_install = ops.is(UpdateOp::Install) & install);
    wire!(bad_set_slot = ops.is(UpdateOp::SetSlot) & set_slot);
    wire!(bad_peek = ops.is(UpdateOp::Peek) & peek);
    bad_binding | bad_install | bad_set_slot | bad_peek
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
