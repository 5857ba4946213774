//! What travels between stages.

use stagecoach_hdl::{Bundle, ModuleBuilder, Signal, bundle};

use crate::key_row::KeyRow;
use crate::widths::{FAULT, KEY_INDEX, OFFSET, VA, Widths};

bundle! {
    /// Which kind of traveller a cycle carries: at most one bit is set.
    pub struct Flow {
        /// A request.
        request,
        /// An update's token.
        token,
    }
}

bundle! {
    /// A request as it came in, but for its network identifier.
    pub struct Asked {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// Protection domain of the asker.
        pd,
        /// Operation, 3 bits.
        op,
        /// Region index (`key[31:8]`) and variant (`key[7:0]`).
        key,
        /// First byte.
        va,
        /// Bytes to translate.
        length,
        /// Bytes that must lie in the region.
        bound,
    }
}

bundle! {
    /// A request with what depends on itself alone.
    pub struct Access {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// Protection domain of the asker.
        pd,
        /// Operation, 3 bits.
        op,
        /// Region index and variant.
        key,
        /// First byte.
        va,
        /// va + bound, 65 bits.
        end,
        /// One bit for each eight of the lower 64 of `end`: they are not all zero.
        end_parts,
        /// Bytes to translate, less one.
        last_byte,
        /// No bytes to translate.
        no_bytes,
        /// An atomic on other than eight bytes.
        odd_atomic,
        /// No packet can mean this: INVALID_REQUEST.
        invalid,
        /// No byte is meant, so no key is checked.
        unchecked,
    }
}

bundle! {
    /// What `table` found for the network identifier.
    pub struct Table {
        /// There is a binding.
        known,
        /// The table it names.
        table,
        /// The binding or the table's word fails its check: everything below means nothing. No bits without protection.
        corrupt,
        /// The table is frozen. No bits with a cuckoo CAM, where the table's state comes later.
        frozen,
        /// The table's epoch. No bits with a cuckoo CAM.
        epoch,
        /// First region of its slice.
        region_base,
        /// Regions in its slice.
        region_count,
        /// First slot of its slice.
        slot_base,
    }
}

bundle! {
    /// What the rows of the decision table before the key say.
    pub struct Early {
        /// The table, zero if there is no binding.
        table,
        /// Its epoch, zero if it is not known. No bits before the table's state joins: see `table_state.rs`.
        epoch,
        /// One of those rows applies.
        settled,
        /// Its fault.
        fault,
        /// The key's index lies in the table's slice.
        in_slice,
        /// First slot of the table's slice.
        slot_base,
    }
}

bundle! {
    /// A region as it is stored. All zero where no region is valid.
    pub struct Region {
        /// A key names it.
        valid,
        /// `key[7:0]` of that key.
        variant,
        /// Protection domain.
        pd,
        /// Rights: local write, remote write, remote read, remote atomic, from bit 0.
        rights,
        /// Index of the page size.
        page_size,
        /// Virtual address of its first byte.
        base,
        /// base + length, 65 bits.
        limit,
        /// base - first_offset, its low bits: position = va - origin.
        origin,
        /// First of its slots, relative to the slot slice.
        first_slot,
    }
}

bundle! {
    /// A request beside its region, compared in parts, at the end of `bounds`.
    pub struct Checked {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// The table.
        table,
        /// Its epoch.
        epoch,
        /// A row before the key applies.
        settled,
        /// Its fault.
        fault,
        /// The region that the key names fails its check. No bits without protection.
        corrupt,
        /// The index lies outside the slice, or no region is valid there.
        no_key,
        /// One bit per chunk of the variant that differs.
        variant_differs,
        /// One bit per chunk of the protection domain that differs.
        pd_differs,
        /// The region does not give the right that the operation needs.
        right_missing,
        /// va + bound exceeds 2^64.
        wraps,
        /// One bit per part of the address: va < base.
        below,
        /// One bit per part but the lowest: va > base.
        above,
        /// One bit per part: limit < end.
        beyond,
        /// One bit per part but the lowest: limit > end.
        within,
        /// The operation is an atomic.
        atomic,
        /// On other than eight bytes.
        odd_atomic,
        /// No bytes to translate.
        no_bytes,
        /// Bytes to translate, less one.
        last_byte,
        /// Index of the page size.
        page_size,
        /// Position of the first byte in the region.
        position,
        /// The region's first slot in the pool.
        slot_base,
    }
}

