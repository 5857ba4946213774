//! Both tops in rust-hdl's simulator, by stagecoach's engine; and the Verilog that comes out.

use rust_hdl::prelude::*;
use stagecoach_rust_hdl_design::card::Card;
use stagecoach_rust_hdl_design::stagecoach::{CONFIGURATION, Controller, MappingUnit};
use stagecoach_spec::registers::ID;
use stagecoach_spec::{Access, Config, Fault, NetId, Region, Slices, Update};
use stagecoach_verilator::{SourceFile, lint};

/// Picoseconds of a clock's half.
const HALF: u64 = 500;
/// Longer than any test takes.
const END: u64 = 100_000_000;

/// What brings a VM up: a table, a page, a region, a binding.
fn updates() -> Vec<Update> {
    let slices = Slices {
        region_base: 8,
        region_count: 4,
        slot_base: 16,
        slot_count: 16,
        window_base: 0x100,
        window_count: 0x100,
    };
    let region = Region {
        base: 0x7000_0000,
        length: 0x1000,
        first_offset: 0,
        rights: Access::REMOTE_READ,
        page_size: 0,
        first_slot: 3,
        pd: 1,
    };
    vec![
        Update::SetTable { table: 2, slices },
        Update::SetSlot { table: 2, slot: 3, frame: 0x1ab, page_size: 0 },
        Update::Install { table: 2, key: 0x155, region },
        Update::Bind { table: 2, net_id: NetId::from_u128(0x0a00_0102) },
    ]
}

#[test]
fn a_design_brings_a_vm_up_and_translates() {
    let mut simulation = Simulation::new();
    simulation.add_clock(HALF, |card: &mut Box<Card>| card.clock.next = !card.clock.val());
    simulation.add_testbench(|mut sim: Sim<Card>| {
        let mut card = sim.init()?;
        wait_clock_true!(sim, clock, card);
        card.reset.next = true;
        wait_clock_cycle!(sim, clock, card, 3);
        card.reset.next = false;
        card = sim.watch(|card| card.initialised.val(), card)?;
        for command in updates().iter().flat_map(Update::encode) {
            wait_clock_cycle!(sim, clock, card);
            card.op.next = u64::from(command.op).into();
            card.of_table.next = u64::from(command.table).into();
            card.index.next = u64::from(command.index).into();
            card.data.next = command.data.into();
            card.update.next = true;
            card = sim.watch(|card| card.done.val(), card)?;
            sim_assert!(sim, card.error.val() == 0, card);
            card.update.next = false;
            wait_clock_cycle!(sim, clock, card);
        }
        let asked = [
            (0x155, 0x7000_0ff0, Fault::Granted, 0x1a_bff0),
            (0x156, 0x7000_0ff0, Fault::InvalidKey, 0),
            (0x155, 0x7000_0ff9, Fault::OutOfBounds, 0),
            (0x155, 0x7000_0000, Fault::Granted, 0x1a_b000),
        ];
        for (key, address, fault, place) in asked {
            card = sim.watch(|card| card.ready.val(), card)?;
            card.key.next = key.into();
            card.address.next = address.into();
            card.ask.next = true;
            wait_clock_cycle!(sim, clock, card);
            card.ask.next = false;
            card = sim.watch(|card| card.answered.val(), card)?;
            sim_assert_eq!(sim, card.fault.val(), Bits::<8>::from(u64::from(fault.code())), card);
            sim_assert_eq!(sim, card.place.val(), Bits::<48>::from(place), card);
            wait_clock_cycle!(sim, clock, card, 2);
        }
        sim_assert_eq!(sim, card.grants.val(), Bits::<8>::from(2), card);
        sim.done(card)
    });
    simulation.run(Box::default(), END).unwrap();
}

#[test]
fn a_controller_answers_at_its_registers() {
    let mut simulation = Simulation::new();
    simulation.add_clock(HALF, |controller: &mut Box<Controller>| {
        controller.clk.next = !controller.clk.val();
    });
    simulation.add_testbench(|mut sim: Sim<Controller>| {
        let mut controller = sim.init()?;
        wait_clock_true!(sim, clk, controller);
        controller.rst.next = true;
        wait_clock_cycle!(sim, clk, controller, 3);
        controller.rst.next = false;
        controller = sim.watch(|controller| controller.init_done.val(), controller)?;
        controller.s_axil_arvalid.next = true;
        controller = sim.watch(|controller| controller.s_axil_arready.val(), controller)?;
        wait_clock_cycle!(sim, clk, controller);
        controller.s_axil_arvalid.next = false;
        controller = sim.watch(|controller| controller.s_axil_rvalid.val(), controller)?;
        sim_assert_eq!(sim, controller.s_axil_rdata.val(), Bits::<32>::from(u64::from(ID)), controller);
        sim.done(controller)
    });
    simulation.run(Box::default(), END).unwrap();
}

#[test]
fn the_blocks_are_of_the_configuration_beside_them() {
    let config = Config::from_toml(CONFIGURATION, "configuration.toml").unwrap();
    assert_eq!((config.name.as_str(), config.tables), ("tiny", 16));
}

fn as_file(text: &str) -> [SourceFile; 1] {
    [SourceFile { name: "top.v".into(), text: text.to_owned() }]
}

/// No word from Verilator or Icarus Verilog, but that all modules stand in one file.
fn lint(text: &str, top: &str) {
    let silent = lint::verilator(&as_file(text), top, &["DECLFILENAME"]);
    silent.unwrap_or_else(|error| panic!("{error}"));
    lint::iverilog(&as_file(text), top).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn lint_of_the_designs_verilog_complains_of_what_rust_hdl_wrote_alone() {
    let mut card = Card::default();
    card.connect_all();
    let text = generate_verilog(&card);
    lint::iverilog(&as_file(&text), "top").unwrap_or_else(|error| panic!("{error}"));
    // rust-hdl writes every number with 32 bits, and a wire for every output, used or not.
    let known = ["DECLFILENAME", "WIDTH", "WIDTHEXPAND", "WIDTHTRUNC", "UNUSEDSIGNAL"];
    let ours = text.lines().position(|line| line.starts_with("module top$unit")).expect("the block is there");
    let complaints = lint::verilator(&as_file(&text), "top", &["DECLFILENAME"]);
    let complaints = complaints.map_or_else(|error| error.to_string(), |()| String::new());
    let mut seen = 0;
    for complaint in complaints.lines().filter(|line| line.starts_with("%Warning-")) {
        let (kind, place) = complaint["%Warning-".len()..].split_once(": top.v:").expect("it has a place");
        let line: usize = place.split(':').next().and_then(|line| line.parse().ok()).expect("it has a line");
        assert!(known.contains(&kind) && line <= ours, "{complaint}");
        seen += 1;
    }
    let errors = complaints.lines().filter(|line| line.starts_with("%Error")).count();
    assert_eq!(errors, usize::from(seen > 0), "{complaints}");
}

#[test]
fn each_blocks_verilog_is_silent_under_lint() {
    let mut unit = MappingUnit::default();
    unit.connect_all();
    lint(&generate_verilog(&unit), "top");
    let mut controller = Controller::default();
    controller.connect_all();
    lint(&generate_verilog(&controller), "top");
}

#[test]
fn two_blocks_of_a_design_bring_each_file_once() {
    let cores = |verilog| match verilog {
        Verilog::Wrapper(wrapper) => wrapper.cores,
        other => panic!("a block is a wrapper, not {other:?}"),
    };
    let both = cores(MappingUnit::default().hdl()) + &cores(Controller::default().hdl());
    lint(&both, "controller");
}
