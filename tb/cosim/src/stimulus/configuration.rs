//! Configurations of moderate size, odd ones preferred.

use rand::Rng;
use stagecoach_spec::{Cam, Config, FrameWindows, Protection};

use super::pick;

/// A configuration that [`Config::validate`] accepts and that is simulated quickly.
pub fn random(random: &mut impl Rng) -> Config {
    let page_shifts: Vec<u32> = match random.random_range(0..6) {
        0 => vec![12],
        1 => vec![12, 13],
        2 => vec![12, 16, 20],
        3 => vec![12, 21, 30],
        4 => (12..=27).collect(),
        _ => vec![12, 16, 21, 30],
    };
    let largest = page_shifts.last().copied().unwrap_or(12);
    let physical_address_bits = pick(random, &[13, 20, 32, 40, 48, 52, 63, 64]).max(largest);
    let net_id_bits = match random.random_range(0..4) {
        0 => pick(random, &[1, 2, 63, 64, 65, 127, 128, 129, 152, 160]),
        _ => random.random_range(1..=160),
    };
    let cam = pick(random, &[Cam::Register, Cam::Cuckoo]);
    let bindings = match cam {
        Cam::Register => random.random_range(1..=9),
        // So many that ways of 16 and 32 places fill up.
        Cam::Cuckoo => random.random_range(1..=40),
    };
    let config = Config {
        name: "random".to_owned(),
        net_id_bits,
        bindings,
        cam: Some(cam),
        tables: random.random_range(1..=9),
        regions: random.random_range(1..=150),
        slots: random.random_range(1..=200),
        pd_bits: pick(random, &[0, 0, 1, 8, 16, 31, 32]),
        stream_bits: pick(random, &[0, 0, 1, 8, 24, 32]),
        tag_bits: pick(random, &[0, 1, 8, 17, 32]),
        physical_address_bits,
        page_shifts,
        max_request_bytes: 64 << random.random_range(0..=10),
        frame_windows: pick(random, &[FrameWindows::Disjoint, FrameWindows::Iommu]),
        // Small ones make spans wait; large ones leave every cycle foretold.
        max_in_flight: match random.random_range(0..4) {
            0 => random.random_range(1..=4),
            1 => random.random_range(1..=64),
            _ => random.random_range(256..=600),
        },
        dirty_words: pick(random, &[1, 2, 3, 17, 64, 100, 257, 1024]),
        fault_log_entries: pick(random, &[0, 2, 4, 16, 64, 256]),
        protection: pick(
            random,
            &[Protection::None, Protection::None, Protection::Parity, Protection::Secded],
        ),
        ..Config::default()
    };
    debug_assert_eq!(config.validate(), Ok(()));
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn random_configurations_are_valid_and_differ() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let configs: Vec<Config> = (0..500).map(|_| random(&mut generator)).collect();
        for config in &configs {
            assert_eq!(config.validate(), Ok(()));
        }
        let has = |what: fn(&Config) -> bool| configs.iter().any(what);
        assert!(has(|c| c.pd_bits == 0 && c.stream_bits == 0 && c.tag_bits == 0));
        assert!(has(|c| c.page_shifts == [12]) && has(|c| c.page_shifts.len() == 16));
        assert!(has(|c| c.max_request_bytes == 64) && has(|c| c.max_request_bytes == 65536));
        assert!(has(|c| c.tables == 1) && has(|c| c.physical_address_bits == 64));
        assert!(has(|c| c.max_in_flight == 1) && has(|c| c.fault_log_entries == 0));
        assert!(
            [Protection::None, Protection::Parity, Protection::Secded]
                .iter()
                .all(|protection| configs.iter().any(|config| config.protection == *protection))
        );
        assert!(has(|c| c.cam == Some(Cam::Cuckoo) && c.bindings > 30 && c.net_id_bits > 100));
        assert!(has(|c| c.net_id_bits < 8) && has(|c| c.net_id_bits > 128));
    }
}
