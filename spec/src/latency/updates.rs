//! How long each part of an update takes, and the clearing after reset.

use crate::config::Config;

use super::loops::{FENCE_CYCLES, FORMED_CYCLES, RETIRED_CYCLES, TOKEN_THROUGH_CYCLES};
use super::{RETIRE_CYCLES, check_cycles};

/// Cycles that an update spends in each of the states that wait for nobody. An update passes `take`, `look`, `search` (only
/// `bind`, `unbind`, `set_table` and `track`) and `judge`; a cycle in which it is refused or accepted, or one in which its
/// token is prepared and those until it enters; and what depends on it; then a cycle of storing, if it changed something,
/// one of gathering the reply, and the cycle of the answer. Staging takes one cycle after `take`, the reply's and the
/// answer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UpdateCycles {
    /// Finding out which update it is.
    pub take: u32,
    /// Looking up the table's record and the notes on region and slot, and arithmetic.
    pub look: u32,
    /// Searching the bindings and the tables' records, a place a cycle.
    pub search: u32,
    /// The judgement.
    pub judge: u32,
    /// The least that a fence waits behind its token: its word is as old as its tallies lag.
    pub drain: u32,
    /// `harvest`: reading the word.
    pub reap: u32,
    /// `track`: until no retirement sets a bit any more as it was told before.
    pub untrack: u32,
    /// `track` that starts: until it is as old as [`RETIRE_CYCLES`] promises.
    pub retrack: u32,
}

/// Cycles of `look` beyond the check of the record: the record 5, the arithmetic 23, the judgement 8, and the last.
const LOOK_CYCLES: u32 = 37;
/// Cycles of a search behind its last place, beyond the check: reading, comparing, collecting.
const SEARCH_MORE: u32 = 9;

impl UpdateCycles {
    /// The cycles of a configuration.
    pub fn of(config: &Config) -> UpdateCycles {
        let check = check_cycles(config.protection);
        UpdateCycles {
            take: 3,
            look: LOOK_CYCLES + check,
            search: config.cam_entries().max(config.tables) + check + SEARCH_MORE,
            judge: 10,
            // What the token met was formed before it was through.
            drain: FENCE_CYCLES.saturating_sub(TOKEN_THROUGH_CYCLES - FORMED_CYCLES) + 1,
            reap: RETIRE_CYCLES - RETIRED_CYCLES + 2,
            untrack: RETIRED_CYCLES + 3,
            retrack: RETIRE_CYCLES - 1,
        }
    }

    /// `clear_table`: cycles of clearing the slices, a place a cycle in both pools, beside the table's entries of the
    /// fault log, an entry a cycle.
    pub fn walk(config: &Config, regions: u32, slots: u32) -> u32 {
        let slices = regions.max(slots) + 5;
        match config.fault_log_entries {
            0 => slices,
            entries => slices.max(entries + 11),
        }
    }

    /// `track` that starts: cycles of clearing a bitmap, a word a cycle.
    pub fn sweep(words: u64) -> u64 {
        words.max(1)
    }
}

/// Cycles from the first without reset to the first with `init_done` high: every memory is cleared, a place a cycle, the
/// smaller ones side by side by one counter that is wide enough for all of them.
pub fn init_cycles(config: &Config) -> u64 {
    let counters = config.table_bits() + 4;
    let small = counters.max(config.binding_bits()).max(config.dirty_bits());
    u64::from(config.regions.max(config.slots)).max(1 << small) + 3
}
