//! The blocks of the processing unit, joined.

use std::sync::Arc;

use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, index_width};

use super::shape::Shape;
use super::words::Over;
use super::{addresses, atomic, finish, intake, issue, payload, read, slots, write};
use crate::credits::counted;
use crate::stream_buffer;

/// Places for pieces between blocks `issue` and `finish`.
const PIECES: u32 = 64;

/// Describes the unit. Its ports but `req_*`, `rsp_*` and `ret_*` are the controller's.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "processing_unit",
        "The processing unit: carries accesses out on memory, as the mapping unit allows.",
    );
    let p = &s.config.processing;
    let (payload, intake, issue) = (payload::describe(s)?, intake::describe(s)?, issue::describe(s)?);
    let (addresses, read, write) = (addresses::describe(s)?, read::describe(s)?, write::describe(s)?);
    let (atomic, finish) = (atomic::describe(s)?, finish::describe(s)?);
    let payloads = m.instance("payload_block", &payload);
    let intakes = m.instance("intake_block", &intake);
    let issues = m.instance("issue_block", &issue);
    let read_slots = m.instance("read_slots", &slots::describe(s, "processing_slots")?);
    let write_slots = m.instance("write_slots", &slots::describe(s, "processing_slots")?);
    let read_addresses = m.instance("read_addresses", &addresses);
    let write_addresses = m.instance("write_addresses", &addresses);
    let reads = m.instance("read_block", &read);
    let writes = m.instance("write_block", &write);
    let atomics = m.instance("atomic_block", &atomic);
    let finishes = m.instance("finish_block", &finish);

    m.section("Streams, and the mapping unit");
    for (instance, module) in [
        (&payloads, &payload),
        (&intakes, &intake),
        (&issues, &issue),
        (&reads, &read),
        (&writes, &write),
        (&finishes, &finish),
    ] {
        for port in
            module.ports.iter().filter(|port| port.direction == Direction::Input && is_outside(&port.name))
        {
            instance.input(&port.name, m.input(&port.name, port.width).doc(&port.doc));
        }
    }
    let ar_ready = m.input("m_axi_arready", 1);
    let aw_ready = m.input("m_axi_awready", 1);

    m.section("A quarter of the timeout");
    let width = index_width((p.timeout_cycles / 4).into());
    let clock = m.register("quarter_clock", width).reset_to(0u32);
    clock.next(clock.value().plus(1u32));
    let quarter = m.delay_reset("quarter", clock.value().all());

    m.section("intake and payload");
    for name in ["packet_valid", "packet_words", "packet_bytes", "packet_wrong"] {
        intakes.input(name, payloads.output(name));
    }
    intakes.input("room_unused", finishes.output("over"));
    for name in ["read_gone", "room_unused_beats", "completion_gone"] {
        intakes.input(name, finishes.output(name));
    }
    payloads
        .input("packet_take", intakes.output("packet_take"))
        .input("over", finishes.output("over"))
        .input("over_words", finishes.output("over_payload_words"))
        .input("read_place", writes.output("payload_place"));
    let pending_bits = s.pending().iter().sum();
    let pendings =
        m.instance("pending", &stream_buffer::describe("processing_pending", pending_bits, s.requests)?);
    pendings
        .input("in_valid", intakes.output("asks"))
        .input("in_word", intakes.output("pending_word"))
        .input("take", issues.output("pending_take"));
    let asked_bits = s.asked().iter().sum();
    let asked = m.instance("asked", &stream_buffer::describe("processing_asked", asked_bits, s.requests)?);
    asked
        .input("in_valid", intakes.output("asks"))
        .input("in_word", intakes.output("asked_word"))
        .input("take", finishes.output("asked_take"));

    m.section("issue");
    let piece_bits = s.piece().iter().sum();
    let pieces = m.instance("pieces", &stream_buffer::describe("processing_pieces", piece_bits, PIECES)?);
    let piece_valid = issues.output("piece_valid");
    let piece_taken = finishes.output("piece_take");
    pieces
        .input("in_valid", piece_valid)
        .input("in_word", issues.output("piece_word"))
        .input("take", piece_taken);
    let places = index_width(u64::from(PIECES) + 1);
    let room = m.register("piece_places", places).reset_to(PIECES);
    room.next(counted(room.value(), piece_taken, piece_valid));
    m.comment("One piece every other cycle, so the register is in time.");
    let piece_room = m.delay_reset("piece_room", room.value().bits(1..places).any());
    issues
        .input("pending_valid", pendings.output("front_valid"))
        .input("pending_word", pendings.output("front_word"))
        .input("read_free_valid", read_slots.output("free_valid"))
        .input("read_free_slot", read_slots.output("free_slot"))
        .input("read_conflict", read_slots.output("conflict"))
        .input("write_free_valid", write_slots.output("free_valid"))
        .input("write_free_slot", write_slots.output("free_slot"))
        .input("write_conflict", write_slots.output("conflict"))
        .input("locked", atomics.output("locked"))
        .input("atomic_free", atomics.output("free"))
        .input("piece_room", piece_room)
        .input("quarter", quarter);

    m.section("slots");
    let (starts_read, starts_write) = (issues.output("starts_read"), issues.output("starts_write"));
    let starts_atomic = issues.output("starts_atomic");
    let held = Over::of_instance(&issues, "held", "held");
    for (slots, starts) in [(&read_slots, starts_read), (&write_slots, starts_write)] {
        slots
            .input("allocate", starts)
            .input("allocate_two", issues.output("two_bursts"))
            .input("quarter", quarter);
        for name in ["probe_frame", "probe_first", "probe_last"] {
            slots.input(name, issues.output(name));
        }
        held.connect(slots, "allocate");
        slots.input("gives_back_slot", finishes.output("release_slot"));
    }
    for name in ["answer", "answer_last", "answer_error", "answer_slot"] {
        read_slots.input(name, reads.output(name));
    }
    for name in ["answer", "answer_error", "answer_slot"] {
        write_slots.input(name, writes.output(name));
    }
    write_slots.input("answer_last", m.bit(true));
    read_slots.input("gives_back", finishes.output("read_release"));
    write_slots.input("gives_back", finishes.output("write_release"));

    m.section("addresses");
    read_addresses
        .input("in_valid", starts_read | starts_atomic)
        .input("in_word", issues.output("read_burst"))
        .input("ready", ar_ready);
    let atomic_writes = atomics.output("write_valid");
    write_addresses
        .input("in_valid", starts_write | atomic_writes)
        .input("in_word", atomic_writes.select(atomics.output("burst"), issues.output("write_burst")))
        .input("ready", aw_ready);

    m.section("read, write, atomic");
    reads
        .input("waiting", read_slots.output("waiting"))
        .input("allocate", starts_read)
        .input("allocate_slot", read_slots.output("free_slot"))
        .input("read_place", finishes.output("read_place"));
    let start_write_late = m.delay_reset("start_write_late", starts_write);
    let data_late = m.delay("write_data_late", issues.output("write_data"));
    let atomic_late = m.delay_reset("atomic_writes_late", atomic_writes);
    let write_word = atomic_late.select(atomics.output("data"), data_late);
    writes
        .input("in_valid", start_write_late | atomic_late)
        .input("in_word", write_word)
        .input("payload_word", payloads.output("read_word"))
        .input("atomic_value", atomics.output("value"))
        .input("waiting", write_slots.output("waiting"))
        .input("done", write_slots.output("done"))
        .input("atomic_given_up", atomics.output("given_up"));
    atomics
        .input("begins", starts_atomic)
        .input("compares", issues.output("atomic_compares"))
        .input("operand", issues.output("atomic_operand"))
        .input("compare", issues.output("atomic_compare"))
        .input("write_burst", issues.output("write_burst"))
        .input("write_data", issues.output("write_data"))
        .input("read_valid", reads.output("atomic_valid"))
        .input("read_error", reads.output("atomic_error"))
        .input("read_word", reads.output("atomic_word"))
        .input("written", writes.output("atomic_written"))
        .input("write_error", writes.output("answer_error"))
        .input("quarter", quarter)
        .input("result_take", finishes.output("result_take"));
    held.connect(&atomics, "held");

    m.section("finish");
    finishes
        .input("piece_valid", pieces.output("front_valid"))
        .input("piece_word", pieces.output("front_word"))
        .input("asked_valid", asked.output("front_valid"))
        .input("asked_word", asked.output("front_word"))
        .input("read_done", read_slots.output("done"))
        .input("read_failed", read_slots.output("failed"))
        .input("write_done", write_slots.output("done"))
        .input("write_failed", write_slots.output("failed"))
        .input("result_valid", atomics.output("result_valid"))
        .input("result_failed", atomics.output("result_failed"))
        .input("result_found", atomics.output("result_found"))
        .input("read_word", reads.output("read_word"));

    m.section("Retirement: one of four at a time");
    let mut earlier = m.bit(false);
    let mut chosen: Option<(Over<'_>, Signal<'_>)> = None;
    let wrote = atomics.output("retire_write");
    for (instance, name, write) in [
        (&write_slots, "write_over", m.bit(true)),
        (&read_slots, "read_over", m.bit(false)),
        (&atomics, "atomic_over", wrote),
        (&issues, "null_over", m.bit(false)),
    ] {
        let valid = instance.output("retire_valid");
        let over = Over::of_instance(instance, "retire", name);
        instance.input("retire_take", valid & !earlier);
        chosen = Some(match chosen {
            None => (over, write),
            Some((before, wrote)) => (before.select(earlier, over), earlier.select(wrote, write)),
        });
        earlier = earlier | valid;
    }
    let (over, wrote) = chosen.expect("there are four");
    let retires = m.delay_reset("retire_valid", earlier);
    let over = over.delay(&m, "retire");
    let wrote = m.delay("retire_wrote", wrote);

    m.section("Outputs");
    for (instance, module) in [
        (&payloads, &payload),
        (&intakes, &intake),
        (&issues, &issue),
        (&reads, &read),
        (&writes, &write),
        (&finishes, &finish),
    ] {
        for port in
            module.ports.iter().filter(|port| port.direction == Direction::Output && is_outside(&port.name))
        {
            m.output(&port.name, instance.output(&port.name));
            m.port_doc(&port.name, &port.doc);
        }
    }
    let size = m.constant(3, s.lane);
    for (channel, addresses) in [("ar", &read_addresses), ("aw", &write_addresses)] {
        let port = |name: &str| format!("m_axi_{channel}{name}");
        m.output(&port("valid"), addresses.output("valid"));
        m.output(&port("id"), addresses.output("id"));
        m.output(&port("addr"), addresses.output("address"));
        m.output(&port("len"), addresses.output("length"));
        m.output(&port("size"), size);
        m.output(&port("burst"), m.constant(2, 1u32));
        m.output(&port("lock"), m.bit(false));
        m.output(&port("cache"), m.constant(4, p.axi_cache));
        m.output(&port("prot"), m.constant(3, p.axi_prot));
        m.output(&port("qos"), m.zero(4));
        m.output(&port("user"), addresses.output("user"));
        m.port_doc(&port("user"), "the table, for an IOMMU");
    }
    m.output("ret_valid", retires);
    m.output("ret_table", over.table);
    m.output("ret_frame", over.frame);
    m.output("ret_write", wrote);
    m.output("ret_epoch", over.epoch);
    m.finish()
}

/// Whether a block's port is the unit's.
fn is_outside(port: &str) -> bool {
    ["s_axis_", "m_axis_", "m_axi_", "rsp_", "req_", "message_"].iter().any(|prefix| port.starts_with(prefix))
}
