//! Block `control` alone: its AXI4-Lite port against a plain model of the registers, with random stalls.

mod common;

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::control::{self, READ_CYCLES, WRITE_CYCLES};
use stagecoach_spec::registers::{Access, Register};
use stagecoach_spec::{Config, Preset};

const OKAY: u128 = 0;
const SLVERR: u128 = 2;

/// The block, a mapping unit that answers when it is told to, and the cycle's checks of the port.
struct Bench {
    block: Block,
    random: ChaCha8Rng,
    /// What a valid output showed that was not ready: it must still be there.
    b_pending: Option<u128>,
    r_pending: Option<u128>,
}

impl Bench {
    fn new(seed: u64) -> Bench {
        let config = Preset::Tiny.config();
        let block = Block::new(&control::describe(&config).expect("sound"), seed);
        let mut bench =
            Bench { block, random: ChaCha8Rng::seed_from_u64(seed), b_pending: None, r_pending: None };
        bench.step();
        bench
    }

    /// A cycle, in which the port keeps AMBA's rules.
    fn step(&mut self) {
        let b = (self.block.get("s_axil_bvalid") == 1).then(|| self.block.get("s_axil_bresp"));
        let r = (self.block.get("s_axil_rvalid") == 1).then(|| self.block.get("s_axil_rdata"));
        if self.b_pending.is_some() {
            assert_eq!(b, self.b_pending, "an answer waits unchanged for bready");
        }
        if self.r_pending.is_some() {
            assert_eq!(r, self.r_pending, "an answer waits unchanged for rready");
        }
        let (b_ready, r_ready) = (self.random.random::<bool>(), self.random.random::<bool>());
        self.block.set("s_axil_bready", u8::from(b_ready));
        self.block.set("s_axil_rready", u8::from(r_ready));
        self.b_pending = b.filter(|_| !b_ready);
        self.r_pending = r.filter(|_| !r_ready);
        self.block.step();
    }

    /// Writes some bytes of a word, address and data offered at random times; gives the answer.
    fn write_bytes(&mut self, address: u32, data: u32, strobes: u8) -> u128 {
        let (mut address_left, mut data_left) = (true, true);
        for _ in 0..200 {
            let offers_address = address_left && self.random.random::<bool>();
            let offers_data = data_left && self.random.random::<bool>();
            self.block.set("s_axil_awvalid", u8::from(offers_address));
            self.block.set("s_axil_awaddr", address);
            self.block.set("s_axil_wvalid", u8::from(offers_data));
            self.block.set("s_axil_wdata", data);
            self.block.set("s_axil_wstrb", strobes);
            // A word that was offered is not taken back.
            loop {
                let takes_address = offers_address && self.block.get("s_axil_awready") == 1;
                let takes_data = offers_data && self.block.get("s_axil_wready") == 1;
                self.step();
                address_left &= !takes_address;
                data_left &= !takes_data;
                self.block.set("s_axil_awvalid", u8::from(offers_address && address_left));
                self.block.set("s_axil_wvalid", u8::from(offers_data && data_left));
                if !(offers_address && address_left || offers_data && data_left) {
                    break;
                }
            }
            if !address_left && !data_left {
                break;
            }
        }
        for _ in 0..200 {
            let answer = (self.block.get("s_axil_bvalid") == 1).then(|| self.block.get("s_axil_bresp"));
            self.step();
            if let Some(answer) = answer.filter(|_| self.b_pending.is_none()) {
                return answer;
            }
        }
        panic!("a write of {address:#x} was never answered");
    }

    fn write(&mut self, register: Register, data: u32) -> u128 {
        self.write_bytes(register.offset(), data, 15)
    }

    fn read_at(&mut self, address: u32) -> u32 {
        self.block.set("s_axil_araddr", address);
        self.block.set("s_axil_arvalid", 1u8);
        loop {
            let taken = self.block.get("s_axil_arready") == 1;
            self.step();
            if taken {
                break;
            }
        }
        self.block.set("s_axil_arvalid", 0u8);
        for _ in 0..200 {
            let data = (self.block.get("s_axil_rvalid") == 1).then(|| self.block.get("s_axil_rdata"));
            assert_eq!(self.block.get("s_axil_rresp"), OKAY);
            self.step();
            if let Some(data) = data.filter(|_| self.r_pending.is_none()) {
                return data as u32;
            }
        }
        panic!("a read of {address:#x} was never answered");
    }

