//! The one table of latencies. The hardware asserts it when it is described; the cycle model predicts from it the cycle of
//! every beat and answer, and co-simulation compares; the manifest and the reports print it. (The golden model itself has
//! no clock.)
//!
//! | where | what |
//! | --- | --- |
//! | [`Stages`] | the stages that a request passes when nothing holds it back |
//! | [`loops`] | queues with credits, spans in flight, fences |
//! | [`updates`] | the parts of an update, and the clearing after reset |

pub mod loops;
pub mod updates;

use crate::config::{Cam, Config, Protection};
use alloc::vec::Vec;

/// One stage of the lookup path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// The stage's name: the same in RTL, model, tests and docs.
    pub name: &'static str,
    /// Clock cycles that a request spends in it when nothing holds it back.
    pub cycles: u32,
    /// What the stage does.
    pub what: &'static str,
    /// How its cycles are spent.
    pub doc: &'static str,
}

/// The stages of a configuration, in the order that a request passes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stages(Vec<Stage>);

/// Cycles of the binding stage: comparing chunks of the identifier. Its copies are loaded from the port, beside `request`.
pub const BINDING_CHUNK_COMPARE_CYCLES: u32 = 1;
/// Cycles of the binding stage: joining chunks into a match per entry.
pub const BINDING_ENTRY_MATCH_CYCLES: u32 = 1;
/// Cycles of the binding stage: encoding the matching entry into its table number.
pub const BINDING_ENCODE_CYCLES: u32 = 2;
/// Bindings up to which the match joins entries as well, and encoding takes a cycle less.
pub const FEW_BINDINGS: u32 = 16;

/// Cycles of the binding stage with a cuckoo CAM: the second half of the hash (the first is done while stage `request`
/// accepts), the memories and their output registers (two), comparing chunks, the match of each way, choosing.
pub const CUCKOO_CYCLES: u32 = 6;

/// Cycles of the binding stage with a cuckoo CAM under protection, beyond the check: encoding the identifier beside the
/// hash, a token's own bucket in its place, the memories (two), counting the bits that differ (three), choosing, joining
/// what was found with the check of its target.
pub const CUCKOO_PROTECTED_CYCLES: u32 = 9;

/// Cycles of `binding` under protection with a CAM of registers: encoding the identifier, its copies, counting the bits in
/// which entries differ from it (three), encoding (two), checking the table number.
pub const BINDING_PROTECTED_CYCLES: u32 = 8;

/// Cycles from a stored word with check bits to the checked word.
pub const fn check_cycles(protection: Protection) -> u32 {
    match protection {
        Protection::None => 0,
        Protection::Parity => 1,
        // The syndrome, then the correction.
        Protection::Secded => 2,
    }
}

/// A retirement at the port in cycle r comes before a `harvest` or `track` that is accepted in cycle t when
/// r + this <= t, and after it otherwise.
pub const RETIRE_CYCLES: u32 = 16;

/// Tables up to which the table memory is LUT RAM and answers in one cycle.
pub const SMALL_TABLE_MEMORY: u32 = 64;

