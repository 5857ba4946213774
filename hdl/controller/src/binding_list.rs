//! The list of bindings that updates search: it repeats what the CAM holds, so that the CAM needs no read port.

use stagecoach_hdl::{MemoryStyle, ModuleBuilder, Signal};
use stagecoach_spec::Cuckoo;

use crate::widths::Widths;

/// A write of the list.
pub(crate) struct ListWrite<'m> {
    pub(crate) writes: Signal<'m>,
    pub(crate) entry: Signal<'m>,
    pub(crate) word: Signal<'m>,
}

/// The list's word at an entry, two cycles later. A cuckoo CAM's stash is listed in a memory of its own: a few words more
/// than a power of two would double one memory.
pub(crate) fn describe<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    write: ListWrite<'m>,
    entry: Signal<'m>,
) -> Signal<'m> {
    if !w.is_cuckoo() {
        let list = m.memory("binding_list", write.word.width(), 1 << w.binding).output_register();
        list.write(write.writes, write.entry, write.word);
        return list.read("list_read", entry);
    }
    let stash_bits = Cuckoo::STASH.ilog2();
    let way_bits = w.binding - 1;
    let list = m.memory("binding_list", write.word.width(), 1 << way_bits).output_register();
    let stash = m.memory("stash_list", write.word.width(), Cuckoo::STASH);
    let stash = stash.output_register().style(MemoryStyle::Distributed);
    let into_stash = write.entry.bit(way_bits);
    list.write(write.writes & !into_stash, write.entry.low(way_bits), write.word);
    stash.write(write.writes & into_stash, write.entry.low(stash_bits), write.word);
    let of_ways = list.read("ways_word", entry.low(way_bits));
    let of_stash = stash.read("stash_word", entry.low(stash_bits));
    let reads_stash = m.delay("reads_stash2", m.delay("reads_stash1", entry.bit(way_bits)));
    reads_stash.select(of_stash, of_ways).named("list_read")
}
