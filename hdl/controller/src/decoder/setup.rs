//! Block `setup`: carries out what the host says of queue pairs, and clears their tables after reset.
//!
//! ```text
//!  command ─▶ entry, context ─▶ block queue_pairs
//!        └──▶ message ────────▶ block admit, block issue's bit of refused messages
//!  clearing ─▶ all of them
//! ```

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};
use stagecoach_spec::{Cuckoo, QueuePairCommand};

use super::shape::Shape;
use super::words::Message;
use crate::processing::registers::{keep, late_valid};

/// Cycles from a command to the words that it read: the memories' two, and registers before and behind them.
const READ_CYCLES: u32 = 4;

stagecoach_hdl::bundle! {
    /// What is written into the table of queue pairs.
    pub struct Write {
        /// A bit for each way and each entry of the stash.
        entries,
        /// The bucket.
        bucket,
        /// The identifier, above it whether the entry is taken.
        identifier,
        /// The queue pair's index.
        queue_pair,
        /// The context of `index` is written.
        context,
        /// Whose.
        index,
        /// Which operations it takes.
        allows,
        /// Its protection domain.
        pd,
        /// Its peer.
        peer,
    }
}

impl Shape {
    /// Bits of [`Write`].
    pub(crate) fn write(&self) -> Vec<u32> {
        let places = Cuckoo::WAYS + Cuckoo::STASH;
        let (index, pd) = (self.queue_pair, self.unit.config.pd_bits);
        vec![places, self.table.bucket_bits(), self.identifier + 1, index, 1, index, 3, pd, self.address]
    }
}

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "decoder_setup",
        "Block setup: carries out what the host says of queue pairs, and clears their tables after reset.",
    );
    let begins = m.input("command_valid", 1);
    let op = m.input("command_op", 3);
    let index = m.input("command_index", 16).doc("stays until ready");
    let words = m.input("command_words", 256).doc("stay until ready");
    let message_written = m.input("message_written", 1);
    let refused_written = m.input("refused_written", 1);
    let message_word = m.input("message_word", d.message().iter().sum());
    let refused_word = m.input("refused_word", 1);
    let word = |at: u32| words.bits(32 * at..32 * at + 32);

    m.section("Clearing after reset: a place of every memory in every cycle");
    let bucket_bits = d.table.bucket_bits();
    let count = bucket_bits.max(d.queue_pair);
    let clearing = m.register("clearing", 1).reset_to(1u32);
    let place = m.register("clearing_place", count).reset_to(0u32);
    place.next(place.value().plus(1u32));
    clearing.next(clearing.value() & !place.value().all());

    m.section("A command");
    let is = |command: QueuePairCommand| begins & op.is(u32::from(command as u8));
    let entry = m.delay_reset("writes_entry", is(QueuePairCommand::WriteEntry));
    let context = m.delay_reset("writes_context", is(QueuePairCommand::WriteContext));
    let writes = is(QueuePairCommand::WriteMessage).named("begins_message");
    let message_waits = m.register("message_waits", 1).reset_to(0u32);
    message_waits.next(writes | message_waits.value() & !message_written);
    let refused_waits = m.register("refused_waits", 1).reset_to(0u32);
    refused_waits.next(writes | refused_waits.value() & !refused_written);
    let reads = is(QueuePairCommand::ReadMessage).named("begins_read");
    let read = m.delay_reset("reads_message", reads);
    let read_over = late_valid(&m, "reads_message", read, READ_CYCLES);
    let reading = m.register("reading", 1).reset_to(0u32);
    reading.next(reads | reading.value() & !read_over);
    wire!(working = entry | context | message_waits.value() | refused_waits.value() | reading.value());
    let ready = m.delay_reset("ready_now", !(clearing.value() | begins | working));

    m.section("What is written");
    let way_and_bucket = index.bits(0..bucket_bits + 3);
    let way = way_and_bucket.high(3).named("way");
    let stash = way_and_bucket.low(2).named("stash");
    let mut places = Vec::new();
    for number in 0..Cuckoo::WAYS {
        places.push(entry & way.is(number) | clearing.value());
    }
    for number in 0..Cuckoo::STASH {
        places.push(entry & way.is(Cuckoo::WAYS) & stash.is(number));
    }
    places.reverse();
    let address = words.low(d.address);
    let taken = word(6).bit(0);
    let identifier = m.concat(&[taken, address, word(4).low(24)]).gated_by(!clearing.value());
    let write = Write {
        entries: m.delay_reset("write_entries", m.concat(&places)),
        bucket: keep(
            &m,
            "write_bucket",
            clearing.value() | entry,
            clearing.value().select(place.value().low(bucket_bits), index.low(bucket_bits)),
        ),
        identifier: keep(&m, "write_identifier", clearing.value() | entry, identifier),
        queue_pair: keep(&m, "write_queue_pair", entry, word(5).low(d.queue_pair)),
        context: m.delay_reset("write_context", context),
        index: keep(&m, "write_index", context, index.low(d.queue_pair)),
        allows: keep(&m, "write_allows", context, word(5).low(3)),
        pd: keep(&m, "write_pd", context, word(4).low(d.unit.config.pd_bits)),
        peer: keep(&m, "write_peer", context, address),
    };
    write.outputs(&m, "write");

    m.section("Messages: in words, and as they are stored");
    let message = Message {
        open: word(5).bit(31) & !clearing.value(),
        packet: word(5).low(3),
        first_psn: word(4).low(24),
        length: word(3),
        key: word(2),
        va: words.low(64),
    };
    let place = clearing.value().select(place.value().low(d.queue_pair), index.low(d.queue_pair));
    m.output("message_write", m.delay_reset("message_write_now", clearing.value() | message_waits.value()));
    m.output("message_place", m.delay("message_place_now", place));
    m.output("message_written_word", m.delay("message_word_now", message.pack(&m)));
    m.output("refused_write", m.delay_reset("refused_write_now", refused_waits.value()));
    m.output("refused_place", m.delay("refused_place_now", index.low(d.queue_pair)));
    m.output("refused_written_bit", m.delay("refused_bit_now", word(5).bit(30)));
    let stored = Message::unpack(message_word, &d.message());
    let flags = m.concat(&[stored.open, refused_word, m.zero(27), stored.packet]);
    let said = [flags, stored.first_psn.zero_extend(32), stored.length, stored.key, stored.va];
    m.output("loads", read_over);
    m.output("loaded_words", m.delay("loaded_words_now", m.concat(&said)));
    m.output("opens", m.delay_reset("opens_now", !clearing.value()));
    m.output("ready", ready);
    m.comment("Bits that no command looks at.");
    for ignored in
        [index.bits(bucket_bits + 3..16), word(7), word(6).bits(1..32), word(5).bits(3..30), word(4).high(8)]
    {
        m.unused(ignored);
    }
    m.finish()
}
