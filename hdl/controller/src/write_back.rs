//! Memories whose words are read, changed and written back, an operation a cycle.
//!
//! ```text
//!  cycle 1      cycle 2        cycle 3
//!  ─────────┬──────────────┬──────────────┬───────────▶
//!  memory   │ output       │ changed word │ write
//!           │ register     │              │
//! ```
//!
//! An operation reads while the three ahead of it are on their way: the first of them has just changed its word, the
//! third is writing, so that its word would collide. Whoever reads the same place takes their word instead. Those of
//! the second and the third are there a cycle earlier, and one is chosen then: the loop from one operation to the next
//! is a selection among three words and the change.

use stagecoach_hdl::{MemoryHandle, ModuleBuilder, RegisterHandle, Signal};

/// Where the operations ahead write: in cycle 2 of the first, 3 of the second, 4 of the third.
#[derive(Clone, Copy)]
pub(crate) struct Writes<'m> {
    first: At<'m>,
    second: At<'m>,
    third: At<'m>,
}

#[derive(Clone, Copy)]
struct At<'m> {
    write: Signal<'m>,
    place: Signal<'m>,
}

impl<'m> Writes<'m> {
    /// Of operations that are in cycle 2 with `write` and `place`. The walk after reset takes the place of an
    /// operation there, and must have its words cleared in [`Words::next`].
    #[track_caller]
    pub(crate) fn new(
        m: &'m ModuleBuilder,
        stage: &str,
        write: Signal<'m>,
        place: Signal<'m>,
        init: Signal<'m>,
        init_place: Signal<'m>,
    ) -> Writes<'m> {
        let second = At {
            write: m.delay_reset(&format!("{stage}3_write"), init | write),
            place: m.delay(&format!("{stage}3_place"), init.select(init_place, place)),
        };
        let third = At {
            write: m.delay_reset(&format!("{stage}4_write"), second.write),
            place: m.delay(&format!("{stage}4_place"), second.place),
        };
        Writes { first: At { write, place }, second, third }
    }

    /// Which of them have the place of an operation, `place0` in its cycle 0 and `place1` in its cycle 1. The second
    /// ahead is known a cycle earlier, when it was the first.
    #[track_caller]
    pub(crate) fn meets(
        &self,
        m: &'m ModuleBuilder,
        reader: &str,
        place0: Signal<'m>,
        place1: Signal<'m>,
    ) -> Meets<'m> {
        let at = |ahead: At<'m>, place: Signal<'m>| ahead.write & ahead.place.equals(place);
        let second_meets = m.delay_reset(&format!("{reader}_second_meets"), at(self.first, place0));
        Meets {
            first: m.delay_reset(&format!("{reader}_meets_first"), at(self.first, place1)),
            older: m.delay_reset(&format!("{reader}_meets_older"), second_meets | at(self.third, place1)),
            second_before: second_meets,
        }
    }
}

/// What an operation in cycle 2 takes from those ahead.
#[derive(Clone, Copy)]
pub(crate) struct Meets<'m> {
    first: Signal<'m>,
    older: Signal<'m>,
    /// In cycle 1 already.
    second_before: Signal<'m>,
}

/// The words on their way into a memory.
#[derive(Clone, Copy)]
pub(crate) struct Words<'m> {
    changed: RegisterHandle<'m>,
    /// The word a cycle later.
    pub(crate) later: Signal<'m>,
}

impl<'m> Words<'m> {
    /// For words of `width` bits.
    #[track_caller]
    pub(crate) fn new(m: &'m ModuleBuilder, stage: &str, width: u32) -> Words<'m> {
        let changed = m.register(&format!("{stage}_changed"), width);
        Words { changed, later: m.delay(&format!("{stage}_later"), changed.value()) }
    }

    /// Connects the write port.
    #[track_caller]
    pub(crate) fn write_to(&self, memory: MemoryHandle<'m>, writes: &Writes<'m>) {
        memory.write(writes.second.write, writes.second.place, self.changed.value());
    }

    /// The word as an operation in cycle 2 finds it, who read `stored`.
    #[track_caller]
    pub(crate) fn as_found(
        &self,
        m: &'m ModuleBuilder,
        reader: &str,
        meets: &Meets<'m>,
        stored: Signal<'m>,
    ) -> Signal<'m> {
        let changed = self.changed.value();
        let older = m.delay(&format!("{reader}_older"), meets.second_before.select(changed, self.later));
        let found = meets.first.select(changed, meets.older.select(older, stored));
        found.named(format!("{reader}_found"))
    }

    /// The word that the operation in cycle 2 leaves behind.
    #[track_caller]
    pub(crate) fn next(&self, word: Signal<'m>) {
        self.changed.next(word);
    }
}
