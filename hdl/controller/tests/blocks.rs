//! The blocks beside the lookup can be described at the ends of what a configuration may say.

use stagecoach_controller::widths::Widths;
use stagecoach_controller::{counters, dirty, fault_log, fence, retire};
use stagecoach_hdl::verilog;
use stagecoach_spec::{Config, Preset, Protection};

#[test]
fn they_pass_the_structural_checks_and_have_designers_names_only() {
    let tiny = Preset::Tiny.config();
    type Change = fn(&mut Config);
    let changes: [Change; 9] = [
        |_| (),
        |c| (c.tables, c.bindings) = (1, 1),
        |c| c.tables = 4096,
        |c| c.dirty_words = 1,
        |c| c.dirty_words = 1 << 20,
        |c| (c.physical_address_bits, c.page_shifts) = (13, vec![12]),
        |c| c.physical_address_bits = 64,
        |c| (c.max_in_flight, c.fault_log_entries, c.net_id_bits) = (1, 2, 1),
        |c| (c.tag_bits, c.stream_bits, c.pd_bits, c.fault_log_entries) = (0, 0, 0, 256),
    ];
    for change in changes {
        for protection in [Protection::None, Protection::Parity, Protection::Secded] {
            let mut config = Config { protection, ..tiny.clone() };
            change(&mut config);
            config.validate().expect("the ends of the ranges are allowed");
            let w = Widths::of(&config);
            let events = u32::from(protection != Protection::None) * 5;
            let blocks = [
                fence::describe(&w),
                counters::describe(&w, events),
                dirty::describe(&w),
                retire::describe(&w),
                fault_log::describe(&w),
            ];
            for block in blocks {
                let block = block.unwrap_or_else(|errors| panic!("{config:?}: {errors}"));
                let names = verilog::derived_names(&block);
                let names: Vec<_> =
                    names.iter().map(|name| format!("{} {}", name.name, name.source)).collect();
                assert!(names.is_empty(), "{config:?}: the writer had to invent names: {names:?}");
            }
        }
    }
}
