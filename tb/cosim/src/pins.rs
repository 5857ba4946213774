//! The mapping unit's ports by name and type, resolved once to places in the engines' arrays.

use stagecoach_hdl::native::{PortLayout, PortSlot};
use stagecoach_spec::{Answer, Beat, Command, Config, Fault, Request, Retirement, UpdateError};

use crate::Error;

/// Where a port lies. A field without bits has no port: it reads as 0 and takes nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Pin {
    offset: usize,
    limbs: usize,
    /// Bits of the topmost limb that belong to the port.
    mask: u64,
}

impl Pin {
    fn get(self, limbs: &[u64]) -> u64 {
        if self.limbs == 0 { 0 } else { limbs[self.offset] }
    }

    fn set(self, limbs: &mut [u64], value: u64) {
        if self.limbs > 0 {
            limbs[self.offset] = value;
        }
    }

    fn set_wide(self, limbs: &mut [u64], value: &[u64]) {
        for limb in 0..self.limbs {
            limbs[self.offset + limb] = value.get(limb).copied().unwrap_or(0);
        }
    }

    fn fill(self, limbs: &mut [u64], mut next: impl FnMut() -> u64) {
        for limb in 0..self.limbs {
            limbs[self.offset + limb] = next();
        }
        if self.limbs > 0 {
            limbs[self.offset + self.limbs - 1] &= self.mask;
        }
    }
}

/// The mapping unit's ports.
#[derive(Clone, Debug)]
pub struct Pins {
    rst: Pin,
    req_valid: Pin,
    req_net_id: Pin,
    req_key: Pin,
    req_pd: Pin,
    req_op: Pin,
    req_va: Pin,
    req_length: Pin,
    req_bound: Pin,
    req_stream: Pin,
    req_tag: Pin,
    rsp_ready: Pin,
    upd_valid: Pin,
    upd_op: Pin,
    upd_arg_table: Pin,
    upd_arg_index: Pin,
    upd_arg_data: Pin,
    ret_valid: Pin,
    ret_table: Pin,
    ret_frame: Pin,
    ret_write: Pin,
    ret_epoch: Pin,
    req_ready: Pin,
    rsp_valid: Pin,
    rsp_tag: Pin,
    rsp_stream: Pin,
    rsp_fault: Pin,
    rsp_pa: Pin,
    rsp_span: Pin,
    rsp_table: Pin,
    rsp_epoch: Pin,
    rsp_first: Pin,
    rsp_last: Pin,
    upd_ready: Pin,
    upd_done: Pin,
    upd_error: Pin,
    upd_result: Pin,
    init_done: Pin,
}

/// A beat as it stands at the port; the fault may be a code without meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawBeat {
    /// `rsp_tag`.
    pub tag: u32,
    /// `rsp_stream`.
    pub stream: u32,
    /// `rsp_fault`.
    pub fault: u8,
    /// `rsp_pa`.
    pub pa: u64,
    /// `rsp_span`.
    pub span: u32,
    /// `rsp_table`.
    pub table: u16,
    /// `rsp_epoch`.
    pub epoch: bool,
    /// `rsp_first`.
    pub first: bool,
    /// `rsp_last`.
    pub last: bool,
}

impl RawBeat {
    /// The beat, if its fault's code has a meaning.
    pub fn decode(self) -> Option<Beat> {
        let fault = Fault::from_code(self.fault)?;
        let RawBeat { tag, stream, pa, span, table, epoch, first, last, .. } = self;
        Some(Beat { tag, stream, fault, pa, span, table, epoch, first, last })
    }
}

