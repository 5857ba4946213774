//! Block `queue_pairs`: which queue pair is a frame's? A cuckoo hash table of block RAM, read in all places at once.
//!
//! ```text
//!               cycles 1, 2      3, 4               5           6          7            8, 9
//!  identifier ─▶ parities ─────▶ memories of the ─▶ compare ──▶ match of ▶ index ─────▶ contexts ─▶ found
//!                and buckets     four ways          in chunks   each       of the one
//! ```
//!
//! The ways keep their first seeds. An entry that is written while frames come is found from some cycle on; who moves a
//! queue pair writes its new entry first, and both may match for a while, with the same index.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};
use stagecoach_spec::Cuckoo;

use super::setup::Write;
use super::shape::Shape;
use super::words::Found;
use crate::binding::or_of;
use crate::processing::registers::{keep, late, late_valid};
use crate::{chunks, toeplitz};

/// Cycles from an identifier to what is found.
pub(crate) const CYCLES: u32 = 9;
/// Bits that are compared together.
const CHUNK: u32 = 8;

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "decoder_queue_pairs",
        "Block queue_pairs: which queue pair is a frame's? A cuckoo hash table of four ways and a stash.",
    );
    let valid = m.input("in_valid", 1);
    let identifier = m.input("in_identifier", d.identifier);
    let write = Write::inputs(&m, "write", &d.write());

    m.section("Cycles 1 and 2: buckets");
    let seeds = d.table.initial_seeds().into_iter().enumerate().map(|(way, seed)| {
        let seed = m.constant(d.table.seed_bits(), toeplitz::number(seed));
        let parities = toeplitz::parities(&m, &format!("way{way}"), identifier, seed);
        m.delay(&format!("way{way}_bucket"), toeplitz::bucket(&m, &parities))
    });
    let buckets: Vec<_> = seeds.collect();

    m.section("Cycles 3 and 4: the ways. An entry is an index, and {taken, identifier} below it");
    let written = m.concat(&[write.queue_pair, write.identifier]).named("written");
    let mut entries = Vec::new();
    for (way, bucket) in (0..Cuckoo::WAYS).zip(buckets) {
        let memory =
            m.memory(&format!("way{way}_memory"), written.width(), d.table.depth()).output_register();
        memory.write(write.entries.bit(way), write.bucket, written);
        entries.push((format!("way{way}"), memory.read(&format!("way{way}_word"), bucket)));
    }
    for place in 0..Cuckoo::STASH {
        let enable = write.entries.bit(Cuckoo::WAYS + place);
        let taken = m.register(&format!("stash{place}_taken"), 1).reset_to(0u32).enabled_by(enable);
        taken.next(write.identifier.bit(d.identifier));
        let wanted =
            keep(&m, &format!("stash{place}_identifier"), enable, write.identifier.low(d.identifier));
        let index = keep(&m, &format!("stash{place}_queue_pair"), enable, write.queue_pair);
        entries.push((format!("stash{place}"), m.concat(&[index, taken.value(), wanted])));
    }

    m.section("Cycles 5 and 6: which match");
    let wanted = late(&m, "identifier", identifier, 4);
    let wanted = m.concat(&[m.bit(true), wanted]).named("wanted");
    let mut hits = Vec::new();
    let mut indexes = Vec::new();
    for (name, entry) in &entries {
        let same = chunks::equal(&m, wanted, entry.low(d.identifier + 1), CHUNK);
        let same = m.delay(&format!("{name}_chunks"), same);
        let hit = m.delay(&format!("{name}_hit"), same.all());
        let index = late(&m, &format!("{name}_index"), entry.high(d.queue_pair), 2);
        hits.push(hit);
        indexes.push(index.gated_by(hit));
    }

    m.section("Cycle 7: the index");
    wire!(any = or_of(&hits));
    let known = m.delay("known7", any);
    let index = m.delay("index7", or_of(&indexes));

    m.section("Cycles 8 and 9: the context");
    let context = m.concat(&[write.allows, write.pd, write.peer]).named("written_context");
    let memory = m.memory("context_memory", context.width(), 1 << d.queue_pair).output_register();
    memory.write(write.context, write.index, context);
    let context = memory.read("context9", index);
    let pd_bits = d.unit.config.pd_bits;
    let found = Found {
        known: late(&m, "known8_", known, 2),
        queue_pair: late(&m, "index8_", index, 2),
        allows: context.high(3),
        pd: context.bits(d.address..d.address + pd_bits),
        peer: context.low(d.address),
    };
    m.output("found_valid", late_valid(&m, "valid", valid, CYCLES));
    found.outputs(&m, "found");
    m.finish()
}
