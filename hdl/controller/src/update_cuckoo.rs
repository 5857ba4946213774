//! Part of block `update`: what a cuckoo CAM adds to it. Where the identifier may stand, how full the ways are, what the
//! token of `bind`, `unbind`, `move` and `inject` does to the entries, and `reseed`.

use stagecoach_hdl::{DesignErrors, InstanceHandle, ModuleBuilder, Signal, wire};
use stagecoach_spec::latency::updates::UpdateCycles;
use stagecoach_spec::{Cuckoo, Protection, UpdateOp};

use crate::cuckoo_entries::{PLACES, Target};
use crate::protect::encode;
use crate::scan::BindingWord;
use crate::update_commit::{Commit, put};
use crate::update_hash;
use crate::update_words::{Record, Staged, Which};
use crate::widths::Widths;

/// Ways, and the stash as one more, among which a free entry is sought.
pub(crate) const SOUGHT: u32 = Cuckoo::WAYS + 1;

/// What is known of the ways.
pub(crate) struct Ways<'m> {
    m: &'m ModuleBuilder,
    /// The places of the staged identifier.
    buckets: Vec<Signal<'m>>,
    /// Where a free entry is sought: in all of them, or where `move` wants it.
    sought: Signal<'m>,
    /// As many identifiers are bound as the configuration has bindings.
    pub(crate) full: Signal<'m>,
    /// The way of `reseed` has an identifier.
    pub(crate) way_in_use: Signal<'m>,
    /// The list has the new entry of `move` in this cycle, and in the next one its old entry becomes free there.
    pub(crate) stores_move: Signal<'m>,
    /// The cycle after.
    pub(crate) clears_old: Signal<'m>,
    /// To be driven: the update that is stored changes the entries.
    stores: Signal<'m>,
    /// To be driven: the entry that it takes, and the one that becomes free, as the commit says them.
    take: Signal<'m>,
    leave: Signal<'m>,
}

/// Which entries an update or a scrub means.
pub(crate) struct Entries<'m> {
    /// The one that the arguments name.
    pub(crate) named: Signal<'m>,
    /// A free one for the identifier.
    pub(crate) free: Signal<'m>,
    /// Where it stands.
    pub(crate) found: Signal<'m>,
}

