//! Block `control`: the registers (`stagecoach_spec::registers`) on an AXI4-Lite port, and behind them the update port.
//!
//! ```text
//!  AW ─▶ address ─┐  decode   check     ┌─▶ table, index, data ──┐
//!  W  ─▶ data ────┴─▶ which ─▶ allowed? ─┼─▶ command ─▶ busy ─────┴─▶ upd_*
//!  B  ◀─ OKAY, SLVERR ◀───────────┘     └─▶ interrupts ─▶ irq         │
//!  AR ─▶ address ─▶ which ─▶ fours ─▶ word ─▶ R   ◀── result, error ◀─┘ upd_done
//! ```
//!
//! One write and one read are worked on at a time, side by side; every output comes from a register. Address and data of
//! a write may come in either order. Answers wait for `bready` and `rready`.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Config;
use stagecoach_spec::registers::{ADDRESS_BITS, Access, Register};

/// Cycles from taking the later of a write's address and data to `bvalid`, if nothing is held back.
pub const WRITE_CYCLES: u32 = 4;
/// Cycles from taking a read's address to `rvalid`, if nothing is held back.
pub const READ_CYCLES: u32 = 5;
/// AXI's answer to what was done.
const OKAY: u32 = 0;
/// AXI's answer to what was refused.
const SLVERR: u32 = 2;
/// Bits of a register's number.
const NUMBER: u32 = ADDRESS_BITS - 2;