impl Pins {
    /// Finds every port of the contract in a module's layout, in the contract's width.
    ///
    /// # Errors
    /// [`Error::Port`]: a port is missing, has another width, or exists although its field has no bits.
    pub fn resolve(layout: &PortLayout, config: &Config) -> Result<Pins, Error> {
        let input = |port, width| find(layout.input(port), port, width);
        let output = |port, width| find(layout.output(port), port, width);
        Ok(Pins {
            rst: input("rst", 1)?,
            req_valid: input("req_valid", 1)?,
            req_net_id: input("req_net_id", config.net_id_bits)?,
            req_key: input("req_key", 32)?,
            req_pd: input("req_pd", config.pd_bits)?,
            req_op: input("req_op", 3)?,
            req_va: input("req_va", 64)?,
            req_length: input("req_length", config.length_bits())?,
            req_bound: input("req_bound", 32)?,
            req_stream: input("req_stream", config.stream_bits)?,
            req_tag: input("req_tag", config.tag_bits)?,
            rsp_ready: input("rsp_ready", 1)?,
            upd_valid: input("upd_valid", 1)?,
            upd_op: input("upd_op", 5)?,
            upd_arg_table: input("upd_arg_table", 16)?,
            upd_arg_index: input("upd_arg_index", 32)?,
            upd_arg_data: input("upd_arg_data", 64)?,
            ret_valid: input("ret_valid", 1)?,
            ret_table: input("ret_table", config.table_bits())?,
            ret_frame: input("ret_frame", config.frame_bits())?,
            ret_write: input("ret_write", 1)?,
            ret_epoch: input("ret_epoch", 1)?,
            req_ready: output("req_ready", 1)?,
            rsp_valid: output("rsp_valid", 1)?,
            rsp_tag: output("rsp_tag", config.tag_bits)?,
            rsp_stream: output("rsp_stream", config.stream_bits)?,
            rsp_fault: output("rsp_fault", 8)?,
            rsp_pa: output("rsp_pa", config.physical_address_bits)?,
            rsp_span: output("rsp_span", config.span_bits())?,
            rsp_table: output("rsp_table", config.table_bits())?,
            rsp_epoch: output("rsp_epoch", 1)?,
            rsp_first: output("rsp_first", 1)?,
            rsp_last: output("rsp_last", 1)?,
            upd_ready: output("upd_ready", 1)?,
            upd_done: output("upd_done", 1)?,
            upd_error: output("upd_error", 8)?,
            upd_result: output("upd_result", 64)?,
            init_done: output("init_done", 1)?,
        })
    }

    /// Sets `rst`.
    pub fn set_reset(&self, inputs: &mut [u64], reset: bool) {
        self.rst.set(inputs, reset.into());
    }

    /// Sets `rsp_ready`.
    pub fn set_response_ready(&self, inputs: &mut [u64], ready: bool) {
        self.rsp_ready.set(inputs, ready.into());
    }

    /// Offers a request: `req_valid` and its payload.
    pub fn offer_request(&self, inputs: &mut [u64], request: &Request) {
        self.req_valid.set(inputs, 1);
        self.req_net_id.set_wide(inputs, &request.net_id.limbs());
        self.req_key.set(inputs, request.key.into());
        self.req_pd.set(inputs, request.pd.into());
        self.req_op.set(inputs, request.op.code().into());
        self.req_va.set(inputs, request.va);
        self.req_length.set(inputs, request.length.into());
        self.req_bound.set(inputs, request.bound.into());
        self.req_stream.set(inputs, request.stream.into());
        self.req_tag.set(inputs, request.tag.into());
    }

    /// Offers none; the payload, which then means nothing, is filled with noise.
    pub fn withdraw_request(&self, inputs: &mut [u64], mut noise: impl FnMut() -> u64) {
        self.req_valid.set(inputs, 0);
        let payload = [
            self.req_net_id,
            self.req_key,
            self.req_pd,
            self.req_op,
            self.req_va,
            self.req_length,
            self.req_bound,
            self.req_stream,
            self.req_tag,
        ];
        payload.into_iter().for_each(|pin| pin.fill(inputs, &mut noise));
    }

    /// Offers a command: `upd_valid` and its payload.
    pub fn offer_command(&self, inputs: &mut [u64], command: &Command) {
        self.upd_valid.set(inputs, 1);
        self.upd_op.set(inputs, command.op.into());
        self.upd_arg_table.set(inputs, command.table.into());
        self.upd_arg_index.set(inputs, command.index.into());
        self.upd_arg_data.set(inputs, command.data);
    }

