//! Part of block `update`: what its token does where it passes.

use stagecoach_hdl::{Bundle, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Protection, UpdateOp};

use crate::bundles::{Region, Slot};
use crate::protect::encode;
use crate::scan::{BindingWord, Owned};
use crate::table::TableWord;
use crate::update_words::{Arguments, Record, Which};
use crate::widths::Widths;

/// What is injected or written back, beside what an update asks for.
#[derive(Clone, Copy)]
pub(crate) struct Rewrite<'m> {
    /// `inject` into the table, region, slot or binding memory.
    pub(crate) injects: Spaces<'m>,
    /// A corrected word of these memories is written back.
    pub(crate) scrubs: Spaces<'m>,
    /// The first token of two, which reads what the second writes.
    pub(crate) reads: Signal<'m>,
    /// The bit that is flipped, one of as many as the widest word has.
    pub(crate) mask: Signal<'m>,
    /// What the first token read: words with their check bits.
    pub(crate) raw: Raw<'m>,
}

/// One of the memories on the lookup path.
#[derive(Clone, Copy)]
pub(crate) struct Spaces<'m> {
    pub(crate) binding: Signal<'m>,
    pub(crate) table: Signal<'m>,
    pub(crate) region: Signal<'m>,
    pub(crate) slot: Signal<'m>,
}

/// Words as they are stored; without protection they have no bits here, for nobody looks at them.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'m> {
    pub(crate) table: Signal<'m>,
    pub(crate) region: Signal<'m>,
    pub(crate) slot: Signal<'m>,
    pub(crate) binding: Signal<'m>,
}

/// The outputs that tell the stages what the token in flight does. They stand still while it travels.
pub(crate) struct Commit<'a, 'm> {
    pub(crate) m: &'m ModuleBuilder,
    pub(crate) w: &'a Widths,
    pub(crate) ops: &'a Which<'m>,
    /// None without protection.
    pub(crate) rewrite: Option<Rewrite<'m>>,
    /// It is the update's first token.
    pub(crate) first: Signal<'m>,
    /// A fence: the token flips the table's epoch.
    pub(crate) is_fence: Signal<'m>,
}

