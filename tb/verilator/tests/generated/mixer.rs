// Written by stagecoach-verilator from the ports of module mixer; change the description, not this.

use stagecoach_verilator::PortStruct;

/// Inputs of one cycle of `mixer`; wide ports are limbs, least significant first.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MixerInputs {
    /// 1 bit: synchronous reset.
    pub rst: u64,
    /// 1 bit: a value.
    pub in_1: u64,
    /// 8 bits: a value.
    pub in_8: u64,
    /// 9 bits: a value.
    pub in_9: u64,
    /// 17 bits: a value.
    pub in_17: u64,
    /// 33 bits: a value.
    pub in_33: u64,
    /// 65 bits: a value.
    pub in_65: [u64; 2],
    /// 130 bits: a value.
    pub in_130: [u64; 3],
    /// 64 bits.
    pub from: u64,
}

const _: () = assert!(size_of::<MixerInputs>() == 96);
const _: () = assert!(std::mem::offset_of!(MixerInputs, rst) == 0);
const _: () = assert!(std::mem::offset_of!(MixerInputs, in_1) == 8);
const _: () = assert!(std::mem::offset_of!(MixerInputs, in_8) == 16);
const _: () = assert!(std::mem::offset_of!(MixerInputs, in_9) == 24);
const _: () = assert!(std::mem::offset_of!(MixerInputs, in_17) == 32);
const _: () = assert!(std::mem::offset_of!(MixerInputs, in_33) == 40);
const _: () = assert!(std::mem::offset_of!(MixerInputs, in_65) == 48);
const _: () = assert!(std::mem::offset_of!(MixerInputs, in_130) == 64);
const _: () = assert!(std::mem::offset_of!(MixerInputs, from) == 88);

// SAFETY: `repr(C)` over `u64`s only; size and offsets are asserted above and were taken, with the
// fingerprint, from the same ports.
unsafe impl PortStruct for MixerInputs {
    const NAME: &'static str = "MixerInputs";
    const FINGERPRINT: u64 = 0xfbff6a378c0100cd;
}

/// Outputs of one cycle of `mixer`; wide ports are limbs, least significant first.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MixerOutputs {
    /// 1 bit.
    pub out_1: u64,
    /// 8 bits.
    pub out_8: u64,
    /// 9 bits.
    pub out_9: u64,
    /// 17 bits.
    pub out_17: u64,
    /// 33 bits.
    pub out_33: u64,
    /// 65 bits.
    pub out_65: [u64; 2],
    /// 130 bits.
    pub out_130: [u64; 3],
    /// 64 bits.
    pub to: u64,
}

const _: () = assert!(size_of::<MixerOutputs>() == 88);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, out_1) == 0);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, out_8) == 8);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, out_9) == 16);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, out_17) == 24);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, out_33) == 32);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, out_65) == 40);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, out_130) == 56);
const _: () = assert!(std::mem::offset_of!(MixerOutputs, to) == 80);

// SAFETY: `repr(C)` over `u64`s only; size and offsets are asserted above and were taken, with the
// fingerprint, from the same ports.
unsafe impl PortStruct for MixerOutputs {
    const NAME: &'static str = "MixerOutputs";
    const FINGERPRINT: u64 = 0xe076889a331adb44;
}