    fn read(&mut self, register: Register) -> u32 {
        self.read_at(register.offset())
    }

    fn initialise(&mut self) {
        self.block.set("init_done", 1u8);
        for _ in 0..4 {
            self.step();
        }
    }

    /// The unit takes the update that is offered, and answers.
    fn answer(&mut self, error: u8, result: u64) {
        self.block.set("upd_ready", 1u8);
        self.step();
        self.block.set("upd_ready", 0u8);
        self.step();
        self.block.set("upd_done", 1u8);
        self.block.set("upd_error", error);
        self.block.set("upd_result", result);
        self.step();
        self.block.set("upd_done", 0u8);
        self.step();
    }
}

#[test]
fn the_configuration_reads_back_and_cannot_be_written() {
    for seed in SEEDS {
        let mut bench = Bench::new(seed);
        let config: Config = Preset::Tiny.config();
        for register in Register::ALL {
            if let Some(value) = register.constant(&config) {
                assert_eq!(bench.read(*register), value, "{register:?}");
                assert_eq!(bench.write(*register, !value), SLVERR, "{register:?}");
                assert_eq!(bench.read(*register), value, "{register:?}");
            }
        }
    }
}

#[test]
fn reserved_offsets_read_zero_and_refuse_writes() {
    let mut bench = Bench::new(1);
    bench.initialise();
    for offset in (0..0x80).step_by(4).chain([0x100, 0x440, 0xffc]) {
        if Register::at(offset).is_none() {
            assert_eq!(bench.write_bytes(offset, u32::MAX, 15), SLVERR, "{offset:#x}");
            assert_eq!(bench.read_at(offset), 0, "{offset:#x}");
        }
    }
}

#[test]
fn byte_strobes_and_reserved_bits_are_obeyed() {
    for seed in SEEDS {
        let mut bench = Bench::new(seed);
        bench.initialise();
        let mut kept = std::collections::BTreeMap::new();
        let mut random = ChaCha8Rng::seed_from_u64(seed + 10);
        for _ in 0..400 {
            let writable: Vec<_> = Register::ALL
                .iter()
                .copied()
                .filter(|register| register.description().access == Access::ReadWrite)
                .filter(|register| register.exists(&Preset::Tiny.config()))
                .collect();
            let register = writable[random.random_range(0..writable.len())];
            let (mut data, strobes) = (random.random::<u32>(), random.random_range(0..16u8));
            if random.random::<bool>() {
                data &= register.description().mask();
            }
            let bits = (0..4)
                .filter(|byte| strobes >> byte & 1 == 1)
                .fold(0, |bits, byte| bits | 0xff << (8 * byte));
            let answer = bench.write_bytes(register.offset() + random.random_range(0..4), data, strobes);
            let old = kept.get(&register).copied().unwrap_or(0);
            if data & bits & !register.description().mask() == 0 {
                assert_eq!(answer, OKAY, "{register:?}");
                kept.insert(register, old & !bits | data & bits);
            } else {
                assert_eq!(answer, SLVERR, "{register:?}: {data:#x}");
            }
            assert_eq!(bench.read(register), kept.get(&register).copied().unwrap_or(0), "{register:?}");
        }
    }
}

#[test]
fn a_command_carries_its_arguments_and_brings_its_answer_back() {
    let mut bench = Bench::new(1);
    bench.initialise();
    assert_eq!(bench.write(Register::Table, 5), OKAY);
    assert_eq!(bench.write(Register::Index, 0x1234_5678), OKAY);
    assert_eq!(bench.write(Register::DataLow, 0x89ab_cdef), OKAY);
    assert_eq!(bench.write(Register::DataHigh, 0x0123_4567), OKAY);
    assert_eq!(bench.write(Register::Command, 14), OKAY);
    assert_eq!(bench.block.get("upd_valid"), 1, "it waits for upd_ready");
    assert_eq!(bench.block.get("upd_op"), 14);
    assert_eq!(bench.block.get("upd_arg_table"), 5);
    assert_eq!(bench.block.get("upd_arg_index"), 0x1234_5678);
    assert_eq!(bench.block.get("upd_arg_data"), 0x0123_4567_89ab_cdef);
    assert_eq!(bench.read(Register::Status), 0b011, "busy, not done");
    bench.answer(9, 0xfeed_face_cafe_f00d);
    assert_eq!(bench.block.get("upd_valid"), 0, "it is offered once");
    assert_eq!(bench.read(Register::Status), 9 << 8 | 0b101, "done, with the error");
    assert_eq!(bench.read(Register::ResultLow), 0xcafe_f00d);
    assert_eq!(bench.read(Register::ResultHigh), 0xfeed_face);
    assert_eq!(bench.write(Register::Command, 3), OKAY);
    assert_eq!(bench.read(Register::Status), 0b011, "the next command clears done and error");
    assert_eq!(bench.block.failures(), [""; 0]);
}

