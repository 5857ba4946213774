//! Part of block `update`: writes of the memories that only updates read: what an update changes, a bit that `inject`
//! flips, or a word that had to be corrected.

use stagecoach_hdl::Signal;
use stagecoach_spec::Protection;

use crate::protect::encode;
use crate::widths::Widths;

/// Writes of the memories that only updates read.
pub(crate) struct Notes<'a, 'm> {
    pub(crate) w: &'a Widths,
    /// The update is stored.
    pub(crate) stores: Signal<'m>,
    /// It is judged, at the end of which a corrected word is written back. The word may be taken a cycle before the write.
    pub(crate) judges: Signal<'m>,
}

/// A word of such a memory.
pub(crate) struct Note<'m> {
    pub(crate) name: &'static str,
    pub(crate) after: Signal<'m>,
    pub(crate) changes: Signal<'m>,
    pub(crate) checked: Signal<'m>,
    pub(crate) corrected: Signal<'m>,
    pub(crate) raw: Signal<'m>,
    /// `inject` means this memory, and the bit; none without protection.
    pub(crate) flip: Option<(Signal<'m>, Signal<'m>)>,
}

impl<'m> Notes<'_, 'm> {
    pub(crate) fn write(&self, note: Note<'m>, write: Signal<'m>, word: Signal<'m>) {
        let w = self.w;
        let Some((injects, mask)) = note.flip else {
            write.drive(self.stores & note.changes);
            word.drive(note.after);
            return;
        };
        let mut coded = encode(w, note.after);
        coded = injects.select(note.raw ^ mask.low(note.raw.width()), coded);
        let mut writes = self.stores & (note.changes | injects);
        if w.config.protection == Protection::Secded {
            let mends = note.corrected.named(format!("mends_{}", note.name));
            coded = self.judges.select(encode(w, note.checked), coded);
            writes = writes | mends;
        }
        write.drive(writes);
        word.drive(coded);
    }
}
