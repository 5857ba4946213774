//! Part of block `update`: what its token saw of words with check bits where it passed, kept for the next token.

use stagecoach_hdl::{ModuleBuilder, Signal};
use stagecoach_spec::Protection;

use crate::update_commit::Raw;
use crate::update_words::keep;
use crate::widths::Widths;

stagecoach_hdl::bundle! {
    /// What the token saw of words with check bits, where it read them.
    pub struct Seen {
        /// The table's word as it is stored.
        table_raw,
        /// The region as it is stored.
        region_raw,
        /// It fails its check.
        region_corrupt,
        /// The slot as it is stored.
        slot_raw,
        /// It fails its check.
        slot_corrupt,
        /// The token has left stage table.
        table_seen,
        /// The CAM's entry as it is stored. No bits with a CAM of registers, which are flipped where they are.
        binding_raw,
        /// The token has read it.
        binding_seen,
    }
}

impl Widths {
    /// Field widths of [`Seen`]: nothing without protection.
    pub fn seen(&self) -> Vec<u32> {
        if self.config.protection == Protection::None {
            return vec![0; 8];
        }
        let [binding_seen, binding_raw] = match self.is_cuckoo() {
            true => [1, self.stored_identifier() + self.stored_target()],
            false => [0, 0],
        };
        let coded = |fields: Vec<u32>| self.coded(fields.iter().sum());
        let words = [coded(self.table_memory()), coded(self.region_word()), 1, coded(self.slot_word()), 1, 1];
        words.into_iter().chain([binding_raw, binding_seen]).collect()
    }
}

/// What the token saw, kept until the next token.
pub(crate) struct Kept<'m> {
    pub(crate) region: Signal<'m>,
    pub(crate) slot: Signal<'m>,
    pub(crate) raw: Raw<'m>,
}

impl<'m> Kept<'m> {
    pub(crate) fn of(
        m: &'m ModuleBuilder,
        protected: bool,
        seen: &Seen<'m>,
        region_seen: Signal<'m>,
        slot_seen: Signal<'m>,
    ) -> Kept<'m> {
        if !protected {
            let none = m.zero(0);
            return Kept {
                region: m.bit(false),
                slot: m.bit(false),
                raw: Raw { table: none, region: none, slot: none, binding: none },
            };
        }
        Kept {
            region: keep(m, "kept_region_corrupt", region_seen, seen.region_corrupt),
            slot: keep(m, "kept_slot_corrupt", slot_seen, seen.slot_corrupt),
            raw: Raw {
                table: keep(m, "kept_table_raw", seen.table_seen, seen.table_raw),
                region: keep(m, "kept_region_raw", region_seen, seen.region_raw),
                slot: keep(m, "kept_slot_raw", slot_seen, seen.slot_raw),
                binding: match seen.binding_seen.width() {
                    0 => m.zero(0),
                    _ => keep(m, "kept_binding_raw", seen.binding_seen, seen.binding_raw),
                },
            },
        }
    }
}