#[test]
fn nothing_is_taken_while_busy_or_before_the_unit_is_initialised() {
    let mut bench = Bench::new(2);
    let arguments =
        [Register::Table, Register::Index, Register::DataLow, Register::DataHigh, Register::Command];
    for register in arguments {
        assert_eq!(bench.write(register, 1), SLVERR, "{register:?} before init_done");
    }
    assert_eq!(bench.block.get("upd_valid"), 0);
    bench.initialise();
    assert_eq!(bench.write(Register::Index, 7), OKAY);
    assert_eq!(bench.write(Register::Command, 1), OKAY);
    for register in arguments {
        assert_eq!(bench.write(register, 3), SLVERR, "{register:?} while busy");
    }
    assert_eq!(bench.block.get("upd_arg_index"), 7, "what is offered stands still");
    assert_eq!(bench.block.get("upd_op"), 1);
    bench.answer(0, 0);
    assert_eq!(bench.read(Register::Index), 7);
    assert_eq!(bench.write(Register::Index, 3), OKAY);
}

#[test]
fn a_command_that_cannot_be_one_is_refused() {
    let mut bench = Bench::new(1);
    bench.initialise();
    assert_eq!(bench.write(Register::Command, 32), SLVERR, "a reserved bit");
    assert_eq!(bench.write_bytes(Register::Command.offset(), 1, 0b1110), SLVERR, "without its operation");
    assert_eq!(bench.block.get("upd_valid"), 0);
    assert_eq!(bench.read(Register::Command), 0);
}

#[test]
fn interrupts_rise_are_masked_and_are_cleared_by_ones() {
    let mut bench = Bench::new(1);
    bench.initialise();
    assert_eq!(bench.read(Register::InterruptStatus), 0b10, "the end of the clearing");
    assert_eq!(bench.block.get("irq"), 0, "masked");
    assert_eq!(bench.write(Register::InterruptMask, 0b10), OKAY);
    bench.step();
    assert_eq!(bench.block.get("irq"), 1);
    assert_eq!(bench.write(Register::InterruptStatus, 0b01), OKAY);
    assert_eq!(bench.read(Register::InterruptStatus), 0b10, "a zero clears nothing");
    assert_eq!(bench.write(Register::InterruptStatus, 0b10), OKAY);
    bench.step();
    assert_eq!(bench.read(Register::InterruptStatus), 0);
    assert_eq!(bench.block.get("irq"), 0);
    assert_eq!(bench.write(Register::Command, 5), OKAY);
    bench.answer(0, 0);
    assert_eq!(bench.read(Register::InterruptStatus), 0b01);
    assert_eq!(bench.block.get("irq"), 0, "masked");
    assert_eq!(bench.write(Register::InterruptMask, 0b01), OKAY);
    bench.step();
    bench.step();
    assert_eq!(bench.block.get("irq"), 1);
}

#[test]
fn answers_take_the_documented_cycles() {
    let mut bench = Bench::new(1);
    bench.initialise();
    let port = |name: &str| format!("s_axil_{name}");
    for (channels, answer, cycles) in
        [(&["aw", "w"][..], "bvalid", WRITE_CYCLES), (&["ar"][..], "rvalid", READ_CYCLES)]
    {
        for channel in channels {
            bench.block.set(&port(&format!("{channel}valid")), 1u8);
            assert_eq!(bench.block.get(&port(&format!("{channel}ready"))), 1);
        }
        bench.block.step();
        for channel in channels {
            bench.block.set(&port(&format!("{channel}valid")), 0u8);
        }
        for cycle in 1..cycles {
            assert_eq!(bench.block.get(&port(answer)), 0, "{answer}, cycle {cycle}");
            bench.block.step();
        }
        assert_eq!(bench.block.get(&port(answer)), 1, "{answer}");
    }
}
