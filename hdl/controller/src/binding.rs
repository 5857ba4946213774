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

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};

use crate::bundles::Flow;
use crate::widths::Widths;
use crate::{chunks, copy};

/// Latency of the stage: see the picture.
pub const CYCLES: u32 = 5;
/// Entries that share a copy of the identifier.
const COPY_GROUP: u32 = 4;
/// Entries that share a first level of encoding.
const GROUP: u32 = 16;
/// Bits of the identifier that one chunk compares.
pub(crate) const CHUNK: u32 = 8;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("binding"), CYCLES, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_binding",
        "Stage binding: a content-addressable memory of registers.\n\
         Finds the table that the network identifier is bound to.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let net_id = m.input("in_net_id", w.config.net_id_bits);
    let write = m.input("commit_binding", 1).doc("the token in flight writes an entry");
    let write_entry = m.input("commit_entry", w.binding).doc("which");
    let write_valid = m.input("commit_valid", 1).doc("bind, else unbind");
    let write_net_id = m.input("commit_net_id", w.config.net_id_bits);
    let write_table = m.input("commit_table", w.table);

    m.section("Cycle 1: a copy of the identifier for each group of entries; which entry a token writes");
    let binding1 = flow.delay_reset(&m, "binding1");
    let copy = copy::describe("mapping_binding_copy", w.config.net_id_bits)?;
    let copies: Vec<_> = (0..w.config.bindings.div_ceil(COPY_GROUP))
        .map(|group| {
            let copy = m.instance(&format!("net_id_copy{group}"), &copy);
            copy.input("value", net_id);
            copy.output_as("copy", &format!("binding1_net_id{group}"))
        })
        .collect();
    let writes = flow.token & write;
    let binding1_write = m.delay_reset(
        "binding1_write",
        write_entry.decode(w.config.bindings) & writes.repeat(w.config.bindings),
    );

    m.section("Cycle 2: every entry compares its chunks");
    let binding2 = binding1.delay_reset(&m, "binding2");
    let entries: Vec<_> = (0..w.config.bindings)
        .map(|entry| {
            let writes = binding1_write.bit(entry);
            let stored = Entry::stored(&m, entry, writes, write_valid, write_net_id, write_table);
            let copy = copies[(entry / COPY_GROUP) as usize];
            let chunks = chunks::equal(&m, copy, stored.net_id, CHUNK);
            let equal = m.delay(&format!("binding2_chunks{entry}"), chunks);
            let valid = m.delay(&format!("binding2_valid{entry}"), stored.valid);
            (equal, valid, stored.table)
        })
        .collect();

    m.section("Cycle 3: match of every entry");
    let binding3 = binding2.delay_reset(&m, "binding3");
    let matches: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(entry, (equal, valid, table))| {
            (m.delay(&format!("binding3_match{entry}"), *valid & equal.all()), *table)
        })
        .collect();

    let hits: Vec<_> = matches.iter().map(|(hit, _)| *hit).collect();
    wire!(all_matches = m.concat(&hits));
    let only_one = !(all_matches & (all_matches - m.constant(all_matches.width(), 1u32))).any();
    m.assert_always("one_match", only_one | !binding3.request, "no identifier is bound twice");

    m.section("Cycle 4: the matching entry of each group");
    let binding4 = binding3.delay_reset(&m, "binding4");
    let found: Vec<_> = matches
        .chunks(GROUP as usize)
        .enumerate()
        .map(|(group, members)| {
            let any = members.iter().map(|(hit, _)| *hit).reduce(|a, b| a | b).expect("a group has members");
            let tables = members.iter().map(|(hit, table)| table.gated_by(*hit));
            let table = tables.reduce(|a, b| a | b).expect("a group has members");
            (
                m.delay(&format!("binding4_known{group}"), any),
                m.delay(&format!("binding4_table{group}"), table),
            )
        })
        .collect();

    m.section("Cycle 5: the group that knows the identifier");
    wire!(known = found.iter().map(|(known, _)| *known).reduce(|a, b| a | b).expect("there is a group"));
    wire!(
        found_table = found.iter().map(|(_, table)| *table).reduce(|a, b| a | b).expect("there is a group")
    );
    binding4.delay_reset(&m, "binding5").outputs(&m, "out");
    m.output("out_known", m.delay("binding5_known", known));
    m.output("out_table", m.delay("binding5_table", found_table));
    m.finish()
}

/// A stored binding.
struct Entry<'m> {
    valid: Signal<'m>,
    net_id: Signal<'m>,
    table: Signal<'m>,
}

impl<'m> Entry<'m> {
    fn stored(
        m: &'m ModuleBuilder,
        entry: u32,
        writes: Signal<'m>,
        valid: Signal<'m>,
        net_id: Signal<'m>,
        table: Signal<'m>,
    ) -> Entry<'m> {
        let keep = |name: &str, value: Signal<'m>| {
            m.register(&format!("entry{entry}_{name}"), value.width()).enabled_by(writes)
        };
        let (valid_register, net_id_register) = (keep("valid", valid).reset_to(0u32), keep("net_id", net_id));
        let table_register = keep("table", table);
        valid_register.next(valid);
        net_id_register.next(net_id);
        table_register.next(table);
        Entry {
            valid: valid_register.value(),
            net_id: net_id_register.value(),
            table: table_register.value(),
        }
    }
}
