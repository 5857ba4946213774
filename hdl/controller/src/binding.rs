//! Stage `binding`: a content-addressable memory of registers. Which table does the network identifier name?
//!
//! ```text
//!            cycle 1          cycle 2            cycle 3         cycle 4           cycle 5
//!  net_id ─▶ copies, one ──▶ compare every ──▶ match of ──────▶ table of the ──▶ or of the
//!            per 4 entries    entry in chunks   every entry      matching entry   groups
//!                                  ▲                             of each group
//!                       token: the entry is written
//! ```
//!
//! An update's token writes an entry in the cycle in which it would be compared: a request one cycle ahead was
//! compared with the old entry, a request one cycle behind will be with the new one. The table number of an entry is
//! read later than it is compared, but it changes only while the entry is free, so no traveller sees it change.
//!
//! With protection the entries are compared otherwise, in eight cycles: see `binding_distance.rs`.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Protection;

use crate::bundles::{Check, Flow};
use crate::table::Found;
use crate::widths::Widths;
use crate::{binding_distance, chunks, copy};

/// Latency of the stage without protection: see the picture.
const CYCLES: u32 = 5;
/// Entries that share a copy of the identifier.
const COPY_GROUP: u32 = 4;
/// Entries that share a first level of encoding.
const GROUP: u32 = 16;
/// Bits of the identifier that one chunk compares.
pub(crate) const CHUNK: u32 = 8;

stagecoach_hdl::bundle! {
    /// What an update's token does to an entry.
    pub struct Commit {
        /// The token in flight writes an entry.
        binding,
        /// Which.
        entry,
        /// Its identifier's code over {valid, net_id}.
        identifier,
        /// Its table number's code.
        number,
        /// Instead: flips the entry's bits that are one in these codes. No bits without protection.
        flip,
    }
}

impl Widths {
    /// Width of an entry's identifier as it is stored: the code over {valid, net_id}.
    pub fn stored_identifier(&self) -> u32 {
        self.coded(self.config.net_id_bits + 1)
    }

    /// Width of an entry's table number as it is stored.
    pub fn stored_number(&self) -> u32 {
        self.coded(self.table)
    }

    /// Field widths of [`Commit`].
    pub fn binding_commit(&self) -> Vec<u32> {
        vec![1, self.binding, self.stored_identifier(), self.stored_number(), self.corrupt()]
    }
}

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_binding",
        "Stage binding: a content-addressable memory of registers.\n\
         Finds the table that the network identifier is bound to.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let net_id = m.input("in_net_id", w.config.net_id_bits);
    let commit = Commit::inputs(&m, "commit", &w.binding_commit());
    let (flow, found, check) = match w.config.protection {
        Protection::None => exact(&m, w, flow, net_id, &commit)?,
        Protection::Parity | Protection::Secded => binding_distance::near(&m, w, flow, net_id, &commit)?,
    };
    flow.outputs(&m, "out");
    found.outputs(&m, "out");
    check.outputs(&m, "check");
    m.finish()
}

/// The stage without protection: the entry that equals the identifier.
fn exact<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    flow: Flow<'m>,
    net_id: Signal<'m>,
    commit: &Commit<'m>,
) -> Result<(Flow<'m>, Found<'m>, Check<'m>), DesignErrors> {
    assert_eq!(w.cycles("binding"), CYCLES, "the latency table and this stage agree");
    m.section("Cycle 1: a copy of the identifier for each group of entries; which entry a token writes");
    let binding1 = flow.delay_reset(m, "binding1");
    let copies = copies(m, w, net_id, "binding1_net_id")?;
    let binding1_write = m.delay_reset("binding1_write", written(w, &flow, commit));

    m.section("Cycle 2: every entry compares its chunks");
    let binding2 = binding1.delay_reset(m, "binding2");
    let entries: Vec<_> = (0..w.config.bindings)
        .map(|entry| {
            let stored = Entry::stored(m, entry, binding1_write.bit(entry), commit);
            let chunks = chunks::equal(m, copy_of(&copies, entry), stored.net_id, CHUNK);
            let equal = m.delay(&format!("binding2_chunks{entry}"), chunks);
            let valid = m.delay(&format!("binding2_valid{entry}"), stored.valid);
            (equal, valid, stored.table)
        })
        .collect();

    m.section("Cycle 3: match of every entry");
    let binding3 = binding2.delay_reset(m, "binding3");
    let (mut hits, mut tables) = (Vec::new(), Vec::new());
    for (entry, (equal, valid, table)) in entries.into_iter().enumerate() {
        let hit = m.delay(&format!("binding3_match{entry}"), valid & equal.all());
        hits.push(hit);
        tables.push(table.gated_by(hit));
    }
    assert_one_match(m, binding3.request, &hits);

    m.section("Cycle 4: the matching entry of each group");
    let binding4 = binding3.delay_reset(m, "binding4");
    let known = or_in_groups(m, "binding4_known", &hits);
    let table = or_in_groups(m, "binding4_table", &tables);

    m.section("Cycle 5: the group that knows the identifier");
    wire!(any_known = or_of(&known));
    wire!(found_table = or_of(&table));
    let found = Found { known: any_known, table: found_table, corrupt: m.zero(0) }.delay(m, "binding5");
    let nothing = Check { corrected: m.zero(0), uncorrectable: m.zero(0), place: m.zero(0) };
    Ok((binding4.delay_reset(m, "binding5"), found, nothing))
}