impl<'m> Ways<'m> {
    /// Nothing with a CAM of registers.
    pub(crate) fn describe(
        m: &'m ModuleBuilder,
        w: &Widths,
        ops: &Which<'m>,
        begins: Signal<'m>,
        identifier: Signal<'m>,
        way: Signal<'m>,
    ) -> Result<Option<Ways<'m>>, DesignErrors> {
        if !w.is_cuckoo() {
            return Ok(None);
        }
        let cycles = UpdateCycles::of(&w.config);
        assert!(update_hash::cycles(w) <= cycles.take + cycles.look, "the search needs the places");
        let hash = m.instance("update_hash", &update_hash::describe(w)?);
        hash.input("start", begins).input("net_id", identifier);
        let shape = w.cuckoo();
        let (stores, take, leave) =
            (m.wire("stores_binding", 1), m.wire("stored_take", PLACES), m.wire("stored_leave", PLACES));
        let (mut buckets, mut used) = (Vec::new(), Vec::new());
        for way in 0..Cuckoo::WAYS {
            let seed = m.input(&format!("seed{way}"), shape.seed_bits()).doc("of the way's hash function");
            hash.input(&format!("seed{way}"), seed);
            buckets.push(hash.output_as(&format!("bucket{way}"), &format!("bucket{way}")));
            let (takes, leaves) = (take.bit(way), leave.bit(way));
            let count = m.register(&format!("way{way}_count"), shape.bucket_bits() + 1).reset_to(0u32);
            let count = count.enabled_by(stores & (takes | leaves));
            count.next(step(takes, count.value()));
            used.push(m.delay(&format!("way{way}_used"), count.value().any()));
        }
        let (binds, unbinds) = (ops.is(UpdateOp::Bind), ops.is(UpdateOp::Unbind));
        let count = m.register("bindings_count", w.binding_count).reset_to(0u32);
        let count = count.enabled_by(stores & (binds | unbinds));
        count.next(step(binds, count.value()));
        let moves = ops.is(UpdateOp::Move);
        let stores_move = m.wire("stores_move", 1);
        let wanted = way.low(3).decode(SOUGHT);
        Ok(Some(Ways {
            m,
            buckets,
            sought: m.delay("sought", wanted | (!moves).repeat(SOUGHT)),
            full: m.delay("bindings_full", count.value().is(w.config.bindings)),
            way_in_use: m.delay("way_in_use", way.low(2).choose(&used)),
            stores_move,
            clears_old: m.delay_reset("clears_old_entry", stores_move),
            stores,
            take,
            leave,
        }))
    }

    /// What the search needs.
    pub(crate) fn connect(&self, search: &InstanceHandle<'m>) {
        for (way, bucket) in self.buckets.iter().enumerate() {
            search.input(&format!("bucket{way}"), *bucket);
        }
        search.input("sought", self.sought);
    }

    /// What the token does to the entries. `record` is that of the table that the entry names.
    pub(crate) fn commit(
        &self,
        commit: &Commit<'_, 'm>,
        entries: &Entries<'m>,
        identifier: Signal<'m>,
        listed: &BindingWord<'m>,
        record: &Record<'m>,
        table: Signal<'m>,
    ) {
        let (m, w, ops) = (self.m, commit.w, commit.ops);
        let leaves_entry = m.delay("leaves_entry", ops.any(&[UpdateOp::Unbind, UpdateOp::Move]));
        let enters_entry = m.delay("enters_entry", ops.any(&[UpdateOp::Bind, UpdateOp::Move]));
        let Record { slot_base, region_count, region_base, .. } = *record;
        let target = Target { slot_base, region_count, region_base, table };
        wire!(
            target_word =
                m.concat(&[target.slot_base, target.region_count, target.region_base, target.table])
        );
        wire!(taken_entry = m.concat(&[m.bit(true), identifier]));
        let (mut identifier, mut target) = (encode(w, taken_entry), encode(w, target_word));
        let (mut writes, mut takes, mut take) = (enters_entry | leaves_entry, enters_entry, entries.free);
        match commit.rewrite {
            None => {
                m.unused(listed.valid);
                m.unused(entries.named);
            }
            Some(rewrite) => {
                let (injects, scrubs) = (rewrite.injects.binding, rewrite.scrubs.binding);
                let mut names = injects;
                if w.config.protection == Protection::Secded {
                    wire!(listed_entry = m.concat(&[listed.valid, listed.net_id]));
                    identifier = scrubs.select(encode(w, listed_entry), identifier);
                    names = (injects | scrubs).named("names_place");
                }
                let flipped = rewrite.raw.binding ^ rewrite.mask.low(rewrite.raw.binding.width());
                wire!(flipped_entry = flipped);
                let (low, all) = (identifier.width(), flipped_entry.width());
                identifier = injects.select(flipped_entry.low(low), identifier);
                target = injects.select(flipped_entry.bits(low..all), target);
                writes = writes | names & !(injects & rewrite.reads);
                takes = takes | names;
                take = names.select(entries.named, entries.free);
            }
        }
        let bucket_bits = w.cuckoo().bucket_bits();
        let take = take.named("taken_place");
        let one_hot = |entry: Signal<'m>, when| one_hot(m, w, entry).gated_by(when);
        put(m, "commit_binding", writes);
        let take_place = m.delay("commit_take", one_hot(take, takes));
        let leave_place = m.delay("commit_leave", one_hot(entries.found, leaves_entry));
        m.output("commit_take", take_place);
        m.output("commit_leave", leave_place);
        put(m, "commit_take_bucket", take.low(bucket_bits));
        put(m, "commit_leave_bucket", entries.found.low(bucket_bits));
        put(m, "commit_identifier", identifier);
        put(m, "commit_target", target);
        self.take.drive(take_place);
        self.leave.drive(leave_place);
        m.unused(self.take.high(Cuckoo::STASH));
        m.unused(self.leave.high(Cuckoo::STASH));
    }

    /// What is stored: the entries change hands (`changes`), or a way gets another seed.
    pub(crate) fn store(
        &self,
        w: &Widths,
        ops: &Which<'m>,
        staged: &Staged<'m>,
        way: Signal<'m>,
        storing: Signal<'m>,
    ) {
        let m = self.m;
        let binding = [UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::Move];
        self.stores.drive(m.delay_reset("stored_binding", storing & ops.any(&binding)));
        self.stores_move.drive(storing & ops.is(UpdateOp::Move));
        let reseeds = storing & ops.is(UpdateOp::Reseed);
        m.output(
            "reseed_way",
            m.delay_reset("reseed_way", way.low(2).decode(Cuckoo::WAYS) & reseeds.repeat(Cuckoo::WAYS)),
        );
        let words = m.concat(&[staged.word2, staged.word1, staged.word0]);
        put(m, "reseed_seed", words.low(w.cuckoo().seed_bits()));
    }
}

/// One more, or one less.
fn step<'m>(more: Signal<'m>, count: Signal<'m>) -> Signal<'m> {
    let one = count.builder().constant(count.width(), 1u32);
    more.select(count + one, count - one)
}

/// The bit of an entry's way, or above the ways of its place in the stash.
fn one_hot<'m>(m: &'m ModuleBuilder, w: &Widths, entry: Signal<'m>) -> Signal<'m> {
    let bucket_bits = w.cuckoo().bucket_bits();
    let in_stash = entry.bit(w.binding - 1);
    let way = entry.bits(bucket_bits..w.binding - 1).decode(Cuckoo::WAYS);
    let place = entry.low(Cuckoo::STASH.ilog2()).decode(Cuckoo::STASH);
    m.concat(&[place.gated_by(in_stash), way.gated_by(!in_stash)])
}