/// Describes the block.
pub fn describe(config: &Config) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_control",
        "Block control: the controller's registers on AXI4-Lite, and behind them the update port.",
    );
    m.section("AXI4-Lite");
    let aw_valid = m.input("s_axil_awvalid", 1);
    let aw_address = m.input("s_axil_awaddr", ADDRESS_BITS);
    let aw_prot = m.input("s_axil_awprot", 3).doc("ignored: who may come here, the host decides");
    let w_valid = m.input("s_axil_wvalid", 1);
    let w_data = m.input("s_axil_wdata", 32);
    let w_strobes = m.input("s_axil_wstrb", 4);
    let b_ready = m.input("s_axil_bready", 1);
    let ar_valid = m.input("s_axil_arvalid", 1);
    let ar_address = m.input("s_axil_araddr", ADDRESS_BITS);
    let ar_prot = m.input("s_axil_arprot", 3).doc("ignored");
    let r_ready = m.input("s_axil_rready", 1);
    m.section("The mapping unit");
    let upd_ready = m.input("upd_ready", 1);
    let upd_done = m.input("upd_done", 1);
    let upd_error = m.input("upd_error", 8);
    let upd_result = m.input("upd_result", 64);
    let initialised = m.input("init_done", 1);
    let has_log = config.log_room() > 0;
    let log_room = m.input("log_room", if has_log { 32 } else { 0 });
    let has_decoder = config.processing.queue_pairs() > 0;
    let decoder_ready = m.input("command_ready", if has_decoder { 1 } else { 0 });
    let decoder_loads = m.input("command_loads", if has_decoder { 1 } else { 0 });
    let decoder_words = m.input("command_loaded_words", if has_decoder { 32 * LOADED } else { 0 });
    let counts: Vec<_> = Register::FRAME_COUNTS
        .iter()
        .map(|register| {
            let port = format!("{}_count", register.description().name);
            (*register, m.input(&port, if has_decoder { 32 } else { 0 }))
        })
        .collect();
    for ignored in [aw_prot, ar_prot, aw_address.low(2), ar_address.low(2)] {
        m.unused(ignored);
    }

    m.section("A write: its address and its data, in either order");
    let write_over = m.wire("write_over", 1);
    let aw_held = Held::of(&m, "aw", aw_valid, write_over);
    let w_held = Held::of(&m, "w", w_valid, write_over);
    let write_number = aw_held.keep(&m, "aw_number", aw_address.bits(2..ADDRESS_BITS));
    let data = w_held.keep(&m, "w_word", w_data);
    let strobes = w_held.keep(&m, "w_strobes", w_strobes);
    let working = m.register("write_working", 1).reset_to(0u32);
    wire!(write_begins = aw_held.held & w_held.held & !working.value());
    working.next(!write_over & (working.value() | write_begins));
    let write1 = m.delay_reset("write1_valid", write_begins);
    let write2 = m.delay_reset("write2_valid", write1);
    let b_valid = m.register("b_valid", 1).reset_to(0u32);
    b_valid.next(write2 | b_valid.value() & !b_ready);
    write_over.drive(b_valid.value() & b_ready);

    m.section("Which register it is, and whether it may be written so");
    let busy = m.register("busy", 1).reset_to(0u32);
    let ready = m.delay_reset("takes_commands", initialised & !busy.value());
    let written_bytes: Vec<_> = (0..4).rev().map(|byte| strobes.bit(byte).repeat(8)).collect();
    let written_bits = m.concat(&written_bytes).named("written_bits");
    let mut named = Vec::new();
    let mut allowed = Vec::new();
    let existing = || Register::ALL.iter().copied().filter(|register| register.exists(config));
    for register in existing().filter(|register| is_written(*register)) {
        let description = register.description();
        let name = description.name;
        let number = m.constant(NUMBER, register.offset() / 4);
        let here = m.delay(&format!("names_{name}"), write_number.equals(number));
        let reserved = m.constant(32, !description.mask());
        let plain = m.delay(&format!("plain_{name}"), !(data & written_bits & reserved).any());
        let mut may = here & plain;
        if needs_quiet(register) {
            may = may & ready;
        }
        if is_decoders(register) {
            may = may & decoder_ready;
        }
        if [Register::Command, Register::QueuePairCommand].contains(&register) {
            may = may & strobes.bit(0);
        }
        let may = may.named(format!("may_write_{name}"));
        let writes = m.delay_reset(&format!("writes_{name}"), write1 & may);
        named.push((register, writes));
        allowed.push(may);
    }
    let any =
        allowed.into_iter().reduce(|a, b| a | b).expect("something can be written").named("any_allowed");
    let answer = m.register("b_answer", 2).enabled_by(write1);
    answer.next(any.select(m.constant(2, OKAY), m.constant(2, SLVERR)));
    let writes =
        |register: Register| named.iter().find(|(known, _)| *known == register).expect("it can be written").1;

    m.section("What can be written");
    let kept = |register: Register| {
        let description = register.description();
        let bits = 32 - description.mask().leading_zeros();
        let kept = m
            .register(&format!("{}_value", description.name), bits)
            .reset_to(0u32)
            .enabled_by(writes(register));
        let old = kept.value();
        let mask = written_bits.low(bits);
        kept.next((old & !mask) | (data.low(bits) & mask));
        old
    };
    let table = kept(Register::Table);
    let index = kept(Register::Index);
    let (data_low, data_high) = (kept(Register::DataLow), kept(Register::DataHigh));
    let epoch = kept(Register::Epoch);
    let interrupt_mask = kept(Register::InterruptMask);

    let decoder = has_decoder.then(|| {
        m.section("What is told to the packet decoder, and what it read");
        let mut words = Vec::new();
        for (place, register) in (0u32..).zip(Register::QUEUE_PAIR_WORDS) {
            let written = writes(register);
            let name = register.description().name;
            if place >= LOADED {
                words.push(kept(register));
                continue;
            }
            let kept = m.register(&format!("{name}_value"), 32).reset_to(0u32);
            let kept = kept.enabled_by(written | decoder_loads);
            let loaded = decoder_words.bits(32 * place..32 * place + 32);
            let merged = (kept.value() & !written_bits) | (data & written_bits);
            kept.next(decoder_loads.select(loaded, merged));
            words.push(kept.value());
        }
        let begins = writes(Register::QueuePairCommand);
        m.output("command_valid", begins);
        m.output("command_op", data.low(3));
        Decoder { index: kept(Register::QueuePairIndex), words }
    });
    if let Some(decoder) = &decoder {
        m.output("command_index", decoder.index);
        m.output("command_words", m.concat(&decoder.words.iter().rev().copied().collect::<Vec<_>>()));
    }

    m.section("A command");
    let begins = writes(Register::Command);
    let op = m.register("op", 5).enabled_by(begins);
    op.next(data.low(5));
    let offers = m.register("upd_offered", 1).reset_to(0u32);
    offers.next(begins | offers.value() & !upd_ready);
    busy.next(begins | busy.value() & !upd_done);
    let done = m.register("done", 1).reset_to(0u32);
    done.next(upd_done | done.value() & !begins);
    let error = m.register("error", 8).reset_to(0u32).enabled_by(upd_done | begins);
    error.next(upd_error.gated_by(upd_done));
    let result = m.register("result", 64).reset_to(0u32).enabled_by(upd_done);
    result.next(upd_result);

    m.section("Interrupts: what happens in the cycle of a clearing stays");
    let was_initialised = m.delay_reset("was_initialised", initialised);
    let events = m.concat(&[initialised & !was_initialised, upd_done]).named("events");
    let happened = m.register("interrupt_status", 2).reset_to(0u32);
    let ones = data.low(2) & written_bits.low(2);
    let cleared = ones.gated_by(writes(Register::InterruptStatus)).named("cleared");
    happened.next(events | (happened.value() & !cleared));
    let irq = m.delay_reset("irq_raised", (happened.value() & interrupt_mask).any());

    m.section("A read: which register, of four at once, of all");
    let read_over = m.wire("read_over", 1);
    let ar_held = Held::of(&m, "ar", ar_valid, read_over);
    let read_number = ar_held.keep(&m, "ar_number", ar_address.bits(2..ADDRESS_BITS));
    let reading = m.register("read_working", 1).reset_to(0u32);
    wire!(read_begins = ar_held.held & !reading.value());
    reading.next(!read_over & (reading.value() | read_begins));
    let read1 = m.delay_reset("read1_valid", read_begins);
    let read2 = m.delay_reset("read2_valid", read1);
    let read3 = m.delay_reset("read3_valid", read2);
    let status = m.concat(&[error.value(), m.zero(5), done.value(), busy.value(), initialised]);
    let word = |register: Register| match register {
        Register::Status => status.zero_extend(32).named("status_word"),
        Register::Table => table.zero_extend(32),
        Register::Index => index,
        Register::DataLow => data_low,
        Register::DataHigh => data_high,
        Register::ResultLow => result.value().low(32),
        Register::ResultHigh => result.value().high(32),
        Register::Epoch => epoch,
        Register::LogRoom if has_log => log_room,
        Register::InterruptStatus => happened.value().zero_extend(32),
        Register::InterruptMask => interrupt_mask.zero_extend(32),
        Register::QueuePairIndex => decoder.as_ref().expect("it exists").index.zero_extend(32),
        Register::QueuePairStatus => decoder_ready.zero_extend(32),
        register if Register::QUEUE_PAIR_WORDS.contains(&register) => {
            let place =
                Register::QUEUE_PAIR_WORDS.iter().position(|word| *word == register).expect("it is one");
            decoder.as_ref().expect("it exists").words[place]
        }
        register if Register::FRAME_COUNTS.contains(&register) => {
            counts.iter().find(|(known, _)| *known == register).expect("it is one").1
        }
        constant => m.constant(32, constant.constant(config).unwrap_or(0)),
    };
    let read: Vec<_> = existing()
        .filter(|register| register.description().access != Access::WriteOnly)
        .map(|register| {
            let number = m.constant(NUMBER, register.offset() / 4);
            let here = m.delay(&format!("reads_{}", register.description().name), read_number.equals(number));
            word(register).gated_by(here)
        })
        .collect();
    let fours: Vec<_> = read
        .chunks(4)
        .enumerate()
        .map(|(number, four)| {
            let joined = four.iter().copied().reduce(|a, b| a | b).expect("no four is empty");
            m.delay(&format!("read2_four{number}"), joined)
        })
        .collect();
    let joined = fours.into_iter().reduce(|a, b| a | b).expect("there are registers");
    let read3_word = m.register("read3_word", 32).enabled_by(read2);
    read3_word.next(joined);
    let r_valid = m.register("r_valid", 1).reset_to(0u32);
    r_valid.next(read3 | r_valid.value() & !r_ready);
    read_over.drive(r_valid.value() & r_ready);

    m.section("Outputs");
    let port = |name: &str, value: Signal<'_>, doc: &str| {
        m.output(name, value);
        m.port_doc(name, doc);
    };
    port("s_axil_awready", aw_held.ready, "");
    port("s_axil_wready", w_held.ready, "");
    port("s_axil_bvalid", b_valid.value(), "");
    port("s_axil_bresp", answer.value(), "OKAY, or SLVERR where nothing was changed");
    port("s_axil_arready", ar_held.ready, "");
    port("s_axil_rvalid", r_valid.value(), "");
    port("s_axil_rdata", read3_word.value(), "zero where a register is reserved");
    port("s_axil_rresp", m.constant(2, OKAY), "always OKAY");
    port("irq", irq, "level: something happened that interrupt_mask asks for");
    port("upd_valid", offers.value(), "valid/ready: an update");
    port("upd_op", op.value(), "");
    port("upd_arg_table", table, "");
    port("upd_arg_index", index, "");
    port("upd_arg_data", m.concat(&[data_high, data_low]), "");
    if has_log {
        m.output("log_epoch", epoch);
    }
    m.finish()
}