/// A copy of `value` for each group of entries, one cycle later, as wires `<name><group>`.
pub(crate) fn copies<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    value: Signal<'m>,
    name: &str,
) -> Result<Vec<Signal<'m>>, DesignErrors> {
    let module = copy::describe("mapping_binding_copy", value.width())?;
    let groups = 0..w.config.bindings.div_ceil(COPY_GROUP);
    Ok(groups
        .map(|group| {
            let copy = m.instance(&format!("net_id_copy{group}"), &module);
            copy.input("value", value);
            copy.output_as("copy", &format!("{name}{group}"))
        })
        .collect())
}

/// The copy for an entry.
pub(crate) fn copy_of<'m>(copies: &[Signal<'m>], entry: u32) -> Signal<'m> {
    copies[(entry / COPY_GROUP) as usize]
}

/// A bit per entry: the token that comes in writes it.
pub(crate) fn written<'m>(w: &Widths, flow: &Flow<'m>, commit: &Commit<'m>) -> Signal<'m> {
    let bindings = w.config.bindings;
    commit.entry.decode(bindings) & (flow.token & commit.binding).repeat(bindings)
}

/// States that a request matches one entry at most.
pub(crate) fn assert_one_match<'m>(m: &'m ModuleBuilder, request: Signal<'m>, hits: &[Signal<'m>]) {
    wire!(all_matches = m.concat(hits));
    let only_one = !(all_matches & (all_matches - m.constant(all_matches.width(), 1u32))).any();
    m.assert_always("one_match", only_one | !request, "no identifier is bound twice");
}

/// The first level of encoding: the or over each group of entries, one cycle later, in registers `<name><group>`.
pub(crate) fn or_in_groups<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    of_entries: &[Signal<'m>],
) -> Vec<Signal<'m>> {
    let groups = of_entries.chunks(GROUP as usize).enumerate();
    groups.map(|(group, members)| m.delay(&format!("{name}{group}"), or_of(members))).collect()
}

/// The or of all.
pub(crate) fn or_of<'m>(signals: &[Signal<'m>]) -> Signal<'m> {
    signals.iter().copied().reduce(|a, b| a | b).expect("there is a binding")
}

/// A stored binding.
struct Entry<'m> {
    valid: Signal<'m>,
    net_id: Signal<'m>,
    table: Signal<'m>,
}

impl<'m> Entry<'m> {
    fn stored(m: &'m ModuleBuilder, entry: u32, writes: Signal<'m>, commit: &Commit<'m>) -> Entry<'m> {
        let keep = |name: &str, value: Signal<'m>| {
            let register = m.register(&format!("entry{entry}_{name}"), value.width()).enabled_by(writes);
            register.next(value);
            register
        };
        let net_id_bits = commit.identifier.width() - 1;
        Entry {
            valid: keep("valid", commit.identifier.bit(net_id_bits)).reset_to(0u32).value(),
            net_id: keep("net_id", commit.identifier.low(net_id_bits)).value(),
            table: keep("table", commit.number).value(),
        }
    }
}
