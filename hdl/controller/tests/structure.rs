//! The description is sound, and readable as Verilog, for every shape that a configuration allows.

use stagecoach_controller::mapping_unit;
use stagecoach_hdl::verilog;
use stagecoach_spec::{Cam, Config, FrameWindows, Preset, Protection};

/// One field set to an end of its range.
type Change = Box<dyn Fn(&mut Config)>;

/// The presets, and configurations at the ends of every field's range.
fn configurations() -> Vec<Config> {
    let mut configurations: Vec<_> = Preset::all().into_iter().map(|preset| preset.config()).collect();
    let tiny = Preset::Tiny.config();
    let changes: Vec<Change> = vec![
        Box::new(|c| c.pd_bits = 0),
        Box::new(|c| c.pd_bits = 32),
        Box::new(|c| (c.stream_bits, c.tag_bits) = (0, 0)),
        Box::new(|c| c.page_shifts = vec![12]),
        Box::new(|c| c.page_shifts = vec![12, 13]),
        Box::new(|c| c.page_shifts = (12..=26).collect()),
        Box::new(|c| c.max_request_bytes = 64),
        Box::new(|c| c.max_request_bytes = 2048),
        Box::new(|c| c.max_request_bytes = 65536),
        Box::new(|c| (c.tables, c.bindings) = (1, 1)),
        Box::new(|c| (c.tables, c.bindings) = (5, 3)),
        Box::new(|c| (c.tables, c.bindings) = (100, 17)),
        Box::new(|c| (c.tables, c.bindings) = (3, 9)),
        Box::new(|c| (c.tables, c.bindings) = (9, 1)),
        Box::new(|c| (c.tables, c.bindings, c.regions, c.slots) = (4096, 1, 1, 1 << 24)),
        Box::new(|c| (c.regions, c.slots) = (1, 1)),
        Box::new(|c| (c.regions, c.slots) = (37, 1000)),
        Box::new(|c| c.net_id_bits = 1),
        Box::new(|c| c.net_id_bits = 160),
        Box::new(|c| c.physical_address_bits = 64),
        Box::new(|c| c.frame_windows = FrameWindows::Iommu),
        Box::new(|c| c.protection = Protection::Parity),
        Box::new(|c| c.protection = Protection::Secded),
        Box::new(|c| (c.protection, c.net_id_bits, c.tables, c.bindings) = (Protection::Secded, 1, 1, 1)),
        Box::new(|c| (c.protection, c.net_id_bits, c.tables) = (Protection::Secded, 160, 100)),
        Box::new(|c| (c.protection, c.net_id_bits, c.bindings) = (Protection::Parity, 1, 17)),
        Box::new(|c| c.cam = Some(Cam::Cuckoo)),
        Box::new(|c| (c.cam, c.protection) = (Some(Cam::Cuckoo), Protection::Parity)),
        Box::new(|c| (c.cam, c.protection) = (Some(Cam::Cuckoo), Protection::Secded)),
        Box::new(|c| (c.cam, c.net_id_bits, c.tables, c.bindings) = (Some(Cam::Cuckoo), 1, 1, 1)),
        Box::new(|c| (c.cam, c.net_id_bits, c.tables, c.bindings) = (Some(Cam::Cuckoo), 160, 4096, 4096)),
        Box::new(|c| {
            c.protection = Protection::Secded;
            (c.cam, c.net_id_bits, c.tables, c.bindings) = (Some(Cam::Cuckoo), 152, 100, 300);
        }),
        Box::new(|c| c.max_in_flight = 1),
        Box::new(|c| c.max_in_flight = 65536),
    ];
    for change in changes {
        let mut configuration = tiny.clone();
        change(&mut configuration);
        configuration.validate().expect("the ends of the ranges are allowed");
        configurations.push(configuration);
    }
    configurations
}

#[test]
fn every_configuration_passes_the_structural_checks_and_has_designers_names_only() {
    let mut mistakes = Vec::new();
    for configuration in configurations() {
        match mapping_unit(&configuration) {
            Ok(unit) => {
                let names = verilog::derived_names(&unit);
                let names = names.iter().map(|name| format!("invented {} {}", name.name, name.source));
                mistakes.extend(names.map(|name| format!("{configuration}: {name}")));
            }
            Err(errors) => mistakes.push(format!("{configuration}: {errors}")),
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn one_module_per_block_in_a_file_of_its_name() {
    let unit = mapping_unit(&Preset::Tiny.config()).expect("sound");
    let modules: Vec<_> = unit.hierarchy().iter().map(|module| module.name.clone()).collect();
    for stage in stagecoach_spec::Stages::of(&Preset::Tiny.config()).iter() {
        let module = format!("mapping_{}", stage.name);
        assert!(modules.contains(&module), "stage {} has no module {module}", stage.name);
    }
    for file in verilog::write(&unit) {
        assert_eq!(file.text.matches("\nendmodule").count(), 1, "{} holds one module", file.name);
    }
}
