//! The packet decoder describes itself without a mistake, at every width.

use stagecoach_controller::{controller, decoder};
use stagecoach_spec::{Config, Frontend, Preset, Processing};

fn config(preset: Preset, data_bits: u32) -> Config {
    let config = preset.config();
    let processing = Processing { data_bits, frontend: Frontend::Roce, ..config.processing.clone() };
    let config = Config { processing, stream_bits: 24, tag_bits: 32, max_request_bytes: 4096, ..config };
    config.validate().unwrap_or_else(|error| panic!("{error}"));
    config
}

#[test]
fn it_can_be_described() {
    for data_bits in [64, 128, 256, 512] {
        for preset in [Preset::Tiny, Preset::Roce] {
            let config = config(preset, data_bits);
            decoder::describe(&decoder::Shape::of(&config)).unwrap_or_else(|errors| panic!("{errors}"));
            controller(&config).unwrap_or_else(|errors| panic!("{errors}"));
        }
    }
}
