//! A card's mapping unit, with a counter of what it grants behind it: the smallest design that simulates and has Verilog.

use rust_hdl::prelude::*;

use crate::stagecoach::MappingUnit;

/// The design. Ports of the unit that it does not drive itself are its own, so that a test bench reaches them.
#[derive(LogicBlock, Default)]
pub struct Card {
    /// Clock of all.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset, active high.
    pub reset: Signal<In, Bit>,
    /// A request is there.
    pub ask: Signal<In, Bit>,
    /// Its key.
    pub key: Signal<In, Bits<32>>,
    /// Its virtual address.
    pub address: Signal<In, Bits<64>>,
    /// A command for the update port is there.
    pub update: Signal<In, Bit>,
    /// Its operation.
    pub op: Signal<In, Bits<5>>,
    /// Its table.
    pub of_table: Signal<In, Bits<16>>,
    /// Its index.
    pub index: Signal<In, Bits<32>>,
    /// Its data.
    pub data: Signal<In, Bits<64>>,
    /// The unit takes requests.
    pub ready: Signal<Out, Bit>,
    /// The command is answered.
    pub done: Signal<Out, Bit>,
    /// Why it was refused.
    pub error: Signal<Out, Bits<8>>,
    /// Every stored entry is clear.
    pub initialised: Signal<Out, Bit>,
    /// A beat is there.
    pub answered: Signal<Out, Bit>,
    /// Its verdict.
    pub fault: Signal<Out, Bits<8>>,
    /// Its physical address.
    pub place: Signal<Out, Bits<48>>,
    /// Beats that were granted.
    pub grants: Signal<Out, Bits<8>>,
    /// The mapping unit.
    pub unit: MappingUnit,
    /// Counts.
    pub counter: DFF<Bits<8>>,
}

impl Logic for Card {
    #[hdl_gen]
    fn update(&mut self) {
        self.unit.clk.next = self.clock.val();
        self.unit.rst.next = self.reset.val();
        self.counter.clock.next = self.clock.val();
        self.counter.d.next = self.counter.q.val();
        if self.unit.rsp_valid.val() & (self.unit.rsp_fault.val() == 0) {
            self.counter.d.next = self.counter.q.val() + 1;
        }
        self.grants.next = self.counter.q.val();
        // Eight bytes are read, by the VM that the test bench binds.
        self.unit.req_valid.next = self.ask.val();
        self.unit.req_net_id.next = 0x0a00_0102.into();
        self.unit.req_tag.next = 7.into();
        self.unit.req_stream.next = 0.into();
        self.unit.req_pd.next = 1.into();
        self.unit.req_op.next = 0.into();
        self.unit.req_key.next = self.key.val();
        self.unit.req_va.next = self.address.val();
        self.unit.req_length.next = 8.into();
        self.unit.req_bound.next = 8.into();
        self.unit.rsp_ready.next = true;
        self.ready.next = self.unit.req_ready.val();
        self.answered.next = self.unit.rsp_valid.val();
        self.fault.next = self.unit.rsp_fault.val();
        self.place.next = self.unit.rsp_pa.val();
        // What is granted is over at once.
        self.unit.ret_valid.next = self.unit.rsp_valid.val() & (self.unit.rsp_fault.val() == 0);
        self.unit.ret_table.next = self.unit.rsp_table.val();
        self.unit.ret_frame.next = self.unit.rsp_pa.val().get_bits::<36>(12);
        self.unit.ret_write.next = false;
        self.unit.ret_epoch.next = self.unit.rsp_epoch.val();
        self.unit.upd_valid.next = self.update.val();
        self.unit.upd_op.next = self.op.val();
        self.unit.upd_arg_table.next = self.of_table.val();
        self.unit.upd_arg_index.next = self.index.val();
        self.unit.upd_arg_data.next = self.data.val();
        self.done.next = self.unit.upd_done.val();
        self.error.next = self.unit.upd_error.val();
        self.initialised.next = self.unit.init_done.val();
    }
}