impl<'m> Commit<'_, 'm> {
    /// The table's word.
    pub(crate) fn table(&self, record: &Record<'m>, wanted: &Owned<'m>, table: Signal<'m>) {
        let (m, w, ops) = (self.m, self.w, self.ops);
        let sets = ops.is(UpdateOp::SetTable);
        let changes = ops.any(&[UpdateOp::SetTable, UpdateOp::Freeze, UpdateOp::Thaw]) | self.is_fence;
        let changes = m.delay("changes_table", changes);
        let thaws = ops.any(&[UpdateOp::SetTable, UpdateOp::Thaw]);
        let slice = |set, kept| if w.is_cuckoo() { m.zero(0) } else { sets.select(set, kept) };
        let word = TableWord {
            frozen: ops.is(UpdateOp::Freeze) | record.frozen & !thaws,
            epoch: record.epoch ^ self.is_fence,
            region_base: slice(wanted.region_base, record.region_base),
            region_count: slice(wanted.region_count, record.region_count),
            slot_base: slice(wanted.slot_base, record.slot_base),
        };
        let fresh = encode(w, m.delay("table_word", word.pack(m))).named("table_word_coded");
        let (written, word) = self.rewritten(
            changes & self.first,
            fresh,
            |rewrite| (rewrite.injects.table, rewrite.scrubs.table, rewrite.raw.table),
            || fresh,
        );
        put(m, "commit_write_table", written);
        put(m, "commit_table", table);
        put(m, "commit_table_word", word);
    }

    /// A binding of a CAM of registers. `listed` is what the list says of the entry, for writing back.
    pub(crate) fn binding(
        &self,
        entry: Signal<'m>,
        identifier: Signal<'m>,
        table: Signal<'m>,
        listed: &BindingWord<'m>,
    ) {
        let (m, w, ops) = (self.m, self.w, self.ops);
        let binds = ops.is(UpdateOp::Bind);
        let changes = binds | ops.is(UpdateOp::Unbind);
        let entry_identifier = m.delay("entry_identifier", m.concat(&[binds, identifier.gated_by(binds)]));
        // The number stays when the entry becomes free: the request directly before the token has found the entry, and
        // takes its number when the token has written it.
        let (asked, number) = (encode(w, entry_identifier), encode(w, table));
        let Some(rewrite) = self.rewrite else {
            m.unused(listed.valid);
            put(m, "commit_binding", changes);
            put(m, "commit_entry", entry);
            put(m, "commit_identifier", asked);
            put(m, "commit_number", number);
            return;
        };
        let scrubs = rewrite.scrubs.binding;
        let (mut identifier, mut number) = (asked, number);
        if w.config.protection == Protection::Secded {
            wire!(listed_identifier = m.concat(&[listed.valid, listed.net_id]));
            identifier = scrubs.select(encode(w, listed_identifier), identifier);
            number = scrubs.select(encode(w, listed.table), number);
        }
        let injects = rewrite.injects.binding;
        let (bits, number_bits) = (identifier.width(), number.width());
        put(m, "commit_binding", changes | scrubs | injects);
        put(m, "commit_entry", entry);
        put(m, "commit_identifier", injects.select(rewrite.mask.low(bits), identifier));
        put(m, "commit_number", injects.select(rewrite.mask.bits(bits..bits + number_bits), number));
        put(m, "commit_flip", injects);
    }

    /// A region; `fresh` is what `install` writes (zero for `invalidate`), `seen` what the first token read, checked.
    pub(crate) fn region(&self, fresh: Signal<'m>, seen: &Region<'m>, clear: Signal<'m>) {
        let changes = self.ops.any(&[UpdateOp::Install, UpdateOp::Invalidate]);
        let fresh = encode(self.w, self.m.delay("region_word", fresh));
        let (written, word) = self.rewritten(
            changes,
            fresh,
            |rewrite| (rewrite.injects.region, rewrite.scrubs.region, rewrite.raw.region),
            || encode(self.w, seen.pack(self.m).named("region_back")),
        );
        put(self.m, "commit_write_region", written);
        put(self.m, "commit_region_word", word.gated_by(!clear));
    }

    /// A slot; `page` is what `set_slot` writes, `seen` what the first token read, checked.
    pub(crate) fn slot(&self, arguments: &Arguments<'m>, seen: &Slot<'m>, clear: Signal<'m>) {
        let (m, w, ops) = (self.m, self.w, self.ops);
        let changes = ops.any(&[UpdateOp::SetSlot, UpdateOp::ClearSlot]);
        let page = Slot {
            present: m.bit(true),
            page_size: arguments.data.bits(56..56 + w.page_size),
            frame: arguments.data.low(w.frame),
        };
        let slot_word = m.delay("slot_word", page.pack(m).gated_by(ops.is(UpdateOp::SetSlot)));
        let fresh = encode(w, slot_word);
        let (written, word) = self.rewritten(
            changes,
            fresh,
            |rewrite| (rewrite.injects.slot, rewrite.scrubs.slot, rewrite.raw.slot),
            || encode(w, seen.pack(m).named("slot_back")),
        );
        put(m, "commit_write_slot", written);
        put(m, "commit_slot_word", word.gated_by(!clear));
    }

    /// Whether a memory is written, and what: an update's word, what was read with a bit flipped, or what was read and
    /// corrected. Of the last two, a first token reads.
    fn rewritten(
        &self,
        changes: Signal<'m>,
        fresh: Signal<'m>,
        of: impl Fn(&Rewrite<'m>) -> (Signal<'m>, Signal<'m>, Signal<'m>),
        corrected: impl Fn() -> Signal<'m>,
    ) -> (Signal<'m>, Signal<'m>) {
        let Some(rewrite) = self.rewrite else { return (changes, fresh) };
        let (injects, scrubs, raw) = of(&rewrite);
        let flipped = raw ^ rewrite.mask.low(raw.width());
        let mut word = injects.select(flipped, fresh);
        if self.w.config.protection == Protection::Secded {
            word = scrubs.select(corrected(), word);
        }
        (changes | ((injects | scrubs) & !rewrite.reads), word)
    }
}

/// An output from a register: it stands still while the token travels, and the stages are far away.
#[track_caller]
pub(crate) fn put<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>) {
    m.output(name, m.delay(name, value));
}
