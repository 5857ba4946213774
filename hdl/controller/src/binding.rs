//! Stage `binding`: a content-addressable memory of registers. Which table does the network identifier name?
//!
//! ```text
//!            (request)        cycle 1            cycle 2         cycle 3           cycle 4
//!  net_id ─▶ copies, one ──▶ compare every ──▶ match of ──────▶ table of the ──▶ or of the
//!  (port)    per 4 entries    entry in chunks   every entry      matching entry   groups
//!                                  ▲                             of each group
//!                       token: the entry is written
//! ```
//!
//! The copies stand beside stage `request`'s register and are loaded from the port like it. With few entries the match
//! joins pairs of entries, and the cycle of the groups is left out.
//!
//! An update's token writes an entry in the cycle in which it would be compared: a request one cycle ahead was
//! compared with the old entry, a request one cycle behind will be with the new one. The table number of an entry is
//! read later than it is compared, but it changes only while the entry is free, so no traveller sees it change.
//!
//! A token leaves with the number of its update's table in the place of one that was found.
//!
//! With protection the entries are compared otherwise, in eight cycles: see `binding_distance.rs`.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Protection;
use stagecoach_spec::latency::FEW_BINDINGS;

use crate::bundles::{Check, Flow, delay_flow_by};
use crate::table::Found;
use crate::widths::Widths;
use crate::{binding_distance, chunks, copy};

/// Entries that share a copy of the identifier.
const COPY_GROUP: u32 = 4;
/// Entries that share a first level of encoding: what two levels of LUTs join.
pub(crate) const GROUP: u32 = 8;
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
    let net_id_port = match w.config.protection {
        Protection::None => "req_net_id",
        Protection::Parity | Protection::Secded => "in_net_id",
    };
    let net_id = m.input(net_id_port, w.config.net_id_bits);
    let commit = Commit::inputs(&m, "commit", &w.binding_commit());
    let token_table = m.input("commit_table", w.table).doc("table of the token's update");
    let (flow, mut found, check) = match w.config.protection {
        Protection::None => {
            m.port_doc(net_id_port, "from the request port, a cycle before in_request");
            exact(&m, w, flow, net_id, &commit)?
        }
        Protection::Parity | Protection::Secded => binding_distance::near(&m, w, flow, net_id, &commit)?,
    };
    found.table = flow.token.select(token_table, found.table);
    let last = w.cycles("binding");
    delay_flow_by(&m, "binding", flow, last, 1).outputs(&m, "out");
    found.delay(&m, &format!("binding{last}")).outputs(&m, "out");
    check.outputs(&m, "check");
    m.finish()
}

/// The stage without protection but for its last register: the entry that equals the identifier.
fn exact<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    flow: Flow<'m>,
    net_id: Signal<'m>,
    commit: &Commit<'m>,
) -> Result<(Flow<'m>, Found<'m>, Check<'m>), DesignErrors> {
    m.section("Beside stage request: a copy of the identifier for each group of entries; which entry a token writes");
    let copies = copies(m, w, net_id, "request1_net_id")?;
    // The update stands still before its token enters.
    let chosen = m.delay("commit_chosen", commit.entry.decode(w.config.bindings));
    wire!(writes = chosen & (flow.token & commit.binding).repeat(w.config.bindings));

    m.section("Cycle 1: every entry compares its chunks");
    let binding1 = flow.delay_reset(m, "binding1");
    let entries: Vec<_> = (0..w.config.bindings)
        .map(|entry| {
            let stored = Entry::stored(m, entry, writes.bit(entry), commit);
            let chunks = chunks::equal(m, copy_of(&copies, entry), stored.net_id, CHUNK);
            let equal = m.delay(&format!("binding1_chunks{entry}"), chunks);
            let valid = m.delay(&format!("binding1_valid{entry}"), stored.valid);
            (equal, valid, stored.table)
        })
        .collect();

    m.section("Cycle 2: match of every entry");
    let binding2 = binding1.delay_reset(m, "binding2");
    let matches: Vec<_> = (0..)
        .zip(&entries)
        .map(|(entry, (equal, valid, _))| (*valid & equal.all()).named(format!("match{entry}")))
        .collect();
    let few = w.config.bindings <= FEW_BINDINGS;
    assert_eq!(w.cycles("binding"), if few { 3 } else { 4 }, "the latency table and this stage agree");
    let (flow, known, table) = if few {
        let tables: Vec<_> =
            entries.iter().zip(&matches).map(|(entry, hit)| entry.2.gated_by(*hit)).collect();
        assert_one_match(m, binding1.request, &matches);
        let known = or_in_groups(m, "binding2_known", &matches, 2);
        (binding2, known, or_in_groups(m, "binding2_table", &tables, 2))
    } else {
        let hits: Vec<_> = (0..)
            .zip(&matches)
            .map(|(entry, hit)| m.delay(&format!("binding2_match{entry}"), *hit))
            .collect();
        assert_one_match(m, binding2.request, &hits);
        m.section("Cycle 3: the matching entry of each group");
        let tables: Vec<_> = entries.iter().zip(&hits).map(|(entry, hit)| entry.2.gated_by(*hit)).collect();
        let known = or_in_groups(m, "binding3_known", &hits, GROUP);
        let table = or_in_groups(m, "binding3_table", &tables, GROUP);
        (binding2.delay_reset(m, "binding3"), known, table)
    };

    m.section("The last cycle: the group that knows the identifier");
    wire!(any_known = or_of(&known));
    wire!(found_table = or_of(&table));
    let found = Found { known: any_known, table: found_table, corrupt: m.zero(0) };
    let nothing = Check { corrected: m.zero(0), uncorrectable: m.zero(0), place: m.zero(0) };
    Ok((flow, found, nothing))
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

/// The first level of encoding: the or over each group of `size` entries, one cycle later, in registers `<name><group>`.
pub(crate) fn or_in_groups<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    of_entries: &[Signal<'m>],
    size: u32,
) -> Vec<Signal<'m>> {
    let groups = of_entries.chunks(size as usize).enumerate();
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