bundle! {
    /// A decided request, ready to be cut into spans.
    pub struct Decided {
        /// This is no request but an update's token.
        token,
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// The table.
        table,
        /// Its epoch.
        epoch,
        /// A row before the key applies, whatever `rows` says.
        settled,
        /// Its fault.
        fault,
        /// One bit for each row of [`KeyRow`], the first row lowest: it applies, if no earlier one does.
        rows,
        /// One beat without address and bytes. At the end of `decide` for the rows up to ADDRESS_WRAP and where no byte is
        /// meant; `expand` adds the others.
        empty,
        /// Further 4 KiB pages that the access reaches into.
        more,
        /// Its last byte in the last of its 4 KiB pages.
        end,
        /// Index of the page size.
        page_size,
        /// Offset of the first byte in its 4 KiB page.
        offset,
        /// Its 4 KiB page inside the largest page.
        page_number,
        /// That page is the last of a page of the region: the next lies in the next slot.
        crosses,
        /// The region's first slot in the pool; zero for a token.
        slot_base,
        /// Its slot, relative to that; for a token the place that its update means.
        slot_index,
    }
}

bundle! {
    /// A span as `expand` issues it: stage `slot` works out the rest while it reads the slot.
    pub struct Issued {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// The table.
        table,
        /// Its epoch.
        epoch,
        /// A row before the key applies, whatever `rows` says.
        settled,
        /// Its fault.
        fault,
        /// One bit for each row of [`KeyRow`].
        rows,
        /// No address and no bytes: the slot's word is ignored.
        empty,
        /// First span of its request.
        first,
        /// Last span of its request.
        last,
        /// Index of the page size.
        page_size,
        /// Offset in the 4 KiB page.
        offset,
        /// 4 KiB page inside the largest page.
        page_number,
        /// The request's last byte in the last of its 4 KiB pages.
        end,
    }
}

bundle! {
    /// One span.
    pub struct Span {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// The table.
        table,
        /// Its epoch.
        epoch,
        /// The fault, but for what the slot says.
        fault,
        /// No address and no bytes: the slot's word is ignored.
        empty,
        /// First span of its request.
        first,
        /// Last span of its request.
        last,
        /// Index of the page size.
        page_size,
        /// Offset in the 4 KiB page.
        offset,
        /// 4 KiB page inside the largest page.
        page_number,
        /// Bytes.
        span,
    }
}

bundle! {
    /// A page slot as it is stored. All zero where no page is present.
    pub struct Slot {
        /// There is a page.
        present,
        /// Index of its size.
        page_size,
        /// Its first frame.
        frame,
    }
}

bundle! {
    /// A response beat as it leaves.
    pub struct Beat {
        /// From the request.
        tag,
        /// From the request.
        stream,
        /// The verdict, 8 bits.
        fault,
        /// Physical address of the first byte.
        pa,
        /// Bytes.
        span,
        /// The table.
        table,
        /// Its epoch.
        epoch,
        /// First beat of its request.
        first,
        /// Last beat of its request.
        last,
    }
}

bundle! {
    /// What `respond` tells when it forms a beat, or an update's token passes: in the order in which both left `expand`.
    pub struct Formed {
        /// A beat was formed.
        beat,
        /// An update's token passes. Never together with a beat.
        token,
        /// The beat is the last of its request.
        last,
        /// Its request's table is known: the fault is neither UNKNOWN_NETWORK nor, before the slot, TABLE_CORRUPT. Fences
        /// wait for these alone.
        known,
        /// The beat's table.
        table,
        /// Its epoch.
        epoch,
        /// Its fault.
        fault,
    }
}

bundle! {
    /// Where a stored word was read, on its way to [`Check`].
    pub struct Place {
        /// Place in the memory.
        place,
    }
}

bundle! {
    /// What a lookup's read of a stored word met, for one cycle.
    pub struct Check {
        /// One flipped bit, which was corrected. No bits unless the protection corrects.
        corrected,
        /// The word failed its check for good. No bits without protection.
        uncorrectable,
        /// Where it is stored. No bits unless the protection corrects.
        place,
    }
}

impl Widths {
    /// Field widths of [`Flow`].
    pub fn flow(&self) -> Vec<u32> {
        vec![1, 1]
    }

    /// Field widths of [`Asked`].
    pub fn asked(&self) -> Vec<u32> {
        let c = &self.config;
        vec![c.tag_bits, c.stream_bits, c.pd_bits, 3, 32, VA, self.length, 32]
    }

    /// Field widths of [`Access`].
    pub fn access(&self) -> Vec<u32> {
        let c = &self.config;
        vec![c.tag_bits, c.stream_bits, c.pd_bits, 3, 32, VA, VA + 1, 8, self.last_byte(), 1, 1, 1, 1]
    }

    /// Field widths of [`Early`].
    pub fn early(&self) -> Vec<u32> {
        vec![self.table, 1, 1, FAULT, 1, self.slot]
    }