    /// Offers none; the payload is filled with noise.
    pub fn withdraw_command(&self, inputs: &mut [u64], mut noise: impl FnMut() -> u64) {
        self.upd_valid.set(inputs, 0);
        let payload = [self.upd_op, self.upd_arg_table, self.upd_arg_index, self.upd_arg_data];
        payload.into_iter().for_each(|pin| pin.fill(inputs, &mut noise));
    }

    /// Retires a span: `ret_valid` and its payload. The port is never stalled.
    pub fn retire(&self, inputs: &mut [u64], retirement: &Retirement) {
        self.ret_valid.set(inputs, 1);
        self.ret_table.set(inputs, retirement.table.into());
        self.ret_frame.set(inputs, retirement.frame);
        self.ret_write.set(inputs, retirement.write.into());
        self.ret_epoch.set(inputs, retirement.epoch.into());
    }

    /// Retires none; the payload is filled with noise.
    pub fn withdraw_retirement(&self, inputs: &mut [u64], mut noise: impl FnMut() -> u64) {
        self.ret_valid.set(inputs, 0);
        let payload = [self.ret_table, self.ret_frame, self.ret_write, self.ret_epoch];
        payload.into_iter().for_each(|pin| pin.fill(inputs, &mut noise));
    }

    /// `req_ready`.
    pub fn request_ready(&self, outputs: &[u64]) -> bool {
        self.req_ready.get(outputs) != 0
    }

    /// `rsp_valid`.
    pub fn response_valid(&self, outputs: &[u64]) -> bool {
        self.rsp_valid.get(outputs) != 0
    }

    /// `upd_ready`.
    pub fn update_ready(&self, outputs: &[u64]) -> bool {
        self.upd_ready.get(outputs) != 0
    }

    /// `upd_done`.
    pub fn update_done(&self, outputs: &[u64]) -> bool {
        self.upd_done.get(outputs) != 0
    }

    /// `init_done`.
    pub fn initialised(&self, outputs: &[u64]) -> bool {
        self.init_done.get(outputs) != 0
    }

    /// The response's payload; it means something while `rsp_valid` is high.
    pub fn beat(&self, outputs: &[u64]) -> RawBeat {
        RawBeat {
            tag: self.rsp_tag.get(outputs) as u32,
            stream: self.rsp_stream.get(outputs) as u32,
            fault: self.rsp_fault.get(outputs) as u8,
            pa: self.rsp_pa.get(outputs),
            span: self.rsp_span.get(outputs) as u32,
            table: self.rsp_table.get(outputs) as u16,
            epoch: self.rsp_epoch.get(outputs) != 0,
            first: self.rsp_first.get(outputs) != 0,
            last: self.rsp_last.get(outputs) != 0,
        }
    }

    /// The answer to an update, in the cycle of `upd_done`; or the two words that mean none.
    pub fn answer(&self, outputs: &[u64]) -> Result<Answer, (u8, u64)> {
        let (code, result) = (self.upd_error.get(outputs) as u8, self.upd_result.get(outputs));
        match (code, UpdateError::from_code(code)) {
            (0, _) => Ok(Ok(result)),
            (_, Some(error)) if result == 0 => Ok(Err(error)),
            _ => Err((code, result)),
        }
    }
}

fn find(slot: Option<&PortSlot>, port: &'static str, expected: u32) -> Result<Pin, Error> {
    let error = |found: String| Err(Error::Port { port, expected, found });
    match (slot, expected) {
        (None, 0) => Ok(Pin::default()),
        (None, _) => error("is not there".to_owned()),
        (Some(slot), _) if slot.width != expected => error(format!("has {}", slot.width)),
        (Some(slot), _) => {
            let spare = slot.limbs as u32 * 64 - slot.width;
            Ok(Pin { offset: slot.offset, limbs: slot.limbs, mask: u64::MAX >> spare })
        }
    }
}
