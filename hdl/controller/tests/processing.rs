//! The processing unit's description is sound for every preset and width of data.

use stagecoach_controller::processing::{Shape, describe};
use stagecoach_spec::{Config, Preset, Processing};

#[test]
fn every_width_is_sound() {
    for preset in Preset::all() {
        for data_bits in [64, 128, 256, 512] {
            let config = preset.config();
            let processing = Processing { data_bits, ..config.processing.clone() };
            let config = Config { processing, ..config };
            if let Err(errors) = describe(&Shape::of(&config)) {
                panic!("{preset}, {data_bits} bits: {errors}");
            }
        }
    }
}

#[test]
fn the_controller_is_sound() {
    for preset in Preset::all() {
        if let Err(errors) = stagecoach_controller::controller(&preset.config()) {
            panic!("{preset}: {errors}");
        }
    }
}
