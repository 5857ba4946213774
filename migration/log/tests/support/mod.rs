//! Random logs.
#![allow(dead_code)] // Each test file uses its own part.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use stagecoach_log::{Capacity, Change, Header, Log};
use stagecoach_spec::{Access, NetId, Region};

/// The epoch of the logs here.
pub const EPOCH: u32 = 7;

pub fn header() -> Header {
    Header {
        net_ids: vec![NetId::from_u128(0x0a00_0102), NetId::from_u128(0xfd00 << 112 | 2)],
        epoch: EPOCH,
        page_shifts: vec![12, 21],
        capacity: Capacity { regions: 16, slots: 64 },
    }
}

/// A random change, often of what others changed.
pub fn change(random: &mut ChaCha8Rng) -> Change {
    let slot = random.random_range(0..16);
    let key = random.random_range(0..4) << 8 | random.random_range(0..3);
    let net_id = NetId::from_u128(random.random_range(0..3));
    match random.random_range(0..11) {
        0..3 => Change::SetSlot {
            slot,
            page: random.random_range(0..1 << 40) << 9,
            page_size: random.random_range(0..2),
        },
        3 => Change::ClearSlot { slot },
        4 | 5 => {
            let first_offset = random.random_range(0..4096);
            let region = Region {
                base: random.random_range(0..1 << 40) << 12 | u64::from(first_offset),
                length: random.random_range(0..1 << 30),
                first_offset,
                rights: Access::ALL,
                page_size: random.random_range(0..2),
                first_slot: slot,
                pd: random.random_range(0..8),
            };
            Change::Install { key, region }
        }
        6 => Change::Invalidate { key },
        7 => Change::Bind { net_id },
        8 => Change::Unbind { net_id },
        9 => [Change::Freeze, Change::Thaw][random.random_range(0..2)].clone(),
        _ => {
            let state = (0..random.random_range(0..40)).map(|_| random.random()).collect();
            Change::TransportState { stream: random.random_range(0..4), state }
        }
    }
}

/// A log of some random changes.
pub fn log(random: &mut ChaCha8Rng, changes: usize) -> Log {
    let changes = (0..changes).map(|_| change(random)).collect();
    Log::new(header(), changes).expect("it makes sense")
}

/// One change to some bytes: a bit, a byte, a cut, a repetition, an exchange of two stretches.
pub fn mutate(random: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    let mut mutated = bytes.to_vec();
    let place = random.random_range(0..bytes.len());
    let end = (place + random.random_range(1..80)).min(bytes.len());
    match random.random_range(0..7) {
        0 => mutated[place] ^= 1 << random.random_range(0..8),
        1 => mutated[place] = random.random(),
        2 => mutated.truncate(place),
        3 => drop(mutated.drain(place..end)),
        4 => {
            let again = bytes[place..end].to_vec();
            mutated.splice(end..end, again);
        }
        5 => {
            let other = random.random_range(0..bytes.len());
            mutated.swap(place, other);
        }
        _ => mutated.extend(&bytes[place..end]),
    }
    mutated
}
