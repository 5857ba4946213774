//! Messages of several packets, in block `issue`: behind one that was refused, the others of its message are refused too.
//!
//! ```text
//!  queue pair of the request in front ─▶ refused_memory ─▶ refused? ─▶ block issue
//!                                             ▲
//!  the request is over, and was refused ──────┘
//! ```
//!
//! A bit for each queue pair. A request that begins a message writes it, one that continues it reads it, and sets it if it
//! is refused itself; FROZEN sets nothing there, since the packet will come again. The bit that is read counts from the
//! fourth cycle after the request before is over.

use stagecoach_hdl::{ModuleBuilder, Signal};

use super::registers::late_valid;
use super::shape::Shape;
use super::words::Pending;

/// Cycles in which a bit that was just written cannot be read yet.
const SETTLES: u32 = 3;

/// What is known of the message of the request in front.
#[derive(Clone, Copy)]
pub(crate) struct Message<'m> {
    /// It continues a message that was refused.
    pub(crate) refused: Signal<'m>,
    /// So much is certain.
    pub(crate) known: Signal<'m>,
    bit: Signal<'m>,
    over: Signal<'m>,
}

/// What becomes of the beat that block `issue` looks at.
pub(crate) struct Ended<'m> {
    /// It is over.
    pub(crate) fires: Signal<'m>,
    /// It is its request's last.
    pub(crate) last: Signal<'m>,
    /// It is refused.
    pub(crate) failed: Signal<'m>,
    /// It is refused as FROZEN.
    pub(crate) frozen: Signal<'m>,
}

impl<'m> Message<'m> {
    /// Of the request that is `asked`.
    pub(crate) fn of(m: &'m ModuleBuilder, asked: &Pending<'m>) -> Message<'m> {
        m.section("Whether an earlier packet of its message was refused");
        let over = m.wire("request_over", 1);
        let recent = (0..SETTLES).fold((m.bit(false), over), |(any, late), cycle| {
            let late = m.delay_reset(&format!("request_over{cycle}"), late);
            (any | late, late)
        });
        let known = !(asked.continues & recent.0);
        let bit = m.wire("message_bit", 1);
        Message { refused: (asked.continues & bit).named("refused"), known, bit, over }
    }

    /// The memory, and what the host reads and writes of it.
    pub(crate) fn write(self, m: &'m ModuleBuilder, s: &Shape, asked: &Pending<'m>, ended: Ended<'m>) {
        let Ended { fires, last, failed, frozen } = ended;
        let over = fires & last;
        self.over.drive(over);
        let counts = failed & !(asked.continues & frozen);
        let before = m.register("message_fails", 1).reset_to(0u32).enabled_by(fires);
        before.next((before.value() | counts) & !last);
        let fails = before.value() | counts;
        let writes = m.delay_reset("message_writes", over & (fails | !asked.continues));
        let value = m.delay("message_written_bit", fails);
        let place = m.delay("message_written_place", asked.queue_pair);

        m.comment("The host's turn comes when nobody else writes.");
        let host_place = m.input("message_index", s.queue_pair);
        let host_writes = m.input("message_write", 1).doc("until message_written");
        let host_value = m.input("message_write_refused", 1);
        let host_turn = (host_writes & !writes).named("message_host_turn");
        let memory = m.memory("refused_memory", 1, 1 << s.queue_pair).output_register();
        memory.write(
            writes | host_writes,
            writes.select(place, host_place),
            writes.select(value, host_value),
        );
        self.bit.drive(memory.read("message_bit_now", asked.queue_pair));
        m.output("message_refused", memory.read("message_refused_now", host_place));
        m.port_doc("message_refused", "of message_index, two cycles later");
        m.output("message_written", late_valid(m, "message_written", host_turn, 1));
    }
}