impl Stages {
    /// The stages of a configuration. `cam` decides the cycles of `binding`, `tables` those of `table`; `protection` adds
    /// to every stage that reads a stored word.
    pub fn of(config: &Config) -> Stages {
        let cam = config.cam_kind();
        let binding = match cam {
            Cam::Cuckoo => CUCKOO_CYCLES,
            Cam::Register => {
                let encode = BINDING_ENCODE_CYCLES - u32::from(config.bindings <= FEW_BINDINGS);
                BINDING_CHUNK_COMPARE_CYCLES + BINDING_ENTRY_MATCH_CYCLES + encode
            }
        };
        let (binding_doc, table_doc) = match cam {
            Cam::Register => (
                "chunk compare, entry match, encode (a cycle, or two beyond 16 bindings)",
                "memory read; an output register beyond 64 tables; the check",
            ),
            Cam::Cuckoo => (
                "hash, memory read, output register, chunk compare, match, choice; the check",
                "beside slice; the entry of the CAM knows the slices",
            ),
        };
        let check = check_cycles(config.protection);
        let binding = match (config.protection, cam) {
            (Protection::None, _) => binding,
            (Protection::Parity | Protection::Secded, Cam::Register) => BINDING_PROTECTED_CYCLES,
            (Protection::Parity | Protection::Secded, Cam::Cuckoo) => CUCKOO_PROTECTED_CYCLES + check,
        };
        let stage = |name, cycles, what, doc| Stage { name, cycles, what, doc };
        // Up to 64 words the table memory is LUT RAM, which needs no output register.
        // A cuckoo CAM's entries know the slices, and the table's state is read beside stage `slice`.
        let table = match cam {
            Cam::Cuckoo => 0,
            Cam::Register => check + if config.tables <= SMALL_TABLE_MEMORY { 1 } else { 2 },
        };
        Stages(vec![
            stage("request", 1, "accepts a request or an update's token", "input register"),
            stage("binding", binding, "finds the table that the network identifier is bound to", binding_doc),
            stage("table", table, "reads the table's slices and state", table_doc),
            stage(
                "slice",
                2,
                "places the key's index in the table's region slice",
                "compare and add, address fan-out",
            ),
            stage(
                "region",
                3 + check,
                "reads the region record",
                "memory read, output register, a register on the way out of the block RAMs; the check",
            ),
            stage(
                "bounds",
                1,
                "compares the access with the region",
                "16-bit parts of every comparison side by side",
            ),
            stage(
                "decide",
                1,
                "takes the first row of the decision table that applies",
                "joins the parts, rows of the key, page index",
            ),
            stage("expand", 1, "cuts the access into spans, one a cycle", "head of the queue"),
            stage(
                "slot",
                3 + check,
                "reads the page slot of a span",
                "address fan-out, memory read, output register; the check",
            ),
            stage("respond", 2, "joins frame and position, and puts the beat out", "join, head of the queue"),
        ])
    }

    /// The stages in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Stage> {
        self.0.iter()
    }

    /// Cycles of one stage by its name.
    pub fn cycles(&self, name: &str) -> Option<u32> {
        self.0.iter().find(|stage| stage.name == name).map(|stage| stage.cycles)
    }

    /// Cycles of the stages from the first to the one called `name`, which is left out.
    pub fn before(&self, name: &str) -> u32 {
        self.0.iter().take_while(|stage| stage.name != name).map(|stage| stage.cycles).sum()
    }

    /// Latency of a first beat: a request accepted in cycle t has `rsp_valid` high in cycle t + this, when no earlier
    /// request is still expanding and the output has not stalled.
    pub fn first_beat(&self) -> u32 {
        self.0.iter().map(|stage| stage.cycles).sum()
    }
}

impl<'a> IntoIterator for &'a Stages {
    type Item = &'a Stage;
    type IntoIter = core::slice::Iter<'a, Stage>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    #[test]
    fn the_stages_are_the_pipeline_of_the_docs() {
        let stages = Stages::of(&Preset::Roce.config());
        let names: Vec<&str> = stages.iter().map(|stage| stage.name).collect();
        let expected = [
            "request", "binding", "table", "slice", "region", "bounds", "decide", "expand", "slot", "respond",
        ];
        assert_eq!(names, expected);
        assert!(
            stages.iter().all(|stage| stage.cycles > 0 && !stage.what.is_empty() && !stage.doc.is_empty())
        );
    }

    #[test]
    fn the_first_beat_takes_the_sum() {
        for (preset, cycles) in
            [(Preset::Tiny, 18), (Preset::Roce, 19), (Preset::Cloud, 20), (Preset::CloudEcp5, 20)]
        {
            let stages = Stages::of(&preset.config());
            assert_eq!(stages.first_beat(), cycles, "{preset}: the documents say so");
            let sum: u32 = stages.iter().map(|stage| stages.cycles(stage.name).unwrap()).sum();
            assert_eq!(stages.first_beat(), sum);
        }
        let stages = Stages::of(&Config::default());
        assert_eq!(stages.cycles("nowhere"), None);
        assert_eq!((stages.before("request"), stages.before("expand")), (0, 13));
        let protected = |protection| Stages::of(&Config { protection, ..Preset::Roce.config() }).first_beat();
        assert_eq!([Protection::None, Protection::Parity, Protection::Secded].map(protected), [19, 26, 29]);
    }
}