/// What the host has written for the packet decoder.
struct Decoder<'m> {
    index: Signal<'m>,
    words: Vec<Signal<'m>>,
}

/// How many of the words of a queue pair's command one can load.
const LOADED: u32 = 6;
/// Whether the packet decoder looks at it while it works.
fn is_decoders(register: Register) -> bool {
    Register::QUEUE_PAIR_WORDS.contains(&register)
        || [Register::QueuePairIndex, Register::QueuePairCommand].contains(&register)
}

/// Whether a write can do something there.
fn is_written(register: Register) -> bool {
    register.description().access != Access::ReadOnly
}

/// Whether a write must find no command busy, and the unit initialised.
fn needs_quiet(register: Register) -> bool {
    use Register::{Command, DataHigh, DataLow, Epoch, Index, Table};
    matches!(register, Table | Index | DataLow | DataHigh | Epoch | Command)
}

/// One channel's payload, taken when none is held, and held until it is over.
struct Held<'m> {
    ready: Signal<'m>,
    held: Signal<'m>,
    takes: Signal<'m>,
}

impl<'m> Held<'m> {
    fn of(m: &'m ModuleBuilder, name: &str, valid: Signal<'m>, over: Signal<'m>) -> Held<'m> {
        let ready = m.register(&format!("{name}_free"), 1).reset_to(0u32);
        let held = m.register(&format!("{name}_held"), 1).reset_to(0u32);
        let takes = (valid & ready.value()).named(format!("{name}_takes"));
        let next = (takes | held.value() & !over).named(format!("{name}_next_held"));
        held.next(next);
        // Low in reset, so that nothing is taken that would be lost.
        ready.next(!next);
        Held { ready: ready.value(), held: held.value(), takes }
    }

    fn keep(&self, m: &'m ModuleBuilder, name: &str, value: Signal<'m>) -> Signal<'m> {
        let kept = m.register(name, value.width()).enabled_by(self.takes);
        kept.next(value);
        kept.value()
    }
}