    /// Field widths of [`Early`] as stage `slice` gives it.
    pub fn early_of_slice(&self) -> Vec<u32> {
        vec![self.table, u32::from(!self.is_cuckoo()), 1, FAULT, 1, self.slot]
    }

    /// Field widths of [`Table`].
    pub fn table_word(&self) -> Vec<u32> {
        let state = u32::from(!self.is_cuckoo());
        vec![1, self.table, self.corrupt(), state, state, self.region, self.region_count, self.slot]
    }

    /// Field widths of [`Region`].
    pub fn region_word(&self) -> Vec<u32> {
        vec![1, 8, self.config.pd_bits, 4, self.page_size, VA, VA + 1, self.position, self.slot_count]
    }

    /// Field widths of [`Checked`].
    pub fn checked(&self) -> Vec<u32> {
        let c = &self.config;
        let chunks = |bits: u32| bits.div_ceil(crate::bounds::CHUNK);
        let head = vec![c.tag_bits, c.stream_bits, self.table, 1, 1, FAULT, self.corrupt()];
        let key = [1, chunks(8), chunks(c.pd_bits), 1];
        let parts = crate::bounds::PARTS;
        let compared = [1, parts, parts - 1, parts, parts - 1];
        let tail = [1, 1, 1, self.last_byte(), self.page_size, self.position, self.slot];
        head.into_iter().chain(key).chain(compared).chain(tail).collect()
    }

    /// Field widths of [`Decided`].
    pub fn decided(&self) -> Vec<u32> {
        let c = &self.config;
        let head = vec![1, c.tag_bits, c.stream_bits, self.table, 1, 1, FAULT, KeyRow::COUNT, 1];
        let cut = [self.more(), OFFSET, self.page_size, OFFSET, self.page_number, 1, self.slot, self.slot];
        head.into_iter().chain(cut).collect()
    }

    /// Field widths of [`Issued`].
    pub fn issued(&self) -> Vec<u32> {
        let c = &self.config;
        let head = vec![c.tag_bits, c.stream_bits, self.table, 1, 1, FAULT, KeyRow::COUNT, 1, 1, 1];
        head.into_iter().chain([self.page_size, OFFSET, self.page_number, OFFSET]).collect()
    }

    /// Width of a request's length less one, where the length is one that is allowed.
    pub fn last_byte(&self) -> u32 {
        (self.length - 1).max(1)
    }

    /// Width of the number of further 4 KiB pages that an access reaches into.
    pub fn more(&self) -> u32 {
        self.last_byte().max(OFFSET) + 1 - OFFSET
    }

    /// Field widths of [`Span`].
    pub fn span_beat(&self) -> Vec<u32> {
        let c = &self.config;
        let head = vec![c.tag_bits, c.stream_bits, self.table, 1, FAULT, 1, 1, 1];
        head.into_iter().chain([self.page_size, OFFSET, self.page_number, self.span]).collect()
    }

    /// Field widths of [`Slot`].
    pub fn slot_word(&self) -> Vec<u32> {
        vec![1, self.page_size, self.frame]
    }

    /// Field widths of [`Beat`].
    pub fn beat(&self) -> Vec<u32> {
        let c = &self.config;
        vec![c.tag_bits, c.stream_bits, 8, c.physical_address_bits, self.span, self.table, 1, 1, 1]
    }

    /// Field widths of [`Formed`].
    pub fn formed(&self) -> Vec<u32> {
        vec![1, 1, 1, 1, self.table, 1, FAULT]
    }
}

/// The index part of a key.
pub fn key_index(key: Signal<'_>) -> Signal<'_> {
    key.bits(8..8 + KEY_INDEX)
}

/// The variant part of a key.
pub fn key_variant(key: Signal<'_>) -> Signal<'_> {
    key.low(8)
}

/// A bundle delayed by `cycles`, in registers `<stage><n>_<field>` for cycles n = `from`, `from + 1`…
#[track_caller]
pub fn delay_bundle<'m, B: Bundle<'m>>(
    m: &'m ModuleBuilder,
    stage: &str,
    bundle: B,
    from: u32,
    cycles: u32,
) -> B {
    let mut bundle = bundle;
    for cycle in from..from + cycles {
        bundle = bundle.delay(m, &format!("{stage}{cycle}"));
    }
    bundle
}

/// Likewise for a [`Flow`]; nothing travels in reset.
#[track_caller]
pub fn delay_flow_by<'m>(
    m: &'m ModuleBuilder,
    stage: &str,
    flow: Flow<'m>,
    from: u32,
    cycles: u32,
) -> Flow<'m> {
    let mut flow = flow;
    for cycle in from..from + cycles {
        flow = flow.delay_reset(m, &format!("{stage}{cycle}"));
    }
    flow
}
