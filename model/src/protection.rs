//! Flipped bits, and what reading a word that has some comes to.
//!
//! No code is computed here: the model stores what was written and, beside it, which bits were flipped since. A word
//! reads as it was written, or not at all:
//!
//! | protection | one bit | more |
//! | --- | --- | --- |
//! | `parity` | corrupt | corrupt; an even number goes unseen in hardware, so no test may rely on it |
//! | `secded` | right, and the word is repaired | corrupt; hardware is only sure of two |
//!
//! Hardware may repair more than the model does: it also reads words that turn out not to matter for the verdict.

use crate::counters::stepped;
use stagecoach_spec::{Protection, Slices, Stored};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A stored word. Regions and slots by their place in the pool, where flipped bits stay when a slice changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    Binding(u32),
    Table(u16),
    Region(u32),
    Slot(u32),
    ListedBinding(u32),
    Record(u16),
    ValidRegion(u32),
    PresentSlot(u32),
    Tracking(u16),
}

impl Word {
    /// The word that `inject` names, where the table has these slices; nothing outside them. The dirty pool is no word
    /// of the model: a flip there can only make more memory dirty.
    pub(crate) fn of(stored: Stored, slices: &Slices) -> Option<Word> {
        let region = |index| (index < slices.region_count).then(|| slices.region_base + index);
        let slot = |slot| (slot < slices.slot_count).then(|| slices.slot_base + slot);
        match stored {
            Stored::Binding { entry } => Some(Word::Binding(entry)),
            Stored::Table { table } => Some(Word::Table(table)),
            Stored::Region { index, .. } => region(index).map(Word::Region),
            Stored::Slot { slot: place, .. } => slot(place).map(Word::Slot),
            Stored::ListedBinding { entry } => Some(Word::ListedBinding(entry)),
            Stored::Record { table } => Some(Word::Record(table)),
            Stored::ValidRegion { index, .. } => region(index).map(Word::ValidRegion),
            Stored::PresentSlot { slot: place, .. } => slot(place).map(Word::PresentSlot),
            Stored::Tracking { table } => Some(Word::Tracking(table)),
            Stored::Dirty { .. } => None,
        }
    }

    /// Whether it goes when a table with these slices is cleared.
    fn belongs_to(self, table: u16, slices: &Slices) -> bool {
        let part = |base: u32, count: u32| -> Range<u32> { base..base + count };
        match self {
            Word::Binding(_) | Word::ListedBinding(_) => false,
            Word::Table(owner) | Word::Record(owner) | Word::Tracking(owner) => owner == table,
            Word::Region(place) | Word::ValidRegion(place) => {
                part(slices.region_base, slices.region_count).contains(&place)
            }
            Word::Slot(place) | Word::PresentSlot(place) => {
                part(slices.slot_base, slices.slot_count).contains(&place)
            }
        }
    }
}

/// What reading a word gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// What was written.
    Right,
    /// It failed its check.
    Corrupt,
}

/// The flipped bits of every word, and how often it mattered.
#[derive(Clone, Debug)]
pub(crate) struct Flips {
    /// Flipped bits that are put right.
    correctable: usize,
    /// Only words with flipped bits are in the map.
    bits: BTreeMap<Word, BTreeSet<u16>>,
    corrected: u32,
    uncorrectable: u32,
}

impl Flips {
    pub(crate) fn new(protection: Protection) -> Flips {
        let correctable = match protection {
            Protection::None | Protection::Parity => 0,
            Protection::Secded => 1,
        };
        Flips { correctable, bits: BTreeMap::new(), corrected: 0, uncorrectable: 0 }
    }

    /// Flips a bit; one that was flipped is right again.
    pub(crate) fn flip(&mut self, word: Word, bit: u16) {
        let bits = self.bits.entry(word).or_default();
        if !bits.remove(&bit) {
            bits.insert(bit);
        }
        if bits.is_empty() {
            self.bits.remove(&word);
        }
    }

    /// A word is written anew.
    pub(crate) fn written(&mut self, word: Word) {
        self.bits.remove(&word);
    }

    /// All words of a table are cleared.
    pub(crate) fn clear(&mut self, table: u16, slices: &Slices) {
        self.bits.retain(|word, _| !word.belongs_to(table, slices));
    }

    /// A lookup or update reads a word; one that could be corrected is repaired.
    pub(crate) fn read(&mut self, word: Word) -> Reading {
        let flipped = self.of(word).len();
        self.judge(word, [flipped])
    }

    /// As [`Flips::read`], of a word that is made of several codes with so many flipped bits each.
    pub(crate) fn judge<const CODES: usize>(&mut self, word: Word, flipped: [usize; CODES]) -> Reading {
        if flipped.iter().any(|bits| *bits > self.correctable) {
            self.note_uncorrectable();
            return Reading::Corrupt;
        }
        if flipped.iter().any(|bits| *bits > 0) {
            self.corrected = stepped(self.corrected);
            self.written(word);
        }
        Reading::Right
    }

    /// A read gave nothing for good.
    pub(crate) fn note_uncorrectable(&mut self) {
        self.uncorrectable = stepped(self.uncorrectable);
    }

    /// The flipped bits of a word.
    pub(crate) fn of(&self, word: Word) -> BTreeSet<u16> {
        self.bits.get(&word).cloned().unwrap_or_default()
    }

    /// Times that a word was read and corrected.
    pub(crate) fn corrected(&self) -> u32 {
        self.corrected
    }

    /// Times that a word was read that failed its check.
    pub(crate) fn uncorrectable(&self) -> u32 {
        self.uncorrectable
    }
}
